package sim

import (
	"errors"
	"fmt"
	"time"

	"kendro/catalogue"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	nodebox "kendro/node/box"
	"kendro/protocol"
)

// zone is the offices' civil time.
var zone = time.FixedZone("BST", 6*3600)

// file has everybody come to a counter at some moment of the opening hours.
func (d *day) file() {
	for i := range d.plan.Copies + d.plan.Others {
		service := copies
		if i >= d.plan.Copies {
			list := d.others
			if len(list) == 0 || d.chance(0.6) {
				list = local
			}
			service = list[d.rand.IntN(len(list))]
		}
		m := d.machines[d.rand.IntN(len(d.machines))]
		d.after(d.between(opens, closes-15*time.Minute), func() { d.come(m, i, service) })
	}
}

// come is one person at a counter.
func (d *day) come(m *machine, i int, service string) {
	body, err := d.sampler.Body(service, d.plan.Seed<<20+uint64(i), m.centre())
	if err != nil {
		d.violated("no application for %s: %v", service, err)
		return
	}
	r := &request{key: fmt.Sprint("person-", i), body: body}
	before := len(m.receipts)
	if m.post(r); len(m.receipts) == before && len(d.violations) == 0 { // Intake is closed: the box has no catalogue yet.
		m.after(10*time.Minute, func() { m.post(r) })
	}
}

// cutSome takes the link of every eighth centre away for hours, and that of every
// fourth upazila: there no neighbour helps.
func (d *day) cutSome() {
	var upazila place.Code
	var all []*machine
	for _, m := range d.machines { // Those of an upazila stand together.
		if m.centre().Upazila() != upazila {
			d.cut(all, 1.0/4)
			upazila, all = m.centre().Upazila(), nil
		}
		all = append(all, m)
		d.cut([]*machine{m}, 1.0/8)
	}
	d.cut(all, 1.0/4)
}

// cut takes the links of some centres away for hours, or not.
func (d *day) cut(list []*machine, chance float64) {
	if !d.chance(chance) {
		return
	}
	from := d.between(opens, closes-time.Hour)
	until := from + d.between(time.Hour, 5*time.Hour)
	for _, m := range list {
		d.after(from, func() {
			m.online = false
			d.cutLink(m)
		})
		d.after(until, func() { m.online = true })
	}
}

// A returner is somebody who has to come to a counter again, or to be asked for.
type returner struct {
	what string
	try  func() (again bool, err error)
}

// moved sees to it that the applicant comes back where a case waits for him.
func (d *day) moved(c *register.Case) {
	m := d.machineOf(c)
	by := nodebox.Followup{User: m.keys.user, Number: c.Number, Key: fmt.Sprint(c.Number, " ", c.State.Version)}
	to := func(what string, days int, do func() error) {
		if d.due[c.Number] != nil {
			d.violated("%v is waited for twice: %s and %s", c.Number, d.due[c.Number].what, what)
		}
		r := &returner{what: what, try: func() (bool, error) {
			if m.box == nil {
				return true, nil
			}
			err := do()
			m.look()
			return errors.Is(err, fault.Conflict) || errors.Is(err, fault.Unavailable), err
		}}
		d.due[c.Number] = r
		d.after(d.visitIn(days), func() { d.comeBack(c.Number, r) })
	}
	switch c.State.Stage {
	case application.FeeDue:
		fees := []protocol.Fee{{Kind: string(dcat.Government), Poisha: c.State.Owed}}
		to("pay", 3, func() error {
			_, err := m.box.Followups().Pay(d.ctx, by, protocol.Payment{Means: protocol.MeansCash, Fees: fees})
			return err
		})
	case application.InfoRequested:
		var list []catalogue.Paper
		for _, id := range c.State.AskedFor() {
			list = append(list, catalogue.Paper{ID: id, OriginalAtCounter: true})
		}
		to("supply", 2, func() error {
			_, wrong, err := m.box.Followups().Supply(d.ctx, by, nodebox.Supply{Documents: list})
			if len(wrong) > 0 {
				d.violated("%s refuses what was asked for of %v: %v", m.name, c.Number, wrong)
			}
			return err
		})
	case application.Ready, application.Posted:
		to("fetch", 4, func() error {
			_, err := m.box.Followups().HandOver(d.ctx, by, protocol.HandOver{Proof: "nid"}, "")
			return err
		})
	default:
	}
}

// visitIn is when somebody comes within some days, while the counters are open.
func (d *day) visitIn(days int) time.Duration {
	today := d.now.Truncate(24 * time.Hour)
	for range 1 + d.rand.IntN(days) {
		today += 24 * time.Hour
	}
	return today + d.between(opens, closes) - d.now
}

// comeBack tries; whoever comes before the centre has heard comes again the next day.
func (d *day) comeBack(n protocol.Number, r *returner) {
	again, err := r.try()
	switch {
	case again:
		d.tracef("%v: it is too early to %s", n, r.what)
		d.after(d.visitIn(1), func() { d.comeBack(n, r) })
	case err != nil:
		d.violated("%v: nobody can %s: %v", n, r.what, err)
	default:
		d.tracef("%v: %s", n, r.what)
		delete(d.due, n)
	}
}

func (d *day) machineOf(c *register.Case) *machine {
	for _, m := range d.machines {
		if m.centre() == c.Centre {
			return m
		}
	}
	panic("sim: a case of no centre") // The register names it by the box that brought it.
}
