package sim

import (
	"slices"
	"time"
)

// soon is how long a record may take by another path when the first carrier of it
// drops everything.
const soon = 10 * time.Minute

// trial takes a box's uplink away, has up to half of its neighbours drop all that
// they take, and somebody come to its counter: the record reaches the register in
// ten minutes. Nothing else is wrong meanwhile.
func (w *world) trial() {
	m, others := w.candidates()
	if m == nil {
		return
	}
	w.rand.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	hostile := others[:w.rand.IntN(len(others)/2+1)]
	for _, n := range hostile {
		n.foe = dropsAll()
	}
	w.tracef("%s has no link, and %d of %d neighbours drop what they take", m.name, len(hostile), len(others))
	m.hermit, m.online = true, false
	w.cutLink(m)
	for _, n := range slices.Concat(hostile, []*machine{m}) {
		n.leave()
	}
	w.until(w.now + 3*time.Minute) // Until it knows that the link is gone.
	before := len(m.receipts)
	m.serve()
	if len(w.violations) > 0 || len(m.receipts) == before {
		return
	}
	r, began := m.receipts[before], w.now
	for w.now < began+soon && len(w.violations) == 0 {
		w.until(w.now + 15*time.Second)
		if _, err := w.group.leader.reg.Case(r.number); err == nil {
			w.stats.Slowest = max(w.stats.Slowest, int((w.now-began)/time.Second))
			return
		}
	}
	w.violated("another path: %v of %s has not reached the register in %v, with %d of %d neighbours that drop everything",
		r.number, m.name, soon, len(hostile), len(others))
}

// candidates are a box whose counter is open, and its neighbours with a link to a
// hub; nil where there are fewer than two of them.
func (w *world) candidates() (*machine, []*machine) {
	fit := func(n *machine) bool {
		return n.box != nil && !n.forked && !n.twin && n.box.Blockers().Closed() == nil && n.linked()
	}
	for _, i := range w.rand.Perm(len(w.machines)) {
		m := w.machines[i]
		if !fit(m) {
			continue
		}
		var others []*machine
		for _, n := range w.machines {
			if n != m && fit(n) && n.centre().Upazila() == m.centre().Upazila() {
				others = append(others, n)
			}
		}
		if len(others) > 1 {
			return m, others
		}
	}
	return nil, nil
}

// leave breaks the sessions that a box has with neighbours.
func (m *machine) leave() {
	for _, nr := range sorted(m.ends) {
		if e := m.ends[nr]; e != nil && e != m.end {
			e.sever()
		}
	}
}
