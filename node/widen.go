package node

import (
	"slices"

	"kendro/protocol"
)

// widest is how many bytes of a block are sent again to make one of several.
const widest = 16 << 10

// A widening remembers what blocks of one log a neighbour got in one session, and makes
// few wide ones of many narrow ones: what is filed one by one is copied one by one, and
// whoever carries it to the hub would pay a header and a signature for each. A block
// takes those before it along that hold no more events than itself, so that an event
// is sent about as often as the logarithm of their number says.
type widening struct {
	log  protocol.LogID
	end  protocol.Position // Of what was sent; where the next load has to begin.
	sent []cutting
}

// A cutting is one block: where it begins, and the bytes of its body.
type cutting struct {
	from  protocol.Position
	bytes int
}

// start says where a block begins that brings so many events after a place, and how many
// it has then. It is that place, or one before at which the neighbour has a block begin.
// What a hub has signed for is not sent again.
func (w *widening) start(log protocol.LogID, from, acked protocol.Position, events int) (protocol.Position, int) {
	if w.log != log || w.end != from {
		w.log, w.end, w.sent = log, from, nil
	}
	bytes := 0
	for _, c := range slices.Backward(w.sent) {
		more := int(from.Seq - c.from.Seq)
		bytes += c.bytes
		if c.from.Seq < acked.Seq || bytes > widest || more > events || more+events > protocol.MaxBlockEvents {
			break
		}
		from, events = c.from, events+more
	}
	return from, events
}

// cut notes a block that was sent.
func (w *widening) cut(b *protocol.Block) {
	first := protocol.Position{Seq: b.Header.First - 1, Hash: b.Header.Prev}
	w.sent = slices.DeleteFunc(w.sent, func(c cutting) bool { return c.from.Seq >= first.Seq })
	w.sent = append(w.sent, cutting{first, len(b.Body)})
	w.end = protocol.Position{Seq: b.Header.Last, Hash: b.Header.End}
}
