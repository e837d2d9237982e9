package catalogue

import (
	"encoding/json"
	"strings"

	"kendro/domain/fault"
	citizen "kendro/domain/person"
	"kendro/domain/place"
)

// ApplicantOf reads who an application is for from its applicant, as [Intake]
// returned it. What isn't there stays empty; somebody anonymous has no name. It
// fails with [fault.Invalid] on what is no JSON object.
func ApplicantOf(applicant []byte) (citizen.Person, error) {
	if root, ok, asIs := scanAsIs(applicant); ok && asIs && root.kind == objectNode {
		if p, ok := personOf(&root); ok {
			return p, nil
		}
	}
	return leisurelyOf(applicant)
}

// personOf reads an applicant of the plainest kind. Of one with a member that
// encoding/json would read otherwise, it says false.
func personOf(root *node) (p citizen.Person, ok bool) {
	for i := range root.kids {
		kid := &root.kids[i]
		text := kid.kind == textNode
		switch {
		case kid.key == "name_bn" && text:
			p.Name.BN = kid.text
		case kid.key == "name_en" && text:
			p.Name.EN = kid.text
		case kid.key == "father_bn" && text:
			p.Father = kid.text
		case kid.key == "mother_bn" && text:
			p.Mother = kid.text
		case kid.key == "mobile" && text:
			p.Mobile = kid.text
		case kid.key == "village" && text:
			p.Village = kid.text
		case kid.key == "area" && text:
			p.Area = place.Code(kid.text)
		case kid.key == "identifiers" && kid.kind == arrayNode:
			for j := range kid.kids {
				id, ok := identifierOf(&kid.kids[j])
				if !ok {
					return p, false
				}
				p.Identifiers = append(p.Identifiers, id)
			}
		case applicantMembers[kid.key] || strings.Trim(kid.key, "abcdefghijklmnopqrstuvwxyz_") != "":
			return p, false // Of another kind than it should be; or encoding/json might fold its name into one of ours.
		}
	}
	return p, true
}

// applicantMembers are those that personOf reads.
var applicantMembers = map[string]bool{
	"name_bn": true, "name_en": true, "father_bn": true, "mother_bn": true, "mobile": true, "village": true, "area": true, "identifiers": true,
}

func identifierOf(n *node) (id citizen.Identifier, ok bool) {
	if n.kind != objectNode {
		return id, false
	}
	for i := range n.kids {
		switch kid := &n.kids[i]; {
		case kid.key == "type" && kid.kind == textNode:
			id.Kind = kid.text
		case kid.key == "value" && kid.kind == textNode:
			id.Value = kid.text
		default:
			return id, false
		}
	}
	return id, true
}

// leisurelyOf is ApplicantOf for any applicant.
func leisurelyOf(applicant []byte) (citizen.Person, error) {
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
	if root, ok, asIs := scanAsIs(form); ok && asIs && root.kind == objectNode {
		out := make(map[string]string, len(root.kids))
		for i := range root.kids {
			if kid := &root.kids[i]; kid.kind == textNode && kid.text != "" && len(kid.text) <= short {
				out[kid.key] = kid.text
			}
		}
		return out
	}
	return leisurelyAnswers(form)
}

const short = 64

// leisurelyAnswers is ShortAnswers for any form.
func leisurelyAnswers(form []byte) map[string]string {
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
