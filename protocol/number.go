package protocol

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"kendro/domain/digit"
	"kendro/domain/fault"
)

// A Number is a receive number: 16 digits, DD SSSS RRRRRRRR CC. DD is the
// district's official code, SSSS the enrolment slot that minted it, R eight
// random digits, CC the check digits of ISO 7064 MOD 97-10. It is final from the
// moment it is printed (R-CH3).
type Number uint64

// NonceSize is the length of the random part of an event, from which its
// number's random digits follow.
const NonceSize = 8

const (
	numberDigits = 16
	randomSpace  = 100_000_000
)

// MintNumber returns the number that belongs to a nonce in a district (two
// digits) and slot (four digits). Whoever knows the event knows its number, so
// the number need not travel.
func MintNumber(district, slot string, nonce []byte) (Number, error) {
	const op = "protocol.MintNumber"
	d, err := digits(district, 2)
	if err != nil {
		return 0, fault.New(op, fault.Invalid, district, "want a district of two digits, such as 41")
	}
	s, err := digits(slot, 4)
	if err != nil {
		return 0, fault.New(op, fault.Invalid, slot, "want a slot of four digits, such as 0010")
	}
	if len(nonce) != NonceSize {
		return 0, fault.New(op, fault.Invalid, "nonce", "want 8 bytes")
	}
	sum := sha256.Sum256(append([]byte("kendro-number-1\x00"), nonce...))
	random := binary.BigEndian.Uint64(sum[:]) % randomSpace
	body := (d*10_000+s)*randomSpace + random
	return Number(body*100 + check(body)), nil
}

// CollectionCode returns the six digits on a receipt by which whoever comes for what was issued
// is known, with no network and no telephone (R-SV8). It follows from the application's
// nonce, which its box and the district know: nobody can work it out of the number. What
// was handed over once is not handed over again, so it serves once.
func CollectionCode(nonce []byte) string {
	sum := sha256.Sum256(append([]byte("kendro-collection-1\x00"), nonce...))
	return fmt.Sprintf("%06d", binary.BigEndian.Uint64(sum[:])%1_000_000)
}

// CheckCollectionCode compares what was typed, in digits of either script, with the code
// on the receipt of an application: [fault.Invalid] where it is another.
func CheckCollectionCode(nonce []byte, typed string) error {
	if digit.Only(typed) != CollectionCode(nonce) {
		return fault.New("protocol.CheckCollectionCode", fault.Invalid, "code", "it is not the one on this application’s receipt: read it again, or look at a paper that shows who it is")
	}
	return nil
}

func digits(s string, n int) (uint64, error) {
	if len(s) != n {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(s, 10, 32)
}

// check returns the two ISO 7064 MOD 97-10 digits of a body.
func check(body uint64) uint64 { return 98 - (body%97*100)%97 }

// ParseNumber reads a number in Latin or Bangla digits, with or without spaces
// and hyphens. Anything else, a mistyped digit or two swapped neighbours are
// [fault.Invalid].
func ParseNumber(s string) (Number, error) {
	const op = "protocol.ParseNumber"
	if len(s) > 4*numberDigits*3 {
		return 0, fault.New(op, fault.Invalid, "number", "want 16 digits")
	}
	var n uint64
	count := 0
	for _, r := range s {
		switch r = digit.Latin(r); {
		case r >= '0' && r <= '9':
			n = n*10 + uint64(r-'0')
		case r == ' ' || r == '-' || r == '\u00a0':
			continue
		default:
			return 0, fault.New(op, fault.Invalid, s, "want 16 digits, Bangla or Latin")
		}
		if count++; count > numberDigits {
			return 0, fault.New(op, fault.Invalid, s, "want 16 digits, not more")
		}
	}
	if count != numberDigits {
		return 0, fault.New(op, fault.Invalid, s, fmt.Sprintf("want 16 digits, got %d", count))
	}
	if !Number(n).Valid() {
		return 0, fault.New(op, fault.Invalid, s, "the check digits don't fit: compare it with the receipt, digit by digit")
	}
	return Number(n), nil
}

// Valid reports whether the check digits fit.
func (n Number) Valid() bool { return n < 1e16 && uint64(n)%100 == check(uint64(n)/100) }

// String returns the 16 digits.
func (n Number) String() string { return fmt.Sprintf("%016d", uint64(n)) }

// Spaced returns the digits in groups, as printed: "41 0010 12345678 90".
func (n Number) Spaced() string {
	s := n.String()
	return s[:2] + " " + s[2:6] + " " + s[6:14] + " " + s[14:]
}

// Bangla returns the groups in Bangla digits.
func (n Number) Bangla() string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '০' + r - '0'
		}
		return r
	}, n.Spaced())
}

// District returns the two digits of the district.
func (n Number) District() string { return n.String()[:2] }

// Slot returns the four digits of the enrolment slot.
func (n Number) Slot() string { return n.String()[2:6] }

// MarshalText makes a Number a JSON string of 16 digits.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads a number as [ParseNumber] does.
func (n *Number) UnmarshalText(b []byte) error {
	v, err := ParseNumber(string(b))
	*n = v
	return err
}
