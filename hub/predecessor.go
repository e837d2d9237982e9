package hub

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

// callCertificate is the call of an enrolled box that renews a certificate which another
// box's union issued: protocol.CertificateAsk → protocol.CertificateTold.
const callCertificate = "certificate"

// before tells a box what a renewal begins with, where it names the holder's mobile: any
// server by what it knows. Whether the number or the mobile is wrong, it does not say.
func (r *registrar) before(a *protocol.CertificateAsk) (*protocol.CertificateTold, error) {
	const op = "hub.certificate"
	n, ok := r.register().SlotOwner(a.Slot)
	switch {
	case !ok:
		return nil, fault.New(op, fault.Unavailable, a.Slot, "this server does not know the box yet: ask again")
	case n.RevokedAt != 0:
		return nil, fault.New(op, fault.Denied, a.Slot, "the box was revoked")
	}
	if err := a.Verify(n.Signing); err != nil {
		return nil, err
	}
	if err := r.guesses.Check(a.Slot, r.clock()); err != nil {
		return nil, fault.Wrap(op, fault.Limited, a.Slot, err)
	}
	out, err := r.told(a)
	if errors.Is(err, fault.NotFound) {
		if err := r.guesses.Take(a.Slot, r.clock()); err != nil {
			return nil, fault.Wrap(op, fault.Limited, a.Slot, err)
		}
	}
	return out, err
}

func (r *registrar) told(a *protocol.CertificateAsk) (*protocol.CertificateTold, error) {
	const op = "hub.certificate"
	unknown := fault.New(op, fault.NotFound, a.Number, "no certificate of this number is held by somebody with this mobile")
	reg := r.register()
	c, err := reg.CertificateCase(a.Number)
	if errors.Is(err, fault.NotFound) {
		return nil, unknown
	}
	if err != nil {
		return nil, err
	}
	_, sub, err := reg.AsOf(c, 0)
	if err != nil {
		return nil, err
	}
	var who struct {
		Mobile string `json:"mobile"`
	}
	if err := json.Unmarshal(sub.Applicant, &who); err != nil || len(a.Mobile) != protocol.MobileDigits || !strings.HasSuffix(who.Mobile, a.Mobile) {
		return nil, unknown
	}
	k := c.Certificate
	if k == nil || k.Number != a.Number || k.State != protocol.CertificateConfirmed {
		return nil, fault.New(op, fault.Conflict, a.Number, "this certificate can't be renewed: it is not confirmed, or holds no more")
	}
	i := api.Issued{
		Certificate: k.Certificate, State: k.State, Service: api.ServiceRef{ID: c.Service}, Holders: api.HoldersIn(sub.Applicant),
		AsOf: time.UnixMilli(r.register().At()),
	}
	note := i.Note(func(x *protocol.Attestation) { x.Sign(r.keys.certs.Load().signing, r.keys.signer) })
	return &protocol.CertificateTold{Form: sub.Form, Applicant: sub.Applicant, Code: note.Code}, nil
}

func (s *switchboard) answerCertificate(c *protocol.Call) answerFunc {
	a := &protocol.CertificateAsk{}
	if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "certificate", a); err != nil {
		return failed(err)
	}
	return func(context.Context) (any, error) { return s.registrar.before(a) }
}
