package catalogue_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kendro/catalogue"
)

func compile(tb testing.TB, id string) *catalogue.Form {
	tb.Helper()
	v, ok := release(tb).Current(id)
	if !ok {
		tb.Fatalf("no service %s", id)
	}
	form, err := catalogue.CompileForm(v.Form)
	if err != nil {
		tb.Fatal(err)
	}
	return form
}

const landForm = `{"mouza":"রাজাপুর","jl_no":"107","khatian_type":"rs","khatian_no":"539/2","copies":2,"delivery_mode":"centre"}`

func TestValidate(t *testing.T) {
	form := compile(t, "land-record-copy")
	if errs := form.Validate([]byte(landForm)); len(errs) != 0 {
		t.Fatalf("a complete form: %v", errs)
	}
	for _, tt := range []struct{ name, old, text, path, bn, en string }{
		{"missing", `"jl_no":"107",`, ``, "/jl_no", "এই ঘরটি পূরণ করুন।", "Fill in this field."},
		{"not listed", `"rs"`, `"xx"`, "/khatian_type", "তালিকা থেকে একটি উত্তর বেছে নিন।", "Choose one of the listed answers."},
		{"too many", `"copies":2`, `"copies":11`, "/copies", "১০ বা তার কম লিখুন।", "Write 10 or less."},
		{"too few", `"copies":2`, `"copies":0`, "/copies", "১ বা তার বেশি লিখুন।", "Write 1 or more."},
		{"not whole", `"copies":2`, `"copies":1.5`, "/copies", "পূর্ণ সংখ্যা লিখুন।", "Write a whole number."},
		{"text for a number", `"copies":2`, `"copies":"2"`, "/copies", "পূর্ণ সংখ্যা লিখুন।", "Write a whole number."},
		{"number for a text", `"107"`, `107`, "/jl_no", "লেখা হিসেবে উত্তর দিন।", "Answer with text."},
		{"wrong form", `"539/2"`, `"539/b"`, "/khatian_no", "উত্তরটি সঠিক আকারে লেখা হয়নি। যেমন 1042 বা 1042/3।", "The answer is not in the right form. Such as 1042 or 1042/3."},
		{"too long", `"রাজাপুর"`, `"` + strings.Repeat("ক", 61) + `"`, "/mouza", "সর্বোচ্চ ৬০ অক্ষর লেখা যাবে।", "Write no more than 60 characters."},
		{"unknown field", `"copies":2`, `"copies":2,"colour":"red"`, "/colour", "এই ফরমে এমন কোনো ঘর নেই; এটি বাদ দিন।", "This form has no such field: leave it out."},
		{"yes or no", `"copies":2`, `"copies":2,"envelope":"yes"`, "/envelope", "হ্যাঁ অথবা না উত্তর দিন।", "Answer yes or no."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := strings.Replace(landForm, tt.old, tt.text, 1)
			if data == landForm {
				t.Fatal("the case changes nothing")
			}
			errs := form.Validate([]byte(data))
			if len(errs) != 1 {
				t.Fatalf("%d errors %v; want 1", len(errs), errs)
			}
			got := errs[0]
			if got.Path != tt.path || normalised(got.Text.BN) != normalised(tt.bn) || got.Text.EN != tt.en {
				t.Errorf("got %+v; want %s %s %s", got, tt.path, tt.bn, tt.en)
			}
			if tt.name != "unknown field" && !got.Field.Complete() {
				t.Errorf("the error names no field: %+v", got)
			}
		})
	}
}

