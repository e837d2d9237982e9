package catalogue_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
)

// overlay reads an overlay of one file of changes.
func overlay(tb testing.TB, changes string) (*catalogue.Overlay, []catalogue.Finding) {
	tb.Helper()
	files, found := catalogue.Files(fstest.MapFS{
		"overlay.yaml":      {Data: []byte("district: \"41\"\nbase: 1\nnote: Jashore\n")},
		"changes/fees.yaml": {Data: []byte(changes)},
		"README.md":         {Data: []byte("not ours to read")},
	})
	if len(found) > 0 {
		tb.Fatal(found)
	}
	return catalogue.ReadOverlay(files)
}

// over composes a base with an overlay that must fit.
func over(tb testing.TB, base fs.FS, changes string, prev *dcat.Set) (*dcat.Set, *dcat.Origin) {
	tb.Helper()
	o, found := overlay(tb, changes)
	set, origin, more, err := catalogue.BuildOver(base, o, prev, []byte("the catalogue's key"), published())
	if err != nil || len(found)+len(more) > 0 {
		tb.Fatalf("%v, findings %v %v", err, found, more)
	}
	return set, origin
}

const jashore = `# Postage went up here.
- service: land-record-copy
  field: fees.postage
  was: 4000
  value: 6000
  reason: the courier's rate
- {service: land-record-copy, field: sla_days, value: 3}
- {service: land-record-copy, field: form.purpose.help, value: {bn: "সংক্ষেপে লিখুন।", en: "In a few words."}}
- {service: land-record-copy, field: steps.deputy-record-keeper.post, value: record-keeper}
- {service: vgd-card, field: hidden, value: true}
- {service: grievance, field: centre_types, value: [union, upazila]}
`

func TestOverlayComposes(t *testing.T) {
	base := smallPack(t)
	plain := small(t)
	set, origin := over(t, base, jashore, plain)
	if set.Release.Number != 2 || set.Release.Base != 1 || len(set.Release.Origin) != 32 {
		t.Errorf("release %+v; want 2 over base 1, with an origin", set.Release)
	}
	v, _ := set.Current("land-record-copy")
	if v.Number != 2 || v.SLADays != 3 || v.Fees[2].Poisha != 6000 || v.Steps[1].Post != "record-keeper" || !strings.Contains(string(v.Form), "In a few words.") {
		t.Errorf("the district's version is %+v", v)
	}
	if old, _ := plain.Current("land-record-copy"); old.Fees[2].Poisha != 4000 || old.Steps[1].Post != "deputy-record-keeper" || old.SLADays != 5 {
		t.Error("composing changed the base")
	}
	if _, ok := set.Current("vgd-card"); ok {
		t.Error("a hidden service is offered")
	}
	var ids []string
	for _, c := range catalogue.Diff(plain, set) {
		ids = append(ids, c.Service)
	}
	if want := []string{"grievance", "land-record-copy", "vgd-card", "base"}; !slices.Equal(ids, want) {
		t.Errorf("changed %v; want %v and nothing else", ids, want)
	}
	of := origin.Of("land-record-copy")
	if len(of) != 4 || of[0] != (dcat.Override{Service: "land-record-copy", Field: "fees.postage", Base: "4000", Value: "6000", Reason: "the courier's rate"}) {
		t.Errorf("the origin says %+v", of)
	}
	// What is kept composes the same again, over the next base too.
	raw, err := catalogue.EncodeOrigin(origin)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := catalogue.DecodeOrigin(raw)
	if err != nil {
		t.Fatal(err)
	}
	again, found := catalogue.ReadOverlay(kept.Files)
	if len(found) > 0 {
		t.Fatal(found)
	}
	if _, _, _, err := catalogue.BuildOver(base, again, set, []byte("the catalogue's key"), published()); !errors.Is(err, fault.Conflict) {
		t.Errorf("the same again: %v; want nothing to publish", err)
	}
	replace(t, base, "pack.yaml", "edition: 1", "edition: 2")
	replace(t, base, "services/land-record-copy.yaml", "poisha: 4000", "poisha: 5000")
	next, later, found, err := catalogue.BuildOver(base, again, set, []byte("the catalogue's key"), published())
	if err != nil || len(found) > 0 {
		t.Fatal(err, found)
	}
	if v, _ := next.Current("land-record-copy"); v.Number != 2 || next.Release.Base != 2 {
		t.Errorf("version %d over base %d; want the same version over base 2", v.Number, next.Release.Base)
	}
	if moved := catalogue.Moved(later.Fields); len(moved) != 1 || !strings.Contains(moved[0], "the base had 4000 and has 5000 now; the district keeps 6000") {
		t.Errorf("moved %q", moved)
	}
	back, err := catalogue.Rollback(&next.Release, &plain.Release, published())
	if err != nil || back.Base != 0 || len(back.Origin) != 0 {
		t.Errorf("a rollback behind the overlay: %+v, %v", back, err)
	}
}

