package hub

import (
	"bytes"
	"context"
	"crypto/x509"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// callRenew is the call of an enrolled box whose certificates come to their end.
const callRenew = "renew"

// renewGrace is how long after its end a certificate is good for another: a box
// may have been without a link. Later it takes a token.
const renewGrace = 180 * 24 * time.Hour

// renew certifies the keys of an enrolled box anew. Any server does it by itself:
// nothing changes in the register.
func (r *registrar) renew(req *protocol.RenewRequest) (*protocol.Renewal, error) {
	const op = "hub.renew"
	if err := req.Verify(); err != nil {
		return nil, err
	}
	n, ok := r.register().SlotOwner(req.Slot)
	switch {
	case !ok:
		return nil, fault.New(op, fault.Unavailable, req.Slot, "this server does not know the box yet: ask again")
	case n.RevokedAt != 0:
		return nil, fault.New(op, fault.Denied, req.Slot, "the box was revoked: enrol it again with a new token")
	case !bytes.Equal(n.Signing, req.Signing):
		return nil, fault.New(op, fault.Denied, req.Slot, "the slot belongs to another key")
	}
	who := identity.Subject{Country: r.keys.Country, District: r.keys.District, Role: identity.RoleNode, Name: string(n.Centre), Slot: n.Slot}
	now := r.clock()
	if err := r.ended(req.TLSCert, who, now); err != nil {
		return nil, err
	}
	var out protocol.Renewal
	var err error
	if out.SigningCert, err = r.keys.ca.Issue(who, n.Signing, identity.ForSigning, now); err != nil {
		return nil, err
	}
	if out.TLSCert, err = r.keys.ca.Issue(who, req.TLS, identity.ForTLS, now); err != nil {
		return nil, err
	}
	r.log.Info("renewed a node's certificates", "centre", string(n.Centre), "slot", n.Slot)
	return &out, nil
}

// ended returns an error unless the certificate is this box's, of this district,
// and ended no longer ago than the grace.
func (r *registrar) ended(der []byte, who identity.Subject, now time.Time) error {
	const op = "hub.renew"
	ca, err := x509.ParseCertificate(r.keys.Authority)
	if err != nil {
		return &fault.Error{Op: op, Kind: fault.Damaged, Item: keyringFile, Err: err}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil || cert.CheckSignatureFrom(ca) != nil {
		return fault.New(op, fault.Denied, who.Name, "the certificate that ends was not issued here")
	}
	if s, err := identity.SubjectOf(cert); err != nil || s != who {
		return fault.New(op, fault.Denied, who.Name, "the certificate that ends is another box's")
	}
	if now.After(cert.NotAfter.Add(renewGrace)) {
		return fault.New(op, fault.Denied, who.Name, "the certificate ended too long ago: enrol the box again with a new token")
	}
	return nil
}

func (s *switchboard) answerRenew(c *protocol.Call) answerFunc {
	r := &protocol.RenewRequest{}
	if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "renewal", r); err != nil {
		return failed(err)
	}
	return func(context.Context) (any, error) { return s.registrar.renew(r) }
}
