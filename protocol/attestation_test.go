package protocol

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
)

// TestBase45 has the examples of RFC 9285, and what its decoders have to refuse.
func TestBase45(t *testing.T) {
	for plain, want := range map[string]string{"": "", "AB": "BB8", "Hello!!": "%69 VD92EX0", "base-45": "UJCLQE7W581", "ietf!": "QED8WEX0"} {
		if got := toBase45([]byte(plain)); got != want {
			t.Errorf("%q is %q; want %q", plain, got, want)
		}
		if got, err := fromBase45(want); err != nil || string(got) != plain {
			t.Errorf("%q reads as %q, %v; want %q", want, got, err, plain)
		}
	}
	for _, bad := range []string{"A", "BB8A", "GGW", ":::", "::", "bb8", "BB\x00"} {
		if got, err := fromBase45(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q reads as %q", bad, got)
		}
	}
}

// TestAttestation: what a machine of the district signed holds, and nothing else does.
func TestAttestation(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	ours, foreign := authority(t, now), authority(t, now)
	box := identity.NewSigner()
	cert, err := ours.Issue(identity.Subject{Country: "bd", District: "41", Role: identity.RoleNode, Name: "41-09-17", Slot: "0010"}, box.Public(), identity.ForSigning, now)
	if err != nil {
		t.Fatal(err)
	}
	a := Attestation{Number: "TL-41-09-17-000001", Service: "trade-licence", Holders: [][16]byte{HolderHash("TL-41-09-17-000001", "Rahima  Khatun")}, Issued: now.Unix(), Expires: now.Unix() + 9, At: now.Unix()}
	a.Sign(cert, box)
	back, err := ParseAttestation("\n" + a.Text() + "\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if who, err := back.Verify(ours.DER()); err != nil || who.Name != "41-09-17" || !back.IsHolder("rahima khatun ") || HolderHash(a.Number, "rahima khatun") == HolderHash("TL-41-09-17-000002", "rahima khatun") {
		t.Fatalf("got %+v by %+v, %v", back, who, err)
	}
	if _, err := back.Verify(foreign.DER()); !errors.Is(err, fault.Denied) {
		t.Errorf("another district's authority believes it: %v", err)
	}
	for i, change := range []func(*Attestation){
		func(a *Attestation) { a.Number = "TL-41-09-17-000002" },
		func(a *Attestation) { a.Expires++ },
		func(a *Attestation) { a.Provisional = true },
		func(a *Attestation) { a.Holders = [][16]byte{HolderHash(a.Number, "Karim")} },
		func(a *Attestation) { a.At++ },
		func(a *Attestation) { a.Signature = box.Sign(contextReceipt, a.signed()) },
	} {
		forged := *back
		change(&forged)
		if _, err := forged.Verify(ours.DER()); !errors.Is(err, fault.Denied) {
			t.Errorf("change %d is believed: %v", i, err)
		}
	}
	for _, bad := range []string{"", "TL-41-09-17-000001", "KENDRO:V2:" + a.Text()[10:], a.Text()[:len(a.Text())-3], a.Text() + "000", "KENDRO:V1:" + strings.Repeat("0", maxAttestation)} {
		if _, err := ParseAttestation(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%.40q is read: %v", bad, err)
		}
	}
	if n := len(a.Text()); n > 1000 {
		t.Errorf("a code has %d letters; a printed one that a telephone reads has at most 1,000", n)
	}
}

func authority(t *testing.T, now time.Time) *identity.CA {
	t.Helper()
	ca, err := identity.NewCA("bd", "41", now)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func TestCertificateNumberAsTyped(t *testing.T) {
	long, padded := string(bytes.Repeat([]byte("A"), 200)), " TL–41‑09-17-000001 "
	for typed, want := range map[string]string{"tl-৪১-০৯-১৭-০০০০০১": "TL-41-09-17-000001", padded: "TL-41-09-17-000001", "": "", "TL/1": "", "ট-1": "", long: ""} {
		if got, err := ParseCertificateNumber(typed); got != want || (err == nil) != (want != "") {
			t.Errorf("%q reads as %q, %v; want %q", typed, got, err, want)
		}
	}
}
