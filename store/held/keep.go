package held

import (
	"slices"

	"kendro/domain/fault"
	"kendro/protocol"
)

// Begin says where a log that nothing is held of begins: the author has settled
// what lies before, and a hub what was erased by order. It returns where the log stands here, which is that place or,
// if something is held, how far.
func (s *Store) Begin(log protocol.LogID, at protocol.Position) protocol.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shelf(log)
	if len(sh.slots) == 0 {
		sh.base = later(sh.base, later(at, s.erased.floor(log)))
	}
	return sh.head()
}

func later(a, b protocol.Position) protocol.Position {
	if b.Seq > a.Seq {
		return b
	}
	return a
}

// Put keeps a block, with the introduction of its epoch unless that is here. It
// returns when both are durable, with how far the log is then held. A block that is
// held already changes nothing, nor does one that ends with what was erased by order, or before. One behind a gap is [fault.Unavailable], one that
// doesn't continue what is held [fault.Conflict], one over the quota
// [fault.Denied]. Another kind is the disk's.
func (s *Store) Put(e *protocol.Epoch, b *protocol.Block) (protocol.Position, error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	at, have, err := s.judge(e, b)
	if err != nil || have {
		return at, err
	}
	list := []*record{{Block: b}}
	s.mu.Lock()
	known := s.epochs[epochID(b.Header.Epoch)] != nil
	s.mu.Unlock()
	if b.Header.Sealed() && !known {
		list = []*record{{Epoch: e}, {Block: b}}
	}
	if err := s.write(list); err != nil {
		return at, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shelf(b.Header.Log).head(), nil
}

// judge says whether a block is wanted. The caller holds the turn.
func (s *Store) judge(e *protocol.Epoch, b *protocol.Block) (at protocol.Position, have bool, err error) {
	const op = "held.Put"
	h := &b.Header
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.logs[h.Log]
	if sh == nil {
		sh = &shelf{base: later(protocol.Position{Seq: h.First - 1, Hash: h.Prev}, s.erased.floor(h.Log))}
	}
	at = sh.head()
	switch {
	case h.Last < at.Seq || h.Last == at.Seq && h.End == at.Hash:
		return at, true, nil
	case h.Last == at.Seq:
		return at, false, fault.New(op, fault.Conflict, h.Log.String(), "another event stands at the end of this block")
	case h.First > at.Seq+1:
		return at, false, fault.New(op, fault.Unavailable, h.Log.String(), "what comes before is not held")
	case !sh.meets(h):
		return at, false, fault.New(op, fault.Conflict, h.Log.String(), "the block does not continue what is held")
	case s.blocks-sh.replaced(h)+int64(len(b.Body)) > s.quota:
		return at, false, fault.New(op, fault.Denied, h.Log.String(), "no room for more of others' records: the quota is used up until a hub acknowledges some")
	case h.Sealed() && s.epochs[epochID(h.Epoch)] == nil && (e == nil || e.ID != h.Epoch):
		return at, false, fault.New(op, fault.NotFound, h.Epoch.String(), "epoch was not introduced")
	}
	return at, false, nil
}

// replaced is the size of the blocks that this one takes the place of.
func (sh *shelf) replaced(h *protocol.Header) (bytes int64) {
	for i := range sh.slots {
		if sh.slots[i].head.First >= h.First {
			bytes += sh.slots[i].bytes
		}
	}
	return bytes
}

// meets reports whether a block begins where another one ends, or begins, with the
// same event before it, or below all that is held, where a hub has signed. Where it
// begins inside one, the author's signature over both is all that can be seen from
// outside.
func (sh *shelf) meets(h *protocol.Header) bool {
	before := protocol.Position{Seq: h.First - 1, Hash: h.Prev}
	if before.Seq < sh.base.Seq {
		return true
	}
	if head := sh.head(); before.Seq == head.Seq {
		return before == head || head == protocol.Position{}
	}
	return before == sh.base || slices.ContainsFunc(sh.slots, func(x slot) bool {
		return before == protocol.Position{Seq: x.head.Last, Hash: x.head.End}
	})
}

// Acknowledge keeps a hub's acknowledgement, which the caller has verified, and
// lets go of what it covers. It reports whether it was news.
func (s *Store) Acknowledge(p protocol.Passed) (bool, error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if !s.Awaits(p.Ack.Log, p.Ack.At.Seq) {
		return false, nil
	}
	if err := s.write([]*record{{Ack: &p}}); err != nil {
		return false, err
	}
	if err := s.cleanse(); err != nil {
		return true, err
	}
	return true, s.compact()
}

// Awaits reports whether an acknowledgement up to seq would be news: not of a log that
// nothing was ever held of, nor where one that goes as far is here.
func (s *Store) Awaits(log protocol.LogID, seq uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.logs[log]
	return sh != nil && (sh.ack == nil || sh.ack.Ack.At.Seq < seq)
}

// write appends records and takes them into the memory. The caller holds the turn.
func (s *Store) write(list []*record) error {
	raw := make([][]byte, len(list))
	for i, r := range list {
		raw[i] = protocol.Marshal(r)
	}
	first, err := s.j.Append(raw...)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range list {
		s.note(r, first+uint64(i), int64(len(raw[i])))
	}
	return nil
}

// compact gives room back once more is dead than alive: what is needed is written
// again at the end, and all before it dropped. The caller holds the turn.
func (s *Store) compact() error {
	s.mu.Lock()
	worth := s.dead > s.live+slack
	s.mu.Unlock()
	if !worth {
		return nil
	}
	return s.rewrite()
}

// rewrite writes what is needed again at the end, and drops all before it. The caller
// holds the turn.
func (s *Store) rewrite() error {
	s.mu.Lock()
	needed := s.needed()
	s.mu.Unlock()
	end := s.j.Last()
	for _, seq := range needed {
		raw, err := s.j.Read(seq)
		if err != nil {
			return err
		}
		if _, err := s.j.Append(raw); err != nil {
			return err
		}
	}
	if err := s.j.DropBefore(end + 1); err != nil {
		return err
	}
	fresh := &Store{j: s.j, logs: map[protocol.LogID]*shelf{}, epochs: map[epochID]*introduction{}}
	if err := fresh.read(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for log, sh := range s.logs {
		if fresh.logs[log] == nil && len(sh.slots) == 0 {
			fresh.logs[log] = &shelf{base: sh.base}
		}
	}
	s.logs, s.epochs, s.live, s.dead, s.blocks = fresh.logs, fresh.epochs, fresh.live, fresh.dead, fresh.blocks
	s.erased.buried = fresh.erased.buried
	return nil
}

// needed lists the records that are needed, in their order. The caller holds mu.
func (s *Store) needed() (list []uint64) {
	for _, e := range s.epochs {
		list = append(list, e.at)
	}
	for _, sh := range s.logs {
		if sh.ack != nil {
			list = append(list, sh.at)
		}
		for i := range sh.slots {
			list = append(list, sh.slots[i].at)
		}
	}
	slices.Sort(list)
	return list
}

// Head returns how far a log is held, and zero if no block of it is.
func (s *Store) Head(log protocol.LogID) protocol.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sh := s.logs[log]; sh != nil && len(sh.slots) > 0 {
		return sh.head()
	}
	return protocol.Position{}
}

// A Shelf is how far a log is held, and what lies before it.
type Shelf struct {
	Head protocol.Head
	Base protocol.Position
}

// Shelves returns every log of which there are blocks.
func (s *Store) Shelves() (list []Shelf) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for log, sh := range s.logs {
		if len(sh.slots) > 0 {
			list = append(list, Shelf{protocol.Head{Log: log, At: sh.head()}, sh.base})
		}
	}
	return list
}

