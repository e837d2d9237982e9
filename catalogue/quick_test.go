package catalogue_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"kendro/catalogue"
	"kendro/domain/place"
)

// agree fails if the short way admits what the long one refuses, or reads
// another application from it. It returns what the short way said.
func agree(tb testing.TB, in *catalogue.Intake, body []byte) bool {
	tb.Helper()
	got, ok := in.Quick(body, place.Union, published())
	if !ok {
		return false
	}
	want, wrong, err := in.Leisurely(body, place.Union, published())
	if err != nil || len(wrong) > 0 {
		tb.Fatalf("the short way admits what the library refuses: %v %v\n%s", wrong, err, body)
	}
	if !reflect.DeepEqual(got, want) {
		tb.Fatalf("the short way reads\n%+v\nand the long one\n%+v\nfrom %s", got, want, body)
	}
	return true
}

// Every service's form is plain, and every sample takes the short way: else the
// speed of intake would depend on the service.
func TestQuickTakesEverySample(t *testing.T) {
	set, s, in := release(t), newSampler(t), newIntake(t)
	if !in.Applicant().Plain() {
		t.Error("the applicant's form is not plain")
	}
	for _, v := range set.Services() {
		if form, err := in.Form(v); err != nil || !form.Plain() {
			t.Errorf("the form of %s is not plain (%v)", v.ID, err)
		}
		for seed := range uint64(40) {
			body, err := s.Body(v.ID, seed, "41-09-17")
			if err != nil {
				t.Fatal(err)
			}
			if !agree(t, in, body) {
				t.Fatalf("%s seed %d takes the long way: %s", v.ID, seed, body)
			}
		}
	}
}

// Bodies with something changed: whatever the short way still admits, the
// library admits as the same application.
func TestQuickAdmitsNothingElse(t *testing.T) {
	set, s, in := release(t), newSampler(t), newIntake(t)
	r := rand.New(rand.NewPCG(1, 2))
	services := set.Services()
	rounds, admitted := 10_000, 0
	if testing.Short() {
		rounds = 3_000
	}
	for i := range rounds {
		body, err := s.Body(services[i%len(services)].ID, uint64(i), "41-09-17")
		if err != nil {
			t.Fatal(err)
		}
		if agree(t, in, spoil(r, body)) {
			admitted++
		}
	}
	if admitted < rounds/20 || admitted > rounds*19/20 {
		t.Errorf("%d of %d were admitted: the changes try too little", admitted, rounds)
	}
}

// spoil changes one thing or two in a body, mostly so that it stays JSON.
func spoil(r *rand.Rand, body []byte) []byte {
	values := []string{
		`""`, `"x"`, `"ক"`, `"৯"`, `0`, `-1`, `1.0`, `1e2`, `99999999999`, `true`, `false`, `null`, `[]`, `{}`, `"2026-02-30"`, `"2024-02-29"`,
		`"য়"`, `"\u09df"`, `"ে\u09be"`, `"` + strings.Repeat("ক", 300) + `"`, `"a` + "\u2028" + `"`, `[{}]`, `"rs"`, `"01812345678"`, `"41-09"`,
	}
	text := string(body)
	for range 1 + r.IntN(2) {
		quotes := strings.Split(text, `"`)
		switch at := r.IntN(len(quotes)); r.IntN(6) {
		case 0: // Another word where a string stands, be it a key.
			quotes[at] = values[r.IntN(len(values))]
			text = strings.Join(quotes, `"`)
		case 1: // A member twice, or an unknown one.
			text = strings.Replace(text, `{`, fmt.Sprintf(`{"%s":%s,`, quotes[at], values[r.IntN(len(values))]), 1+r.IntN(3))
		case 2: // Another value behind a key.
			if parts := strings.Split(text, `":`); len(parts) > 1 {
				k := 1 + r.IntN(len(parts)-1)
				if end := strings.IndexAny(parts[k], ",}"); end > 0 {
					parts[k] = values[r.IntN(len(values))] + parts[k][end:]
				}
				text = strings.Join(parts, `":`)
			}
		case 3: // One letter.
			b := []byte(text)
			b[r.IntN(len(b))] = byte(r.IntN(256))
			text = string(b)
		case 4: // A letter of a string, by another of its kind.
			quotes[at] = strings.Map(func(c rune) rune {
				if r.IntN(8) == 0 && c > ' ' && c != '\\' {
					return c + 1
				}
				return c
			}, quotes[at])
			text = strings.Join(quotes, `"`)
		case 5: // Space that says nothing.
			text = strings.ReplaceAll(text, `,`, " ,\n\t")
		}
	}
	return []byte(text)
}

