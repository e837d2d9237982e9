package register

import (
	"testing"

	"kendro/domain/access"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
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

// BenchmarkErase measures what it takes to erase one case of a register of so many, on disk:
// the leader's look, beside which the register takes in what comes, the entry, and an entry
// for which no leader has looked.
func BenchmarkErase(b *testing.B) {
	vault, err := store.OpenVault(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	db, err := store.Open(b.TempDir(), store.Options{Preset: store.Office, Vault: vault})
	if err != nil {
		b.Fatal(err)
	}
	w := newTown(b, onDisk{db}).withKey().settle()
	w.publish(2, eraseDirectory(), licence(b))
	w.must(NewCommand("", "root", AddUser, &User{
		Name: "uno-officer", Role: access.Officer, Seat: place.Seat{Post: "uno", Office: "upazila-41-09"}, Hash: hash1, From: 1,
	}))
	bx := w.enrol("41-09-17")
	if bx.epoch, err = identity.NewEpoch(w.recips...); err != nil {
		b.Fatal(err)
	}
	w.first().opener = &cachedOpener{town: w}
	for len(bx.events) < b.N {
		for _, raw := range bx.entries(b, 100, 100) {
			w.index++
			if out := w.first().Apply(w.index, 1, raw); out.Ingests[0].Fault != nil {
				b.Fatal(out.Ingests[0].Fault.Err())
			}
		}
	}
	bx.epoch = nil
	n := bx.ended(uint64(len(bx.events)+1), protocol.Document{Kind: "nid", Hash: protocol.Hash{9}, Size: 1000, Type: 1})
	m := bx.ended(uint64(len(bx.events)+1), protocol.Document{Kind: "nid", Hash: protocol.Hash{10}, Size: 1000, Type: 1})
	good(b, "order", order(w, "chair", n))
	good(b, "order", order(w, "chair", m))
	timed := func(unit string, do func()) func() {
		b.ResetTimer()
		do()
		ms := float64(b.Elapsed().Microseconds()) / 1000
		return func() { b.ReportMetric(ms, unit) }
	}
	var c Command
	look := timed("look-ms", func() { c = looked(w, "uno-officer", n) })
	one := timed("entry-ms", func() { good(b, "confirm", entry(w, c)) })
	c = with(b, looked(w, "uno-officer", m), nil)
	all := timed("without-look-ms", func() { good(b, "confirm", entry(w, c)) })
	b.StopTimer()
	look()
	one()
	all()
	b.ReportMetric(float64(len(bx.events)), "events")
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}
