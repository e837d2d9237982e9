package box

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"kendro/domain/person"
	"kendro/protocol"
)

// asker is the applicant of a request, without his identifiers, and the service.
func asker(t *testing.T, r Request) (service string, applicant []byte) {
	t.Helper()
	var b struct {
		Service   string         `json:"service"`
		Applicant map[string]any `json:"applicant"`
	}
	if err := json.Unmarshal(r.Body, &b); err != nil {
		t.Fatal(err)
	}
	delete(b.Applicant, "identifiers") // He has left his card at home.
	raw, err := json.Marshal(b.Applicant)
	if err != nil {
		t.Fatal(err)
	}
	return b.Service, raw
}

// TestLikelyDuplicateIsFound finds what a person has filed at this box already, for
// the same service and not long ago, whatever happened to the index.
func TestLikelyDuplicateIsFound(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	first := c.file(1)
	for seed := range uint64(6) {
		c.file(seed + 2)
	}
	service, who := asker(t, c.request(1))
	find := func(when, service string, want ...protocol.Number) {
		t.Helper()
		likes, err := c.Alike(service, who)
		if err != nil {
			t.Fatal(err)
		}
		var got []protocol.Number
		for _, l := range likes {
			got = append(got, l.Case.Number)
			if l.Grade < person.Likely || !slices.Contains(l.Because, person.SameName) {
				t.Errorf("%s: %s is %v because of %v", when, l.Case.Number, l.Grade, l.Because)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: found %v; want %v", when, got, want)
		}
	}
	find("at once", service, first.Number)
	find("for another service", "no-such-service")
	c.restart()
	find("after a restart", service, first.Number)
	if err := c.Rebuild(context.Background()); err != nil {
		t.Fatal(err)
	}
	find("after a rebuild", service, first.Number)
	c.o.Clock = func() time.Time { return time.Now().Add(likeWithin + time.Hour) }
	c.restart()
	find("three months later", service)
	if _, err := c.Alike(service, []byte("[]")); err == nil {
		t.Error("an applicant that is no object was compared")
	}
}

// TestRow3ReasonIsKept: why an application was filed in spite of the warning stands in
// its event; one without a reason is taken as before, and a blank one is wrong.
func TestRow3ReasonIsKept(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	with := func(seed uint64, reason string) Request {
		r := c.request(seed)
		r.Body = append(bytes.TrimSuffix(bytes.TrimSpace(r.Body), []byte("}")), []byte(`,"duplicate_reason":`+reason+"}")...)
		return r
	}
	for seed, reason := range map[uint64]string{1: `" "`, 2: `""`, 3: `7`, 4: `"` + strings.Repeat("x", 1001) + `"`} {
		if a, wrong, err := c.File(t.Context(), with(seed, reason)); err != nil || a != nil || len(wrong) != 1 || wrong[0].Path != "/duplicate_reason" {
			t.Errorf("%.20s: got %+v, %v, %v", reason, a, wrong, err)
		}
	}
	a, wrong, err := c.File(t.Context(), with(5, `" another plot "`))
	if err != nil || len(wrong) > 0 {
		t.Fatal(wrong, err)
	}
	for n, want := range map[protocol.Number]string{a.Number: "another plot", c.file(6).Number: ""} {
		k, err := c.Case(n)
		if err != nil || k.Submission.Despite != want {
			t.Errorf("kept %q, %v; want %q", k.Submission.Despite, err, want)
		}
	}
}
