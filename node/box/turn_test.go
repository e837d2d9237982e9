package box

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"kendro/domain/fault"
)

// An answer does not wait for the index, and whoever was told of a record finds
// it all the same: he waits.
func TestAnswerBeforeIndex(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	r := c.request(1)
	r.Render = func(*Answer) { c.index.use.Lock() } // From here on the index takes nothing.
	a, _, err := c.File(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	found := make(chan error, 1)
	go func() {
		_, err := c.Case(a.Number)
		found <- err
	}()
	again := make(chan *Answer, 1)
	go func() {
		b, _, err := c.File(context.Background(), c.request(1))
		if err != nil {
			t.Error(err)
		}
		again <- b
	}()
	if c.index.behind.Load() == nil {
		t.Error("the index is not behind; want it to wait for the lock")
	}
	c.index.use.Unlock()
	if err := <-found; err != nil {
		t.Errorf("case just filed: %v", err)
	}
	if b := <-again; b == nil || b.Number != a.Number || c.Head().At.Seq != 1 {
		t.Errorf("repeat got %+v in a log of %d; want %s in a log of 1", b, c.Head().At.Seq, a.Number)
	}
}

// An index that refuses a record after its answer went out is built again without
// anybody's asking, and the record is taken once.
func TestIndexFailsAfterAnswer(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	r := c.request(1)
	r.Render = func(*Answer) {
		if err := c.index.db.Close(); err != nil {
			t.Error(err)
		}
	}
	a, _, err := c.File(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the index to be built again", func() bool {
		_, err := c.Case(a.Number)
		return err == nil
	})
	if b := c.file(1); b.Number != a.Number {
		t.Errorf("repeat got %s; want %s", b.Number, a.Number)
	}
	c.file(2)
	if got := c.Head().At.Seq; got != 2 {
		t.Errorf("log of %d; want 2", got)
	}
}

// Whoever takes his own turn and whoever waits for another's are all taken once,
// while the index is built again in between.
func TestTurnsAtOnce(t *testing.T) {
	t.Parallel()
	const people, each = 8, 12
	c := newCounter(t)
	var wg sync.WaitGroup
	numbers := make([]map[string]bool, people)
	for p := range people {
		numbers[p] = map[string]bool{}
		wg.Go(func() {
			for i := range each {
				r := c.request(uint64(i / 2)) // Every request twice.
				r.Key = fmt.Sprintf("person-%d-%d", p, i/2)
				a := c.insist(r)
				if _, err := c.Case(a.Number); err != nil && !errors.Is(err, fault.Unavailable) {
					t.Errorf("case just filed: %v", err)
				}
				numbers[p][a.Number.String()] = true
			}
		})
	}
	for range 5 {
		if err := c.Rebuild(context.Background()); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if got := c.Head().At.Seq; got != people*each/2 {
		t.Errorf("log of %d; want %d", got, people*each/2)
	}
	for p := range numbers {
		if len(numbers[p]) != each/2 {
			t.Errorf("person %d got %d numbers; want %d", p, len(numbers[p]), each/2)
		}
	}
}

// insist repeats a request for as long as the box asks for it.
func (c *counter) insist(r Request) (a *Answer) {
	waitFor(c.tb, "an answer", func() bool {
		var err error
		a, _, err = c.File(context.Background(), r)
		if err != nil && !errors.Is(err, fault.Unavailable) {
			c.tb.Error(err)
		}
		return err == nil
	})
	return a
}
