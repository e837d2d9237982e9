package desk

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// conflicts gathers what somebody has to look at: the items of cases, and what the
// register keeps aside without one. The latter ends by what is done about it.
type conflicts struct {
	reg *register.Register
	now time.Time
}

// Bounds of what is gathered, and the working days in which it is to be done.
const (
	mostAside    = 2000
	conflictDays = 5
	lateScan     = 24 * time.Hour // From when a scan that has not arrived is somebody's affair.
)

// all returns them, what is due earliest first; of scans that lack, those of an
// office's own cases.
func (c conflicts) all(office string) ([]api.Item, error) {
	var list []api.Item
	err := c.reg.OpenItems(func(it *register.Item) error {
		list = append(list, itemOf(it))
		return nil
	})
	for _, gather := range []func() ([]api.Item, error){c.aside, c.unrouted, c.twice, c.copied, func() ([]api.Item, error) { return c.lacking(office) }} {
		if err != nil {
			return nil, err
		}
		var some []api.Item
		some, err = gather()
		list = append(list, some...)
	}
	chief := c.chief().String()
	for i := range list {
		it := &list[i]
		if it.Owner == "" {
			it.Owner = chief
		}
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

// item is one that stands for something since a moment in Unix milliseconds.
func (c conflicts) item(id, kind string, since int64) api.Item {
	it := api.Item{ID: id, Kind: kind}
	it.Advice, _ = api.AdviceOn(kind)
	if since == 0 {
		return it
	}
	at := time.UnixMilli(since).In(api.Dhaka())
	it.Since = api.TimeOf(at)
	if set := c.reg.Set(); set != nil {
		it.Due = api.DateOf(application.WorkTerm(set.Directory.Calendar, at, conflictDays))
	}
	return it
}

// chief is the seat above all others of the district: its are the items that are
// nobody's.
func (c conflicts) chief() place.Seat {
	set, f := c.reg.Set(), c.reg.Founding()
	if set == nil || f == nil {
		return place.Seat{}
	}
	for _, p := range set.Directory.Posts {
		if _, above := set.Directory.Post(p.Superior); p.OfficeLevel == "district" && !above {
			if seat, ok := set.Directory.SeatFor(p.Code, place.Code(f.District)); ok {
				return seat
			}
		}
	}
	return place.Seat{}
}

// aside is what was quarantined: held cases while they are, and what no case came of.
func (c conflicts) aside() ([]api.Item, error) {
	list, err := c.reg.Quarantined(mostAside)
	var out []api.Item
	for _, q := range list {
		id := fmt.Sprintf("aside-%d-%d", q.Index, q.Place)
		it := c.item(id, "unreadable", 0)
		switch {
		case q.Number != 0 && q.Reason != register.WhyNoCase:
			k, err := c.reg.Case(q.Number)
			if err != nil || k.State.Stage != application.Submitted || register.HasItem(k.Held) {
				continue // It is settled, one way or the other, or it is an item of its own.
			}
			it = c.item(id, "held", k.Accepted)
			it.Centre = string(k.Centre)
		case q.Size > 0:
			it = c.item(id, "unopened-block", 0)
		case q.Reason == register.WhyNoCase:
			it = c.item(id, "no-case", 0)
		}
		if it.Text = q.Reason; it.Kind == "held" {
			it.Number = q.Number
		} else if q.Number != 0 {
			it.Text += ": " + q.Number.Spaced() // Nothing is to be opened under it.
		}
		if _, slot, ok := strings.Cut(q.Log.Name, "-"); ok && it.Centre == "" {
			if n, ok := c.reg.SlotOwner(slot); ok {
				it.Centre = string(n.Centre)
			}
		}
		out = append(out, it)
	}
	return out, err
}

// unrouted are the cases that wait for a desk to exist (R-CH5).
func (c conflicts) unrouted() ([]api.Item, error) {
	tasks, _, err := c.reg.Tasks(register.TaskQuery{Office: register.Unrouted().Office, Limit: 500})
	var out []api.Item
	for _, t := range tasks {
		it := c.item("unrouted-"+t.Number.String(), "unrouted", t.Since)
		it.Number, it.Centre, it.Text = t.Number, string(t.Centre), t.Service
		out = append(out, it)
	}
	return out, err
}

// twice are the open cases whose receipts carry another case's number (row 4).
func (c conflicts) twice() ([]api.Item, error) {
	var out []api.Item
	err := c.reg.ForEachAlias(func(printed, number protocol.Number) error {
		k, err := c.reg.Case(number)
		if errors.Is(err, fault.NotFound) || err == nil && k.State.Stage.Decided() {
			return nil
		}
		if err != nil {
			return err
		}
		it := c.item("twice-"+number.String(), "number-twice", k.Accepted)
		it.Number, it.Centre, it.Text = number, string(k.Centre), printed.Spaced()
		out = append(out, it)
		return nil
	})
	return out, err
}

// copied are the boxes at work of which a copy was seen (row 5).
func (c conflicts) copied() ([]api.Item, error) {
	var out []api.Item
	for _, n := range c.reg.Nodes() {
		if at, ok := c.reg.NodeOf(n.Centre); n.CopiedAt == 0 || !ok || at.Slot != n.Slot || n.RevokedAt != 0 {
			continue
		}
		it := c.item("copied-"+n.Slot, "box-copied", n.CopiedAt)
		it.Centre, it.Text = string(n.Centre), n.Slot
		out = append(out, it)
	}
	return out, nil
}

// lacking are cases of an office that name a scan which has not arrived in time
// (row 22).
func (c conflicts) lacking(office string) ([]api.Item, error) {
	if office == "" {
		return nil, nil
	}
	tasks, _, err := c.reg.Tasks(register.TaskQuery{Office: office, Limit: 500})
	var out []api.Item
	for _, t := range tasks {
		k, err := c.reg.Case(t.Number)
		if err != nil || len(k.Lacks) == 0 || c.now.Sub(time.UnixMilli(k.Accepted)) < lateScan {
			continue
		}
		it := c.item("scan-"+t.Number.String(), "document-missing", k.Accepted)
		it.Number, it.Centre, it.Owner = t.Number, string(t.Centre), t.Seat.String()
		out = append(out, it)
	}
	return out, err
}
