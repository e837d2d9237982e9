package register

import (
	"slices"
	"strings"

	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// A Training is the body of train, and what is kept of it: an entrepreneur has done
// one, or it is taken back. What is noted is never changed; the newest of a tag counts.
type Training struct {
	User        string `cbor:"1,keyasint,omitempty"` // Of the body alone.
	Tag         string `cbor:"2,keyasint"`
	On          int64  `cbor:"3,keyasint,omitempty"` // Unix seconds.
	Where       string `cbor:"4,keyasint,omitempty"`
	Certificate string `cbor:"5,keyasint,omitempty"` // Its number.
	Until       int64  `cbor:"6,keyasint,omitempty"` // Unix seconds; 0 is for good.
	Withdrawn   bool   `cbor:"7,keyasint,omitempty"`
	By          string `cbor:"8,keyasint,omitempty"` // Who noted it, …
	At          int64  `cbor:"9,keyasint,omitempty"` // … and when, Unix milliseconds; set by the register.
}

// maxTrainings bounds what is noted of one login.
const maxTrainings = 128

// trainings carries out what concerns the training of entrepreneurs (R-CE7).
type trainings struct{ staff }

// note keeps a training, and tells the entrepreneur's centre.
func (s trainings) note(c *Command, by access.Principal) Result {
	b, f := body[Training](c)
	if f != nil {
		return Result{Fault: f}
	}
	if access.ScopeOf(by.Role, access.Train) == access.Never || s.world.set == nil {
		return failed(fault.Denied, string(c.Method), "not yours to do: sign in as somebody who monitors the centre")
	}
	u := &User{}
	if !s.get(s.userKey(clip(b.User, protocol.MaxName)), u) || u.Role != access.Entrepreneur {
		return failed(fault.NotFound, clip(b.User, 64), "no entrepreneur has this login")
	}
	if f := s.mayTrain(by, u); f != nil {
		return Result{Fault: f}
	}
	if f := s.checkTraining(&b); f != nil {
		return Result{Fault: f}
	}
	if b.Withdrawn && !slices.ContainsFunc(u.Training, func(t Training) bool { return t.Tag == b.Tag }) {
		return failed(fault.Conflict, b.Tag, "this was never noted, so nothing is taken back")
	}
	if len(u.Training) >= maxTrainings {
		return failed(fault.Conflict, clip(u.Name, 64), "more than a person can have been trained in is noted already")
	}
	b.User, b.By, b.At = "", c.Actor, s.meta.At
	u.Training = append(u.Training, b)
	s.saveUser(u)
	return done(nil)
}

// mayTrain says why somebody may not note what an entrepreneur was trained in: that is
// for the supervisor of the centre's area, and for an officer whose post monitors.
func (s trainings) mayTrain(by access.Principal, u *User) *protocol.Failure {
	dir := s.world.set.Directory
	if err := access.May(by, access.Train, access.Resource{Areas: access.In(dir, s.world.area(u.Centre))}); err != nil {
		return failureOf(err)
	}
	post, _ := dir.Post(by.Seat.Post)
	if by.Role == access.Officer && !post.May(place.ActMonitor) {
		return refuse(fault.Denied, clip(by.Seat.String(), 64), "this post monitors no centre: ask the one that does")
	}
	return nil
}

func (s trainings) checkTraining(b *Training) *protocol.Failure {
	now := s.meta.At / 1000
	const day = 24 * 60 * 60
	if _, ok := s.world.set.Directory.Training(b.Tag); !ok && !b.Withdrawn {
		return refuse(fault.NotFound, clip(b.Tag, 64), "the release in force declares no such training: trainings.yaml of the pack lists them")
	}
	switch {
	case len(b.Where) > protocol.MaxName || len(b.Certificate) > protocol.MaxName:
		return refuse(fault.Invalid, "training", "want a place and a certificate's number of at most 128 bytes")
	case b.Withdrawn:
		return nil
	case b.On <= 0 || b.On > now+day: // A leader's day may be one behind the district's.
		return refuse(fault.Invalid, "on", "want the day of the training, today at the latest")
	case b.Until != 0 && b.Until <= b.On:
		return refuse(fault.Invalid, "until", "want a last day that is not before the training, or none")
	}
	return nil
}

// trained is what a login holds, as its centre is told.
func (u *User) trained() (list []protocol.Trained) {
	for i, t := range u.Training {
		later := slices.ContainsFunc(u.Training[i+1:], func(x Training) bool { return x.Tag == t.Tag })
		if !later && !t.Withdrawn {
			list = append(list, protocol.Trained{Tag: t.Tag, Until: t.Until})
		}
	}
	return list
}

// Lacks returns which of the trainings a login doesn't hold at a time in Unix seconds.
func (u *User) Lacks(tags []string, unix int64) []string {
	told := protocol.User{Trained: u.trained()}
	return told.Lacks(tags, unix)
}

// Untrained is what a login took in without a training that the service asks for.
type Untrained struct {
	Cases uint64 `cbor:"1,keyasint"`
	Item  string `cbor:"2,keyasint"` // The newest of them, which tells the overseer.
}

// look has the overseer of a centre look at a case that somebody took in who lacks a
// training. The receipt stands: its box could not know, or is of a version before. One
// open item for each login is enough; the others are counted.
func (s trainings) look(c *Case, v *dcat.Version) {
	if len(v.Training) == 0 {
		return
	}
	u := &User{}
	if s.get(s.userKey(clip(c.By, protocol.MaxName)), u) && u.Role != access.Entrepreneur {
		return // What reaches an office itself is no centre's to be trained for.
	}
	lacks := u.Lacks(v.Training, c.Legal/1000)
	if len(lacks) == 0 {
		return
	}
	n := &Untrained{}
	k := sideKey(sideUntrained, nameKey(s.world.founding.Incarnation, c.By))
	s.get(k, n)
	n.Cases++
	if open, ok := keyOf(tagOpenItem, n.Item); !ok || !s.has(open) {
		n.Item = withheld{courses{s.step}}.untrained(c, strings.Join(lacks, ", "))
	}
	s.put(k, n)
}

func (s withheld) untrained(c *Case, lacks string) string {
	return s.open(c, Item{
		Kind: ItemUntrained, Owner: s.world.overseer(c.Centre), Text: clip(c.By, 64) + " took it in without the training that the service asks for: " + lacks,
		Event: Source{Log: c.Log, At: c.At}, Centre: c.Centre,
	})
}

// Untrained returns what a login took in without a training that was asked for.
func (r People) Untrained(name string) (Untrained, error) {
	var out Untrained
	f := r.world.Load().founding
	if f == nil {
		return out, nil
	}
	err := r.base.View(func(v View) error {
		_, err := readInto(v, sideKey(sideUntrained, nameKey(f.Incarnation, name)), &out)
		return err
	})
	return out, err
}
