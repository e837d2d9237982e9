package box

import (
	"cmp"
	"time"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/store"
)

// leastEnded is the least version of a case that has ended: a base does not say which
// it was.
const leastEnded = 2

// Cases answers about the applications that this box took.
type Cases struct {
	*Shelf
	recent recent // Whose applications the newest are.
}

// A Case is an application of this box with what the hub has said of it.
type Case struct {
	Answer
	Prev       protocol.Hash // Hash of the event before.
	Event      protocol.Event
	Raw        []byte // The event as it was hashed.
	Submission protocol.Submission
	Version    *dcat.Version // The pinned version, nil when the catalogue lacks it.
	Asks       *dcat.Version // Under which what the case waits for is answered; mostly the same.
	Where

	PutRight []PutRight // What this box has put right, in its order; of a case that was asked for alone.
}

// Where is where a case stands, as the citizen may know it.
type Where struct {
	Accepted bool            // The district's register holds it.
	Copies   int             // Neighbours that hold a sealed copy, while no register does.
	Seen     bool            // An officer took it up.
	Aside    bool            // The register holds it for a person to look at; Reason says why.
	Alias    protocol.Number // Its number in the register, when it isn't the printed one.
	Stage    string
	Since    time.Time // At the latest, of a case that ended before this box was the centre's.
	Office   Named
	Next     Named
	Expected int64 // Unix seconds, 0 unknown.
	Edition  uint64
	Reason   string
	AsOf     time.Time // When this box last knew.

	Erased *protocol.ErasedCase // What told of the citizen was erased by order.

	Said protocol.Standing // The hub's newest word, where it has said more than that it was received.
}

// Named is a code with its words; an empty code is nothing.
type Named struct {
	Code string
	Name place.Name
}

// Case returns the application with this number, with its answers as this box knows
// them, or [fault.NotFound] when this box did not take it.
func (b *Cases) Case(n protocol.Number) (*Case, error) {
	if g, err := b.Erased(n); err != nil || g != nil {
		return nil, cmp.Or(err, erasedFault(n))
	}
	e, err := b.effectFor(n)
	if err != nil {
		return nil, err
	}
	c, err := b.caseOf(e)
	if err != nil {
		return nil, err
	}
	return c, b.amend(c)
}

