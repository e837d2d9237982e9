package main

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/hub"
	"kendro/node"
	"kendro/protocol"
	"kendro/web/api"
)

// A verification is what kendro verify prints.
type verification struct {
	Valid   bool      `json:"valid"`
	Says    string    `json:"says"` // Why, in one sentence.
	Number  string    `json:"number"`
	Service string    `json:"service"`
	Issued  *api.Date `json:"issued"`
	Expires *api.Date `json:"expires"`
	Signer  string    `json:"signer,omitempty"` // Who signed the code; empty for nobody of the district.
	Holder  *bool     `json:"holder_matches,omitempty"`
	State   string    `json:"state"` // As far as is known.
	AsOf    *api.Time `json:"as_of"`
	By      string    `json:"renewed_by,omitempty"`
	Ended   *api.Time `json:"ended,omitempty"` // Renewed, revoked: since when.
	Copies  uint32    `json:"copies,omitempty"`
	Asked   bool      `json:"asked"` // A daemon has said so; else it is what the code says of itself.

	failure error
}

func verifyCmd() *cobra.Command {
	var r reach
	var out output
	var code, holder string
	age := api.CertificateAge
	cmd := &cobra.Command{
		Use: "verify", Short: "Check the code of a printed certificate", Args: cobra.NoArgs,
		Long: `Checks the text of the code on a printed certificate: first, with no network, that a
machine of the district signed it (its authority is --ca, or that of --dir), then what a
daemon knows of it, where --url or --dir names one that answers. Without an answer
counts what was known when it was printed. It is valid where the district had confirmed it,
it has not expired, and that is known since --max-age at most.
It ends with 77 for a code that nobody of the district signed, with 75 for a certificate
that is not valid, and with 75 where that can't be said.`,
		Example: "  kendro verify --text \"$(cat code)\" --ca ca.crt --url https://127.0.0.1:8443",
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := protocol.ParseAttestation(code)
			if err != nil {
				return err
			}
			authority, err := r.authorityOf()
			if err != nil {
				return err
			}
			v := verified(a, authority, holder)
			if v.failure == nil {
				if err := v.ask(cmd.Context(), &r, a, code, holder); err != nil {
					return err
				}
				v.judge(time.Now(), a.Expires, age)
			}
			if err := out.print(cmd.OutOrStdout(), v, func() *table { return verificationTable(v) }); err != nil {
				return err
			}
			return v.failure
		},
	}
	r.publicFlags(cmd)
	out.flag(cmd)
	cmd.Flags().StringVar(&code, "text", "", "what the code says, as a telephone reads it")
	cmd.Flags().StringVar(&holder, "holder", "", "name of the holder, to compare")
	cmd.Flags().DurationVar(&age, "max-age", age, "how old what is known may be")
	require(cmd, "text")
	return cmd
}

// authorityOf returns the district's authority, from --ca or the folder of a daemon.
func (r *reach) authorityOf() ([]byte, error) {
	if r.ca != "" {
		return authority(r.ca)
	}
	if r.dir == "" {
		return nil, fault.New("kendro.verify", fault.Invalid, "", "want the district's authority: --ca ca.crt, or --dir D of a daemon on this machine")
	}
	papers, err := node.Certificates(r.dir)
	if fault.KindOf(err) == fault.NotFound {
		papers, err = hub.Certificates(r.dir)
	}
	if err != nil {
		return nil, err
	}
	return papers[0], nil
}

// verified is what a code says of itself, and who signed it.
func verified(a *protocol.Attestation, authority []byte, holder string) *verification {
	at := api.TimeOf(time.Unix(a.At, 0))
	v := &verification{
		Number: a.Number, Service: a.Service, Issued: api.DateOf(a.Issued), Expires: api.DateOf(a.Expires), AsOf: &at,
		State: protocol.CertificateConfirmed,
	}
	if a.Provisional {
		v.State = api.CertificateProvisional
	}
	if holder != "" {
		same := a.IsHolder(holder)
		v.Holder = &same
	}
	who, err := a.Verify(authority)
	if err != nil {
		v.State, v.AsOf = "", nil
		v.Says = "not genuine: no machine of this district signed it"
		v.failure = err
		return v
	}
	v.Signer = who.URI().String()
	return v
}

