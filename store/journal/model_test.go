package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"kendro/domain/fault"
)

// testOptions are small segments and no ticker in the way.
func testOptions() Options {
	return Options{SegmentBytes: 4 << 10, HeadEvery: time.Hour, Name: "test", Disk: quick{}}
}

func mustOpen(t testing.TB, dir string, o Options) (*Journal, Report) {
	t.Helper()
	j, r, err := Open(dir, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j, r
}

func mustClose(t testing.TB, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// model is what a journal must hold. It is never changed, only replaced.
type model struct {
	first uint64
	recs  [][]byte
}

func (m model) last() uint64 { return m.first + uint64(len(m.recs)) - 1 }

// act is one call and the model after it.
type act struct {
	name string
	run  func(*Journal) error
	next model
}

// draw picks the next call.
func (m model) draw(rnd *rand.Rand) act {
	switch k := rnd.IntN(23); {
	case k < 14 || len(m.recs) == 0:
		return m.drawAppend(rnd)
	case k < 16:
		seq := m.first - 1 + uint64(rnd.IntN(len(m.recs)+1))
		if rnd.IntN(2) == 0 {
			seq = m.last() - uint64(rnd.IntN(min(3, len(m.recs)+1)))
		}
		return act{
			fmt.Sprint("CutAfter ", seq), func(j *Journal) error { return j.CutAfter(seq) },
			model{m.first, m.recs[:seq+1-m.first]},
		}
	case k < 19:
		seq := m.first + uint64(rnd.IntN(len(m.recs)+1))
		if rnd.IntN(3) > 0 {
			seq = m.first + uint64(rnd.IntN(len(m.recs)/2+1))
		}
		return act{
			fmt.Sprint("DropBefore ", seq), func(j *Journal) error { return j.DropBefore(seq) },
			model{seq, m.recs[seq-m.first:]},
		}
	case k < 22:
		return m.drawReplace(rnd)
	default:
		next := 1 + rnd.Uint64N(1000)
		return act{fmt.Sprint("Reset ", next), func(j *Journal) error { return j.Reset(next) }, model{first: next}}
	}
}

// drawReplace puts another record in the place of one: what is one call with several
// segments may happen in part.
func (m model) drawReplace(rnd *rand.Rand) act {
	at := rnd.IntN(len(m.recs))
	fresh := make([]byte, rnd.IntN(len(m.recs[at])+1))
	for k := range fresh {
		fresh[k] = byte(rnd.Uint32())
	}
	next := model{m.first, slices.Clone(m.recs)}
	next.recs[at] = fresh
	seq := m.first + uint64(at)
	return act{fmt.Sprint("Replace ", seq), func(j *Journal) error { return j.Replace(map[uint64][]byte{seq: fresh}) }, next}
}

func (m model) drawAppend(rnd *rand.Rand) act {
	batch := make([][]byte, 1+rnd.IntN(4))
	for i := range batch {
		n := rnd.IntN(200)
		switch rnd.IntN(20) {
		case 0:
			n = 0
		case 1:
			n = 1500
		case 2:
			n = 6000 // Wider than a segment.
		}
		batch[i] = make([]byte, n)
		for k := range batch[i] {
			batch[i][k] = byte(rnd.Uint32())
		}
	}
	want := m.last() + 1
	next := model{m.first, append(slices.Clip(m.recs), batch...)}
	return act{fmt.Sprint("Append ", want, "+", len(batch)), func(j *Journal) error {
		first, err := j.Append(batch...)
		if err == nil && first != want {
			return fmt.Errorf("got first %d; want %d", first, want)
		}
		return err
	}, next}
}

// differs tells how j differs from m, reading everything twice.
func (m model) differs(j *Journal) error {
	if j.First() != m.first || j.Last() != m.last() {
		return fmt.Errorf("got records %d to %d; want %d to %d", j.First(), j.Last(), m.first, m.last())
	}
	n := uint64(0)
	err := j.Scan(0, func(seq uint64, record []byte) error {
		if seq != m.first+n || !bytes.Equal(record, m.recs[n]) {
			return fmt.Errorf("scan: record %d is not what was appended", seq)
		}
		n++
		return nil
	})
	if err != nil {
		return err
	}
	if n != uint64(len(m.recs)) {
		return fmt.Errorf("scan: got %d records; want %d", n, len(m.recs))
	}
	for i, want := range m.recs {
		got, err := j.Read(m.first + uint64(i))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("record %d is not what was appended", m.first+uint64(i))
		}
	}
	for _, seq := range []uint64{m.first - 1, m.last() + 1} {
		if _, err := j.Read(seq); !errors.Is(err, fault.NotFound) {
			return fmt.Errorf("Read(%d) outside = %w; want not found", seq, err)
		}
	}
	return nil
}

// isOneOf fails the test unless j holds one of the models, and returns it.
func isOneOf(t *testing.T, j *Journal, models ...model) model {
	t.Helper()
	var errs []error
	for _, m := range models {
		err := m.differs(j)
		if err == nil {
			return m
		}
		errs = append(errs, err)
	}
	t.Fatalf("the journal is none of %d expected: %v", len(models), errors.Join(errs...))
	return model{}
}
