package box

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"kendro/catalogue"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/internal/nodetest"
	"kendro/pack/bd"
	"kendro/protocol"
)

// stricter is a release in which a certificate's purpose is one of two, with the passport's
// number where it is for one, and nobody is asked for a holding number any more.
func stricter(c *counter) *dcat.Set {
	c.tb.Helper()
	raw, err := fs.ReadFile(bd.Pack(), "services/"+service+".yaml")
	if err != nil {
		c.tb.Fatal(err)
	}
	head, rest, found := strings.Cut(string(raw), "    holding_no:")
	_, rest, ok := strings.Cut(rest, "    ward:")
	ward, _, end := strings.Cut(rest, "    purpose:") // The last question.
	if !found || !ok || !end {
		c.tb.Fatal("the service asks other questions")
	}
	text := head + "    ward:" + ward + `    purpose:
      type: string
      enum: [job, passport]
      x-kendro:
        order: 5
        label: {bn: "উদ্দেশ্য", en: "Purpose"}
        widget: radio
        options: {job: {bn: "চাকরি", en: "Job"}, passport: {bn: "পাসপোর্ট", en: "Passport"}}
    passport_no:
      type: string
      maxLength: 20
      x-kendro:
        order: 6
        label: {bn: "পাসপোর্ট নম্বর", en: "Passport number"}
        sample: khatian
  if: {properties: {purpose: {const: passport}}, required: [purpose]}
  then: {required: [passport_no]}
grace_days: 10
`
	set, err := catalogue.Build(fstest.MapFS{"services/" + service + ".yaml": {Data: []byte(text)}}, c.d.Set, nodetest.Start.Add(time.Hour))
	if err != nil {
		c.tb.Fatal(err)
	}
	return set
}

// TestRow7AnsweredAtTheBox: what a newer version asks is checked with the answers that the
// case has against that version's form; a box that lacks it says so and takes nothing.
func TestRow7AnsweredAtTheBox(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := newCounter(t)
	a := c.file(1)
	set := stricter(c)
	v, _ := set.Current(service)
	under := &protocol.Pin{Service: service, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])}
	c.d.Say(t, protocol.Accepted, &protocol.Acceptance{Log: a.Receipt.Log, First: 1, Last: 1, Index: 9, At: 5})
	c.say(&protocol.Standing{Number: a.Number, Stage: application.InfoRequested.String(), Version: 2, Reason: "new", Items: []string{"form.purpose"}, Question: protocol.Question{Under: under}})
	tries := 0
	supply := func(form string) ([]catalogue.FieldError, error) {
		tries++
		_, wrong, err := c.Followups().Supply(ctx, c.by("supply-"+string(rune('a'+tries)), a.Number), Supply{Form: []byte(form)})
		return wrong, err
	}
	if _, err := supply(`{"purpose":"job"}`); !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "it comes with the catalogue") {
		t.Errorf("without the version: %v; want that it is not here yet", err)
	}
	c.d.Publish(t, set, c.d.Set)
	c.deliver(c.d.Catalogue)
	waitFor(t, "the release", func() bool { return releaseOf(c) == 2 })
	c.restart()
	for form, path := range map[string]string{
		`{"purpose":"a sale"}`:   "/form/purpose",
		`{"purpose":"passport"}`: "/form/passport_no",
	} {
		if wrong, err := supply(form); err != nil || len(wrong) != 1 || wrong[0].Path != path || !wrong[0].Field.Complete() {
			t.Errorf("%s: %+v, %v; want it wrong at %s", form, wrong, err, path)
		}
	}
	for _, form := range []string{`{"purpose":"job","ward":3}`, `{"holding_no":"12"}`} {
		if wrong, err := supply(form); !errors.Is(err, fault.Conflict) {
			t.Errorf("%s, which nobody asked for: %v, %v", form, wrong, err)
		}
	}
	if wrong, err := supply(`{"purpose":"passport","passport_no":"BX 1"}`); err != nil || len(wrong) != 0 {
		t.Errorf("what was asked for, and what the form wants with it: %v, %v", wrong, err)
	}
	// Under way there, the case is asked for something else: its new answers are the hub's to look at.
	c.say(&protocol.Standing{Number: a.Number, Stage: application.InfoRequested.String(), Version: 5, Reason: "which?", Items: []string{"form.ward"}, Question: protocol.Question{Under: under, Moved: true}})
	if wrong, err := supply(`{"ward":99}`); err != nil || len(wrong) != 1 || wrong[0].Path != "/form/ward" {
		t.Errorf("an answer that is none: %v, %v", wrong, err)
	}
	if wrong, err := supply(`{"ward":3}`); err != nil || len(wrong) != 0 {
		t.Errorf("the ward: %v, %v", wrong, err)
	}
}
