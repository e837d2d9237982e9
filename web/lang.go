package web

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// A Lang is a language of the pages.
type Lang string

// The languages. Bangla comes first and is the default.
const (
	BN Lang = "bn"
	EN Lang = "en"
)

// Say returns the words in this language, or in the other where these lack.
func (l Lang) Say(n place.Name) string {
	if l == EN && n.EN != "" || n.BN == "" {
		return n.EN
	}
	return n.BN
}

// Other is the language to switch to.
func (l Lang) Other() Lang {
	if l == EN {
		return BN
	}
	return EN
}

// Digits writes the Latin digits of s in this language's.
func (l Lang) Digits(s string) string {
	if l == EN {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r - '0' + '০'
		}
		return r
	}, s)
}

var latinWord = regexp.MustCompile(`[0-9A-Za-z]+`)

// Numerals writes the numbers of a text in this language's digits, but for those that
// stand in a Latin word, such as a passport's A01234567.
func (l Lang) Numerals(s string) string {
	return latinWord.ReplaceAllStringFunc(s, func(word string) string {
		if strings.Trim(word, "0123456789") != "" {
			return word
		}
		return l.Digits(word)
	})
}

// Count writes a whole number with the commas of lakh and crore: 1,23,45,678.
func (l Lang) Count(n int64) string {
	sign, s := "", strconv.FormatInt(n, 10)
	if n < 0 {
		sign, s = "-", s[1:]
	}
	if len(s) > 3 {
		head, tail := s[:len(s)-3], s[len(s)-3:]
		for len(head) > 2 {
			tail = head[len(head)-2:] + "," + tail
			head = head[:len(head)-2]
		}
		s = head + "," + tail
	}
	return l.Digits(sign + s)
}

// Taka writes an amount: "৳ ১,২৩,৪৫৬.৫০". Poisha stand only where there are any.
func (l Lang) Taka(poisha int64) string {
	sign := ""
	whole, rest := poisha/100, poisha%100
	if poisha < 0 {
		sign, whole, rest = "-", -whole, -rest
	}
	s := sign + "৳ " + l.Count(whole)
	if rest != 0 {
		s += l.Digits("." + strconv.FormatInt(100+rest, 10)[1:])
	}
	return s
}

// Number writes a receive number in groups.
func (l Lang) Number(n protocol.Number) string { return l.Digits(n.Spaced()) }

var (
	monthsBN = [...]string{"জানুয়ারি", "ফেব্রুয়ারি", "মার্চ", "এপ্রিল", "মে", "জুন", "জুলাই", "আগস্ট", "সেপ্টেম্বর", "অক্টোবর", "নভেম্বর", "ডিসেম্বর"}
	monthsEN = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
)

// Day writes a civil day: "২২ নভেম্বর ২০২৬".
func (l Lang) Day(t time.Time) string {
	t = t.In(api.Dhaka())
	months := monthsBN
	if l == EN {
		months = monthsEN
	}
	return l.Digits(strconv.Itoa(t.Day())) + " " + months[t.Month()-1] + " " + l.Digits(strconv.Itoa(t.Year()))
}

// Moment writes a day and a time of day.
func (l Lang) Moment(t time.Time) string {
	return l.Day(t) + ", " + l.Digits(t.In(api.Dhaka()).Format("15:04"))
}

// DateOr writes a day, or the words for none.
func (l Lang) DateOr(d *api.Date, none place.Name) string {
	if d == nil {
		return l.Say(none)
	}
	return l.Day(d.Time)
}
