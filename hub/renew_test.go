package hub

import (
	"errors"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// TestRenew: a box gets new certificates for its old ones, also when they have
// ended; a stranger, a revoked box, and one that stayed away too long get none.
func TestRenew(t *testing.T) {
	ca, err := identity.NewCA("bd", "41", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	other, err := identity.NewCA("bd", "41", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	who := identity.Subject{Country: "bd", District: "41", Role: identity.RoleNode, Name: "41-09-17", Slot: "0010"}
	stranger := who
	stranger.Name = "41-09-18"
	r := &registrar{keys: &openKeys{keyring: keyring{Country: "bd", District: "41", Authority: ca.DER()}, ca: ca}, clock: time.Now}
	signer := identity.NewSigner()
	for name, c := range map[string]struct {
		by    *identity.CA
		of    identity.Subject
		began time.Time
		fine  bool
	}{
		"half over":       {ca, who, time.Now().Add(-30 * 24 * time.Hour), true},
		"ended":           {ca, who, time.Now().Add(-100 * 24 * time.Hour), true},
		"ended long ago":  {ca, who, time.Now().Add(-400 * 24 * time.Hour), false},
		"another's":       {ca, stranger, time.Now(), false},
		"of nobody known": {other, who, time.Now(), false},
	} {
		der, err := c.by.Issue(c.of, signer.Public(), identity.ForTLS, c.began)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.ended(der, who, time.Now()); (err == nil) != c.fine || err != nil && !errors.Is(err, fault.Denied) {
			t.Errorf("%s: %v; fine should be %v", name, err, c.fine)
		}
	}
	q := protocol.RenewRequest{Slot: "0010", Signing: signer.Public()}
	q.Sign(identity.NewSigner())
	if _, err := r.renew(&q); !errors.Is(err, fault.Denied) {
		t.Errorf("a request that another key signed: %v", err)
	}
}