func normalised(s string) string {
	b, err := catalogue.Canonical([]byte(`"` + s + `"`))
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestErrorsComeInTheOrderOfTheForm(t *testing.T) {
	errs := compile(t, "land-record-copy").Validate([]byte(`{"copies":0,"zzz":1}`))
	var paths []string
	for _, e := range errs {
		paths = append(paths, e.Path)
	}
	if got, want := fmt.Sprint(paths), "[/mouza /jl_no /khatian_type /khatian_no /copies /delivery_mode /zzz]"; got != want {
		t.Errorf("paths %s; want %s", got, want)
	}
}

func TestDatesAndRows(t *testing.T) {
	form := compile(t, "warish-certificate")
	const ok = `{"deceased_name_bn":"ক খ","deceased_father_bn":"গ ঘ","death_date":"2026-01-31","heirs":[{"name_bn":"চ ছ","relation":"son","age":9}]}`
	if errs := form.Validate([]byte(ok)); len(errs) != 0 {
		t.Fatalf("a complete form: %v", errs)
	}
	for _, tt := range []struct{ old, text, path, en string }{
		{"2026-01-31", "2026-02-30", "/death_date", "There is no such date. Check its day, month and year and write it again."},
		{`"son"`, `"neighbour"`, "/heirs/0/relation", "Choose one of the listed answers."},
		{`"age":9`, `"age":-1`, "/heirs/0/age", "Write 0 or more."},
		{`,"age":9`, ``, "/heirs/0/age", "Fill in this field."},
		{`[{"name_bn":"চ ছ","relation":"son","age":9}]`, `[]`, "/heirs", "At least 1 rows are needed."},
		{`[{"name_bn":"চ ছ","relation":"son","age":9}]`, `7`, "/heirs", "A list is needed here."},
	} {
		errs := form.Validate([]byte(strings.Replace(ok, tt.old, tt.text, 1)))
		if len(errs) != 1 || errs[0].Path != tt.path || errs[0].Text.EN != tt.en || !errs[0].Field.Complete() {
			t.Errorf("%s: got %+v; want %s %s", tt.text, errs, tt.path, tt.en)
		}
	}
}

func TestUnreadableAnswers(t *testing.T) {
	form := compile(t, "land-record-copy")
	for name, data := range map[string]string{
		"empty":         "",
		"cut":           landForm[:40],
		"two values":    landForm + landForm,
		"double key":    strings.Replace(landForm, `"copies":2`, `"copies":2,"copies":3`, 1),
		"not UTF-8":     strings.Replace(landForm, "107", "\xff", 1),
		"deep":          strings.Repeat("[", 40) + strings.Repeat("]", 40),
		"too long":      `{"mouza":"` + strings.Repeat("x", catalogue.MaxBody) + `"}`,
		"long number":   `{"copies":` + strings.Repeat("9", 40) + `}`,
		"not an object": `[]`,
		"null":          `null`,
	} {
		if errs := form.Validate([]byte(data)); len(errs) == 0 {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestManyErrorsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("{")
	for i := range 500 {
		fmt.Fprintf(&b, `"x%d":1,`, i)
	}
	b.WriteString(`"y":1}`)
	if errs := compile(t, "grievance").Validate([]byte(b.String())); len(errs) != catalogue.MaxErrors {
		t.Errorf("%d errors; want %d", len(errs), catalogue.MaxErrors)
	}
}

func TestFields(t *testing.T) {
	fields := compile(t, "land-record-copy").Fields()
	f := fields[3]
	if f.Name != "khatian_type" || f.Widget != "select" || !f.Required || len(f.Options) != 4 || f.Options[0].Label.EN != "CS" || f.Path != "/khatian_type" {
		t.Errorf("the fourth field is %+v", f)
	}
	if f := fields[5]; f.Name != "dag_no" || f.Required {
		t.Errorf("the sixth field is %+v; want dag_no, optional", f)
	}
	applicant, err := catalogue.CompileApplicant()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range applicant.Fields() {
		if want := slices.Contains([]string{"area", "name_bn", "mobile", "gender", "village"}, f.Name); f.Required != want {
			t.Errorf("applicant field %s: required %v; want %v", f.Name, f.Required, want)
		}
	}
}

// ড় has two spellings; both come out as one.
func TestCanonical(t *testing.T) {
	one, err := catalogue.Canonical([]byte("{\"b\": \"\u09dc <&>\", \"a\": 1.50}"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := catalogue.Canonical([]byte("{\n\"a\":1.50,\"b\":\"\\u09a1\\u09bc <&>\"}"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "{\"a\":1.50,\"b\":\"\u09a1\u09bc <&>\"}"; string(one) != want || string(two) != want {
		t.Errorf("got %q and %q; want %q", one, two, want)
	}
}

func FuzzValidate(f *testing.F) {
	land, heirs := compile(f, "land-record-copy"), compile(f, "warish-certificate")
	f.Add([]byte(landForm))
	f.Add([]byte(`{"heirs":[{"age":1},{"age":"x"},null,[]]}`))
	f.Add([]byte(`{"copies":1e400}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		valid := len(land.Validate(data)) == 0
		heirs.Validate(data)
		out, err := catalogue.Canonical(data)
		if err != nil {
			if valid {
				t.Fatalf("valid but not canonical: %v", err)
			}
			return
		}
		again, err := catalogue.Canonical(out)
		if err != nil || string(again) != string(out) {
			t.Fatalf("not stable: %q then %q, %v", out, again, err)
		}
		if !json.Valid(out) {
			t.Fatalf("not JSON: %q", out)
		}
		if now := len(land.Validate(out)) == 0; now != valid {
			t.Fatalf("valid %v before, %v after Canonical", valid, now)
		}
	})
}

func BenchmarkValidate(b *testing.B) {
	form := compile(b, "land-record-copy")
	data := []byte(landForm)
	b.ReportAllocs()
	for b.Loop() {
		if errs := form.Validate(data); len(errs) != 0 {
			b.Fatal(errs)
		}
	}
}
