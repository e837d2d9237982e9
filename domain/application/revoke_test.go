package application

import (
	"testing"
	"time"

	"kendro/domain/catalogue"
	"kendro/domain/place"
)

// TestRevocationMayBeAppealed: what was issued is taken back by the post that signed or the
// one over its office, once, and the appeal goes to a rung where another sits.
func TestRevocationMayBeAppealed(t *testing.T) {
	chair, uno, dc := place.Seat{Post: "chairman", Office: "union"}, place.Seat{Post: "uno", Office: "upazila"}, place.Seat{Post: "dc", Office: "district"}
	seats := map[string]place.Seat{"chairman": chair, "uno": uno, "dc": dc}
	above := map[string]string{"chairman": "uno", "uno": "dc"}
	w := Way{
		Version: &catalogue.Version{Procedure: &catalogue.Procedure{
			Issue: &catalogue.Issue{Post: "chairman"}, Certificate: &catalogue.Certificate{Code: "TL", ValidDays: 365},
			Appeals: []catalogue.Appeal{{Post: "uno", Days: 30}, {Post: "dc", Days: 60}},
		}},
		Seat:     func(post string) (place.Seat, bool) { s, ok := seats[post]; return s, ok },
		Superior: func(post string) (string, bool) { return above[post], above[post] != "" },
	}
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for _, x := range []struct {
		by    place.Seat
		stage Stage
		rung  int
		days  int
		fine  bool
	}{
		{chair, Ready, 0, 30, true},
		{uno, Delivered, 1, 60, true},
		{uno, Closed, 1, 60, true},
		{dc, Ready, 0, 0, false},
		{chair, InPreparation, 0, 0, false},
	} {
		c := Case{Stage: x.stage, Seat: chair, Version: 4, Delivery: Delivery{Issued: 1}}
		e := Event{Action: Revoke, By: Officer{Name: "who", Seat: x.by}, Expect: 4, Reason: "fraud", Text: "the shop is a bridge", At: now.Unix()}
		var err error
		if e.Desk, err = w.Desk(c, Revoke, ""); err != nil {
			t.Fatal(err)
		}
		w.Grant(&e, c, nil, now)
		next, err := c.Apply(e)
		if (err == nil) != x.fine {
			t.Errorf("by %v from %v: %v; fine should be %v", x.by, x.stage, err, x.fine)
		}
		if err != nil {
			continue
		}
		if next.Stage != Closed || !next.Revoked || next.Appeals != x.rung || next.AppealBy != Term(now, x.days) {
			t.Errorf("by %v: %+v", x.by, next)
		}
		e.Expect = next.Version
		if _, err := next.Apply(e); err == nil {
			t.Errorf("by %v: revoked twice", x.by)
		}
	}
}
