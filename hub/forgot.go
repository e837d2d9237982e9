package hub

import (
	"context"

	"kendro/hub/register"
	"kendro/protocol"
	"kendro/replication"
)

// words takes what boxes say of the orders of erasure that they have carried out.
type words struct {
	admit func(replication.Peer) (*register.Node, error)
	group *group
}

// Forgot takes a box's word into the register, where it says more than the one before. The
// box repeats it in each session, so a failure costs no more than that.
func (s *words) Forgot(ctx context.Context, peer replication.Peer, f *protocol.Forgotten) {
	node, err := s.admit(peer)
	if err != nil {
		return
	}
	told := &register.BoxForgot{Slot: node.Slot, Inbox: protocol.Head{Log: f.Log, At: f.At}, Since: f.Since}
	before, err := s.group.register().ForgottenAt(node.Slot)
	if err != nil || before.Log == f.Log && before.At.Seq >= f.At.Seq {
		return
	}
	if _, err = s.group.do(ctx, register.NewCommand(drawID(), register.ActorHub, register.BoxHasForgot, told)); err != nil {
		s.group.log.Info("a box's word on what it has forgotten is not noted", "centre", peer.Subject.Name, "seq", f.At.Seq, "err", err)
	}
}
