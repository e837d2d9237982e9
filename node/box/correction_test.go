package box

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
)

// mobileOf is the applicant's number as the box has it.
func (c *counter) mobileOf(n protocol.Number) string {
	c.tb.Helper()
	k, err := c.Case(n)
	if err != nil {
		c.tb.Fatal(err)
	}
	var who struct {
		Mobile string `json:"mobile"`
	}
	if err := json.Unmarshal(k.Submission.Applicant, &who); err != nil {
		c.tb.Fatal(err)
	}
	return who.Mobile
}

// TestCorrectionsAtTheCounter: an application is put right with no hub, before and after
// it was sent; the event names what was there; the box shows what it knows, and takes
// back what the hub says was not taken.
func TestCorrectionsAtTheCounter(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := newCounter(t)
	a := c.file(1)
	was := c.mobileOf(a.Number)
	fix := func(key, applicant, saw string) (*Answer, error) {
		f := Fix{Applicant: []byte(applicant), Reason: "misheard"}
		if saw != "" {
			f.ApplicantSaw = []byte(saw)
		}
		got, wrong, err := c.Followups().Correct(ctx, c.by(key, a.Number), f)
		if len(wrong) > 0 {
			err = fault.New("test", fault.Invalid, wrong[0].Path, wrong[0].Text.EN)
		}
		return got, err
	}
	first, err := fix("first", `{"mobile":"01711111111"}`, "")
	if err != nil || first.Receipt.At.Seq != a.Receipt.At.Seq+1 || c.mobileOf(a.Number) != "01711111111" {
		t.Fatalf("put right: %+v, %v; the box has %s", first, err, c.mobileOf(a.Number))
	}
	e, err := c.recordAt(first.Receipt.At.Seq)
	if err != nil {
		t.Fatal(err)
	}
	var k protocol.Correction
	if err := e.event.Decode(&k); err != nil || e.event.Kind != protocol.Corrected || string(k.ApplicantSaw) != `{"mobile":"`+was+`"}` || string(k.Applicant) != `{"mobile":"01711111111"}` || k.Form != nil {
		t.Errorf("the event is %+v, %v; want what was there, and what is to be", k, err)
	}
	for name, try := range map[string]struct {
		applicant, saw string
		want           fault.Kind
	}{
		"as it is":                 {`{"mobile":"01711111111"}`, "", fault.Invalid},
		"no number":                {`{"mobile":"017"}`, "", fault.Invalid},
		"what it can't do without": {`{"mobile":null}`, "", fault.Invalid},
		"where it goes":            {`{"area":"41-11-05"}`, "", fault.Invalid},
		"on an older page":         {`{"mobile":"01722222222"}`, `{"mobile":"` + was + `"}`, fault.Conflict},
	} {
		if _, err := fix(name, try.applicant, try.saw); !errors.Is(err, try.want) {
			t.Errorf("%s: %v; want %v", name, err, try.want)
		}
	}
	c.restart()
	again, err := fix("first", `{"mobile":"01711111111"}`, "")
	if err != nil || again.Receipt.At != first.Receipt.At {
		t.Errorf("again: %+v, %v; want %+v", again, err, first)
	}
	if _, err := fix("first", `{"mobile":"01733333333"}`, ""); !errors.Is(err, fault.Conflict) {
		t.Errorf("another correction under the same key: %v", err)
	}
	second, err := fix("second", `{"mobile":"01722222222"}`, `{"mobile":"01711111111"}`)
	if err != nil || c.mobileOf(a.Number) != "01722222222" {
		t.Fatalf("once more: %v; the box has %s", err, c.mobileOf(a.Number))
	}
	c.d.Say(t, protocol.CorrectionTold, &protocol.CorrectionWord{
		Number: a.Number, Log: second.Receipt.Log, At: second.Receipt.At, Refused: []string{"applicant.mobile"}, Why: "he denies it",
	})
	c.deliver(c.d.Inbox)
	kept, err := c.Case(a.Number)
	if err != nil || len(kept.PutRight) != 2 || kept.PutRight[0].Word != nil || !slices.Equal(kept.PutRight[1].Word.Refused, []string{"applicant.mobile"}) || c.mobileOf(a.Number) != "01711111111" {
		t.Errorf("the box has %s and says %+v, %v; want the former number", c.mobileOf(a.Number), kept.PutRight, err)
	}
	c.d.Say(t, protocol.Accepted, &protocol.Acceptance{Log: a.Receipt.Log, First: 1, Last: 3, Index: 9, At: 5})
	c.say(&protocol.Standing{Number: a.Number, Stage: application.Approved.String(), Version: 9})
	if _, err := fix("late", `{"mobile":"01744444444"}`, ""); !errors.Is(err, fault.Conflict) {
		t.Errorf("after the decision: %v", err)
	}
}