// Latest returns the newest applications of this box, newest first, at most
// limit of them, from before a sequence; 0 begins with the newest.
func (b *Cases) Latest(before uint64, limit int) ([]*Case, error) {
	if tip := b.mirror.records(); before == 0 || before > tip+1 {
		before = tip + 1
	}
	list := []*Case{}
	for seq := before - 1; seq > 0 && len(list) < limit; seq-- {
		if b.index.parts.hole(seq) {
			continue
		}
		e, err := b.placeAt(seq)
		if err != nil {
			return nil, err
		}
		if e.record.gone != nil || e.record.Key == againKey || e.event.Kind != protocol.Submitted {
			continue // It stands where it was filed, too.
		}
		c, err := b.caseOf(e)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func (b *Cases) caseOf(e *ownEffect) (*Case, error) {
	c := &Case{Prev: e.before, Event: *e.event, Raw: e.raw}
	a, err := b.answerOf(e.number, spotOf(e), e.event)
	if err != nil {
		return nil, err
	}
	c.Answer = *a
	if err := e.event.Decode(&c.Submission); err != nil {
		return nil, damagedRecord("own", e.seq, err)
	}
	c.Version = b.pinned(&a.Pin)
	c.Where, err = b.where(e, c.Version)
	if c.Asks = c.Version; c.Said.Under != nil {
		c.Asks = b.pinned(c.Said.Under)
	}
	return c, err
}

// Track returns where a case stands, or [fault.NotFound].
func (b *Cases) Track(n protocol.Number) (Where, error) {
	g, err := b.Erased(n)
	if err != nil {
		return Where{}, err
	}
	if g != nil {
		return g.where(), nil
	}
	e, err := b.effectFor(n)
	if err != nil {
		return Where{}, err
	}
	return b.where(e, b.pinned(e.event.Pin))
}

// Elsewhere describes a case of another centre by the hub's word on it.
func (b *Cases) Elsewhere(s *protocol.Standing) (w Where) {
	b.moved(&w, s, nil)
	return w
}

// Knows says of a number that this box has no case of who would know of one: a hub of its
// own district alone, or nobody, where this box alone gives out such numbers.
func (b *Cases) Knows(n protocol.Number) (hub, nobody bool) {
	e := &b.o.Enrolment
	hub = n.District() == e.District
	return hub, hub && (n.Slot() == e.Slot || n.Slot() == e.Spare)
}

// Pinned returns the version of a service that a pin names, nil where the catalogue lacks it.
func (b *Shelf) Pinned(p *protocol.Pin) *dcat.Version { return b.pinned(p) }

func (b *Shelf) pinned(p *protocol.Pin) *dcat.Version {
	goods := b.Goods()
	if goods == nil {
		return nil
	}
	for _, v := range goods.Set.VersionsOf(p.Service) {
		if [8]byte(v.Hash[:8]) == p.Hash {
			return v
		}
	}
	return nil
}

// where puts together what the index has of a case. Custody and stage come from
// one transaction, so they change together.
func (b *Cases) where(e *ownEffect, v *dcat.Version) (Where, error) {
	var run span
	var standing protocol.Standing
	var end endedSpan
	var inRegister, moved, ended bool
	e, err := b.newest(e)
	if err != nil {
		return Where{}, err
	}
	err = b.view(func(tx *store.Tx) (err error) {
		if run, inRegister, err = b.index.accepted(tx, e.log, e.place); err != nil || !inRegister {
			return err
		}
		if moved, err = b.index.standing(tx, e.number, &standing); err != nil || moved {
			return err
		}
		end, ended, err = endedIndex{b.index}.of(tx, e)
		return err
	})
	if err != nil {
		return Where{}, err
	}
	w := Where{AsOf: time.UnixMilli(b.mirror.lastSeen())}
	switch {
	case !inRegister:
		b.atCounter(&w, e, v)
	case moved:
		b.moved(&w, &standing, v)
		if standing.Number != e.number {
			w.Alias = standing.Number
		}
	case ended:
		w.Accepted, w.Seen, w.Stage, w.Since, w.Edition = true, true, end.Stage, time.UnixMilli(end.By), leastEnded
	default:
		b.received(&w, &run, v)
	}
	return w, nil
}

// atCounter describes a case that no hub has signed for.
func (b *Cases) atCounter(w *Where, e *ownEffect, v *dcat.Version) {
	w.Stage, w.Since, w.AsOf = application.Submitted.String(), time.UnixMilli(e.event.At), b.o.Clock()
	w.Office = b.centreNamed()
	w.Next = b.stepNamed(application.Submitted, v)
	w.Copies = b.copies.count(e.log, e.place)
}

// received describes a case as the register begins it.
func (b *Cases) received(w *Where, run *span, v *dcat.Version) {
	w.Accepted, w.Stage, w.Since, w.Edition = true, application.Received.String(), time.UnixMilli(run.At), 1
	w.Next = b.stepNamed(application.Received, v)
	goods := b.Goods()
	if goods == nil || v == nil || len(v.Steps) == 0 {
		return
	}
	w.Expected = due(goods.Set.Directory.Calendar, v.SLADays, w.Since.In(dhaka))
	if seat, ok := goods.Set.Directory.SeatFor(v.Steps[0].Post, goods.Centre.Area); ok {
		w.Office = b.officeNamed(seat.Office)
	}
}

// due is the end of the last working day that a service's term allows, counted
// as the register counts it.
func due(c *place.Calendar, days int, from time.Time) int64 {
	if days <= 0 {
		return 0
	}
	y, m, d := c.AddWorkingDays(from, days).Date()
	return time.Date(y, m, d+1, 0, 0, -1, 0, from.Location()).Unix()
}

// moved describes a case as the register's newest word has it.
func (b *Cases) moved(w *Where, s *protocol.Standing, v *dcat.Version) {
	w.Accepted, w.Stage, w.Since, w.Edition = true, s.Stage, time.UnixMilli(s.Since), s.Version
	w.Said = *s
	w.Office, w.Expected, w.Reason = b.officeNamed(s.Office), s.Expected, s.Reason
	w.Aside, w.Seen = s.Stage == application.Submitted.String(), s.Version > 1
	switch {
	case s.Next != "" && s.NextName.Complete():
		w.Next = Named{Code: s.Next, Name: s.NextName}
	case s.Next != "":
		w.Next = b.postNamed(s.Next)
	case s.Stage == application.Received.String():
		w.Next = b.stepNamed(application.Received, v)
	}
}

func (b *Shelf) stepNamed(stage application.Stage, v *dcat.Version) Named {
	step, ok := application.Upcoming(stage, 0, v)
	if !ok {
		return Named{}
	}
	return Named{Code: step.Post, Name: step.Name}
}

func (b *Shelf) centreNamed() Named {
	n := Named{Code: string(b.centre), Name: place.Name{BN: string(b.centre), EN: string(b.centre)}}
	if goods := b.Goods(); goods != nil {
		n.Name = goods.Centre.Name
	}
	return n
}

// OfficeNamed returns the words for an office.
func (b *Shelf) OfficeNamed(code string) Named { return b.officeNamed(code) }

func (b *Shelf) officeNamed(code string) Named {
	n := Named{Code: code, Name: place.Name{BN: code, EN: code}}
	if goods := b.Goods(); goods != nil {
		if o, ok := goods.Set.Directory.Office(code); ok {
			n.Name = o.Name
		}
	}
	return n
}

func (b *Shelf) postNamed(code string) Named {
	n := Named{Code: code, Name: place.Name{BN: code, EN: code}}
	if goods := b.Goods(); goods != nil {
		if p, ok := goods.Set.Directory.Post(code); ok {
			n.Name = p.Name
		}
	}
	return n
}

func spotOf(e *ownEffect) spot {
	return spot{seq: e.seq, log: e.log, place: e.place, hash: e.hash, receipt: e.receipt}
}

// HashOf returns the whole hash of a pinned version, empty when the catalogue
// lacks it.
func (b *Shelf) HashOf(p *protocol.Pin) string {
	if v := b.pinned(p); v != nil {
		return v.Hash.String()
	}
	return ""
}
