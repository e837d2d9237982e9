package box

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"kendro/domain/fault"
	"kendro/internal/nodetest"
	"kendro/protocol"
)

// TestAnswerLasts makes sure that an answer is the same after a restart, after
// the index was lost, and that its receipt verifies.
func TestAnswerLasts(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	first := map[uint64]*Answer{}
	for seed := range uint64(5) {
		first[seed] = c.file(seed)
		if r := first[seed].Receipt; !r.Verify(c.o.Signer.Public()) || r.At.Seq != seed+1 {
			t.Fatalf("receipt %d does not verify or stands elsewhere: %+v", seed, r)
		}
	}
	again := func(when string) {
		t.Helper()
		for seed, want := range first {
			if got := c.file(seed); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: answer %d is %+v; want %+v", when, seed, got, want)
			}
			one, err := c.Case(want.Number)
			if err != nil || !reflect.DeepEqual(one.Answer, *want) {
				t.Fatalf("%s: case %d is %+v, %v", when, seed, one, err)
			}
		}
		if tip := c.Head().At.Seq; tip != 5 {
			t.Fatalf("%s: the log holds %d events; want 5", when, tip)
		}
	}
	again("at once")
	c.restart()
	again("after a restart")
	if err := c.Rebuild(context.Background()); err != nil {
		t.Fatal(err)
	}
	again("after a rebuild")
	c.stop()
	if err := os.RemoveAll(filepath.Join(c.dir, "index")); err != nil {
		t.Fatal(err)
	}
	c.start()
	again("without its index")
}

func TestKeyWithAnotherBody(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.file(1)
	r := c.request(2)
	r.Key = "key-1"
	for range 2 {
		if _, _, err := c.File(context.Background(), r); !errors.Is(err, fault.Conflict) {
			t.Fatalf("another body under the same key: %v; want conflict", err)
		}
		c.restart()
	}
	r.User = "karim" // Keys are scoped to the user.
	if _, _, err := c.File(context.Background(), r); err != nil {
		t.Fatal(err)
	}
}

// TestSameKeyAtOnce files one application from many callers at the same moment.
func TestSameKeyAtOnce(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	r := c.request(1)
	other := c.request(2)
	other.Key = r.Key
	const callers = 40
	answers, conflicts := make([]*Answer, callers), make([]error, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			mine := r
			if i%4 == 3 {
				mine = other
			}
			answers[i], _, conflicts[i] = c.File(context.Background(), mine)
		})
	}
	wg.Wait()
	if tip := c.Head().At.Seq; tip != 1 {
		t.Fatalf("%d events for one key; want 1", tip)
	}
	taken := 0
	for i, a := range answers {
		switch {
		case conflicts[i] == nil && a.Receipt.At.Seq == 1:
			taken++
		case !errors.Is(conflicts[i], fault.Conflict):
			t.Errorf("caller %d got %v", i, conflicts[i])
		}
	}
	if taken != 30 && taken != 10 {
		t.Fatalf("%d callers got the answer; want all of one body", taken)
	}
}

// TestTakenNumber makes the random source repeat itself.
func TestTakenNumber(t *testing.T) {
	t.Parallel()
	c := freshCounter(t)
	draws := []byte{1, 1, 1, 2, 1, 2, 3}
	var mu sync.Mutex
	c.o.nonce = func() ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		n := []byte{0, 0, 0, 0, 0, 0, 0, draws[0]}
		if len(draws) > 1 {
			draws = draws[1:]
		}
		return n, nil
	}
	c.d.Publish(t, c.d.Set, nil)
	c.d.AddUser(t, nil)
	c.start()
	c.deliver(c.d.Catalogue)
	c.deliver(c.d.Inbox)
	waitFor(t, "intake to open", func() bool { return c.Blockers().Closed() == nil })
	seen := map[protocol.Number]bool{}
	for seed := range uint64(3) {
		seen[c.file(seed).Number] = true
	}
	if len(seen) != 3 {
		t.Fatalf("3 applications share numbers: %v", seen)
	}
	_, _, err := c.File(context.Background(), c.request(9))
	if !errors.Is(err, fault.Internal) {
		t.Fatalf("a stuck random source: %v; want internal", err)
	}
}

func TestNothingBeforeFirstSync(t *testing.T) {
	t.Parallel()
	c := freshCounter(t)
	c.start()
	refused := func(when string) {
		t.Helper()
		_, _, err := c.File(context.Background(), Request{User: nodetest.Person, Key: "k", Body: c.d.Body(t, service, 1)})
		var e *fault.Error
		if !errors.As(err, &e) || e.Kind != fault.Unavailable || e.Item != string(NotSynced) {
			t.Fatalf("%s: %v; want unavailable for %s", when, err, NotSynced)
		}
	}
	refused("at first")
	c.d.Publish(t, c.d.Set, nil)
	c.deliver(c.d.Catalogue)
	refused("without users")
	c.d.AddUser(t, nil)
	c.deliver(c.d.Inbox)
	waitFor(t, "intake to open", func() bool { return c.Blockers().Closed() == nil })
	c.file(1)
	c.restart()
	c.file(2)
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	first := c.file(1)
	c.free.Store(MinFree - 1)
	_, _, err := c.File(context.Background(), c.request(2))
	var e *fault.Error
	if !errors.As(err, &e) || e.Kind != fault.Unavailable || e.Item != string(DiskFull) {
		t.Fatalf("on a full disk: %v; want unavailable for %s", err, DiskFull)
	}
	if c.Blockers().Closed() == nil {
		t.Fatal("a full disk is no blocker")
	}
	if got := c.file(1); got.Number != first.Number { // What was taken is answered.
		t.Fatalf("repeat got %v; want %v", got.Number, first.Number)
	}
	c.d.Say(t, protocol.CaseMoved, &protocol.Standing{Number: first.Number, Stage: "RECEIVED", Version: 1})
	c.deliver(c.d.Inbox) // Sync goes on.
	c.free.Store(MinFree)
	waitFor(t, "room to be noticed", func() bool { return c.Blockers().Closed() == nil })
	c.file(2)
}
