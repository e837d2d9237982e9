package search

import (
	"cmp"
	"slices"
	"sync"

	"kendro/domain/person"
	"kendro/hub/register"
	"kendro/protocol"
)

// Earlier returns the open cases of c's service that were filed before it and whose applicant
// likely is c's, the likeliest first, three at most. The one that is likely about the same
// fact is left out: that is an item of its own. Of a grievance there are none.
func (x *Index) Earlier(reg *register.Register, c *register.Case) ([]Like, error) {
	const most = 3
	if c.Accused != nil {
		return nil, nil
	}
	list, err := x.Alike(reg, c, looked, func(o *register.Case) bool {
		before := cmp.Or(cmp.Compare(o.Accepted, c.Accepted), cmp.Compare(o.Number, c.Number)) < 0
		return before && o.Service == c.Service && o.State.Stage.Open() && o.Number != c.Likely
	})
	list = slices.DeleteFunc(list, func(l Like) bool { return l.Grade == person.Possible })
	return list[:min(len(list), most)], err
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
	known map[protocol.Number]compared // A case is compared anew once it has moved on.
	by    *Index                       // What they were found with …
	said  int                          // … and how many corrections that knew.
}

// compared is what one case came to.
type compared struct {
	version uint64
	doubles []Double
}

// maxCompared bounds what is remembered; cases that have ended are among it.
const maxCompared = 100_000

// Of returns the doubles of a case of before. known is false where it has to be compared first:
// [Doubles.Compare] does.
func (d *Doubles) Of(x *Index, n protocol.Number, version uint64) (list []Double, known bool) {
	said := x.corrections()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.by != x || d.said != said || len(d.known) > maxCompared {
		d.known, d.by, d.said = map[protocol.Number]compared{}, x, said
	}
	c, ok := d.known[n]
	return c.doubles, ok && c.version == version
}

// Compare looks a case up among those before it, and remembers what it came to.
func (d *Doubles) Compare(x *Index, reg *register.Register, n protocol.Number) ([]Double, error) {
	said := x.corrections()
	c, err := reg.Case(n)
	if err != nil {
		return nil, err
	}
	likes, err := x.Earlier(reg, c)
	if err != nil {
		return nil, err
	}
	out := compared{version: c.State.Version}
	for _, l := range likes {
		out.doubles = append(out.doubles, Double{Number: n, Earlier: l.Case.Number, Score: l.Score})
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.by == x && d.said == said {
		d.known[n] = out
	}
	return out.doubles, nil
}

// corrections counts the applications that were put right: one that was may be like others now.
func (x *Index) corrections() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.amended
}
