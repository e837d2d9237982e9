package identity_test

import (
	"bytes"
	"testing"

	"kendro/domain/fault"
	"kendro/identity"
)

// TestRow36AnOpeningOpensOneSecret: what a key answers for one sealed secret opens that, for
// its purpose, and nothing else that was sealed to the key.
func TestRow36AnOpeningOpensOneSecret(t *testing.T) {
	const purpose = "kendro-test-1"
	key, other := identity.NewSealingKey(), identity.NewSealingKey()
	seal := func(to *identity.SealingKey, secret string) []byte {
		sealed, err := identity.SealTo(to.Public(), purpose, []byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	for _, secret := range []string{"", "x", string(bytes.Repeat([]byte("secret "), 10_000))} {
		sealed, second := seal(key, secret), seal(key, secret)
		opening, err := key.Opening(sealed)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := opening.Unseal(purpose, sealed); err != nil || string(got) != secret {
			t.Errorf("it opens to %d bytes, %v; want %d", len(got), err, len(secret))
		}
		wrong, err := other.Opening(sealed)
		if err != nil {
			t.Fatal(err)
		}
		spoilt := bytes.Clone(sealed)
		spoilt[len(spoilt)-1] ^= 1
		for what, open := range map[string]func() ([]byte, error){
			"another secret of the key": func() ([]byte, error) { return opening.Unseal(purpose, second) },
			"another purpose":           func() ([]byte, error) { return opening.Unseal("kendro-test-2", sealed) },
			"another key's opening":     func() ([]byte, error) { return wrong.Unseal(purpose, sealed) },
			"a spoilt secret":           func() ([]byte, error) { return opening.Unseal(purpose, spoilt) },
			"a short opening":           func() ([]byte, error) { return opening[1:].Unseal(purpose, sealed) },
			"a short secret":            func() ([]byte, error) { return opening.Unseal(purpose, sealed[:100]) },
		} {
			if got, err := open(); fault.KindOf(err) != fault.Damaged {
				t.Errorf("%s: %d bytes, %v; want it damaged", what, len(got), err)
			}
		}
	}
	if _, err := key.Opening(make([]byte, 100)); fault.KindOf(err) != fault.Damaged {
		t.Errorf("of what is too short: %v", err)
	}
}
