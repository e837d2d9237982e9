package bench

import (
	"errors"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
)

func newTestCorpus(t *testing.T, payload int) *corpus {
	t.Helper()
	c, err := newCorpus(payload, time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// No two applications are alike, and each has the size that was asked for.
func TestDrawMakesDifferentApplicationsOfOneSize(t *testing.T) {
	c := newTestCorpus(t, 600)
	seen, services := map[string]bool{}, map[string]bool{}
	for _, centre := range []string{"41-09-17", "41-09-27"} {
		for i := range 200 {
			a, err := c.draw(centre, i)
			if err != nil {
				t.Fatal(err)
			}
			if seen[string(a.body)] {
				t.Fatalf("%s %d is drawn twice", centre, i)
			}
			seen[string(a.body)] = true
			services[a.event.Pin.Service] = true
			if a.encoded < 540 || a.encoded > 660 {
				t.Errorf("%d bytes instead of about 600", a.encoded)
			}
		}
	}
	if len(services) < 12 {
		t.Errorf("only %d services are used", len(services))
	}
}

func TestDrawRefusesWhatNoFormHas(t *testing.T) {
	for _, size := range []int{50, 60_000} {
		if _, err := newTestCorpus(t, size).draw("41-09-17", 0); !errors.Is(err, fault.Invalid) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestCentres(t *testing.T) {
	c := newTestCorpus(t, 0)
	list, err := c.centres(80)
	if err != nil || len(list) != 80 {
		t.Errorf("%d centres, %v", len(list), err)
	}
	if _, err := c.centres(10_000); !errors.Is(err, fault.Invalid) {
		t.Errorf("more centres than there are: %v", err)
	}
}

// An event is what a hub decodes, with the submission that its form says.
func TestEventReadsBack(t *testing.T) {
	c := &caller{centre: "41-09-17", enrolment: &protocol.Enrolment{District: "41", Slot: "0010"}}
	raw, number, err := c.event(newTestCorpus(t, 0), 3, map[protocol.Number]bool{})
	if err != nil || number == 0 {
		t.Fatal(number, err)
	}
	e, err := protocol.DecodeEvent(raw)
	if err != nil {
		t.Fatal(err)
	}
	var s protocol.Submission
	if err := e.Decode(&s); err != nil || len(s.Form) == 0 || len(s.Applicant) == 0 || s.Channel == "" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestShare(t *testing.T) {
	for _, c := range [][2]int{{10, 3}, {3, 3}, {100, 7}, {1, 1}} {
		sum := 0
		for i := range c[1] {
			sum += share(c[0], c[1], i)
		}
		if sum != c[0] {
			t.Errorf("%d over %d comes to %d", c[0], c[1], sum)
		}
	}
}
