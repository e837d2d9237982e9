package measure

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"kendro/domain/application"
	"kendro/domain/catalogue"
	"kendro/domain/place"
)

var dhaka = time.FixedZone("BST", 6*3600)

// office closes on Fridays, Saturdays and on Wednesday 2027-01-06.
func office() Office {
	return Office{
		Calendar: &place.Calendar{Weekend: []string{"Friday", "Saturday"}, Holidays: []place.Holiday{{Date: "2027-01-06"}}},
		Zone:     dhaka,
	}
}

// at is a moment of January 2027 in Dhaka; the 3rd is a Sunday.
func at(day, hour, minute int) int64 {
	return time.Date(2027, 1, day, hour, minute, 0, 0, dhaka).UnixMilli()
}

var (
	desk  = place.Seat{Post: "assistant", Office: "41-09.upz"}
	above = place.Seat{Post: "uno", Office: "41-09.upz"}
)

// licence is a case with a bit of everything.
func licence() *Course {
	turn := func(at int64, a application.Action, s application.Stage, seat place.Seat, by string) Turn {
		return Turn{At: at, Action: a, Stage: s, Seat: seat, Actor: by}
	}
	c := &Course{Service: "trade-licence", Mode: catalogue.ByCentre, Filed: at(3, 10, 0), InHouse: true, Paid: 5000, Turns: []Turn{
		turn(at(3, 12, 0), application.Accept, application.Received, desk, ""),
		turn(at(3, 13, 0), application.Take, application.UnderReview, desk, "anna"),
		turn(at(3, 14, 0), application.RequestInfo, application.InfoRequested, desk, "anna"),
		turn(at(4, 11, 0), application.Supply, application.UnderReview, desk, "box"),
		turn(at(4, 12, 0), application.Forward, application.Received, above, "anna"),
		turn(at(5, 10, 0), application.Take, application.UnderReview, above, "uno"),
		turn(at(7, 10, 0), application.Approve, application.Approved, desk, "uno"),
		turn(at(7, 10, 0), application.Demand, application.FeeDue, desk, ""),
		turn(at(7, 15, 0), application.Pay, application.Paid, desk, "box"),
		turn(at(7, 15, 0), application.Prepare, application.InPreparation, desk, ""),
		turn(at(7, 16, 0), application.Issue, application.Ready, desk, "anna"),
		turn(at(10, 12, 0), application.HandOver, application.Delivered, desk, "box"),
		turn(at(20, 0, 0), application.Close, application.Closed, desk, ""),
	}}
	c.Turns[3].Sent, c.Turns[8].Sent, c.Turns[11].Sent = at(4, 9, 0), at(7, 11, 0), at(10, 11, 30)
	return c
}

// What waited for whom is told apart: the hours of the network, of officers within
// office hours, of nights, holidays and the citizen.
func TestDelays(t *testing.T) {
	c := licence()
	got := c.Delays(office(), at(25, 0, 0))
	want := Delays{
		Network: 2*time.Hour + 2*time.Hour + 4*time.Hour + 30*time.Minute,
		// The 3rd 12-14, the 4th 11-17, the 5th 9-17, none on the 6th, the 7th 9-10, 15-16.
		Officer: 18 * time.Hour,
		Closed:  16*time.Hour + 40*time.Hour,                                                // The nights to the 5th, and from the 5th to the 7th over the holiday.
		Citizen: 19*time.Hour + 1*time.Hour + 3*24*time.Hour - 4*time.Hour - 30*time.Minute, // For the answer, the fee and to fetch it.
	}
	if got != want || got.Whole() != time.Duration(at(10, 12, 0)-at(3, 10, 0))*time.Millisecond {
		t.Errorf("got %+v; want %+v", got, want)
	}
	if disposed, ended := c.End(); disposed != at(7, 16, 0) || ended != at(10, 12, 0) {
		t.Errorf("disposed at %v, ended at %v", time.UnixMilli(disposed).In(dhaka), time.UnixMilli(ended).In(dhaka))
	}
	visits := c.Visits(dhaka)
	if len(visits) != 4 || visits[0].Day != "2027-01-03" || !slices.Equal(visits[2].For, []string{"pay"}) {
		t.Errorf("visits %+v; want the 3rd, the 4th, the 7th to pay and the 10th", visits)
	}
}

