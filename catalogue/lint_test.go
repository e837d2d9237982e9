package catalogue_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"kendro/catalogue"
)

func TestLintOfThePackIsClean(t *testing.T) {
	for _, f := range catalogue.Lint(smallPack(t)) {
		t.Error(f)
	}
}

func TestLint(t *testing.T) {
	const file = "services/land-record-copy.yaml"
	for _, tt := range []struct{ name, old, text, want string }{
		{"unknown post", "post: record-keeper", "post: record-keepr", `no post "record-keepr"`},
		{"post of another level", "post: record-keeper\n    office_level: district/record-room", "post: record-keeper\n    office_level: upazila/land", `sits at "district/record-room", not at "upazila/land"`},
		{"post may not finalise", "post: record-keeper", "post: record-room-assistant", "may not finalise"},
		{"missing Bangla name", `name: {bn: "ভূমি রেকর্ডের জাবেদা নকল", `, `name: {`, "name lacks bn or en"},
		{"charge above ceiling", "poisha: 3000, ceiling: 5000", "poisha: 6000, ceiling: 5000", "6000 is above its ceiling 5000"},
		{"charge without ceiling", "poisha: 3000, ceiling: 5000", "poisha: 3000", "needs a ceiling"},
		{"fee per unknown field", "per: copies", "per: pages", `no integer field "pages"`},
		{"fee on unknown field", "field: delivery_mode", "field: delivery", `no string field "delivery"`},
		{"fee condition of nothing", "in: [post]", "in: []", "when wants either in"},
		{"channel not in the enum", "channels: [counter,", "channels: [pigeon,", `channel "pigeon": want one of`},
		{"channel twice", "channels: [counter,", "channels: [counter, counter,", `channel "counter" is double`},
		{"centre type", "centre_types: [union,", "centre_types: [village,", `centre type "village"`},
		{"schema invalid", "maxLength: 60", "maxLength: sixty", "form"},
		{"field type", "type: boolean", "type: number", `type "number": want string, integer, boolean`},
		{"pattern invalid", `pattern: "^[0-9]{1,6}$"`, `pattern: "^[0-9{1,6}$"`, "form"},
		{"open form", "form:\n  type: object\n  additionalProperties: false", "form:\n  type: object", "additionalProperties: false"},
		{"outside reference", "      type: boolean", "      $ref: https://example.com/s.json", "must be complete in itself"},
		{"required field unknown", "required: [mouza,", "required: [mauza,", `"mauza" is not among the properties`},
		{"option without label", `          bs: {bn: "বিএস", en: "BS"}`, `          bs: {bn: "বিএস"}`, `option "bs" has no label`},
		{"unknown sample", "sample: mouza", "sample: maujja", `no generator makes "maujja"`},
		{"a moment that nobody knows", "widget: radio", "widget: radio\n        not_after: tomorrow", "not_after: want today"},
		{"not after today, and no date", "widget: radio", "widget: radio\n        not_after: today", "not_after: want today"},
		{"unknown widget", "widget: radio", "widget: knob", `widget "knob"`},
		{"last step can't end it", "may_finalise: true", "may_finalise: false", "the last step must be mandatory and may_finalise"},
		{"forward without a decision", "decision: true", "decision: false", "needs decision: true (R-OF4)"},
		{"online only without a reason", "offline: intake", "offline: online_only", "needs an offline_reason"},
		{"unknown offline policy", "offline: intake", "offline: maybe", `offline "maybe"`},
		{"unknown category", "category: certified-copies", "category: copies", `category "copies" is not in categories.yaml`},
		{"unknown fee moment", "fee_at: after_approval", "fee_at: later", `fee_at "later"`},
		{"training that nobody declared", "kind: public", "kind: public\ntraining: [pilot]", `training "pilot" is not in trainings.yaml: declare it there`},
		{"training twice", "kind: public", "kind: public\ntraining: [pilot, pilot]", `training "pilot" is double`},
		{"days", "sla_days: 5", "sla_days: 0", "want 1 to 365 working days"},
		{"less than no time to answer", "info_days: 30", "info_days: -1", "info_days -1: want 1 to 365 calendar days"},
		{"too much time to answer", "info_days: 30", "info_days: 366", "info_days 366: want 1 to 365 calendar days"},
		{"no time at all for what is under way", "sla_days: 5", "sla_days: 5\ngrace_days: 0", "want 1 to 3650 calendar days, or leave it out"},
		{"too much time for what is under way", "sla_days: 5", "sla_days: 5\ngrace_days: 4000", "want 1 to 3650 calendar days"},
		{"a grace where a union decides", "procedure:\n  fee_days: 30", "grace_days: 9\nprocedure:\n  fee_days: 30\n  decide_at: node", "its lease says for how long it may"},
		{"bad id", "id: land-record-copy", "id: Land_Copy", "want small letters"},
		{"an agency's id", "id: land-record-copy", "id: bmet.record-copy", "give it an id without a dot, or have an editor submit it (kendro catalogue agency submit bmet)"},
		{"document that can't be shown", "required: true, original_at_counter: true", "required: true, original_at_counter: false", "could never be complete"},
		{"unknown key", "kind: public", "kind: public\ncolour: red", "unknown field"},
		{"double key", "kind: public", "kind: public\nkind: public", "already defined"},
		{"wrong type", "sla_days: 5", "sla_days: soon", "sla_days: soon\n"},
		{"anchor", "kind: public", "kind: &k public", "anchors"},
		{"alias", "kind: public", "kind: *k", "anchors"},
		{"two documents", "kind: public", "kind: public\n---\nkind: public", "one document a file"},
		{"decided at a box, and at another office", "  fee_days: 30", "  fee_days: 30\n  decide_at: node\n  certificate: {code: LR, valid_days: 90, block: 20, lease_days: 7}", "not at the centre's own office"},
		{"decided at a box without numbers", "  fee_days: 30", "  fee_days: 30\n  decide_at: node\n  certificate: {code: LR, valid_days: 90, lease_days: 7}", "want a certificate with a block"},
		{"decided at a box that knows of no other scans", "  fee_days: 30", "  fee_days: 30\n  decide_at: node", "take record, once and grievance away"},
		{"decided nowhere", "  fee_days: 30", "  fee_days: 30\n  decide_at: moon", `decide_at "moon"`},
		{"bad code of a certificate", "  fee_days: 30", "  fee_days: 30\n  certificate: {code: tl, valid_days: 90}", "2 to 8 capital letters"},
		{"a block and no lease", "  fee_days: 30", "  fee_days: 30\n  certificate: {code: TL, valid_days: 90, block: 3}", "belong to a service with decide_at: node"},
		{"unknown check", "checks: [record-scan]\n  - post", "checks: [record-scn]\n  - post", `no check "record-scn" is declared`},
		{"check that nothing asks for", "  - {id: record-scan,", "  - {id: other, name: {bn: খ, en: x}}\n  - {id: record-scan,", `check "other" is asked for nowhere`},
		{"untranslated check", `name: {bn: "রেকর্ডের স্ক্যান", en: "Scan of the record"}`, `name: {en: "Scan of the record"}`, "lack bn or en"},
		{"unknown post of the issue", "  issue:\n    post: record-keeper", "  issue:\n    post: record-keepr", `issue: no post "record-keepr"`},
		{"post that may not sign", "  issue:\n    post: record-keeper", "  issue:\n    post: record-room-assistant", "lacks the act sign"},
		{"no days to pay", "  fee_days: 30\n", "", "the procedure needs fee_days"},
		{"unreachable fee", "  fee_days: 30\n  issue:\n    post: record-keeper\n    office_level: district/record-room\n    name: {bn: \"নকল প্রস্তুত ও স্বাক্ষর\", en: \"Prepare and sign the copy\"}\n    days: 3\n    modes: [centre, counter, post]\n    mode_field: delivery_mode\n    checks: [record-scan]\n    close_days: 7\n", "  fee_days: 30\n", "is unreachable"},
		{"unknown mode", "modes: [centre, counter, post]", "modes: [centre, pigeon]", `mode "pigeon"`},
		{"modes that nobody can choose", "mode_field: delivery_mode", "mode_field: mouza", "no such field whose options are the modes"},
		{"unknown rule", "    checks: [record-scan]\n  - post", "    checks: [record-scan]\n    when: never-declared\n  - post", `no rule "never-declared"`},
		{"rule without a type", "checks:\n  - {id: record-scan", "rules:\n  - {id: many, if: form.copies, says: {bn: খ, en: x}}\nchecks:\n  - {id: record-scan", "comes to a int, not to yes or no"},
		{"rule on an unknown answer", "checks:\n  - {id: record-scan", "rules:\n  - {id: many, if: form.pages > 5, says: {bn: খ, en: x}}\nchecks:\n  - {id: record-scan", "undeclared reference"},
		{"rule of two types", "checks:\n  - {id: record-scan", "rules:\n  - {id: many, if: form.mouza > 5, says: {bn: খ, en: x}}\nchecks:\n  - {id: record-scan", "no matching overload"},
		{"a check that is asked for too late", "    checks: [record-scan]\n  - post", "  - post", "a delivery date would be promised before"},
		{"a record told by an answer that may be missing", "khatian_no], area", "dag_no], area", `no required field "dag_no"`},
		{"a record that nothing scans", "record: {check: record-scan", "record: {check: scan", `check "scan" is declared under checks`},
		{"passed over for no record", "  record: {check: record-scan, by: [mouza, jl_no, khatian_type, khatian_no], area: upazila}\n", "", "declares no record"},
		{"broken syntax", "kind: public", "kind: [public", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := with(t, "land-record-copy")
			replace(t, m, file, tt.old, tt.text)
			found := catalogue.Lint(m)
			for _, f := range found {
				if strings.Contains(f.Text, tt.want) && f.File == file {
					if f.Line == 0 {
						t.Errorf("finding %q has no line", f)
					}
					return
				}
			}
			t.Errorf("findings %v; want one with %q", found, tt.want)
		})
	}
}

