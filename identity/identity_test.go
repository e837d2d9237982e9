package identity

import (
	"bytes"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"kendro/domain/fault"
)

var at = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestSignatureHoldsInItsContextAlone(t *testing.T) {
	s := NewSigner()
	sig := s.Sign("kendro-test-1", []byte("message"))
	for _, c := range []struct {
		name             string
		context, message string
		want             bool
	}{
		{"as signed", "kendro-test-1", "message", true},
		{"other context", "kendro-test-2", "message", false},
		{"other message", "kendro-test-1", "messagf", false},
		{"moved boundary", "kendro-test-1\x00m", "essage", false},
	} {
		if got := Verify(s.Public(), c.context, []byte(c.message), sig); got != c.want {
			t.Errorf("%s: Verify = %v; want %v", c.name, got, c.want)
		}
	}
	if Verify(nil, "kendro-test-1", []byte("message"), sig) || Verify(s.Public(), "kendro-test-1", []byte("message"), nil) {
		t.Error("malformed key or signature verifies")
	}
}

func TestSignerFromSeed(t *testing.T) {
	s := NewSigner()
	again, err := SignerFromSeed(s.Seed())
	if err != nil {
		t.Fatal(err)
	}
	if again.ID() != s.ID() {
		t.Errorf("ID = %v; want %v", again.ID(), s.ID())
	}
	if _, err := SignerFromSeed([]byte("short")); !errors.Is(err, fault.Damaged) {
		t.Errorf("short seed: got %v; want damaged", err)
	}
}

func TestEpochOpensForItsRecipientsAlone(t *testing.T) {
	district, nation, stranger := NewSealingKey(), NewSealingKey(), NewSealingKey()
	e, err := NewEpoch(district.Public(), nation.Public())
	if err != nil {
		t.Fatal(err)
	}
	n := e.Next()
	body := e.Seal(nil, n, []byte("secret"), []byte("header"))
	for _, k := range []*SealingKey{district, nation} {
		key, err := OpenWrap(k, e.ID(), e.Wraps())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := key.Open(n, body, []byte("header")); err != nil || string(got) != "secret" {
			t.Errorf("Open = %q, %v; want secret", got, err)
		}
		if _, err := key.Open(n+1, body, []byte("header")); !errors.Is(err, fault.Damaged) {
			t.Errorf("other counter: got %v; want damaged", err)
		}
		if _, err := key.Open(n, body, []byte("Header")); !errors.Is(err, fault.Damaged) {
			t.Errorf("other header: got %v; want damaged", err)
		}
	}
	if _, err := OpenWrap(stranger, e.ID(), e.Wraps()); !errors.Is(err, fault.NotFound) {
		t.Errorf("stranger: got %v; want not found", err)
	}
	other := e.ID()
	other[0] ^= 1
	if _, err := OpenWrap(district, other, e.Wraps()); !errors.Is(err, fault.Damaged) {
		t.Errorf("wrap under another epoch's name: got %v; want damaged", err)
	}
}