// A stopped clock is nobody's work: the same case with a longer wait for the
// citizen has the same officer delay.
func TestStoppedClockIsTheCitizens(t *testing.T) {
	c := licence()
	before := c.Delays(office(), at(25, 0, 0))
	for i := range c.Turns[11:] { // A week later to fetch it.
		c.Turns[11+i].At += 7 * 24 * 3600_000
	}
	c.Turns[11].Sent += 7 * 24 * 3600_000
	after := c.Delays(office(), at(31, 0, 0))
	if after.Officer != before.Officer || after.Citizen != before.Citizen+7*24*time.Hour {
		t.Errorf("got %+v after %+v", after, before)
	}
	c.Turns, c.Awaits = licence().Turns[:10], true // Another register is silent.
	waiting := c.Delays(office(), at(8, 0, 0))
	c.Awaits = false
	if mine := c.Delays(office(), at(8, 0, 0)); waiting.Outside != mine.Officer+mine.Closed-(waiting.Officer+waiting.Closed) || waiting.Outside != 9*time.Hour {
		t.Errorf("while a register is awaited: %+v; else %+v", waiting, mine)
	}
}

// The parts sum to the whole, at every moment, of any history.
func TestPartsSumToTheWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		c := randomCourse(r)
		last := c.Filed + r.Int64N(40*24*3600_000)
		d := c.Delays(office(), last)
		whole := int64(0)
		if len(c.Turns) > 0 && c.Turns[0].At <= last {
			end := last
			for i := range c.Turns {
				if c.Turns[i].At > last {
					break
				}
				switch {
				case c.waits(&c.Turns[i]) != over:
					end = last
				case i == 0 || c.waits(&c.Turns[i-1]) != over:
					end = c.Turns[i].At
				}
			}
			whole = end - c.Filed
		}
		if d.Whole() != time.Duration(whole)*time.Millisecond || min(d.Network, d.Officer, d.Closed, d.Citizen, d.Outside) < 0 {
			t.Fatalf("%+v until %d: parts %+v come to %v; want %v", c, last, d, d.Whole(), time.Duration(whole)*time.Millisecond)
		}
		worked := time.Duration(0)
		for _, s := range c.Stays(office(), last) {
			worked += s.Worked
		}
		if worked != d.Officer {
			t.Fatalf("%+v until %d: the stays come to %v, the officers to %v", c, last, worked, d.Officer)
		}
	}
}

func randomCourse(r *rand.Rand) *Course {
	c := &Course{Service: "s", Filed: at(1+r.IntN(10), r.IntN(24), r.IntN(60)), Awaits: r.IntN(3) == 0}
	c.Mode = catalogue.Modes()[r.IntN(3)]
	now, stage, seat := c.Filed+r.Int64N(5*3600_000), application.None, desk
	for range 1 + r.IntN(12) {
		a := application.Action(1 + r.IntN(40)) // Those to come as well.
		next := application.After(stage, a)
		if next == application.None {
			continue
		}
		if r.IntN(4) == 0 {
			seat = []place.Seat{desk, above, {}}[r.IntN(3)]
		}
		t := Turn{At: now, Action: a, Stage: next, Seat: seat, Actor: []string{"", "anna", "uno"}[r.IntN(3)]}
		if r.IntN(3) == 0 {
			t.Sent = now - r.Int64N(10*3600_000) + 3600_000
		}
		c.Turns, stage = append(c.Turns, t), next
		now += r.Int64N(3 * 24 * 3600_000)
	}
	return c
}