// TestLintOfOtherRegisters: what another register says is waited for where a case waits,
// and a fact is told by answers that everybody gives.
func TestLintOfOtherRegisters(t *testing.T) {
	const file = "services/birth-registration.yaml"
	for _, tt := range []struct{ old, text, want string }{
		{"    checks: [registered]\n", "", "is waited for at the issue alone"},
		{"connector: civil-registration", "connector: Civil Registration", "want one check with a connector"},
		{"    mandatory: true\n", "    mandatory: true\n    checks: [registered]\n", "no step can wait for it"},
		{"by: [mother_nid]", "by: [father_nid]", `no required field "father_nid"`},
		{"on: birth_date", "on: birth_place", "is no date"},
		{"days: 5, name", "days: 60, name", "days of 0 to 31"},
	} {
		m := with(t, "birth-registration")
		replace(t, m, file, tt.old, tt.text)
		if found := catalogue.Lint(m); !slices.ContainsFunc(found, func(f catalogue.Finding) bool { return strings.Contains(f.Text, tt.want) }) {
			t.Errorf("%s: findings %v; want one with %q", tt.text, found, tt.want)
		}
	}
}

// TestLintOfRenewals: a renewal can be asked for, names the one before, and begins with
// answers that the form has.
func TestLintOfRenewals(t *testing.T) {
	const file = "services/trade-licence.yaml"
	for _, tt := range []struct{ old, text, want string }{
		{"      rule: renewal\n", "", "want the rule that holds for an application that renews"},
		{"rule: renewal\n", "rule: again\n", `no rule "again" is declared`},
		{"answer: licence_no", "answer: address", `no string field "address", left empty`},
		{"answer: licence_no", "answer: ward", `no string field "ward"`},
		{"set: {application_type: renewal}", "set: {application_type: again}", "not this answer to it"},
		{"set: {application_type: renewal}", "set: {licence_no: none}", "no such field beside the number's"},
		{"renew_within: 90", "renew_within: 365", "want 1 to 364 calendar days"},
		{"renew_within: 90", "", "want 1 to 364 calendar days"},
	} {
		m := with(t, "trade-licence")
		replace(t, m, file, tt.old, tt.text)
		if found := catalogue.Lint(m); !slices.ContainsFunc(found, func(f catalogue.Finding) bool { return strings.Contains(f.Text, tt.want) && f.Line > 0 }) {
			t.Errorf("%s: findings %v; want one with %q", tt.text, found, tt.want)
		}
	}
}

