package search

import (
	"cmp"
	"slices"
	"sync"

	"kendro/domain/person"
	"kendro/hub/register"
	"kendro/protocol"
)

// Likely returns the open cases of c's service whose applicant likely is c's, the likeliest
// first, of those that keep lets pass. One that is likely about the same fact is left out: that
// is an item of its own. Of a grievance there are none.
func (x *Index) Likely(reg *register.Register, c *register.Case, keep func(*register.Case) bool) ([]Like, error) {
	if c.Accused != nil {
		return nil, nil
	}
	list, err := x.Alike(reg, c, looked, func(o *register.Case) bool {
		return o.Service == c.Service && o.State.Stage.Open() && o.Number != c.Likely && c.Number != o.Likely && keep(o)
	})
	return slices.DeleteFunc(list, func(l Like) bool { return l.Grade == person.Possible }), err
}

// Before reports whether a case was here before another.
func Before(c, other *register.Case) bool {
	return cmp.Or(cmp.Compare(c.Accepted, other.Accepted), cmp.Compare(c.Number, other.Number)) < 0
}

// A Double is an open case that is likely an earlier one's applicant once more.
type Double struct {
	Number  protocol.Number
	Earlier protocol.Number
	Score   int // To sort by.
}

// Doubles remembers which cases are likely one person's twice, so that the list of a whole
// district need not compare all of them each time that somebody reads it. It keeps numbers
// and nothing that an application says. It is safe for concurrent use.
type Doubles struct {
	mu    sync.Mutex
	known map[protocol.Number]compared
	by    *Index // With which they were found: another one has forgotten what was erased.
}

// compared is what one case came to as it stood. Whatever changes what its applicant is called
// moves it on; then it is compared anew, with those before it and those after it.
type compared struct {
	version uint64
	doubles []Double
}

// maxCompared bounds what is remembered; cases that have ended are among it.
const maxCompared = 100_000

// Of returns the pairs of which a case is one, as it stands. known is false where it has to be
// compared first: [Doubles.Compare] does.
func (d *Doubles) Of(x *Index, n protocol.Number, version uint64) (list []Double, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.by != x || len(d.known) > maxCompared {
		d.known, d.by = map[protocol.Number]compared{}, x
	}
	c, ok := d.known[n]
	return c.doubles, ok && c.version == version
}

// Compare looks for the pairs of which a case is one, eight at most, and remembers them.
func (d *Doubles) Compare(x *Index, reg *register.Register, n protocol.Number) ([]Double, error) {
	const most = 8
	c, err := reg.Case(n)
	if err != nil {
		return nil, err
	}
	likes, err := x.Likely(reg, c, func(*register.Case) bool { return true })
	if err != nil {
		return nil, err
	}
	out := compared{version: c.State.Version}
	for _, l := range likes[:min(len(likes), most)] {
		p := Double{Number: n, Earlier: l.Case.Number, Score: l.Score}
		if Before(c, l.Case) {
			p.Number, p.Earlier = p.Earlier, p.Number
		}
		out.doubles = append(out.doubles, p)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.by == x {
		d.known[n] = out
	}
	return out.doubles, nil
}
