package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/protocol"
)

// CertificateExpired is the state of a certificate after its last day.
const CertificateExpired = "expired"

// CertificateAge is how old what a machine knows of a certificate may be, where no setting
// says otherwise.
const CertificateAge = 7 * 24 * time.Hour

// An Issued is what a machine knows of a certificate.
type Issued struct {
	protocol.Certificate
	By      string // Renewed: the number of the one that has its place.
	Ended   int64  // Renewed, revoked: since when, Unix seconds.
	Reason  string // Revoked: the code of the reason.
	Copies  []CopyNote
	Highest uint32     // Copy that was printed anywhere, as far as is known beside Copies.
	Hashes  [][16]byte // Of the holder's name, where the code alone is known.
	State   string     // As the district has it; [CertificateProvisional] before it has said anything.
	Service ServiceRef
	Holders []string  // The holder's name, in each spelling.
	AsOf    time.Time // When the machine last knew.
}

// HoldersIn are the spellings of an applicant's name, the one that is printed first.
func HoldersIn(applicant json.RawMessage) []string {
	var who struct {
		BN string `json:"name_bn"`
		EN string `json:"name_en"`
	}
	if json.Unmarshal(applicant, &who) != nil {
		return nil
	}
	var list []string
	for _, name := range []string{who.BN, who.EN} {
		if name != "" {
			list = append(list, name)
		}
	}
	return list
}

// Note is the certificate on a record. What is worth anything gets an attestation, which
// sign completes; a nil one leaves it out.
func (i *Issued) Note(sign func(*protocol.Attestation)) *CertificateNote {
	out := &CertificateNote{Number: i.Number, Issued: DateOf(i.Issued), Expires: DateOf(i.Expires), State: i.State, Renews: i.Renews, By: i.By, Reason: i.Reason, Copies: i.Copies}
	if i.Ended != 0 {
		ended := TimeOf(time.Unix(i.Ended, 0))
		out.Ended = &ended
	}
	if sign == nil || i.Over() {
		return out
	}
	a := protocol.Attestation{
		Number: i.Number, Service: i.Service.ID, Issued: i.Issued, Expires: i.Expires, Provisional: i.State != protocol.CertificateConfirmed, At: i.AsOf.Unix(),
	}
	for _, name := range i.Holders {
		a.Holders = append(a.Holders, protocol.HolderHash(i.Number, name))
	}
	sign(&a)
	out.Code = a.Text()
	return out
}

// Over reports whether the certificate holds no more, whatever its date.
func (i *Issued) Over() bool {
	return CertificateOver(i.State)
}

// CertificateOver reports whether a certificate in this state holds no more, whatever its
// date.
func CertificateOver(state string) bool {
	return state == protocol.CertificateRefused || state == protocol.CertificateRenewed || state == protocol.CertificateRevoked
}

// highest is the highest copy that was printed.
func (i *Issued) highest() uint32 {
	n := i.Highest
	for _, c := range i.Copies {
		n = max(n, c.Copy)
	}
	return n
}

// A CopyNote is one print of a certificate's sheet.
type CopyNote struct {
	Copy   uint32 `json:"copy" doc:"1 is the original. Two places without a link may have given out one number"`
	At     Time   `json:"at"`
	By     string `json:"by"`
	Centre string `json:"centre,omitempty" doc:"Whose box printed it; empty: the hub"`
	Reason string `json:"reason,omitempty"`
}

// PrintRequest is the body of POST /v1/applications/{number}/copies.
type PrintRequest struct {
	Reason string `json:"reason,omitempty" maxLength:"1000" doc:"Why a further copy; the original needs none"`
}

// PrintRoute is the call that counts a copy of a certificate before it is printed.
func PrintRoute() Route {
	return Route{
		Method: http.MethodPost, Path: "/v1/applications/{number}/copies", ID: "print", Act: access.PrintCopy, Status: http.StatusCreated,
		Summary: "Count one more copy of the certificate before it is printed; 201 only when it is on the disk",
	}
}

// isHolder reports whether a name is one of the holder's spellings.
func (i *Issued) isHolder(hash [16]byte) bool {
	for _, name := range i.Holders {
		if protocol.HolderHash(i.Number, name) == hash {
			return true
		}
	}
	return slices.Contains(i.Hashes, hash)
}

