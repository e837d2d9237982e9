package register

import (
	"encoding/base64"
	"encoding/binary"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// A Task is an open case as a desk lists it.
type Task struct {
	Number  protocol.Number
	Seat    place.Seat
	Service string
	Edition uint32
	Stage   string
	Holder  string // Empty while nobody has taken it.
	Since   int64  // Unix milliseconds.
	Due     int64  // Unix seconds; 0 is none.
	Version uint64
	Centre  place.Centre
}

// A TaskQuery asks for the tasks of an office, or of one of its seats.
type TaskQuery struct {
	Office string
	Post   string // Empty: the whole office.
	After  string // What the page before ended with.
	Limit  int    // 1 to 500; others are 50.
}

// Tasks returns open cases, each seat's by due date, and what the next page
// begins with, empty at the end. A page mark that isn't one is [fault.Invalid].
func (r Cases) Tasks(q TaskQuery) (tasks []Task, next string, err error) {
	if q.Limit < 1 || q.Limit > 500 {
		q.Limit = 50
	}
	prefix := seatPrefix(place.Seat{Office: q.Office, Post: q.Post})
	var from []byte
	if q.After != "" {
		rest, derr := base64.RawURLEncoding.DecodeString(q.After)
		if derr != nil || len(rest) > 512 {
			return nil, "", fault.New("register.Tasks", fault.Invalid, "page", "not a mark of a page: begin again")
		}
		from = append(append([]byte{}, prefix...), append(rest, 0)...)
	}
	var last []byte
	err = r.base.View(func(v View) error {
		return v.Scan(prefix, from, func(k, raw []byte) (bool, error) {
			if len(tasks) == q.Limit {
				next = base64.RawURLEncoding.EncodeToString(last[len(prefix):])
				return false, nil
			}
			last = append(last[:0], k...)
			t, err := taskOf(k, raw)
			tasks = append(tasks, t)
			return true, err
		})
	})
	return tasks, next, err
}

// taskOf reads a task from its key and value.
func taskOf(k, raw []byte) (Task, error) {
	var st taskState
	if err := decodeState(k, raw, &st); err != nil {
		return Task{}, err
	}
	seat, ok := seatOf(k)
	if !ok {
		return Task{}, fault.New("register.Tasks", fault.Damaged, "task", "its key is not one")
	}
	t := Task{
		Number: protocol.Number(binary.BigEndian.Uint64(k[len(k)-8:])), Seat: seat,
		Service: st.Service, Edition: st.Edition, Stage: st.Stage.String(), Holder: st.Holder,
		Since: st.Since, Version: st.Version, Centre: st.Centre,
	}
	if due := binary.BigEndian.Uint64(k[len(k)-16:]); due != ^uint64(0) {
		t.Due = int64(due)
	}
	return t, nil
}
