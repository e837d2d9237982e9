package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// A verifier is a machine that knows one certificate.
type verifier struct {
	api  *API
	box  *identity.Signer
	cert []byte
	k    Issued
	now  time.Time
}

func newVerifier(t *testing.T) *verifier {
	t.Helper()
	v := &verifier{now: time.Date(2026, 11, 22, 12, 0, 0, 0, Dhaka()), box: identity.NewSigner(), api: server(t)}
	ca, err := identity.NewCA("bd", "41", v.now)
	if err != nil {
		t.Fatal(err)
	}
	who := identity.Subject{Country: "bd", District: "41", Role: identity.RoleNode, Name: "41-09-17", Slot: "0010"}
	if v.cert, err = ca.Issue(who, v.box.Public(), identity.ForSigning, v.now); err != nil {
		t.Fatal(err)
	}
	v.k = Issued{
		Certificate: protocol.Certificate{Serial: 1, Number: "TL-41-09-17-000001", Issued: v.now.Unix(), Expires: v.now.Unix() + 1000},
		State:       protocol.CertificateConfirmed, Service: ServiceRef{ID: "trade-licence"},
		Holders: HoldersIn(json.RawMessage(`{"name_bn":"রহিমা খাতুন","name_en":"Rahima Khatun","nid":"1"}`)), AsOf: v.now,
	}
	guesses := NewLimiter(3, time.Minute)
	ServeCertificates(v.api, Certificates{
		Find: func(_ *http.Request, number string) (*Issued, error) {
			if number != v.k.Number {
				return nil, fault.New("test", fault.NotFound, number, "no such certificate")
			}
			return &v.k, nil
		},
		Guessed: func(r *http.Request) error { return guesses.Take(AddressOf(r, false), v.now) },
		Clock:   func() time.Time { return v.now }, Authority: ca.DER,
	})
	return v
}

func (v *verifier) sign(a *protocol.Attestation) { a.Sign(v.cert, v.box) }

func (v *verifier) get(path string) (status int, a CertificateAnswer) {
	w := httptest.NewRecorder()
	v.api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/certificates/"+path, nil))
	if json.Unmarshal(w.Body.Bytes(), &a) != nil {
		return 0, a
	}
	return w.Code, a
}

// TestRow21CertificateIsVerified: a certificate counts only where the district has confirmed
// it, it has not expired, and that is known lately.
func TestRow21CertificateIsVerified(t *testing.T) {
	v := newVerifier(t)
	if status, a := v.get("tl-৪১-০৯-১৭-০০০০০১"); status != 200 || !a.Valid || a.Holder != nil || a.Genuine != nil || a.Service.ID != "trade-licence" {
		t.Fatalf("got %d %+v; want it valid, and nothing said that was not asked", status, a)
	}
	for state, want := range map[string]string{CertificateProvisional: CertificateProvisional, protocol.CertificateWaits: "waits", protocol.CertificateRefused: "refused"} {
		v.k.State = state
		if _, a := v.get(v.k.Number); a.Valid || a.State != want {
			t.Errorf("%s: got %+v", state, a)
		}
	}
	v.k.State = protocol.CertificateConfirmed
	v.k.AsOf = v.now.Add(-CertificateAge - time.Second)
	if _, a := v.get(v.k.Number); a.Valid || !a.Stale {
		t.Errorf("known a week ago: got %+v", a)
	}
	v.now = v.now.Add(1001 * time.Second)
	v.k.AsOf = v.now
	if _, a := v.get(v.k.Number); a.Valid || a.State != CertificateExpired {
		t.Errorf("after its last second: got %+v", a)
	}
	v.k.State = protocol.CertificateRefused
	if _, a := v.get(v.k.Number); a.State != protocol.CertificateRefused {
		t.Errorf("refused and past its end: got %+v", a)
	}
}

// TestRow21NameAndCode compares what the asker holds in his hand, and counts wrong guesses.
func TestRow21NameAndCode(t *testing.T) {
	v := newVerifier(t)
	code := v.k.Note(v.sign).Code
	q := url.Values{"holder": {" rahima  KHATUN"}, "code": {code}}
	if _, a := v.get(v.k.Number + "?" + q.Encode()); !a.Valid || no(a.Holder) || no(a.Genuine) {
		t.Fatalf("got %+v; want name and code to fit", a)
	}
	v.k.Expires++ // The district says another day than the code.
	if _, a := v.get(v.k.Number + "?" + url.Values{"code": {code}}.Encode()); a.Valid || !no(a.Genuine) {
		t.Errorf("another day: got %+v", a)
	}
	v.box = identity.NewSigner() // No machine of the district's.
	if _, a := v.get(v.k.Number + "?" + url.Values{"code": {v.k.Note(v.sign).Code}}.Encode()); a.Valid || !no(a.Genuine) {
		t.Errorf("signed by somebody else: got %+v", a)
	}
	if _, a := v.get(v.k.Number + "?holder=Karim"); a.Valid || !no(a.Holder) {
		t.Errorf("another name: got %+v", a)
	}
	if status, _ := v.get("TL-41-09-17-000002"); status != http.StatusTooManyRequests {
		t.Errorf("the fourth wrong guess: got %d", status)
	}
	if status, a := v.get(v.k.Number); status != http.StatusOK || !a.Valid {
		t.Errorf("who knows the number is not limited: got %d %+v", status, a)
	}
	if status, _ := v.get("TL+1"); status != http.StatusBadRequest {
		t.Errorf("no number at all: got %d", status)
	}
}

// TestRefusedHasNoCode: what is worth nothing is not vouched for.
func TestRefusedHasNoCode(t *testing.T) {
	v := newVerifier(t)
	v.k.State = protocol.CertificateRefused
	if n := v.k.Note(v.sign); n.Code != "" || n.State != protocol.CertificateRefused {
		t.Errorf("got %+v", n)
	}
}
