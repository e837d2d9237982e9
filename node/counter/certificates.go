package counter

import (
	"net/http"

	"kendro/node/box"
	"kendro/protocol"
	"kendro/web/api"
)

// certificates says what those that the union issued here are worth.
type certificates struct{ *counter }

func (c certificates) routes() {
	api.ServeCertificates(c.api, api.Certificates{
		Find: c.find, Guessed: c.guessed, Authority: func() []byte { return c.Authority }, Clock: c.Clock, Age: c.CertificateAge,
	})
}

// guessed counts a number that is not known.
func (c certificates) guessed(r *http.Request) error {
	return c.unknown.Take(api.AddressOf(r, c.Proxied), c.Clock())
}

// find is what this box knows of a certificate that its union issued here.
func (c certificates) find(_ *http.Request, number string) (*api.Issued, error) {
	u, err := c.Box.CertificateCase(number)
	if err != nil {
		return nil, err
	}
	return issuedOf(u), nil
}

// issuedOf is what was issued on a case, nil for nothing.
func issuedOf(u *box.UnionCase) *api.Issued {
	k := u.Certificate
	if k == nil {
		return nil
	}
	out := &api.Issued{
		Certificate: *k, State: api.CertificateProvisional, Service: serviceOf(u.Case), Holders: api.HoldersIn(u.Submission.Applicant), AsOf: u.AsOf,
	}
	switch w := u.Said.Certificate; {
	case w == nil:
	case w.Number == k.Number:
		out.State = w.State
	case w.State == protocol.CertificateConfirmed: // The hub's own desk has issued another.
		out.State = protocol.CertificateRefused
	}
	return out
}
