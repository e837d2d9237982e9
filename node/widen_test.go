package node

import (
	"testing"

	"kendro/identity"
	"kendro/protocol"
)

// spot is a place in a log whose hashes are its numbers.
func spot(seq uint64) protocol.Position {
	return protocol.Position{Seq: seq, Hash: protocol.Hash{byte(seq)}}
}

// TestWideningIsBounded grows a log event by event: what lies at the neighbour are few
// blocks, no event was sent more often than its bound, and nothing that a hub signed for is sent.
func TestWideningIsBounded(t *testing.T) {
	log := protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 1}
	for what, c := range map[string]struct {
		body         int // Bytes of an event.
		acked        uint64
		blocks, most int // At the end, and the events that were sent for 128 of them.
	}{
		"small":            {100, 0, 1, 128 * 8},
		"half is signed":   {100, 64, 2, 128 * 8},
		"large":            {5_000, 0, 64, 128 * 2},
		"beyond any block": {widest + 1, 0, 128, 128},
	} {
		var w widening
		held := map[uint64]uint64{} // Where blocks begin, and end.
		sent := 0
		for seq := range uint64(128) {
			acked := spot(0)
			if seq >= c.acked {
				acked = spot(c.acked)
			}
			at, events := w.start(log, spot(seq), acked, 1)
			if at.Seq+uint64(events) != seq+1 || at != spot(at.Seq) {
				t.Fatalf("%s: after %d it begins at %+v with %d events", what, seq, at, events)
			}
			if _, ok := held[at.Seq]; at.Seq != seq && !ok || at.Seq < acked.Seq {
				t.Errorf("%s: after %d it begins at %d, where no block does, or below what was signed for (%d)", what, seq, at.Seq, acked.Seq)
			}
			for from := range held {
				if from >= at.Seq {
					delete(held, from)
				}
			}
			held[at.Seq] = seq + 1
			sent += events
			w.cut(&protocol.Block{
				Header: protocol.Header{Log: log, First: at.Seq + 1, Last: seq + 1, Prev: at.Hash, End: spot(seq + 1).Hash, Epoch: identity.EpochID{1}},
				Body:   make([]byte, events*c.body),
			})
		}
		if len(held) > c.blocks || sent > c.most {
			t.Errorf("%s: %d blocks, %d events sent; want %d and %d at most", what, len(held), sent, c.blocks, c.most)
		}
	}
	var w widening
	w.cut(&protocol.Block{Header: protocol.Header{Log: log, First: 1, Last: 1, End: spot(1).Hash}})
	w.log = log
	if at, _ := w.start(log, protocol.Position{Seq: 1, Hash: protocol.Hash{9}}, spot(0), 1); at.Seq != 1 {
		t.Errorf("the neighbour holds another event 1, and gets a block that begins at %d", at.Seq)
	}
}

// TestCopiesWiden files one by one, each copied before the next: the neighbours end up
// with few blocks, over a restart as well, and the hub with every event once.
func TestCopiesWiden(t *testing.T) {
	t.Parallel()
	up := found(t, 1, 3)
	for _, m := range up.boxes {
		m.cut()
	}
	owner := up.boxes[0]
	for range 16 {
		owner.file(1)
		owner.copies(2)
	}
	for _, m := range up.boxes[1:] {
		for _, h := range m.exchange.held.Heads() {
			_, blocks, err := m.exchange.held.Load(h.Log, protocol.Position{}, protocol.MaxBlockEvents)
			if last := blocks[len(blocks)-1].Header.Last; err != nil || last != 16 || len(blocks) > 8 {
				t.Errorf("%s holds %d events in %d blocks (%v); want 16 in 8 at most", m.centre, last, len(blocks), err)
			}
			bytes := 0
			for i := range blocks {
				bytes += len(protocol.Marshal(&blocks[i]))
			}
			t.Logf("%s holds 16 events in %d blocks of %d bytes in all", m.centre, len(blocks), bytes)
		}
	}
	up.boxes[1].stop()
	up.boxes[1].start()
	owner.file(1)
	owner.copies(2)
	up.boxes[1].gate.set(false)
	owner.accepted()
	up.registered(owner)
}
