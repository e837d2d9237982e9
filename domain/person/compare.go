package person

import (
	"slices"

	"kendro/domain/digit"
)

// A Grade is what a comparison comes to.
type Grade uint8

// The grades. Numbers are kept on disk: never reorder.
const (
	Different Grade = iota // Nothing to show to anybody.
	Possible               // Worth a look beside the other paper.
	Likely                 // To be looked at before anything is decided.
	Doubtful               // One number on two people: somebody mistyped it, or it is borrowed.
)

var gradeNames = [...]string{"different", "possible", "likely", "doubtful"}

// String returns the grade's name.
func (g Grade) String() string {
	if int(g) < len(gradeNames) {
		return gradeNames[g]
	}
	return ""
}

// A Reason is one thing that two papers agree or disagree in.
type Reason string

// The reasons.
const (
	SameIdentifier  Reason = "same_identifier"
	OtherIdentifier Reason = "other_identifier" // Two numbers of one kind.
	SameName        Reason = "same_name"        // It sounds the same.
	CloseName       Reason = "close_name"
	OtherName       Reason = "other_name"
	SameMobile      Reason = "same_mobile" // Often a family's, or the centre's.
	SameParent      Reason = "same_parent"
	OtherParents    Reason = "other_parents"
	SameBirth       Reason = "same_birth"
	OtherBirth      Reason = "other_birth"
	SameVillage     Reason = "same_village"
)

// A Likeness is how much two papers have in common, and what.
type Likeness struct {
	Grade   Grade
	Score   int // 0 to 100 and more: only to sort by.
	Because []Reason
}

// How names compare, by [Similar].
const (
	sameName  = 97
	closeName = 86
)

// weights are points for and against. An identifier and a name that is close make
// it likely; so do name, parent and village without any number (a rule without an
// ID: OpenCRVS PR 6144 shows what happens when there is none).
var weights = map[Reason]int{
	SameIdentifier: 60, OtherIdentifier: -25,
	SameName: 30, CloseName: 20, OtherName: -40,
	SameMobile: 15, SameParent: 20, OtherParents: -25,
	SameBirth: 25, OtherBirth: -25, SameVillage: 10,
}

// Points from which on a likeness has its grade.
const (
	possible = 45
	likely   = 60
)

// Compare says whether two papers speak of one citizen. It is symmetric.
func Compare(a, b *Person) Likeness {
	var l Likeness
	names := similarNames(a, b)
	l.add(identifiers(a, b)...)
	switch {
	case names < 0:
	case names >= sameName:
		l.add(SameName)
	case names >= closeName:
		l.add(CloseName)
	default:
		l.add(OtherName)
	}
	if m := digit.Only(a.Mobile); m != "" && m == digit.Only(b.Mobile) {
		l.add(SameMobile)
	}
	l.add(parents(a, b)...)
	if a.Born != "" && b.Born != "" {
		l.add(choose(a.Born == b.Born, SameBirth, OtherBirth))
	}
	if a.Area == b.Area && a.Area != "" && Similar(a.Village, b.Village) >= closeName {
		l.add(SameVillage)
	}
	switch {
	case l.has(SameIdentifier) && (l.has(OtherName) || l.has(OtherBirth) && l.has(OtherParents)):
		l.Grade = Doubtful
	case l.Score >= likely:
		l.Grade = Likely
	case l.Score >= possible:
		l.Grade = Possible
	}
	return l
}

func (l *Likeness) add(rs ...Reason) {
	for _, r := range rs {
		l.Score += weights[r]
		l.Because = append(l.Because, r)
	}
}

func (l *Likeness) has(r Reason) bool { return slices.Contains(l.Because, r) }

// similarNames is the best of what the names' spellings come to, -1 where one has none.
func similarNames(a, b *Person) int {
	best := -1
	for _, x := range []string{a.Name.BN, a.Name.EN} {
		for _, y := range []string{b.Name.BN, b.Name.EN} {
			if x != "" && y != "" {
				best = max(best, Similar(x, y))
			}
		}
	}
	return best
}

// identifiers compares kind by kind: one equal number outweighs others.
func identifiers(a, b *Person) []Reason {
	other := false
	for _, x := range a.Identifiers {
		for _, y := range b.Identifiers {
			x, y := x.Normal(), y.Normal()
			switch {
			case x.Kind != y.Kind || x.Value == "" || y.Value == "":
			case x.Value == y.Value:
				return []Reason{SameIdentifier}
			case x.Kind != NID || len(x.Value) == len(y.Value): // An old card and a smart card differ by right.
				other = true
			}
		}
	}
	if other {
		return []Reason{OtherIdentifier}
	}
	return nil
}

// parents agree when one is the same and the other not plainly another.
func parents(a, b *Person) []Reason {
	same, other := 0, 0
	for _, pair := range [][2]string{{a.Mother, b.Mother}, {a.Father, b.Father}} {
		if Key(pair[0]) == "" || Key(pair[1]) == "" {
			continue
		}
		if Similar(pair[0], pair[1]) >= closeName {
			same++
		} else {
			other++
		}
	}
	switch {
	case same > 0 && other == 0:
		return []Reason{SameParent}
	case other > 0 && same == 0:
		return []Reason{OtherParents}
	}
	return nil
}

func choose(yes bool, a, b Reason) Reason {
	if yes {
		return a
	}
	return b
}
