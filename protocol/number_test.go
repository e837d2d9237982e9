package protocol

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kendro/domain/fault"
)

func mint(t testing.TB, nonce string) Number {
	t.Helper()
	n, err := MintNumber("41", "0010", []byte(nonce))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNumberReadsBack(t *testing.T) {
	n := mint(t, "12345678")
	for _, s := range []string{n.String(), n.Spaced(), n.Bangla(), strings.ReplaceAll(n.Spaced(), " ", "-"), " " + n.Bangla() + " "} {
		if got, err := ParseNumber(s); err != nil || got != n {
			t.Errorf("ParseNumber(%q) = %v, %v; want %v", s, got, err, n)
		}
	}
	if n.District() != "41" || n.Slot() != "0010" {
		t.Errorf("district %s, slot %s; want 41, 0010", n.District(), n.Slot())
	}
}

func TestNumberKnownValue(t *testing.T) {
	// Frozen: a printed number never changes its meaning.
	if got, want := mint(t, "12345678").String(), "4100109292280148"; got != want {
		t.Errorf("MintNumber = %s; want %s", got, want)
	}
}

func TestNumberRefusals(t *testing.T) {
	n := mint(t, "12345678").String()
	for _, s := range []string{"", "4100", n + "0", n[:15], "41a" + n[3:], strings.Repeat("9", 16), strings.Repeat(" ", 10_000)} {
		if _, err := ParseNumber(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("ParseNumber(%.30q): got %v; want invalid", s, err)
		}
	}
	for _, c := range [][3]string{{"4", "0010", "12345678"}, {"41", "10", "12345678"}, {"41", "-001", "12345678"}, {"41", "0010", "1"}} {
		if _, err := MintNumber(c[0], c[1], []byte(c[2])); !errors.Is(err, fault.Invalid) {
			t.Errorf("MintNumber(%v): got %v; want invalid", c, err)
		}
	}
}

// One wrong digit and one swapped pair are always caught (R-TR2).
func TestNumberCatchesSlips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nonce := rapid.SliceOfN(rapid.Byte(), NonceSize, NonceSize).Draw(t, "nonce")
		n, err := MintNumber("41", "0010", nonce)
		if err != nil {
			t.Fatal(err)
		}
		s := []byte(n.String())
		i := rapid.IntRange(0, 15).Draw(t, "at")
		wrong := append([]byte(nil), s...)
		wrong[i] = '0' + (wrong[i]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "by")))%10
		if _, err := ParseNumber(string(wrong)); err == nil {
			t.Fatalf("%s passes for %s", wrong, s)
		}
		if i < 15 && s[i] != s[i+1] {
			s[i], s[i+1] = s[i+1], s[i]
			if _, err := ParseNumber(string(s)); err == nil {
				t.Fatalf("swapped %s passes for %s", s, n)
			}
		}
	})
}

func TestNumbersSpread(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[Number]bool{}
	for range 2000 {
		nonce := make([]byte, NonceSize)
		for i := range nonce {
			nonce[i] = byte(r.UintN(256))
		}
		seen[mint(t, string(nonce))] = true
	}
	if len(seen) < 1995 {
		t.Errorf("2000 nonces gave %d numbers; want nearly all distinct", len(seen))
	}
}

func FuzzParseNumber(f *testing.F) {
	f.Add("4100 1012 3456 7890")
	f.Add("৪১ ০০১০ ১২৩৪৫৬৭৮ ৯০")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNumber(s)
		if err != nil {
			return
		}
		if again, err := ParseNumber(n.Bangla()); err != nil || again != n {
			t.Errorf("%q reads as %v, which reads back as %v, %v", s, n, again, err)
		}
	})
}

// Frozen: the code on a receipt is printed once and for all, and read back in either script.
func TestCollectionCode(t *testing.T) {
	t.Parallel()
	nonce := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	if got, want := CollectionCode(nonce), "280063"; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
	for _, typed := range []string{CollectionCode(nonce), " 123 ", ""} {
		if err := CheckCollectionCode(nonce, typed); (err == nil) != (typed == CollectionCode(nonce)) {
			t.Errorf("%q: %v", typed, err)
		}
	}
}
