package web

import (
	"strings"

	"kendro/domain/place"
	"kendro/web/api"
)

// course is what a case goes through beyond its desks, as lines of its facts.
func (v *caseView) course() []line {
	r, l := v.Record, v.lang
	var list []line
	add := func(label place.Name, text string) { list = append(list, line{Label: label, Value: text}) }
	if d := r.Demand; d != nil {
		add(wordToPay, l.Taka(d.Poisha)+" · "+l.Say(wordUntil)+" "+l.DateOr(d.Due, wordUnknownYet))
	}
	if b := r.Refund; b != nil && b.Owed != 0 {
		add(wordToPayBack, l.Taka(b.Owed))
	}
	if b := r.Refund; b != nil && b.Paid != 0 {
		add(wordIsPaidBack, l.Taka(b.Paid))
	}
	if r.Variance != 0 {
		add(wordVariance, l.Taka(r.Variance))
	}
	if len(r.Asked) > 0 {
		names := make([]string, 0, len(r.Asked))
		for _, id := range r.Asked {
			names = append(names, l.Say(v.itemName(id)))
		}
		add(wordItems, strings.Join(names, ", "))
		switch {
		case r.AskedOver:
			add(wordNoAnswer, l.DateOr(r.AskedUntil, wordUnknownYet))
		case r.AskedUntil != nil:
			add(wordAskedUntil, l.Day(r.AskedUntil.Time))
		}
	}
	for _, k := range r.Checks {
		done := wordNotDone
		if k.Done {
			done = wordIsDone
		}
		add(k.Name, l.Say(done))
	}
	if r.Delivery != nil {
		add(wordDelivery, l.Day(r.Delivery.Time))
	}
	if r.DeliveryMode != "" && r.Delivery != nil {
		add(wordMode, l.Say(modeName(r.DeliveryMode)))
	}
	if r.SeenBy != "" {
		add(wordSeenBy, l.Say(v.seat(r.SeenBy)))
	}
	if r.Primary != 0 {
		add(wordOtherNumber, l.Number(r.Primary))
	}
	if r.AppealUntil != nil {
		add(wordAppealUntil, l.Day(r.AppealUntil.Time))
	}
	return list
}

// about is what a line of the history says beside its action.
func (v *caseView) about(e api.HistoryEntry) []string {
	var list []string
	if e.Opinion != "" {
		list = append(list, v.lang.Say(opinionWords[e.Opinion]))
	}
	if e.Reason != "" {
		list = append(list, v.lang.Say(v.reasonName(e.Reason)))
	}
	for _, id := range e.Items {
		if len(e.Change) == 0 {
			list = append(list, v.lang.Say(v.itemName(id)))
		}
	}
	for _, c := range e.Change {
		list = append(list, v.change(c))
	}
	for _, f := range e.Cites {
		list = append(list, v.lang.Say(wordCites)+" "+v.lang.Say(v.field(f).Label))
	}
	if v.version != nil { // A file as it stood does not say which checks are done now.
		for _, k := range v.version.Checks {
			if k.ID == e.Check {
				list = append(list, v.lang.Say(k.Name))
			}
		}
	}
	if e.Poisha != 0 {
		list = append(list, v.lang.Taka(e.Poisha))
	}
	if e.Day != nil {
		list = append(list, v.lang.Day(e.Day.Time))
	}
	if e.Late {
		list = append(list, v.lang.Say(wordBrought))
	}
	return list
}
