package desk

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/hub/search"
	"kendro/protocol"
	"kendro/web/api"
)

// conflicts gathers what somebody has to look at: the items of cases, and what stands on
// the desk without being one, which ends by what is done about it or by an officer's word.
type conflicts struct {
	reg   *register.Register
	index *search.Index
	now   time.Time
}

// Bounds of what is gathered, and the working days in which it is to be done.
const (
	conflictDays = 5
	lateScan     = 24 * time.Hour // From when a scan that has not arrived is somebody's affair.
	mostAlike    = 200            // Tasks of one desk for which others of the same person are looked for.
)

// all returns them, what is due earliest first; of persons who are alike, those whose cases
// lie at a desk.
func (c conflicts) all(seat place.Seat) ([]api.Item, error) {
	var list []api.Item
	err := c.reg.OpenItems(func(it *register.Item) error {
		list = append(list, itemOf(it))
		return nil
	})
	if err != nil {
		return nil, err
	}
	stand, err := c.reg.Matters(c.now.Add(-lateScan).UnixMilli())
	if err != nil {
		return nil, err
	}
	alike, err := c.alike(seat)
	for _, m := range append(stand, alike...) {
		list = append(list, c.item(m))
	}
	for i := range list {
		it := &list[i]
		it.Overdue = it.Due != nil && it.Due.Before(c.now)
	}
	slices.SortStableFunc(list, func(a, b api.Item) int {
		return cmp.Or(cmp.Compare(dueUnix(a), dueUnix(b)), cmp.Compare(a.ID, b.ID))
	})
	return list, err
}

func dueUnix(it api.Item) int64 {
	if it.Due == nil {
		return math.MaxInt64
	}
	return it.Due.Unix()
}

// item shows what stands there.
func (c conflicts) item(m *register.Matter) api.Item {
	it := api.Item{
		ID: m.ID, Kind: m.Kind, Number: m.Number, Owner: m.Owner.String(), Centre: string(m.Centre), Text: m.Text,
		Outcomes: register.MatterOutcomes(m.Kind),
	}
	it.Advice, _ = api.AdviceOn(m.Kind)
	it.Since, it.Due = c.term(m.Since)
	if m.Kind == register.MatterUnrouted {
		it.Desks = c.desks(m)
	}
	return it
}

// ended returns what officers have said of such things, the newest first.
func (c conflicts) ended() ([]api.Item, error) {
	list, err := c.reg.Endings(mostItems)
	out := make([]api.Item, 0, len(list))
	for _, e := range list {
		it := api.Item{
			ID: e.ID, Kind: e.Kind, Number: e.Number, Owner: e.Owner.String(), Centre: string(e.Centre), Text: e.Detail,
			Outcome: e.Outcome, Words: e.Words, SettledBy: e.By,
		}
		it.Advice, _ = api.AdviceOn(e.Kind)
		it.Since, it.Due = c.term(e.Since)
		out = append(out, it)
	}
	return out, err
}

// term is since when something stands there, in Unix milliseconds, and by when it is to be
// done.
func (c conflicts) term(since int64) (api.Time, *api.Date) {
	at := time.UnixMilli(since).In(api.Dhaka())
	set := c.reg.Set()
	if set == nil {
		return api.TimeOf(at), nil
	}
	return api.TimeOf(at), api.DateOf(application.WorkTerm(set.Directory.Calendar, at, conflictDays))
}

// desks are those to which a case without one may go: the posts of the offices of its area,
// and of those above.
func (c conflicts) desks(m *register.Matter) (seats []string) {
	k, err := c.reg.Case(m.Number)
	set := c.reg.Set()
	if err != nil || set == nil {
		return nil
	}
	areas := access.In(set.Directory, k.Area)
	for _, o := range set.Directory.Offices {
		if !slices.Contains(areas, o.Area) {
			continue
		}
		for _, p := range set.Directory.Posts {
			if p.OfficeLevel == o.Level {
				seats = append(seats, place.Seat{Post: p.Code, Office: o.Code}.String())
			}
		}
	}
	return seats
}

// alike are cases at a desk of which an earlier one, of the same service and open too, is
// likely the same person's, while no officer has said anything about the two.
func (c conflicts) alike(seat place.Seat) (list []*register.Matter, err error) {
	if seat == (place.Seat{}) {
		return nil, nil
	}
	tasks, _, err := c.reg.Tasks(register.TaskQuery{Office: seat.Office, Post: seat.Post, Limit: mostAlike})
	for _, t := range tasks {
		var some []*register.Matter
		if err == nil {
			some, err = c.doubles(t.Number)
		}
		list = append(list, some...)
	}
	return list, err
}

// doubles are the earlier cases of which one may be another once more.
func (c conflicts) doubles(n protocol.Number) (list []*register.Matter, err error) {
	const most = 3
	k, err := c.reg.Case(n)
	if err != nil {
		return nil, err
	}
	likes, err := c.index.Likely(c.reg, k, func(o *register.Case) bool { return search.Before(o, k) })
	if err != nil || len(likes) == 0 {
		return nil, err
	}
	ties, err := c.reg.Ties(n)
	for _, l := range likes[:min(len(likes), most)] {
		if _, said := tieTo(ties, l.Case.Number); said {
			continue
		}
		m, err := c.reg.Matter("person-" + n.String() + "-" + l.Case.Number.String())
		if err != nil {
			return nil, err
		}
		if m != nil {
			m.Text = strings.TrimSpace(m.Text + ": " + because(l))
			list = append(list, m)
		}
	}
	return list, err
}

// tieTo is what officers said of a case and another, nil for nothing, and whether a word of
// theirs holds.
func tieTo(ties []*register.Tie, other protocol.Number) (t *register.Tie, holds bool) {
	i := slices.IndexFunc(ties, func(t *register.Tie) bool { return t.Other == other })
	if i < 0 {
		return nil, false
	}
	return ties[i], ties[i].Verdict() != register.TakenBack
}

func because(l search.Like) string {
	words := make([]string, 0, len(l.Because))
	for _, r := range l.Because {
		words = append(words, string(r))
	}
	return strings.Join(words, ", ")
}
