// Package place names where Kendro works and who sits there: areas, offices,
// posts and digital centres.
//
// Enter at [ParseCentre] for a code typed by a person, and at [Directory] for
// the questions of routing: which office serves this applicant, who sits above
// whom, does this post cover that village.
//
// It refuses to know a country. Levels, names and codes come from a country
// pack, and travel inside a catalogue release.
package place

import (
	"strings"

	"kendro/domain/fault"
)

// A Name is what people call a thing, in both languages of the counter.
type Name struct {
	BN string `cbor:"1,keyasint" json:"bn" yaml:"bn"`
	EN string `cbor:"2,keyasint" json:"en" yaml:"en"`
}

// Complete reports whether both languages are there.
func (n Name) Complete() bool { return n.BN != "" && n.EN != "" }

// A Code is the official code of an area: "41" a district, "41-09" an upazila,
// "41-09-17" a union or paurashava. Divisions carry the letter D before their
// number ("D40"), since official division and district numbers overlap.
type Code string

// District returns the district part of the code, or "" for a division.
func (c Code) District() Code {
	head, _, _ := strings.Cut(string(c), "-")
	if len(head) != 2 || !digits(head) {
		return ""
	}
	return Code(head)
}

// A Centre is the code of a digital centre: district, upazila and union, such
// as "41-09-17". An upazila's own centre has the union 00. Centres that share
// an area with another end in a letter and two digits: w for a city ward, c for
// a citizen-service centre, e for an e-post centre ("41-47-20-e01").
type Centre string

// ParseCentre reads a centre code typed by a person. It fails with
// [fault.Invalid] and says what a code looks like. Whether such a centre exists
// is the [Directory]'s to say.
func ParseCentre(s string) (Centre, error) {
	parts := strings.Split(s, "-")
	ok := len(parts) == 3 || len(parts) == 4 && suffix(parts[3])
	if !ok || len(parts[0]) != 2 || len(parts[1]) != 2 || len(parts[2]) < 2 || len(parts[2]) > 3 ||
		!digits(parts[0]+parts[1]+parts[2]) {
		return "", fault.New("place.ParseCentre", fault.Invalid, clip(s),
			"want district-upazila-union, such as 41-09-17")
	}
	return Centre(s), nil
}

// District returns the district that the centre belongs to.
func (c Centre) District() Code { return c.part(1) }

// Upazila returns the upazila that the centre belongs to.
func (c Centre) Upazila() Code { return c.part(2) }

// Area returns the area that the centre serves: its union or paurashava, or the
// whole upazila where the union part is 00.
func (c Centre) Area() Code {
	area := c.part(3)
	if up := c.Upazila(); area == up+"-00" {
		return up
	}
	return area
}

func (c Centre) part(n int) Code {
	parts := strings.SplitN(string(c), "-", n+1)
	if len(parts) < n {
		return ""
	}
	return Code(strings.Join(parts[:n], "-"))
}

// Upazila returns the upazila that an area is, or lies in; empty for a district.
func (c Code) Upazila() Code {
	parts := strings.SplitN(string(c), "-", 3)
	if len(parts) < 2 {
		return ""
	}
	return Code(strings.Join(parts[:2], "-"))
}

// A Seat is one post in one office: what an officer is appointed to and what a
// task waits for. It is written post@office, such as "secretary@local-41-09-17".
type Seat struct {
	Post   string `cbor:"1,keyasint" json:"post"`
	Office string `cbor:"2,keyasint" json:"office"`
}

// ParseSeat reads a seat typed by a person. It fails with [fault.Invalid].
func ParseSeat(s string) (Seat, error) {
	post, office, ok := strings.Cut(s, "@")
	if !ok || post == "" || office == "" || len(s) > 128 || strings.ContainsAny(s, " \t\n") || strings.Contains(office, "@") {
		return Seat{}, fault.New("place.ParseSeat", fault.Invalid, clip(s),
			"want post@office, such as secretary@local-41-09-17")
	}
	return Seat{Post: post, Office: office}, nil
}

func (s Seat) String() string { return s.Post + "@" + s.Office }

func suffix(s string) bool {
	return len(s) == 3 && strings.ContainsRune("wce", rune(s[0])) && digits(s[1:])
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}

// clip keeps a hostile input from filling a log line.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
