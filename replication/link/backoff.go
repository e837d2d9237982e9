package link

import (
	"math/rand/v2"
	"time"
)

// A Backoff says how long to wait before the next try: twice as long each time,
// with jitter, so that a thousand boxes don't come back in step after a power
// cut. The zero value begins at 100 ms and never exceeds 10 s. One goroutine
// owns it.
type Backoff struct {
	Min, Max time.Duration  // 0 is 100 ms and 10 s.
	Rand     func() float64 // In [0, 1); nil is math/rand.
	tries    int
}

// Next returns the wait: between half of the step and the whole.
func (b *Backoff) Next() time.Duration {
	low, high, random := b.Min, b.Max, b.Rand
	if low <= 0 {
		low = 100 * time.Millisecond
	}
	if high <= 0 {
		high = 10 * time.Second
	}
	if random == nil {
		random = rand.Float64
	}
	step := high
	if b.tries < 30 && low<<b.tries < high {
		step = low << b.tries
	}
	b.tries++
	return step/2 + time.Duration(random()*float64(step/2))
}

// Reset begins anew, after progress.
func (b *Backoff) Reset() { b.tries = 0 }
