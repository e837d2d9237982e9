package api

import (
	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
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