// TestOverlayIsRefused is the table of what an overlay may not say, with the place and
// what to do.
func TestOverlayIsRefused(t *testing.T) {
	pack, found := catalogue.LoadPack(with(t, "land-record-copy", "grievance"))
	if len(found) > 0 {
		t.Fatal(found)
	}
	for _, tt := range []struct{ name, change, want string }{
		{"above the bound", "{service: land-record-copy, field: fees.postage, value: 10001}", "want 10000 or less"},
		{"below the bound", "{service: land-record-copy, field: fees.postage, value: 1999}", "want 2000 or more"},
		{"later than the base", "{service: land-record-copy, field: sla_days, value: 6}", "6 is above the bound: want 5 or less"},
		{"a field without a bound", "{service: land-record-copy, field: fees.government, value: 1}", "does not let a district change fees.government"},
		{"a field that nobody has", "{service: land-record-copy, field: colour, value: red}", "no field \"colour\""},
		{"a field that the base no longer has", "{service: land-record-copy, field: form.gone.help, value: {bn: ক, en: x}}", "no field \"form.gone.help\""},
		{"a service that the base no longer has", "{service: gone, field: hidden, value: true}", "no service \"gone\" any more"},
		{"an untranslated word", "{service: land-record-copy, field: form.mouza.help, value: {en: Where}}", "want the words in bn and in en"},
		{"another shape", "{service: land-record-copy, field: sla_days, value: soon}", "want a whole number"},
		{"a part too many", "{service: land-record-copy, field: form.mouza.help, value: {bn: ক, en: x, fr: y}}", "want a text in bn and en"},
		{"what the base fixes", "{service: grievance, field: hidden, value: true}", "fixes this field"},
		{"a post outside the bound", "{service: land-record-copy, field: steps.deputy-record-keeper.post, value: dc}", "\"dc\" is outside the bound"},
		{"a centre type that is none", "{service: land-record-copy, field: centre_types, value: [moon]}", "\"moon\" is outside the bound"},
		{"no centre type at all", "{service: land-record-copy, field: centre_types, value: []}", "each need one entry"},
		{"an unknown key", "{service: land-record-copy, field: sla_days, value: 4, colour: red}", "unknown field \"colour\""},
		{"the same field twice", "{service: land-record-copy, field: sla_days, value: 4}\n- {service: land-record-copy, field: sla_days, value: 3}", "leave one of the two"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, found := overlay(t, "# One change.\n- "+tt.change+"\n")
			if len(found) == 0 {
				found = o.Over(pack)
			}
			if len(found) != 1 || !strings.Contains(found[0].Text, tt.want) || found[0].File != "changes/fees.yaml" || found[0].Line < 2 {
				t.Errorf("findings %v; want one at a line of changes/fees.yaml with %q", found, tt.want)
			}
		})
	}
	o, _ := overlay(t, "- {service: land-record-copy, field: sla_days, value: 4}\n")
	alone := fstest.MapFS{"services/land-record-copy.yaml": smallPack(t)["services/land-record-copy.yaml"]}
	if _, _, err := catalogue.LintOver(alone, o); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "whole pack") {
		t.Errorf("an overlay over services alone: %v", err)
	}
	nameless := with(t, "land-record-copy")
	replace(t, nameless, "pack.yaml", "edition: 1", "# No edition.")
	if _, _, err := catalogue.LintOver(nameless, o); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "add edition: 1") {
		t.Errorf("a base without an edition: %v", err)
	}
	if _, found := catalogue.ReadOverlay([]dcat.File{{Name: "overlay.yaml", Text: []byte("district: \"41\"\n")}}); len(found) != 1 {
		t.Errorf("an overlay that names no base: %v", found)
	}
}

