package catalogue

import (
	"time"

	dcat "kendro/domain/catalogue"
	citizen "kendro/domain/person"
	"kendro/domain/place"
)

// Quick is the short way of Check, and Leisurely the long one, which has the
// library judge.
func (in *Intake) Quick(body []byte, at place.CentreType, on time.Time) (*Application, bool) {
	return in.quick(body, at, on)
}

// Leisurely is Check without the short way.
func (in *Intake) Leisurely(body []byte, at place.CentreType, on time.Time) (*Application, []FieldError, error) {
	return in.check(body, at, on)
}

// Plain reports whether the short way knows the form.
func (f *Form) Plain() bool { return f.plain != nil }

// Admits reports whether the short way sees that these answers are right.
func (f *Form) Admits(answers []byte) bool {
	n, ok := scan(answers)
	return ok && f.plain != nil && f.plain.holds(&n)
}

// Wrong is what the library finds wrong with answers.
func (f *Form) Wrong(answers []byte, on time.Time) []FieldError { return f.wrong(answers, on) }

// LeisurelyApplicant is ApplicantOf without the short way.
func LeisurelyApplicant(applicant []byte) (citizen.Person, error) { return leisurelyOf(applicant) }

// LeisurelyAnswers is ShortAnswers without the short way.
func LeisurelyAnswers(form []byte) map[string]string { return leisurelyAnswers(form) }

// AsIs reports whether the short way reads a body, and encoding/json the same.
func AsIs(body []byte) bool {
	_, ok, asIs := scanAsIs(body)
	return ok && asIs
}

// Rewritten is a body as the short way reads and writes it.
func Rewritten(body []byte) (string, bool) {
	n, ok := scan(body)
	if !ok {
		return "", false
	}
	return string(n.append(nil)), true
}

// Over is what keeps an overlay from being put on a pack that was read before.
func (o *Overlay) Over(p *Pack) []Finding {
	_, found := o.onto(p)
	return found
}

// Composed are the services of a pack that was read before with an overlay on it.
func (o *Overlay) Composed(p *Pack) ([]*dcat.Version, []Finding) {
	over, found := o.onto(p)
	return over.services, found
}

// Composed is the short look at whether a text is in NFC.
func Composed(s string) bool { return composed(s) }
