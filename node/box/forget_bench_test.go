package box

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/internal/nodetest"
	"kendro/protocol"
)

// BenchmarkForget has a box with 100,000 records carry out an order of erasure, and says how
// long that takes in all and for how long of it questions are turned away.
func BenchmarkForget(b *testing.B) {
	const records = 100_000
	c := clerk{newCounter(b)}
	body := c.request(1).Body
	var next atomic.Int64
	var last atomic.Pointer[Answer]
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := next.Add(1); i <= records; i = next.Add(1) {
				a, _, err := c.File(context.Background(), Request{User: nodetest.Person, Key: strconv.FormatInt(i, 10), Body: body})
				if err != nil {
					b.Error(err)
					return
				}
				last.Store(a)
			}
		})
	}
	wg.Wait()
	a := last.Load()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	b.ResetTimer()
	for range b.N {
		c.order(&citizen{Answer: a, places: []protocol.ErasedPlaces{{Log: a.Receipt.Log, At: []protocol.Position{a.Receipt.At}}}})
		c.deliver(c.d.Inbox)
		away := time.Duration(0)
		for began := time.Now(); c.Forgotten().At != c.d.Inbox.Head().At; began = time.Now() {
			_, err := c.Track(a.Number)
			<-tick.C
			if errors.Is(err, fault.Unavailable) {
				away += time.Since(began)
			}
		}
		b.ReportMetric(away.Seconds(), "away-s")
	}
}