// TestBoundsAreLinted: a base that declares nonsense for its districts is no base.
func TestBoundsAreLinted(t *testing.T) {
	for _, tt := range []struct{ file, old, text, want string }{
		{"services/land-record-copy.yaml", "field: fees.postage", "field: fees.bribe", "no field \"fees.bribe\""},
		{"services/land-record-copy.yaml", "min: 2000", "min: low", "want a whole number or base"},
		{"services/land-record-copy.yaml", "one_of: [deputy-record-keeper", "one_of: [nobody", "no post \"nobody\""},
		{"district.yaml", "{field: hidden}", "{field: hidden, fixed: true, max: 1}", "with fixed or with min"},
		{"district.yaml", "{field: hidden}", "{fields: hidden}", "unknown field"},
	} {
		m := with(t, "land-record-copy")
		replace(t, m, tt.file, tt.old, tt.text)
		if found := catalogue.Lint(m); len(found) != 1 || !strings.Contains(found[0].Text, tt.want) || found[0].File != tt.file || found[0].Line == 0 {
			t.Errorf("%s: findings %v; want one of %q with its line", tt.text, found, tt.want)
		}
	}
}

// TestOverlayOfTheTimeToAnswer: a district may give more time than the base to bring what is asked for,
// never less, and none where the base waits for ever.
func TestOverlayOfTheTimeToAnswer(t *testing.T) {
	const file = "services/land-record-copy.yaml"
	base := with(t, "land-record-copy")
	change := func(days string) string {
		return "- {service: land-record-copy, field: info_days, value: " + days + "}\n"
	}
	for days, want := range map[string]string{"29": "below the bound", "0": "below the bound", "91": "above the bound", `"30"`: "want a whole number"} {
		o, found := overlay(t, change(days))
		_, _, more, err := catalogue.BuildOver(base, o, nil, []byte("the catalogue's key"), published())
		if err != nil && len(more) == 0 {
			t.Fatal(err)
		}
		if found = append(found, more...); len(found) != 1 || !strings.Contains(found[0].Text, want) || found[0].Line == 0 {
			t.Errorf("%s: findings %v; want one of %q with its line", days, found, want)
		}
	}
	set, _ := over(t, base, change("45"), nil)
	if v, _ := set.Current("land-record-copy"); v.InfoDays != 45 {
		t.Errorf("the district gives %d days", v.InfoDays)
	}
	replace(t, base, file, "info_days: 30\n", "")
	o, found := overlay(t, change("45"))
	_, _, more, _ := catalogue.BuildOver(base, o, nil, []byte("the catalogue's key"), published())
	if found = append(found, more...); len(found) != 1 || !strings.Contains(found[0].Text, "has no field \"info_days\"") {
		t.Errorf("findings %v; want none of the district's where the base has none", found)
	}
}

// TestOverlayOfGrace: a district may give what is under way another time than the base, within its
// bounds, and no time where the base has none.
func TestOverlayOfGrace(t *testing.T) {
	const file = "services/land-record-copy.yaml"
	base := with(t, "land-record-copy")
	replace(t, base, "district.yaml", "- {field: hidden}", "- {field: grace_days, min: 0, max: 60}\n- {field: hidden}")
	compose := func(days string) []catalogue.Finding {
		o, found := overlay(t, "- {service: land-record-copy, field: grace_days, value: "+days+"}\n")
		_, _, more, err := catalogue.BuildOver(base, o, nil, []byte("the catalogue's key"), published())
		if err != nil && len(more) == 0 {
			t.Fatal(err)
		}
		return append(found, more...)
	}
	wants := func(days, want string) {
		t.Helper()
		if found := compose(days); len(found) != 1 || !strings.Contains(found[0].Text, want) {
			t.Errorf("%s: findings %v; want one of %q", days, found, want)
		}
	}
	wants("9", "has no field \"grace_days\"")
	replace(t, base, file, "sla_days: 5", "sla_days: 5\ngrace_days: 30")
	wants("0", "want 1 to 3650 calendar days")
	wants("61", "above the bound")
	set, _ := over(t, base, "- {service: land-record-copy, field: grace_days, value: 45}\n", nil)
	if v, _ := set.Current("land-record-copy"); v.GraceDays != 45 {
		t.Errorf("the district gives %d days", v.GraceDays)
	}
}

