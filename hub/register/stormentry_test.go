package register

import (
	"bytes"
	"fmt"
	"strings"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// gathers has one entry hold several commands and blocks, of one log too, and some twice.
func (s *storm) gathers() {
	g := &Entry{}
	s.gathered, s.pending = g, map[protocol.LogID]int{}
	for range 2 + s.rng.IntN(7) {
		s.one()
	}
	s.gathered, s.pending = nil, nil
	if len(g.Commands) > 0 && s.rng.IntN(3) == 0 {
		g.Commands = append(g.Commands, pick(s.rng, g.Commands))
	}
	if len(g.Ingests) > 0 && s.rng.IntN(3) == 0 {
		g.Ingests = append(g.Ingests, pick(s.rng, g.Ingests))
	}
	s.doing = fmt.Sprintf("%d blocks and %d commands at once, the last of them %s", len(g.Ingests), len(g.Commands), s.doing)
	s.send(g)
}

// send gives an entry to the registers as a leader would, which proposes none that it
// can't encode. While one is gathered, it is put with that.
func (s *storm) send(e *Entry) *Outcome {
	none := &Outcome{Results: make([]Result, len(e.Commands)), Ingests: make([]IngestResult, len(e.Ingests))}
	if g := s.gathered; g != nil {
		g.Epochs, g.Ingests, g.Commands = append(g.Epochs, e.Epochs...), append(g.Ingests, e.Ingests...), append(g.Commands, e.Commands...)
		return none
	}
	s.dates(e)
	b, err := EncodeEntry(e)
	if err != nil {
		s.keepsUp()
		return none
	}
	out := s.applyRaw(b)
	for i := range e.Commands {
		s.note(string(e.Commands[i].Method), out.Results[i].Fault)
	}
	for i := range e.Ingests {
		s.heard(e.Ingests[i].Block.Header.Log, out.Ingests[i].Fault)
	}
	s.keepsUp()
	return out
}

// dates gives an entry its time, its format and the leader's digest.
func (s *storm) dates(e *Entry) {
	s.at = min(s.at+s.rng.Int64N(5000), maxTime)
	e.At, e.Offset = s.at-s.rng.Int64N(2)*s.rng.Int64N(60_000), dhakaOffset
	switch s.rng.IntN(400) {
	case 0:
		e.At = 0
	case 1:
		e.Offset = -maxOffset
	case 2:
		e.Offset = maxOffset
	case 3, 4, 5, 6:
		i, d := s.first().Digest()
		e.Checkpoint = &Checkpoint{Index: i, Digest: d}
	}
	if s.older && s.rng.IntN(16) == 0 {
		e.Format = uint8(1 + s.rng.IntN(entryFormat))
	}
}

// heard is what a box makes of an answer: what was refused for good it writes no more, and
// what it was not told of it sends again.
func (s *storm) heard(log protocol.LogID, f *protocol.Failure) {
	for i, b := range s.boxes {
		if b.log != log || f == nil {
			continue
		}
		at, _, err := s.first().Cursor(log)
		if err != nil {
			s.t.Fatal(err)
		}
		if n := int(at.Seq); f.Kind != fault.Unavailable && n < len(b.events) && !s.anew() {
			s.boxes[i] = b.rolledBack(n)
		}
		s.boxes[i].epoch = nil
	}
}

// keepsUp has a box go on in a log of its own once its log is frozen, with what it had
// written there.
func (s *storm) keepsUp() {
	for i, b := range s.boxes {
		_, fork, err := s.first().Cursor(b.log)
		if err != nil {
			s.t.Fatal(err)
		}
		if fork != nil {
			s.boxes[i] = b.next(b.log.Incarnation+1, b.slot, max(0, len(b.events)-3))
		}
	}
}

// command sends one, and notes whether it took effect.
func (s *storm) command(c Command) Result {
	s.ids++
	c.ID = fmt.Sprint("storm-", s.ids-s.rng.IntN(20)/19)
	c.Actor = strings.ToValidUTF8(c.Actor, "?") // Whom a hub lets in has a login.
	s.doing = fmt.Sprintf("%s by %q on %s at %d: %x", c.Method, c.Actor, c.Number, c.Expect, []byte(c.Body))
	return s.send(&Entry{Commands: []Command{c}}).Results[0]
}

func (s *storm) note(what string, f *protocol.Failure) {
	s.taken[what] += 0
	if f == nil {
		s.taken[what]++
	}
}

// again has an entry committed a second time, as a leader may that never heard of the first.
func (s *storm) again() {
	i := s.rng.IntN(len(s.entries))
	if s.rng.IntN(2) == 0 {
		i = len(s.entries) - 1
	}
	s.doing = fmt.Sprintf("entry %d once more", i+1)
	s.applyRaw(bytes.Clone(s.entries[i]))
	s.keepsUp()
}

// seals has a box begin an epoch, or seal no more. Not every one is sealed to this district.
func (s writer) seals(b *box) {
	if s.rng.IntN(6) > 0 {
		return
	}
	to, _ := s.first().Recipients()
	switch s.rng.IntN(4) {
	case 0:
		b.epoch = nil
		return
	case 1:
		to = [][]byte{s.stranger}
	}
	if e, err := identity.NewEpoch(to...); err == nil { // Of the keys some are none.
		b.epoch = e
	}
}

// A leader is what puts together what stands in entries, as it should or not.
type leader struct{ *storm }

// introduces gives the introduction of a box's epoch, mostly as it has to be.
func (s leader) introduces(b *box) []protocol.Epoch {
	if b.epoch == nil || s.rng.IntN(8) == 0 {
		return nil
	}
	e := b.introduction()
	switch s.rng.IntN(24) {
	case 0: // It names the district, and can't be opened by it.
		e.Wraps = append([]identity.Wrap{}, e.Wraps...)
		e.Wraps[0].Sealed = bytes.Clone(e.Wraps[0].Sealed)
		e.Wraps[0].Sealed[9] ^= 1
	case 1:
		e.Wraps = nil
	case 2:
		e.Cert, e.Signature = make([]byte, s.rng.IntN(70_000)), nil
	case 3:
		e.ID = identity.EpochID{}
	}
	return []protocol.Epoch{e}
}

// spoils is what a leader does to a block that its box did not: any of it, or what it says of it.
func (s leader) spoils(in *Ingest) {
	h := &in.Block.Header
	in.Block.Body = bytes.Clone(in.Block.Body)
	switch s.rng.IntN(14) {
	case 0:
		if n := len(in.Block.Body); n > 0 {
			in.Block.Body[s.rng.IntN(n)] ^= byte(1 << s.rng.IntN(8))
		}
	case 1:
		in.Block.Body = in.Block.Body[:s.rng.IntN(len(in.Block.Body)+1)]
	case 2:
		h.End[3]++
	case 3:
		h.Prev[3]++
	case 4:
		h.Codec = uint8(s.rng.IntN(7))
	case 5:
		h.Counter++
	case 6:
		h.Epoch[0]++
	case 7:
		in.Verdicts = in.Verdicts[:s.rng.IntN(len(in.Verdicts)+1)]
	case 8:
		in.Verdicts = append(in.Verdicts, in.Verdicts...)
	case 9:
		h.Log.Name = s.word("Name")
	case 10:
		h.Log.Incarnation = s.rng.Uint64N(9)
	case 11:
		h.First, h.Last = h.First+s.rng.Uint64N(3), h.Last+s.rng.Uint64N(300)
	case 12:
		in.Block.Signature = make([]byte, s.rng.IntN(100))
	default:
		h.First, h.Last = s.rng.Uint64()|1<<63, ^uint64(0)
	}
}
