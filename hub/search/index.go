package search

import (
	"slices"
	"strings"
	"sync"

	"kendro/catalogue"
	"kendro/domain/person"
	"kendro/protocol"
)

// An Index finds applications. It is safe for concurrent use.
type Index struct {
	following sync.Mutex // Held by the one that reads the register.
	at        map[protocol.LogID]protocol.Position

	mu       sync.RWMutex // Guards what follows.
	numbers  []protocol.Number
	postings *postings
	words    map[string]bool // Sounds of all words of names.
	behind   bool            // The register has more than was read.
}

// New returns an empty index.
func New() *Index {
	return &Index{
		at: map[protocol.LogID]protocol.Position{}, postings: newPostings(), words: map[string]bool{}, behind: true,
	}
}

// Terms of the postings.
const (
	termWord  = "w:" // A word of a name, as it sounds.
	termKey   = "k:" // A key of a person.
	termField = "f:" // A field of the form and what it says.
	termID    = "i:" // An identifier or mobile, whatever its kind.
)

// An entry is what the index keeps of one application.
type entry struct {
	number protocol.Number
	words  []string
	terms  []string
}

// entryOf reads an application. One that can't be read has its number alone.
func entryOf(n protocol.Number, sub *protocol.Submission) entry {
	e := entry{number: n}
	p, err := catalogue.ApplicantOf(sub.Applicant)
	if err != nil {
		return e
	}
	for _, name := range []string{p.Name.BN, p.Name.EN} {
		for w := range strings.FieldsSeq(person.Key(name)) {
			if !slices.Contains(e.words, w) {
				e.words = append(e.words, w)
				e.terms = append(e.terms, termWord+w)
			}
		}
	}
	for _, k := range p.Keys() {
		e.terms = append(e.terms, termKey+k)
	}
	for _, i := range p.Identifiers {
		e.terms = append(e.terms, termID+i.Normal().Value)
	}
	if p.Mobile != "" {
		e.terms = append(e.terms, termID+plain(p.Mobile))
	}
	for field, value := range catalogue.ShortAnswers(sub.Form) {
		if strings.ContainsAny(plain(value), "0123456789") {
			e.terms = append(e.terms, fieldTerm(field, value))
		}
	}
	return e
}

func fieldTerm(field, value string) string { return termField + field + "=" + plain(value) }

// plain returns letters and digits alone: Bangla digits in Latin, small letters
// large.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '০' && r <= '৯':
			return '0' + r - '০'
		case r == ' ' || r == '-' || r == '\u00a0':
			return -1
		}
		return r
	}, strings.ToUpper(s))
}

// add takes applications in.
func (x *Index) add(list []entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range list {
		if len(x.numbers) == maxDocs {
			return
		}
		x.postings.add(uint32(len(x.numbers)), e.terms)
		x.numbers = append(x.numbers, e.number)
		for _, w := range e.words {
			x.words[w] = true
		}
	}
	x.postings.settle()
}

// State says how far the index is: how many applications it holds, and whether that
// is all of them.
func (x *Index) State() (held int, complete bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.numbers), !x.behind && len(x.numbers) < maxDocs
}
