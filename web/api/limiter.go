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

// A Limiter lets each address do something so many times in any window, wherever
// the window begins. It is safe for concurrent use and remembers at most
// maxAddresses.
type Limiter struct {
	most   int
	window time.Duration

	mu    sync.Mutex             // Guards all below.
	done  map[string][]time.Time // The last times, oldest first, most at most.
	swept time.Time
}

const maxAddresses = 10_000

// NewLimiter returns a limiter of most times a window.
func NewLimiter(most int, window time.Duration) *Limiter {
	return &Limiter{most: most, window: window, done: map[string][]time.Time{}}
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

// take counts one where it may, else says how long until the oldest of the last
// times leaves the window.
func (l *Limiter) take(key string, now time.Time, count bool) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	times := l.done[key]
	if len(times) == l.most {
		if wait := times[0].Add(l.window).Sub(now); wait > 0 {
			return wait
		}
	}
	if count {
		l.forget(now)
		if len(times) == l.most {
			times = append(times[:0], times[1:]...)
		}
		l.done[key] = append(times, now)
	}
	return 0
}

// forget makes room: for whoever did nothing for a window, once in a while, else
// for anybody. However many addresses there are, a call costs little.
func (l *Limiter) forget(now time.Time) {
	if len(l.done) < maxAddresses {
		return
	}
	if now.Sub(l.swept) >= l.window/4 {
		l.swept = now
		maps.DeleteFunc(l.done, func(_ string, t []time.Time) bool { return now.Sub(t[len(t)-1]) >= l.window })
	}
	for k := range l.done {
		if len(l.done) < maxAddresses {
			return
		}
		delete(l.done, k)
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
