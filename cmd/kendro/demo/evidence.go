package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// observed is what daemons answered during the story, for lines of the table
// that no disk can prove.
type observed struct {
	tasks              map[protocol.Number]string // The desk in whose list each case stood.
	hero               protocol.Number            // The case that went through all desks.
	refusal            string
	slip, public       api.Tracking
	elected            time.Duration
	acceptedWithoutOld bool
	taken              protocol.Number
	oldFee, newFee     int // Places in filed.
	auditor            *api.Client
	records            map[protocol.Number]*api.Record // As the hub's register has them at the end.
	proofs             map[protocol.Number]api.Proof   // What each box shows for its receipts.
	services           int
}

// A line is one thing that must hold, and what was found.
type line struct {
	what  string
	found string
	holds bool
}

// settle waits until all registers are equal, and reads every case from one.
func (d *drama) settle(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, acceptedIn)
	defer stop()
	err := district.Poll(ctx, func() bool {
		var first api.RegisterMark
		for i, p := range d.Servers {
			s, err := status(ctx, p)
			if err != nil || i > 0 && s.Register != first {
				return false
			}
			first = s.Register
		}
		return true
	})
	if err != nil {
		return fault.New(op, fault.Internal, "", "the registers of the servers don't become equal")
	}
	d.seen.records = map[protocol.Number]*api.Record{}
	services := map[string]bool{}
	for _, f := range d.filed {
		r, err := d.record(ctx, f.answer.Number)
		if err != nil {
			return err
		}
		d.seen.records[f.answer.Number] = r
		services[r.Service.ID] = true
	}
	d.seen.services = len(services)
	return d.readProofs(ctx)
}

// An exported is one line of kendro hub export.
type exported struct {
	Number protocol.Number `json:"number"`
	Log    string          `json:"log"`
	Seq    uint64          `json:"seq"`
	Hash   string          `json:"hash"`
	Stage  string          `json:"stage"`
	Index  uint64          `json:"index"`
	Digest string          `json:"digest"`
}

// export reads a stopped server's register.
func (d *drama) export(ctx context.Context, p *district.Process) (cases []exported, end exported, err error) {
	out, err := d.Output(ctx, "hub", "export", "--dir", p.Dir)
	if err != nil {
		return nil, end, err
	}
	for l := range bytes.Lines(out) {
		var e exported
		if err := json.Unmarshal(l, &e); err != nil {
			return nil, end, fault.Wrap(op, fault.Internal, p.Name, err)
		}
		if e.Digest != "" {
			end = e
			continue
		}
		cases = append(cases, e)
	}
	return cases, end, nil
}

// evidence computes the table from disks: every server's register and every
// box's journal.
func (d *drama) evidence(ctx context.Context) ([]line, error) {
	journals, err := d.journals()
	if err != nil {
		return nil, err
	}
	var ends []exported
	var cases []exported
	for _, p := range d.Servers {
		list, end, err := d.export(ctx, p)
		if err != nil {
			return nil, err
		}
		ends, cases = append(ends, end), list
	}
	lines := compare(journals, cases)
	return append(append(lines, d.officeLines(cases)...), d.hubLines(ends)...), nil
}

// compare holds the journals against the register, number by number.
func compare(journals map[protocol.Number][]entry, cases []exported) []line {
	receipts, signed, once, lost, doubled, altered := 0, 0, 0, 0, 0, 0
	register := map[protocol.Number][]exported{}
	for _, c := range cases {
		register[c.Number] = append(register[c.Number], c)
	}
	for n, list := range journals {
		receipts += len(list)
		for _, e := range list {
			if e.signed {
				signed++
			}
		}
		switch got := register[n]; {
		case len(got) == 0:
			lost++
		case len(got) > 1 || len(list) > 1:
			doubled++
		case got[0].Log != list[0].log || got[0].Seq != list[0].seq || got[0].Hash != list[0].hash:
			altered++
		default:
			once++
		}
	}
	foreign := 0
	for n := range register {
		if len(journals[n]) == 0 {
			foreign++
		}
	}
	return []line{
		{"applications in the boxes' journals, at least 60", fmt.Sprint(receipts), receipts >= perDay},
		{"receipts whose signature verifies", fmt.Sprint(signed), signed == receipts},
		{"of them in the register exactly once, same log, place and hash", fmt.Sprint(once), once == receipts},
		{"lost / doubled / altered", fmt.Sprintf("%d / %d / %d", lost, doubled, altered), lost+doubled+altered == 0},
		{"in the register without a journal", fmt.Sprint(foreign), foreign == 0},
	}
}

