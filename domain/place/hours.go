package place

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"kendro/domain/fault"
)

// The hours of an office whose calendar says nothing of them, from midnight.
const (
	OfficeOpens  = 9 * time.Hour
	OfficeCloses = 17 * time.Hour
)

// Hours say from when until when offices work. Of several that hold on one day, those
// count that begin last, and of those that begin together an office's own.
type Hours struct {
	Days   []string  `cbor:"1,keyasint,omitempty" json:"days,omitempty"` // English day names; none: every working day.
	Opens  TimeOfDay `cbor:"2,keyasint" json:"opens"`
	Closes TimeOfDay `cbor:"3,keyasint" json:"closes"`
	Office string    `cbor:"4,keyasint,omitempty" json:"office,omitempty"` // Its code; empty: every office.
	From   string    `cbor:"5,keyasint,omitempty" json:"from,omitempty"`   // The first day, 2006-01-02; empty: always was.
	To     string    `cbor:"6,keyasint,omitempty" json:"to,omitempty"`     // The last day; empty: for good.
	Name   Name      `cbor:"7,keyasint,omitzero" json:"name,omitzero"`     // Of those for a time, such as Ramadan.
}

// A TimeOfDay is in minutes from midnight.
type TimeOfDay uint16

// ParseTimeOfDay reads a time such as 09:00, or fails with [fault.Invalid].
func ParseTimeOfDay(text string) (TimeOfDay, error) {
	at, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return 0, fault.New("place.ParseTimeOfDay", fault.Invalid, text[:min(len(text), 20)], "want hours and minutes, such as 09:00")
	}
	return TimeOfDay(at.Hour()*60 + at.Minute()), nil
}

func (t TimeOfDay) sinceMidnight() time.Duration { return time.Duration(t) * time.Minute }

// hoursOrder puts last what counts.
func hoursOrder(a, b Hours) int {
	return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Office, b.Office), slices.Compare(a.Days, b.Days))
}

// HoursOn returns from when until when an office works on the civil date of day, from
// midnight. It does not ask whether the office is closed on it.
func (c *Calendar) HoursOn(office string, day time.Time) (opens, closes time.Duration) {
	return c.hoursOn(office, day.Format(time.DateOnly), day.Weekday())
}

func (c *Calendar) hoursOn(office, date string, on time.Weekday) (opens, closes time.Duration) {
	if c == nil {
		return OfficeOpens, OfficeCloses
	}
	for i := range slices.Backward(c.Hours) {
		if h := &c.Hours[i]; h.hold(office, date, on) {
			return h.Opens.sinceMidnight(), h.Closes.sinceMidnight()
		}
	}
	return OfficeOpens, OfficeCloses
}

func (h *Hours) hold(office, date string, on time.Weekday) bool {
	return (h.Office == "" || h.Office == office) && h.From <= date && (h.To == "" || date <= h.To) &&
		(len(h.Days) == 0 || slices.Contains(h.Days, on.String()))
}

// maxOfficeDays bounds what WorkingTime counts: no case waits for longer.
const maxOfficeDays = 3660

// WorkingTime returns how much of an office's hours of working days lies between two
// moments, in the zone that from carries: at most of the first ten years.
func (c *Calendar) WorkingTime(office string, from, to time.Time) (sum time.Duration) {
	to = to.In(from.Location())
	y, m, d := from.Date()
	for i := range maxOfficeDays {
		day := time.Date(y, m, d+i, 0, 0, 0, 0, from.Location())
		if !day.Before(to) {
			break
		}
		date := day.Format(time.DateOnly)
		if c.closedOn(date, day.Weekday()) {
			continue
		}
		after, until := c.hoursOn(office, date, day.Weekday())
		opens, closes := day.Add(after), day.Add(until)
		if opens.Before(from) {
			opens = from
		}
		if closes.After(to) {
			closes = to
		}
		sum += max(0, closes.Sub(opens))
	}
	return sum
}

// maxHours bounds what a calendar says of hours.
const maxHours = 256

// WrongHours calls bad with what is wrong with the calendar's hours, and which of them it
// is, counted from 0; -1 where it is all of them together.
func (d *Directory) WrongHours(bad func(i int, text string)) {
	c := d.Calendar
	if c == nil || len(c.Hours) == 0 {
		return
	}
	if len(c.Hours) > maxHours {
		bad(-1, fmt.Sprintf("hours: %d of them: the limit is %d", len(c.Hours), maxHours))
		return
	}
	for i := range c.Hours {
		h := &c.Hours[i]
		if text := h.wrong(d); text != "" {
			bad(i, "hours: "+text)
		} else if slices.ContainsFunc(c.Hours[:i], h.collides) {
			bad(i, "hours: others of the same office begin with them on the same days: let one begin later, or take it away")
		}
	}
	for _, on := range weekdays() {
		always := func(h Hours) bool { return h.Office == "" && h.From == "" && h.To == "" && h.hold("", "", on) }
		if !slices.Contains(c.Weekend, on.String()) && !slices.ContainsFunc(c.Hours, always) {
			bad(-1, "hours: none that hold always, for every office, on a "+on.String())
		}
	}
}

// wrong says what is wrong with hours by themselves.
func (h *Hours) wrong(d *Directory) string {
	for i, name := range h.Days {
		switch {
		case !slices.ContainsFunc(weekdays(), func(d time.Weekday) bool { return d.String() == name }):
			return fmt.Sprintf("day %q: want an English day name, such as Sunday", name)
		case slices.Contains(d.Calendar.Weekend, name):
			return name + " is of the weekend: no office works then"
		case slices.Contains(h.Days[:i], name):
			return name + " is double"
		}
	}
	dated := h.From != "" || h.To != ""
	switch {
	case h.Opens >= h.Closes || h.Closes > 24*60:
		return "want a time to open and a later one to close"
	case h.Office != "" && !slices.ContainsFunc(d.Offices, func(o Office) bool { return o.Code == h.Office }):
		return fmt.Sprintf("no office %q", h.Office)
	case h.From != "" && !isDay(h.From) || h.To != "" && !isDay(h.To):
		return "from and to: want days such as 2027-02-09"
	case h.To != "" && h.To < h.From:
		return "they end on " + h.To + " and begin on " + h.From + ": want a last day that is not before the first"
	case dated && !h.Name.Complete():
		return "those for a time need a name in bn and en, such as Ramadan"
	}
	return ""
}

// collides reports whether nothing says which of two hours count.
func (h *Hours) collides(other Hours) bool {
	common := func(day string) bool { return slices.Contains(other.Days, day) }
	return h.Office == other.Office && h.From == other.From &&
		(len(h.Days) == 0 || len(other.Days) == 0 || slices.ContainsFunc(h.Days, common))
}

func isDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}
