package desk

import (
	"context"
	"net/http"
	"time"

	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// certificateDesk says what certificates are worth.
type certificateDesk struct{ *Server }

func (s certificateDesk) routes() {
	api.ServeCertificates(s.api, api.Certificates{
		Find: s.find, Guessed: s.guessed, Authority: s.authority, Clock: s.clock, Age: s.age,
	})
}

// guessed counts a number that is not known.
func (s certificateDesk) guessed(r *http.Request) error {
	return s.unknown.Take(api.AddressOf(r, s.proxied), s.clock())
}

// authority is the district's, DER.
func (s certificateDesk) authority() []byte {
	if f := s.hub.Register().Founding(); f != nil {
		return f.Authority
	}
	return nil
}

// find is what this server knows of a certificate.
func (s certificateDesk) find(r *http.Request, number string) (*api.Issued, error) {
	asOf := s.fresh(r.Context())
	reg := s.hub.Register()
	c, err := reg.CertificateCase(number)
	if err != nil {
		return nil, s.recast(err)
	}
	_, sub, err := reg.AsOf(c, 0)
	if err != nil {
		return nil, err
	}
	out := &api.Issued{Service: serviceRef(reg.Set(), c.Service, int(c.Edition)), Holders: api.HoldersIn(sub.Applicant), AsOf: asOf}
	if k := c.Certificate; k != nil && k.Number == number {
		out.Certificate, out.State = k.Certificate, k.State
	} else { // Another took its place on the case.
		out.Number, out.State = number, protocol.CertificateRefused
	}
	return out, nil
}

// fresh is when this server last knew, after it has tried to know now.
func (s certificateDesk) fresh(ctx context.Context) time.Time {
	asOf, behind := s.hub.Fresh(ctx)
	if !behind {
		return s.clock()
	}
	return asOf
}

// attested is the certificate of a case as its record shows it, with what its code says.
func (s certificateDesk) attested(c *register.Case, r *api.Record, asOf time.Time) {
	k := c.Certificate
	if k == nil || r.Until != 0 {
		return
	}
	i := api.Issued{Certificate: k.Certificate, State: k.State, Service: r.Service, Holders: api.HoldersIn(r.Applicant), AsOf: asOf}
	r.Certificate = i.Note(s.attest)
}
