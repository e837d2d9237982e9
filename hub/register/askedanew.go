package register

import (
	"slices"
	"strings"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// What is made under a version goes on under it, whatever is in force by the time that it
// comes (I8). But a version may say for how long those before it count, and what is filed
// later is asked for what the new one wants in addition (row 7). Nothing is refused for the
// age of the link: with the answers the case goes on under the new version, at what its
// receipt says that it costs. All of it is since format 4.

// An AskedAnew is what a version asks of an application that was made under one before, and
// lacks it, as the leader found.
type AskedAnew struct {
	Under   dcat.Hash `cbor:"1,keyasint"`
	Edition uint32    `cbor:"2,keyasint"` // The number of that version.
	Items   []string  `cbor:"3,keyasint"`
}

// pin names the version as boxes do.
func (r *AskedAnew) pin(service string) *protocol.Pin {
	return &protocol.Pin{Service: service, Version: r.Edition, Hash: [8]byte(r.Under[:8])}
}

// askings asks for what is new, and lets cases go on with it.
type askings struct{ courses }

// ask asks a case's applicant for what is new, where the time for its version had passed on
// the day on which it was filed. It reports whether it did; what can't be asked for isn't,
// and the case goes on as it is.
func (s askings) ask(c *Case, f *Finding) bool {
	if s.format < 4 || f == nil || f.AskedAnew == nil {
		return false
	}
	r := *f.AskedAnew
	g, replaced := s.world.over.versions[c.Pinned]
	v, known := s.world.version(r.Under)
	if !replaced || !known || v.ID != c.Service || c.Legal <= g.until(s.zone) {
		return false
	}
	r.Edition = uint32(v.Number)
	c.AskedAnew = &r
	e := application.Event{Action: application.RequestInfo, Items: r.Items, Text: protocol.WhyAnew}
	application.Way{Version: v}.Ask(&e, s.now())
	if err := s.change(c, e); err != nil {
		c.AskedAnew = nil
		return false
	}
	return true
}

// WaitsAnew reports whether the case waits for what a newer version asks, or has gone on without,
// and nobody has taken it up before.
func (c *Case) WaitsAnew() bool {
	return c.AskedAnew != nil && c.State.Asking() && c.State.Holder == "" && (!c.State.Unanswered || c.Custody() != CustodySeen)
}

// Asks is the version under which what the case is asked for is to be answered.
func (c *Case) Asks() dcat.Hash {
	if c.WaitsAnew() {
		return c.AskedAnew.Under
	}
	return c.Pinned
}

// EditionAt is the version of its service under which a case stood at a version of its own:
// that of its application, event, until it was answered under the newer one. 0 is now.
func (r *AskedAnew) EditionAt(c *Case, event *protocol.Event, version uint64) uint32 {
	if r == nil || version == 0 || c.Pinned != r.Under || event.Pin == nil {
		return c.Edition
	}
	moved := slices.IndexFunc(c.History, func(t Turn) bool { return t.Action == application.Supply })
	if moved < 0 || version >= c.History[moved].Version {
		return c.Edition
	}
	return event.Pin.Version
}

// moveUnder puts a case under the version that asks, and finds out what its answers come to there.
func (f *follower) moveUnder(sup *protocol.Supplement, e *application.Event) {
	v, known := f.world.version(f.c.AskedAnew.Under)
	if !known {
		f.keep(fault.New("register.Apply", fault.Damaged, f.c.Number.String(), "the version that asks is missing"))
		return
	}
	again := f.c.Pinned == v.Hash && len(sup.Form) == 0 // A paper more: its answers were found out about before.
	f.c.Pinned, f.c.Edition = v.Hash, uint32(v.Number)
	e.Items = f.answered(e.Items)
	if again {
		return
	}
	if e.Found = f.found.found(); e.Found == nil {
		e.Found = &application.Found{}
	}
	e.Found.Dues = application.Dues{}
	if p := v.Procedure; p != nil && p.FeeDays > 0 { // Else it takes nothing later.
		e.Found.Dues = f.c.State.Dues // As the receipt says.
	}
}

// anew is where a case under a new version begins: its checks are that version's.
func (s askings) anew(c *Case, w application.Way, e *application.Event) {
	rules := c.State.Rules
	if e.Found != nil {
		rules = e.Found.Rules
		e.Found.Undone, e.Found.Done = ^dcat.Bits(0), 0
		if rules.Has(dcat.Scanned) {
			e.Found.Done = w.Version.Scan()
		}
	}
	e.Desk = w.First(rules)
}

// answered leaves of what came what was asked for: an answer may bring along others that the
// application did not have, where the new form wants them with it.
func (f *follower) answered(items []string) []string {
	var sub protocol.Submission
	e, ok := withheld{f.courses}.eventAt(&Source{Log: f.c.Log, At: f.c.At})
	if !ok || e.Decode(&sub) != nil {
		return items
	}
	had, asked := answerNames(sub.Form), f.c.State.AskedFor()
	if !slices.ContainsFunc(items, func(it string) bool { return slices.Contains(asked, it) }) {
		return items
	}
	return slices.DeleteFunc(slices.Clone(items), func(it string) bool {
		name, answer := strings.CutPrefix(it, "form.")
		return answer && !slices.Contains(asked, it) && !slices.Contains(had, name)
	})
}
