package journal

import (
	"errors"
	"sync/atomic"

	"kendro/domain/fault"
)

var errClosed = errors.New("the journal is closed")

// health says whether the journal still works.
type health struct {
	item      string // What its errors are about: the folder.
	failed    atomic.Pointer[fault.Error]
	unsettled atomic.Bool // Open asked for a decision that nobody took yet.
}

// fail remembers the first failure and returns it: from here on the journal is
// stopped.
func (h *health) fail(op string, err error) error {
	e := &fault.Error{Op: op, Kind: fault.Stopped, Item: h.item, Err: err}
	if h.failed.CompareAndSwap(nil, e) {
		return e
	}
	return h.stopped(op)
}

// stopped returns nil while the journal works.
func (h *health) stopped(op string) error {
	if e := h.failed.Load(); e != nil {
		return &fault.Error{Op: op, Kind: fault.Stopped, Item: h.item, Err: e.Err}
	}
	return nil
}

// writable returns nil when writing calls may go on.
func (h *health) writable(op string) error {
	if err := h.stopped(op); err != nil {
		return err
	}
	if h.unsettled.Load() {
		return fault.New(op, fault.Conflict, h.item,
			"the journal does not agree with its HEAD: settle or reset it first")
	}
	return nil
}
