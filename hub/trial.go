package hub

import (
	"context"

	"kendro/hub/register"
	"kendro/protocol"
	"kendro/replication"
)

// Fared takes a box's word on a release that is on trial there into the register,
// where it changes something. The box tells again, so a failure costs a moment.
func (s *host) Fared(ctx context.Context, peer replication.Peer, f *protocol.Fare) {
	node, err := s.admit(peer)
	if err != nil {
		return
	}
	reg := s.group.register()
	t, err := reg.Trial()
	if err != nil || t == nil || t.State != register.TrialRuns || t.Centre != node.Centre || uint64(t.Release) != f.Release {
		return
	}
	if t.Fare.Same(f) && !t.Due(max(reg.At(), s.group.proposer.clock().UnixMilli())) {
		return
	}
	_, err = s.group.do(ctx, register.NewCommand(drawID(), register.ActorHub, register.ReleaseFared, &register.FareTold{Centre: node.Centre, Fare: *f}))
	if err != nil {
		s.log.Info("a box's word on the release on trial is not noted", "centre", peer.Subject.Name, "release", f.Release, "err", err)
		return
	}
	if after, err := s.group.register().Trial(); err == nil && after != nil && after.Release == t.Release && after.State != t.State {
		switch after.State {
		case register.TrialHalted:
			s.log.Error("the release on trial was halted", "release", after.Release, "centre", string(after.Centre), "reason", after.Reason)
		default:
			s.log.Info("the release on trial is in force for all", "release", after.Release)
		}
	}
}
