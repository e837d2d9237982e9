package desk

import (
	"slices"
	"strings"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// record is a whole case for those entitled.
// At a version that it has come to it is as it stood then: what the officer saw who acted on
// it (R-OF3), the same bytes from then on. At 0, and at one that is to come, it is as it is now.
func record(reg *register.Register, c *register.Case, version uint64) (*api.Record, error) {
	event, sub, err := reg.AsOf(c, version)
	if err != nil && c.Erased == 0 {
		return nil, err
	}
	standing, custody, err := reg.Standing(c.Number)
	if err != nil {
		return nil, err
	}
	set := reg.Set()
	r := &api.Record{
		Number: c.Number, Version: c.State.Version, Stage: c.State.Stage.String(), Custody: api.Custody(custody),
		Service: serviceRef(set, c.Service, int(c.AskedAnew.EditionAt(c, &event, version))), Centre: string(c.Centre), Channel: sub.Channel,
		Form: sub.Form, Applicant: sub.Applicant, Fees: sub.Fees,
		Receipt:     receiptOf(c, event.At),
		SubmittedAt: api.Millis(c.Filed), Since: api.Millis(c.Since),
		Assignment: api.Assignment{Step: c.State.Step, Holder: c.State.Holder, DecidedBy: c.State.DecidedBy}, Office: officeNamed(set, standing.Office),
		NextStep: api.NamedOf(standing.Next, standing.NextName), Due: api.DateOf(c.Due),
		History: append([]api.HistoryEntry{submitted(c)}, history(c, 0)...),
	}
	if c.State.Seat != (place.Seat{}) {
		r.Seat = c.State.Seat.String()
	}
	if r.Fees == nil {
		r.Fees = []protocol.Fee{}
	}
	if err := course(reg, c, r); err != nil {
		return nil, err
	}
	if err := putRight(reg, c, r); err != nil {
		return nil, err
	}
	r.Refund = api.RefundOf(standing.Refund)
	r.Documents = api.NotesOf(sub.Originals, sub.Documents, func(h protocol.Hash) bool { return slices.Contains(c.Lacks, h) })
	frozen(r, version)
	r.PostedOn, r.Despite, r.Elsewhere, r.Variance = sub.PostedOn, sub.Despite, sub.Elsewhere, c.Variance
	r.Erased = erasedNote(reg, c.Number)
	return r, nil
}

// putRight adds to the history what corrections changed, and to their items what they
// want.
func putRight(reg *register.Register, c *register.Case, r *api.Record) error {
	changes, err := reg.Changes(c)
	if err != nil {
		return err
	}
	for i := range r.History {
		r.History[i].Change = changesOf(changes[r.History[i].Version])
	}
	items, err := reg.Items(c.Number)
	if err != nil {
		return err
	}
	for i, it := range items {
		list, reason, err := reg.Wanted(it)
		if err != nil {
			return err
		}
		if it.Outcome == "" {
			r.Items[i].Changes = changesOf(list)
		}
		r.Items[i].Reason = reason
	}
	return nil
}

func changesOf(list []register.Change) (out []api.Change) {
	for _, c := range list {
		out = append(out, api.Change{Field: c.Field, Was: c.Was, Is: c.Is})
	}
	return out
}

// receiptOf is the place and hash that the slip names.
func receiptOf(c *register.Case, issued int64) *api.Receipt {
	log, at := c.Log, c.At
	if c.Receipt != nil {
		log, at = c.Receipt.Log, c.Receipt.At
	}
	return &api.Receipt{Log: log, Seq: at.Seq, Hash: at.Hash, IssuedAt: api.Millis(issued)}
}

// submitted is the line of the history that was written at the counter.
func submitted(c *register.Case) api.HistoryEntry {
	return api.HistoryEntry{
		At: api.Millis(c.Filed), Action: "submit", Actor: c.By, Stage: application.Submitted.String(),
	}
}

// history is what happened after a version.
func history(c *register.Case, after uint64) []api.HistoryEntry {
	list := make([]api.HistoryEntry, 0, len(c.History))
	stage, term := application.None, int64(0)
	for _, t := range c.History {
		stage = stageOf(stage, t)
		if t.Action == application.RequestInfo {
			term = t.Dated
		}
		if t.Version > after {
			list = append(list, turn(t, stage))
			list[len(list)-1].Late = t.Action == application.Supply && application.BroughtLate(t.Dated, term)
		}
	}
	return list
}

func turn(t register.Turn, stage application.Stage) api.HistoryEntry {
	return api.HistoryEntry{
		Version: t.Version, At: api.Millis(t.At), Action: t.Action.String(), Actor: t.Actor,
		Post: t.Seat.Post, Office: t.Seat.Office, Opinion: string(t.Opinion), Reason: t.Reason, Text: t.Text,
		Stage: stage.String(), Items: t.Items, Cites: t.Cites, Check: t.Check, Poisha: t.Amount, Day: api.DateOf(t.Dated),
	}
}

// stageOf is the stage after a turn.
func stageOf(before application.Stage, t register.Turn) application.Stage {
	if t.Stage != application.None {
		return t.Stage
	}
	return stageAfter(before, t.Action)
}

// stageAfter is the stage to which an action that was allowed has led.
func stageAfter(before application.Stage, a application.Action) application.Stage {
	switch a {
	case application.Accept, application.Forward, application.Route:
		return application.Received
	case application.Hold:
		return application.Submitted
	case application.Take:
		return application.UnderReview
	case application.Approve:
		return application.Approved
	case application.Reject:
		return application.Rejected
	default:
		return before
	}
}

// difference tells an officer what he missed.
func difference(d register.Difference) *api.Difference {
	out := &api.Difference{
		Expected: d.Expected, Current: d.Current, Stage: d.Stage, Holder: d.Holder, History: []api.HistoryEntry{},
	}
	if d.Seat != (place.Seat{}) {
		out.Seat = d.Seat.String()
	}
	stage, err := application.ParseStage(d.Stage)
	if err != nil {
		stage = application.None
	}
	for i, t := range d.Since {
		at := application.UnderReview // What every action on the way there keeps …
		if moved := stageOf(application.None, t); moved != application.None {
			at = moved
		}
		if i == len(d.Since)-1 {
			at = stage // … and where it ended.
		}
		out.History = append(out.History, turn(t, at))
	}
	return out
}

// serviceRef names the version of a service; the register may not know it.
func serviceRef(set *dcat.Set, service string, number int) api.ServiceRef {
	ref := api.ServiceRef{ID: service, Version: number, Name: place.Name{BN: service, EN: service}}
	if set == nil {
		return ref
	}
	if v, ok := set.Numbered(service, number); ok {
		ref.Name, ref.Hash = v.Name, v.Hash.String()
	}
	return ref
}

// officeNamed names an office.
func officeNamed(set *dcat.Set, code string) *api.Named {
	if code == "" || strings.HasPrefix(code, "@") {
		return nil
	}
	name := place.Name{BN: code, EN: code}
	if set != nil {
		if o, ok := set.Directory.Office(code); ok {
			name = o.Name
		}
	}
	return api.NamedOf(code, name)
}
