package sim

import (
	"fmt"
	"time"

	"kendro/domain/access"
	"kendro/hub/register"
)

// A mood is how bad the days of one seed are: how often each thing happens, on
// average, in one day. Many seeds lack some of it, so that what the others cause
// is seen by itself.
type mood struct {
	filings   float64 // Applications a box.
	cuts      float64 // Links that break, a box.
	outages   float64 // Links that are gone for hours or days, a box.
	crashes   float64 // Power cuts at any call of the disk, a box.
	kills     float64 // Processes that end with the disk as it is, a box.
	falls     float64 // Servers that crash, each.
	elections float64 // Leaders lost for no reason.
	twice     float64 // Blocks that are proposed twice, a share.
	clocks    float64 // Share of machines whose clock is wrong.
	relays    float64 // Share of boxes with somebody hostile in between.
	setbacks  float64 // Boxes set back to an older image, in all days.
	clones    float64 // Boxes copied while they run, in all days.
	islands   float64 // Boxes that their neighbours don't reach for hours, each.
	foes      float64 // Share of boxes that are hostile to their neighbours.
	hermits   float64 // Share of boxes without an uplink for almost all days.
	acts      float64 // Visits of officers to cases.
	fires     float64 // Boxes destroyed while only neighbours hold what they wrote last.
}

// drawMood says what a seed will be like.
func (w *world) drawMood() mood {
	some := func(share, most float64) float64 {
		if !w.chance(share) {
			return 0
		}
		return w.rand.Float64() * most
	}
	return mood{
		filings: 3 + w.rand.Float64()*8, cuts: some(0.8, 12), outages: some(0.6, 0.5), crashes: some(0.7, 3), kills: some(0.4, 2),
		falls: some(0.6, 2), elections: some(0.6, 8), twice: some(0.5, 0.3), clocks: some(0.5, 0.6), relays: some(0.4, 0.6),
		setbacks: some(0.3, 2), clones: some(0.2, 1.5),
		islands: some(0.3, 0.5), foes: some(0.4, 0.5), hermits: some(0.25, 0.35), fires: some(0.4, 2), acts: some(0.5, 30),
	}
}

// schedule plans the days.
func (w *world) schedule(end time.Duration) {
	w.tracef("seed %d, %d boxes, mood %+v", w.seed, len(w.machines), w.mood)
	for _, m := range w.machines {
		if w.chance(w.mood.clocks) {
			m.skew = w.wrongClock()
		}
		if w.chance(w.mood.relays) {
			m.relay = &relay{tampers: w.rand.Float64() * 0.3, replays: w.rand.Float64() * 0.3}
		}
		w.after(w.between(0, time.Hour), m.start)
		w.often(w.mood.filings, end, m.serve)
		w.often(w.mood.cuts, end, func() { w.cutLink(m) })
		w.often(w.mood.outages, end, func() { w.outage(m, end) })
		w.often(w.mood.crashes, end, func() { m.disk.fuse = w.rand.IntN(40) })
		w.often(w.mood.islands, end, func() { w.isolate(m) })
		w.often(w.mood.kills, end, func() {
			if m.box != nil {
				m.reboot(false)
			}
		})
	}
	for _, s := range w.group.servers {
		if w.chance(w.mood.clocks / 2) {
			s.skew = w.between(-2*time.Hour, 2*time.Hour)
		}
		s.slow = w.between(200*time.Microsecond, time.Second)
		w.often(w.mood.falls, end, func() { w.crashServer(s) })
	}
	w.often(w.mood.elections, end, func() {
		if w.group.leader != nil {
			w.group.depose()
		}
	})
	w.often(6, end, w.oracle.watch)
	w.often(w.mood.acts, end, w.offices.visit)
	w.after(w.between(0, end), w.publish)
	w.often(1, end, w.appoint)
	w.damages(end)
	w.divide(end)
}

// divide says which boxes have no uplink, which are hostile and which will burn.
// One at least is none of that.
func (w *world) divide(end time.Duration) {
	list := w.machines[max(len(w.machines)/4, 1):]
	for _, m := range list[:max(len(list)-1, 0)] {
		switch {
		case w.chance(w.mood.hermits):
			w.after(w.between(time.Hour, end/4), func() { w.seclude(m) })
		case w.chance(w.mood.fires / float64(len(list))):
			w.after(w.between(0, end*3/4), func() { w.doom(m, end) })
		case w.chance(w.mood.foes):
			m.foe, m.foul = w.drawFoe(), true
			if w.chance(0.5) {
				m.relay = &relay{tampers: w.rand.Float64() * 0.3, replays: w.rand.Float64() * 0.3}
			}
			w.tracef("%s is hostile: %+v", m.name, *m.foe)
		}
	}
}

// seclude takes a box's uplink away until the end, once it knows its neighbours.
func (w *world) seclude(m *machine) {
	if w.calm || m.doomed {
		return
	}
	if m.box == nil || len(m.box.Contacts().Neighbours) == 0 {
		w.after(time.Hour, func() { w.seclude(m) })
		return
	}
	w.tracef("%s has no uplink any more", m.name)
	m.hermit, m.online = true, false
	w.cutLink(m)
}

