// Package finder finds applications by what they say: an identifier, a mobile, another
// system's number, words of a name as they sound in either script, or a field of the form.
//
// Enter at [Index.Add] and [Index.Matching], which gives the places, in the order in which they
// were added, of applications that may fit; whoever asks reads those and holds them against
// [Query.Holds] and [Query.Fit]. A hub finds in its register with it, a box in its journal.
//
// It refuses to keep what an application says: the words of names, as they sound, and hashes
// are all that lies in memory, some 130 bytes for each.
package finder

import (
	"cmp"
	"slices"
	"strings"

	"kendro/catalogue"
	"kendro/domain/digit"
	"kendro/domain/fault"
	"kendro/domain/person"
	"kendro/protocol"
)

// An Index says which applications have something in common with what is looked for. Whoever
// adds to it lets nobody read meanwhile.
type Index struct {
	postings *postings
	words    map[string]bool // Sounds of all words of names.
	held     int
}

// New returns an empty index.
func New() *Index { return &Index{postings: newPostings(), words: map[string]bool{}} }

// Terms of the postings.
const (
	termWord  = "w:" // A word of a name, as it sounds.
	termKey   = "k:" // A key of a person.
	termField = "f:" // A field of the form and what it says.
	termID    = "i:" // An identifier or mobile, whatever its kind.
	termOther = "o:" // The number of another system from which it was taken over.
)

// An Entry is what the index takes of one application.
type Entry struct {
	words []string
	terms []string
}

// EntryOf reads an application. Of one that can't be read nothing is found.
func EntryOf(sub *protocol.Submission) Entry {
	var e Entry
	p, err := catalogue.ApplicantOf(sub.Applicant)
	if err != nil {
		return e
	}
	e.terms = make([]string, 0, 24)
	sounds := p.Sounds()
	for _, name := range sounds {
		for w := range strings.FieldsSeq(name) {
			if !slices.Contains(e.words, w) {
				e.words = append(e.words, w)
				e.terms = append(e.terms, termWord+w)
			}
		}
	}
	for _, k := range p.KeysOf(sounds) {
		e.terms = append(e.terms, termKey+k)
	}
	for _, i := range p.Identifiers {
		e.terms = append(e.terms, termID+i.Normal().Value)
	}
	if p.Mobile != "" {
		e.terms = append(e.terms, termID+plain(p.Mobile))
	}
	if sub.Elsewhere != nil {
		e.terms = append(e.terms, termOther+plain(sub.Elsewhere.Number))
	}
	for field, value := range catalogue.ShortAnswers(sub.Form) {
		if strings.ContainsAny(value, "0123456789০১২৩৪৫৬৭৮৯") {
			e.terms = append(e.terms, fieldTerm(field, value))
		}
	}
	return e
}

// Add takes an application in, and returns its place; ok is false where the index is full.
// Nothing may be looked up before [Index.Settle].
func (x *Index) Add(e Entry) (place uint32, ok bool) {
	if x.Full() {
		return 0, false
	}
	place = uint32(x.held)
	x.postings.add(place, e.terms)
	for _, w := range e.words {
		x.words[w] = true
	}
	x.held++
	return place, true
}

// Settle lets what was added be found.
func (x *Index) Settle() { x.postings.settle() }

// Full reports whether no more is taken in.
func (x *Index) Full() bool { return x.held == maxDocs }

// Held is how many were added.
func (x *Index) Held() int { return x.held }

// Bytes is how many bytes of memory the index has for what was added.
func (x *Index) Bytes() int { return 8 * x.postings.size() }

// A Query is what somebody looks for. All that it says must fit.
type Query struct {
	Text   string            // A mobile, an identifier, another system's number, or words of a name.
	Fields map[string]string // Fields of the form, such as khatian_no, and what they say.
}

// Matching returns the places, ascending, of applications in which all that is looked for
// stands; hashes may collide. It is [fault.Invalid] where the query says nothing that can be
// looked up.
func (x *Index) Matching(q Query) ([]uint32, error) {
	var lists [][]uint32
	for field, value := range q.Fields {
		lists = append(lists, x.postings.find(fieldTerm(field, value)))
	}
	if said, ok := x.saying(q.Text); ok {
		lists = append(lists, said)
	}
	if len(lists) == 0 {
		return nil, fault.New("finder.Matching", fault.Invalid, "query",
			"say what to look for: a receive number, a mobile, an identifier, a name, or a field such as khatian_no")
	}
	return inAll(lists), nil
}

// Sharing returns the places, ascending, of applications that share one of a person's keys.
func (x *Index) Sharing(keys []string) []uint32 {
	var docs []uint32
	for _, k := range keys {
		docs = either(docs, x.postings.find(termKey+k))
	}
	return docs
}

// Holds reports whether an application's form says what is looked for.
func (q *Query) Holds(sub *protocol.Submission) bool {
	for field, want := range q.Fields {
		if plain(catalogue.ShortAnswers(sub.Form)[field]) != plain(want) {
			return false
		}
	}
	return true
}

// Fit is how well a name fits what is looked for, 0 to 100; 100 where a number was asked for.
func (q *Query) Fit(p *person.Person, other *protocol.Elsewhere) int {
	said := plain(q.Text)
	if q.Text == "" || isNumber(said) || other != nil && plain(other.Number) == said {
		return 100
	}
	return max(person.Similar(q.Text, p.Name.BN), person.Similar(q.Text, p.Name.EN))
}

// saying returns the places of which a text says something. ok is false for a text that says
// nothing.
func (x *Index) saying(text string) (docs []uint32, ok bool) {
	id := plain(text)
	other := x.postings.find(termOther + id)
	if isNumber(id) {
		docs = either(x.postings.find(termID+id), x.postings.find(termID+person.Identifier{Kind: person.NID, Value: id}.Normal().Value))
		return either(docs, other), true
	}
	var words [][]uint32
	for w := range strings.FieldsSeq(person.Key(text)) {
		words = append(words, x.sounding(w))
	}
	return either(inAll(words), other), len(words) > 0 || len(other) > 0
}

// sounding returns the places with a word of a name that sounds like w.
func (x *Index) sounding(w string) []uint32 {
	docs := x.postings.find(termWord + w)
	for other := range x.words {
		if other != w && person.Near(w, other) {
			docs = either(docs, x.postings.find(termWord+other))
		}
	}
	return docs
}

// inAll returns what stands in every list.
func inAll(lists [][]uint32) []uint32 {
	if len(lists) == 0 {
		return nil
	}
	slices.SortFunc(lists, func(a, b []uint32) int { return cmp.Compare(len(a), len(b)) })
	docs := lists[0]
	for _, l := range lists[1:] {
		docs = both(docs, l)
	}
	return docs
}

// isNumber reports whether a text is an identifier or a mobile: digits, with one or
// two letters before them on a passport.
func isNumber(s string) bool {
	digits := strings.TrimLeft(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	return len(digits) >= 7 && len(s)-len(digits) <= 2 && strings.Trim(digits, "0123456789") == ""
}

func fieldTerm(field, value string) string { return termField + field + "=" + plain(value) }

// plain returns letters and digits alone: Bangla digits in Latin, small letters
// large.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' {
			return -1
		}
		return digit.Latin(r)
	}, strings.ToUpper(s))
}