// TestSeal: a folder that changed since somebody answered for it is refused, and the
// origin says who answered.
func TestSeal(t *testing.T) {
	base := with(t, "land-record-copy")
	text, err := catalogue.Seal(base, key('n'))
	if err != nil {
		t.Fatal(err)
	}
	base[catalogue.SealFile] = &fstest.MapFile{Data: text}
	_, origin := over(t, base, "- {service: land-record-copy, field: sla_days, value: 4}\n", nil)
	if public := key('n').Public().(ed25519.PublicKey); !origin.Base.Sealed || !slices.Equal(origin.Base.Signer, public) {
		t.Errorf("the base is answered for by %x", origin.Base.Signer)
	}
	if origin.Overlay.Sealed || string(origin.Overlay.Signer) != "the catalogue's key" {
		t.Errorf("the overlay is answered for by %x", origin.Overlay.Signer)
	}
	replace(t, base, "services/land-record-copy.yaml", "sla_days: 5", "sla_days: 9")
	if _, err := catalogue.BaseOf(base); !errors.Is(err, fault.Denied) {
		t.Errorf("a base that was changed since: %v; want denied", err)
	}
}

// TestServicesAloneBelowAnOverlay: a folder of services takes the place of the base's, with what the
// district has otherwise in them and within the bounds that came with the base; all else stays.
func TestServicesAloneBelowAnOverlay(t *testing.T) {
	base := smallPack(t)
	prev, was := over(t, base, jashore, nil)
	file := fstest.MapFS{"services/land-record-copy.yaml": base["services/land-record-copy.yaml"]}
	build := func() (*dcat.Set, *dcat.Origin, []catalogue.Finding, error) {
		return catalogue.BuildPart(file, was, prev, []byte("the catalogue's key"), published())
	}
	replace(t, file, "services/land-record-copy.yaml", "poisha: 4000", "poisha: 5000")
	replace(t, file, "services/land-record-copy.yaml", "freshness_days: 90", "freshness_days: 30")
	set, origin, found, err := build()
	if err != nil || len(found) > 0 {
		t.Fatal(err, found)
	}
	v, _ := set.Current("land-record-copy")
	if v.Number != 2 || v.SLADays != 3 || v.Fees[2].Poisha != 6000 || v.FreshnessDays != 30 {
		t.Errorf("the version %d has %d days, %d poisha, fresh for %d; want the district's fields in the folder's service", v.Number, v.SLADays, v.Fees[2].Poisha, v.FreshnessDays)
	}
	if changed := catalogue.Diff(prev, set); len(changed) != 1 || len(set.Services()) != len(prev.Services()) {
		t.Errorf("changed %v; want land-record-copy alone", changed)
	}
	if len(origin.Fields) != len(was.Fields) || len(origin.Of("grievance")) != 1 || origin.Of("land-record-copy")[0].Base != "5000" {
		t.Errorf("the origin says %+v; want every field, and the folder's values as the base's", origin.Fields)
	}
	if p := origin.Parts; len(p) != 1 || !slices.Equal(p[0].Services, []string{"land-record-copy"}) || p[0].Source.Hash.IsZero() || origin.Base.Hash != was.Base.Hash {
		t.Errorf("the origin says of the folder %+v", p)
	}
	// Another of the same service takes its place in the record.
	prev, was = set, origin
	replace(t, file, "services/land-record-copy.yaml", "poisha: 5000", "poisha: 5500")
	if _, origin, _, err = build(); err != nil || len(origin.Parts) != 1 {
		t.Errorf("two folders of one service leave %d parts, %v", len(origin.Parts), err)
	}
	// The folder's own bounds count, and those of the pack.
	replace(t, file, "services/land-record-copy.yaml", "sla_days: 5", "sla_days: 2")
	if _, _, found, err = build(); err != nil || len(found) != 1 || !strings.Contains(found[0].Text, "3 is above the bound: want 2 or less") {
		t.Errorf("a service that leaves no room for the district's term: %v, %v", found, err)
	}
	for _, unknown := range [][]byte{nil, {}} {
		prev.Bounds = unknown
		if _, _, _, err := build(); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "publish the whole pack") {
			t.Errorf("without the base's bounds: %v", err)
		}
	}
}

