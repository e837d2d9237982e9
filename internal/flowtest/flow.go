// Package flowtest makes random procedures that a catalogue would publish, for
// tests that must hold for every procedure and not for the few that somebody
// thought of.
//
// Enter at [New]. A procedure that [application.Explore] finds a dead end in is
// thrown away, as the catalogue's lint would refuse it.
package flowtest

import (
	"fmt"
	"math/rand/v2"

	"kendro/domain/application"
	"kendro/domain/catalogue"
	"kendro/domain/place"
)

// Posts is how many posts there are; the last stands above all.
const Posts = 5

// Post returns the code of the i-th post.
func Post(i int) string { return fmt.Sprintf("post-%d", i) }

// Level is where every post sits.
const Level = "local"

// A Flow is a random service and the rights of the posts that work on it.
type Flow struct {
	Version *catalogue.Version
	Acts    [Posts][]string
}

// May reports whether a post may do an act of the directory.
func (f *Flow) May(post, right string) bool {
	for i := range Posts {
		if Post(i) == post {
			return place.Post{Acts: f.Acts[i]}.May(right)
		}
	}
	return false
}

// Superior returns the post above.
func (f *Flow) Superior(post string) (string, bool) {
	for i := range Posts - 1 {
		if Post(i) == post {
			return Post(i + 1), true
		}
	}
	return "", false
}

// New draws a procedure that has no dead end. The version has no number and no
// hash yet.
func New(rng *rand.Rand, id string) *Flow {
	for {
		f := draw(rng, id)
		if len(application.Explore(f.Version, f.May, f.Superior)) == 0 {
			return f
		}
	}
}

func name(s string) place.Name { return place.Name{BN: "বাংলা " + s, EN: s} }

func chance(rng *rand.Rand, percent int) bool { return rng.IntN(100) < percent }

func draw(rng *rand.Rand, id string) *Flow {
	f := &Flow{Version: &catalogue.Version{
		ID: id, Name: name(id), Kind: catalogue.Public, Channels: []catalogue.Channel{catalogue.Counter},
		CentreTypes: []place.CentreType{place.Union}, Offline: catalogue.Intake, FeeAt: catalogue.AtSubmit,
		Form: []byte(`{}`), SLADays: 1 + rng.IntN(10),
	}}
	for i := range f.Acts {
		for _, act := range place.Acts() {
			if chance(rng, 85) {
				f.Acts[i] = append(f.Acts[i], act)
			}
		}
	}
	v := f.Version
	for i := range rng.IntN(3) {
		v.Rules = append(v.Rules, catalogue.Rule{ID: fmt.Sprintf("rule-%d", i), If: "true", Says: name("rule")})
	}
	for i := range rng.IntN(3) {
		v.Checks = append(v.Checks, catalogue.Check{ID: fmt.Sprintf("check-%d", i), Name: name("check")})
	}
	for i := range 1 + rng.IntN(3) {
		v.Steps = append(v.Steps, f.step(rng, i))
	}
	if chance(rng, 75) {
		f.procedure(rng)
	}
	if chance(rng, 25) {
		v.InfoDays = 1 + rng.IntN(20)
	}
	return f
}

func (f *Flow) step(rng *rand.Rand, i int) catalogue.Step {
	s := catalogue.Step{
		Post: Post(rng.IntN(Posts)), OfficeLevel: Level, Name: name(fmt.Sprintf("step %d", i)),
		Mandatory: chance(rng, 70), Decision: chance(rng, 80), MayFinalise: chance(rng, 60),
	}
	if n := len(f.Version.Rules); n > 0 && chance(rng, 25) {
		s.When = f.Version.Rules[rng.IntN(n)].ID
	}
	if n := len(f.Version.Rules); n > 0 && chance(rng, 20) {
		s.Needs = []string{f.Version.Rules[rng.IntN(n)].ID}
	}
	if n := len(f.Version.Checks); n > 0 && chance(rng, 30) {
		s.Checks = []string{f.Version.Checks[rng.IntN(n)].ID}
	}
	return s
}

func (f *Flow) procedure(rng *rand.Rand) {
	v := f.Version
	p := &catalogue.Procedure{}
	v.Procedure = p
	if chance(rng, 75) {
		p.Issue = &catalogue.Issue{
			Post: Post(rng.IntN(Posts)), OfficeLevel: Level, Name: name("issue"), Days: 1 + rng.IntN(5),
			Modes: []catalogue.Mode{catalogue.ByCentre}, CloseDays: rng.IntN(8),
		}
		for _, c := range v.Checks {
			if chance(rng, 40) {
				p.Issue.Checks = append(p.Issue.Checks, c.ID)
			}
		}
	}
	for _, at := range []catalogue.FeeAt{catalogue.BeforeReview, catalogue.AfterApproval} {
		if chance(rng, 40) && (at == catalogue.BeforeReview || p.Issue != nil) {
			p.FeeDays = 1 + rng.IntN(40)
			v.Fees = append(v.Fees, catalogue.Fee{Kind: catalogue.Government, Poisha: 100 * (1 + rng.Int64N(50)), At: at})
		}
	}
	for range rng.IntN(3) {
		p.Appeals = append(p.Appeals, catalogue.Appeal{
			Post: Post(rng.IntN(Posts)), OfficeLevel: Level, Name: name("appeal"), Days: 1 + rng.IntN(30), SLADays: 1 + rng.IntN(9),
		})
	}
}

// Directory returns a district with one union, whose one office has every post
// with the flow's rights. Several flows need one directory each.
func (f *Flow) Directory(union place.Code) *place.Directory {
	d := &place.Directory{
		Areas: []place.Area{
			{Code: union.District(), Level: "district", Name: name("district")},
			{Code: union[:5], Parent: union.District(), Level: "upazila", Name: name("upazila")},
			{Code: union, Parent: union[:5], Level: "union", Name: name("union")},
		},
		Offices:  []place.Office{{Code: "office", Area: union, Level: Level, Name: name("office")}},
		Centres:  []place.CentreInfo{{Code: place.Centre(union), Type: place.Union, Name: name("centre"), Area: union}},
		Calendar: &place.Calendar{Weekend: []string{"Friday", "Saturday"}},
	}
	for i := range Posts {
		p := place.Post{Code: Post(i), Name: name(Post(i)), OfficeLevel: Level, Acts: f.Acts[i]}
		p.Superior, _ = f.Superior(p.Code)
		d.Posts = append(d.Posts, p)
	}
	d.Sort()
	return d
}
