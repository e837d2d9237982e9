package web

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/web/api"
)

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
	if got := LatinDigits("০১২৩৪৫৬৭৮৯ কখ 7"); got != "0123456789 কখ 7" {
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
	file, err := parser.ParseFile(token.NewFileSet(), "words.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		if f, ok := call.Fun.(*ast.Ident); !ok || f.Name != "name" {
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
	if count < 100 {
		t.Errorf("read %d words; the table has moved", count)
	}
	for s := application.Draft; int(s) < application.Stages; s++ {
		if _, ok := stageWords[s.String()]; !ok {
			t.Errorf("no words for the stage %s", s)
		}
	}
	for k := fault.Internal; k <= fault.Damaged; k++ {
		if _, ok := faultWords[k]; !ok {
			t.Errorf("no words for the failure %v", k)
		}
	}
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