// TestLintProvesThatCasesEnd: a procedure in which a case can come to a stop is
// refused, whichever way leads there.
func TestLintProvesThatCasesEnd(t *testing.T) {
	const file = "services/trade-licence.yaml"
	for _, tt := range []struct{ name, old, text, want string }{
		{"nobody ends a renewal", "    decision: false\n    may_finalise: true", "    decision: false\n    may_finalise: true\n    when: new-licence", "dead end"},
		{"no step is left", "  - post: secretary", "  - when: new-licence\n    post: secretary", ""},
		{"a step that no case comes to", `form.application_type == "new"`, `false`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := with(t, "trade-licence")
			replace(t, m, file, tt.old, tt.text)
			found := catalogue.Lint(m)
			if tt.want == "" {
				for _, f := range found {
					t.Error(f) // Every outcome of a rule counts, and the chairman is still there.
				}
				return
			}
			if len(found) != 1 || !strings.Contains(found[0].Text, tt.want) || found[0].Line == 0 {
				t.Errorf("findings %v; want one with %q and a line", found, tt.want)
			}
		})
	}
}

// TestLintOfRefunds: what a service says is owed back is a share, no larger for who withdraws
// later, and of something.
func TestLintOfRefunds(t *testing.T) {
	const file = "services/land-record-copy.yaml"
	for _, tt := range []struct{ rule, want string }{
		{"{before_review: 100, in_review: 50, rejected: 0}", ""},
		{"{before_review: 101, in_review: 0}", "before_review 101: want 0 to 100"},
		{"{rejected: -1}", "rejected -1: want 0 to 100"},
		{"{before_review: 10, in_review: 20}", "in_review 20 is more than before_review 10"},
	} {
		m := with(t, "land-record-copy")
		replace(t, m, file, "refund: {before_review: 100, in_review: 50, rejected: 0}", "refund: "+tt.rule)
		found := catalogue.Lint(m)
		switch {
		case tt.want == "" && len(found) > 0:
			t.Errorf("%s: findings %v", tt.rule, found)
		case tt.want != "" && (len(found) != 1 || !strings.Contains(found[0].Text, tt.want) || found[0].Line == 0):
			t.Errorf("%s: findings %v; want one with %q and a line", tt.rule, found, tt.want)
		}
	}
	m := with(t, "grievance")
	replace(t, m, "services/grievance.yaml", "fee_at:", "refund: {before_review: 100}\nfee_at:")
	if found := catalogue.Lint(m); len(found) != 1 || !strings.Contains(found[0].Text, "no fees") {
		t.Errorf("of nothing: findings %v", found)
	}
}

