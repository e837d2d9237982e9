package counter

import (
	"encoding/json"

	"kendro/node/box"
	"kendro/protocol"
	"kendro/web/api"
)

// custodyOf is how safe a record is.
func custodyOf(w *box.Where) api.Custody {
	switch {
	case w.Erased != nil:
		return api.Erased
	case w.Aside:
		return api.Quarantined
	case w.Seen:
		return api.Seen
	case w.Accepted:
		return api.Accepted
	case w.Copies > 0:
		return api.Replicated(w.Copies)
	}
	return api.Local
}

func named(n box.Named) *api.Named { return api.NamedOf(n.Code, n.Name) }

func (c *counter) trackingOf(n protocol.Number, w *box.Where) *api.Tracking {
	t := &api.Tracking{
		Number: n, Stage: w.Stage, Office: named(w.Office), Since: api.TimeOf(w.Since), NextStep: named(w.Next),
		Expected: api.DateOf(w.Expected), Custody: custodyOf(w), AsOf: api.TimeOf(w.AsOf),
		Missed: api.Missed{Overdue: w.Said.Overdue}, AppealBy: api.DateOf(w.Said.AppealBy),
		Rulings: api.RulingsOf(&w.Said), Refund: api.RefundOf(w.Said.Refund),
		Asking: api.AskingOf(&w.Said, c.Clock()), AskedUnder: api.UnderOf(&w.Said),
		Demand: api.OwedOf(&w.Said), Mode: w.Said.Mode,
	}
	return t
}

func (c *counter) recordOf(k *box.Case) *api.Record {
	receipt := api.ReceiptOf(k.Receipt, k.Issued)
	r := &api.Record{
		Number: k.Number, Version: k.Edition, Stage: k.Stage, Custody: custodyOf(&k.Where), Service: serviceOf(k),
		Centre: c.Box.Centre(), Channel: k.Submission.Channel, Form: k.Submission.Form, Applicant: k.Submission.Applicant,
		Documents: api.NotesOf(k.Submission.Originals, k.Submission.Documents, nil), Fees: k.Fees, Receipt: &receipt, SubmittedAt: api.TimeOf(k.Issued),
		Since: api.TimeOf(k.Since), Office: named(k.Office), NextStep: named(k.Next), Due: api.DateOf(k.Expected),
	}
	r.PostedOn, r.Despite, r.Code = k.Submission.PostedOn, k.Submission.Despite, k.Code
	r.Refund = api.RefundOf(k.Said.Refund)
	if k.Submission.Secret != nil {
		r.Confidential, r.Form, r.Applicant = true, json.RawMessage(`{}`), json.RawMessage(`{}`)
	}
	for _, p := range k.PutRight {
		note := api.PutRight{At: api.TimeOf(p.At), Actor: p.Actor, Names: p.Names, Reason: p.Reason, Sealed: p.Sealed}
		if p.Sealed {
			note.Names = []string{}
		}
		if w := p.Word; w != nil {
			note.Taken, note.Waits, note.Refused, note.Why, note.State = w.Taken, w.Waits, w.Refused, w.Why, w.Sealed
		}
		r.PutRight = append(r.PutRight, note)
	}
	r.AppealUntil = api.DateOf(k.Said.AppealBy)
	r.DeliveryMode, r.Article = k.Said.Mode, k.Said.Article
	if r.Fees == nil {
		r.Fees = []protocol.Fee{}
	}
	r.History = []api.HistoryEntry{{At: r.SubmittedAt, Action: "submit", Actor: k.Event.Actor, Stage: "SUBMITTED"}}
	if k.Accepted {
		r.History = append(r.History, api.HistoryEntry{
			Version: k.Edition, At: r.Since, Action: "stands", Office: k.Office.Code, Reason: k.Reason, Stage: k.Stage,
		})
	}
	return r
}

func serviceOf(k *box.Case) api.ServiceRef {
	s := api.ServiceRef{ID: k.Pin.Service, Version: int(k.Pin.Version)}
	if k.Version != nil {
		s.Hash, s.Name = k.Version.Hash.String(), k.Version.Name
	}
	return s
}

func (c *counter) filedOf(k *box.Case) api.Filed {
	return api.Filed{
		Number: k.Number, Service: serviceOf(k), At: api.TimeOf(k.Issued), Actor: k.Event.Actor,
		Stage: k.Stage, Custody: custodyOf(&k.Where),
	}
}
