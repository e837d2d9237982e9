package sim

import (
	"errors"
	"fmt"

	"kendro/hub/register"
	"kendro/protocol"
)

// An oracle knows what has to be true, from what it saw itself.
type oracle struct {
	w       *world
	durable map[protocol.LogID]protocol.Position // Up to where logs are in the register, by committed entries.
	seen    map[protocol.Number]spot             // Where a number stood when it was first looked up.
}

// A spot is an event's.
type spot struct {
	log protocol.LogID
	at  protocol.Position
}

// spotOf is where a case's receipt says that it stands.
func spotOf(c *register.Case) spot {
	if c.Receipt != nil {
		return spot{c.Receipt.Log, c.Receipt.At}
	}
	return spot{c.Log, c.At}
}

func newOracle(w *world) *oracle {
	return &oracle{w: w, durable: map[protocol.LogID]protocol.Position{}, seen: map[protocol.Number]spot{}}
}

// committed takes what an entry brought, from the first server that applied it.
func (o *oracle) committed(out *register.Outcome) {
	for _, h := range out.Grew {
		if before := o.durable[h.Log]; h.At.Seq < before.Seq {
			o.w.violated("I4: %s went back from %d to %d", h.Log, before.Seq, h.At.Seq)
		}
		o.durable[h.Log] = h.At
	}
}

// promised takes an acknowledgement that a server has just signed.
func (o *oracle) promised(a *protocol.Ack) {
	if held := o.durable[a.Log]; a.At.Seq > held.Seq || a.At.Seq == held.Seq && a.At != held {
		o.w.violated("I4: %s is acknowledged up to %d and committed up to %d", a.Log, a.At.Seq, held.Seq)
	}
}

// watch asks about numbers while faults go on: one that was found stays where it
// is.
func (o *oracle) watch() {
	g := o.w.group
	if g.leader == nil {
		return
	}
	for _, m := range o.w.machines {
		if len(m.receipts) == 0 {
			continue
		}
		r := m.receipts[o.w.rand.IntN(len(m.receipts))]
		c, err := g.leader.reg.Case(r.number)
		if err != nil {
			continue
		}
		now := spotOf(c)
		if first, ok := o.seen[r.number]; ok && first != now {
			o.w.violated("I3: %v stood at %s %d and now at %s %d", r.number, first.log, first.at.Seq, now.log, now.at.Seq)
		}
		o.seen[r.number] = now
	}
}

// settled reports why the district is not yet at rest; nil is at rest.
func (o *oracle) settled() error {
	g := o.w.group
	if g.leader == nil {
		return errors.New("nobody leads")
	}
	for _, s := range g.servers {
		if s.reg.Applied() != g.last() {
			return fmt.Errorf("%s has applied %d of %d entries", s.name, s.reg.Applied(), g.last())
		}
	}
	for _, m := range o.w.machines {
		if err := o.atRest(m, g.leader.reg); err != nil {
			return err
		}
	}
	return nil
}

// reached reports which box without an uplink has not got by its neighbours what
// it has to get: its records to the register, and its inbox.
func (o *oracle) reached() error {
	g := o.w.group
	if g.leader == nil {
		return errors.New("nobody leads")
	}
	for _, m := range o.w.machines {
		if !m.hermit {
			continue
		}
		if err := o.delivered(m, g.leader.reg); err != nil {
			return err
		}
		if err := o.holds(m, g.leader.reg, m.keys.enrolment.Logs[:1]); err != nil { // The inbox; the catalogue comes from hubs.
			return err
		}
	}
	return nil
}

// saved reports which record is not in the register that neighbours said they hold
// when its box burnt.
func (o *oracle) saved(m *machine, reg *register.Register) error {
	for _, r := range m.receipts {
		if _, err := reg.Case(r.number); err != nil && !r.lost && (len(r.kept) == 0 || r.safe()) {
			return fmt.Errorf("%v of %s, which burnt when %d neighbours held it, is not in the register", r.number, m.name, len(r.kept))
		}
	}
	return nil
}