// A CertificateAnswer is the answer to GET /v1/certificates/{number}: what anybody may know
// of a certificate that he holds in his hand.
type CertificateAnswer struct {
	Number  string     `json:"number"`
	Service ServiceRef `json:"service"`
	State   string     `json:"state" enum:"provisional,waits,confirmed,refused,expired,renewed,revoked"`
	Ended   *Time      `json:"ended,omitempty" doc:"Renewed or revoked: since when"`
	Reason  string     `json:"reason,omitempty" doc:"Revoked: the code of the reason, where this machine knows it"`
	Copies  uint32     `json:"copies" doc:"The highest copy that was printed, as far as this machine knows; 1 is the original"`
	By      string     `json:"renewed_by,omitempty" doc:"The number of the one that has its place"`
	Issued  *Date      `json:"issued"`
	Expires *Date      `json:"expires"`
	Holder  *bool      `json:"holder_matches,omitempty" doc:"Whether the name that was asked for (?holder=) is the holder's"`
	Genuine *bool      `json:"genuine,omitempty" doc:"Whether a machine of the district signed the code (?code=), and it says what is known here"`
	Valid   bool       `json:"valid" doc:"Confirmed, not expired, and known lately; a name or a code that was given holds as well"`
	Stale   bool       `json:"stale" doc:"What this machine knows is older than its certificate-age"`
	AsOf    Time       `json:"as_of" doc:"When this machine last knew"`
}

// Certificates is what a machine needs to have certificates verified.
type Certificates struct {
	Find      func(r *http.Request, number string) (*Issued, error)
	Guessed   func(*http.Request) error // Counts a number or a name that was wrong; the failure is answered in its place.
	Authority func() []byte             // The district's, DER.
	Clock     func() time.Time
	Age       time.Duration // What is known may be so old; 0 is [CertificateAge].
}

// ServeCertificates adds GET /v1/certificates/{number}. Guesses at numbers and names are
// limited as those of tracking are.
func ServeCertificates(a *API, c Certificates) {
	if c.Age == 0 {
		c.Age = CertificateAge
	}
	a.Raw(Route{
		Method: http.MethodGet, Path: "/v1/certificates/{number}", ID: "certificate", Public: true,
		Summary: "Whether a certificate holds, by its number; ?holder= compares a name, ?code= the text of its code",
	}, nil, CertificateAnswer{}, func(w http.ResponseWriter, r *http.Request, _ Caller) {
		answer, err := c.answer(r)
		if errors.Is(err, fault.NotFound) || err == nil && (no(answer.Holder) || no(answer.Genuine)) {
			if limited := c.Guessed(r); limited != nil {
				err = limited
			}
		}
		if err != nil {
			a.Fail(w, "certificate", err)
			return
		}
		WriteJSON(w, http.StatusOK, answer)
	})
}

func no(b *bool) bool { return b != nil && !*b }

func (c *Certificates) answer(r *http.Request) (*CertificateAnswer, error) {
	number, err := protocol.ParseCertificateNumber(r.PathValue("number"))
	if err != nil {
		return nil, err
	}
	k, err := c.Find(r, number)
	if err != nil {
		return nil, err
	}
	now, q := c.Clock(), r.URL.Query()
	out := &CertificateAnswer{
		Number: k.Number, Service: k.Service, State: k.State, Issued: DateOf(k.Issued), Expires: DateOf(k.Expires),
		By: k.By, Reason: k.Reason, Copies: k.highest(), AsOf: TimeOf(k.AsOf), Stale: now.Sub(k.AsOf) > c.Age,
	}
	if k.Ended != 0 {
		ended := TimeOf(time.Unix(k.Ended, 0))
		out.Ended = &ended
	}
	if !k.Over() && now.Unix() > k.Expires {
		out.State = CertificateExpired
	}
	if name := q.Get("holder"); name != "" {
		same := k.isHolder(protocol.HolderHash(k.Number, name))
		out.Holder = &same
	}
	if code := q.Get("code"); code != "" {
		same := c.genuine(k, code)
		out.Genuine = &same
	}
	out.Valid = out.State == protocol.CertificateConfirmed && !out.Stale && !no(out.Holder) && !no(out.Genuine)
	return out, nil
}

// genuine reports whether a machine of the district signed a code, and it says what is
// known of the certificate.
func (c *Certificates) genuine(k *Issued, code string) bool {
	a, err := protocol.ParseAttestation(code)
	if err != nil {
		return false
	}
	_, err = a.Verify(c.Authority())
	return err == nil && a.Number == k.Number && a.Service == k.Service.ID && a.Issued == k.Issued && a.Expires == k.Expires && !slices.ContainsFunc(a.Holders, func(h [16]byte) bool { return !k.isHolder(h) })
}
