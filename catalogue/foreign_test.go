package catalogue

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"kendro/domain/fault"
)

const foreignMap = `system: old
number: No
filed_on: Day
service: {value: x}
channel: {column: Way, words: {ডাকে: post}}
applicant: {mobile: Phone}
identifiers: {nid: NID}
form: {copies: {column: Copies, as: number}, plot: {column: Plot, as: digits}, urgent: {column: Urgent, as: "yes"}, note: Note}
`

// TestRowOfAnotherSystem: what a cell says in Bangla or as Excel writes it becomes what the
// form wants, and what the mapping doesn't name goes nowhere.
func TestRowOfAnotherSystem(t *testing.T) {
	m, err := ReadMapping("map.yaml", []byte(foreignMap))
	if err != nil {
		t.Fatal(err)
	}
	row := func(change map[string]string) map[string]string {
		columns := map[string]string{"ID": "17", "No": "EF-1", "Day": "০৫-০১-২০২৫", "Way": "ডাকে", "Phone": "০১৭ ১২৩৪ ৫৬৭৮", "NID": "১২৩৪৫৬৭৮৯০", "Copies": "১,০০০", "Plot": "৪২", "Urgent": "হ্যাঁ", "Note": " ৭ "}
		maps.Copy(columns, change)
		return columns
	}
	r, err := m.Row(row(nil))
	want := `{"applicant":{"identifiers":[{"type":"nid","value":"1234567890"}],"mobile":"01712345678"},"channel":"post","elsewhere":{"filed_on":"2025-01-05","number":"EF-1","system":"old"},"form":{"copies":1000,"note":"৭","plot":"42","urgent":true},"service":"x"}`
	if err != nil || string(r.Body) != want || r.Number != "EF-1" {
		t.Errorf("got %s, %v; want %s", r.Body, err, want)
	}
	again, err := m.Row(row(map[string]string{"Note": "another"}))
	if err != nil || again.Key != r.Key {
		t.Errorf("keys %s and %s, %v; want one for one number", r.Key, again.Key, err)
	}
	other, err := m.Row(row(map[string]string{"No": "EF-2", "Copies": ""}))
	if err != nil || other.Key == r.Key || strings.Contains(string(other.Body), "copies") {
		t.Errorf("another number: %s %s, %v", other.Key, other.Body, err)
	}
	for column, text := range map[string]string{"No": "", "Day": "31/31/2025", "Copies": "two"} {
		if _, err := m.Row(row(map[string]string{column: text})); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), column) {
			t.Errorf("%s %q: %v", column, text, err)
		}
	}
	for what, text := range map[string]string{
		"no system": strings.Replace(foreignMap, "system: old\n", "", 1), "an unknown word": foreignMap + "x: y\n",
		"no service": strings.Replace(foreignMap, "service: {value: x}\n", "", 1), "an unknown kind": strings.Replace(foreignMap, "as: number", "as: sum", 1),
	} {
		if _, err := ReadMapping("map.yaml", []byte(text)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := len(m.Columns()); got != 9 {
		t.Errorf("%d columns; want the nine that are named", got)
	}
}
