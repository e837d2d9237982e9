package register

import (
	"slices"
	"strings"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// A Tie is what officers found out about the applicants of two cases: that they
// are one citizen, or two. It alters neither case, and whoever may make it may take
// it back: what was said before stays readable (DOMAIN §7 row 34).
type Tie struct {
	Number protocol.Number `cbor:"1,keyasint"` // Of the case that it was asked for.
	Other  protocol.Number `cbor:"2,keyasint"`
	Said   []Said          `cbor:"3,keyasint"` // The newest last; that one holds.
}

// Said is one opinion on a tie.
type Said struct {
	_       struct{} `cbor:",toarray"`
	Verdict string   // One of Verdicts.
	Text    string   // Why: what was seen.
	By      string
	Seat    place.Seat
	At      int64 // Unix milliseconds.
}

// Verdicts are what may be said of two applicants. The last takes back what was
// said before.
func Verdicts() []string { return []string{SamePerson, OtherPerson, TakenBack} }

// The verdicts.
const (
	SamePerson  = "same"
	OtherPerson = "different"
	TakenBack   = "open"
)

// Verdict is the one that holds.
func (t *Tie) Verdict() string { return t.Said[len(t.Said)-1].Verdict }

// maxSaid bounds how often two cases are judged.
const maxSaid = 32

// A Likening is the body of relate, on Command.Number.
type Likening struct {
	Other   protocol.Number `cbor:"1,keyasint"`
	Verdict string          `cbor:"2,keyasint"`
	Text    string          `cbor:"3,keyasint"`
	Saw     int             `cbor:"4,keyasint,omitempty"` // How many opinions there were when the officer looked.
}

func tieKey(n, other protocol.Number) []byte { return key(tagTie, u64(uint64(n)), u64(uint64(other))) }

// relate has an officer who may read both cases say whether they are of one person.
func (s desks) relate(c *Command, by access.Principal) Result {
	b, f := body[Likening](c)
	if f != nil {
		return Result{Fault: f}
	}
	if access.ScopeOf(by.Role, access.WorkCase) == access.Never {
		return failed(fault.Denied, string(c.Method), "not yours to do: sign in as an officer")
	}
	for _, n := range []protocol.Number{c.Number, b.Other} {
		k := &Case{}
		if !s.get(caseKey(n), k) {
			return failed(fault.NotFound, n.String(), "no case has this number")
		}
		if k.Erased != 0 {
			return failed(fault.Conflict, n.String(), "its applicant was erased by order")
		}
		if err := access.May(by, access.ReadCase, k.closed(k.resource(s.world, place.Seat{}, k.State.Version), grievances{courses(s)}.roster)); err != nil {
			return Result{Fault: failureOf(err)}
		}
	}
	t := &Tie{}
	s.get(tieKey(c.Number, b.Other), t)
	switch {
	case c.Number == b.Other:
		return failed(fault.Invalid, c.Number.String(), "name another case")
	case !slices.Contains(Verdicts(), b.Verdict), b.Verdict == TakenBack && len(t.Said) == 0:
		return failed(fault.Invalid, clip(b.Verdict, 64), "want "+strings.Join(Verdicts(), ", ")+"; the last takes back what was said")
	case strings.TrimSpace(b.Text) == "" || len(b.Text) > application.MaxText:
		return failed(fault.Invalid, "text", "write what you saw, 1 to 4096 bytes")
	case b.Saw != len(t.Said):
		return failed(fault.Conflict, b.Other.String(), "somebody said something about these two meanwhile: look again")
	case len(t.Said) >= maxSaid:
		return failed(fault.Limited, b.Other.String(), "there is no room for more opinions on these two")
	}
	said := append(slices.Clone(t.Said), Said{Verdict: b.Verdict, Text: b.Text, By: by.User, Seat: by.Seat, At: s.meta.At})
	s.put(tieKey(c.Number, b.Other), &Tie{Number: c.Number, Other: b.Other, Said: said})
	s.put(tieKey(b.Other, c.Number), &Tie{Number: b.Other, Other: c.Number, Said: said})
	return done(nil)
}

// Ties returns what was said of a case's applicant and those of others, by number.
func (r Cases) Ties(n protocol.Number) ([]*Tie, error) {
	return list[Tie](r.state, key(tagTie, u64(uint64(n))))
}
