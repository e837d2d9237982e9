package box

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"kendro/catalogue"
	"kendro/domain/fault"
	"kendro/domain/person"
	"kendro/finder"
	"kendro/protocol"
)

// A Finder finds applications of this box by what they say (R-OF12). What it looks in is made
// in memory when somebody first asks, from journal/own, and then follows it.
type Finder struct {
	cases  *Cases
	wanted chan struct{} // Holds one: somebody asked before all was read.

	following sync.Mutex // Held by the one that reads the journal.
	until     uint64     // The record of journal/own up to which it was read; whoever follows owns it.

	mu      sync.RWMutex // Guards what follows.
	index   *finder.Index
	numbers []protocol.Number // By place in the index.
	amended int               // Of those, cases that were there already.
	behind  bool              // The journal holds more.
}

func newFinder(cases *Cases) *Finder {
	return &Finder{cases: cases, wanted: make(chan struct{}, 1), index: finder.New(), behind: true}
}

// How much is read at once, how long whoever asks waits for it, and how many cases are read
// for one question.
const (
	findRun   = 256
	findFor   = time.Second
	findMost  = 200
	likesMost = 20
)

// A Quest is what somebody looks for among this box's applications.
type Quest struct {
	finder.Query     // Its text may be a receive number as well.
	Limit        int // At most so many are found.
	Keep         func(*Case) bool
}

// A Found is an application of this box that fits what somebody looks for.
type Found struct {
	Case *Case
	Name person.Person
	Fit  int // 0 to 100: how well the name fits; 100 where a number was asked for.
}

// A Reach is how far an answer looked.
type Reach struct {
	More     bool // There are more, or so many that not all were read.
	Held     int  // Applications that were looked through …
	Complete bool // … and that is all that journal/own holds.
}

// Find returns the applications of this box that fit, the best first and the newest among
// equals. It is [fault.Invalid] where nothing is said that can be looked up. May be called
// concurrently; whoever asks first waits a second at most, and is told what was not read yet.
func (f *Finder) Find(ctx context.Context, q Quest) ([]Found, Reach, error) {
	if n, err := protocol.ParseNumber(q.Text); err == nil && len(q.Fields) == 0 {
		c, err := f.cases.Case(n)
		if err == nil && q.Keep(c) {
			p, _ := catalogue.ApplicantOf(c.Submission.Applicant) // Its number finds it all the same.
			reach := f.reach(false)
			reach.Complete = true // Nothing else has it.
			return []Found{{c, p, 100}}, reach, nil
		}
		if err != nil && !errors.Is(err, fault.NotFound) {
			return nil, Reach{}, err
		}
	}
	if err := f.freshen(ctx); err != nil {
		return nil, Reach{}, err
	}
	numbers, more, err := f.matching(q.Query)
	if err != nil {
		return nil, Reach{}, err
	}
	var list []Found
	err = f.each(numbers, q.Keep, func(c *Case, p *person.Person) {
		if q.Holds(&c.Submission) { // Hashes may collide.
			list = append(list, Found{c, *p, q.Fit(p, c.Submission.Elsewhere)})
		}
	})
	slices.SortStableFunc(list, func(a, b Found) int { return cmp.Compare(b.Fit, a.Fit) })
	if len(list) > q.Limit {
		list, more = list[:q.Limit], true
	}
	return list, f.reach(more), err
}

// Resembling returns applications of this box whose applicant may be that of a case, the
// likeliest first, whatever they ask for and however old they are (DOMAIN §7 rows 2 and 34).
func (f *Finder) Resembling(ctx context.Context, c *Case, keep func(*Case) bool) ([]Like, Reach, error) {
	p, err := catalogue.ApplicantOf(c.Submission.Applicant)
	if err != nil {
		return nil, f.reach(false), nil //nolint:nilerr // A grievance is like none.
	}
	if err := f.freshen(ctx); err != nil {
		return nil, Reach{}, err
	}
	f.mu.RLock()
	places := f.index.Sharing(p.Keys())
	numbers := f.newest(places)
	f.mu.RUnlock()
	var list []Like
	err = f.each(numbers, func(o *Case) bool { return o.Number != c.Number && keep(o) }, func(o *Case, other *person.Person) {
		if l := person.Compare(&p, other); l.Grade != person.Different {
			list = append(list, Like{o, *other, l})
		}
	})
	slices.SortStableFunc(list, func(a, b Like) int { return cmp.Compare(b.Score, a.Score) })
	return list[:min(len(list), likesMost)], f.reach(len(places) > findMost || len(list) > likesMost), err
}