// believed looks at what a box takes for acknowledged.
func (o *oracle) believed(m *machine) {
	if m.box == nil {
		return
	}
	if at, held := m.box.Acknowledged(), o.durable[m.box.Log()]; at.Seq > held.Seq {
		o.w.violated("I4: %s believes that %s is acknowledged up to %d; it is committed up to %d", m.name, m.box.Log(), at.Seq, held.Seq)
	}
}

// atRest compares a box with the register.
func (o *oracle) atRest(m *machine, reg *register.Register) error {
	if m.burnt {
		return o.saved(m, reg)
	}
	if err := o.delivered(m, reg); err != nil {
		return err
	}
	return o.holds(m, reg, m.keys.enrolment.Logs)
}

// holds compares what a box has of the hub's logs with the register.
func (o *oracle) holds(m *machine, reg *register.Register, logs []protocol.LogID) error {
	held := m.box.Held()
	for _, log := range logs {
		at, err := reg.LogHead(log)
		if err != nil || held[log] != at {
			return fmt.Errorf("%s holds %s up to %d of %d: %w", m.name, log, held[log].Seq, at.Seq, errors.Join(err, errOther))
		}
	}
	return nil
}

// delivered compares what a box has written with the register.
func (o *oracle) delivered(m *machine, reg *register.Register) error {
	if m.box == nil {
		return fmt.Errorf("%s is off: %w", m.name, errors.Join(m.lastStart, errDown))
	}
	head := m.box.Head()
	if acked := m.box.Acknowledged(); acked != head.At && head.At.Seq > 0 {
		return fmt.Errorf("%s has %d events, and %d are acknowledged", m.name, head.At.Seq, acked.Seq)
	}
	if at, err := reg.LogHead(head.Log); err != nil || at != head.At {
		return fmt.Errorf("%s has %d events, and the register %d: %w", m.name, head.At.Seq, at.Seq, errors.Join(err, errOther))
	}
	return nil
}

var errOther = errors.New("not the same")

// judge looks at everything, once the district is at rest.
func (o *oracle) judge() {
	w := o.w
	first := w.group.servers[0].reg
	for _, s := range w.group.servers[1:] {
		_, a := first.Digest()
		if _, b := s.reg.Digest(); a != b || first.SetHash() != s.reg.SetHash() {
			w.violated("convergence: %s and %s hold different registers", w.group.servers[0].name, s.name)
		}
	}
	sent := uint64(0)
	for _, m := range w.machines {
		if m.forked {
			continue
		}
		if m.burnt {
			sent += o.of(first, m)
			continue
		}
		if m.accused() {
			w.violated("an honest box is accused: %s says %v", m.name, m.blockers())
		}
		head := m.box.Head()
		if _, fork, err := first.Cursor(head.Log); fork != nil || err != nil {
			w.violated("an honest box is accused: %s is frozen at %v, %v", m.name, fork, err)
		}
		sent += head.At.Seq
		o.chain(first, head)
	}
	o.balance(first, sent)
	o.once(first)
}

// of counts what of a box that burnt reached the register.
func (o *oracle) of(reg *register.Register, m *machine) uint64 {
	heads, err := reg.Cursors(m.keys.enrolment.Slot)
	if err != nil || len(heads) > 1 {
		o.w.violated("%s wrote one log, and the register holds %d of it: %v", m.name, len(heads), err)
	}
	sent := uint64(0)
	for _, h := range heads {
		sent += h.At.Seq
	}
	return sent
}

