package search

import (
	"cmp"
	"slices"

	"kendro/catalogue"
	"kendro/domain/fault"
	"kendro/domain/person"
	"kendro/finder"
	"kendro/hub/register"
	"kendro/protocol"
)

// A Query is what somebody looks for. All that it says must fit.
type Query struct {
	finder.Query     // Its text may be a receive number as well.
	Limit        int // Hits at most.
	Keep         func(*register.Case) bool
}

// A Hit is one application that fits.
type Hit struct {
	Case *register.Case
	Name person.Person
	Fit  int // 0 to 100: how well the name fits; 100 where a number was asked for.

	Elsewhere *protocol.Elsewhere // Another system from which it was taken over.
}

// An Answer is the hits, the best first and the newest among equals.
type Answer struct {
	Hits []Hit
	More bool // There are more, or so many that not all were looked at: say more.
}

// looked is how many candidates are read from the register for one query.
const looked = 400

// Find answers a query. It is [fault.Invalid] when the query says nothing that can
// be looked up.
func (x *Index) Find(reg *register.Register, q Query) (Answer, error) {
	if n, err := protocol.ParseNumber(q.Text); err == nil && len(q.Fields) == 0 {
		if a, err := byNumber(reg, n, q); err != nil || len(a.Hits) > 0 {
			return a, err
		}
	}
	found, more, err := x.candidates(q)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{More: more}
	for _, d := range found {
		h, ok, err := d.hit(reg, q)
		if err != nil {
			return Answer{}, err
		}
		if !ok {
			continue
		}
		h.Fit = q.Fit(&h.Name, h.Elsewhere)
		a.Hits = append(a.Hits, h)
	}
	slices.SortStableFunc(a.Hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Fit, a.Fit), cmp.Compare(b.Case.Accepted, a.Case.Accepted))
	})
	if len(a.Hits) > q.Limit {
		a.Hits, a.More = a.Hits[:q.Limit], true
	}
	return a, nil
}

func byNumber(reg *register.Register, n protocol.Number, q Query) (Answer, error) {
	var a Answer
	also, err := reg.Aliases(n)
	if err != nil {
		return a, err
	}
	for _, n := range append([]protocol.Number{n}, also...) {
		h, ok, err := hit(reg, n, q)
		if err != nil {
			return a, err
		}
		if ok {
			h.Fit = 100
			a.Hits = append(a.Hits, h)
		}
	}
	return a, nil
}

// hit reads one case. ok is false where there is none that may be shown.
func hit(reg *register.Register, n protocol.Number, q Query) (h Hit, ok bool, err error) {
	c, err := reg.Case(n)
	if fault.KindOf(err) == fault.NotFound {
		return h, false, nil
	}
	if err != nil || !q.Keep(c) {
		return h, false, err
	}
	_, sub, err := reg.AsOf(c, 0)
	if err != nil {
		return h, false, ifErased(c, err)
	}
	if sub.Secret != nil && len(q.Fields) == 0 { // Nothing of it is known here but its number.
		return Hit{Case: c}, true, nil
	}
	p, err := catalogue.ApplicantOf(sub.Applicant)
	if err != nil {
		return h, false, nil //nolint:nilerr // Its number still finds it.
	}
	if !q.Holds(&sub) { // Hashes of terms may collide.
		return h, false, nil
	}
	return Hit{Case: c, Name: p, Elsewhere: sub.Elsewhere}, true, nil
}

// ifErased makes nothing of a case of which nobody knows any more what it was.
func ifErased(c *register.Case, err error) error {
	if c.Erased != 0 {
		return nil
	}
	return err
}

// Look returns one case, where there is one that may be shown.
func Look(reg *register.Register, n protocol.Number, keep func(*register.Case) bool) (h Hit, ok bool, err error) {
	return hit(reg, n, Query{Keep: keep})
}

// candidates returns the newest applications in which all that was
// asked for stands, and whether there are more.
func (x *Index) candidates(q Query) ([]candidate, bool, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	docs, err := x.finder.Matching(q.Query)
	if err != nil {
		return nil, false, err
	}
	return x.newest(docs), len(docs) > looked, nil
}

// A candidate is an application that may be what is looked for.
type candidate struct {
	printed protocol.Number
	log     protocol.LogID
	seq     uint64
}

// newest returns the newest of these documents, the very newest first. The caller
// holds the lock.
func (x *Index) newest(docs []uint32) []candidate {
	docs = docs[max(0, len(docs)-looked):]
	list, seen := make([]candidate, 0, len(docs)), make(map[doc]bool, len(docs))
	for _, at := range slices.Backward(docs) {
		d := x.docs[at]
		if seen[d] { // As it was filed, and as it was put right.
			continue
		}
		seen[d] = true
		list = append(list, candidate{printed: d.printed, log: x.logs[d.log], seq: uint64(d.seq)})
	}
	return list
}

// hit reads the case that a candidate became. An event whose case had come by another
// way before became none.
func (c candidate) hit(reg *register.Register, q Query) (h Hit, ok bool, err error) {
	n, err := reg.NumberAt(c.printed, c.log, c.seq)
	if fault.KindOf(err) == fault.NotFound {
		return h, false, nil
	}
	if err != nil {
		return h, false, err
	}
	return hit(reg, n, q)
}

// A Like is another case whose applicant is much like that of a case.
type Like struct {
	Hit
	person.Likeness
}

// Alike returns cases of people who may be the applicant of c, the likeliest first,
// at most limit. The same service on the same person is for somebody to look at
// (DOMAIN §7 rows 2 and 34); nothing is merged.
func (x *Index) Alike(reg *register.Register, c *register.Case, limit int, keep func(*register.Case) bool) ([]Like, error) {
	_, sub, err := reg.AsOf(c, 0)
	if err != nil || sub.Secret != nil {
		return nil, ifErased(c, err)
	}
	p, err := catalogue.ApplicantOf(sub.Applicant)
	if err != nil {
		return nil, nil //nolint:nilerr // Of what can't be read nothing is like it, as nothing is found.
	}
	return x.Resembling(reg, &p, limit, func(o *register.Case) bool { return o.Number != c.Number && keep(o) })
}

// Resembling returns cases of people who may be p, who need not have applied yet, as
// [Index.Alike] does.
func (x *Index) Resembling(reg *register.Register, p *person.Person, limit int, keep func(*register.Case) bool) ([]Like, error) {
	var list []Like
	for _, d := range x.sharing(p.Keys()) {
		h, ok, err := d.hit(reg, Query{Keep: keep})
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if l := person.Compare(p, &h.Name); l.Grade != person.Different {
			list = append(list, Like{Hit: h, Likeness: l})
		}
	}
	slices.SortStableFunc(list, func(a, b Like) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.Case.Accepted, a.Case.Accepted))
	})
	return list[:min(len(list), limit)], nil
}

// sharing returns the newest applications that share a key.
func (x *Index) sharing(keys []string) []candidate {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.newest(x.finder.Sharing(keys))
}