// Heads returns how far every log is held of which there are blocks.
func (s *Store) Heads() (heads []protocol.Head) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for log, sh := range s.logs {
		if len(sh.slots) > 0 {
			heads = append(heads, protocol.Head{Log: log, At: sh.head()})
		}
	}
	return heads
}

// Acknowledgements returns the newest acknowledgement of every log of that name.
func (s *Store) Acknowledgements(name string) (list []protocol.Passed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for log, sh := range s.logs {
		if log.Name == name && sh.ack != nil {
			list = append(list, *sh.ack)
		}
	}
	return list
}

// Load returns blocks after a position, at most limit events in all, with the
// introductions of their epochs. The first may begin before it.
func (s *Store) Load(log protocol.LogID, from protocol.Position, limit int) ([]protocol.Epoch, []protocol.Block, error) {
	var epochs []protocol.Epoch
	var blocks []protocol.Block
	for _, at := range s.after(log, from, limit) {
		raw, err := s.j.Read(at)
		if err != nil {
			return nil, nil, err
		}
		var r record
		if err := protocol.Unmarshal(raw, maxRecord, "held record", &r); err != nil {
			return nil, nil, err
		}
		if r.Block == nil || r.Block.Header.Log != log {
			break // Written again elsewhere meanwhile: the session asks once more.
		}
		blocks = append(blocks, *r.Block)
		id := r.Block.Header.Epoch
		s.mu.Lock()
		if e := s.epochs[epochID(id)]; e != nil && !slices.ContainsFunc(epochs, func(x protocol.Epoch) bool { return x.ID == id }) {
			epochs = append(epochs, *e.epoch)
		}
		s.mu.Unlock()
	}
	return epochs, blocks, nil
}

// after lists the records of the blocks behind a position, in order and without a
// gap.
func (s *Store) after(log protocol.LogID, from protocol.Position, limit int) (list []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.logs[log]
	if sh == nil {
		return nil
	}
	next := from.Seq + 1
	for i := range sh.slots {
		h := &sh.slots[i].head
		if h.Last < next {
			continue
		}
		if h.First > next || len(list) > 0 && limit < h.Count() {
			break
		}
		list = append(list, sh.slots[i].at)
		limit -= h.Count()
		next = h.Last + 1
	}
	return list
}

// Usage returns the logs of which blocks are held, and the bytes of all of them.
func (s *Store) Usage() (logs int, bytes int64) {
	heads := s.Heads()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(heads), s.blocks
}