// officeLines are about the desks. The day's cases are those that the register
// says were submitted before the leader died.
func (d *drama) officeLines(cases []exported) []line {
	right := 0
	for n, seat := range d.seen.tasks {
		r := d.seen.records[n]
		if r == nil {
			continue
		}
		c, ok := d.town.pack.Directory.Centre(place.Centre(r.Centre))
		if v := d.town.service(r.Service.ID); ok && v != nil {
			if want, found := d.town.pack.Directory.SeatFor(v.Steps[0].Post, c.Area); found && want.String() == seat {
				right++
			}
		}
	}
	hero := exported{}
	for _, c := range cases {
		if c.Number == d.seen.hero {
			hero = c
		}
	}
	was, is := d.seen.records[d.filed[d.seen.oldFee].answer.Number], d.seen.records[d.filed[d.seen.newFee].answer.Number]
	return []line{
		{"services applied for, at least 12", fmt.Sprint(d.seen.services), d.seen.services >= 12},
		{"cases in the list of the desk that their service names", fmt.Sprintf("%d of %d", right, len(d.seen.tasks)), right == perDay && len(d.seen.tasks) == perDay},
		{"forward without a preliminary decision", "refused", d.seen.refusal != "" && !forwardedUndecided(d.seen.records[d.seen.hero])},
		{"the case that went through the desks", hero.Stage, hero.Stage == "APPROVED"},
		{"its slip / public page", d.seen.slip.Stage + " / " + d.seen.public.Stage, d.seen.slip.Stage == hero.Stage && d.seen.public.Stage == hero.Stage},
		{"fee before release 2, version", fmt.Sprintf("%d poisha, %d", government(was.Fees), was.Service.Version), government(was.Fees) == oldFee && was.Service.Version == 1},
		{"fee after release 2, version", fmt.Sprintf("%d poisha, %d", government(is.Fees), is.Service.Version), government(is.Fees) == newFee && is.Service.Version == 2},
	}
}

// forwardedUndecided looks in a case's history for a forward with no decision of
// the same officer since the case came to the desk (R-OF4).
func forwardedUndecided(r *api.Record) bool {
	decided := ""
	for _, h := range r.History {
		switch h.Action {
		case "decide":
			decided = h.Actor
		case "forward":
			if decided != h.Actor {
				return true
			}
			decided = ""
		case "take":
			decided = ""
		}
	}
	return false
}

func (d *drama) hubLines(ends []exported) []line {
	equal := len(ends) > 0
	for _, e := range ends {
		equal = equal && e.Index == ends[0].Index && e.Digest == ends[0].Digest
	}
	taken := d.seen.records[d.seen.taken]
	return []line{
		{"new leader after the old one was killed", fmt.Sprintf("%.1f s", d.seen.elected.Seconds()), d.seen.elected > 0},
		{"accepted, and taken by an officer, without it", fmt.Sprintf("%v, %s", d.seen.acceptedWithoutOld, taken.Stage), d.seen.acceptedWithoutOld && taken.Stage == "UNDER_REVIEW"},
		{"registers of the servers", fmt.Sprintf("%d, index %d, %.16s…", len(ends), ends[0].Index, ends[0].Digest), equal && len(ends) == len(d.Servers)},
	}
}
