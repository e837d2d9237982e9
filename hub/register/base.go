package register

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// lately is for how long a base tells all of a case that has ended.
const lately = 90 * 24 * time.Hour

// InboxBase returns where a centre's inbox ends, and what its events add up to for a
// box that has nothing of it and has filed nothing: the newest word on contacts and
// each login, on each case that has not ended or ended lately, what is accepted, and
// whatever else was said and this build doesn't know how to shorten. It follows from
// the inbox and from where cases began, which never changes, so servers that hold the
// inbox up to one event return the same.
func (r Logs) InboxBase(c place.Centre) (at protocol.Head, events [][]byte, err error) {
	at.Log = r.Inbox(c)
	err = r.base.View(func(v View) error {
		f := folding{view: v, newest: map[string]int{}, alias: map[protocol.Number]bool{}, settled: map[protocol.LogID]map[uint64]bool{}}
		err := v.Scan(logKey(tagEvent, at.Log), nil, func(k, stored []byte) (bool, error) {
			if len(stored) <= len(at.At.Hash) {
				return false, fault.New("register.InboxBase", fault.Damaged, at.Log.String(), "an event is shorter than its hash")
			}
			at.At = protocol.Position{Seq: binary.BigEndian.Uint64(k[len(k)-8:]), Hash: protocol.Hash(stored[:len(at.At.Hash)])}
			f.take(bytes.Clone(stored[len(at.At.Hash):]))
			return true, nil
		})
		if err == nil {
			events, err = f.fold()
		}
		return err
	})
	return at, events, err
}

// A folding gathers what an inbox adds up to.
type folding struct {
	view    View
	said    []saying
	newest  map[string]int // By what it is about: the newest saying on it.
	runs    []run
	alias   map[protocol.Number]bool // Numbers of cases that go by two.
	settled map[protocol.LogID]map[uint64]bool
	until   int64 // Unix milliseconds of the newest event.
}

// A saying is an event that stands until another on the same.
type saying struct {
	raw      []byte
	standing *protocol.Standing
}

// A run is an acceptance; of its standings only the aliases.
type run struct {
	protocol.Acceptance
	at  int64
	raw []byte
}

// take reads one event. What it doesn't understand it keeps.
func (f *folding) take(raw []byte) {
	if _, gone := protocol.ErasedHash(raw); gone {
		return // What it said is to be forgotten, and a later event says so.
	}
	e, err := protocol.DecodeEvent(raw)
	if err != nil {
		f.said = append(f.said, saying{raw: raw})
		return
	}
	f.until = max(f.until, e.At)
	about, s := "", saying{raw: raw}
	switch e.Kind { //nolint:exhaustive // The others are kept as they are.
	case protocol.DocumentsHeld:
		return // Of papers of boxes before.
	case protocol.Settings:
		about = "settings"
	case protocol.Assured:
		var a protocol.Assurance
		if e.Decode(&a) == nil && a.Refounded == nil {
			about = "backup"
		}
	case protocol.LeaseTold:
		var l protocol.Lease
		if e.Decode(&l) == nil {
			about = "lease " + l.Service
		}
	case protocol.UserChanged:
		var u protocol.User
		if e.Decode(&u) == nil {
			about = "user " + u.Name
		}
	case protocol.CaseMoved:
		var st protocol.Standing
		if e.Decode(&st) == nil {
			about, s.standing = "case "+st.Number.String(), &st
		}
	case protocol.Accepted:
		var a protocol.Acceptance
		if e.Decode(&a) == nil && a.Log.Check() == nil && a.First > 0 && a.Last >= a.First {
			f.accept(&e, &a, raw)
			return
		}
	}
	f.say(about, s)
}

// say keeps an event in the place of the one before on the same.
func (f *folding) say(about string, s saying) {
	if old, ok := f.newest[about]; ok && about != "" {
		f.said[old] = saying{}
	}
	f.newest[about] = len(f.said)
	f.said = append(f.said, s)
}

// accept takes an acceptance and its standings apart: these may be overtaken.
func (f *folding) accept(e *protocol.Event, a *protocol.Acceptance, raw []byte) {
	r := run{Acceptance: *a, at: e.At, raw: raw}
	r.Other = nil
	for i := range a.Other {
		st := &a.Other[i]
		if other, ok := aliasIn(st); ok {
			f.alias[st.Number], f.alias[other] = true, true
			r.Other = append(r.Other, *st)
			continue
		}
		moved := protocol.Event{Kind: protocol.CaseMoved, At: e.At, Number: st.Number, Base: st.Version, Payload: protocol.Marshal(st)}
		f.say("case "+st.Number.String(), saying{raw: protocol.Marshal(&moved), standing: st})
	}
	if len(r.Other) < len(a.Other) {
		r.raw = r.encode()
	}
	f.runs = append(f.runs, r)
}

// aliasIn reads the other number of a case from a standing, as boxes do.
func aliasIn(s *protocol.Standing) (protocol.Number, bool) {
	text, ok := strings.CutPrefix(s.Reason, AliasReason)
	if !ok {
		return 0, false
	}
	n, err := protocol.ParseNumber(text)
	return n, err == nil
}

func (r *run) encode() []byte {
	return protocol.Marshal(&protocol.Event{Kind: protocol.Accepted, At: r.at, Payload: protocol.Marshal(&r.Acceptance)})
}