func TestEpochCounterNeverRepeats(t *testing.T) {
	e, err := NewEpoch(NewSealingKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{}
	for range 1000 {
		n := e.Next()
		if seen[n] {
			t.Fatalf("counter %d repeats", n)
		}
		seen[n] = true
	}
}

func TestSealingKeySurvivesItsBytes(t *testing.T) {
	k := NewSealingKey()
	again, err := SealingKeyFromBytes(k.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := SealTo(k.Public(), "purpose", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Unseal("purpose", sealed); err != nil || string(got) != "x" {
		t.Errorf("Unseal = %q, %v; want x", got, err)
	}
	if _, err := again.Unseal("other", sealed); !errors.Is(err, fault.Damaged) {
		t.Errorf("other purpose: got %v; want damaged", err)
	}
	if _, err := SealTo([]byte("no key"), "p", nil); !errors.Is(err, fault.Invalid) {
		t.Errorf("malformed recipient: got %v; want invalid", err)
	}
}

func TestCertificates(t *testing.T) {
	ca, err := NewCA("bd", "41", at)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewCA("bd", "42", at)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := ParseAuthority(ca.DER())
	if err != nil {
		t.Fatal(err)
	}
	who := Subject{Country: "bd", District: "41", Role: RoleNode, Name: "41-09-17", Slot: "0010"}
	s := NewSigner()
	issue := func(ca *CA, use Use) []byte {
		t.Helper()
		der, err := ca.Issue(who, s.Public(), use, at)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}

	good := issue(ca, ForSigning)
	for range 2 { // The second time it is known.
		public, got, err := authority.Signer(good)
		if err != nil || got != who || !bytes.Equal(public, s.Public()) {
			t.Errorf("Signer = %v, %v; want %v", got, err, who)
		}
	}
	altered := bytes.Clone(good)
	altered[len(altered)-1] ^= 1
	for name, der := range map[string][]byte{
		"TLS certificate used for signing": issue(ca, ForTLS),
		"certificate of another district":  issue(other, ForSigning),
		"signature altered":                altered,
		"no certificate":                   []byte("x"),
	} {
		for range 2 {
			if _, _, err := authority.Signer(der); !errors.Is(err, fault.Denied) {
				t.Errorf("%s: got %v; want denied", name, err)
			}
		}
	}

	leaf, err := x509.ParseCertificate(issue(ca, ForTLS))
	if err != nil {
		t.Fatal(err)
	}
	opts := x509.VerifyOptions{Roots: authority.Pool(), DNSName: ServerName, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := leaf.Verify(opts); err != nil {
		t.Errorf("TLS certificate does not verify: %v", err)
	}
	opts.CurrentTime = at.Add(Lifetime + time.Minute)
	if _, err := leaf.Verify(opts); err == nil {
		t.Error("TLS certificate verifies after its end")
	}
}

func TestOpenCANeedsItsOwnSecret(t *testing.T) {
	ca, err := NewCA("bd", "41", at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCA(ca.DER(), ca.Seed()); err != nil {
		t.Errorf("OpenCA: %v", err)
	}
	if _, err := OpenCA(ca.DER(), NewSigner().Seed()); !errors.Is(err, fault.Damaged) {
		t.Errorf("another secret: got %v; want damaged", err)
	}
}

func TestPasswords(t *testing.T) {
	hash, err := HashPassword("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		password, hash string
		want           bool
	}{
		{"correct horse", hash, true},
		{"correct horsf", hash, false},
		{"correct horse", "", false},
		{"correct horse", "rubbish", false},
		{strings.Repeat("x", MaxPassword+1), hash, false},
	} {
		if got := CheckPassword(c.password, c.hash); got != c.want {
			t.Errorf("CheckPassword(%.15q, %.9q) = %v; want %v", c.password, c.hash, got, c.want)
		}
	}
	if _, err := HashPassword("short"); !errors.Is(err, fault.Invalid) {
		t.Errorf("short password: got %v; want invalid", err)
	}
}

func TestSessions(t *testing.T) {
	s := NewSessions(bytes.Repeat([]byte{7}, 32))
	token, expires := s.Issue("rahima", at)
	if want := at.Add(SessionLifetime); !expires.Equal(want) {
		t.Errorf("expires %v; want %v", expires, want)
	}
	again := NewSessions(bytes.Repeat([]byte{7}, 32)) // As after a restart.
	if user, err := again.Check(token, at.Add(SessionLifetime-time.Second)); err != nil || user != "rahima" {
		t.Errorf("Check = %q, %v; want rahima", user, err)
	}
	for name, c := range map[string]struct {
		s     *Sessions
		token string
		now   time.Time
	}{
		"expired":       {s, token, expires},
		"expired since": {again, token, expires}, // It was good before.
		"altered since": {again, token + "x", at},
		"other secret":  {NewSessions([]byte("another")), token, at},
		"altered":       {s, "x" + token, at},
		"empty":         {s, "", at},
		"without a mac": {s, strings.Split(token, ".")[0], at},
	} {
		if _, err := c.s.Check(c.token, c.now); !errors.Is(err, fault.Denied) {
			t.Errorf("%s: got %v; want denied", name, err)
		}
	}
}

// What is remembered of tokens is bounded, and none is refused for it.
func TestManySessions(t *testing.T) {
	s := NewSessions([]byte("secret"))
	for i := range 3 * maxKnown {
		token, _ := s.Issue("rahima", at.Add(time.Duration(i)*time.Second))
		if _, err := s.Check(token, at); err != nil {
			t.Fatal(err)
		}
		if len(s.known) > maxKnown {
			t.Fatalf("%d tokens are remembered; want at most %d", len(s.known), maxKnown)
		}
	}
}

func FuzzSubject(f *testing.F) {
	ca, err := NewCA("bd", "41", at)
	if err != nil {
		f.Fatal(err)
	}
	der, err := ca.Issue(Subject{Country: "bd", District: "41", Role: RoleServer, Name: "s1", Slot: "0"}, NewSigner().Public(), ForSigning, at)
	if err != nil {
		f.Fatal(err)
	}
	authority, err := ParseAuthority(ca.DER())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	f.Add(ca.DER())
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, s, err := authority.Signer(b); err == nil && s.Role != RoleServer {
			t.Errorf("accepted a certificate that the authority didn't issue: %v", s)
		}
	})
}

func FuzzSessionToken(f *testing.F) {
	s := NewSessions([]byte("secret"))
	token, _ := s.Issue("rahima", at)
	f.Add(token)
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		if user, err := s.Check(token, at); err == nil && user != "rahima" {
			t.Errorf("accepted %q for %q", token, user)
		}
	})
}