// Nights, weekends and holidays are no working time, in whatever zone the host is.
func TestWorkingTime(t *testing.T) {
	for _, tc := range []struct {
		from, to int64
		want     time.Duration
	}{
		{at(3, 9, 0), at(3, 17, 0), 8 * time.Hour},
		{at(3, 16, 0), at(4, 10, 0), 2 * time.Hour},
		{at(3, 18, 0), at(4, 8, 0), 0},
		{at(5, 12, 0), at(7, 12, 0), 8 * time.Hour},
		{at(7, 12, 0), at(10, 12, 0), 8 * time.Hour}, // Friday and Saturday.
		{at(4, 12, 0), at(3, 12, 0), 0},
	} {
		got := office().Calendar.WorkingTime(desk.Office, time.UnixMilli(tc.from).In(dhaka), time.UnixMilli(tc.to).UTC())
		if got != tc.want {
			t.Errorf("%v to %v: %v; want %v", time.UnixMilli(tc.from).In(dhaka), time.UnixMilli(tc.to).In(dhaka), got, tc.want)
		}
	}
}

// TestHoursOfTheDesk: what an officer took is counted in the hours of the office where the
// case lay, for the days for which they hold; what they leave out is closed.
func TestHoursOfTheDesk(t *testing.T) {
	o, c := office(), licence()
	before := c.Delays(o, at(25, 0, 0))
	o.Calendar.Hours = []place.Hours{
		{Opens: 9 * 60, Closes: 17 * 60},
		{Office: above.Office, Opens: 10 * 60, Closes: 16 * 60},
		{From: "2027-01-04", To: "2027-01-04", Opens: 9 * 60, Closes: 15 * 60},
	}
	after := c.Delays(o, at(25, 0, 0))
	// The 4th is two hours shorter, the 5th at the desk above as well, of the 7th its first hour is not one.
	if less := 5 * time.Hour; after.Officer != before.Officer-less || after.Closed != before.Closed+less || after.Whole() != before.Whole() {
		t.Errorf("got %+v after %+v; want %v less of an officer's time", after, before, less)
	}
	if stays := c.Stays(o, at(25, 0, 0)); stays[1].Seat != above || stays[1].Worked != 3*time.Hour+6*time.Hour {
		t.Errorf("above it lay %+v", stays[1])
	}
}

func TestTally(t *testing.T) {
	tally := NewTally(office(), at(3, 0, 0), at(31, 0, 0), at(31, 0, 0))
	done, open := licence(), licence()
	open.Turns, open.Due = open.Turns[:5], at(5, 23, 59)/1000
	tally.Add(done, Everything)
	tally.Add(open, Everything)
	r := tally.Report()
	if len(r.Services) != 1 || len(r.Desks) != 2 || len(r.Officers) != 2 {
		t.Fatalf("got %+v", r)
	}
	s := r.Services[0]
	if s.Received != 2 || s.Disposed != 1 || s.Pending != 1 || s.Overdue != 1 || s.Ages != [4]int{0, 0, 0, 1} ||
		s.Officer.Median != 18*3600 || s.Account.Network.P90 != 8*3600+1800 || s.Account.Visits.Median != 4 || s.Account.Paid.Median != 5000 {
		t.Errorf("service: %+v %+v", s, s.Account)
	}
	if d := r.Desks[0]; d.Of != desk.String() || d.Received != 3 || d.Disposed != 3 || d.Pending != 0 || d.Officer != (Took{3 * 3600, 3 * 3600}) {
		t.Errorf("desk: %+v", d)
	}
	if d := r.Desks[1]; d.Received != 2 || d.Disposed != 1 || d.Pending != 1 || d.Overdue != 1 {
		t.Errorf("desk: %+v", d)
	}
	if o := r.Officers[0]; o.Of != "anna" || o.Disposed != 3 || r.Officers[1].Of != "uno" || r.Officers[1].Disposed != 1 {
		t.Errorf("officers: %+v %+v", o, r.Officers[1])
	}
}

