package hub

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kendro/hub/register"
)

// How servers compare their clocks.
const (
	clockEvery = 10 * time.Second       // How often a server asks the others.
	clockTrip  = 2 * time.Second        // An answer that took longer says nothing.
	clockRetry = 50 * time.Millisecond  // The pause until most have answered for the first time,
	clockQuick = 250 * time.Millisecond // and what an answer may take then, twice as long each time.
	clockFirst = 3 * time.Second        // How long a server's first entry waits for the others' clocks.
	clockApart = 10 * time.Minute       // How far clocks may be apart, as a counter's may from its hub's.
)

// An officeClock is the time by which a server acts: its own clock's while that is
// within ten minutes of what most servers of its group say, theirs otherwise. The
// register's time never goes back, so one entry of a leader whose clock is a month
// ahead would let every term of the district lapse.
//
// Between two comparisons it goes on by itself: a clock that is set has its say once
// it was compared. It is safe for concurrent use.
type officeClock struct {
	wall  func() time.Time
	log   *slog.Logger
	set   atomic.Pointer[clockSetting]
	heard chan struct{} // Closed once first needs to wait no more.
	known sync.Once
}

// A clockSetting is what counted as now when the clock was last compared.
type clockSetting struct {
	read time.Time     // What the server's own clock said …
	off  time.Duration // … and what has to be added to it.
}

func newOfficeClock(wall func() time.Time, log *slog.Logger) *officeClock {
	c := &officeClock{wall: wall, log: log, heard: make(chan struct{})}
	c.set.Store(&clockSetting{read: wall()})
	return c
}

// now is the time that counts. Where the server's own clock has a monotonic reading,
// setting it changes nothing until the next comparison (package time).
func (c *officeClock) now() time.Time {
	s := c.set.Load()
	return s.read.Add(c.wall().Sub(s.read)).Add(s.off)
}

// first is now, for what can't be taken back: it waits a little while nothing was
// compared since the start.
func (c *officeClock) first() time.Time {
	select {
	case <-c.heard:
	default:
		late := time.NewTimer(clockFirst)
		defer late.Stop()
		select {
		case <-c.heard:
		case <-late.C:
			c.waitNoMore()
		}
	}
	return c.now()
}

func (c *officeClock) waitNoMore() { c.known.Do(func() { close(c.heard) }) }

// off is what has to be added to this server's own clock, by the last comparison.
func (c *officeClock) off() time.Duration { return c.set.Load().off }

// compare sets the clock by what the other voters' clocks differ by from this one's.
// asked is how many could have answered, with this one; before floor it certainly
// isn't. Where most did not answer, the clock goes on as it was.
func (c *officeClock) compare(others []time.Duration, asked int, floor time.Time) {
	all := append(slices.Clone(others), 0)
	if len(all) <= asked/2 {
		return
	}
	read, was := c.wall(), c.now()
	off := agreed(all, floor.Sub(read.Round(0)))
	before := c.set.Swap(&clockSetting{read: read, off: off})
	switch {
	case off != 0 && before.off == 0:
		c.log.Error("this server's clock is far from the others': their time counts; set its clock right", "off", off.Round(time.Second).String())
	case off == 0 && before.off != 0:
		c.log.Info("this server's clock agrees with the others' again")
	case off == 0 && !near(read.Round(0).Sub(was.Round(0))):
		c.log.Warn("this server's clock was set", "from", was.Round(time.Second).UTC().String(), "to", read.Round(time.Second).UTC().String())
	}
	c.waitNoMore()
}

// agreed is what has to be added to a clock, of all the differences, its own 0 among
// them: nothing while the middle one is near. What lies before floor can't be the
// time. Of two that contradict each other the earlier counts: by it nothing lapses
// too soon.
func agreed(all []time.Duration, floor time.Duration) time.Duration {
	believable := slices.DeleteFunc(slices.Clone(all), func(d time.Duration) bool { return d < floor-clockApart })
	if len(believable) == 0 {
		believable = all
	}
	slices.Sort(believable)
	if middle := believable[(len(believable)-1)/2]; !near(middle) {
		return middle
	}
	return 0
}

func near(d time.Duration) bool { return d.Abs() <= clockApart }

// A clockwatch compares this server's clock with those of its group.
type clockwatch struct {
	*group
	clock *officeClock
}

// run compares until ctx ends.
func (w *clockwatch) run(ctx context.Context) {
	for trip := clockQuick; ; trip = min(2*trip, clockTrip) {
		w.look(ctx, trip)
		pause := clockEvery
		select {
		case <-w.clock.heard:
			trip = clockTrip
		default: // The servers of a hub that was off start one after another.
			pause = clockRetry
		}
		if !rest(ctx, pause) {
			return
		}
	}
}

// look asks every other voter once, and waits for trip. One of a version before says
// no time, and is as if it were none.
func (w *clockwatch) look(ctx context.Context, trip time.Duration) {
	var mu sync.Mutex // Guards others and asked.
	var others []time.Duration
	var wg sync.WaitGroup
	asked := 1
	for _, s := range w.register().Servers() {
		if !s.Voter || s.RemovedAt != 0 || s.ID == w.id {
			continue
		}
		asked++
		wg.Go(func() {
			d, heard, silent := w.ask(ctx, s, trip)
			mu.Lock()
			defer mu.Unlock()
			if heard {
				others = append(others, d)
			}
			if silent {
				asked--
			}
		})
	}
	wg.Wait()
	if ctx.Err() == nil {
		w.clock.compare(others, asked, time.UnixMilli(w.register().At()))
	}
}

// ask returns by how much a server's clock is ahead of this one's, where it answers
// within trip. silent is one that answers, and knows nothing of clocks.
func (w *clockwatch) ask(ctx context.Context, s *register.Server, trip time.Duration) (d time.Duration, heard, silent bool) {
	ctx, cancel := context.WithTimeout(ctx, trip)
	defer cancel()
	var a probeAnswer
	began := w.clock.wall()
	err := w.call(ctx, w.book.address(s.ID), callProbe, nil, &a)
	ended := w.clock.wall()
	took := ended.Round(0).Sub(began.Round(0))
	if err != nil || a.ID != s.ID || took < 0 || took > trip {
		return 0, false, false
	}
	if a.Clock == 0 {
		return 0, false, true
	}
	return time.UnixMilli(a.Clock).Sub(began.Round(0).Add(took / 2)), true, false
}
