package catalogue

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"fmt"
	"math/rand/v2"

	"kendro/domain/fault"
)

//go:embed people.csv
var peopleWords []byte

// words are the generator's lists by kind.
type words map[string][]word

type word struct{ bn, en string }

func loadWords() (words, error) {
	r := csv.NewReader(bytes.NewReader(peopleWords))
	r.Comment, r.FieldsPerRecord = '#', 3
	recs, err := r.ReadAll()
	if err != nil {
		return nil, fault.Wrap("catalogue.Sample", fault.Internal, "people.csv", err)
	}
	w := words{}
	for _, rec := range recs {
		w[rec[0]] = append(w[rec[0]], word{bn: rec[1], en: rec[2]})
	}
	return w, nil
}

func (w words) pick(rng *rand.Rand, kind string) word {
	list := w[kind]
	return list[rng.IntN(len(list))]
}

// A person is one plausible citizen.
type person struct {
	name, father, mother word
	gender               string
	mobile               string
	nid, brn, passport   string
	village              word
	business             word
}

// person draws a person of this gender, or of either.
func (w words) person(rng *rand.Rand, gender string) person {
	p := person{gender: gender, village: w.pick(rng, "v"), business: join(w.pick(rng, "s"), w.pick(rng, "b"))}
	if gender == "" {
		p.gender = "male"
		if rng.IntN(100) < 47 {
			p.gender = "female"
		}
	}
	if rng.IntN(100) < 12 {
		p.hindu(rng, w)
	} else {
		p.muslim(rng, w)
	}
	p.mobile = mobile(rng)
	p.nid = nid(rng)
	p.brn = fmt.Sprintf("%d41%02d%02d%s", 1950+rng.IntN(70), 4+rng.IntN(90), 11+rng.IntN(88), digits(rng, 7))
	p.passport = fmt.Sprintf("A%08d", rng.IntN(1e8))
	return p
}

func (p *person) muslim(rng *rand.Rand, w words) {
	p.father = w.man(rng)
	p.mother = w.woman(rng)
	if p.gender == "female" {
		p.name = w.woman(rng)
	} else {
		p.name = w.man(rng)
	}
}

func (p *person) hindu(rng *rand.Rand, w words) {
	family := w.pick(rng, "c")
	given := "h"
	if p.gender == "female" {
		given = "g"
	}
	p.name = join(w.pick(rng, given), family)
	p.father = join(w.pick(rng, "h"), family)
	p.mother = join(w.pick(rng, "g"), family)
}

func (w words) man(rng *rand.Rand) word {
	name := join(w.pick(rng, "m"), w.pick(rng, "s"))
	if rng.IntN(2) == 0 {
		name = join(word{"মোঃ", "Md."}, name)
	}
	return name
}

func (w words) woman(rng *rand.Rand) word {
	name := join(w.pick(rng, "f"), w.pick(rng, "t"))
	if rng.IntN(3) == 0 {
		name = join(word{"মোছাঃ", "Mst."}, name)
	}
	return name
}

func join(a, b word) word { return word{bn: a.bn + " " + b.bn, en: a.en + " " + b.en} }

// nid makes a number in one of the three lengths in use: 10 on smart cards, 13
// on older ones, 17 with the year of birth before it.
func nid(rng *rand.Rand) string {
	switch rng.IntN(10) {
	case 0, 1, 2:
		return "41" + digits(rng, 11)
	case 3, 4:
		return fmt.Sprintf("%d41%s", 1945+rng.IntN(60), digits(rng, 11))
	default:
		return fmt.Sprintf("%d%s", 1+rng.IntN(9), digits(rng, 9))
	}
}

func digits(rng *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0' + byte(rng.IntN(10))
	}
	return string(b)
}

func mobile(rng *rand.Rand) string { return fmt.Sprintf("01%d%s", 3+rng.IntN(7), digits(rng, 8)) }