// isolate takes a box's neighbours away for hours.
func (w *world) isolate(m *machine) {
	if m.island != 0 {
		return
	}
	m.island = m.nr + 1
	w.tracef("%s loses its neighbours", m.name)
	m.leave()
	w.after(w.about(6*time.Hour), func() { m.island = 0 })
}

// damages plans what no box should be put through: set back, and cloned.
func (w *world) damages(end time.Duration) {
	for i, m := range w.machines[:len(w.machines)/4] {
		if i == 0 && w.chance(w.mood.clones/2) {
			w.after(w.between(0, end/2), func() {
				c := m.clone()
				w.often(w.mood.filings, end-w.now, c.serve)
			})
			continue
		}
		if w.chance(w.mood.setbacks / 2) {
			at := w.between(0, end/2)
			var b *backup
			w.after(at, func() { b = m.copyDisk() })
			w.after(at+w.between(time.Hour, end/2-time.Minute), func() { m.setBack(b) })
		}
	}
}

// often has something happen so many times a day for so long, at any moment.
func (w *world) often(perDay float64, end time.Duration, do func()) {
	if perDay <= 0 {
		return
	}
	mean := time.Duration(float64(24*time.Hour) / perDay)
	until := w.now + end
	var again func()
	again = func() {
		wait := w.about(mean)
		if until-w.now <= wait {
			return
		}
		w.after(wait, func() {
			do()
			again()
		})
	}
	again()
}

// wrongClock is how a clock may be off: by hours, by weeks, or in another age.
func (w *world) wrongClock() time.Duration {
	switch w.rand.IntN(4) {
	case 0:
		return 3 * time.Hour
	case 1:
		return -20 * 24 * time.Hour
	case 2:
		return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Sub(dawn)
	default:
		return time.Date(2099, 6, 1, 0, 0, 0, 0, time.UTC).Sub(dawn)
	}
}

func (w *world) cutLink(m *machine) {
	if m.wire != nil {
		w.stats.Cuts++
		w.tracef("the link of %s breaks", m.name)
		m.wire.sever()
	}
}

// outage takes a box's link away for long; the longest last as long as the days.
func (w *world) outage(m *machine, end time.Duration) {
	if !m.online {
		return
	}
	m.online = false
	w.cutLink(m)
	long := min(w.about(18*time.Hour), end-w.now)
	w.tracef("%s has no link for %v", m.name, long.Round(time.Second))
	w.after(long, func() { m.online = m.online || !m.hermit && !m.doomed })
}

func (w *world) crashServer(s *server) {
	if !s.up {
		return
	}
	s.fall()
	w.after(w.between(10*time.Second, 4*time.Hour), func() {
		s.rise()
		w.group.elect()
	})
}

// publish puts another release into force.
func (w *world) publish() {
	list, err := w.cast.parcels(w.cast.next, w.cast.set)
	if err != nil {
		w.violated("the release cannot be made: %v", err)
		return
	}
	for i, p := range list {
		m := register.AddVersions
		if len(p.Signed) > 0 {
			m = register.Publish
		}
		w.twice(register.NewCommand(fmt.Sprint("publish ", i), register.ActorControl, m, p))
	}
}

// appoint gives somebody a login at a centre.
func (w *world) appoint() {
	m := w.machines[w.rand.IntN(len(w.machines))]
	name := fmt.Sprintf("karim.%d.%d", m.nr, w.rand.IntN(1000))
	w.twice(register.NewCommand("appoint "+name, register.ActorControl, register.AddUser, register.User{
		Name: name, Role: access.Entrepreneur, Centre: m.centre(), Gender: "m", Hash: passwordHash, From: 1,
	}))
}

// twice proposes a command, and again while nobody knows what became of it.
func (w *world) twice(c register.Command) {
	w.group.command(c)
	for w.chance(0.4) {
		w.after(w.about(time.Minute), func() { w.group.command(c) })
	}
}

// heal ends all faults, but that some boxes are hostile and some have no uplink:
// whoever is off starts, whoever is away comes back, and every session begins anew.
func (w *world) heal() {
	w.calm = true
	w.tracef("the faults end")
	w.mood.twice = 0
	for _, s := range w.group.servers {
		s.slow = time.Millisecond
		s.rise()
	}
	if w.group.leader == nil {
		w.group.elect()
	}
	for _, s := range w.group.servers {
		s.follow()
	}
	for _, m := range w.machines {
		m.away, m.relay, m.disk.fuse, m.island = m.burnt, nil, -1, 0
		m.doomed = m.burnt
		m.online = !m.hermit
		m.hangUp()
		m.start()
	}
}

// reunite gives every box its uplink back, and makes the hostile ones honest.
func (w *world) reunite() {
	w.tracef("every box has an uplink")
	for _, m := range w.machines {
		m.online, m.hermit, m.foe = true, false, nil
		m.leave()
	}
}

// hangUp breaks all sessions of a box.
func (m *machine) hangUp() {
	for _, nr := range sorted(m.ends) {
		e := m.ends[nr]
		e.relay = nil
		e.sever()
	}
}
