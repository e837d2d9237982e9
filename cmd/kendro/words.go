package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"kendro/domain/place"
	"kendro/web/api"
)

const dateOnly = time.DateOnly

// when shows an instant in the office's time.
func when(t api.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(api.Dhaka()).Format("2006-01-02 15:04:05")
}

// day shows a date that may be absent.
func day(d *api.Date) string {
	if d == nil {
		return ""
	}
	return d.Format(dateOnly)
}

// taka shows whole poisha.
func taka(poisha int64) string {
	if poisha < 0 {
		return "-" + taka(-poisha)
	}
	return fmt.Sprintf("৳ %d.%02d", poisha/100, poisha%100)
}

func bothNames(n *api.Named) string {
	if n == nil {
		return ""
	}
	return both(n.Name())
}

func both(n place.Name) string { return n.BN + " / " + n.EN }

func count[T int | int64 | uint64](n T) string { return strconv.FormatInt(int64(n), 10) }

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// sorted returns the keys of a map in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