// ask adds what a daemon knows. One that doesn't answer changes nothing, and neither does a
// box that never heard of the certificate: it is told of its own centre's alone.
func (v *verification) ask(ctx context.Context, r *reach, a *protocol.Attestation, code, holder string) error {
	if r.url == "" && r.dir == "" {
		return nil
	}
	q := url.Values{"code": {code}}
	if holder != "" {
		q.Set("holder", holder)
	}
	known := &api.CertificateAnswer{}
	err := r.call(ctx, api.Call{Path: "/v1/certificates/" + url.PathEscape(a.Number) + "?" + q.Encode(), Out: known})
	switch {
	case errors.Is(err, fault.Unavailable), errors.Is(err, fault.NotFound) && r.dir != "" && present(r.dir, "enrolment.box"):
		return nil
	case errors.Is(err, fault.NotFound):
		v.State, v.AsOf, v.failure = "", nil, err
		v.Says = "not known there: a district's hub knows all that was issued"
		return nil
	case err != nil:
		return err
	}
	v.Asked, v.State, v.By, v.AsOf, v.Ended, v.Copies = true, known.State, known.By, &known.AsOf, known.Ended, known.Copies
	if known.Holder != nil {
		v.Holder = known.Holder
	}
	if !api.CertificateOver(known.State) && known.Genuine != nil && !*known.Genuine {
		v.failure = fault.New("kendro.verify", fault.Conflict, v.Number, "the code says something else of it than the district")
		v.Says = "not valid: the code says something else of it than the district"
	}
	return nil
}

// judge says whether the certificate holds, by what is known.
func (v *verification) judge(now time.Time, expires int64, age time.Duration) {
	known := v.AsOf.Format("2006-01-02 15:04")
	no := func(kind fault.Kind, says string) {
		v.Says, v.failure = says, fault.New("kendro.verify", kind, v.Number, says)
	}
	switch {
	case v.failure != nil:
	case v.State == protocol.CertificateRefused:
		no(fault.Conflict, "refused: the district did not confirm it")
	case v.State == protocol.CertificateRevoked:
		no(fault.Conflict, "revoked on "+v.Ended.Format(dateOnly))
	case v.State == protocol.CertificateRenewed:
		no(fault.Conflict, "renewed: "+v.By+" has its place")
	case v.State == api.CertificateExpired || now.Unix() > expires:
		v.State = api.CertificateExpired
		no(fault.Conflict, "expired on "+v.Expires.Format(dateOnly))
	case v.Holder != nil && !*v.Holder:
		no(fault.Conflict, "not valid for this name: it is somebody else's")
	case v.State != protocol.CertificateConfirmed:
		no(fault.Unavailable, "provisional until the district confirms, as of "+known)
	case now.Sub(v.AsOf.Time) > age:
		no(fault.Unavailable, "it can't be said: what is known of it is of "+known)
	default:
		v.Valid, v.Says = true, "valid as of "+known
	}
}

func verificationTable(v *verification) *table {
	t := pairs("result", v.Says, "number", v.Number, "service", v.Service, "issued", v.Issued.Format(dateOnly), "valid until", v.Expires.Format(dateOnly))
	if v.Signer != "" {
		t.add("signed by", v.Signer)
	}
	if v.Holder != nil {
		t.add("name", map[bool]string{true: "the holder's", false: "another than the holder's"}[*v.Holder])
	}
	if v.AsOf != nil {
		t.add("state", v.State)
		t.add("as of", when(*v.AsOf))
		t.add("district asked", yesNo(v.Asked))
	}
	return t
}