// What the short way reads of an application, however it is written, the long way
// reads as well, and its form is as wrong.
func TestQuickReadsTheSame(t *testing.T) {
	set, s, in := release(t), newSampler(t), newIntake(t)
	r := rand.New(rand.NewPCG(3, 4))
	rounds, quick, day := 2_000, 0, published()
	for i := range rounds {
		v := set.Services()[i%len(set.Services())]
		body, err := s.Body(v.ID, uint64(i), "41-09-17")
		if err != nil {
			t.Fatal(err)
		}
		app, ok := in.Quick(body, place.Union, day)
		if !ok {
			t.Fatalf("%s takes the long way: %s", v.ID, body)
		}
		form, err := in.Form(v)
		if err != nil {
			t.Fatal(err)
		}
		applicant, answers := app.Applicant, app.Form
		if i%2 == 1 {
			applicant, answers = spoil(r, applicant), spoil(r, answers)
		}
		if catalogue.AsIs(applicant) && catalogue.AsIs(answers) {
			quick++
		}
		got, err := catalogue.ApplicantOf(applicant)
		want, wantErr := catalogue.LeisurelyApplicant(applicant)
		if !reflect.DeepEqual(got, want) || (err == nil) != (wantErr == nil) {
			t.Fatalf("%s\nis read as %+v, %v\nand leisurely as %+v, %v", applicant, got, err, want, wantErr)
		}
		if got, want := catalogue.ShortAnswers(answers), catalogue.LeisurelyAnswers(answers); !maps.Equal(got, want) {
			t.Fatalf("%s\nis read as %v\nand leisurely as %v", answers, got, want)
		}
		if got, want := form.ValidateOn(answers, day), form.Wrong(answers, day); len(got) != len(want) {
			t.Fatalf("%s\nis judged %v\nand by the library %v", answers, got, want)
		}
	}
	if quick < rounds/2 || quick > rounds*9/10 {
		t.Errorf("%d of %d took the short way: the changes try too little, or too much", quick, rounds)
	}
}

// Forms whose rules the short way knows, and forms that it must leave alone.
func TestPlainForms(t *testing.T) {
	const row = `{"type":"object","additionalProperties":false,"required":["n"],"properties":{"n":{"type":"integer"}}}`
	for _, tt := range []struct {
		name, schema string
		plain        bool
	}{
		{"text", `"properties":{"a":{"type":"string","minLength":2,"maxLength":3,"pattern":"^[a-c]+$"}}`, true},
		{"choice", `"properties":{"a":{"type":"string","enum":["ab","ক"]}},"required":["a"]`, true},
		{"date", `"properties":{"a":{"type":"string","format":"date"}}`, true},
		{"whole", `"properties":{"a":{"type":"integer","minimum":-1,"maximum":2}}`, true},
		{"yes or no", `"properties":{"a":{"type":"boolean"}}`, true},
		{"rows", `"properties":{"a":{"type":"array","minItems":1,"maxItems":2,"items":` + row + `}}`, true},
		{"if", `"properties":{"a":{"type":"boolean"},"b":{"type":"string"}},"if":{"properties":{"a":{"const":true}},"required":["a"]},"then":{"required":["b"]}`, true},
		{"if text", `"properties":{"a":{"type":"string"},"b":{"type":"string"}},"if":{"properties":{"a":{"const":"x"}},"required":["a"]},"else":{"required":["b"]}`, true},
		{"if elsewhere", `"properties":{"a":{"type":"string"},"b":{"type":"string"}},"if":{"properties":{"a":{"minLength":2}},"required":["a"]},"else":{"required":["b"]}`, false},
		{"if not there", `"properties":{"a":{"type":"string"},"b":{"type":"string"}},"if":{"properties":{"a":{"const":"x"}}},"else":{"required":["b"]}`, false},
		{"unique rows", `"properties":{"a":{"type":"array","maxItems":2,"uniqueItems":true,"items":` + row + `}}`, false},
		{"multiple", `"properties":{"a":{"type":"integer","multipleOf":2}}`, false},
		{"not", `"properties":{"a":{"type":"string","not":{"const":"x"}}}`, false},
		{"dependent", `"properties":{"a":{"type":"string"},"b":{"type":"string"}},"dependentRequired":{"a":["b"]}`, false},
		{"number of members", `"properties":{"a":{"type":"string"}},"minProperties":1`, false},
		{"reference", `"$defs":{"t":{"type":"string"}},"properties":{"a":{"type":"string","$ref":"#/$defs/t"}}`, false},
		{"one of", `"properties":{"a":{"type":"string"}},"oneOf":[{"required":["a"]}]`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			form, err := catalogue.CompileForm([]byte(`{"type":"object","additionalProperties":false,` + tt.schema + `}`))
			if err != nil {
				t.Fatal(err)
			}
			if form.Plain() != tt.plain {
				t.Fatalf("plain is %v; want %v", form.Plain(), tt.plain)
			}
			for _, a := range []string{``, `"a":"a"`, `"a":"ab"`, `"a":"abca"`, `"a":"abd"`, `"a":"ক"`, `"a":"x"`, `"a":"2026-02-28"`, `"a":"2026-02-30"`, `"a":-2`, `"a":-1`, `"a":2`, `"a":3`, `"a":true`, `"a":false`, `"a":[]`, `"a":[{"n":1}]`, `"a":[{}]`, `"a":[{"n":1},{"n":1}]`, `"a":[{"n":1},{"n":1},{"n":2}]`, `"a":{}`, `"a":null`} {
				for _, b := range []string{``, `"b":""`, `"c":1`, `"A":"x"`} {
					answers := []byte("{" + strings.Trim(a+","+b, ",") + "}")
					right := len(form.Wrong(answers, time.Time{})) == 0
					if got := form.Admits(answers); got && !right || !got && right && tt.plain {
						t.Errorf("%s: the short way says %v, the library %v", answers, got, right)
					}
				}
			}
		})
	}
}

