package box

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/internal/nodetest"
	"kendro/protocol"
)

// former is the log of the centre's box before this one, with three applications.
type former struct {
	nodetest.Log
	numbers []protocol.Number
}

func newFormer(t *testing.T) *former {
	t.Helper()
	f := &former{Log: nodetest.Log{ID: protocol.LogID{Channel: protocol.Uplink, Name: "41-0007", Incarnation: 9}}}
	for i := range uint64(3) {
		nonce := binary.BigEndian.AppendUint64(nil, i)
		n, err := protocol.MintNumber("41", "0007", nonce)
		if err != nil {
			t.Fatal(err)
		}
		f.numbers = append(f.numbers, n)
		f.Append(t, protocol.Event{
			Kind: protocol.Submitted, At: nodetest.Start.UnixMilli(), Actor: nodetest.Person, Nonce: nonce,
			Pin: &protocol.Pin{Service: "trade-licence", Version: 1}, Payload: protocol.Marshal(&protocol.Submission{Channel: "counter"}),
		})
	}
	return f
}

// state is what an inbox of 5,000 events adds up to: the first case has ended, the
// second lies at a desk, the third waits as it came.
func (f *former) state(c *counter) (protocol.Base, []protocol.Item) {
	c.tb.Helper()
	c.d.AddUser(c.tb, nil)
	c.d.Say(c.tb, protocol.Assured, protocol.Assurance{Backed: &protocol.Watermark{Index: 5}})
	c.d.Say(c.tb, protocol.CaseMoved, protocol.Standing{Number: f.numbers[1], Stage: "UNDER_REVIEW", Since: nodetest.Start.UnixMilli(), Version: 2})
	c.d.Say(c.tb, protocol.Accepted, protocol.Acceptance{Log: f.ID, First: 1, Last: 2, Index: 40, At: nodetest.Start.UnixMilli()})
	c.d.Say(c.tb, protocol.Accepted, protocol.Acceptance{Log: f.ID, First: 3, Last: 3, Index: 41, At: nodetest.Start.UnixMilli()})
	c.d.Say(c.tb, protocol.CasesEnded, protocol.Ended{Log: f.ID, Stage: "APPROVED", By: nodetest.Start.UnixMilli(), Runs: []uint64{0, 1}})
	var raw [][]byte
	for _, i := range c.d.Inbox.Items {
		raw = append(raw, i.Raw)
	}
	b, chain := protocol.NewBase(c.d.Inbox.ID, protocol.Position{Seq: 5000, Hash: protocol.Hash{5}}, raw)
	items := make([]protocol.Item, len(raw))
	for i := range raw {
		items[i] = protocol.Item{Seq: uint64(i) + 1, Hash: chain[i], Raw: raw[i]}
	}
	return b, items
}

// bring hands over items of a state, from 1.
func (c *counter) bring(b *protocol.Base, items []protocol.Item, first, last int) error {
	var prev protocol.Hash
	if first > 1 {
		prev = items[first-2].Hash
	}
	done := make(chan error, 1)
	c.DeliverState(context.Background(), b.State.Log, prev, items[first-1:last], func(_ protocol.Position, err error) { done <- err })
	return <-done
}

func (c *counter) wantStages(when string, f *former, want ...string) {
	c.tb.Helper()
	for i, n := range f.numbers {
		if w, err := c.Track(n); err != nil || w.Stage != want[i] || !w.Accepted {
			c.tb.Errorf("%s: case %d stands at %q, %v; want %q", when, i+1, w.Stage, err, want[i])
		}
	}
}

