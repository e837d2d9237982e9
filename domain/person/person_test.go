package person

import (
	"encoding/csv"
	"os"
	"testing"

	"kendro/domain/place"
)

// namesOf reads the pairs of Bangla and English spellings that the sample
// generator draws from.
func namesOf(t *testing.T) [][2]string {
	t.Helper()
	f, err := os.Open("../../catalogue/people.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	recs, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var pairs [][2]string
	for _, rec := range recs {
		switch rec[0] {
		case "m", "f", "s", "t", "h", "g", "c": // Given and family names.
			pairs = append(pairs, [2]string{rec[1], rec[2]})
		}
	}
	if len(pairs) < 150 {
		t.Fatalf("only %d names", len(pairs))
	}
	return pairs
}

func TestOneKeyInBothScripts(t *testing.T) {
	for _, p := range namesOf(t) {
		if bn, en := Key(p[0]), Key(p[1]); bn != en {
			t.Errorf("%s %q, %s %q", p[0], bn, p[1], en)
		}
	}
}

func TestSpellings(t *testing.T) {
	for _, group := range [][]string{
		{"মোঃ আব্দুল করিম", "মোহাম্মদ আবদুল করিম", "Md. Abdul Karim", "Mohammad Abdul Korim", "abdul  karim"},
		{"রহিমা খাতুন", "রাহিমা খাতুন", "Rahima Khatun", "Rohima Khaton"},
		{"শাহীন", "শাহিন", "Shahin", "Shaheen"},
		{"হাসান", "Hassan", "হাছান", "Hasan"},
		{"জিয়াউর রহমান", "Ziaur Rahman", "জিয়াউর রহমান"}, // The last with য় in one piece.
		{"সাব্বির আহমেদ", "Sabbir Ahmed"},
		{"বিশ্বাস", "Biswas"},
		{"আনোয়ার হোসেন", "Anwar Hossain", "Anowar Hosen"},
		{"মোছাঃ সালমা আক্তার", "Mst. Salma Akter", "Salma Akhtar"},
		{"রাধাকৃষ্ণ দাস", "Radhakrishna Das"},
	} {
		for _, name := range group[1:] {
			if got, want := Key(name), Key(group[0]); got != want {
				t.Errorf("%s: %q; want %q as of %s", name, got, want, group[0])
			}
		}
	}
	for _, name := range []string{"", " .- ", "১২৩", "॥"} {
		if k := Key(name); k != "" {
			t.Errorf("%q has the key %q; want none", name, k)
		}
	}
}

func TestSimilar(t *testing.T) {
	for _, tt := range []struct {
		a, b     string
		from, to int
	}{
		{"মোঃ আব্দুল করিম", "Abdul Karim", 100, 100},
		{"Karim Abdul", "Abdul Karim", 100, 100},
		{"রহিমা বেগম", "রহিম বেগম", 90, 96}, // Another person, one letter off.
		{"Abdul Karim", "Abdul Karim Mia", 88, 95},
		{"Fatema Begum", "Fatima Bagam", 100, 100},
		{"আব্দুল করিম", "আব্দুল কাদের", 70, 85},
		{"রহিমা খাতুন", "সালমা আক্তার", 0, 70},
		{"Karim", "Abdul Karim", 75, 84},
		{"", "Karim", 0, 0},
	} {
		ab, ba := Similar(tt.a, tt.b), Similar(tt.b, tt.a)
		if ab < tt.from || ab > tt.to || ab != ba {
			t.Errorf("%s and %s: %d and %d; want %d to %d both ways", tt.a, tt.b, ab, ba, tt.from, tt.to)
		}
	}
}

// TestStrangersStayStrangers compares each name of the list with each other.
func TestStrangersStayStrangers(t *testing.T) {
	names := namesOf(t)
	pairs, close := 0, 0
	for i, a := range names {
		for _, b := range names[i+1:] {
			if a[0] == b[0] || Key(a[0]) == Key(b[0]) {
				continue
			}
			pairs++
			if Similar(a[0], b[1]) >= closeName {
				close++
			}
		}
	}
	t.Logf("%d of %d pairs of other names are close", close, pairs)
	if close*50 > pairs {
		t.Errorf("%d of %d pairs of other names are close; want one in 50 at most", close, pairs)
	}
}

func karim() Person {
	return Person{
		Name: place.Name{BN: "মোঃ আব্দুল করিম", EN: "Md. Abdul Karim"}, Father: "আব্দুর রহিম", Mother: "সালেহা খাতুন",
		Mobile: "01712345678", Village: "পুলেরহাট", Area: "41-47-20", Born: "1980-03-12",
		Identifiers: []Identifier{{NID, "19804119472012345"}},
	}
}

func TestCompare(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Person)
		want   Grade
	}{
		{"the same paper", func(*Person) {}, Likely},
		{"the older form of the number, Bangla digits", func(p *Person) { p.Identifiers[0].Value = "৪১১৯৪৭২০১২৩৪৫" }, Likely},
		{"another spelling, no number, no mobile", func(p *Person) {
			*p = Person{Name: place.Name{EN: "Abdul Korim"}, Mother: "Saleha Khatun", Village: "Puler Hat", Area: p.Area}
		}, Possible},
		{"no number: name, parents, birth", func(p *Person) { p.Identifiers, p.Mobile = nil, "" }, Likely},
		{"another kind of number", func(p *Person) { p.Identifiers = []Identifier{{BRN, "19804119472099999"}} }, Likely},
		{"a smart card's number", func(p *Person) { p.Identifiers[0].Value = "1234567890" }, Likely},
		{"his brother", func(p *Person) {
			p.Name, p.Born, p.Identifiers = place.Name{BN: "আব্দুল কাদের"}, "1984-01-01", []Identifier{{NID, "19844119472054321"}}
		}, Different},
		{"a namesake elsewhere", func(p *Person) {
			*p = Person{Name: p.Name, Father: "গোলাম মোস্তফা", Mother: "হালিমা বেগম", Mobile: "01811111111", Area: "41-09-17"}
		}, Different},
		{"his number, typed for somebody else", func(p *Person) {
			p.Name, p.Father, p.Mother, p.Born = place.Name{BN: "সালমা আক্তার"}, "মোস্তফা", "হালিমা", "1999-09-09"
		}, Doubtful},
		{"his wife with his mobile", func(p *Person) {
			*p = Person{Name: place.Name{BN: "রহিমা বেগম"}, Mobile: p.Mobile, Village: p.Village, Area: p.Area}
		}, Different},
		{"nothing", func(p *Person) { *p = Person{} }, Different},
	} {
		a, b := karim(), karim()
		tt.change(&b)
		ab, ba := Compare(&a, &b), Compare(&b, &a)
		if ab.Grade != tt.want || ba.Grade != ab.Grade || ba.Score != ab.Score {
			t.Errorf("%s: %v %d %v, the other way %v %d; want %v", tt.name, ab.Grade, ab.Score, ab.Because, ba.Grade, ba.Score, tt.want)
		}
		if ab.Grade != Different && !share(a.Keys(), b.Keys()) {
			t.Errorf("%s: no key in common, so nobody would compare them: %q %q", tt.name, a.Keys(), b.Keys())
		}
	}
}

func share(a, b []string) bool {
	in := map[string]bool{}
	for _, k := range a {
		in[k] = true
	}
	for _, k := range b {
		if in[k] {
			return true
		}
	}
	return false
}

// FuzzKey holds that any text has a key, that the key of a key's letters is stable
// and that likeness is symmetric.
func FuzzKey(f *testing.F) {
	for _, s := range []string{"মোঃ আব্দুল করিম", "Md. Abdul Karim", "ক্ষ্মজ্ঞৃ", "ngchhxq", "\xff\u09bc\u09cd"} {
		f.Add(s, "Karim")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, r := range Key(a) {
			if r != ' ' && (r < 'a' || r > 'z') {
				t.Errorf("key of %q holds %q", a, r)
			}
		}
		ab, ba := Similar(a, b), Similar(b, a)
		if ab < 0 || ab > 100 || Key(a) == "" && ab != 0 {
			t.Errorf("%q and %q: %d", a, b, ab)
		}
		if ab != ba {
			t.Errorf("%q and %q: %d and %d", a, b, ab, ba)
		}
		if Key(a) != "" && Similar(a, a) != 100 {
			t.Errorf("%q is only %d like itself", a, Similar(a, a))
		}
	})
}