func TestLintOfOtherFiles(t *testing.T) {
	for _, tt := range []struct{ name, file, old, text, want string }{
		{"two services of one ID", "services/grievance.yaml", "id: grievance", "id: trade-licence", "is taken by services/grievance.yaml"},
		{"office twice", "offices.yaml", "level: upazila/land", "level: upazila", "has two offices of level upazila"},
		{"unknown superior", "posts.yaml", "superior: uno", "superior: mayor", "unknown superior mayor"},
		{"unknown act", "posts.yaml", "acts: [preliminary", "acts: [dance", "unknown act dance"},
		{"area without parent", "areas.csv", "41-09,41,", "41-09,14,", "leads to no root"},
		{"area level", "areas.csv", ",upazila,", ",thana,", `at the level "thana"`},
		{"area columns", "areas.csv", "41-09,41,", "41-09,", "wrong number of fields"},
		{"holiday", "pack.yaml", `date: "2026-12-16"`, `date: "16.12.2026"`, "want a date such as 2026-12-16"},
		{"digits", "pack.yaml", "০১২৩", "০১২", "want the ten digits"},
		{"categories", "categories.yaml", `, en: "Land"`, "", "lacks a code or a name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := with(t, "grievance", "trade-licence")
			replace(t, m, tt.file, tt.old, tt.text)
			for _, f := range catalogue.Lint(m) {
				if strings.Contains(f.Text, tt.want) {
					return
				}
			}
			t.Errorf("findings %v; want one with %q", catalogue.Lint(m), tt.want)
		})
	}
	m := with(t, "grievance")
	delete(m, "posts.yaml")
	if found := catalogue.Lint(m); len(found) != 1 || found[0].File != "posts.yaml" {
		t.Errorf("without posts.yaml: %v; want one finding about it", found)
	}
}

func TestFindingShowsTheColumn(t *testing.T) {
	m := with(t, "grievance")
	replace(t, m, "services/grievance.yaml", "sla_days: 30", "sla_days: soon")
	found := catalogue.Lint(m)
	if len(found) != 1 {
		t.Fatalf("%d findings; want 1", len(found))
	}
	if !strings.HasSuffix(found[0].Text, "sla_days: soon\n          ^") {
		t.Errorf("finding %q doesn't point at the value", found[0].Text)
	}
	if want := "services/grievance.yaml:12:11: "; !strings.HasPrefix(found[0].String(), want) {
		t.Errorf("finding %q; want it to begin with %s", found[0], want)
	}
}

