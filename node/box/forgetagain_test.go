package box

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"kendro/domain/fault"
	"kendro/internal/nodetest"
	"kendro/protocol"
	"kendro/store/journal"
)

// TestForgetAfterMending: a journal that was put together from what could be read, or an
// older copy of the whole disk, is made to forget again; what the hub or a neighbour sends
// of the log since, whole or not, brings nothing back.
func TestForgetAfterMending(t *testing.T) {
	c := small(t)
	k, h := told(t, c)
	c.stop()
	old := t.TempDir()
	copyTree(t, c.dir, old)
	c.start()
	c.order(k)
	c.deliver(c.d.Inbox)
	c.carriedOut()
	t.Run("older journal/own", func(t *testing.T) {
		c.stop()
		putBack(t, c.counter, old, "journal/own")
		loseHead(t, c.counter)
		c.start()
		waitFor(t, "the log to be given up", func() bool { return c.Log() != h.log })
		c.carriedOut()
		c.wantForgotten("older journal/own", k)
	})
	t.Run("lost tail", func(t *testing.T) {
		other := small(t)
		k, h := told(t, other)
		other.order(k)
		other.stop()
		names, err := filepath.Glob(filepath.Join(other.dir, "journal", "own", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if err := os.RemoveAll(name); err != nil {
				t.Fatal(err)
			}
		}
		other.start()
		other.deliver(other.d.Inbox)
		other.carriedOut()
		if err := other.deliverRun(h.log, protocol.Hash{}, h.items); err != nil { // A neighbour's old copy, whole.
			t.Fatal(err)
		}
		w, err := other.Track(k.Number)
		if err != nil || w.Erased == nil {
			t.Errorf("tracking says %+v, %v", w, err)
		}
		if _, err := other.Case(h.number(t, 0)); err != nil {
			t.Errorf("a case of another: %v", err)
		}
		other.stop()
		other.searched("after an old copy", k)
	})
}

// number is that of an application of the log.
func (h *hubCopy) number(t *testing.T, i int) protocol.Number {
	t.Helper()
	e, err := protocol.DecodeEvent(h.items[i].Raw)
	if err != nil {
		t.Fatal(err)
	}
	n, err := mint(h.log, e.Nonce)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestForgetWhatStandsAgain: where a log was given up, the record that was first written
// is forgotten with the one that the hub knows, and where each section begins stays known
// when the index is built again.
func TestForgetWhatStandsAgain(t *testing.T) {
	c := small(t)
	told(t, c)
	c.stop()
	loseHead(t, c.counter) // Nothing is signed for beyond what told had signed.
	c.start()
	a := c.file(99)
	first := c.Log()
	c.stop()
	loseHead(t, c.counter)
	c.start()
	waitFor(t, "the log to be given up", func() bool { return c.Log() != first })
	run, err := c.Tail(c.Log(), protocol.Position{}, 256)
	if err != nil || len(run.Events) != 1 {
		t.Fatal(len(run.Events), err)
	}
	layout := append(sections{}, c.index.parts.all()...)
	again := &citizen{Answer: a}
	var others []byte
	for seed := range uint64(100) {
		if seed != 99 {
			others = append(others, c.request(seed).Body...)
		}
	}
	for _, w := range wordsOf(t, c.request(99).Body) {
		if !bytes.Contains(others, []byte(w)) {
			again.words = append(again.words, w)
		}
	}
	if len(again.words) < 2 {
		t.Fatalf("only %q tell of him", again.words)
	}
	again.places = []protocol.ErasedPlaces{{Log: c.Log(), At: []protocol.Position{c.Head().At}}}
	c.order(again)
	c.deliver(c.d.Inbox)
	c.carriedOut()
	g, err := c.Erased(a.Number)
	if err != nil || g == nil || g.Receipt == nil || g.Receipt.Log != a.Receipt.Log || g.Receipt.At != a.Receipt.At {
		t.Errorf("the receipt is %+v, %v; want the printed one", g, err)
	}
	if err := c.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.index.parts.all(); !reflect.DeepEqual(append(sections{}, got...), layout) {
		t.Errorf("the sections are %+v; want %+v", got, layout)
	}
	c.restart()
	if got := c.index.parts.all(); !reflect.DeepEqual(append(sections{}, got...), layout) {
		t.Errorf("after a restart the sections are %+v; want %+v", got, layout)
	}
	c.stop()
	c.searched("with the one before it", again)
}

// TestForgetUnsent: what was written here on the case while the order was on its way, and
// no hub has, is sent as it is, and goes with the order that names it.
func TestForgetUnsent(t *testing.T) {
	c := small(t)
	k, _ := told(t, c)
	pay, err := c.Followups().Pay(t.Context(), Followup{User: nodetest.Person, Key: "on-its-way", Number: k.Number}, protocol.Payment{
		Means: protocol.MeansCash, Fees: []protocol.Fee{{Kind: "government", Poisha: 5000}}, Reference: "canary-of-payment",
	})
	if err != nil {
		t.Fatal(err)
	}
	c.order(k)
	c.deliver(c.d.Inbox)
	c.carriedOut()
	run, err := c.Tail(c.Log(), protocol.Position{Seq: pay.Receipt.At.Seq - 1, Hash: c.before(pay.Receipt.At.Seq)}, 1)
	if err != nil || len(run.Events) != 1 || run.Erased() || !bytes.Contains(run.Events[0], []byte("canary-of-payment")) {
		t.Fatalf("the payment is not sent: %d events, %v", len(run.Events), err)
	}
	k.words = append(k.words, "canary-of-payment")
	k.places = []protocol.ErasedPlaces{{Log: pay.Receipt.Log, At: []protocol.Position{pay.Receipt.At}}}
	c.order(k)
	c.deliver(c.d.Inbox)
	c.carriedOut()
	c.wantForgotten("with its payment", k)
}

// before is the hash of the own log before a place.
func (c clerk) before(seq uint64) protocol.Hash {
	c.tb.Helper()
	e, err := c.placeAt(seq)
	if err != nil {
		c.tb.Fatal(err)
	}
	return e.record.Prev
}

// TestForgetOnFullDisk: without room nothing of an order is begun, tracking says all the
// same what was ordered, and with room it is carried out.
func TestForgetOnFullDisk(t *testing.T) {
	c := small(t)
	k, _ := told(t, c)
	c.free.Store(MinFree - 1)
	c.order(k)
	c.deliver(c.d.Inbox)
	waitFor(t, "the order to be put off", func() bool {
		c.forgets.mu.Lock()
		defer c.forgets.mu.Unlock()
		return c.forgets.late > 0
	})
	if w, err := c.Track(k.Number); err != nil || w.Erased == nil {
		t.Errorf("tracking says %+v, %v", w, err)
	}
	if f := c.Forgotten(); f.At.Seq != 0 {
		t.Errorf("it says that it is carried out: %+v", f)
	}
	c.free.Store(1 << 40)
	c.forgets.look()
	c.carriedOut()
	c.wantForgotten("with room", k)
}

// TestForgetWaitsForCopies: while a neighbour's copy can't go, an order is not said to be
// carried out, what could be done is done once, and the rest with a later try.
func TestForgetWaitsForCopies(t *testing.T) {
	c := clerk{freshCounter(t)}
	c.o.segment = 256 << 10
	var tries atomic.Int32
	c.o.Forget = func([]protocol.ErasedPlaces) error {
		if tries.Add(1) < 3 {
			return fault.New("test", fault.Unavailable, "held", "not yet")
		}
		return nil
	}
	c.synced()
	k, _ := told(t, c)
	c.order(k)
	c.deliver(c.d.Inbox)
	waitFor(t, "the first try", func() bool { return tries.Load() == 1 })
	if m := (forgetter{core: c.core}).mark(); m.Busy || m.Done.At.Seq != 0 || c.Forgotten().At.Seq != 0 {
		t.Errorf("after the first try the mark is %+v, and %+v is told", m, c.Forgotten())
	}
	for range 2 {
		n := tries.Load()
		c.forgets.look()
		waitFor(t, "another try", func() bool { return tries.Load() > n || c.Forgotten().At.Seq != 0 })
	}
	c.carriedOut()
	c.wantForgotten("at last", k)
}

// TestForgetNothing: of an order that names other places, or another event at a place of
// this box's, nothing is touched here.
func TestForgetNothing(t *testing.T) {
	c := small(t)
	k, _ := told(t, c)
	want := c.ageless()
	another := &citizen{Answer: &Answer{Number: 4100109292280148}}
	another.places = []protocol.ErasedPlaces{{Log: k.Receipt.Log, At: []protocol.Position{{Seq: k.Receipt.At.Seq, Hash: protocol.Hash{1}}}}}
	c.order(another)
	c.deliver(c.d.Inbox)
	c.carriedOut()
	c.wantAgeless("after an order about others", want)
	if w, err := c.Track(another.Number); err != nil || w.Erased == nil {
		t.Errorf("tracking says %+v, %v", w, err) // The order came first; what it names never does.
	}
}

// A still has a copy taken of a folder before each step by which a journal changes it.
type still struct {
	journal.Disk
	shoot func(step string)
}

func (d *still) Open(name string, create bool) (journal.File, error) {
	if base := filepath.Base(name); create && strings.HasPrefix(base, "spare-replace") {
		d.shoot("create " + base)
	}
	return d.Disk.Open(name, create)
}

func (d *still) Rename(from, to string) error {
	d.shoot("rename " + filepath.Base(to))
	return d.Disk.Rename(from, to)
}

func (d *still) SyncDir(dir string) error {
	d.shoot("syncdir")
	return d.Disk.SyncDir(dir)
}

// TestForgetKilled stops a box at each step of an order: at each that a journal takes on its
// disk, before and after the index was built again, and before the mark. Whatever a start
// finds, it brings the order to its end, and nothing else is lost.
func TestForgetKilled(t *testing.T) {
	c := clerk{freshCounter(t)}
	var mu sync.Mutex
	var shots []string
	on := false
	root := t.TempDir()
	shoot := func(step string) {
		mu.Lock()
		defer mu.Unlock()
		if on {
			dir := filepath.Join(root, strconv.Itoa(len(shots)))
			shots = append(shots, step)
			copyTree(t, c.dir, dir)
		}
	}
	c.o.segment = 256 << 10
	c.o.disk = &still{journal.SystemDisk(), shoot}
	c.o.Forget = func([]protocol.ErasedPlaces) error { shoot("forget"); return nil }
	c.synced()
	k, _ := told(t, c)
	want := c.ageless()
	delete(want, k.Number)
	c.order(k)
	c.stop()
	c.o.Free = func(string) (uint64, error) { // The last thing before anything is done.
		mu.Lock()
		on = true
		mu.Unlock()
		return 1 << 40, nil
	}
	c.start()
	c.deliver(c.d.Inbox)
	c.carriedOut()
	mu.Lock()
	on = false
	mu.Unlock()
	seen := strings.Join(shots, "\n")
	for _, step := range []string{"rename 0000", "create spare-replace", "syncdir", "forget"} {
		if !strings.Contains(seen, step) {
			t.Errorf("no step %q among %q", step, shots)
		}
	}
	t.Logf("%d steps: %q", len(shots), shots)
	for i, step := range shots {
		killed := clerk{&counter{tb: t, d: c.d, dir: filepath.Join(root, strconv.Itoa(i)), o: c.o}}
		killed.o.disk, killed.o.Forget = nil, nil
		killed.free.Store(1 << 40)
		killed.o.Free = func(string) (uint64, error) { return 1 << 40, nil }
		killed.start()
		if killed.Held()[c.d.Inbox.ID] != c.d.Inbox.Head().At {
			killed.deliver(c.d.Inbox)
		}
		killed.carriedOut()
		killed.wantAgeless("stopped at "+step, want)
		if w, err := killed.Track(k.Number); err != nil || w.Erased == nil {
			t.Errorf("stopped at %s: tracking says %+v, %v", step, w, err)
		}
		killed.stop()
		killed.searched("stopped at "+step, k)
		if err := os.RemoveAll(killed.dir); err != nil {
			t.Fatal(err)
		}
	}
}
