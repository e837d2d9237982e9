package register

import (
	"bytes"
	"time"

	"kendro/domain/application"
	"kendro/domain/place"
)

// recountedApart is for how many hours back each is compared by itself; hours before are
// compared in one sum, so that years of them need no more memory than a week.
const recountedApart = 7 * 24

// A Recount counts again, from the histories of the cases, what the cells say happened (row 32).
// It looks at whole hours that are over: what is written meanwhile changes neither side of them.
// It changes nothing, and is done in steps, each of which reads a little. One goroutine uses it.
type Recount struct {
	reg    Cases
	before int64 // Unix time in hours.
	next   []byte
	cells  bool // The cases are through.
	sums   map[recounted]Count

	Cases uint64 // Gone through so far.
}

// recounted is what is compared: an hour, 0 for all before the last week, of a centre and service.
type recounted struct {
	hour    int64
	centre  place.Centre
	service string
}

// Recount begins to count again.
func (r *Register) Recount() *Recount {
	return &Recount{reg: r.Cases, before: r.At() / time.Hour.Milliseconds(), next: key(tagCase), sums: map[recounted]Count{}}
}

// Step reads so many cases or cells at most, and reports whether all is read.
func (c *Recount) Step(limit int) (done bool, err error) {
	tag, read := byte(tagCase), c.readCase
	if c.cells {
		tag, read = tagCell, c.readCell
	}
	more := false
	err = c.reg.base.View(func(v View) error {
		n := 0
		return v.Scan(key(tag), c.next, func(k, raw []byte) (bool, error) {
			if more = n == limit; more {
				return false, nil
			}
			n++
			c.next = append(bytes.Clone(k), 0) // Behind this one.
			return true, read(k, raw)
		})
	})
	if err != nil || more {
		return false, err
	}
	done = c.cells
	c.cells, c.next = true, key(tagCell)
	return done, nil
}

// Differ is how many places the cells and the cases tell differently, once all is read.
func (c *Recount) Differ() (places uint64) {
	for at, n := range c.sums {
		if n != (Count{Service: at.service}) {
			places++
		}
	}
	return places
}

// add takes what happened in an hour.
func (c *Recount) add(hour int64, centre place.Centre, n Count) {
	if hour < c.before-recountedApart {
		hour = 0
	}
	at := recounted{hour: hour, centre: centre, service: n.Service}
	sum := c.sums[at]
	sum.Service = n.Service
	sum.Received += n.Received
	sum.Held += n.Held
	sum.Forwarded += n.Forwarded
	sum.Approved += n.Approved
	sum.Rejected += n.Rejected
	sum.DecidedMillis += n.DecidedMillis
	c.sums[at] = sum
}

func (c *Recount) readCase(k, raw []byte) error {
	var x Case
	if err := decodeState(k, raw, &x); err != nil {
		return err
	}
	c.Cases++
	for i := range x.History {
		t := &x.History[i]
		hour := t.At / time.Hour.Milliseconds()
		if hour >= c.before {
			break
		}
		n := Count{Service: x.Service}
		n.happened(t.Action, t.At-x.Accepted)
		if n != (Count{Service: x.Service}) {
			c.add(hour, x.Centre, n)
		}
	}
	return nil
}

// readCell takes away what a cell says.
func (c *Recount) readCell(k, raw []byte) error {
	var cell Cell
	if err := decodeState(k, raw, &cell); err != nil || cell.Hour >= c.before {
		return err
	}
	for _, n := range cell.Counts {
		c.add(cell.Hour, cell.Centre, Count{
			Service: n.Service, Received: -n.Received, Held: -n.Held, Forwarded: -n.Forwarded,
			Approved: -n.Approved, Rejected: -n.Rejected, DecidedMillis: -n.DecidedMillis,
		})
	}
	return nil
}

// happened counts an action; decided is how long a case took that it decides.
func (n *Count) happened(a application.Action, decided int64) {
	switch a {
	case application.Accept:
		n.Received++
	case application.Hold:
		n.Held++
	case application.Forward:
		n.Forwarded++
	case application.Approve:
		n.Approved++
		n.DecidedMillis += decided
	case application.Reject:
		n.Rejected++
		n.DecidedMillis += decided
	default: // Not counted.
	}
}
