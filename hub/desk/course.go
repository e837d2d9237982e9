package desk

import (
	"slices"

	"kendro/domain/application"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/web/api"
)

// course adds to a record what the case goes through beyond its desks.
func course(reg *register.Register, c *register.Case, r *api.Record) error {
	st := &c.State
	r.Primary = c.Primary
	r.Asking = api.Asking{Asked: st.AskedFor(), AskedUntil: api.DateOf(st.SupplyBy), AskedOver: st.Unanswered}
	for i := len(c.History) - 1; i >= 0 && len(r.Asked) > 0 && r.Why == ""; i-- {
		if c.History[i].Action == application.RequestInfo {
			r.Why = c.History[i].Text
		}
	}
	if st.Stage == application.FeeDue || st.Stage == application.FeeLapsed {
		r.Demand = api.DemandOf(c.Number, register.Debt{Case: c}.Demand())
	}
	r.Delivery, r.DeliveryMode, r.AppealUntil = api.DateOf(st.Promised), string(st.Mode), api.DateOf(st.AppealBy)
	if st.Stage == application.Posted {
		standing, _, err := reg.Standing(c.Number)
		if err != nil {
			return err
		}
		r.Article = standing.Article
	}
	if st.Above != (place.Seat{}) {
		r.SeenBy = st.Above.String()
	}
	if set := reg.Set(); set != nil {
		if v, ok := set.ByHash(c.Pinned); ok {
			for i, k := range v.Checks {
				r.Checks = append(r.Checks, api.CheckNote{ID: k.ID, Name: k.Name, Done: st.Done.Has(i), Document: k.Document})
			}
		}
	}
	if err := paper(reg, c, r); err != nil {
		return err
	}
	if err := waits(reg, c, r); err != nil {
		return err
	}
	items, err := reg.Items(c.Number)
	for _, it := range items {
		r.Items = append(r.Items, itemOf(it))
	}
	return err
}

// waits adds where the case stands towards another authority's register.
func waits(reg *register.Register, c *register.Case, r *api.Record) error {
	o := c.Outside
	if o == nil {
		return nil
	}
	r.Outside = &api.OutsideNote{Number: o.Number, Refused: o.Refused}
	if o.Since == 0 {
		return nil
	}
	since := api.Millis(o.Since)
	r.Outside.Since = &since
	return reg.Awaiting(func(a register.Awaited) (bool, error) {
		r.Outside.Position++
		return a.Number != c.Number, nil
	})
}

// paper adds the old paper that the case asks for, and its scan.
func paper(reg *register.Register, c *register.Case, r *api.Record) error {
	p, err := reg.RecordOf(c)
	if p == nil || err != nil {
		return err
	}
	r.Paper = &api.PaperNote{Area: string(p.Area), Text: p.String(), Requests: p.Requests}
	if p.Document != nil {
		at := api.Millis(p.At)
		r.Paper.SHA256, r.Paper.Scanned, r.Paper.Number = &p.Document.Hash, &at, p.Number
	}
	return nil
}

// frozen leaves of a record what was there at a version, and nothing that can change later:
// neither where the case has gone nor whether a scan has arrived since.
func frozen(r *api.Record, version uint64) {
	if version == 0 || version > r.Version {
		return
	}
	i := slices.IndexFunc(r.History, func(h api.HistoryEntry) bool { return h.Version > version })
	if i < 0 {
		i = len(r.History)
	}
	r.History = r.History[:i:i]
	last := r.History[i-1]
	r.Version, r.Stage, r.Since = version, last.Stage, last.At
	if r.Custody != api.Erased {
		r.Custody = custodyThen(r.History)
	}
	r.Assignment = api.Assignment{}
	if last.Post != "" {
		r.Seat = last.Post + "@" + last.Office
	}
	r.Course = api.Course{Until: version}
	r.Office, r.NextStep, r.Due = nil, nil, nil
	for i := range r.Documents {
		r.Documents[i].Missing = false
	}
}

// custodyThen is how far a case had come with the last line of a history.
func custodyThen(history []api.HistoryEntry) api.Custody {
	custody := api.Accepted
	for _, h := range history {
		if h.Action == application.Take.String() {
			custody = api.Seen
		}
	}
	if history[len(history)-1].Stage == application.Submitted.String() {
		return api.Quarantined
	}
	return custody
}
