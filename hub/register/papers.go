package register

import (
	"slices"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// A Paper is a document as the register knows it: that a case names it, and
// whether the servers hold it. The bytes lie in the servers' cabinets.
type Paper struct {
	Hash    protocol.Hash     `cbor:"1,keyasint"`
	Size    uint32            `cbor:"2,keyasint"`
	Type    uint8             `cbor:"3,keyasint"`
	Held    int64             `cbor:"4,keyasint,omitempty"`  // Since when a quorum holds it, Unix milliseconds; 0: it is missing.
	Waiting []protocol.Number `cbor:"5,keyasint,omitempty"`  // Cases that lack it.
	Centres []place.Centre    `cbor:"6,keyasint,omitempty"`  // That named it while it was missing.
	Erased  int64             `cbor:"65,keyasint,omitempty"` // When the servers were told to throw it away, Unix milliseconds.
}

// maxWaiting bounds the cases that wait for one document: further ones name it
// all the same, and show it once it is there.
const maxWaiting = 64

// papers is what the register does about documents.
type papers struct{ *step }

// paperKey hides a document's hash: keys are stored in clear.
func (s papers) paperKey(h protocol.Hash) []byte {
	return paperKey(s.world.founding.Incarnation, h)
}

func paperKey(incarnation uint64, h protocol.Hash) []byte {
	return key(tagPaper, nameKey(incarnation, "document", string(h[:])))
}

// of notes what documents an application names.
func (s papers) of(c *Case, e *protocol.Event) {
	var named struct {
		Documents []protocol.Document `cbor:"6,keyasint,omitempty"`
	}
	if e.Decode(&named) == nil {
		s.held = append(s.held, s.sent(c, named.Documents)...)
	}
}

// sent notes what documents a centre, or a clerk, named on a case. One that lacks some is listed.
func (s papers) sent(c *Case, list []protocol.Document) (held []protocol.Hash) {
	held = s.name(c, list)
	if s.format > 3 && len(c.Lacks) > 0 {
		s.set(lackingKey(c.Number), []byte{})
	}
	return held
}

func lackingKey(n protocol.Number) []byte { return sideKey(sideLacking, u64(uint64(n))) }

// name notes the documents that a case names. It returns those of them that the
// servers hold already; the others are the case's Lacks.
func (s papers) name(c *Case, list []protocol.Document) (held []protocol.Hash) {
	for i := range list[:min(len(list), protocol.MaxDocuments)] {
		d := &list[i]
		if d.Check() != nil {
			continue
		}
		p := &Paper{}
		if !s.get(s.paperKey(d.Hash), p) {
			p = &Paper{Hash: d.Hash, Size: d.Size, Type: d.Type}
		}
		if p.Held != 0 {
			held = append(held, d.Hash)
			continue
		}
		if !slices.Contains(c.Lacks, d.Hash) {
			c.Lacks = append(slices.Clip(c.Lacks), d.Hash)
		}
		if c.Centre != "" && !slices.Contains(p.Centres, c.Centre) && len(p.Centres) < maxWaiting {
			p.Centres = append(p.Centres, c.Centre)
		}
		if !slices.Contains(p.Waiting, c.Number) && len(p.Waiting) < maxWaiting {
			p.Waiting = append(p.Waiting, c.Number)
		}
		s.put(s.paperKey(d.Hash), p)
	}
	return held
}

// mostHeld are as many documents as one event of an inbox can name: a hash is 34 bytes.
const mostHeld = (protocol.MaxEvent - 64) / 34

// tellHeld lets a centre know which documents are safe. A block may name twice as many as
// go into an event.
func (s papers) tellHeld(centre place.Centre, held []protocol.Hash) {
	for some := range slices.Chunk(held, mostHeld) {
		s.append(s.world.inbox(centre), &protocol.Event{
			Kind: protocol.DocumentsHeld, Payload: protocol.Marshal(&protocol.HeldDocuments{Hashes: some}),
		})
	}
}

// PaperKept is the body of document-kept: a quorum of the servers holds it.
type PaperKept struct {
	Hash protocol.Hash `cbor:"1,keyasint"`
	Size uint32        `cbor:"2,keyasint"`
	Type uint8         `cbor:"3,keyasint"`

	Sent bool `cbor:"125,keyasint,omitempty"` // By a box, for a case: one that was erased meanwhile is no reason to keep it.
}

// kept notes that a document is safe: the cases that lacked it are whole, and the
// centres that sent it may let go of their copies.
func (s papers) kept(c *Command) Result {
	b, f := body[PaperKept](c)
	if f != nil {
		return Result{Fault: f}
	}
	d := protocol.Document{Kind: "document", Hash: b.Hash, Size: b.Size, Type: b.Type}
	if d.Check() != nil {
		return failed(fault.Invalid, b.Hash.String(), "size or type out of bounds")
	}
	p := &Paper{}
	switch known := s.get(s.paperKey(b.Hash), p); {
	case known && p.Held != 0:
		return done(nil)
	case known && p.Size != b.Size:
		return failed(fault.Conflict, b.Hash.String(), "its case names another size")
	case known && s.format > 3 && b.Sent && p.Erased != 0 && len(p.Waiting) == 0:
		return failed(fault.Unavailable, b.Hash.String(), "it was erased by order, and no case has named it since")
	case !known:
		p = &Paper{Hash: b.Hash, Size: b.Size, Type: b.Type}
	}
	for _, n := range p.Waiting {
		k := &Case{}
		if s.get(caseKey(n), k) {
			k.Lacks = slices.DeleteFunc(slices.Clone(k.Lacks), func(h protocol.Hash) bool { return h == b.Hash })
			s.put(caseKey(n), k)
			if len(k.Lacks) == 0 && s.has(lackingKey(n)) {
				s.del(lackingKey(n))
			}
		}
	}
	for _, centre := range p.Centres {
		s.tellHeld(centre, []protocol.Hash{b.Hash})
	}
	p.Held, p.Waiting, p.Centres = s.meta.At, nil, nil
	s.put(s.paperKey(b.Hash), p)
	s.part++
	s.put(key(tagKept, u64(s.index), u32(s.part)), &PaperKept{Hash: b.Hash, Size: b.Size, Type: b.Type})
	return done(nil)
}

// Papers answers questions about documents. Any goroutine may ask.
type Papers struct{ *state }

// Paper returns what the register knows of a document, or [fault.NotFound].
func (r Papers) Paper(h protocol.Hash) (*Paper, error) {
	f := r.world.Load().founding
	if f == nil {
		return nil, fault.New("register.Paper", fault.NotFound, h.String(), "the district is not founded")
	}
	return find[Paper](r.state, "Paper", paperKey(f.Incarnation, h), h.String())
}

// PapersAfter calls fn with the documents that the servers hold, in the order in
// which they became safe, after a mark; nil is the beginning. It returns the mark
// of the last one.
func (r Papers) PapersAfter(mark []byte, fn func(PaperKept) error) ([]byte, error) {
	from := key(tagKept)
	if mark != nil {
		from = append(slices.Clone(mark), 0)
	}
	err := r.base.View(func(v View) error {
		return v.Scan(key(tagKept), from, func(k, raw []byte) (bool, error) {
			var p PaperKept
			if err := decodeState(k, raw, &p); err != nil {
				return false, err
			}
			if err := fn(p); err != nil {
				return false, err
			}
			mark = slices.Clone(k)
			return true, nil
		})
	})
	return mark, err
}
