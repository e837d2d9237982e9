package protocol

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"kendro/domain/fault"
)

// A Correction is the payload of Corrected: answers of an application, or members of
// its applicant, that its centre puts right. Each is a JSON object in NFC with the
// names alone that change; null takes an answer away.
type Correction struct {
	Form      []byte `cbor:"1,keyasint,omitempty"`
	Applicant []byte `cbor:"2,keyasint,omitempty"`
	Reason    string `cbor:"3,keyasint"`

	// What the centre saw in the same names, its base: what has another value at the
	// hub was changed by somebody else meanwhile. An answer that there was not is absent.
	FormSaw      []byte `cbor:"4,keyasint,omitempty"`
	ApplicantSaw []byte `cbor:"5,keyasint,omitempty"`

	// Secret is all of it, but for what the centre saw, where no box may read the
	// application; the others are then empty. The event's base says what its box had heard.
	Secret *Confidential `cbor:"6,keyasint,omitempty"`
}

// Check returns [fault.Invalid] for a correction that changes nothing, gives no reason
// or is no pair of JSON objects. What is sealed can't be looked into.
func (c *Correction) Check() error {
	if c.Secret != nil {
		return c.alone()
	}
	names := 0
	for _, raw := range [][]byte{c.Form, c.Applicant, c.FormSaw, c.ApplicantSaw} {
		var m map[string]json.RawMessage
		if len(raw) > 0 && json.Unmarshal(raw, &m) != nil {
			return fault.New("protocol.Correction", fault.Invalid, "correction", "want objects of answers by their names")
		}
		names += len(m)
	}
	if c.Reason == "" || len(c.Form)+len(c.Applicant) == 0 || names == 0 {
		return fault.New("protocol.Correction", fault.Invalid, "correction", "want an answer to put right, and why")
	}
	return nil
}

// alone returns [fault.Invalid] for a sealed correction that says something in the open
// as well.
func (c *Correction) alone() error {
	if len(c.Form)+len(c.Applicant)+len(c.FormSaw)+len(c.ApplicantSaw)+len(c.Reason) > 0 {
		return fault.New("protocol.Correction", fault.Invalid, "correction", "what is sealed says nothing in the open")
	}
	return nil
}

// A CorrectionWord is the payload of CorrectionTold: what has come of a correction, by
// name: form.NAME for an answer, applicant.NAME for a member of the applicant. Every
// name of a correction that is not sealed stands in one of the lists. A later word on the same
// correction stands in place of an earlier one.
type CorrectionWord struct {
	Number  Number   `cbor:"1,keyasint"`
	Log     LogID    `cbor:"2,keyasint"` // Where the correction stands.
	At      Position `cbor:"3,keyasint"`
	Taken   []string `cbor:"4,keyasint,omitempty"`
	Waits   []string `cbor:"5,keyasint,omitempty"` // For an officer to decide.
	Refused []string `cbor:"6,keyasint,omitempty"`
	Why     string   `cbor:"7,keyasint,omitempty"` // Of those that wait, or were refused.

	// Sealed is what has come of a correction that no box may read, as a whole: waits,
	// taken or refused. No name and no reason is told of it.
	Sealed string `cbor:"8,keyasint,omitempty"`
}

// How names of answers and of members of the applicant begin.
const (
	FormField      = "form."
	ApplicantField = "applicant."
)

// IsField reports whether a name is one of an answer or of a member of the applicant.
func IsField(name string) bool {
	short, ok := strings.CutPrefix(name, FormField)
	if !ok {
		short, ok = strings.CutPrefix(name, ApplicantField)
	}
	return ok && short != ""
}

// Answers are answers and members of an applicant, by their names. Nil is none.
type Answers map[string]json.RawMessage

// AnswersOf reads two JSON objects. What is none of them has no answers.
func AnswersOf(form, applicant []byte) Answers {
	out := Answers{}
	out.read(FormField, form)
	out.read(ApplicantField, applicant)
	return out
}

func (a Answers) read(begins string, raw []byte) {
	var m map[string]json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &m) != nil {
		return
	}
	for name, v := range m {
		if string(v) == "null" {
			v = nil
		}
		a[begins+name] = v
	}
}

// Wants are the answers as they are to be.
func (c *Correction) Wants() Answers { return AnswersOf(c.Form, c.Applicant) }

// Saw are the answers as the centre saw them.
func (c *Correction) Saw() Answers { return AnswersOf(c.FormSaw, c.ApplicantSaw) }

// Names returns the names, sorted.
func (a Answers) Names() []string { return slices.Sorted(maps.Keys(a)) }

// Same reports whether two have the same value under a name, however it is spelt.
func (a Answers) Same(b Answers, name string) bool {
	x, y := a[name], b[name]
	if x == nil || y == nil || bytes.Equal(x, y) {
		return bytes.Equal(x, y)
	}
	return reflect.DeepEqual(valueOf(x), valueOf(y))
}

func valueOf(raw json.RawMessage) (v any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return string(raw)
	}
	return v
}

// Into puts those of the names into an application, in the place of what it has.
func (a Answers) Into(s *Submission, names []string) {
	s.Form = a.part(FormField, s.Form, names)
	s.Applicant = a.part(ApplicantField, s.Applicant, names)
}

func (a Answers) part(begins string, raw []byte, names []string) []byte {
	all := Answers{}
	all.read("", raw)
	touched := false
	for _, name := range names {
		short, ok := strings.CutPrefix(name, begins)
		if v, has := a[name]; ok && has {
			all[short], touched = v, true
		}
	}
	if !touched {
		return raw
	}
	return all.object("", false)
}

// NewCorrection returns what makes answers that the centre saw others, by the names of
// the latter.
func NewCorrection(saw, wants Answers, reason string) *Correction {
	base := Answers{}
	for name := range wants {
		if v := saw[name]; v != nil {
			base[name] = v
		}
	}
	return &Correction{
		Form: wants.some(FormField), Applicant: wants.some(ApplicantField), Reason: reason,
		FormSaw: base.some(FormField), ApplicantSaw: base.some(ApplicantField),
	}
}

// some is those of the answers whose names begin so, null for nil; nil for none.
func (a Answers) some(begins string) []byte {
	if !slices.ContainsFunc(a.Names(), func(n string) bool { return strings.HasPrefix(n, begins) }) {
		return nil
	}
	return a.object(begins, true)
}

// object is a JSON object of what follows of the names that begin so.
func (a Answers) object(begins string, nulls bool) []byte {
	out := []byte{'{'}
	for _, name := range a.Names() {
		short, ok := strings.CutPrefix(name, begins)
		if !ok || a[name] == nil && !nulls {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		quoted, err := json.Marshal(short)
		if err != nil {
			continue // A text always is JSON.
		}
		out = append(append(out, quoted...), ':')
		if a[name] == nil {
			out = append(out, "null"...)
		}
		out = append(out, a[name]...)
	}
	return append(out, '}')
}