// Every text of three signs, and long ones: what the short look takes for NFC is.
func TestComposed(t *testing.T) {
	signs := []rune{'a', '<', '=', '\u0338', '\u00e9', '\u0301', '\u0964', '\u200c', '\u200d', '\u034f', '\u2260'}
	for r := rune(0x0980); r <= 0x09ff; r++ {
		signs = append(signs, r)
	}
	in := func(s string) bool {
		ok := catalogue.Composed(s)
		if ok && norm.NFC.String(s) != s {
			t.Fatalf("%+q is taken for NFC", s)
		}
		return ok
	}
	taken := 0
	for _, a := range signs {
		for _, b := range signs {
			for _, c := range signs {
				if in(string([]rune{a, b, c})) {
					taken++
				}
			}
		}
	}
	if taken < len(signs)*len(signs)*len(signs)/2 {
		t.Errorf("%d texts were taken: the short look is of little use", taken)
	}
	r := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		long := make([]rune, 60)
		few := signs[r.IntN(len(signs)-6):][:6]
		for i := range long {
			long[i] = few[r.IntN(len(few))]
		}
		in(string(long))
	}
	for _, mark := range []string{"\u09bc", "\u09cd", "\u09bc\u09cd"} {
		in("ক" + strings.Repeat(mark, 40))
	}
}

// FuzzQuick holds the short way of Check against the long one.
func FuzzQuick(f *testing.F) {
	in, s := newIntake(f), newSampler(f)
	f.Add([]byte(landBody))
	for i, v := range release(f).Services() {
		body, err := s.Body(v.ID, uint64(i), "41-09-17")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Add([]byte(`{"a":[1,true,{"b":"ে` + "\u09be" + `"}],"":-0}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if text, ok := catalogue.Rewritten(body); ok {
			if want, err := catalogue.Canonical(body); err != nil || text != string(want) {
				t.Fatalf("got %s; want %s, %v", text, want, err)
			}
		}
		agree(t, in, body)
	})
}

// BenchmarkLeisurely is BenchmarkCheck without the short way.
func BenchmarkLeisurely(b *testing.B) {
	in, body := newIntake(b), []byte(landBody)
	b.ReportAllocs()
	for b.Loop() {
		if _, errs, err := in.Leisurely(body, place.Union, published()); err != nil || len(errs) > 0 {
			b.Fatal(errs, err)
		}
	}
}
