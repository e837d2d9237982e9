package register

import (
	"errors"
	"sync"
	"testing"

	"kendro/domain/fault"
	"kendro/store"
)

// TestReadsOverlapApply asks everything from several goroutines while entries are
// applied: each answer belongs to one entry, at or behind the one that Applied
// named before.
func TestReadsOverlapApply(t *testing.T) {
	db, err := store.Open(t.TempDir(), store.Options{Preset: store.Office})
	if err != nil {
		t.Fatal(err)
	}
	w := newTown(t, onDisk{db})
	w.first().db = db
	w.settle()
	b := w.enrol("41-09-17")
	const rounds, size = 30, 10
	for i := range rounds * size {
		b.submit(licence(t), uint64(i))
	}
	r, begin := w.first(), w.index
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for last := uint64(0); ; {
				select {
				case <-done:
					return
				default:
				}
				applied := r.Applied()
				if applied < last {
					t.Errorf("applied went from %d back to %d", last, applied)
				}
				last = applied
				at, err := r.LogHead(b.log)
				if want := (applied - begin) * size; err != nil || at.Seq < want || at.Seq%size != 0 {
					t.Errorf("after entry %d the log stands at %d, %v; want %d or more, whole blocks", applied, at.Seq, err, want)
					return
				}
				if at.Seq == 0 {
					continue
				}
				n := b.numbers[at.Seq-1]
				c, err := r.Case(n)
				if err != nil {
					t.Errorf("case of event %d: %v", at.Seq, err)
					return
				}
				if _, _, err := r.Submission(c); err != nil {
					t.Error(err)
				}
				if _, _, err := r.Tasks(TaskQuery{Office: "local-41-09-17"}); err != nil {
					t.Error(err)
				}
				if _, err := r.LogEvents(r.Inbox("41-09-17"), 0, 50); err != nil {
					t.Error(err)
				}
				if r.Set() == nil || r.Stats().Cases < at.Seq-size {
					t.Errorf("stats %+v after %d events", r.Stats(), at.Seq)
				}
			}
		})
	}
	for i := range rounds {
		b.mustBring(i*size+1, (i+1)*size)
	}
	close(done)
	readers.Wait()
	now, digest := r.Digest()
	if got, err := r.DigestAt(now); err != nil || got != digest {
		t.Errorf("DigestAt now: %v, %v; want %v", got, err, digest)
	}
	w.apply(&Entry{})
	if got, err := r.DigestAt(now); err != nil || got != digest {
		t.Errorf("DigestAt before: %v, %v; want %v", got, err, digest)
	}
	if _, err := r.DigestAt(w.index + 1); !errors.Is(err, fault.NotFound) {
		t.Errorf("DigestAt of what is to come: %v", err)
	}
	if _, err := r.Case(12345); !errors.Is(err, fault.NotFound) {
		t.Errorf("a number that isn't: %v", err)
	}
	if run, err := r.LogEvents(b.log, rounds*size, 5); err != nil || len(run.Events) != 0 || run.End != b.hashes[rounds*size-1] {
		t.Errorf("behind the end: %+v, %v", run, err)
	}
	if _, err := r.LogEvents(b.log, rounds*size+1, 5); !errors.Is(err, fault.NotFound) {
		t.Errorf("beyond the end: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
