package hub

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
)

// The calls of boxes that meet a register which began anew (link.ALPNEnrol).
const (
	callReturn = "return" // protocol.ReturnRequest → protocol.Returned.
	callShelve = "shelve" // protocol.Shelved → protocol.Returned.
)

// takeBack lets a box return that an earlier register of this district had
// enrolled, on whichever server it asked. A box that is known already is told so.
func (r *registrar) takeBack(ctx context.Context, q *protocol.ReturnRequest) (*protocol.Returned, error) {
	const op = "hub.return"
	signing, who, err := r.keys.authority.Signer(q.SigningCert)
	if err != nil {
		return nil, err
	}
	if err := q.Verify(signing); err != nil {
		return nil, err
	}
	centre, err := place.ParseCentre(who.Name)
	if err != nil || who.Role != identity.RoleNode || who.District != r.keys.District || who.Slot != q.Slot {
		return nil, fault.New(op, fault.Denied, who.Name, "the certificate is of no box of this district and slot")
	}
	if err := r.ended(q.TLSCert, who, r.clock()); err != nil {
		return nil, err
	}
	reg := r.register()
	if reg.Founding() == nil || reg.Set() == nil {
		return nil, fault.New(op, fault.Unavailable, who.Name, "this server has no catalogue yet: ask again")
	}
	n, ok := reg.SlotOwner(q.Slot)
	if !ok && reg.Founding().Anew == nil {
		return nil, fault.New(op, fault.Unavailable, who.Name, "this server does not know the box yet: ask again")
	}
	if !ok || n.StandIn || !bytes.Equal(n.Signing, signing) {
		body := &register.NodeReturn{
			NodeKeys: register.NodeKeys{
				Nonce: sha256.Sum256(q.SigningCert), Centre: centre, Slot: q.Slot, Spare: q.Spare, Signing: signing, TLS: q.TLS,
				Sealing: q.Sealing, TLSCert: q.TLSCert, SigningCert: q.SigningCert, Gossip: q.Gossip, GossipKey: q.GossipKey,
			},
			Logs: q.Logs, Former: q.Former, Before: q.Before, Users: q.Users,
		}
		if to, _ := reg.Recipients(); q.SealsTo != (identity.KeyID{}) && q.SealsTo != identity.IDOf(to[0]) {
			body.SealsElsewhere = true
		}
		if len(body.GossipKey) == 0 {
			body.GossipKey = random(32)
		}
		if _, err := r.do(ctx, register.NewCommand(drawID(), register.ActorHub, register.ReturnNode, body)); err != nil {
			return nil, err
		}
		r.log.Info("a box returned", "centre", who.Name, "slot", q.Slot)
	}
	return r.returned(), nil
}

// returned is what a returned box is told.
func (r *registrar) returned() *protocol.Returned {
	reg := r.register()
	out := &protocol.Returned{Release: uint64(reg.Release())}
	if f := reg.Founding(); f != nil && f.Anew != nil {
		out.Refounded = &f.Anew.Refounding
	}
	return out
}

// takeShelved takes a piece of the catalogue from a box that returned. What it may
// name is known by its hash and the signature of the catalogue's key; a release
// that is here already, or was brought by another box meanwhile, is no failure.
func (r *registrar) takeShelved(ctx context.Context, q *protocol.Shelved) (*protocol.Returned, error) {
	const op = "hub.shelve"
	reg := r.register()
	n, ok := reg.SlotOwner(q.Slot)
	switch f := reg.Founding(); {
	case f == nil || !ok:
		return nil, fault.New(op, fault.Unavailable, q.Slot, "this server does not know the box yet: ask again")
	case f.Anew == nil:
		return nil, fault.New(op, fault.Denied, q.Slot, "this register did not begin anew: its catalogue is published by an operator")
	case n.RevokedAt != 0:
		return nil, fault.New(op, fault.Denied, q.Slot, "the box was revoked")
	}
	if err := q.Verify(n.Signing); err != nil {
		return nil, err
	}
	parcel := register.Parcel{Versions: q.Versions, Directory: q.Directory, Signed: q.Signed, Origin: q.Origin}
	method := register.AddVersions
	if len(q.Signed) > 0 {
		method = register.Publish
	}
	_, err := r.do(ctx, register.NewCommand(drawID(), register.ActorHub, method, parcel))
	if err != nil && !errors.Is(err, fault.Conflict) {
		return nil, err
	}
	return r.returned(), nil
}

func (s *switchboard) answerReturn(c *protocol.Call) answerFunc {
	q := &protocol.ReturnRequest{}
	if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "return", q); err != nil {
		return failed(err)
	}
	return func(ctx context.Context) (any, error) { return s.registrar.takeBack(ctx, q) }
}

func (s *switchboard) answerShelve(c *protocol.Call) answerFunc {
	q := &protocol.Shelved{}
	if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "shelved", q); err != nil {
		return failed(err)
	}
	return func(ctx context.Context) (any, error) { return s.registrar.takeShelved(ctx, q) }
}
