package place

import (
	"cmp"
	"slices"
	"time"
)

// A Calendar says on which days the offices of a country are closed, and in which hours
// they work. By a nil Calendar they never are.
type Calendar struct {
	Weekend  []string  `cbor:"1,keyasint" json:"weekend"`  // English day names, such as "Friday".
	Holidays []Holiday `cbor:"2,keyasint" json:"holidays"` // Sorted by date.

	Hours []Hours `cbor:"3,keyasint,omitempty" json:"hours,omitempty"` // Sorted; none: [OfficeOpens] to [OfficeCloses].
}

// A Holiday is one closed day.
type Holiday struct {
	Date string `cbor:"1,keyasint" json:"date" yaml:"date"` // 2006-01-02.
	Name Name   `cbor:"2,keyasint" json:"name" yaml:"name"`
}

// Closed reports whether the offices are closed on the civil date of day, in
// the zone that day carries.
func (c *Calendar) Closed(day time.Time) bool {
	return c != nil && c.closedOn(day.Format(time.DateOnly), day.Weekday())
}

func (c *Calendar) closedOn(date string, on time.Weekday) bool {
	if c == nil {
		return false
	}
	_, holiday := slices.BinarySearchFunc(c.Holidays, date, func(h Holiday, date string) int {
		return cmp.Compare(h.Date, date)
	})
	return holiday || slices.Contains(c.Weekend, on.String())
}

// AddWorkingDays returns the n-th working day after day, at the same time of
// day. It looks at most two years ahead, so a calendar without working days
// can't hold it up.
func (c *Calendar) AddWorkingDays(day time.Time, n int) time.Time {
	for range 732 {
		if n <= 0 {
			break
		}
		day = day.AddDate(0, 0, 1)
		if !c.Closed(day) {
			n--
		}
	}
	return day
}

// WorkingDays counts the working days after one day up to another, at most two
// years of them.
func (c *Calendar) WorkingDays(after, to time.Time) (n int) {
	last := to.Format(time.DateOnly)
	for range 732 {
		if after.Format(time.DateOnly) >= last {
			break
		}
		if after = after.AddDate(0, 0, 1); !c.Closed(after) {
			n++
		}
	}
	return n
}

func (c *Calendar) check(bad func(string, ...any)) {
	if c == nil {
		return
	}
	for _, name := range c.Weekend {
		if !slices.ContainsFunc(weekdays(), func(d time.Weekday) bool { return d.String() == name }) {
			bad("weekend %q: want an English day name, such as Friday", name)
		}
	}
	if len(c.Weekend) > 6 {
		bad("a week without a working day")
	}
	for i, h := range c.Holidays {
		if !isDay(h.Date) || !h.Name.Complete() {
			bad("holiday %q: want a date such as 2026-12-16 and a name in bn and en", h.Date)
		}
		if i > 0 && c.Holidays[i-1].Date >= h.Date {
			bad("holiday %s is double or out of order", h.Date)
		}
	}
}

func weekdays() []time.Weekday {
	return []time.Weekday{time.Sunday, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday}
}
