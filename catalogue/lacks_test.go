package catalogue_test

import (
	"slices"
	"strings"
	"testing"

	"kendro/catalogue"
)

// TestLintOfGraces: what no box reads again, no centre brings anything to.
func TestLintOfGraces(t *testing.T) {
	pack := with(t, "grievance")
	replace(t, pack, "services/grievance.yaml", "sla_days: ", "grace_days: 10\nsla_days: ")
	found := catalogue.Lint(pack)
	if len(found) != 1 || found[0].Line == 0 || !strings.Contains(found[0].Text, "no centre could bring what is new: leave it out") {
		t.Errorf("findings %v", found)
	}
}

// TestLacks: an application that was made under another version lacks exactly what that one did
// not ask, answered otherwise, or wanted no paper for.
func TestLacks(t *testing.T) {
	const file = "services/land-record-copy.yaml"
	pack := with(t, "land-record-copy")
	replace(t, pack, file, "copies, delivery_mode]", "copies, delivery_mode, purpose]")
	replace(t, pack, file, "enum: [cs, sa, rs, bs]", "enum: [sa, rs, bs]")
	replace(t, pack, file, "          cs: {bn: \"সিএস\", en: \"CS\"}\n", "")
	replace(t, pack, file, "sla_days: 5", "sla_days: 5\ngrace_days: 10")
	set, err := catalogue.Build(pack, nil, published())
	if err != nil {
		t.Fatal(err)
	}
	intake, err := catalogue.NewIntake(set)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := set.Current("land-record-copy")
	if v.GraceDays != 10 {
		t.Errorf("%d days of grace", v.GraceDays)
	}
	var required []string
	for _, d := range v.Documents {
		if d.Required {
			required = append(required, d.ID)
		}
	}
	form := func(more string) []byte {
		return []byte(`{"copies":1,"delivery_mode":"centre","jl_no":"12","khatian_no":"7","mouza":"Khajura","upazila":"41-09"` + more + `}`)
	}
	for _, tt := range []struct {
		name, more string
		papers     []string
		want       []string
	}{
		{"all right", `,"khatian_type":"bs","purpose":"a sale"`, required, nil},
		{"a new answer", `,"khatian_type":"bs"`, required, []string{"form.purpose"}},
		{"a choice that is gone", `,"khatian_type":"cs","purpose":"a sale"`, required, []string{"form.khatian_type"}},
		{"both, and a paper", `,"khatian_type":"cs"`, nil, append([]string{"form.khatian_type", "form.purpose"}, required...)},
		{"an answer that nobody asks for", `,"khatian_type":"bs","purpose":"a sale","colour":"red"`, required, nil},
	} {
		got, ok := intake.Lacks(v, form(tt.more), tt.papers, published())
		slices.Sort(got)
		slices.Sort(tt.want)
		if !ok || !slices.Equal(got, tt.want) {
			t.Errorf("%s: lacks %q, %v; want %q", tt.name, got, ok, tt.want)
		}
	}
	if got, ok := intake.Lacks(v, []byte(`[1]`), nil, published()); ok {
		t.Errorf("no answers at all lack %q", got)
	}
}
