package web

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kendro/web/api"
)

// TestEveryReasonIsInWords reads the reasons that the register can give in its source: each has its sentence, in
// either language.
func TestEveryReasonIsInWords(t *testing.T) {
	sources, err := filepath.Glob("../hub/register/*.go")
	if err != nil {
		t.Fatal(err)
	}
	reasons := regexp.MustCompile(`(?:\b[wW]hy\w+ += |\.aside\(|AsideOverturned, Text: |refuse\(e, fault\.Conflict, )"([^"]+)"`)
	found := 0
	for _, path := range append(sources, "../domain/application/allowed.go") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range reasons.FindAllStringSubmatch(string(text), -1) {
			found++
			if words, ok := because(m[1]); !ok || words.BN == "" || words.EN == "" {
				t.Errorf("%s: %q is in no words: add it to web/why.go", path, m[1])
			}
		}
	}
	if found < 60 {
		t.Errorf("%d reasons were found; want the register's", found)
	}
	if words, ok := because("not possible while the case is APPROVED"); !ok || words.EN != "Not possible while the case is APPROVED." {
		t.Errorf("a reason that ends in a stage: %v, %v", words, ok)
	}
	if _, ok := because("something else"); ok {
		t.Error("what nobody has written about is in words")
	}
}

// TestUnionReadsWhyInBangla: why an act of a union was not taken stands on the page in its reader's language, and what
// the program wrote is folded below it.
func TestUnionReadsWhyInBangla(t *testing.T) {
	c, rec := unionCentre(t)
	c.asides = api.AsideList{Asides: []api.Aside{{
		ID: strings.Repeat("0a", 32), Number: rec.Number, Action: "approve", State: "set-aside", Next: "hub-desk", Text: "it was decided under no lease of this box",
	}}}
	page := c.get("/desk/asides", chairman()).Body.String()
	if !strings.Contains(page, "এই যন্ত্রে সিদ্ধান্ত দেওয়ার অনুমতি তখন ছিল না।") {
		t.Error("the page does not say why")
	}
	if _, folded, _ := strings.Cut(page, "<details>"); !strings.Contains(folded, `lang="en">it was decided under no lease of this box`) {
		t.Error("what the program wrote is not folded")
	}
}