// fold returns what is left.
func (f *folding) fold() ([][]byte, error) {
	ends := map[endGroup]*group{}
	for i := range f.said {
		if err := f.settle(&f.said[i], ends); err != nil {
			return nil, err
		}
	}
	var out [][]byte
	for _, s := range f.said {
		if s.raw != nil {
			out = append(out, s.raw)
		}
	}
	accepted, err := f.merge()
	out = append(out, accepted...)
	for _, k := range slices.SortedFunc(maps.Keys(ends), compareEnds) {
		out = append(out, ends[k].events(k, f.until)...)
	}
	return out, err
}

// settle notes where the case of a standing began, and drops the standing of one
// that ended long ago.
func (f *folding) settle(s *saying, ends map[endGroup]*group) error {
	if s.standing == nil {
		return nil
	}
	c := &Case{}
	ok, err := readInto(f.view, caseKey(s.standing.Number), c)
	if err != nil || !ok || c.Receipt != nil || c.Printed != 0 {
		return err // Known by a place of which the box may know another.
	}
	if f.settled[c.Log] == nil {
		f.settled[c.Log] = map[uint64]bool{}
	}
	f.settled[c.Log][c.At.Seq] = true
	st := s.standing
	if !ended(st.Stage) || st.Since > f.until-lately.Milliseconds() || f.alias[st.Number] || st.Primary != 0 {
		return nil
	}
	k := endGroup{c.Log, st.Stage}
	if ends[k] == nil {
		ends[k] = &group{}
	}
	ends[k].places, ends[k].by = append(ends[k].places, c.At.Seq), max(ends[k].by, st.Since)
	*s = saying{}
	return nil
}

// ended reports whether nothing is expected of a case in this stage, by anybody.
func ended(stage string) bool {
	s, err := application.ParseStage(stage)
	return err == nil && !s.Open() && !s.Stopped() && s != application.Draft && s != application.Submitted && s != application.Paid
}

// merge joins neighbouring runs of a log of whose cases a base says more, or nothing
// need be said: the day on which one was accepted counts for those alone that wait
// as they came.
func (f *folding) merge() ([][]byte, error) {
	slices.SortStableFunc(f.runs, func(a, b run) int { return cmp.Or(compareLogs(a.Log, b.Log), cmp.Compare(a.First, b.First)) })
	var out [][]byte
	var wide *run
	flush := func() {
		if wide != nil {
			out = append(out, wide.raw)
		}
		wide = nil
	}
	for i := range f.runs {
		r := &f.runs[i]
		plain, err := f.plain(r)
		switch {
		case err != nil:
			return nil, err
		case !plain:
			flush()
			out = append(out, r.raw)
		case wide != nil && wide.Log == r.Log && wide.Last+1 == r.First:
			wide.Last, wide.Index, wide.At, wide.at = r.Last, max(wide.Index, r.Index), max(wide.At, r.At), max(wide.at, r.at)
			wide.raw = wide.encode()
		default:
			flush()
			wide = r
		}
	}
	flush()
	return out, nil
}

// plain reports whether no case of a run waits as it came.
func (f *folding) plain(r *run) (bool, error) {
	for seq := r.First; seq <= r.Last; seq++ {
		if f.settled[r.Log][seq] {
			continue
		}
		stored, err := f.view.Get(eventKey(r.Log, seq))
		if errors.Is(err, fault.NotFound) || err == nil && len(stored) <= len(protocol.Hash{}) {
			return false, nil // A block that nobody could open: nothing is known of it.
		}
		if err != nil {
			return false, err
		}
		if _, gone := protocol.ErasedHash(stored[len(protocol.Hash{}):]); gone {
			continue // Nothing is said of it any more.
		}
		e, err := protocol.DecodeEvent(stored[len(protocol.Hash{}):])
		if err != nil || e.Kind == protocol.Submitted || e.Kind == protocol.Recovered {
			return false, nil //nolint:nilerr // As above.
		}
	}
	return len(r.Other) == 0, nil
}

// An endGroup is what the cases of one event of a base share.
type endGroup struct {
	log   protocol.LogID
	stage string
}

func compareEnds(a, b endGroup) int {
	return cmp.Or(compareLogs(a.log, b.log), cmp.Compare(a.stage, b.stage))
}

func compareLogs(a, b protocol.LogID) int {
	return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Incarnation, b.Incarnation))
}

type group struct {
	places []uint64
	by     int64
}

// runsOfEvent bounds what one event names.
const runsOfEvent = 4096

// events says that the cases of a group have ended.
func (g *group) events(k endGroup, at int64) [][]byte {
	slices.Sort(g.places)
	var out [][]byte
	for rest := slices.Compact(g.places); len(rest) > 0; {
		e := protocol.Ended{Log: k.log, Stage: k.stage, By: g.by}
		for before := uint64(0); len(rest) > 0 && len(e.Runs) < 2*runsOfEvent; {
			n := 1
			for n < len(rest) && rest[n] == rest[n-1]+1 {
				n++
			}
			e.Runs = append(e.Runs, rest[0]-before-1, uint64(n))
			before, rest = rest[n-1], rest[n:]
		}
		out = append(out, protocol.Marshal(&protocol.Event{Kind: protocol.CasesEnded, At: at, Payload: protocol.Marshal(&e)}))
	}
	return out
}
