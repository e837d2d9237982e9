package place

import "time"

// Office hours: the offices of a country work from the one to the other on each day
// that its calendar does not close, counted from midnight.
const (
	OfficeOpens  = 9 * time.Hour
	OfficeCloses = 17 * time.Hour
)

// maxOfficeDays bounds what WorkingTime counts: no case waits for longer.
const maxOfficeDays = 3660

// WorkingTime returns how much of the office hours of working days lies between two
// moments, in the zone that from carries: at most of the first ten years.
func (c *Calendar) WorkingTime(from, to time.Time) (sum time.Duration) {
	to = to.In(from.Location())
	y, m, d := from.Date()
	for i := range maxOfficeDays {
		day := time.Date(y, m, d+i, 0, 0, 0, 0, from.Location())
		if !day.Before(to) {
			break
		}
		if c.Closed(day) {
			continue
		}
		opens, closes := day.Add(OfficeOpens), day.Add(OfficeCloses)
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