// each calls fn with the cases of which keep approves and whose applicant can be read.
func (f *Finder) each(numbers []protocol.Number, keep func(*Case) bool, fn func(*Case, *person.Person)) error {
	for _, n := range numbers {
		c, err := f.cases.Case(n)
		if errors.Is(err, fault.NotFound) { // It was erased.
			continue
		}
		if err != nil {
			return err
		}
		if p, err := catalogue.ApplicantOf(c.Submission.Applicant); err == nil && keep(c) {
			fn(c, &p)
		}
	}
	return nil
}

// matching returns the newest applications that may fit, and whether there are more.
func (f *Finder) matching(q finder.Query) ([]protocol.Number, bool, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	places, err := f.index.Matching(q)
	return f.newest(places), len(places) > findMost, err
}

// newest returns the newest applications of these places, the very newest first. The caller
// holds the lock.
func (f *Finder) newest(places []uint32) (list []protocol.Number) {
	for _, at := range slices.Backward(places[max(0, len(places)-findMost):]) {
		if n := f.numbers[at]; !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

func (f *Finder) reach(more bool) Reach {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return Reach{More: more, Held: len(f.numbers) - f.amended, Complete: !f.behind}
}

// freshen reads what was filed since somebody asked last, as far as it comes in a moment; the
// rest is read while nobody waits.
func (f *Finder) freshen(ctx context.Context) error {
	soon, stop := context.WithTimeout(ctx, findFor)
	defer stop()
	err := f.follow(soon)
	if soon.Err() == nil {
		return err
	}
	select {
	case f.wanted <- struct{}{}:
	default:
	}
	return ctx.Err()
}

// run reads on where whoever asked did not wait, until ctx ends.
func (f *Finder) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wanted:
			if err := f.follow(ctx); err != nil && ctx.Err() == nil {
				f.cases.o.Logger.Warn("the search does not follow journal/own", "err", err)
			}
		}
	}
}

// drop forgets all that was read: something of it was erased by order.
func (f *Finder) drop() {
	f.following.Lock()
	defer f.following.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.until, f.index, f.numbers, f.amended, f.behind = 0, finder.New(), nil, 0, true
}

// follow reads journal/own to its end, or until ctx ends. Whoever overlaps another returns at
// once.
func (f *Finder) follow(ctx context.Context) error {
	if !f.following.TryLock() {
		return nil
	}
	defer f.following.Unlock()
	tip := f.cases.mirror.records()
	for f.until < tip {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		last := min(tip, f.until+findRun)
		var list []findable
		for seq := f.until + 1; seq <= last; seq++ {
			a, ok, err := f.read(seq)
			if err != nil {
				return err
			}
			if ok {
				list = append(list, a)
			}
		}
		f.until = last
		f.add(list, last < tip)
	}
	return nil
}

// A findable is what is kept of one application.
type findable struct {
	number protocol.Number
	entry  finder.Entry
	again  bool // It was there already; now it says something else.
}

// read reads what one record lets an application be found by. What an application was filed as
// still finds it once it says something else: so it stands on its slip.
func (f *Finder) read(seq uint64) (a findable, ok bool, err error) {
	b := f.cases
	if b.index.parts.hole(seq) {
		return a, false, nil
	}
	e, err := b.placeAt(seq)
	if err != nil || e.record.gone != nil || e.record.Key == againKey {
		return a, false, err
	}
	var sub protocol.Submission
	switch e.event.Kind { // The others change nothing that an application says.
	case protocol.Submitted:
		if !reads(e.event, &sub) {
			return a, false, nil
		}
		a.number = e.number
	case protocol.Supplied, protocol.Corrected:
		c, err := b.Case(e.event.Number)
		if errors.Is(err, fault.NotFound) {
			return a, false, nil
		}
		if err != nil {
			return a, false, err
		}
		a.number, a.again, sub = c.Number, true, c.Submission
	default:
		return a, false, nil
	}
	a.entry = finder.EntryOf(&sub)
	return a, true, nil
}

func (f *Finder) add(list []findable, behind bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.behind = behind
	for i := range list {
		if _, ok := f.index.Add(list[i].entry); !ok {
			f.behind = true
			break
		}
		f.numbers = append(f.numbers, list[i].number)
		if list[i].again {
			f.amended++
		}
	}
	f.index.Settle()
}
