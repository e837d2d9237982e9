package box

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
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

// synced starts a box and has it sync once.
func (c clerk) synced() {
	c.tb.Helper()
	c.d.Publish(c.tb, c.d.Set, nil)
	c.d.AddUser(c.tb, nil)
	c.start()
	c.deliver(c.d.Catalogue)
	c.deliver(c.d.Inbox)
	waitFor(c.tb, "intake to open", func() bool { return c.Blockers().Closed() == nil })
}

// A clerk has a box forget somebody, and looks whether it did.
type clerk struct{ *counter }

// small is a box that has synced once, with journals of many segments.
func small(t *testing.T) clerk {
	t.Helper()
	c := clerk{freshCounter(t)}
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
func told(t *testing.T, c clerk) (*citizen, *hubCopy) {
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
func (c clerk) order(k *citizen) {
	c.tb.Helper()
	c.d.Say(c.tb, protocol.EventsErased, &protocol.Erasure{
		Cases:  []protocol.ErasedCase{{Number: k.Number, Stage: "REJECTED", At: 5, By: place.Seat{Post: "dc", Office: "dc-41"}, Basis: "the law"}},
		Places: k.places, Documents: k.papers,
	})
}

// carriedOut waits until the box says that all in its inbox is carried out.
func (c clerk) carriedOut() {
	c.tb.Helper()
	waitFor(c.tb, "the order to be carried out", func() bool {
		return c.Forgotten().At == c.d.Inbox.Head().At
	})
}

// wantForgotten fails unless nothing here tells of her, what is left is shown, and the
// stopped box holds nothing that can be opened and names her.
func (c clerk) wantForgotten(when string, k *citizen) {
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
func (c clerk) searched(when string, k *citizen) {
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

// TestErasedDocumentIsSentAgain: a hub that threw a document away by order holds it no more. What
// another application here names of it, before the order came or after it, waits to be
// sent once more, and makes no room on a full disk until the hub says that it holds it again.
func TestErasedDocumentIsSentAgain(t *testing.T) {
	c := freshCounter(t)
	var fill atomic.Int64
	c.o.Fill = func(string) (int, error) { return int(fill.Load()), nil }
	k := clerk{c}
	k.synced()
	citizen, _ := told(t, k)
	hold := func() {
		t.Helper()
		c.d.Say(t, protocol.DocumentsHeld, &protocol.HeldDocuments{Hashes: citizen.papers})
		c.deliver(c.d.Inbox)
	}
	waiting := func(when string, want ...protocol.Hash) {
		t.Helper()
		var got []protocol.Hash
		for _, p := range c.pending() {
			got = append(got, p.Hash)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v wait to be sent; want %v", when, got, want)
		}
	}
	hold()
	waiting("all are held")
	k.order(citizen)
	c.deliver(c.d.Inbox)
	k.carriedOut()
	waiting("erased, the other case's", citizen.papers[1])
	again := c.upload(scanned(1))
	if _, wrong, err := c.File(t.Context(), c.withPaper(79, again)); err != nil || len(wrong) > 0 {
		t.Fatal(err, wrong)
	}
	waiting("she came again", citizen.papers[1], again)
	c.d.Say(t, protocol.Assured, &protocol.Assurance{Backed: &protocol.Watermark{Index: 1 << 40, At: nodetest.Start.UnixMilli(), Until: nodetest.Start.Unix() + 1<<30}})
	c.deliver(c.d.Inbox)
	fill.Store(markRefused)
	c.tend()
	if !c.tray.Has(again) || !c.tray.Has(citizen.papers[1]) {
		t.Error("the only copy made room on the disk")
	}
	fill.Store(0)
	c.tend()
	if err := c.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	waiting("built again", citizen.papers[1], again)
	hold()
	waiting("held once more")
	if err := c.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	waiting("held, and built again")
}

// TestForgetLeavesWhatIsFiledMeanwhile: whoever files with a scan while the journals are searched for
// who else names it keeps it.
func TestForgetLeavesWhatIsFiledMeanwhile(t *testing.T) {
	c := small(t)
	k, _ := told(t, c)
	f := forgetter{core: c.core, papers: c.Papers}
	orders := []order{{Erasure: protocol.Erasure{
		Cases: []protocol.ErasedCase{{Number: k.Number, Stage: "REJECTED", At: 5, Basis: "the law"}}, Places: k.places, Documents: k.papers,
	}}}
	search := func() *targets {
		t.Helper()
		found := newTargets(f.core, orders)
		if err := found.find(); err != nil || !found.papers[k.papers[0]] {
			t.Fatal(err, found.papers)
		}
		return found
	}
	found := search()
	if _, wrong, err := c.File(t.Context(), c.withPaper(79, k.papers[0])); err != nil || len(wrong) > 0 {
		t.Fatal(err, wrong)
	}
	if err := f.throwPapers(found); err != nil {
		t.Fatal(err)
	}
	if _, b, err := c.Document(k.papers[0]); err != nil || !bytes.Equal(b, scanned(1)) {
		t.Errorf("the scan of who came meanwhile is gone: %v", err)
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
func wantSent(t *testing.T, c clerk, h *hubCopy) {
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
