package main

import (
	"errors"
	"strings"

	"kendro/domain/fault"
	"kendro/web/api"
)

// message is a failure as a person reads it: what it is about and what to do.
// The operations that it came through are for the log.
func message(err error) string {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		var lines []string
		for _, e := range list.Unwrap() {
			lines = append(lines, message(e))
		}
		return strings.Join(lines, "\n")
	}
	switch e := err.(type) { //nolint:errorlint // Layer by layer.
	case *failed:
		return message(e.error)
	case *unknown:
		return message(e.err) + "; whether it was done is unknown: repeat the command with " + e.flags
	case *api.Refusal:
		return message(e.Err)
	case *fault.Error:
		text := e.Kind.Error()
		if e.Err != nil {
			text = message(e.Err)
		}
		if e.Item != "" && !strings.Contains(text, e.Item) {
			text = e.Item + ": " + text
		}
		return text
	}
	if inner := errors.Unwrap(err); inner != nil && err.Error() == inner.Error() {
		return message(inner)
	}
	return err.Error()
}

// unknown is a failure of which nobody knows whether it was done all the same.
type unknown struct {
	err   error
	flags string // That make the same request again.
}

func (u *unknown) Error() string { return u.err.Error() + ": unknown; repeat with " + u.flags }

// Unwrap returns the failure.
func (u *unknown) Unwrap() error { return u.err }
