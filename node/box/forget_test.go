package box

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/internal/nodetest"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/cabinet"
	"kendro/store/journal"
)

// A citizen is one who is to be forgotten: the words that tell of her, and where they are.
type citizen struct {
	*Answer
	words  []string
	places []protocol.ErasedPlaces
	papers []protocol.Hash
}

// small is a box that has synced once, with journals of many segments.
func small(t *testing.T) *counter {
	t.Helper()
	c := freshCounter(t)
	c.o.segment = 256 << 10
	c.synced()
	return c
}

// wordsOf are the values in a JSON text that are long enough to be found again by chance
// of nobody.
func wordsOf(t *testing.T, raw []byte) (list []string) {
	t.Helper()
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			if len(v) >= 8 {
				list = append(list, v)
			}
		case map[string]any:
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	walk(v)
	return list
}

// told files for a citizen with two scans, one of which another case has as well, and has
// the hub take and decide it. The others of the box are filed around it.
func told(t *testing.T, c *counter) (*citizen, *hubCopy) {
	t.Helper()
	mine, shared := c.upload(scanned(1)), c.upload(scanned(2))
	var others []byte
	for seed := range uint64(5) {
		c.file(seed)
		others = append(others, c.request(seed).Body...)
	}
	r := c.withPaper(77, mine)
	a, wrong, err := c.File(t.Context(), r)
	if err != nil || len(wrong) > 0 {
		t.Fatal(err, wrong)
	}
	if _, wrong, err = c.File(t.Context(), c.withPaper(78, shared)); err != nil || len(wrong) > 0 {
		t.Fatal(err, wrong)
	}
	k := &citizen{Answer: a, papers: []protocol.Hash{mine, shared}}
	others = append(others, c.request(78).Body...)
	for _, w := range append(wordsOf(t, r.Body), "canary of her neighbour") {
		if !bytes.Contains(others, []byte(w)) && !strings.HasPrefix(w, service) {
			k.words = append(k.words, w)
		}
	}
	if len(k.words) < 4 {
		t.Fatalf("only %q tell of her", k.words)
	}
	h := c.copied()
	c.d.Say(t, protocol.CaseMoved, &protocol.Standing{Number: a.Number, Stage: "REJECTED", Since: nodetest.Start.UnixMilli(), Version: 4, Reason: "canary of her neighbour"})
	moved := c.d.Inbox.Head()
	c.deliver(c.d.Inbox)
	if got, err := c.Case(a.Number); err != nil || got.Reason != "canary of her neighbour" {
		t.Fatal(got, err)
	}
	k.places = []protocol.ErasedPlaces{{Log: a.Receipt.Log, At: []protocol.Position{a.Receipt.At}}, {Log: moved.Log, At: []protocol.Position{moved.At}}}
	return k, h
}

// order says in the inbox that she is to be forgotten.
func (c *counter) order(k *citizen) {
	c.tb.Helper()
	c.d.Say(c.tb, protocol.EventsErased, &protocol.Erasure{
		Cases:  []protocol.ErasedCase{{Number: k.Number, Stage: "REJECTED", At: 5, By: place.Seat{Post: "dc", Office: "dc-41"}, Basis: "the law"}},
		Places: k.places, Documents: k.papers,
	})
}

// carriedOut waits until the box says that all in its inbox is carried out.
func (c *counter) carriedOut() {
	c.tb.Helper()
	waitFor(c.tb, "the order to be carried out", func() bool {
		return c.Forgotten().At == c.d.Inbox.Head().At
	})
}

// wantForgotten fails unless nothing here tells of her, what is left is shown, and the
// stopped box holds nothing that can be opened and names her.
func (c *counter) wantForgotten(when string, k *citizen) {
	t := c.tb
	t.Helper()
	w, err := c.Track(k.Number)
	if err != nil || w.Erased == nil || w.Stage != "REJECTED" || w.Erased.Basis != "the law" || w.Reason != "" {
		t.Fatalf("%s: tracking says %+v, %v", when, w, err)
	}
	if _, err := c.Case(k.Number); !errors.Is(err, fault.NotFound) {
		t.Errorf("%s: the case is still here: %v", when, err)
	}
	g, err := c.Erased(k.Number)
	if err != nil || g == nil || g.Receipt == nil || g.Receipt.At != k.Receipt.At || g.Receipt.Log != k.Receipt.Log || !g.Receipt.Verify(c.o.Signer.Public()) {
		t.Errorf("%s: the receipt is %+v, %v; want the printed one", when, g, err)
	}
	list, err := c.Latest(0, 1000)
	if err != nil || len(list) == 0 {
		t.Fatalf("%s: %d cases, %v", when, len(list), err)
	}
	for _, other := range list {
		if other.Number == k.Number {
			t.Errorf("%s: she is listed", when)
		}
	}
	if _, err := c.Followups().Pay(t.Context(), Followup{User: nodetest.Person, Key: "late", Number: k.Number}, protocol.Payment{
		Means: protocol.MeansCash, Fees: []protocol.Fee{{Kind: "government", Poisha: 5000}},
	}); !errors.Is(err, fault.Conflict) {
		t.Errorf("%s: money is taken for it: %v", when, err)
	}
	if c.tray.Has(k.papers[0]) || !c.tray.Has(k.papers[1]) {
		t.Errorf("%s: her scan is here: %v, the one that another case has: %v", when, c.tray.Has(k.papers[0]), c.tray.Has(k.papers[1]))
	}
	if err := c.Scrub(t.Context()); err != nil {
		t.Errorf("%s: scrub: %v", when, err)
	}
	c.stop()
	c.searched(when, k)
	c.start()
}

