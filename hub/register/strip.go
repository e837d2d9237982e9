package register

import (
	"bytes"
	"slices"

	"kendro/protocol"
)

// ErasedText stands in the place of words that were erased.
const ErasedText = "erased"

// strip leaves of a case what does not tell of its applicant: dates, desks, money, places.
func (e *eraser) strip(k *Case) {
	if k.Record != nil {
		e.dropScanOf(k)
		records{e.courses}.forget(k.Record)
	}
	for i := range k.History {
		t := &k.History[i]
		t.Text, t.Items, t.Cites, t.Document = "", nil, nil, nil
	}
	if k.Held != "" {
		k.Held = ErasedText
	}
	if k.Outside != nil {
		k.Outside = nil
	}
	k.Lacks, k.Record, k.Accused, k.Judges, k.Grounds, k.Erased = nil, nil, nil, nil, nil, e.meta.At
	for i := range k.Copies {
		if k.Copies[i].Reason != "" {
			k.Copies[i].Reason = ErasedText // Somebody wrote it.
		}
	}
	k.State.Asked, k.State.SupplyBy, k.State.Unanswered, k.State.AppealBy = "", 0, false, 0
	e.put(caseKey(k.Number), k)
	e.dropAll(key(tagDraft, u64(uint64(k.Number))))
	e.dropAll(key(tagCorrection, u64(uint64(k.Number))))
	e.dropTies(k)
	e.stripItems(k)
	if e.has(lackingKey(k.Number)) {
		e.del(lackingKey(k.Number))
	}
}

// stripEndings leaves no words on what officers ended of a case that was no item.
func (e *eraser) stripEndings() {
	for _, k := range e.about(sideKey(sideMatter)) {
		x := &Ending{}
		if e.get(k, x) && e.ours(x.Number) {
			x.Detail, x.Words = ErasedText, ErasedText
			e.put(k, x)
		}
	}
}

// dropScanOf lets the scan of an old paper stand, and no more for whom it was made.
func (e *eraser) dropScanOf(k *Case) {
	p := PaperRecord{}
	if e.get(records{e.courses}.key(k.Record), &p) && p.Number == k.Number {
		p.Number = 0
		e.put(records{e.courses}.key(k.Record), &p)
	}
}

// about returns the keys under a prefix whose pairs hold the number of one of the cases.
func (e *eraser) about(prefix []byte) (keys [][]byte) {
	e.keep(e.tx.Scan(prefix, nil, func(k, raw []byte) (bool, error) {
		if slices.ContainsFunc(e.cases, func(c *Case) bool { return bytes.Contains(raw, u64(uint64(c.Number))) }) {
			keys = append(keys, bytes.Clone(k))
		}
		return true, nil
	}))
	return keys
}

// ours reports whether a number is one of the cases'.
func (e *eraser) ours(n protocol.Number) bool {
	return slices.ContainsFunc(e.cases, func(c *Case) bool { return c.Number == n })
}

func (e *eraser) dropAll(prefix []byte) {
	for _, k := range e.under(prefix) {
		e.del(k)
	}
}

// dropTies takes back what officers said of this applicant and others.
func (e *eraser) dropTies(c *Case) {
	for _, k := range e.under(key(tagTie, u64(uint64(c.Number)))) {
		e.del(k)
		e.del(tieKey(numberOf(k[9:]), c.Number))
	}
}

// stripItems leaves kind, sum and outcome of a case's items.
func (e *eraser) stripItems(c *Case) {
	for _, k := range e.under(key(tagItem, u64(uint64(c.Number)))) {
		it := &Item{}
		if e.get(k, it) {
			it.Text, it.Words, it.Found, it.Bad, it.Fields, it.About = ErasedText, "", nil, "", nil, nil
			e.put(k, it)
		}
	}
}

// stripAside leaves no reason on what was set aside of a case.
func (e *eraser) stripAside() {
	for _, k := range e.about(key(tagQuarantine)) {
		q := &Quarantine{}
		if e.get(k, q) && e.ours(q.Number) {
			q.Reason = ErasedText
			e.put(k, q)
		}
	}
}

// dropFacts forgets what the cases were about.
func (e *eraser) dropFacts() {
	for _, k := range e.facts() {
		e.del(k)
	}
}

func (e *eraser) facts() [][]byte {
	return reading{e}.those(tagFact, nil, func(k, _ []byte) bool { return len(k) > 8 && e.ours(numberOf(k[len(k)-8:])) })
}

// dropAnswers takes the words of the cases out of what overtaken officers were answered.
func (e *eraser) dropAnswers() {
	for _, k := range e.answers() {
		var a answer
		var d Difference
		if !e.get(k, &a) || a.Result.Decode(&d) != nil || len(d.Since) == 0 {
			continue
		}
		ours := false
		for i := range d.Since {
			if t := &d.Since[i]; e.hasTurn(t) {
				t.Text, t.Items, t.Document, ours = "", nil, nil, true
			}
		}
		if ours {
			a.Result.Body = protocol.Marshal(&d)
			e.put(k, &a)
		}
	}
}

// answers are the keys of those that may hold words of the cases. While an order waits, no
// answer does: see overtaken.
func (e *eraser) answers() [][]byte {
	return reading{e}.those(tagAnswer, nil, func(_, raw []byte) bool { return len(raw) > 2*len(protocol.Hash{}) && e.quotes(raw) })
}

// quotes reports whether something holds words of one of the cases.
func (e *eraser) quotes(raw []byte) bool {
	for _, c := range e.cases {
		for i := range c.History {
			if text := c.History[i].Text; text != "" && bytes.Contains(raw, []byte(text)) {
				return true
			}
		}
	}
	return false
}

// hasTurn reports whether a turn is one of the cases'.
func (e *eraser) hasTurn(t *Turn) bool {
	return slices.ContainsFunc(e.cases, func(c *Case) bool {
		if t.Version == 0 || t.Version > uint64(len(c.History)) {
			return false
		}
		own := &c.History[t.Version-1]
		return own.At == t.At && own.Action == t.Action && own.Actor == t.Actor && own.Text == t.Text
	})
}
