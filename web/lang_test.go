package web

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"kendro/catalogue"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/web/api"
)

func TestParseTaka(t *testing.T) {
	for text, want := range map[string]int64{
		"140": 14000, "১৪০": 14000, "140.5": 14050, "৳ ১,২৩,৪৫৬.৫০": 12345650, "0": 0,
		"": -1, "-5": -1, "1.234": -1, "দুইশ": -1, "1.x": -1, "99999999999999999999": -1,
	} {
		if got, err := parseTaka(text); err == nil && got != want || err != nil && want >= 0 {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
		if want >= 0 && want%100 == 0 && takaText(want) != strconv.FormatInt(want/100, 10) {
			t.Errorf("%d is typed as %q", want, takaText(want))
		}
	}
}

func TestTaka(t *testing.T) {
	for poisha, want := range map[int64][2]string{
		0:                {"৳ ০", "৳ 0"},
		5:                {"৳ ০.০৫", "৳ 0.05"},
		2000:             {"৳ ২০", "৳ 20"},
		99950:            {"৳ ৯৯৯.৫০", "৳ 999.50"},
		100000:           {"৳ ১,০০০", "৳ 1,000"},
		12345650:         {"৳ ১,২৩,৪৫৬.৫০", "৳ 1,23,456.50"},
		1_000_000_000_00: {"৳ ১,০০,০০,০০,০০০", "৳ 1,00,00,00,000"},
		-12345:           {"-৳ ১২৩.৪৫", "-৳ 123.45"},
	} {
		if bn, en := BN.Taka(poisha), EN.Taka(poisha); bn != want[0] || en != want[1] {
			t.Errorf("%d: got %s and %s; want %v", poisha, bn, en, want)
		}
	}
}

func TestDigits(t *testing.T) {
	if got := BN.Digits("0123456789 ab"); got != "০১২৩৪৫৬৭৮৯ ab" {
		t.Errorf("got %s", got)
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 99999: "99,999", 100000: "1,00,000", -1234567: "-12,34,567"} {
		if got := EN.Count(n); got != want {
			t.Errorf("%d: got %s; want %s", n, got, want)
		}
	}
}

func TestDays(t *testing.T) {
	at := time.Date(2026, 11, 21, 20, 5, 0, 0, time.UTC)
	if bn, en := BN.Moment(at), EN.Moment(at); bn != "২২ নভেম্বর ২০২৬, ০২:০৫" || en != "22 November 2026, 02:05" {
		t.Errorf("got %s and %s; want Dhaka's day", bn, en)
	}
	if got := BN.DateOr(nil, wordUnknownYet); got != wordUnknownYet.BN {
		t.Errorf("got %s", got)
	}
}

// TestWordsAreComplete reads the table of words: each has both languages, Bangla
// in Bangla letters and in NFC.
func TestWordsAreComplete(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "api/items.go")
	count := 0
	for _, path := range files {
		if strings.HasSuffix(path, "_templ.go") || strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		count += checkWords(t, file)
	}
	if count < 200 {
		t.Errorf("read %d words; the table has moved", count)
	}
	for s := application.Draft; int(s) < application.Stages; s++ {
		if _, ok := stageWords[s.String()]; !ok {
			t.Errorf("no words for the stage %s", s)
		}
	}
	for a := application.Accept; a.String() != ""; a++ {
		if _, ok := actionWords[a.String()]; !ok {
			t.Errorf("no words for the action %s", a)
		}
	}
	for _, a := range application.Acts() {
		if p := actPages[a.String()]; p.Title == (place.Name{}) || p.Button == (place.Name{}) || !slices.Contains(actOrder, a) {
			t.Errorf("the act %s has no form on an officer's page", a)
		}
	}
	for k := fault.Internal; k <= fault.Damaged; k++ {
		if _, ok := faultWords[k]; !ok {
			t.Errorf("no words for the failure %v", k)
		}
	}
}

// checkWords looks at every name that a file makes, and returns how many.
func checkWords(t *testing.T, file ast.Node) (count int) {
	t.Helper()
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if f, ok := call.Fun.(*ast.Ident); !ok || f.Name != "name" && f.Name != "words" {
			return true
		}
		bn, en := literal(t, call.Args[0]), literal(t, call.Args[1])
		count++
		bangla := strings.ContainsFunc(bn, func(r rune) bool { return unicode.Is(unicode.Bengali, r) })
		if en == "" || bn == "" || !bangla && bn != "–" && bn != "English" || !norm.NFC.IsNormalString(bn) {
			t.Errorf("%q, %q: want both languages, Bangla in NFC", bn, en)
		}
		return true
	})
	return count
}

func literal(t *testing.T, e ast.Expr) string {
	t.Helper()
	s, err := strconv.Unquote(e.(*ast.BasicLit).Value)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMarks(t *testing.T) {
	for custody, want := range map[api.Custody]string{
		api.Local: "✓○○", api.Replicated(2): "✓✓○○", api.Accepted: "✓✓○", api.Seen: "✓✓✓", api.Quarantined: "!",
	} {
		got := ""
		for _, m := range marks(BN, custody) {
			got += m.Sign
		}
		if got != want {
			t.Errorf("%s: got %s; want %s", custody, got, want)
		}
	}
}

// TestPartsHaveWords: whatever two versions of a service may have differently is said in both
// languages, with its sums and numbers as people write them.
func TestPartsHaveWords(t *testing.T) {
	for _, f := range catalogue.Fields() {
		if w := partWords[f]; w.BN == "" || w.EN == "" {
			t.Errorf("%s has no words", f)
		}
	}
	if len(partWords) != len(catalogue.Fields()) {
		t.Errorf("words of %d parts; there are %d", len(partWords), len(catalogue.Fields()))
	}
	p := catalogue.Alteration{Field: "fee", Of: "2 (government)", From: "10000", To: "12050"}
	if got := (caseView{}).part(BN, p); got != "ফি ২ (সরকারি ফি): ৳ ১০০ → ৳ ১২০.৫০" {
		t.Errorf("got %q", got)
	}
	if got := (caseView{}).part(EN, catalogue.Alteration{Field: "form"}); got != "The form is another" {
		t.Errorf("got %q", got)
	}
}