// searched opens everything that the folder of the stopped box holds, with its own keys.
func (c *counter) searched(when string, k *citizen) {
	t := c.tb
	t.Helper()
	vault, err := store.OpenVaultKey(filepath.Join(c.dir, "vault"), nil)
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	look := func(where string, b []byte) {
		opened++
		for _, w := range k.words {
			if bytes.Contains(b, []byte(w)) {
				t.Errorf("%s: %s holds %q", when, where, w)
			}
		}
		if len(k.papers) > 0 && bytes.Contains(b, scanned(1)) {
			t.Errorf("%s: %s holds her scan", when, where)
		}
	}
	for _, name := range []string{"own", "in"} {
		f, err := journal.Salvage(filepath.Join(c.dir, "journal", name), journal.Options{Name: name, Cipher: vault}, func(_ uint64, r []byte) error {
			look("journal/"+name, r)
			return nil
		})
		if err != nil || len(f.Notes) > 0 {
			t.Errorf("%s: verify of %s: %v, %q", when, name, err, f.Notes)
		}
	}
	db, err := store.Open(filepath.Join(c.dir, "index"), store.Options{Preset: store.Box, Vault: vault})
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(func(tx *store.Tx) error {
		return tx.Scan(nil, nil, func(key, value []byte) (bool, error) {
			look("the index", append(bytes.Clone(key), value...))
			return true, nil
		})
	})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	papers, err := cabinet.Open(filepath.Join(c.dir, "documents"), cabinet.Options{Vault: vault, Secret: c.o.Secret})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range k.papers {
		if b, err := papers.Get(h); err == nil {
			look("the cabinet", b)
		}
	}
	if opened < 20 {
		t.Errorf("%s: only %d things could be opened", when, opened)
	}
	if err := filepath.WalkDir(c.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(name)
		look(name, b)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestForget has a box carry out an order: what told of her is in nothing that can be
// opened here, places, heads and the other cases are as they were, and it stays so when
// the order comes again, the box starts again, the index is built again, or a journal is
// put together again. The sealed bytes of before are in no file.
func TestForget(t *testing.T) {
	c := small(t)
	k, h := told(t, c)
	before := c.ageless()
	delete(before, k.Number)
	head := c.Head()
	c.stop()
	old := segments(t, c.dir)
	c.start()
	c.order(k)
	c.deliver(c.d.Inbox)
	c.carriedOut()
	c.wantForgotten("at once", k)
	c.wantAgeless("at once", before)
	if c.Head() != head {
		t.Errorf("the log ends at %+v; want %+v", c.Head(), head)
	}
	wantSent(t, c, h)
	c.stop()
	gone := 0
	for name, was := range old { // What differs was the sealed records, and lies in no file.
		now := segments(t, c.dir)[name]
		for _, piece := range differing(was, now) {
			gone++
			for other, b := range segments(t, c.dir) {
				if bytes.Contains(b, piece) {
					t.Errorf("%s still holds sealed bytes of before", other)
				}
			}
		}
	}
	if gone == 0 {
		t.Error("no sealed bytes of before were found: the search tests nothing")
	}
	c.start()
	c.order(k)
	c.deliver(c.d.Inbox)
	c.carriedOut()
	c.wantForgotten("a second time", k)
	if err := c.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.wantForgotten("built again", k)
	c.wantAgeless("built again", before)
	if a, _, err := c.File(t.Context(), c.request(77)); err != nil || a.Number == k.Number {
		t.Errorf("the same request after it: %v, %v; want a new number", a, err)
	}
}

// segments are the contents of the files of both journals' segments.
func segments(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	names, err := filepath.Glob(filepath.Join(dir, "journal", "*", "*.seg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if all[name], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// differing returns pieces of 32 bytes that was has and now has not in their place.
func differing(was, now []byte) (list [][]byte) {
	for at := 0; at+32 <= len(was) && at+32 <= len(now); at += 32 {
		if !bytes.Equal(was[at:at+32], now[at:at+32]) && len(bytes.Trim(was[at:at+32], "\x00")) == 32 {
			list = append(list, was[at:at+32])
		}
	}
	return list
}

// wantSent fails unless the box sends all of the log, each place with the hash of before.
func wantSent(t *testing.T, c *counter, h *hubCopy) {
	t.Helper()
	at, bare := protocol.Position{}, 0
	for at.Seq < uint64(len(h.items)) {
		run, err := c.Tail(h.log, at, 256)
		if err != nil || len(run.Events) == 0 {
			t.Fatalf("after %d: %d events, %v", at.Seq, len(run.Events), err)
		}
		for _, raw := range run.Events {
			at = protocol.Position{Seq: at.Seq + 1, Hash: protocol.LinkHash(h.log, at.Seq+1, at.Hash, raw)}
			if _, gone := protocol.ErasedHash(raw); gone {
				bare++
			}
			if at.Hash != h.items[at.Seq-1].Hash {
				t.Fatalf("another event stands at %d", at.Seq)
			}
		}
		if run.End != at.Hash {
			t.Fatalf("the run says that it ends at %v", run.End)
		}
	}
	if bare != 1 {
		t.Errorf("%d places are sent as erased; want 1", bare)
	}
}

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
		putBack(t, c, old, "journal/own")
		loseHead(t, c)
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
	loseHead(t, c) // Nothing is signed for beyond what told had signed.
	c.start()
	a := c.file(99)
	first := c.Log()
	c.stop()
	loseHead(t, c)
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
func (c *counter) before(seq uint64) protocol.Hash {
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
	waitFor(t, "the order to be put off", func() bool { return (forgetter{core: c.core}).isLate() })
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
	c := freshCounter(t)
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
		killed := &counter{tb: t, d: c.d, dir: filepath.Join(root, strconv.Itoa(i)), o: c.o}
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
