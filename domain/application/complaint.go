package application

import (
	"cmp"
	"slices"

	"kendro/domain/place"
)

// A Complaint is whom a grievance is about, as its answers have it.
type Complaint struct {
	Kind    string       `cbor:"1,keyasint"`           // The answer that says what it is about.
	Centre  place.Centre `cbor:"2,keyasint,omitempty"` // A digital centre …
	Officer string       `cbor:"3,keyasint,omitempty"` // … or a login, a post@office or an office …
	Receipt string       `cbor:"4,keyasint,omitempty"` // … or the case of a receive number.
	Day     int64        `cbor:"5,keyasint,omitempty"` // When it happened, in days since 1970; 0 is not said.
	Hidden  bool         `cbor:"6,keyasint,omitempty"` // The name of who complains is for the deciding desk alone.
}

// An Accused is whom a grievance is about, once the register has found out who that
// is. Nobody of them gets it, nor anybody directly below them.
type Accused struct {
	Persons []string     `cbor:"1,keyasint,omitempty"` // Logins; a person's first where he has several.
	Seats   []place.Seat `cbor:"2,keyasint,omitempty"`
	Offices []string     `cbor:"3,keyasint,omitempty"`
	Unknown bool         `cbor:"4,keyasint,omitempty"` // It is about an officer, and nothing says which.
	Hidden  bool         `cbor:"5,keyasint,omitempty"` // As in Complaint.
}

// With is whom two complaints are about together.
func (a *Accused) With(b *Accused) *Accused {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return &Accused{
		Persons: slices.Concat(a.Persons, b.Persons), Seats: slices.Concat(a.Seats, b.Seats), Offices: slices.Concat(a.Offices, b.Offices),
		Unknown: a.Unknown || b.Unknown, Hidden: a.Hidden || b.Hidden,
	}
}

// A Holding is one login with a seat. An acting charge is a login of its own, of the
// same person.
type Holding struct {
	Login  string
	Person string
	Seat   place.Seat
}

// A Roster is who holds, or will hold, which seat, and who is above whom. It is read
// only, so it may be used concurrently. Without one (nil) every seat has a conflict.
type Roster struct {
	Holdings []Holding
	Above    func(place.Seat) (place.Seat, bool)
}

// A Conflict is why a seat may not have a grievance; none is "".
type Conflict string

// The conflicts.
const (
	IsAccused    Conflict = "it is about this desk or who holds it"
	BelowAccused Conflict = "this desk, or who holds it, is directly below whom it is about"
	HasDecided   Conflict = "who holds this desk has decided it before"
)

// Conflict says why a seat may not have a grievance. What counts is every seat of
// whoever holds it, acting charges included. Deciders are persons who decided before.
func (r *Roster) Conflict(a *Accused, seat place.Seat, deciders ...string) Conflict {
	if r == nil {
		return IsAccused
	}
	if c := r.of(a, seat); c != "" {
		return c
	}
	for _, h := range r.Holdings {
		if h.Seat != seat {
			continue
		}
		if slices.Contains(a.Persons, h.Person) {
			return IsAccused
		}
		if slices.Contains(deciders, h.Person) {
			return HasDecided
		}
		for _, other := range r.Holdings {
			if other.Person != h.Person || other.Seat == seat {
				continue
			}
			if c := r.of(a, other.Seat); c != "" {
				return c
			}
		}
	}
	return ""
}

// of is the conflict of a seat itself.
func (r *Roster) of(a *Accused, seat place.Seat) Conflict {
	if r.accused(a, seat) {
		return IsAccused
	}
	if up, ok := r.Above(seat); ok && r.accused(a, up) {
		return BelowAccused
	}
	return ""
}

// accused reports whether a grievance is about a seat, or about somebody who holds it.
func (r *Roster) accused(a *Accused, seat place.Seat) bool {
	return slices.Contains(a.Seats, seat) || slices.Contains(a.Offices, seat.Office) ||
		slices.ContainsFunc(r.Holdings, func(h Holding) bool { return h.Seat == seat && slices.Contains(a.Persons, h.Person) })
}

// tallest bounds every walk up the posts.
const tallest = 12

// Free is the seat that gets a grievance in place of one: itself, or the first above it
// that has no conflict, or else the first such of beyond. False: there is none.
func (r *Roster) Free(a *Accused, seat place.Seat, beyond []place.Seat, deciders ...string) (place.Seat, bool) {
	if r == nil {
		return place.Seat{}, false
	}
	ways := []place.Seat{seat}
	for range tallest {
		up, ok := r.Above(ways[len(ways)-1])
		if !ok {
			break
		}
		ways = append(ways, up)
	}
	if a.Unknown && len(ways) > 1 { // Whoever it is about, the head of the office is least likely below him.
		ways = ways[len(ways)-1:]
	}
	for _, s := range append(ways, beyond...) {
		if s != (place.Seat{}) && r.Conflict(a, s, deciders...) == "" {
			return s, true
		}
	}
	return place.Seat{}, false
}