func TestBase(t *testing.T) {
	t.Parallel()
	c, f := freshCounter(t), newFormer(t)
	c.start()
	b, items := f.state(c)
	all := len(items)
	if err := c.bring(&b, items, 1, 1); !errors.Is(err, fault.Denied) {
		t.Errorf("a state without its base: %v", err)
	}
	c.TakeBase(&b)
	for name, err := range map[string]error{"begun": c.bring(&b, items, 1, 2), "again": c.bring(&b, items, 1, 2)} {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := c.bring(&b, items, 4, all); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a gap: %v", err)
	}
	other := slices.Clone(items)
	other[1].Hash[0]++
	if err := c.bring(&b, other, 3, 3); !errors.Is(err, fault.Conflict) {
		t.Errorf("behind another event: %v", err)
	}
	if at, held := c.TakeBase(&b), c.Held(); at.Seq != 2 || len(held) != 0 {
		t.Errorf("another session goes on at %d; the box counts %v", at.Seq, held)
	}
	c.restart() // A part counts for nothing.
	if at := c.TakeBase(&b); at.Seq != 0 {
		t.Errorf("after a restart the state goes on at %d", at.Seq)
	}
	if err := c.bring(&b, items, 1, all); err != nil {
		t.Fatal(err)
	}
	if held := c.Held(); held[b.Log] != b.At || len(held) != 1 {
		t.Fatalf("holds %v; want the inbox at %v", held, b.At)
	}
	c.d.Publish(t, c.d.Set, nil)
	c.deliver(c.d.Catalogue)
	if err := c.deliverRun(f.ID, protocol.Hash{}, f.Items); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "intake to open", func() bool { return c.Blockers().Closed() == nil }) // Its login came with the base.
	c.wantStages("with the base", f, "APPROVED", "UNDER_REVIEW", "RECEIVED")

	next := protocol.Event{Kind: protocol.CaseMoved, Number: f.numbers[2], Payload: protocol.Marshal(&protocol.Standing{Number: f.numbers[2], Stage: "REJECTED", Version: 9})}
	raw, err := next.Encode()
	if err != nil {
		t.Fatal(err)
	}
	behind := []protocol.Item{{Seq: 5001, Hash: protocol.ChainHash(b.Log, 5001, b.At.Hash, raw), Raw: raw}}
	if err := c.deliverRun(b.Log, b.At.Hash, behind); err != nil {
		t.Fatal(err)
	}
	c.TakeBase(&b)
	if err := c.bring(&b, items, 1, all); err != nil { // Somebody was slow: it changes nothing.
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		if at := c.Held()[b.Log].Seq; at != 5001 {
			t.Errorf("%s: holds the inbox up to %d", when, at)
		}
		c.wantStages(when, f, "APPROVED", "UNDER_REVIEW", "REJECTED")
	}
	check("behind the base")
	c.restart()
	check("after a restart")
	c.stop()
	if err := os.RemoveAll(filepath.Join(c.dir, "index")); err != nil {
		t.Fatal(err)
	}
	c.start()
	check("with the index built again")

	c.stop()
	for name := range written(t, filepath.Join(c.dir, "journal", "in")) {
		flipAt(t, name, 128+200) // In the first records, which are the state's.
	}
	c.start()
	if held := c.Held(); held[b.Log].Seq != 0 || held[c.d.Catalogue.ID] != c.d.Catalogue.Head().At || !c.Blockers().Standing(InboxIncomplete) {
		t.Fatalf("without all of its state the base counts: %v", held)
	}
	c.TakeBase(&b)
	if err := errors.Join(c.bring(&b, items, 1, all), c.deliverRun(b.Log, b.At.Hash, behind)); err != nil {
		t.Fatal(err)
	}
	if c.refetched(); c.Blockers().Standing(InboxIncomplete) {
		t.Error("still waits for what came again")
	}
	check("with the base again")
}

// TestRow36ABaseTellsOfAnOrder: a new box of the centre, whose inbox begins with a base, shows what
// was erased before, with law and post, has whoever keeps neighbours' copies bar its place, and
// keeps a hash of it where the earlier box's log comes with the event whole.
func TestRow36ABaseTellsOfAnOrder(t *testing.T) {
	t.Parallel()
	c, f := freshCounter(t), newFormer(t)
	var barred []protocol.ErasedPlaces
	c.o.Forget = func(p []protocol.ErasedPlaces) error { barred = append(barred, p...); return nil }
	c.start()
	first := f.Items[0]
	word := protocol.ErasedCase{Number: f.numbers[0], Stage: "APPROVED", At: 5_000, By: place.Seat{Post: "dc", Office: "dc-41"}, Basis: "the law"}
	places := []protocol.ErasedPlaces{{Log: f.ID, At: []protocol.Position{{Seq: first.Seq, Hash: first.Hash}}}}
	c.d.Say(t, protocol.EventsErased, &protocol.Erasure{Cases: []protocol.ErasedCase{word}, Places: places})
	b, items := f.state(c)
	c.TakeBase(&b)
	if err := c.bring(&b, items, 1, len(items)); err != nil {
		t.Fatal(err)
	}
	if err := c.deliverRun(f.ID, protocol.Hash{}, f.Items); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the order to be carried out", func() bool { return c.Forgotten().At == b.At })
	if g, err := c.Erased(word.Number); err != nil || g == nil || g.Word != word {
		t.Errorf("the box shows %+v, %v; want %+v", g, err, word)
	}
	if w, err := c.Track(word.Number); err != nil || w.Erased == nil {
		t.Errorf("tracking says %+v, %v", w, err)
	}
	if !reflect.DeepEqual(barred, places) {
		t.Errorf("barred are %v; want %v", barred, places)
	}
	hashes, whole := 0, 0
	if err := scan("in", c.in.Load(), 1, func(seq uint64, raw []byte) error {
		r, err := decodeIn(seq, raw)
		if _, gone := protocol.ErasedHash(r.Raw); gone && r.Log == f.ID && r.At.Seq == first.Seq {
			hashes++
		} else if r.Log == f.ID {
			whole++
		}
		return err
	}); err != nil || hashes != 1 || whole != len(f.Items)-1 {
		t.Errorf("of the earlier box's log %d events are hashes and %d are whole, %v; want the first alone a hash", hashes, whole, err)
	}
}
