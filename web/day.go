package web

import (
	"strings"
	"time"

	"kendro/domain/digit"
	"kendro/web/api"
)

// wordDayHint says how a day is written. The browser's own input for a day shows it in the order of
// the browser's language, which on most machines here is the month first.
var wordDayHint = name("দিন.মাস.বছর, যেমন ২১.৯.২০২৬", "Day.month.year, such as 21.9.2026")

// dayOf reads a day as people write it, the day first and in either digits: ২১.৯.২০২৬, 21/9/2026,
// 21-9-2026. What is written as the API has it, or is no day, stays as it was typed, and the API says
// what is wrong with it.
func dayOf(typed string) string {
	text := strings.TrimSpace(digit.InLatin(typed))
	parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("./-, ", r) })
	if len(parts) != 3 || len(parts[2]) != 4 {
		return text
	}
	at, err := time.Parse("2-1-2006", strings.Join(parts, "-"))
	if err != nil {
		return text
	}
	return at.Format(time.DateOnly)
}

// DayTyped writes a day as it is typed: "২১.৯.২০২৬"; what is no day stays.
func (l Lang) DayTyped(day string) string {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return l.Digits(at.Format("2.1.2006"))
}

// dayText is a day in words.
func dayText(l Lang, day string) string {
	if at, err := time.ParseInLocation(time.DateOnly, dayOf(day), api.Dhaka()); err == nil {
		return l.Day(at)
	}
	return day
}