// chain walks an uplink in the register: no gap below its head (I4).
func (o *oracle) chain(reg *register.Register, head protocol.Head) {
	at := protocol.Position{}
	for at.Seq < head.At.Seq {
		run, err := reg.LogEvents(head.Log, at.Seq, protocol.MaxBlockEvents)
		if err != nil || len(run.Events) == 0 || run.Prev != at.Hash {
			o.w.violated("I4: %s has a gap after %d of %d: %v", head.Log, at.Seq, head.At.Seq, err)
			return
		}
		for _, raw := range run.Events {
			at = protocol.Position{Seq: at.Seq + 1, Hash: protocol.ChainHash(head.Log, at.Seq+1, at.Hash, raw)}
		}
	}
	if at != head.At {
		o.w.violated("I4: %s ends at another event than its box's", head.Log)
	}
}

// balance counts: sent = accepted + quarantined + held, and nothing was dropped
// (I9).
func (o *oracle) balance(reg *register.Register, sent uint64) {
	st := reg.Stats()
	cases, held := uint64(0), uint64(0)
	err := reg.ForEachCase(func(c *register.Case) error {
		cases++
		if c.Held != "" {
			held++
		}
		return nil
	})
	switch {
	case err != nil:
		o.w.violated("I9: the cases cannot be read: %v", err)
	case cases != st.Cases || held != st.Held:
		o.w.violated("I9: %d cases, %d of them held, are in the register; it counts %d and %d", cases, held, st.Cases, st.Held)
	case st.Accepted != st.Cases+st.Again+st.Followed+st.Unreadable+st.Quarantined:
		o.w.violated("I9: %d events accepted are %d cases, %d that were there, %d on cases, %d unreadable and %d quarantined",
			st.Accepted, st.Cases, st.Again, st.Followed, st.Unreadable, st.Quarantined)
	case !o.w.anyForked() && sent != st.Accepted:
		o.w.violated("I9: %d events sent and %d accepted: %d were dropped in silence", sent, st.Accepted, int64(sent)-int64(st.Accepted))
	case st.Quarantined+st.Unreadable+st.Held > 0: // Whatever somebody altered on the way is refused before.
		o.w.violated("%d events stand aside, and every one was sent whole by its box", st.Quarantined+st.Unreadable+st.Held)
	}
}

// once looks every printed receipt up: it is there, unaltered, once (I3).
func (o *oracle) once(reg *register.Register) {
	numbers := map[protocol.Number]*receipt{}
	byPlace := map[spot]int{}
	err := reg.ForEachCase(func(c *register.Case) error {
		byPlace[spotOf(c)]++
		return nil
	})
	if err != nil {
		o.w.violated("the cases cannot be read: %v", err)
		return
	}
	for _, m := range o.w.machines {
		for _, r := range m.receipts {
			if other := numbers[r.number]; other != nil && (other.log != r.log || other.at != r.at) {
				o.w.violated("I3: %v was printed twice, by %s and %s", r.number, other.by.name, r.by.name)
			}
			numbers[r.number] = r
			there := byPlace[spot{r.log, r.at}]
			if there == 0 && (r.lost || len(r.kept) > 0 && !r.safe()) {
				continue // Its disk was set back or burnt before anybody else had it, or with whoever had.
			}
			o.look(reg, r, there)
		}
	}
}

func (o *oracle) look(reg *register.Register, r *receipt, there int) {
	if there != 1 {
		o.w.violated("exactly once: the receipt %v of %s (printed %v, at %d) is %d cases", r.number, r.by.name, r.when, r.at.Seq, there)
		return
	}
	c, err := reg.Case(r.number)
	if err != nil || spotOf(c) != (spot{r.log, r.at}) {
		o.w.violated("I3: %v of %s is not the case that its receipt says: %v", r.number, r.by.name, err)
		return
	}
	if r.by.forked || r.by.burnt {
		return // Whether a box that lost it has it back is asked elsewhere.
	}
	where, err := r.by.box.Track(r.number)
	if err != nil || !where.Accepted {
		o.w.violated("convergence: %s does not know that %v is accepted: %v", r.by.name, r.number, err)
	}
	if _, _, err := reg.Submission(c); err != nil {
		o.w.violated("%v cannot be read in the register: %v", r.number, err)
	}
}
