package api

import (
	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/protocol"
)

// Askable returns what an officer may ask an applicant for under a version, with
// its words: answers as form.NAME, documents by their IDs.
func Askable(v *dcat.Version) map[string]place.Name {
	list := map[string]place.Name{}
	if form, err := catalogue.CompileForm(v.Form); err == nil {
		for _, f := range form.Fields() {
			list["form."+f.Name] = f.Label
		}
	}
	for _, d := range v.Documents {
		list[d.ID] = d.Name
	}
	return list
}

// Citable returns what a decision under a version may rest on, with its words: answers
// as form.NAME, members of the applicant as applicant.NAME.
func Citable(v *dcat.Version) map[string]place.Name {
	list := map[string]place.Name{}
	if form, err := catalogue.CompileForm(v.Form); err == nil {
		for _, f := range form.Fields() {
			list[protocol.FormField+f.Name] = f.Label
		}
	}
	if form, err := catalogue.CompileApplicant(); err == nil {
		for _, f := range form.Fields() {
			list[protocol.ApplicantField+f.Name] = f.Label
		}
	}
	return list
}

// AskedNames puts words to what an applicant is asked for under a version; nil is
// one that isn't here.
func AskedNames(v *dcat.Version, items []string) []Named {
	if v == nil || len(items) == 0 {
		return nil
	}
	known := Askable(v)
	list := make([]Named, 0, len(items))
	for _, it := range items {
		n, ok := known[it]
		if !ok {
			n = place.Name{BN: it, EN: it}
		}
		list = append(list, Named{Code: it, BN: n.BN, EN: n.EN})
	}
	return list
}
