package catalogue

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
)

// A Change is one service that two releases have differently, in words for the
// person who publishes.
type Change struct {
	Service string   `json:"service"`
	From    int      `json:"from"` // Version number; 0: new.
	To      int      `json:"to"`   // 0: withdrawn.
	What    []string `json:"what"`
}

func (c Change) String() string {
	switch {
	case c.From == 0:
		return c.Service + ": new"
	case c.To == 0:
		return c.Service + ": withdrawn"
	default:
		return fmt.Sprintf("%s: version %d to %d: %s", c.Service, c.From, c.To, strings.Join(c.What, "; "))
	}
}

// Diff returns what changed from the older release to the newer, sorted by
// service. A nil older release has nothing. A changed directory comes last, as
// the service "directory".
func Diff(older, newer *dcat.Set) []Change {
	var list []Change
	if older != nil {
		for _, old := range older.Services() {
			if _, ok := newer.Current(old.ID); !ok {
				list = append(list, Change{Service: old.ID, From: old.Number})
			}
		}
	}
	for _, v := range newer.Services() {
		c := Change{Service: v.ID, To: v.Number}
		if older != nil {
			if old, ok := older.Current(v.ID); ok {
				if old.Hash == v.Hash {
					continue
				}
				c.From, c.What = old.Number, differences(old, v)
			}
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Change) int { return strings.Compare(a.Service, b.Service) })
	if older != nil && older.Release.Base != newer.Release.Base {
		list = append(list, Change{
			Service: "base", From: older.Release.Base, To: newer.Release.Base, What: []string{"another edition of the national base lies below the district's overlay"},
		})
	}
	if older != nil && older.Release.Directory != newer.Release.Directory {
		list = append(list, Change{
			Service: "directory", From: older.Release.Number, To: newer.Release.Number,
			What: directoryDifferences(older.Directory, newer.Directory),
		})
	}
	return list
}

func differences(a, b *dcat.Version) []string {
	var what []string
	say := func(format string, args ...any) { what = append(what, fmt.Sprintf(format, args...)) }
	if a.Name != b.Name {
		say("name %q is now %q", a.Name.EN, b.Name.EN)
	}
	if a.Category != b.Category || a.Kind != b.Kind {
		say("category or kind %s/%s is now %s/%s", a.Category.Code, a.Kind, b.Category.Code, b.Kind)
	}
	if !slices.Equal(a.Channels, b.Channels) {
		say("channels %v are now %v", a.Channels, b.Channels)
	}
	if !slices.Equal(a.CentreTypes, b.CentreTypes) {
		say("centre types %v are now %v", a.CentreTypes, b.CentreTypes)
	}
	if !slices.Equal(a.Training, b.Training) {
		say("trainings %v are now %v", a.Training, b.Training)
	}
	if a.Offline != b.Offline || a.OfflineReason != b.OfflineReason || a.FreshnessDays != b.FreshnessDays {
		say("the offline policy %s (%d days) is now %s (%d days)", a.Offline, a.FreshnessDays, b.Offline, b.FreshnessDays)
	}
	if a.KeepDays != b.KeepDays {
		say("kept for %d days after their end, now for %d", a.KeepDays, b.KeepDays)
	}
	if a.SLADays != b.SLADays {
		say("%d working days are now %d", a.SLADays, b.SLADays)
	}
	if a.GraceDays != b.GraceDays {
		say("grace_days %d are now %d", a.GraceDays, b.GraceDays)
	}
	if a.InfoDays != b.InfoDays {
		say("info_days %d are now %d", a.InfoDays, b.InfoDays)
	}
	what = append(what, feeDifferences(a, b)...)
	if !slices.Equal(a.Documents, b.Documents) {
		say("the documents changed (%d, now %d)", len(a.Documents), len(b.Documents))
	}
	if !reflect.DeepEqual(a.Procedure, b.Procedure) {
		say("payment, issue, delivery or appeals changed")
	}
	if !reflect.DeepEqual(a.Checks, b.Checks) || !slices.Equal(a.Rules, b.Rules) {
		say("the checks or rules changed")
	}
	if !reflect.DeepEqual(a.Steps, b.Steps) {
		say("the steps changed (%s, now %s)", posts(a), posts(b))
	}
	if !bytes.Equal(a.Form, b.Form) {
		say("the form changed")
	}
	return what
}

func feeDifferences(a, b *dcat.Version) []string {
	var what []string
	if a.FeeAt != b.FeeAt {
		what = append(what, fmt.Sprintf("fees due at %s are now due at %s", a.FeeAt, b.FeeAt))
	}
	if len(a.Fees) != len(b.Fees) {
		return append(what, fmt.Sprintf("%d fee lines are now %d", len(a.Fees), len(b.Fees)))
	}
	for i := range a.Fees {
		x, y := a.Fees[i], b.Fees[i]
		switch {
		case x.Kind == y.Kind && x.Poisha != y.Poisha:
			what = append(what, fmt.Sprintf("fee %d (%s) %d poisha is now %d", i+1, x.Kind, x.Poisha, y.Poisha))
		case !reflect.DeepEqual(x, y):
			what = append(what, fmt.Sprintf("fee %d (%s) changed its kind, ceiling or condition", i+1, x.Kind))
		}
	}
	return what
}

func posts(v *dcat.Version) string {
	names := make([]string, len(v.Steps))
	for i, s := range v.Steps {
		names[i] = s.Post
	}
	return strings.Join(names, " → ")
}

func directoryDifferences(a, b *place.Directory) []string {
	var what []string
	for _, x := range []struct {
		name     string
		old, new int
		same     bool
	}{
		{"areas", len(a.Areas), len(b.Areas), slices.Equal(a.Areas, b.Areas)},
		{"offices", len(a.Offices), len(b.Offices), slices.Equal(a.Offices, b.Offices)},
		{"posts", len(a.Posts), len(b.Posts), reflect.DeepEqual(a.Posts, b.Posts)},
		{"reasons for a rejection", len(a.Reasons), len(b.Reasons), slices.Equal(a.Reasons, b.Reasons)},
		{"trainings", len(a.Trainings), len(b.Trainings), slices.Equal(a.Trainings, b.Trainings)},
		{"centres", len(a.Centres), len(b.Centres), slices.Equal(a.Centres, b.Centres)},
	} {
		if !x.same {
			what = append(what, fmt.Sprintf("the %s changed (%d, now %d)", x.name, x.old, x.new))
		}
	}
	if !reflect.DeepEqual(a.Calendar, b.Calendar) {
		what = append(what, "the office calendar changed")
	}
	return what
}
