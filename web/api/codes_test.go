package api

import (
	"errors"
	"testing"
	"time"

	"kendro/domain/fault"
)

// TestCodesAreNotGuessed: five wrong codes on a case, and no code counts there for a day, not
// even the right one; on others it does.
func TestCodesAreNotGuessed(t *testing.T) {
	c, now := NewCodes(), time.Unix(1_790_000_000, 0)
	wrong := func() error { return fault.New("test", fault.Invalid, "code", "wrong") }
	right := func() error { return nil }
	gone := func() error { return fault.New("test", fault.NotFound, "case", "none") }
	for i := range 5 {
		if err := c.Try(1, "1", now, gone); !errors.Is(err, fault.NotFound) { // No try at a code.
			t.Fatal(err)
		}
		if err := c.Try(1, "1", now.Add(time.Duration(i)*time.Hour), wrong); !errors.Is(err, fault.Invalid) {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	now = now.Add(5 * time.Hour)
	if err := c.Try(1, "2", now, right); !errors.Is(err, fault.Limited) {
		t.Errorf("the sixth is %v; want it not looked at", err)
	}
	if err := c.Try(1, "", now, wrong); err != nil {
		t.Errorf("without a code: %v", err)
	}
	if err := c.Try(2, "2", now, right); err != nil {
		t.Errorf("another case's: %v", err)
	}
	if err := c.Try(1, "2", now.Add(20*time.Hour), right); err != nil {
		t.Errorf("the next day: %v", err)
	}
}
