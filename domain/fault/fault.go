// Package fault is how Kendro reports failures.
//
// Every failure that leaves a package carries a [Kind], and the Kind answers the
// one question a caller has: what may I do now? The web layer turns it into an
// HTTP status, the command line into an exit code, and the sync session into
// retry or give up. Text is for people and is never compared.
package fault

import "errors"

// Kind says what the caller may do about a failure.
//
// Kinds travel between nodes and hubs, so their numbers are fixed: add at the
// end, never reorder.
type Kind uint8

// The kinds of failure.
const (
	Internal    Kind = iota // A defect of ours. Log it; show a reference number.
	Invalid                 // The request can never succeed as it stands: correct it.
	Denied                  // The caller lacks the right: sign in, or ask someone who has it.
	NotFound                // There is no such thing here.
	Conflict                // Someone was faster: reload, then decide again.
	Unavailable             // Not done, or unknown whether: repeat it with the same ID.
	Limited                 // Too many requests: wait, then repeat.
	Stopped                 // The disk failed: nothing more is written until a restart.
	Damaged                 // Stored data is not what was written: repair from a copy.
)

var names = [...]string{
	"internal error", "invalid", "denied", "not found", "conflict",
	"unavailable", "too many requests", "stopped", "damaged",
}

// Error makes a Kind usable as the target of [errors.Is].
func (k Kind) Error() string {
	if int(k) < len(names) {
		return names[k]
	}
	return names[Internal]
}

// Error is a failure of one operation on one thing.
type Error struct {
	Op   string // Package and function, such as "register.Apply".
	Kind Kind
	Item string // What it was about, such as a receive number. May be empty.
	Err  error  // The cause. May be nil.
}

// New returns a failure with its cause as text.
func New(op string, kind Kind, item, text string) *Error {
	e := &Error{Op: op, Kind: kind, Item: item}
	if text != "" {
		e.Err = errors.New(text)
	}
	return e
}

// Wrap classifies err as a failure of op on item. It returns nil for a nil err,
// and keeps the kind of an err that already has one.
func Wrap(op string, kind Kind, item string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		kind = e.Kind
	}
	return &Error{Op: op, Kind: kind, Item: item, Err: err}
}

func (e *Error) Error() string {
	s := e.Op
	if e.Item != "" {
		s += " " + e.Item
	}
	if e.Err != nil {
		return s + ": " + e.Err.Error()
	}
	return s + ": " + e.Kind.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is e's Kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// KindOf returns the outermost Kind in err's chain. A failure that nobody
// classified is ours to explain, so it is [Internal].
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	if k, ok := errors.AsType[Kind](err); ok {
		return k
	}
	return Internal
}
