package box

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// A shelver is a counter whose catalogue begins with a base.
type shelver struct{ *counter }

// shelfState is what a catalogue adds up to at its end, where a release stands: all of
// it but the events that are passed over.
func (c shelver) shelfState(skip ...uint64) (protocol.Base, []protocol.Item) {
	c.tb.Helper()
	log := c.d.Catalogue
	var seqs []uint64
	var events [][]byte
	for _, it := range log.Items {
		passed := false
		for _, s := range skip {
			passed = passed || s == it.Seq
		}
		if !passed {
			seqs, events = append(seqs, it.Seq), append(events, it.Raw)
		}
	}
	places := protocol.NewPlaces(log.ID, seqs)
	first := protocol.Marshal(&protocol.Event{Kind: protocol.ShelfPlaces, Payload: protocol.Marshal(&places)})
	events = append([][]byte{first}, events...)
	b, chain := protocol.NewBase(log.ID, log.Head().At, events)
	items := make([]protocol.Item, len(events))
	for i := range events {
		items[i] = protocol.Item{Seq: uint64(i) + 1, Hash: chain[i], Raw: events[i]}
	}
	return b, items
}

// unnamed is where a version stands that a release doesn't name.
func (c shelver) unnamed(set *dcat.Set) uint64 {
	c.tb.Helper()
	for _, it := range c.d.Catalogue.Items {
		e, err := protocol.DecodeEvent(it.Raw)
		if err != nil || e.Kind != protocol.ServiceAdded {
			continue
		}
		v, err := catalogue.DecodeVersion(e.Payload)
		if err != nil {
			c.tb.Fatal(err)
		}
		if now, ok := set.Current(v.ID); !ok || now.Hash != v.Hash {
			return it.Seq
		}
	}
	c.tb.Fatal("the release names everything")
	return 0
}

// shelve hands over items of a catalogue's state, from 1.
func (c shelver) shelve(b *protocol.Base, items []protocol.Item, first, last int) error {
	var prev protocol.Hash
	if first > 1 {
		prev = items[first-2].Hash
	}
	done := make(chan error, 1)
	c.DeliverShelf(context.Background(), b.State.Log, prev, items[first-1:last], func(_ protocol.Position, err error) { done <- err })
	return <-done
}

func (c shelver) takeShelf(b *protocol.Base) protocol.Position {
	c.tb.Helper()
	at, err := c.TakeShelf(c.tb.Context(), b)
	if err != nil {
		c.tb.Fatal(err)
	}
	return at
}

