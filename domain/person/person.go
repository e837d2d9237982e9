package person

import (
	"strings"

	"kendro/domain/digit"
	"kendro/domain/place"
)

// A Person is what an application says of a citizen. Anything may be missing.
type Person struct {
	Name        place.Name
	Father      string
	Mother      string
	Mobile      string
	Born        string // 2006-01-02.
	Village     string
	Area        place.Code // Union or paurashava.
	Identifiers []Identifier
}

// The kinds of identifier.
const (
	NID      = "nid"      // National ID: 10 digits, 13, or 17 with the year of birth before the 13.
	BRN      = "brn"      // Birth registration: 17 digits.
	Passport = "passport" // One or two letters and seven or eight digits.
)

// An Identifier is a number with its kind. A number says nothing without it: 17
// digits may be a national ID or a birth registration.
type Identifier struct {
	Kind  string
	Value string
}

// Normal returns the identifier in the one form in which it is compared: Latin
// digits, capital letters, no spaces or hyphens, and a national ID of 17 digits
// without the year in front, which makes it the older one of 13.
func (i Identifier) Normal() Identifier {
	v := strings.Map(func(r rune) rune {
		switch r = digit.Latin(r); {
		case r >= 'a' && r <= 'z':
			return 'A' + r - 'a'
		case r == ' ' || r == '-' || r == '\u00a0':
			return -1
		}
		return r
	}, i.Value)
	if i.Kind == NID && len(v) == 17 {
		v = v[4:]
	}
	return Identifier{Kind: i.Kind, Value: v}
}

// Keys returns what an index files a person under. Two papers of one person share
// at least one, unless hardly anything on them agrees; those who share one are then
// compared. One kind of key needs no identifier and no mobile, since the number is
// what is missing or mistyped most often.
func (p *Person) Keys() []string { return p.KeysOf(p.Sounds()) }

// KeysOf is Keys for who has the person's Sounds already.
func (p *Person) KeysOf(sounds []string) []string {
	keys := make([]string, 0, 12)
	for _, i := range p.Identifiers {
		if i = i.Normal(); i.Value != "" {
			keys = append(keys, i.Kind+":"+i.Value)
		}
	}
	if m := digit.Only(p.Mobile); m != "" {
		keys = append(keys, "mobile:"+m)
	}
	parents := []string{Key(p.Mother), Key(p.Father)}
	for _, name := range sounds {
		if p.Born != "" {
			keys = append(keys, "born:"+p.Born+":"+name)
		}
		for _, k := range parents {
			if k != "" {
				keys = append(keys, "parent:"+name+":"+k)
			}
		}
		if p.Area != "" {
			keys = append(keys, "area:"+string(p.Area)+":"+name)
		}
	}
	return keys
}

// Sounds returns the keys of a name's spellings, each once.
func (p *Person) Sounds() []string {
	bn, en := Key(p.Name.BN), Key(p.Name.EN)
	switch {
	case bn == "" && en == "":
		return nil
	case bn == en || en == "":
		return []string{bn}
	case bn == "":
		return []string{en}
	}
	return []string{bn, en}
}
