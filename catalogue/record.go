package catalogue

import (
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
)

// recordOf names the paper that an application asks for, in the spelling in which
// two people who mean the same one most likely agree: without regard to case, to
// spaces or to which digits were typed.
func recordOf(v *dcat.Version, answer func(field string) string) application.Record {
	if v.Scan() == 0 {
		return application.Record{}
	}
	r := v.Procedure.Record
	parts := []string{r.Check}
	for _, name := range r.By {
		parts = append(parts, plainly(answer(name)))
	}
	out := application.Record{Text: strings.Join(parts, "/")}
	if r.Area != "" {
		out.Area = place.Code(answer(r.Area))
	}
	return out
}

// factOf is what an application is about, where that happens once. An answer that is
// missing, or no date, leaves it without one.
func factOf(v *dcat.Version, answer func(field string) string) application.Fact {
	if v.Procedure == nil || v.Procedure.Once == nil {
		return application.Fact{}
	}
	o := v.Procedure.Once
	on, err := time.Parse(time.DateOnly, answer(o.On))
	if err != nil {
		return application.Fact{}
	}
	var who []string
	for _, name := range o.By {
		part := plainly(answer(name))
		if part == "" {
			return application.Fact{}
		}
		who = append(who, part)
	}
	return application.Fact{
		Who: strings.Join(who, "/"), Day: on.Unix() / 86400, Near: int64(o.Days),
		Name: plainly(answer(o.Name)), Twin: answer(o.Unless) == "true",
	}
}

// complaintOf is whom a grievance is about, nil for a service that is none.
func complaintOf(v *dcat.Version, answer func(field string) string) *application.Complaint {
	if !v.Confidential() {
		return nil
	}
	g := v.Procedure.Grievance
	c := &application.Complaint{
		Kind: answer(g.Against), Centre: place.Centre(strings.TrimSpace(answer(g.Centre))), Officer: strings.TrimSpace(answer(g.Officer)),
		Receipt: answer(g.Receipt), Hidden: answer(g.Hidden) == "true",
	}
	if on, err := time.Parse(time.DateOnly, answer(g.On)); err == nil {
		c.Day = on.Unix() / 86400
	}
	return c
}

// plainly is an answer in small letters, single spaces and Latin digits.
func plainly(s string) string {
	s = strings.Map(func(r rune) rune {
		const zero, nine = '\u09e6', '\u09ef' // Bangla digits.
		if r >= zero && r <= nine {
			return '0' + r - zero
		}
		return r
	}, norm.NFC.String(s))
	return strings.ToLower(strings.Join(strings.Fields(s), " "))
}
