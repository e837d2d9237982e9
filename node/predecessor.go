package node

import (
	"context"
	"errors"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication/link"
)

// certificateMethod is the call of an enrolled box over kendro-enrol/1.
const certificateMethod = "certificate"

// predecessorIn is how long the counter waits for a server's word.
const predecessorIn = 8 * time.Second

// predecessor asks the hub what a renewal of another union's certificate begins with.
// [fault.Unavailable]: there is no link, or the hub is of a version before.
func (n *Node) predecessor(ctx context.Context, number, mobile string) (*protocol.CertificateTold, error) {
	const op = "node.predecessor"
	peer, ok := n.courier.met()
	if !ok {
		return nil, fault.New(op, fault.Unavailable, number, "the hub can't be asked: there is no link")
	}
	authority, err := identity.ParseAuthority(n.enrolment.CA)
	if err != nil {
		return nil, err
	}
	a := &protocol.CertificateAsk{Slot: n.enrolment.Slot, Number: number, Mobile: mobile}
	a.Sign(n.keys.signer)
	ctx, cancel := context.WithTimeout(ctx, predecessorIn)
	defer cancel()
	out := &protocol.CertificateTold{}
	err = callOnce(ctx, target{peer.Addr, authority.Hash(), link.DialEnrol}, &protocol.Call{Method: certificateMethod, Body: protocol.Marshal(a)}, out)
	if errors.Is(err, fault.Invalid) {
		return nil, fault.Wrap(op, fault.Unavailable, number, err)
	}
	return out, err
}
