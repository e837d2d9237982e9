package api

import (
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"kendro/domain/fault"
)

// A Limiter lets each address do something Burst times at once and then Burst
// times a Window, spread evenly. It is safe for concurrent use and remembers at
// most maxAddresses.
type Limiter struct {
	burst  int
	window time.Duration

	mu    sync.Mutex // Guards all below.
	full  map[string]time.Time
	swept time.Time
}

const maxAddresses = 10_000

// NewLimiter returns a limiter of burst times a window.
func NewLimiter(burst int, window time.Duration) *Limiter {
	return &Limiter{burst: burst, window: window, full: map[string]time.Time{}}
}

// UnknownNumbers limits lookups of unknown numbers: 20 a minute an address.
func UnknownNumbers() *Limiter { return NewLimiter(20, time.Minute) }

// SignIns limits failed sign-ins: 10 a minute (R-OF1).
func SignIns() *Limiter { return NewLimiter(10, time.Minute) }

// Take counts one. It returns [fault.Limited], as a [Refusal] with the time to
// wait, when there were too many.
func (l *Limiter) Take(key string, now time.Time) error {
	if wait := l.take(key, now, true); wait > 0 {
		return l.refusal(wait)
	}
	return nil
}

// Check is Take without counting.
func (l *Limiter) Check(key string, now time.Time) error {
	if wait := l.take(key, now, false); wait > 0 {
		return l.refusal(wait)
	}
	return nil
}

func (l *Limiter) refusal(wait time.Duration) error {
	return &Refusal{
		Err:        fault.New("api.Limiter", fault.Limited, "", "too many attempts: wait a moment"),
		RetryAfter: wait,
	}
}

// take keeps, for each key, the moment at which its burst is whole again.
func (l *Limiter) take(key string, now time.Time, count bool) time.Duration {
	each := l.window / time.Duration(l.burst)
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.full[key]
	if at.Before(now) {
		at = now
	}
	if wait := at.Add(each).Sub(now) - l.window; wait > 0 {
		return wait
	}
	if count {
		l.forget(now)
		l.full[key] = at.Add(each)
	}
	return 0
}

// forget makes room: for whoever is whole again, once in a while, else for
// anybody. However many addresses there are, a call costs little.
func (l *Limiter) forget(now time.Time) {
	if len(l.full) < maxAddresses {
		return
	}
	if now.Sub(l.swept) >= l.window/4 {
		l.swept = now
		maps.DeleteFunc(l.full, func(_ string, at time.Time) bool { return at.Before(now) })
	}
	for k := range l.full {
		if len(l.full) < maxAddresses {
			return
		}
		delete(l.full, k)
	}
}

// AddressOf returns the client's address: the connection's, or behind a declared
// proxy the last one that the proxy noted. IPv6 addresses count as their /64.
func AddressOf(r *http.Request, proxied bool) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if noted := r.Header.Get("X-Forwarded-For"); proxied && noted != "" {
		host = strings.TrimSpace(noted[strings.LastIndex(noted, ",")+1:])
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if a = a.Unmap(); a.Is6() {
		p, err := a.WithZone("").Prefix(64)
		if err == nil {
			return p.String()
		}
	}
	return a.String()
}
