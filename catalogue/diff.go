package catalogue

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
)

// A Change is one service that two releases have differently, in words for the
// person who publishes.
type Change struct {
	Service string       `json:"service"`
	From    int          `json:"from"` // Version number; 0: new.
	To      int          `json:"to"`   // 0: withdrawn.
	What    []string     `json:"what"`
	Parts   []Alteration `json:"parts,omitempty"` // Of a service; of a new one what it has.
}

// An Alteration is one thing that two versions of a service have differently, for whoever has
// words of his own for it. From and To are codes, numbers or poisha; both are empty where they are
// too long to tell, and From is where the service is new.
type Alteration struct {
	Field string `json:"field"`        // One of Fields.
	Of    string `json:"of,omitempty"` // Of a fee: its place and its kind.
	From  string `json:"from,omitempty"`
	To    string `json:"to,omitempty"`
}

// partTexts are the parts in English: of, from and to stand in them.
var partTexts = map[string]string{
	"name": "name {from} is now {to}", "category": "category or kind {from} is now {to}", "channels": "channels {from} are now {to}",
	"centre_types": "centre types {from} are now {to}", "training": "trainings {from} are now {to}",
	"offline": "the offline policy {from} is now {to}", "keep_days": "kept for {from} days after their end, now for {to}",
	"sla_days": "{from} working days are now {to}", "grace_days": "grace_days {from} are now {to}",
	"info_days": "info_days {from} are now {to}", "refund": "refunds (before the review / in it / where rejected) {from} are now {to}",
	"fee_at": "fees due at {from} are now due at {to}", "fees": "{from} fee lines are now {to}", "fee": "fee {of} {from} poisha is now {to}",
	"fee_rule": "fee {of} changed its kind, ceiling or condition", "documents": "the documents changed ({from}, now {to})",
	"procedure": "payment, issue, delivery or appeals changed", "checks": "the checks or rules changed",
	"steps": "the steps changed ({from}, now {to})", "form": "the form changed",
}

// Fields are what the parts of a change may be, sorted.
func Fields() []string { return slices.Sorted(maps.Keys(partTexts)) }

func (p Alteration) String() string {
	return strings.NewReplacer("{of}", p.Of, "{from}", p.From, "{to}", p.To).Replace(partTexts[p.Field])
}

// Changed is what a version brings to a service. Old is the one in force, nil where there is
// none.
func Changed(old, v *dcat.Version) Change {
	c := Change{Service: v.ID, To: v.Number}
	if old == nil {
		for _, p := range differences(&dcat.Version{}, v) {
			if p.From = ""; p.To != "" {
				c.Parts = append(c.Parts, p)
			}
		}
		return c
	}
	c.From, c.Parts = old.Number, differences(old, v)
	for _, p := range c.Parts {
		c.What = append(c.What, p.String())
	}
	return c
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
		var old *dcat.Version
		if older != nil {
			old, _ = older.Current(v.ID)
		}
		if old == nil || old.Hash != v.Hash {
			list = append(list, Changed(old, v))
		}
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

func differences(a, b *dcat.Version) []Alteration {
	var list []Alteration
	say := func(same bool, field string, from, to any) {
		if !same {
			list = append(list, Alteration{Field: field, From: fmt.Sprint(from), To: fmt.Sprint(to)})
		}
	}
	say(a.Name == b.Name, "name", bothNames(a.Name), bothNames(b.Name))
	say(a.Category == b.Category && a.Kind == b.Kind, "category", a.Category.Code+"/"+string(a.Kind), b.Category.Code+"/"+string(b.Kind))
	say(slices.Equal(a.Channels, b.Channels), "channels", a.Channels, b.Channels)
	say(slices.Equal(a.CentreTypes, b.CentreTypes), "centre_types", a.CentreTypes, b.CentreTypes)
	say(slices.Equal(a.Training, b.Training), "training", a.Training, b.Training)
	say(a.Offline == b.Offline && a.OfflineReason == b.OfflineReason && a.FreshnessDays == b.FreshnessDays, "offline", offlinePolicy(a), offlinePolicy(b))
	say(a.KeepDays == b.KeepDays, "keep_days", a.KeepDays, b.KeepDays)
	say(reflect.DeepEqual(a.Refund, b.Refund), "refund", refundText(a.Refund), refundText(b.Refund))
	say(a.SLADays == b.SLADays, "sla_days", a.SLADays, b.SLADays)
	say(a.GraceDays == b.GraceDays, "grace_days", a.GraceDays, b.GraceDays)
	say(a.InfoDays == b.InfoDays, "info_days", a.InfoDays, b.InfoDays)
	list = append(list, feeDifferences(a, b)...)
	say(slices.Equal(a.Documents, b.Documents), "documents", len(a.Documents), len(b.Documents))
	say(reflect.DeepEqual(a.Procedure, b.Procedure), "procedure", "", "")
	say(reflect.DeepEqual(a.Checks, b.Checks) && slices.Equal(a.Rules, b.Rules), "checks", "", "")
	say(reflect.DeepEqual(a.Steps, b.Steps), "steps", posts(a), posts(b))
	say(bytes.Equal(a.Form, b.Form), "form", "", "")
	return list
}

func bothNames(n place.Name) string { return fmt.Sprintf("%q (%q)", n.EN, n.BN) }

func offlinePolicy(v *dcat.Version) string {
	return fmt.Sprintf("%s (%d days)", v.Offline, v.FreshnessDays)
}

func feeDifferences(a, b *dcat.Version) []Alteration {
	var list []Alteration
	if a.FeeAt != b.FeeAt {
		list = append(list, Alteration{Field: "fee_at", From: string(a.FeeAt), To: string(b.FeeAt)})
	}
	if len(a.Fees) == 0 {
		for i, y := range b.Fees {
			list = append(list, Alteration{Field: "fee", Of: feePlace(i, y), From: "0", To: strconv.FormatInt(y.Poisha, 10)})
		}
		return list
	}
	if len(a.Fees) != len(b.Fees) {
		return append(list, Alteration{Field: "fees", From: strconv.Itoa(len(a.Fees)), To: strconv.Itoa(len(b.Fees))})
	}
	for i := range a.Fees {
		x, y := a.Fees[i], b.Fees[i]
		of := feePlace(i, x)
		switch {
		case x.Kind == y.Kind && x.Poisha != y.Poisha:
			list = append(list, Alteration{Field: "fee", Of: of, From: strconv.FormatInt(x.Poisha, 10), To: strconv.FormatInt(y.Poisha, 10)})
		case !reflect.DeepEqual(x, y):
			list = append(list, Alteration{Field: "fee_rule", Of: of})
		}
	}
	return list
}

func feePlace(i int, f dcat.Fee) string { return fmt.Sprintf("%d (%s)", i+1, f.Kind) }

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
		what = append(what, "the office calendar, or its hours, changed")
	}
	return what
}
