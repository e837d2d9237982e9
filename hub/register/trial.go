package register

import (
	"slices"
	"strconv"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// A TrialOrder is the body of try-release: a release for one centre alone, until it
// has gone well there for a while.
type TrialOrder struct {
	Parcel
	Centre place.Centre `cbor:"10,keyasint"`
	For    int64        `cbor:"11,keyasint"` // Milliseconds, from the centre's first word on.
	Limit  uint64       `cbor:"12,keyasint"` // Attempts that one place of a service may refuse.
}

// A TrialWord is the body of promote-release and halt-release.
type TrialWord struct {
	Release int    `cbor:"1,keyasint"`
	Reason  string `cbor:"2,keyasint,omitempty"` // Of a halt.
}

// A FareTold is the body of release-fared: what a box said of a release on trial.
type FareTold struct {
	Centre place.Centre  `cbor:"1,keyasint"`
	Fare   protocol.Fare `cbor:"2,keyasint"`
}

// TrialState says how far a trial is.
type TrialState uint8

// The states of a trial.
const (
	TrialRuns   TrialState = 1
	TrialPassed TrialState = 2 // The release is in force for all.
	TrialHalted TrialState = 3
)

func (t TrialState) String() string { return [...]string{"", "runs", "passed", "halted"}[t] }

// A Trial is the newest release that was put on trial.
type Trial struct {
	Release int          `cbor:"1,keyasint"`
	Hash    dcat.Hash    `cbor:"2,keyasint"`
	Signed  []byte       `cbor:"3,keyasint"`
	Centre  place.Centre `cbor:"4,keyasint"`
	For     int64        `cbor:"5,keyasint"` // Milliseconds.
	Limit   uint64       `cbor:"6,keyasint"`
	Began   int64        `cbor:"7,keyasint"` // Unix milliseconds; so are all that follow.
	Active  int64        `cbor:"8,keyasint,omitempty"`
	Heard   int64        `cbor:"9,keyasint,omitempty"`
	Ended   int64        `cbor:"10,keyasint,omitempty"`
	State   TrialState   `cbor:"11,keyasint"`
	Reason  string       `cbor:"12,keyasint,omitempty"`
	By      string       `cbor:"13,keyasint,omitempty"` // Who ended it; the hub itself where it went well or badly.

	Fare   protocol.Fare        `cbor:"14,keyasint"`           // The newest word of the centre …
	Before []protocol.FarePlace `cbor:"15,keyasint,omitempty"` // … and what earlier runs of its box had refused …
	Took   []protocol.FarePlace `cbor:"16,keyasint,omitempty"` // … and filed.
}

// Bounds of a trial.
const (
	maxTrialFor   = 30 * 24 * 60 * minute
	maxTrialLimit = 10_000
)

// Refused is what the centre refused so far, by place.
func (t *Trial) Refused() []protocol.FarePlace { return sum(t.Before, t.Fare.Refused) }

// Filed is what the centre took so far, by service.
func (t *Trial) Filed() []protocol.FarePlace { return sum(t.Took, t.Fare.Filed) }

// sum adds counts of the same places, in the order of their first.
func sum(a, b []protocol.FarePlace) []protocol.FarePlace {
	out := slices.Clone(a)
	for _, p := range b {
		i := slices.IndexFunc(out, func(q protocol.FarePlace) bool { return q.Service == p.Service && q.Place == p.Place })
		if i >= 0 {
			out[i].Count += p.Count
		} else if len(out) < protocol.MaxFare {
			out = append(out, p)
		}
	}
	return out
}

// wrong returns why a trial has to be halted, empty while it goes well. One place may
// refuse what it likes as long as the service is filed more often.
func (t *Trial) wrong() string {
	if t.Fare.Failure != "" {
		return "the box cannot work with it: " + clip(t.Fare.Failure, 512)
	}
	filed := map[string]uint64{}
	for _, p := range t.Filed() {
		filed[p.Service] += p.Count
	}
	for _, p := range t.Refused() {
		if p.Count > t.Limit && p.Count > filed[p.Service] {
			return p.Service + ": " + p.Place + " refused " + strconv.FormatUint(p.Count, 10) + " of " +
				strconv.FormatUint(p.Count+filed[p.Service], 10) + " attempts"
		}
	}
	return ""
}

// trial returns the newest trial, nil before the first.
func (s press) trial() *Trial {
	t := &Trial{}
	if !s.get(key(tagTrial), t) {
		return nil
	}
	return t
}

func (s press) saveTrial(t *Trial) { s.put(key(tagTrial), t) }

// running returns the trial of a release that runs.
func (s press) running(release int) (*Trial, *protocol.Failure) {
	t := s.trial()
	if t == nil || t.Release != release {
		return nil, refuse(fault.NotFound, strconv.Itoa(release), "this release is not on trial")
	}
	if t.State != TrialRuns {
		return nil, refuse(fault.Conflict, strconv.Itoa(release), "its trial is over: it "+t.State.String())
	}
	return t, nil
}

// nextRelease is the number that the next release has to carry. That of a trial is
// not given out again, whatever became of it.
func (s press) nextRelease() int {
	n := 0
	if s.world.set != nil {
		n = s.world.set.Release.Number
	}
	if t := s.trial(); t != nil {
		n = max(n, t.Release)
	}
	return n + 1
}

// try puts a release in force at one centre. Its versions are known here from then on,
// since cases will pin them.
func (s press) try(c *Command) Result {
	b, f := body[TrialOrder](c)
	if f != nil {
		return Result{Fault: f}
	}
	old, box := s.world.set, s.world.centres[b.Centre]
	switch t := s.trial(); {
	case old == nil:
		return failed(fault.Conflict, "release", "the first release goes to all")
	case t != nil && t.State == TrialRuns:
		return failed(fault.Conflict, strconv.Itoa(t.Release), "this release is on trial: promote or halt it first")
	case box == nil || box.RevokedAt != 0:
		return failed(fault.NotFound, clip(string(b.Centre), 64), "no box is enrolled for this centre")
	case b.For < 1000 || b.For > maxTrialFor || b.Limit < 1 || b.Limit > maxTrialLimit:
		return failed(fault.Invalid, "trial", "want a time of 1 second to 30 days and a limit of 1 to 10000")
	}
	set, f := s.release(&b.Parcel, s.nextRelease(), true)
	if f != nil {
		return Result{Fault: f}
	}
	known, err := dcat.NewSet(old.Release, old.Directory, set.Versions())
	if err != nil {
		return Result{Fault: failureOf(err)}
	}
	s.shelve(&b.Parcel)
	s.append(s.world.shelf(), &protocol.Event{Kind: protocol.Tried, Payload: protocol.Marshal(&protocol.Trial{
		Signed: b.Signed, Centres: []string{string(b.Centre)}, For: b.For,
	})})
	w := s.world.clone()
	w.set = known
	s.world = w
	s.saveTrial(&Trial{
		Release: set.Release.Number, Hash: set.Release.Hash, Signed: b.Signed, Centre: b.Centre, For: b.For, Limit: b.Limit,
		Began: s.meta.At, State: TrialRuns,
	})
	agencies{s}.accepted(&set.Release, c.Actor)
	return Result{Version: uint64(set.Release.Number)}
}

func (s press) promote(c *Command) Result {
	b, f := body[TrialWord](c)
	if f != nil {
		return Result{Fault: f}
	}
	t, f := s.running(b.Release)
	if f == nil {
		f = s.pass(t, c.Actor)
	}
	if f != nil {
		return Result{Fault: f}
	}
	return Result{Version: uint64(t.Release)}
}

// pass puts a release that was on trial in force for all.
func (s press) pass(t *Trial, by string) *protocol.Failure {
	set, f := s.release(&Parcel{Signed: t.Signed}, t.Release, true)
	if f != nil {
		return f
	}
	s.enact(set, t.Signed)
	t.State, t.Ended, t.By = TrialPassed, s.meta.At, by
	s.saveTrial(t)
	return nil
}

func (s press) halt(c *Command) Result {
	b, f := body[TrialWord](c)
	if f != nil {
		return Result{Fault: f}
	}
	if len(b.Reason) > 512 {
		return failed(fault.Invalid, "reason", "want 512 bytes at most")
	}
	t, f := s.running(b.Release)
	if f != nil {
		return Result{Fault: f}
	}
	s.stop(t, c.Actor, b.Reason)
	return Result{Version: uint64(t.Release)}
}

// stop takes a release on trial out of force.
func (s press) stop(t *Trial, by, reason string) {
	t.State, t.Ended, t.By, t.Reason = TrialHalted, s.meta.At, by, reason
	s.append(s.world.shelf(), &protocol.Event{Kind: protocol.TrialEnded, Payload: protocol.Marshal(&protocol.TrialOver{
		Release: uint64(t.Release), Reason: reason,
	})})
	s.saveTrial(t)
}

// fared takes the word of the centre at which a release is on trial. What goes wrong
// halts it; once it has gone well for its time, and the centre says so, it is for all.
func (s press) fared(c *Command) Result {
	b, f := body[FareTold](c)
	if f != nil {
		return Result{Fault: f}
	}
	if b.Fare.Check() != nil {
		return failed(fault.Invalid, string(c.Method), "out of bounds")
	}
	t, f := s.running(int(b.Fare.Release))
	if f != nil {
		return Result{Fault: f}
	}
	if t.Centre != b.Centre {
		return failed(fault.Denied, clip(string(b.Centre), 64), "the release is not on trial there")
	}
	if t.Fare.Run != 0 && t.Fare.Run != b.Fare.Run {
		t.Before, t.Took = t.Refused(), t.Filed()
	}
	t.Fare, t.Heard = b.Fare, s.meta.At
	if b.Fare.InForce && t.Active == 0 {
		t.Active = s.meta.At
	}
	switch wrong := t.wrong(); {
	case wrong != "":
		s.stop(t, ActorHub, wrong)
	case t.Due(s.meta.At) && b.Fare.InForce:
		if f := s.pass(t, ActorHub); f != nil {
			return Result{Fault: f}
		}
	default:
		s.saveTrial(t)
	}
	return Result{Version: uint64(t.Release)}
}

// Due reports whether a trial has run for its time, at a time in Unix milliseconds.
func (t *Trial) Due(at int64) bool {
	return t.State == TrialRuns && t.Active != 0 && at >= t.Active+t.For
}

// Trial returns the newest release that was put on trial, nil before the first.
func (r Logs) Trial() (*Trial, error) {
	var out *Trial
	err := r.base.View(func(v View) error {
		t := &Trial{}
		ok, err := readInto(v, key(tagTrial), t)
		if ok {
			out = t
		}
		return err
	})
	return out, err
}

// NextRelease is the number that the next release has to carry.
func (r Logs) NextRelease() (int, error) {
	t, err := r.Trial()
	n := 0
	if set := r.world.Load().set; set != nil {
		n = set.Release.Number
	}
	if t != nil {
		n = max(n, t.Release)
	}
	return n + 1, err
}

// triedIn reads the release of a trial.
func triedIn(e protocol.Event) (*dcat.Release, error) {
	var t protocol.Trial
	if err := e.Decode(&t); err != nil {
		return nil, err
	}
	var signed catalogue.Signed
	if err := protocol.Unmarshal(t.Signed, protocol.MaxEvent, "release", &signed); err != nil {
		return nil, err
	}
	return catalogue.DecodeRelease(signed.Body)
}
