package catalogue

import (
	"slices"
	"time"

	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
)

// quick is Check for a body that is right in every way and plain enough to see
// that at a glance, as nearly all are. Of any other it says false, and Check
// looks again, at leisure. What it admits, Check would admit as the same
// application: FuzzQuick holds the two against each other.
func (in *Intake) quick(body []byte, at place.CentreType, on time.Time) (*Application, bool) {
	root, ok := scan(body)
	if !ok || root.kind != objectNode {
		return nil, false
	}
	p, ok := partsOf(&root)
	if !ok {
		return nil, false
	}
	v, ok := in.quickVersion(&p)
	if !ok || !in.offered(v, at) {
		return nil, false
	}
	form, err := in.Form(v)
	if err != nil || form.plain == nil || in.applicant.plain == nil {
		return nil, false
	}
	if !in.applicant.plain.holds(p.applicant) || !form.plain.holds(p.form) || len(form.late(p.form.answer, on)) > 0 {
		return nil, false
	}
	app := &Application{Version: v, Channel: dcat.Channel(p.channel.text)}
	if len(in.person(app, form, p.applicant.answer)) > 0 || !v.Allows(app.Channel) || !app.quickPapers(p.documents) {
		return nil, false
	}
	b := p.applicant.append(make([]byte, 0, len(body)))
	app.Applicant = slices.Clip(b)
	app.Form = slices.Clip(p.form.append(b[len(b):]))
	app.Charges = v.Charges(p.form.answer, on)
	return app, true
}

// parts are the members of a body.
type parts struct{ service, version, form, channel, applicant, documents *node }

// partsOf reports whether all that must be there is there, and nothing else.
func partsOf(root *node) (p parts, ok bool) {
	for i := range root.kids {
		kid := &root.kids[i]
		switch {
		case kid.key == "service" && kid.kind == textNode:
			p.service = kid
		case kid.key == "version" && kid.kind == wholeNode:
			p.version = kid
		case kid.key == "form" && kid.kind == objectNode:
			p.form = kid
		case kid.key == "channel" && kid.kind == textNode:
			p.channel = kid
		case kid.key == "applicant" && kid.kind == objectNode:
			p.applicant = kid
		case kid.key == "documents" && kid.kind == arrayNode:
			p.documents = kid
		default:
			return p, false
		}
	}
	return p, p.service != nil && p.form != nil && p.channel != nil && p.applicant != nil
}

func (in *Intake) quickVersion(p *parts) (*dcat.Version, bool) {
	v, offered := in.set.Current(p.service.text)
	if p.version == nil || !offered {
		return v, offered
	}
	return in.set.Numbered(p.service.text, int(p.version.whole))
}

// quickPapers takes documents that were shown at the counter.
func (app *Application) quickPapers(list *node) bool {
	if list != nil {
		for i := range list.kids {
			id, shown := list.kids[i].get("id"), list.kids[i].get("original_at_counter")
			if len(list.kids[i].kids) != 2 || id == nil || id.kind != textNode || shown == nil || shown.kind != trueNode {
				return false
			}
			if doc, ok := app.Version.Document(id.text); !ok || !doc.OriginalAtCounter || app.names(id.text) {
				return false
			}
			app.Documents = append(app.Documents, Paper{ID: id.text, OriginalAtCounter: true})
		}
	}
	return !slices.ContainsFunc(app.Version.Documents, func(d dcat.Document) bool { return d.Required && !app.names(d.ID) })
}

// names reports whether a document is among those of the application.
func (app *Application) names(id string) bool {
	return slices.ContainsFunc(app.Documents, func(p Paper) bool { return p.ID == id })
}
