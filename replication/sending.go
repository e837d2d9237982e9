package replication

import (
	"slices"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// firstLimit is how many events are loaded at once before their size is known.
const firstLimit = 64

// sending is our side of a log that the peer reads.
type sending struct {
	wanted  bool
	stopped bool              // Until the peer wants it again; for good if it forked.
	forked  bool              // The two ends hold different events.
	theirs  protocol.Position // Durable at the peer, as it said.
	cut     protocol.Position // End of the last block sent or queued.
	flight  []sent
	bytes   int      // Of the blocks in flight.
	queue   []parcel // Loaded while the window was full.
	loading bool     // A Load has no answer yet.
	stale   bool     // Its answer will be for another place.
	dry     bool     // There was nothing to load; wait for growth.
	window  int      // Blocks that may be in flight: one at first, twice as many with each answer.
	limit   int      // Events of the next Load, so that a block has about wishedBody bytes.
	missing int      // Introductions that the peer missed in a row.
}

type sent struct {
	end  protocol.Position
	size int
}

type parcel struct {
	epoch *protocol.Epoch
	block *protocol.Block
}

// Loaded answers a [Load]: blocks in order and the introductions of their epochs.
// No blocks mean that there is nothing after that position.
func (s *Session) Loaded(log protocol.LogID, epochs []protocol.Epoch, blocks []protocol.Block) []Action {
	f := s.flows[log]
	if f == nil || !f.out.loading {
		return nil
	}
	o := &f.out
	o.loading = false
	if o.stale {
		o.stale = false
		return s.pump()
	}
	o.dry = len(blocks) == 0
	intros := map[identity.EpochID]*protocol.Epoch{}
	for i := range epochs {
		intros[epochs[i].ID] = &epochs[i]
	}
	var out []Action
	for i := range blocks {
		b := &blocks[i]
		h := &b.Header
		switch {
		case h.First == o.cut.Seq+1 && h.Prev != o.cut.Hash:
			out = append(out, s.fork(f, o.cut, h.First)...)
			return append(out, s.pump()...)
		case h.First > o.cut.Seq+1 || h.Last <= o.cut.Seq:
			o.dry = true // Not what was asked for: wait for growth instead of asking at once again.
		default:
			o.queue = append(o.queue, parcel{intros[h.Epoch], b})
			o.cut = protocol.Position{Seq: h.Last, Hash: h.End}
		}
	}
	o.measure(blocks)
	return append(out, s.pump()...)
}

// Unloaded answers a [Load] that failed. [fault.Unavailable] and [fault.Limited]
// try again soon; any other kind ends the log for this session, and the peer is
// told why.
func (s *Session) Unloaded(log protocol.LogID, err error) []Action {
	f := s.flows[log]
	if f == nil || !f.out.loading {
		return nil
	}
	o := &f.out
	o.loading, o.stale = false, false
	kind := fault.KindOf(err)
	if kind == fault.Unavailable || kind == fault.Limited {
		o.dry = true
		return append([]Action{Wait{firstBusy}}, s.pump()...)
	}
	o.stopped = true
	f.giveWay()
	return append(refuse(log, o.cut.Seq+1, err), s.pump()...)
}

// measure fits the next Load to the size of the last.
func (o *sending) measure(blocks []protocol.Block) {
	size, events := 0, 0
	for i := range blocks {
		size += len(blocks[i].Body)
		events += blocks[i].Header.Count()
	}
	if events > 0 {
		each := max(size/events, 1)
		o.limit = min(max(wishedBody/each, 1), protocol.MaxBlockEvents)
	}
}

// pump sends what the windows allow. A channel waits while one before it has
// more to send.
func (s *Session) pump() []Action {
	var out []Action
	if !s.met || s.paused {
		return nil
	}
	behind := protocol.Channel(0)
	for _, f := range s.order {
		if !f.out.wanted || f.out.stopped || f.held {
			continue
		}
		if behind != 0 && rank(f.log) != behind {
			break
		}
		out = append(out, s.push(f)...)
		if len(f.out.queue) > 0 || f.mine.Seq > f.out.cut.Seq && !f.out.dry {
			behind = rank(f.log)
		}
	}
	return out
}

// push sends queued blocks of one log, then asks for more.
func (s *Session) push(f *flow) []Action {
	var out []Action
	o := &f.out
	for len(o.queue) > 0 && o.room() {
		p := o.queue[0]
		o.queue = after(o.queue, 1)
		h := &p.block.Header
		if p.epoch != nil && !s.introduced[h.Epoch] {
			s.introduced[h.Epoch] = true
			out = append(out, Send{&protocol.Message{Epoch: p.epoch}})
		}
		o.flight = append(o.flight, sent{protocol.Position{Seq: h.Last, Hash: h.End}, len(p.block.Body)})
		o.bytes += len(p.block.Body)
		out = append(out, Send{&protocol.Message{Block: p.block}})
	}
	if len(o.queue) == 0 && !o.loading && !o.dry && f.mine.Seq > o.cut.Seq && o.room() {
		o.loading = true
		out = append(out, Load{Log: f.log, From: o.cut, Limit: o.limit})
	}
	return out
}

func (o *sending) room() bool {
	return len(o.flight) < o.window && (o.bytes < flightBytes || len(o.flight) == 0)
}

// widen lets more be in flight after an answer. A reader that can't store yet, as
// a hub without a leader, then refuses one block and not eight, which would all
// be sent again.
func (o *sending) widen(limit int) { o.window = min(2*o.window, limit) }

// reached notes that the peer holds the log up to a position.
func (o *sending) reached(at protocol.Position) {
	if at.Seq > o.theirs.Seq {
		o.theirs, o.missing = at, 0
	}
	arrived, useless := 0, 0
	for arrived < len(o.flight) && o.flight[arrived].end.Seq <= at.Seq {
		o.bytes -= o.flight[arrived].size
		arrived++
	}
	for useless < len(o.queue) && o.queue[useless].block.Header.Last <= at.Seq {
		useless++
	}
	o.flight, o.queue = after(o.flight, arrived), after(o.queue, useless)
	if at.Seq > o.cut.Seq {
		o.rewind(at)
	}
}

// after is a queue without its first n. What has left it is held no longer, and an empty
// one holds nothing: a session may last for weeks.
func after[E any](queue []E, n int) []E {
	if n == len(queue) {
		return nil
	}
	return slices.Delete(queue, 0, n)
}

// conflicts reports whether the peer holds another event at the end of a block
// that we sent.
func (o *sending) conflicts(at protocol.Position) bool {
	for _, b := range o.flight {
		if b.end.Seq == at.Seq {
			return b.end.Hash != at.Hash
		}
	}
	return false
}

// rewind sends again from a position.
func (o *sending) rewind(at protocol.Position) {
	o.cut, o.flight, o.bytes, o.queue = at, nil, 0, nil
	o.stale, o.dry = o.loading, false
}

// want takes the peer's wish for a log from a position on, or once more.
func (s *Session) want(w *protocol.Want) ([]Action, error) {
	if w.Log.Incarnation == anyOf {
		s.serve(w.Log)
		return s.pump(), nil
	}
	known := s.flows[w.Log] != nil
	f := s.open(w.Log)
	if f == nil {
		return nil, violation(w.Log.String(), "too many logs in one session")
	}
	f.out.wanted, f.held = true, false
	f.out.stopped = f.out.forked // Whoever refused it before thinks better of it.
	if !known && s.cfg.Finds {
		f.out.theirs, f.out.cut = w.From, w.From
		f.looking, f.third = true, true
		return []Action{Find{Log: w.Log, At: w.From}}, nil
	}
	if w.From.Seq < f.out.theirs.Seq {
		f.out.theirs = w.From // It asks below what it held: it knows better.
	}
	f.out.rewind(w.From)
	return append(s.compare(f, w.From), s.pump()...), nil
}

// ack takes an acknowledgement; cert certifies who signed it, nil is the peer.
// Whether it is true is the host's to verify, and the host alone says that it is a
// fork or a loss: an acknowledgement that somebody altered on the way must accuse
// nobody. Here it opens the window.
func (s *Session) ack(a *protocol.Ack, cert []byte) []Action {
	out := []Action{Acknowledged{Ack: a, Cert: cert}}
	f := s.flows[a.Log]
	if f == nil || a.At.Seq > f.mine.Seq || a.At.Seq == f.mine.Seq && a.At != f.mine || f.out.conflicts(a.At) {
		return out
	}
	if a.At.Seq > f.out.theirs.Seq && len(f.out.flight) > 0 {
		f.out.widen(s.cfg.Window)
	}
	f.out.reached(a.At)
	return append(out, s.pump()...)
}

// refused takes the peer's word that it does not take a log, or not continue it.
func (s *Session) refused(r *protocol.Refused) []Action {
	f := s.flows[r.Log]
	if f == nil {
		return nil
	}
	switch {
	case r.Code == fault.NotFound && f.out.wanted && f.out.missing < maxMissing:
		f.out.missing++
		clear(s.introduced)
		f.out.rewind(f.out.theirs)
		return s.pump()
	case f.out.stopped && f.in.stopped:
		return nil
	}
	f.stop()
	f.giveWay()
	note := Note{What: PeerRefused, Log: r.Log, At: protocol.Position{Seq: r.Seq}, Kind: r.Code, Text: r.Text}
	return append([]Action{note}, s.pump()...)
}

// busy holds our blocks for a while; what was on its way is sent again then.
func (s *Session) busy(millis uint32) []Action {
	s.paused = true
	for _, f := range s.order {
		f.out.rewind(f.out.theirs)
		f.out.window = 1
	}
	millis = min(millis, maxWait)
	return []Action{Wait{millis}, Note{What: PeerBusy, Text: "the peer asked us to hold our blocks"}}
}

// refuse tells the peer and the operator. The causes of our own defects stay here.
func refuse(log protocol.LogID, seq uint64, err error) []Action {
	note := weRefused(log, seq, err)
	told := note.Text
	if note.Kind == fault.Internal || note.Kind == fault.Damaged || note.Kind == fault.Stopped {
		told = note.Kind.Error()
	}
	return []Action{
		Send{&protocol.Message{Refused: &protocol.Refused{Log: log, Seq: seq, Code: note.Kind, Text: told}}},
		note,
	}
}

func weRefused(log protocol.LogID, seq uint64, err error) Note {
	text := err.Error()
	return Note{What: WeRefused, Log: log, At: protocol.Position{Seq: seq}, Kind: fault.KindOf(err), Text: text[:min(len(text), protocol.MaxText)]}
}