func TestHostileSources(t *testing.T) {
	for name, text := range map[string]string{
		"too long":         "id: x\n#" + strings.Repeat("x", catalogue.MaxFile),
		"deep flow":        "form: " + strings.Repeat("[", 5000),
		"deep block":       strings.Repeat("- ", 5000) + "x",
		"deep flow map":    "form: " + strings.Repeat("{a: ", 200),
		"bomb":             "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
		"empty":            "",
		"not a map":        "- 1\n- 2",
		"binary":           "\x00\x01\x02\xff",
		"complex key":      "? [a, b]\n: c",
		"tag":              "id: !!binary aGVsbG8=",
		"oversized number": "sla_days: 99999999999999999999999",
	} {
		m := fstest.MapFS{"services/x.yaml": &fstest.MapFile{Data: []byte(text)}}
		if found := catalogue.Lint(m); len(found) == 0 {
			t.Errorf("%s: no finding", name)
		}
	}
}

func FuzzLint(f *testing.F) {
	m := smallPack(f)
	f.Add(m["services/land-record-copy.yaml"].Data)
	f.Add(m["services/grievance.yaml"].Data)
	f.Add([]byte("form:\n  properties:\n    x: {type: array, items: {type: object}}"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		catalogue.Lint(fstest.MapFS{"services/x.yaml": &fstest.MapFile{Data: text}})
	})
}

// TestLintOfHours: what a pack says of office hours is refused with its line.
func TestLintOfHours(t *testing.T) {
	const always = `    - {days: [Sunday, Monday, Tuesday, Wednesday, Thursday], opens: "09:00", closes: "17:00"}`
	const ramadan = `    - {from: "2027-02-09", to: "2027-03-10", opens: "09:00", closes: "15:30", name: {bn: "রমজান মাস", en: "Ramadan"}}`
	line := func(text, part string) int {
		before, _, _ := strings.Cut(text, part)
		return strings.Count(before, "\n") + 1
	}
	for _, tt := range []struct{ name, old, text, want string }{
		{"a day without hours", "Wednesday, Thursday]", "Wednesday]", "hours: none that hold always, for every office, on a Thursday"},
		{"a day of the weekend", "Thursday], opens", "Thursday, Friday], opens", "Friday is of the weekend"},
		{"no day", "[Sunday, ", "[Sonntag, Sunday, ", `day "Sonntag": want an English day name`},
		{"a day twice", "[Sunday, ", "[Sunday, Sunday, ", "Sunday is double"},
		{"no time", `closes: "15:30"`, `closes: "half past three"`, "want times in quotes"},
		{"closed before it opens", `closes: "15:30"`, `closes: "08:30"`, "want a time to open and a later one to close"},
		{"ends before it begins", `to: "2027-03-10"`, `to: "2027-02-08"`, "a last day that is not before the first"},
		{"no date", `to: "2027-03-10"`, `to: "10 March"`, "want days such as 2027-02-09"},
		{"nobody says why", `, name: {bn: "রমজান মাস", en: "Ramadan"}`, "", "those for a time need a name in bn and en"},
		{"no such office", `{from: "2027-02-09"`, `{office: moon, from: "2027-02-09"`, `no office "moon"`},
		{"twice for one day", ramadan, ramadan + "\n" + ramadan, "begin with them on the same days"},
		{"an unknown key", `{from: "2027-02-09"`, `{noon: "13:00", from: "2027-02-09"`, "unknown field"},
	} {
		m := with(t, "land-record-copy")
		replace(t, m, "pack.yaml", tt.old, tt.text)
		found := catalogue.Lint(m)
		want := line(string(m["pack.yaml"].Data), "  hours:\n")
		if len(found) != 1 || !strings.Contains(found[0].Text, tt.want) || found[0].File != "pack.yaml" || found[0].Line < want || found[0].Line > want+3 {
			t.Errorf("%s: findings %v; want one with %q and its line, from %d on", tt.name, found, tt.want, want)
		}
	}
	m := with(t, "land-record-copy")
	replace(t, m, "pack.yaml", always, always+"\n    - {office: record-41, days: [Sunday], opens: \"10:00\", closes: \"16:00\"}\n"+
		`    - {from: "2027-07-01", opens: "08:00", closes: "15:00", name: {bn: "গ্রীষ্মকাল", en: "Summer"}}`)
	for _, f := range catalogue.Lint(m) {
		t.Error(f)
	}
}