// A catalogue begins with a base that comes in pieces, over restarts; and what lies
// below it is found where it stood.
func TestShelfBase(t *testing.T) {
	t.Parallel()
	c := shelver{freshCounter(t)}
	c.start()
	c.d.Publish(t, c.d.Set, nil)
	old := c.d.Catalogue.Head().At
	set := next(c.counter)
	gone := c.unnamed(set)
	b, items := c.shelfState(gone, old.Seq) // A version and a release that nobody needs.
	all := len(items)
	if err := c.shelve(&b, items, 1, 1); !errors.Is(err, fault.Denied) {
		t.Errorf("a state without its base: %v", err)
	}
	if at := c.takeShelf(&b); at.Seq != 0 {
		t.Errorf("a new box has %d events of the state", at.Seq)
	}
	if err := errors.Join(c.shelve(&b, items, 1, 2), c.shelve(&b, items, 1, 2)); err != nil {
		t.Fatal(err)
	}
	if err := c.shelve(&b, items, 4, all); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a gap: %v", err)
	}
	c.restart()
	if at, held := c.takeShelf(&b), c.Held(); at.Seq != 2 || len(held) != 0 {
		t.Errorf("after a restart the state goes on at %d; the box counts %v", at.Seq, held)
	}
	wrong := b
	wrong.State.At.Hash[0]++
	c.takeShelf(&wrong)
	if err := c.shelve(&wrong, items, 3, all); !errors.Is(err, fault.Invalid) || len(c.Held()) != 0 {
		t.Errorf("another end than the base names: %v", err)
	}
	c.takeShelf(&b)
	if err := c.shelve(&b, items, 3, all); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		if held := c.Held(); held[b.Log] != b.At || len(held) != 1 {
			t.Errorf("%s: holds %v; want the catalogue at %v", when, held, b.At)
		}
		waitFor(t, when+": the release", func() bool { g := c.Goods(); return g != nil && g.Set.Release.Number == 2 })
		for _, it := range c.d.Catalogue.Items[:b.At.Seq] {
			raw, err := c.Event(b.Log, it.Seq)
			if passed := it.Seq == gone || it.Seq == old.Seq; passed != errors.Is(err, fault.Unavailable) || !passed && string(raw) != string(it.Raw) {
				t.Errorf("%s: event %d: %d bytes, %v", when, it.Seq, len(raw), err)
			}
		}
		if home, err := c.Homecoming(); err != nil || !home.Based {
			t.Errorf("%s: a register that began anew would hear %+v, %v", when, home, err)
		}
		if at, err := c.Place(b.Log, b.At.Seq); at != b.At {
			t.Errorf("%s: the base's place is %v, %v", when, at, err)
		}
		if _, err := c.Place(b.Log, 2); !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: a place below the base: %v; want none", when, err)
		}
	}
	check("with the base")
	if at := c.takeShelf(&b); at != b.State.At { // Once more, in another session.
		t.Errorf("the state goes on at %v", at)
	}
	c.restart()
	check("after a restart")
	c.stop()
	if err := os.RemoveAll(filepath.Join(c.dir, "index")); err != nil {
		t.Fatal(err)
	}
	c.start()
	check("with the index built again")

	c.d.Publish(t, c.d.Set, c.d.Set) // It goes on behind the base, with the first release once more.
	behind := c.d.Catalogue.Items[b.At.Seq:]
	if err := c.deliverRun(b.Log, b.At.Hash, behind); err != nil {
		t.Fatal(err)
	}
	c.restart()
	if held := c.Held(); held[b.Log] != c.d.Catalogue.Head().At {
		t.Errorf("behind the base: holds %v", held)
	}

	c.stop()
	for name := range written(t, filepath.Join(c.dir, "journal", "in")) {
		flipAt(t, name, 128+200) // In the first records, which are the state's.
	}
	c.start()
	if held := c.Held(); held[b.Log].Seq != 0 || !c.Blockers().Standing(InboxIncomplete) {
		t.Fatalf("without all of its state the base counts: %v", held)
	}
	at := c.takeShelf(&b)
	if err := c.shelve(&b, items, int(at.Seq)+1, all); err != nil {
		t.Fatal(err)
	}
	check("with the base again")
}

// A box that began with a base asks once for another where a release names what it
// lacks; one that read every event never does.
func TestShelfLacksBelowItsBase(t *testing.T) {
	t.Parallel()
	for _, based := range []bool{true, false} {
		c := shelver{freshCounter(t)}
		c.start()
		c.d.Publish(t, c.d.Set, nil)
		if b, items := c.shelfState(); based {
			c.takeShelf(&b)
			if err := c.shelve(&b, items, 1, len(items)); err != nil {
				t.Fatal(err)
			}
		} else {
			c.deliver(c.d.Catalogue)
		}
		c.LackShelf()
		if c.NeedsShelf() != based {
			t.Errorf("based %v: needs another %v", based, c.NeedsShelf())
		}
		if !based {
			continue
		}
		<-c.SetBack()
		c.LackShelf()
		select {
		case <-c.SetBack():
			t.Error("a session begins anew a second time, and nothing has changed")
		default:
		}
		b, items := c.shelfState()
		c.takeShelf(&b)
		if err := c.shelve(&b, items, 1, len(items)); err != nil {
			t.Fatal(err)
		}
		if c.NeedsShelf() {
			t.Error("needs another base behind a base")
		}
	}
}

// Killed between the state's end and the statement, the box goes on from there.
func TestShelfStateWithoutItsBase(t *testing.T) {
	t.Parallel()
	c := shelver{freshCounter(t)}
	c.start()
	c.d.Publish(t, c.d.Set, nil)
	b, items := c.shelfState()
	if err := c.deliverRun(b.State.Log, protocol.Hash{}, items); err != nil { // As if only the state's frames were kept.
		t.Fatal(err)
	}
	c.restart()
	if held := c.Held(); len(held) != 0 {
		t.Fatalf("a state counts as %v before its base", held)
	}
	if at := c.takeShelf(&b); at != b.State.At || c.Held()[b.Log] != b.At {
		t.Errorf("goes on at %v; holds %v", at, c.Held())
	}
}
