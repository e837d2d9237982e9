package catalogue

import (
	"encoding/json"

	"kendro/domain/fault"
	citizen "kendro/domain/person"
	"kendro/domain/place"
)

// ApplicantOf reads who an application is for from its applicant, as [Intake]
// returned it. What isn't there stays empty; somebody anonymous has no name. It
// fails with [fault.Invalid] on what is no JSON object.
func ApplicantOf(applicant []byte) (citizen.Person, error) {
	var a struct {
		NameBN      string `json:"name_bn"`
		NameEN      string `json:"name_en"`
		Father      string `json:"father_bn"`
		Mother      string `json:"mother_bn"`
		Mobile      string `json:"mobile"`
		Village     string `json:"village"`
		Area        string `json:"area"`
		Identifiers []struct {
			Type  string `json:"type"`
			Value string `json:"value"`
		} `json:"identifiers"`
	}
	if err := json.Unmarshal(applicant, &a); err != nil {
		return citizen.Person{}, fault.New("catalogue.ApplicantOf", fault.Invalid, "applicant", "no JSON object of an applicant")
	}
	p := citizen.Person{
		Name: place.Name{BN: a.NameBN, EN: a.NameEN}, Father: a.Father, Mother: a.Mother,
		Mobile: a.Mobile, Village: a.Village, Area: place.Code(a.Area),
	}
	for _, i := range a.Identifiers {
		p.Identifiers = append(p.Identifiers, citizen.Identifier{Kind: i.Type, Value: i.Value})
	}
	return p, nil
}

// ShortAnswers returns the short texts of a form's outermost fields, by field.
func ShortAnswers(form []byte) map[string]string {
	const short = 64
	var fields map[string]json.RawMessage
	if json.Unmarshal(form, &fields) != nil {
		return nil
	}
	out := map[string]string{}
	for name, raw := range fields {
		var s string
		if json.Unmarshal(raw, &s) == nil && s != "" && len(s) <= short {
			out[name] = s
		}
	}
	return out
}
