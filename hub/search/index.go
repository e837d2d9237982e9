package search

import (
	"slices"
	"strings"
	"sync"

	"kendro/catalogue"
	"kendro/domain/digit"
	"kendro/protocol"
)

// An Index finds applications. It is safe for concurrent use.
type Index struct {
	following sync.Mutex // Held by the one that reads the register.
	at        map[protocol.LogID]reached

	mu       sync.RWMutex // Guards what follows.
	docs     []doc
	logs     []protocol.LogID
	postings *postings
	words    map[string]bool // Sounds of all words of names.
	behind   bool            // The register has more than was read.
	amended  int             // Documents of applications that were there already.
}

// A doc is one application, by its slip and its place in an uplink: the number by
// which the register knows it is looked up only when it is found.
type doc struct {
	printed protocol.Number
	log     uint32 // Of Index.logs.
	seq     uint32 // No box files four billion applications.
}

// A reached is how far a log was read.
type reached struct {
	log uint32 // Its index in Index.logs.
	seq uint64
}

// New returns an empty index.
func New() *Index {
	return &Index{
		at: map[protocol.LogID]reached{}, postings: newPostings(), words: map[string]bool{}, behind: true,
	}
}

// Terms of the postings.
const (
	termWord  = "w:" // A word of a name, as it sounds.
	termKey   = "k:" // A key of a person.
	termField = "f:" // A field of the form and what it says.
	termID    = "i:" // An identifier or mobile, whatever its kind.
	termOther = "o:" // The number of another system from which it was taken over.
)

// An entry is what the index keeps of one application.
type entry struct {
	doc   doc
	words []string
	terms []string
	again bool // Of an application that the index holds already.
}

// entryOf reads an application. One that can't be read has its number alone.
func entryOf(d doc, sub *protocol.Submission) entry {
	e := entry{doc: d}
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

// add takes applications in.
func (x *Index) add(list []entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range list {
		if len(x.docs) == maxDocs {
			break
		}
		x.postings.add(uint32(len(x.docs)), e.terms)
		x.docs = append(x.docs, e.doc)
		if e.again {
			x.amended++
		}
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
	return len(x.docs) - x.amended, !x.behind && len(x.docs) < maxDocs
}
