package api

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// A Guard slows down whoever guesses passwords (R-OF1). Every address has few wrong tries a
// minute. Every login has few, and then one at a time behind a delay that doubles; but what
// is tried elsewhere is counted apart from where the login was used with its password before,
// so that strangers can't lock its owner out (decision 0055). A login that does not exist is
// treated like any other. It is safe for concurrent use and forgets everything on a restart.
type Guard struct {
	from *Limiter // By address.

	mu     sync.Mutex // Guards all below.
	logins map[string]*guarded
	swept  time.Time
}

// A SignIn is one try to sign in.
type SignIn struct {
	User    string
	Address string
	Device  string // That a mark of this login's names; "" without one.
}

// Wrong tells the owner of a login what others tried, or he himself.
type Wrong struct {
	Tries int
	Last  time.Time
}

// guarded is what is known of one login.
type guarded struct {
	places []string // Addresses from which it was used with its password, the newest last.
	pools  map[string]*tries
	wrong  Wrong // Since it was last used with its password.
}

// tries are those of one pool: a browser, an address, or everywhere else.
type tries struct {
	failed int
	last   time.Time
	until  time.Time // No further one before.
}

const (
	freeTries   = 5
	firstDelay  = 30 * time.Second
	longestWait = 15 * time.Minute
	triesKept   = 24 * time.Hour // A pool in which nothing was tried for so long begins anew.

	maxPlaces = 4
	maxPools  = 16
	maxLogins = 10_000
)

// NewGuard returns a guard that knows nobody yet.
func NewGuard() *Guard {
	return &Guard{from: SignIns(), logins: map[string]*guarded{}}
}

// Begin counts a try as a wrong one until it is Right or Undone, so that many at once are no way
// round. It returns [fault.Limited], as a [Refusal] with the time to wait.
func (g *Guard) Begin(t SignIn, now time.Time) error {
	if t.Device == "" {
		if err := g.from.Check(t.Address, now); err != nil {
			return err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.login(t.User, now)
	p := l.pool(t, now)
	if wait := p.until.Sub(now); wait > 0 {
		l.wrong = Wrong{l.wrong.Tries + 1, now}
		return g.from.refusal(wait)
	}
	p.failed, p.last = p.failed+1, now
	if over := p.failed - freeTries; over >= 0 {
		p.until = now.Add(min(longestWait, firstDelay<<min(over, 10)))
	}
	return nil
}

// Bad says that a try was wrong. Its address may have had too many with it: [fault.Limited].
func (g *Guard) Bad(t SignIn, now time.Time) error {
	g.mu.Lock()
	l := g.login(t.User, now)
	l.wrong = Wrong{l.wrong.Tries + 1, now}
	g.mu.Unlock()
	if t.Device != "" {
		return nil
	}
	return g.from.Take(t.Address, now)
}

// Right says that a try was right, and returns what was wrong before it.
func (g *Guard) Right(t SignIn, now time.Time) Wrong {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.login(t.User, now)
	delete(l.pools, l.poolOf(t))
	l.places = append(slices.DeleteFunc(l.places, func(a string) bool { return a == t.Address }), t.Address)
	if len(l.places) > maxPlaces {
		delete(l.pools, "at "+l.places[0])
		l.places = l.places[1:]
	}
	wrong := l.wrong
	l.wrong = Wrong{}
	return wrong
}

// Undo takes a try back that nobody could judge.
func (g *Guard) Undo(t SignIn, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.login(t.User, now)
	p := l.pool(t, now)
	p.failed, p.until = max(0, p.failed-1), time.Time{}
}

// Unlock lets a login begin anew everywhere. What was tried is still told to its owner.
func (g *Guard) Unlock(user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l := g.logins[user]; l != nil {
		clear(l.pools)
	}
}

// login is what is known of a login. Whoever tries many names makes the guard forget those
// that nobody has used, before any that somebody has.
func (g *Guard) login(user string, now time.Time) *guarded {
	if l := g.logins[user]; l != nil {
		return l
	}
	if len(g.logins) >= maxLogins && now.Sub(g.swept) >= longestWait/4 {
		g.swept = now
		maps.DeleteFunc(g.logins, func(_ string, l *guarded) bool { return len(l.places) == 0 && now.Sub(l.wrong.Last) > longestWait })
	}
	for _, used := range []bool{false, true} {
		for name, l := range g.logins {
			if len(g.logins) < maxLogins {
				break
			}
			if used == (len(l.places) > 0) {
				delete(g.logins, name)
			}
		}
	}
	l := &guarded{pools: map[string]*tries{}}
	g.logins[user] = l
	return l
}

func (l *guarded) poolOf(t SignIn) string {
	switch {
	case t.Device != "":
		return "in " + t.Device
	case slices.Contains(l.places, t.Address):
		return "at " + t.Address
	}
	return "elsewhere"
}

func (l *guarded) pool(t SignIn, now time.Time) *tries {
	name := l.poolOf(t)
	p := l.pools[name]
	if p == nil || now.Sub(p.last) > triesKept {
		if len(l.pools) >= maxPools {
			maps.DeleteFunc(l.pools, func(other string, p *tries) bool { return other != "elsewhere" && !now.Before(p.until) })
		}
		p = &tries{}
		l.pools[name] = p
	}
	return p
}
