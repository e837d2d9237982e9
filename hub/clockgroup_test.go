package hub_test

import (
	"sync/atomic"
	"testing"
	"time"

	"kendro/hub"
	"kendro/internal/hubtest"
)

// TestLeaderWhoseClockIsAhead: a server whose clock was mistyped by twenty days leads,
// and the register's time, which never goes back and by which terms lapse, stays what
// the other two say.
func TestLeaderWhoseClockIsAhead(t *testing.T) {
	t.Parallel()
	const ahead = 20 * 24 * time.Hour
	var wrong atomic.Bool
	g := hubtest.With(t, hubtest.Options{Voters: 3, Tune: func(i int, c *hub.Config) {
		if right := c.Clock; i == 2 {
			c.Clock = func() time.Time {
				if wrong.Load() {
					return right().Add(ahead)
				}
				return right()
			}
		}
	}})
	b := g.Enrol(centre)
	wrong.Store(true)
	g.Play(t, office, []*hubtest.Box{b}, func(v *hubtest.Virtual) {
		defer v.Sync(b, "10.9.0.1:4000", village)()
		mistaken := v.Servers[2]
		for !leads(mistaken) {
			v.Net.Part(v.Leader().Addr, v.Others(v.Leader())...)
			pass(5 * time.Second)
			v.Net.Mend()
			v.Settle()
		}
		numbers := b.File(10)
		v.Wait("acceptance by the server whose clock is ahead", func() bool { return b.Acked() == b.Filed() })
		for _, s := range v.Servers {
			once(t, s.Hub.Register(), numbers)
			if d := v.Since(time.UnixMilli(s.Hub.Register().At())); d.Abs() > time.Hour {
				t.Errorf("the register of %s is %v from the time", s.Addr, d)
			}
		}
		if off := mistaken.Hub.Status().ClockOff; (off + ahead).Abs() > time.Minute {
			t.Errorf("the server says that %v has to be added to its clock, want %v", off, -ahead)
		}
		wrong.Store(false)
		v.Wait("the word that the clock is right again", func() bool { return mistaken.Hub.Status().ClockOff == 0 })
	})
}
