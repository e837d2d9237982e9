package desk

import (
	"context"
	"net/http"
	"time"

	"kendro/domain/fault"
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
	api.Register(s.api, api.PrintRoute(), s.print)
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
	if err != nil && c.Erased == 0 { // What was issued stands; whose it is, nobody knows here any more.
		return nil, err
	}
	out := issued(c, c.Certified(number))
	out.Service, out.Holders, out.AsOf = serviceRef(reg.Set(), c.Service, int(c.Edition)), api.HoldersIn(sub.Applicant), asOf
	out.Number = number
	return out, nil
}

// issued is a certificate as the register has it; nil: another took its place on the case.
func issued(c *register.Case, k *register.Certificate) *api.Issued {
	if k == nil {
		return &api.Issued{State: protocol.CertificateRefused}
	}
	out := &api.Issued{Certificate: k.Certificate, State: k.State, By: k.By, Ended: k.Ended, Reason: k.Reason}
	for i := range c.Copies {
		if x := &c.Copies[i]; x.Certificate == k.Number {
			out.Copies = append(out.Copies, copyOf(x))
		}
	}
	return out
}

func copyOf(x *register.Copy) api.CopyNote {
	return api.CopyNote{Copy: x.Copy, At: api.Millis(x.At), By: x.By, Centre: string(x.Centre), Reason: x.Reason}
}

type printInput struct {
	Number string `path:"number" maxLength:"128"`
	Body   api.PrintRequest
}

// print counts a copy of the certificate of a case, before it is printed.
func (s certificateDesk) print(ctx context.Context, in *printInput) (*struct{ Body api.CopyNote }, error) {
	n, err := protocol.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	c, err := s.hub.Register().Case(n)
	if err != nil {
		return nil, s.recast(err)
	}
	if c.Certificate == nil {
		return nil, fault.New("desk.print", fault.Conflict, n.String(), "no certificate was issued on it")
	}
	who := api.CallerOf(ctx)
	cmd := register.NewCommand(who.Key, who.User, register.PrintCopy, &register.CopyAsked{Certificate: c.Certificate.Number, Reason: in.Body.Reason})
	cmd.Number = n
	res, err := s.do(ctx, cmd)
	if err != nil {
		return nil, err
	}
	var x register.Copy
	if err := res.Decode(&x); err != nil {
		return nil, err
	}
	return &struct{ Body api.CopyNote }{copyOf(&x)}, nil
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
	i := issued(c, k)
	i.Service, i.Holders, i.AsOf = r.Service, api.HoldersIn(r.Applicant), asOf
	r.Certificate = i.Note(s.attest)
}
