package counter

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
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
	api.Register(c.api, api.PrintRoute(), c.print)
}

// guessed counts a number that is not known.
func (c certificates) guessed(r *http.Request) error {
	return c.unknown.Take(api.AddressOf(r, c.Proxied), c.Clock())
}

// find is what this box knows of a certificate: of one that its union issued here, all; of
// another's, that it was taken back, or what its code says.
func (c certificates) find(r *http.Request, number string) (*api.Issued, error) {
	u, err := c.Box.CertificateCase(number)
	if err == nil {
		return issuedOf(c.counter, u)
	}
	if !errors.Is(err, fault.NotFound) {
		return nil, err
	}
	said := c.attested(number, r.URL.Query().Get("code"))
	gone, ok, lost := c.Box.Revoked(number)
	switch {
	case lost != nil:
		return nil, lost
	case ok:
		out := &api.Issued{
			Certificate: protocol.Certificate{Number: number, Issued: gone.Issued, Expires: gone.Expires}, State: protocol.CertificateRevoked,
			Ended: gone.At, Service: c.serviceNamed(gone.Service), AsOf: c.Box.Known(),
		}
		if said != nil {
			out.Hashes = said.Hashes
		}
		return out, nil
	case said != nil:
		return said, nil
	}
	return nil, err
}

// attested is what the code on another union's certificate says, signed by a machine of the
// district: as of then, or as of this box's newest word from the hub, which tells it of each
// of the upazila's that is taken back. It is nil where there is none such.
func (c certificates) attested(number, code string) *api.Issued {
	a, err := protocol.ParseAttestation(code)
	if err != nil || a.Number != number {
		return nil
	}
	if _, err := a.Verify(c.Authority); err != nil {
		return nil
	}
	out := &api.Issued{
		Certificate: protocol.Certificate{Number: number, Issued: a.Issued, Expires: a.Expires}, State: protocol.CertificateConfirmed,
		Service: c.serviceNamed(a.Service), Hashes: a.Holders, AsOf: time.Unix(a.At, 0),
	}
	if a.Provisional {
		out.State = api.CertificateProvisional
	} else if known := c.Box.Known(); c.Box.Upazila(number) && known.After(out.AsOf) {
		out.AsOf = known
	}
	return out
}

func (c certificates) serviceNamed(id string) api.ServiceRef {
	ref := api.ServiceRef{ID: id, Name: place.Name{BN: id, EN: id}}
	if set := c.set(); set != nil {
		if v, ok := set.Current(id); ok {
			ref.Name = v.Name
		}
	}
	return ref
}

// issuedOf is what was issued on a case, nil for nothing.
func issuedOf(c *counter, u *box.UnionCase) (*api.Issued, error) {
	k := u.Certificate
	if k == nil {
		return nil, nil //nolint:nilnil // As it says.
	}
	w, err := c.Box.Worth(u)
	if err != nil {
		return nil, err
	}
	out := &api.Issued{
		Certificate: *k, State: cmp.Or(w.State, api.CertificateProvisional), By: w.By, Ended: w.Ended, Reason: w.Reason,
		Service: serviceOf(u.Case), Holders: api.HoldersIn(u.Submission.Applicant), AsOf: u.AsOf,
	}
	prints, err := c.Box.Prints(u.Number)
	for _, p := range prints {
		if p.Certificate == k.Number {
			out.Copies = append(out.Copies, api.CopyNote{Copy: p.Copy, At: api.TimeOf(p.At), By: p.By, Centre: c.Box.Centre(), Reason: p.Reason})
		}
	}
	if said := u.Said.Certificate; said != nil && said.Number == k.Number {
		out.Highest = said.Copies
	}
	return out, err
}

type printInput struct {
	Number string `path:"number" maxLength:"128"`
	Body   api.PrintRequest
}

// print counts a copy of what was issued, before it is printed.
func (c certificates) print(ctx context.Context, in *printInput) (*struct{ Body api.CopyNote }, error) {
	who := api.CallerOf(ctx)
	if err := access.May(who.Principal, access.PrintCopy, c.readable()); err != nil {
		return nil, err
	}
	n, err := protocol.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	p, err := c.Box.Print(ctx, box.Followup{User: who.User, Key: who.Key, Number: n}, in.Body.Reason)
	if err != nil {
		return nil, explain(err)
	}
	return &struct{ Body api.CopyNote }{api.CopyNote{Copy: p.Copy, At: api.TimeOf(p.At), By: p.By, Centre: c.Box.Centre(), Reason: p.Reason}}, nil
}
