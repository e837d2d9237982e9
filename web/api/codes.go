package api

import (
	"errors"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
)

// Codes guards collection codes against being guessed: after five wrong ones on a case none
// counts for it until a day after the first of them, and whoever comes is to be known by something
// else. It is safe for concurrent use, and what it counts is one server's, in memory.
type Codes struct {
	one   sync.Mutex // Held while a code is looked at, so that nobody tries many at once.
	wrong *Limiter
}

// NewCodes returns a guard that has seen no code yet.
func NewCodes() *Codes { return &Codes{wrong: NewLimiter(5, 24*time.Hour)} }

// Try has a code for a case looked at by check, which says [fault.Invalid] of a wrong one and
// reads no disk for long. Once too many were wrong it is [fault.Limited] without a look. Without
// a code there is nothing to try.
func (c *Codes) Try(n protocol.Number, code string, now time.Time, check func() error) error {
	if code == "" {
		return nil
	}
	c.one.Lock()
	defer c.one.Unlock()
	if c.wrong.Check(n.String(), now) != nil {
		return fault.New("api.Codes", fault.Limited, "code", "five wrong collection codes were given for this application: leave the code out until tomorrow, and look at a paper that shows who it is")
	}
	err := check()
	if errors.Is(err, fault.Invalid) {
		_ = c.wrong.Take(n.String(), now) // It was not too many a moment ago.
	}
	return err
}