// TestTallyByChannel: every channel has a line, those by which nothing came included, and
// together they are what came.
func TestTallyByChannel(t *testing.T) {
	tally := NewTally(office(), at(3, 0, 0), at(31, 0, 0), at(31, 0, 0))
	post, centre, before, erased := licence(), licence(), licence(), licence()
	post.Channel, centre.Channel, before.Channel = catalogue.Post, catalogue.AtCentre, catalogue.Post
	before.Turns[0].At = at(2, 12, 0) // Came before the span, and was disposed of in it.
	for _, c := range []*Course{post, centre, before, erased} {
		tally.Add(c, Everything)
	}
	got, received := []string{}, 0
	for _, l := range tally.Report().Channels {
		got = append(got, fmt.Sprint(l.Of, " ", l.Received, " ", l.Disposed))
		received += l.Received
	}
	want := []string{"counter 0 0", "post 1 2", "online 0 0", "phone 0 0", "fax 0 0", "uno_office 0 0", "centre 1 1", "unknown 1 1"}
	if !slices.Equal(got, want) || received != tally.Report().Services[0].Received {
		t.Errorf("got %v; want %v", got, want)
	}
}

// TestTallyOfFees: what applications of the span cost more and less than by the fees in force
// is added up apart, by service and in all; refunds by the day of their voucher.
func TestTallyOfFees(t *testing.T) {
	tally := NewTally(office(), at(3, 0, 0), at(31, 0, 0), at(31, 0, 0))
	for i, b := range []Bill{{5000, 5000, 0}, {5000, 3000, 700}, {4000, 4000, -300}, {9000, 9000, 400}, {1000, 1000, 100}} {
		c := licence()
		c.Bill = b
		switch i {
		case 3:
			c.Turns[0].At = at(2, 23, 59) // Before the span.
		case 4:
			c.Service = "birth"
		}
		tally.Add(c, Everything)
	}
	tally.Repaid("trade-licence", 250, 0, 0)
	tally.Repaid("trade-licence", 0, 90, at(3, 0, 0))
	tally.Repaid("trade-licence", 0, 10, at(31, 0, 0)) // After it.
	tally.Repaid("withdrawn-service", 5, 0, 0)
	r := tally.Report()
	licences := Fees{Former: 2, Charged: 9000, Due: 8600, Over: 700, Under: 300, Collected: 7000, OwedBack: 250, PaidBack: 90}
	if len(r.Services) != 3 || *r.Services[1].Fees != licences || r.Services[2].Fees.OwedBack != 5 {
		t.Errorf("licences came to %+v; want %+v", r.Services[1].Fees, licences)
	}
	if want := (Fees{3, 10000, 9500, 800, 300, 8000, 255, 90}); r.Fees != want || r.Fees.Charged != r.Fees.Due+r.Fees.Over-r.Fees.Under {
		t.Errorf("all came to %+v; want %+v", r.Fees, want)
	}
}

// TestFurtherVisitsHaveReasons: each visit after the first has a reason, what the counter chose or what
// the act is by itself, and the report adds them up by service (R-SV9).
func TestFurtherVisitsHaveReasons(t *testing.T) {
	c := licence()
	c.Turns[3].Visit = "wrong-paper"
	var why [][]string
	for _, v := range c.Visits(dhaka) {
		why = append(why, v.Why)
	}
	if len(why) != 4 || why[0] != nil || !slices.Equal(why[1], []string{"wrong-paper"}) || !slices.Equal(why[2], []string{"payment"}) || !slices.Equal(why[3], []string{"hand-over"}) {
		t.Errorf("the reasons are %q", why)
	}
	c.Turns = slices.Insert(c.Turns, 4, Turn{At: at(4, 11, 30), Sent: at(4, 9, 30), Action: application.Correct, Stage: application.UnderReview, Seat: desk})
	if v := c.Visits(dhaka); len(v) != 4 || !slices.Equal(v[1].For, []string{"supply", "correct"}) || !slices.Equal(v[1].Why, []string{"wrong-paper", "other"}) {
		t.Errorf("a visit for two things: %+v", v)
	}
	tally := NewTally(office(), at(1, 0, 0), at(30, 0, 0), at(30, 0, 0))
	tally.Add(c, Everything)
	byPost := licence()
	byPost.InHouse = false
	tally.Add(byPost, Everything)
	got := tally.Report().Services[0].Account.Further
	want := []Further{{"hand-over", 2}, {"other", 1}, {"payment", 2}, {"question", 1}, {"wrong-paper", 1}}
	if !slices.Equal(got, want) {
		t.Errorf("the report has %v; want %v", got, want)
	}
}
