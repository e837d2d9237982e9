package sim

import (
	"slices"
	"time"

	"kendro/protocol"
)

// A box can be destroyed while only its neighbours hold some of its records.

// doom takes a box's uplink away for good, and has it burn as soon as two
// neighbours hold all of its records and no hub has them all.
func (w *world) doom(m *machine, end time.Duration) {
	if w.now > end || m.twin || m.hermit {
		return
	}
	if m.box == nil || len(m.box.Contacts().Neighbours) < 2 {
		w.after(time.Hour, func() { w.doom(m, end) })
		return
	}
	w.tracef("%s is doomed", m.name)
	m.doomed, m.online = true, false
	w.cutLink(m)
	m.serve()
	w.after(6*time.Hour, func() { // Nobody came to keep its records.
		if !m.burnt {
			m.doomed, m.online = false, true
		}
	})
}

// mayBurn destroys a doomed box when it is time, and has its keepers lose their
// power as it burns.
func (m *machine) mayBurn() {
	if !m.doomed || m.burnt || m.box == nil || m.box.Copies() < 2 || m.box.Head().At.Seq == m.box.Acknowledged().Seq {
		return
	}
	w := m.w
	keepers := m.box.Keepers()
	for _, r := range m.receipts {
		where, err := m.box.Track(r.number)
		if err != nil {
			w.violated("%s cannot track %v: %v", m.name, r.number, err)
			return
		}
		r.lost = !where.Accepted && where.Copies < 2
		if !where.Accepted {
			r.kept = w.keepersOf(keepers, r.at)
		}
	}
	w.tracef("%s burns; %d neighbours hold its records", m.name, len(keepers))
	w.stats.Burnt++
	m.burnt, m.away = true, true
	m.stop(false)
	m.disk.restore(nil)
	if w.chance(0.5) {
		return
	}
	for _, centre := range sorted(keepers) {
		for _, n := range w.machines {
			if string(n.centre()) == centre && n.box != nil {
				n.reboot(true)
			}
		}
	}
}

// keepersOf are the machines that said they hold an event.
func (w *world) keepersOf(said map[string]protocol.Position, at protocol.Position) (list []*machine) {
	for _, n := range w.machines {
		if held, ok := said[string(n.centre())]; ok && held.Seq >= at.Seq {
			list = append(list, n)
		}
	}
	return list
}

// safe reports whether somebody still holds what a slip said that neighbours hold: a
// box that is ours, was not destroyed, and whose disk nobody set back.
func (r *receipt) safe() bool {
	return slices.ContainsFunc(r.kept, func(n *machine) bool { return !n.foul && !n.burnt && !n.forked })
}
