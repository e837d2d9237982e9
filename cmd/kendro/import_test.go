package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"kendro/domain/fault"
	"kendro/web/api"
)

// TestImportFromAnotherSystem is R-OF9: a file as Excel writes it, with Bangla words and
// digits, comes over once; rows that are no application are named, and stop no other.
func TestImportFromAnotherSystem(t *testing.T) {
	x := newTale(t, nil)
	x.kendro("user add --dir hub --name clerk --role clerk --post dc-front-desk@dc-41 --from 2020-01-01 --password-file password")
	x.login("clerk", x.hub)
	const service = "land-record-copy"
	var form []string
	head := []string{"ক্রমিক", "আবেদন নম্বর", "তারিখ", "নাম", "লিঙ্গ", "মোবাইল", "গ্রাম", "এলাকা"}
	var rows [][]string
	for i := range 4 {
		var body struct{ Form, Applicant map[string]any }
		if err := json.Unmarshal([]byte(x.kendro(fmt.Sprintf("catalogue sample %s --seed %d --dir node", service, i+1))), &body); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			form = slices.Sorted(maps.Keys(body.Form))
			head = append(head, form...)
		}
		gender := map[any]string{"female": "নারী", "male": "পুরুষ"}[body.Applicant["gender"]]
		row := []string{
			fmt.Sprint(900 + i), fmt.Sprintf("EF-২০২৫/%d", i), "৫/১/২০২৫", fmt.Sprint(body.Applicant["name_bn"]), gender,
			strings.NewReplacer("0", "০", "1", "১", "7", "৭").Replace(fmt.Sprint(body.Applicant["mobile"])), fmt.Sprint(body.Applicant["village"]), "41-09-17",
		}
		for _, name := range form {
			text := ""
			if v, ok := body.Form[name]; ok {
				text = fmt.Sprint(v)
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	rows[2][5] = "12"                  // No mobile.
	rows[3] = rows[3][:len(rows[3])-2] // A cell is missing.
	mapping := "system: e-filing\nnumber: আবেদন নম্বর\nfiled_on: তারিখ\nservice: {value: " + service + "}\nchannel: {value: online}\n" +
		"applicant:\n  name_bn: নাম\n  gender: {column: লিঙ্গ, words: {নারী: female, পুরুষ: male}}\n  mobile: মোবাইল\n  village: গ্রাম\n  area: এলাকা\nform:\n"
	var sample struct {
		Form      map[string]any
		Documents []struct{ ID string }
	}
	if err := json.Unmarshal([]byte(x.kendro("catalogue sample "+service+" --seed 1 --dir node")), &sample); err != nil {
		t.Fatal(err)
	}
	for _, name := range form {
		as := ""
		switch sample.Form[name].(type) {
		case float64:
			as = ", as: number"
		case bool:
			as = ", as: \"yes\""
		}
		mapping += "  " + name + ": {column: " + name + as + "}\n"
	}
	for _, d := range sample.Documents {
		mapping += "originals: [" + d.ID + "]\n"
	}
	x.write("old.yaml", mapping)
	file := func(rows [][]string) {
		var b strings.Builder
		b.WriteString("\xef\xbb\xbf")
		w := csv.NewWriter(&b)
		w.Comma = ';'
		if err := w.WriteAll(append([][]string{head}, rows...)); err != nil {
			t.Fatal(err)
		}
		x.write("old.csv", b.String())
	}
	file(rows)
	run := func(more string) (out imported, err error) {
		text, err := x.run("import " + x.at("old.csv") + " --map " + x.at("old.yaml") + " --output json " + more + " " + x.as("clerk", x.hub))
		if jerr := json.Unmarshal([]byte(text), &out); jerr != nil {
			t.Fatalf("%s: %v, %v", text, jerr, err)
		}
		return out, err
	}
	if out, err := run("--dry-run"); !errors.Is(err, fault.Invalid) || out.Taken != 2 || out.Rows != 4 || len(out.Wrong) != 2 {
		t.Errorf("a dry run: %+v, %v", out, err)
	}
	out, err := run("")
	if !errors.Is(err, fault.Invalid) || out.Taken != 2 || out.Before != 0 || len(out.Wrong) != 2 {
		t.Fatalf("the first run: %+v, %v", out, err)
	}
	if w := out.Wrong; w[0].Line != 4 || !strings.Contains(w[0].Text, "/applicant/mobile") || w[0].Number != "EF-২০২৫/2" || w[1].Line != 5 || !strings.Contains(w[1].Text, "cells") {
		t.Errorf("wrong: %+v", w)
	}
	rows[2][5] = rows[1][5]
	file(rows[:3])
	if out, err := run(""); err != nil || out.Taken != 1 || out.Before != 2 {
		t.Errorf("the second run: %+v, %v", out, err)
	}
	if out, err := run(""); err != nil || out.Taken != 0 || out.Before != 3 {
		t.Errorf("once more: %+v, %v", out, err)
	}
	var found api.FoundList
	x.get("clerk", x.hub, "/v1/search?q=ef-2025/1", &found)
	if len(found.Found) != 1 || found.Found[0].Elsewhere == nil || found.Found[0].Elsewhere.On != "2025-01-05" || found.Indexed != 3 {
		t.Fatalf("found: %+v", found)
	}
	if code, raw := x.raw("clerk", x.hub, "/v1/applications/"+found.Found[0].Number.String()); code != 200 || strings.Contains(string(raw), `"901"`) {
		t.Errorf("got %d %s; want no row's own ID in it", code, raw)
	}
}
