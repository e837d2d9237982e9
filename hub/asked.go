package hub

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"kendro/protocol"
)

// A ConnectorState is what this server has seen of another authority's register since
// it was started. Only who leads asks, so the others know of no trouble.
type ConnectorState struct {
	Name     string
	Host     string
	Trouble  Trouble            // What stands in the way; empty: the last call was answered, or none was made.
	Text     string             // What exactly, in English.
	Since    time.Time          // Of the first of the failures in a row …
	Again    time.Time          // … and no call before.
	Failures map[Trouble]uint64 // By what came instead of an answer.
	Answered uint64
}

// A Try is how far this server, where it leads, has come with a case that waits for
// another register.
type Try struct {
	Times   int       // How often it was asked.
	At      time.Time // When last.
	Pending bool      // The register has the request and has not decided.
	Trouble Trouble   // What came instead of an answer, the last time.

	next time.Time // Not to be asked about before: the others come first.
}

// asked is what became of the calls to other registers, by connector.
type asked map[string]*askedBook

func newAsked(connectors map[string]Connector) asked {
	a := asked{}
	for name, o := range connectors {
		b := &askedBook{tries: map[protocol.Number]*Try{}, state: ConnectorState{Name: name, Failures: map[Trouble]uint64{}}}
		if u, err := url.Parse(o.URL); err == nil { // Open refuses what is none.
			b.state.Host = u.Host
		}
		a[name] = b
	}
	return a
}

// states are those of all connectors, by name.
func (a asked) states() (list []ConnectorState) {
	for _, b := range a {
		b.mu.Lock()
		s := b.state
		s.Failures = maps.Clone(s.Failures)
		b.mu.Unlock()
		list = append(list, s)
	}
	slices.SortFunc(list, func(x, y ConnectorState) int { return cmp.Compare(x.Name, y.Name) })
	return list
}

// Tried returns how far a server has come with a case that waits for a connector's
// register; false where it has not asked since it leads.
func Tried(h *Hub) func(connector string, n protocol.Number) (Try, bool) {
	return func(connector string, n protocol.Number) (Try, bool) {
		b, ok := h.asked[connector]
		if !ok {
			return Try{}, false
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		t, ok := b.tries[n]
		if !ok {
			return Try{}, false
		}
		return *t, true
	}
}

// An askedBook is what became of the calls to one register. It lies in memory: what was
// tried when is nothing that a district has to agree on.
type askedBook struct {
	mu    sync.Mutex // Guards all below.
	state ConnectorState
	tries map[protocol.Number]*Try // Of cases that wait.
}

// due are those of the cases that may be asked about, who waited the longest for that
// first.
func (b *askedBook) due(list []protocol.Number, now time.Time) []protocol.Number {
	b.mu.Lock()
	defer b.mu.Unlock()
	list = slices.DeleteFunc(list, func(n protocol.Number) bool { t, ok := b.tries[n]; return ok && now.Before(t.next) })
	at := func(n protocol.Number) time.Time {
		if t, ok := b.tries[n]; ok {
			return t.At
		}
		return time.Time{}
	}
	slices.SortStableFunc(list, func(x, y protocol.Number) int { return at(x).Compare(at(y)) })
	return list
}

func (b *askedBook) tried(n protocol.Number, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.tries[n]
	if !ok {
		t = &Try{}
		b.tries[n] = t
	}
	t.Times, t.At, t.Pending, t.Trouble, t.next = t.Times+1, now, false, "", now.Add(askAgainIn)
}

func (b *askedBook) pending(n protocol.Number, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t, ok := b.tries[n]; ok {
		t.Pending, t.next = true, now.Add(pendingIn)
	}
}

// over drops a case that waits no longer.
func (b *askedBook) over(n protocol.Number) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.tries, n)
}

// heard notes an answer, failed that none came.
func (b *askedBook) heard() {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &b.state
	s.Answered++
	s.Trouble, s.Text, s.Since, s.Again = "", "", time.Time{}, time.Time{}
}

func (b *askedBook) failed(n protocol.Number, err error, now, again time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &b.state
	if s.Trouble == "" {
		s.Since = now
	}
	s.Trouble, s.Text, s.Again = troubleOf(err), err.Error(), again
	s.Failures[s.Trouble]++
	if t, ok := b.tries[n]; ok {
		t.Trouble = s.Trouble
	}
}

// keep drops what is not in the queue any more.
func (b *askedBook) keep(queue map[protocol.Number]bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.tries, func(n protocol.Number, _ *Try) bool { return !queue[n] })
}

// forget is for a server that leads no longer: another one asks.
func (b *askedBook) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.tries)
	s := &b.state
	s.Trouble, s.Text, s.Since, s.Again = "", "", time.Time{}, time.Time{}
}
