package digit_test

import (
	"testing"

	"kendro/domain/digit"
)

func TestDigits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, latin, only string }{
		{"", "", ""},
		{"০১২৩৪৫৬৭৮৯", "0123456789", "0123456789"},
		{"দাগ ৪৭/খ", "দাগ 47/খ", "47"},
		{"+88 ০১7-x", "+88 017-x", "88017"},
		{"९٣", "९٣", ""}, // Other scripts' are none.
	} {
		if got := digit.InLatin(c.text); got != c.latin {
			t.Errorf("%q: got %q; want %q", c.text, got, c.latin)
		}
		if got := digit.Only(c.text); got != c.only {
			t.Errorf("%q: got the digits %q; want %q", c.text, got, c.only)
		}
	}
}
