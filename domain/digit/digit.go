// Package digit reads numbers as people write them: with Bangla digits or Latin ones.
package digit

import "strings"

// Latin returns the Latin digit for a Bangla one, and every other rune as it is.
func Latin(r rune) rune {
	if r >= '০' && r <= '৯' {
		return '0' + r - '০'
	}
	return r
}

// InLatin returns s with its Bangla digits in Latin.
func InLatin(s string) string { return strings.Map(Latin, s) }

// Only returns the digits of s, in Latin, and nothing else.
func Only(s string) string {
	return strings.Map(func(r rune) rune {
		if r = Latin(r); r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
