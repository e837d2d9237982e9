package desk

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/person"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/hub/search"
	"kendro/protocol"
	"kendro/web/api"
)

// doubleDesk lists, to whoever has the office or the area, cases that are likely one
// person's twice (DOMAIN §7 rows 2 and 34).
type doubleDesk struct {
	*Server
	found *search.Doubles
}

func (s doubleDesk) routes() {
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: api.DoublesPath, ID: "doubles", Act: access.ListTasks,
		Summary: "Open cases of the reader's office or area that are likely one person's twice, and of which no officer has said anything; the strongest first",
	}, s.list)
}

type doublesInput struct {
	Cursor string `query:"cursor" maxLength:"256"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type doublesOutput struct {
	Body api.DoubleList
}

// maxComparing is how long one call compares cases that nobody has compared before.
const maxComparing = time.Second

func (s doubleDesk) list(ctx context.Context, in *doublesInput) (*doublesOutput, error) {
	after, err := parseDoubleMark(in.Cursor)
	if err != nil {
		return nil, err
	}
	reg := s.search.fresh(ctx)
	all := gathered{reg: reg, index: s.search.index.Load(), found: s.found, mine: map[protocol.Number]bool{}}
	indexed, whole := all.index.State()
	all.whole = whole
	soon, stop := context.WithTimeout(ctx, maxComparing)
	defer stop()
	if err := all.gather(soon, api.CallerOf(ctx).Principal); err != nil {
		return nil, err
	}
	if err := all.pair(); err != nil {
		return nil, err
	}
	out := &doublesOutput{Body: api.DoubleList{
		Doubles: []api.Double{}, Open: len(all.mine), Compared: all.compared, Indexed: indexed, Complete: whole && all.compared == len(all.mine),
	}}
	keep := readableBy(ctx, reg)
	for _, p := range all.pairs {
		if after != nil && markOf(p.Double).compare(*after) <= 0 {
			continue
		}
		if len(out.Body.Doubles) == in.Limit {
			last := &out.Body.Doubles[in.Limit-1]
			out.Body.Next = doubleMark{last.Score, last.Later.Number, last.Earlier.Number}.String()
			break
		}
		d, ok, err := p.shown(reg, keep)
		if err != nil {
			return nil, err
		}
		if ok {
			out.Body.Doubles = append(out.Body.Doubles, d)
		}
	}
	return out, nil
}

// A pair is two cases of which somebody has to look at both.
type pair struct {
	search.Double
	said *register.Tie // Nil: nobody has said anything.
}

// gathered is what there is for one reader.
type gathered struct {
	reg   *register.Register
	index *search.Index
	found *search.Doubles

	whole    bool                     // The index holds all: what is compared now stays so.
	mine     map[protocol.Number]bool // Open cases that he may list; …
	compared int                      // … so many of them were compared.
	doubles  []search.Double
	pairs    []pair
}

// gather reads the tasks of the offices that somebody may list. Cases that nobody has compared
// yet are compared while ctx lasts, once the index holds all.
func (g *gathered) gather(ctx context.Context, who access.Principal) error {
	set := g.reg.Set()
	if set == nil {
		return nil
	}
	for _, o := range set.Directory.Offices {
		if access.May(who, access.ListTasks, access.Resource{Seat: place.Seat{Office: o.Code}, Areas: access.In(set.Directory, o.Area)}) != nil {
			continue
		}
		for after := ""; ; {
			tasks, next, err := g.reg.Tasks(register.TaskQuery{Office: o.Code, After: after, Limit: 500})
			if err != nil {
				return err
			}
			for _, t := range tasks {
				if err := g.task(ctx, t); err != nil {
					return err
				}
			}
			if after = next; after == "" {
				break
			}
		}
	}
	return nil
}

func (g *gathered) task(ctx context.Context, t register.Task) error {
	g.mine[t.Number] = true
	list, known := g.found.Of(g.index, t.Number, t.Version)
	if !known && !g.compares(ctx) {
		return nil
	}
	if !known {
		var err error
		if list, err = g.found.Compare(g.index, g.reg, t.Number); err != nil {
			return err
		}
	}
	g.compared++
	g.doubles = append(g.doubles, list...)
	return nil
}

// compares reports whether a case that is not compared yet is compared now.
func (g *gathered) compares(soon context.Context) bool { return g.whole && soon.Err() == nil }

// pair keeps those of which the later one lies where the reader may list it, and of which no
// officer has said anything that holds. Each was found with either of the two.
func (g *gathered) pair() error {
	slices.SortFunc(g.doubles, func(a, b search.Double) int { return markOf(a).compare(markOf(b)) })
	seen := map[[2]protocol.Number]bool{}
	for _, d := range g.doubles {
		two := [2]protocol.Number{d.Number, d.Earlier}
		if !g.mine[d.Number] || seen[two] {
			continue
		}
		seen[two] = true
		ties, err := g.reg.Ties(d.Number)
		if err != nil {
			return err
		}
		if tie, holds := tieTo(ties, d.Earlier); !holds {
			g.pairs = append(g.pairs, pair{d, tie})
		}
	}
	return nil
}

// shown is a pair as its reader sees it, compared once more: either may have ended since, and
// what one says may have been put right. What he may not read of the earlier one is its number
// alone.
func (p *pair) shown(reg *register.Register, keep func(*register.Case) bool) (d api.Double, ok bool, err error) {
	later, ok, err := search.Look(reg, p.Number, keep)
	if err != nil || !ok || later.Case.Likely == p.Earlier {
		return d, false, err
	}
	earlier, ok, err := search.Look(reg, p.Earlier, func(*register.Case) bool { return true })
	if err != nil || !ok || !later.Case.State.Stage.Open() || !earlier.Case.State.Stage.Open() {
		return d, false, err
	}
	l := person.Compare(&later.Name, &earlier.Name)
	if l.Grade != person.Likely && l.Grade != person.Doubtful {
		return d, false, nil
	}
	d = api.Double{
		Service: serviceRef(reg.Set(), later.Case.Service, int(later.Case.Edition)), Later: doubleCase(later), Earlier: doubleCase(earlier),
		Grade: l.Grade.String(), Score: p.Score, Because: []string{}, Identifiers: shared(&later.Name, &earlier.Name), Said: opinionsOf(p.said),
	}
	if !keep(earlier.Case) {
		d.Earlier.Applicant = nil
	}
	for _, r := range l.Because {
		d.Because = append(d.Because, string(r))
	}
	return d, true, nil
}

func doubleCase(h search.Hit) api.DoubleCase {
	c := h.Case
	out := api.DoubleCase{
		Number: c.Number, Stage: c.State.Stage.String(), Applicant: &h.Name.Name, Centre: string(c.Centre), SubmittedAt: api.Millis(c.Filed),
	}
	if c.State.Seat != (place.Seat{}) {
		out.Seat = c.State.Seat.String()
	}
	return out
}

// shared are the kinds of identifiers of which two people have the same.
func shared(a, b *person.Person) (kinds []string) {
	for _, x := range a.Identifiers {
		x = x.Normal()
		same := func(y person.Identifier) bool { y = y.Normal(); return x.Value != "" && x == y }
		if slices.ContainsFunc(b.Identifiers, same) && !slices.Contains(kinds, x.Kind) {
			kinds = append(kinds, x.Kind)
		}
	}
	return kinds
}

// A doubleMark is a place in the list: the strongest come first.
type doubleMark struct {
	Score   int             `json:"s"`
	Number  protocol.Number `json:"n"`
	Earlier protocol.Number `json:"e"`
}

func markOf(d search.Double) doubleMark { return doubleMark{d.Score, d.Number, d.Earlier} }

func (m doubleMark) compare(o doubleMark) int {
	return cmp.Or(cmp.Compare(o.Score, m.Score), cmp.Compare(m.Number, o.Number), cmp.Compare(m.Earlier, o.Earlier))
}

func (m doubleMark) String() string {
	raw, err := json.Marshal(m)
	if err != nil {
		panic(err) // Numbers always encode.
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func parseDoubleMark(cursor string) (*doubleMark, error) {
	if cursor == "" {
		return nil, nil
	}
	m := new(doubleMark)
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || json.Unmarshal(raw, m) != nil {
		return nil, fault.New("desk.doubles", fault.Invalid, "cursor", "not a cursor of this list: begin again without")
	}
	return m, nil
}
