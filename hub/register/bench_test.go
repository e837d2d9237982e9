package register

import (
	"testing"

	"kendro/identity"
	"kendro/store"
)

// BenchmarkApplyIngest measures what one application costs the register on disk,
// alone and in blocks of a hundred, sealed as they travel.
func BenchmarkApplyIngest(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(map[int]string{1: "alone", 100: "hundred"}[size], func(b *testing.B) {
			vault, err := store.OpenVault(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			db, err := store.Open(b.TempDir(), store.Options{Preset: store.Office, Vault: vault})
			if err != nil {
				b.Fatal(err)
			}
			w := newTown(b, onDisk{db}).withKey()
			w.settle()
			bx := w.enrol("41-09-17")
			if bx.epoch, err = identity.NewEpoch(w.recips...); err != nil {
				b.Fatal(err)
			}
			entries := bx.entries(b, max(1, min(b.N, 200)), size)
			opener := &cachedOpener{town: w}
			w.first().opener = opener
			b.ResetTimer()
			applied := 0
			for i := 0; i < b.N; i++ {
				if i == len(entries) { // More applications, made while the clock stands.
					b.StopTimer()
					entries = append(entries, bx.entries(b, min(b.N-i, 200), size)...)
					b.StartTimer()
				}
				w.index++
				out := w.first().Apply(w.index, 1, entries[i])
				if out.Ingests[0].Fault != nil {
					b.Fatal(out.Ingests[0].Fault.Err())
				}
				applied += out.Ingests[0].Accepted
				entries[i] = nil
			}
			b.StopTimer()
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(applied), "µs/application")
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// entries makes n entries of one block each.
func (b *box) entries(t testing.TB, n, size int) [][]byte {
	var out [][]byte
	v := licence(t)
	for range n {
		first := len(b.events) + 1
		for range size {
			b.submit(v, uint64(len(b.events)+1))
		}
		e := &Entry{At: b.town.at, Ingests: []Ingest{b.ingest(first, len(b.events))}}
		if first == 1 {
			e.Epochs = append(e.Epochs, b.introduction())
		}
		raw, err := EncodeEntry(e)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, raw)
	}
	return out
}
