package register

import (
	"context"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// What a box sealed whole, a grievance's words and documents, stays as it is in the event
// that the box signed. When the key that it was sealed to is to go, a server that holds it
// takes out of it what opens that one text, and the register keeps it, sealed to a later
// key. So the event, its hash and the document are never touched, and whatever reads them
// finds what opens them by their name.

// An Opening is what opens one text or document that a box sealed, itself sealed to a key of
// the district's.
type Opening struct {
	Name   protocol.Hash  `cbor:"1,keyasint"` // Of the sealed text, or the document's hash.
	Key    identity.KeyID `cbor:"2,keyasint"` // That it is sealed to.
	Sealed []byte         `cbor:"3,keyasint"`
}

// maxOpening bounds one that is sealed.
const maxOpening = 2 << 10

// MaxOpenings is how many go into one command.
const MaxOpenings = 64

// An OpeningKept is an opening, and the event that holds what it opens, or names it.
type OpeningKept struct {
	Opening
	Log protocol.LogID `cbor:"4,keyasint"`
	Seq uint64         `cbor:"5,keyasint"`
}

// OpeningsKept is the body of keep-openings.
type OpeningsKept struct {
	List []OpeningKept `cbor:"1,keyasint"`
}

// OpeningsKnown is the body of know-openings.
type OpeningsKnown struct {
	List []Opening `cbor:"1,keyasint"`
}

// A Confided is something that the register holds as its box sealed it.
type Confided struct {
	Log      protocol.LogID // Of the event that holds it, or names it,
	Seq      uint64         // and its place there.
	Text     *protocol.Confidential
	Document *protocol.Document // Instead of a text.
	To       identity.KeyID     // The key that its opening is sealed to; zero where it has none.
}

// Name is that of its opening.
func (c *Confided) Name() protocol.Hash {
	if c.Document != nil {
		return c.Document.Hash
	}
	return c.Text.Name()
}

// sealedType is the type of a document that its box has sealed.
const sealedType = 4

// confided returns what an event holds and names that its box sealed whole.
func confided(e *protocol.Event) (list []Confided) {
	e, _ = asFiled(e, Source{})
	var secret *protocol.Confidential
	var documents []protocol.Document
	switch e.Kind { //nolint:exhaustive // Nothing is sealed in the others.
	case protocol.Submitted:
		var s struct {
			Documents []protocol.Document    `cbor:"6,keyasint,omitempty"`
			Secret    *protocol.Confidential `cbor:"9,keyasint,omitempty"`
		}
		if e.Decode(&s) == nil {
			secret, documents = s.Secret, s.Documents
		}
	case protocol.Supplied:
		var s protocol.Supplement
		if e.Decode(&s) == nil {
			secret, documents = s.Secret, s.Documents
		}
	case protocol.Appealed:
		var a protocol.Appeal
		if e.Decode(&a) == nil {
			secret = a.Secret
		}
	case protocol.Corrected:
		var k protocol.Correction
		if e.Decode(&k) == nil {
			secret = k.Secret
		}
	}
	if secret != nil {
		list = append(list, Confided{Text: secret})
	}
	for i := range documents {
		if documents[i].Type == sealedType {
			list = append(list, Confided{Document: &documents[i]})
		}
	}
	return list
}

// openingKey hides a document's hash: keys are stored in clear.
func openingKey(incarnation uint64, name protocol.Hash) []byte {
	return sideKey(sideOpening, nameKey(incarnation, "opening", string(name[:])))
}

// openings keeps what opens what boxes sealed.
type openings struct{ *step }

func (s openings) key(name protocol.Hash) []byte {
	return openingKey(s.world.founding.Incarnation, name)
}

func (o *Opening) check() *protocol.Failure {
	if len(o.Sealed) == 0 || len(o.Sealed) > maxOpening || o.Key == (identity.KeyID{}) {
		return refuse(fault.Invalid, o.Name.String(), "an opening is out of bounds")
	}
	return nil
}

// note keeps openings of what is here, and of nothing that was erased meanwhile.
func (s openings) note(c *Command) Result {
	b, f := body[OpeningsKept](c)
	if f != nil {
		return Result{Fault: f}
	}
	if s.world.founding == nil || len(b.List) > MaxOpenings {
		return failed(fault.Invalid, "openings", "want a district, and no more than a command takes")
	}
	for i := range b.List {
		o := &b.List[i]
		if f := o.check(); f != nil {
			return Result{Fault: f}
		}
		if s.holds(o) && s.world.generation(o.Key) != 0 {
			s.put(s.key(o.Name), &o.Opening)
		}
	}
	return done(nil)
}

// holds reports whether the event of an opening is here, and holds or names what it opens.
func (s openings) holds(o *OpeningKept) bool {
	stored, ok := s.raw(eventKey(o.Log, o.Seq))
	if !ok || bare(stored) {
		return false
	}
	e, err := protocol.DecodeEvent(stored[len(protocol.Hash{}):])
	if err != nil {
		return false
	}
	for _, x := range confided(&e) {
		if x.Name() != o.Name {
			continue
		}
		p := &Paper{}
		return x.Document == nil || !s.get(papers(s).paperKey(o.Name), p) || p.Erased == 0
	}
	return false
}

// know takes over the openings of the register before this one: boxes bring what they open.
func (s openings) know(c *Command) Result {
	b, f := body[OpeningsKnown](c)
	if f != nil {
		return Result{Fault: f}
	}
	if s.world.founding == nil || len(b.List) > MaxOpenings {
		return failed(fault.Invalid, "openings", "want a district, and no more than a command takes")
	}
	for i := range b.List {
		if f := b.List[i].check(); f != nil {
			return Result{Fault: f}
		}
	}
	for i := range b.List {
		s.put(s.key(b.List[i].Name), &b.List[i])
	}
	return done(nil)
}

// drop takes the opening of something away.
func (s openings) drop(name protocol.Hash) {
	if k := s.key(name); s.has(k) {
		s.del(k)
	}
}

// dropOf takes away the openings of an event that is erased, but for documents that a case
// has named.
func (s openings) dropOf(e *protocol.Event) {
	for _, x := range confided(e) {
		if x.Document == nil || !s.has(papers(s).paperKey(x.Document.Hash)) {
			s.drop(x.Name())
		}
	}
}

// Openings answers questions about what boxes sealed whole. Any goroutine may ask.
type Openings struct{ *state }

// Opening returns what opens a text or a document, or [fault.NotFound].
func (r Openings) Opening(name protocol.Hash) (*Opening, error) {
	f := r.world.Load().founding
	if f == nil {
		return nil, fault.New("register.Opening", fault.NotFound, name.String(), "the district is not founded")
	}
	return find[Opening](r.state, "Opening", openingKey(f.Incarnation, name), name.String())
}

// AllOpenings returns every opening, in the order of their keys.
func (r Openings) AllOpenings() ([]*Opening, error) {
	return list[Opening](r.state, sideKey(sideOpening))
}

// EachConfided calls fn with everything that the register holds as its box sealed it, and
// returns the entry as of which that is. It reads every event of every uplink.
func (r Openings) EachConfided(ctx context.Context, fn func(*Confided) error) (index uint64, err error) {
	f := r.world.Load().founding
	if f == nil {
		return 0, nil
	}
	err = r.base.View(func(v View) error {
		var m meta
		if _, err := readInto(v, key(tagMeta), &m); err != nil {
			return err
		}
		index = m.Index
		return looking{v, ctx}.Scan([]byte{tagEvent, byte(protocol.Uplink)}, nil, func(k, stored []byte) (bool, error) {
			if bare(stored) {
				return true, nil
			}
			e, err := protocol.DecodeEvent(stored[len(protocol.Hash{}):])
			if err != nil {
				return true, nil //nolint:nilerr // Nobody can read it, whatever the key.
			}
			for _, x := range confided(&e) {
				x.Log, x.Seq = placeIn(k)
				o := &Opening{}
				if _, err := readInto(v, openingKey(f.Incarnation, x.Name()), o); err != nil {
					return false, err
				}
				x.To = o.Key
				if err := fn(&x); err != nil {
					return false, err
				}
			}
			return true, nil
		})
	})
	return index, err
}
