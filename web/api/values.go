package api

import (
	"encoding/base64"
	"fmt"
	"time"
)

// Bytes are base64url without padding in JSON.
type Bytes []byte

// MarshalText encodes.
func (b Bytes) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText decodes.
func (b *Bytes) UnmarshalText(text []byte) error {
	out, err := base64.RawURLEncoding.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("want base64url without padding: %w", err)
	}
	*b = out
	return nil
}

// Dhaka is the offset in which times are shown. Bangladesh has kept UTC+6 the
// whole year since 2010.
func Dhaka() *time.Location { return time.FixedZone("+06", 6*60*60) }

// A Time is an instant: RFC 3339 with offset and milliseconds at most.
type Time struct{ time.Time }

// TimeOf shows an instant in Dhaka's time.
func TimeOf(t time.Time) Time { return Time{t.In(Dhaka()).Truncate(time.Millisecond)} }

// Millis shows Unix milliseconds.
func Millis(ms int64) Time { return TimeOf(time.UnixMilli(ms)) }

// MarshalText writes RFC 3339.
func (t Time) MarshalText() ([]byte, error) {
	return t.AppendFormat(nil, "2006-01-02T15:04:05.999Z07:00"), nil
}

// MarshalJSON writes RFC 3339 as a string.
func (t Time) MarshalJSON() ([]byte, error) {
	return t.AppendFormat(nil, `"2006-01-02T15:04:05.999Z07:00"`), nil
}

// A Date is a civil day, 2026-11-22.
type Date struct{ time.Time }

// DateOf returns the day of Unix seconds in Dhaka, nil for 0.
func DateOf(unix int64) *Date {
	if unix == 0 {
		return nil
	}
	return &Date{time.Unix(unix, 0).In(Dhaka())}
}

// MarshalText writes the day.
func (d Date) MarshalText() ([]byte, error) { return d.AppendFormat(nil, time.DateOnly), nil }

// MarshalJSON writes the day as a string.
func (d Date) MarshalJSON() ([]byte, error) { return d.AppendFormat(nil, `"`+time.DateOnly+`"`), nil }

// UnmarshalText reads the day.
func (d *Date) UnmarshalText(b []byte) error {
	t, err := time.ParseInLocation(time.DateOnly, string(b), Dhaka())
	d.Time = t
	return err
}

// UnmarshalJSON reads the day from a string.
func (d *Date) UnmarshalJSON(b []byte) error {
	t, err := time.ParseInLocation(`"`+time.DateOnly+`"`, string(b), Dhaka())
	d.Time = t
	return err
}