// TestBoundsTravelWithARelease: a release names what its base lets a district change, where whoever
// keeps it keeps that too; services alone take theirs along; a release of before stays as it was.
func TestBoundsTravelWithARelease(t *testing.T) {
	set := small(t)
	v, _ := set.Current("land-record-copy")
	admit := func(s *dcat.Set, field, value string) error {
		t.Helper()
		if sum := sha256.Sum256(s.Bounds); !bytes.Equal(sum[:], s.Release.Bounds) {
			t.Fatalf("the release names other bounds than it has")
		}
		b, err := catalogue.DecodeBounds(s.Bounds)
		if err != nil {
			t.Fatal(err)
		}
		base, _ := catalogue.FieldOf(v, field)
		return b.Admit(v, field, base, value)
	}
	for _, tt := range []struct{ field, value, want string }{
		{"sla_days", "4", ""},
		{"sla_days", "6", "6 is above the bound: want 5 or less"},
		{"fees.postage", "10001", "want 10000 or less"},
		{"fees.government", "1", "does not let a district change this of land-record-copy; it may change fees.postage"},
		{"centre_types", `["moon"]`, `"moon" is outside the bound`},
		{"colour", "1", "no such field"},
	} {
		err := admit(set, tt.field, tt.value)
		if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.field)) {
			t.Errorf("%s %s: got %v; want %q", tt.field, tt.value, err, tt.want)
		}
	}
	file := fstest.MapFS{"services/land-record-copy.yaml": smallPack(t)["services/land-record-copy.yaml"]}
	replace(t, file, "services/land-record-copy.yaml", "max: 10000", "max: 20000")
	wider, err := catalogue.Build(file, set, published())
	if err != nil {
		t.Fatal("bounds alone are worth a release:", err)
	}
	if err := admit(wider, "fees.postage", "10001"); err != nil || admit(wider, "sla_days", "6") == nil {
		t.Errorf("got %v; want the folder's bound for its service, and the pack's for the rest", err)
	}
	if back, err := catalogue.Rollback(&wider.Release, &set.Release, published()); err != nil || !bytes.Equal(back.Bounds, set.Release.Bounds) {
		t.Errorf("a rollback has other bounds than the release: %v", err)
	}
	old := *set
	old.Bounds, old.Release.Bounds = nil, nil // Of a hub that keeps none.
	replace(t, file, "services/land-record-copy.yaml", "freshness_days: 90", "freshness_days: 30")
	if next, err := catalogue.Build(file, &old, published()); err != nil || next.Release.Bounds != nil || next.Bounds != nil {
		t.Errorf("a hub of before is sent bounds: %v", err)
	}
	for _, bad := range []string{"", "\xa1\x01\x81\xa1\x01\x60", "\xa1\x01\x81\xa2\x01\x61x\x02\x64soon"} { // No field; a limit that is none.
		if _, err := catalogue.DecodeBounds([]byte(bad)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%x as bounds: %v; want invalid", bad, err)
		}
	}
}

// TestStepsAtOnePost: each step of a post is a field of its own, by the base's posts, in whatever
// order the changes stand; a bound on the post's steps counts for all.
func TestStepsAtOnePost(t *testing.T) {
	base := with(t, "land-record-copy")
	v, _ := small(t).Current("land-record-copy")
	first, second := -1, -1
	twice := *v
	for i, s := range v.Steps {
		if s.Post == "deputy-record-keeper" {
			first, second = i, i+1
			twice.Steps = slices.Insert(slices.Clone(v.Steps), i+1, s)
		}
	}
	if first < 0 {
		t.Fatal("the service has no such step")
	}
	named := func(path string) (string, bool) { return catalogue.FieldOf(&twice, path) }
	for path, want := range map[string]bool{
		"steps.deputy-record-keeper.name": true, "steps.deputy-record-keeper.2.name": true, "steps.deputy-record-keeper.2.post": true,
		"steps.deputy-record-keeper.1.name": false, "steps.deputy-record-keeper.3.name": false, "steps.deputy-record-keeper.02.name": false, "steps.deputy-record-keeper.2": false,
	} {
		if _, ok := named(path); ok != want {
			t.Errorf("%s: there is %v; want %v", path, ok, want)
		}
	}
	pack, found := catalogue.LoadPack(base)
	if len(found) > 0 {
		t.Fatal(found)
	}
	pack.Services[0] = &twice
	o, found := overlay(t, `- {service: land-record-copy, field: steps.deputy-record-keeper.post, value: record-keeper}
- {service: land-record-copy, field: steps.deputy-record-keeper.name, value: {bn: ক, en: First}}
- {service: land-record-copy, field: steps.deputy-record-keeper.2.name, value: {bn: খ, en: Second}}
`)
	if len(found) > 0 {
		t.Fatal(found)
	}
	services, found := o.Composed(pack)
	if len(found) > 0 {
		t.Fatal(found)
	}
	if a, b := services[0].Steps[first], services[0].Steps[second]; a.Post != "record-keeper" || a.Name.EN != "First" || b.Post != "deputy-record-keeper" || b.Name.EN != "Second" {
		t.Errorf("got %s %q and %s %q; want First at record-keeper, and Second where it was", a.Post, a.Name.EN, b.Post, b.Name.EN)
	}
}
