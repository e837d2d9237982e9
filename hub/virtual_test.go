package hub_test

import (
	"testing"
	"time"

	"kendro/hub"
	"kendro/internal/hubtest"
	"kendro/internal/netsim"
	"kendro/protocol"
)

// office is the network among the servers of one office, village the link of a box.
var (
	office  = netsim.Weather{Delay: time.Millisecond}
	village = netsim.Weather{Delay: 60 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.03, Twice: 0.01}
)

// pass lets virtual time go by.
func pass(d time.Duration) { <-time.NewTimer(d).C }

// leads reports whether a server believes that it leads.
func leads(s *hubtest.Server) bool { return s.Hub.Status().State == "leader" }

// TestPartitionsInVirtualTime: three servers and two boxes on poor links go through
// the loss of the leader, a minority, an asymmetric cut and the loss of every
// majority. Nothing is acknowledged that the register does not keep, and everything
// is accepted once.
func TestPartitionsInVirtualTime(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("minutes of Raft, if virtual ones")
	}
	g := hubtest.With(t, hubtest.Options{Voters: 3})
	boxes := []*hubtest.Box{g.Enrol(centre), g.Enrol(centreOf("41-04-28"))}
	var filed [][]protocol.Number
	g.Play(t, office, boxes, func(v *hubtest.Virtual) {
		for i, b := range boxes {
			defer v.Sync(b, []string{"10.9.0.1:4000", "10.9.0.2:4000"}[i], village)()
		}
		accepted := func(what string, n int) {
			t.Helper()
			for _, b := range boxes {
				filed = append(filed, b.File(n))
			}
			start := time.Now()
			v.Wait(what, func() bool { return boxes[0].Acked() == boxes[0].Filed() && boxes[1].Acked() == boxes[1].Filed() })
			t.Logf("%s: %d applications accepted after %v", what, 2*n, time.Since(start))
		}
		accepted("calm", 50)

		old := v.Leader()
		v.Net.Part(old.Addr, v.Others(old)...)
		v.Wait("another leader", func() bool {
			for _, s := range v.Servers {
				if s != old && leads(s) {
					return !leads(old)
				}
			}
			return false
		})
		accepted("the leader in a minority", 50)
		v.Net.Mend()
		v.Agree()

		lead := v.Leader()
		deaf := v.Follower()
		cut := time.Now()
		v.Net.Cut(lead.Addr, deaf.Addr)
		accepted("a follower that hears no leader", 50)
		if took := time.Since(cut); took > 20*time.Second {
			t.Errorf("a box whose server hears no leader had to wait %v; want another server asked after ten seconds", took)
		}
		pass(20 * time.Second)
		if s := v.Leader(); s != lead {
			t.Errorf("a follower that hears nothing took the lead from %s to %s", lead.Addr, s.Addr)
		}
		v.Net.Mend()
		v.Agree()

		for _, s := range v.Servers {
			v.Net.Part(s.Addr, v.Others(s)...)
		}
		held := boxes[0].Acked()
		filed = append(filed, boxes[0].File(20))
		pass(2 * time.Minute)
		if got := boxes[0].Acked(); got != held {
			t.Errorf("without a majority %d became %d acknowledged", held, got)
		}
		v.Net.Mend()
		accepted("after two minutes without a majority", 10)
		index, _ := v.Agree()
		pass(10 * time.Minute)
		if later, _ := v.Agree(); later > index+10 {
			t.Errorf("ten idle minutes took %d entries", later-index)
		}
		for _, s := range v.Servers {
			once(t, s.Hub.Register(), filed...)
		}
	})
}

// TestSpreadVoterInVirtualTime: a voter in another upazila, behind a link with 800 ms
// of round trip and some loss, with the preset for it: nobody loses the lead, and the
// group goes on when the office's other server is gone.
func TestSpreadVoterInVirtualTime(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("minutes of Raft, if virtual ones")
	}
	preset := hub.Lan // Founding takes real time, and less of it in one office.
	g := hubtest.With(t, hubtest.Options{Voters: 3, Tune: func(_ int, c *hub.Config) { c.Preset = preset }})
	b := g.Enrol(centre)
	preset = hub.Spread
	g.Play(t, office, []*hubtest.Box{b}, func(v *hubtest.Virtual) {
		lead := v.Leader()
		far := v.Follower()
		v.Net.Weather(far.Addr, netsim.Weather{Delay: 400 * time.Millisecond, Loss: 0.02})
		defer v.Sync(b, "10.9.0.1:4000", village)()
		filed := [][]protocol.Number{b.File(100)}
		v.Wait("acceptance", func() bool { return b.Acked() == b.Filed() })
		pass(10 * time.Minute)
		if s := v.Leader(); s != lead {
			t.Errorf("the lead went from %s to %s", lead.Addr, s.Addr)
		}
		for _, s := range v.Servers {
			if s != lead && s != far {
				v.Net.Part(s.Addr, v.Others(s)...)
			}
		}
		filed = append(filed, b.File(100))
		v.Wait("acceptance by the far voter", func() bool { return b.Acked() == b.Filed() })
		v.Net.Mend()
		v.Agree()
		once(t, far.Hub.Register(), filed...)
	})
}
