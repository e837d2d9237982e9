package hub

import (
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
)

// epochAge is how long one key seals for one box at most.
const epochAge = 24 * time.Hour

// maxSealing bounds the boxes that keys are kept for.
const maxSealing = 4096

// A sealer makes blocks of inboxes, sealed to the one box that may read them,
// signed by this server. It may be used concurrently.
type sealer struct {
	packer *protocol.Packer
	own    *openKeys
	clock  func() time.Time

	mu   sync.Mutex // Guards keys.
	keys map[identity.KeyID]*sealing
}

// sealing is the epoch in which this run seals for one box.
type sealing struct {
	epoch        *identity.Epoch
	introduction protocol.Epoch
	since        time.Time
}

// pack seals a run of a box's inbox.
func (s *sealer) pack(run protocol.Run, n *register.Node) ([]protocol.Epoch, []protocol.Block, error) {
	k, err := s.key(n)
	if err != nil {
		return nil, nil, err
	}
	b, err := s.packer.Pack(run, k.epoch, s.own.signer)
	return []protocol.Epoch{k.introduction}, []protocol.Block{b}, err
}

func (s *sealer) key(n *register.Node) (*sealing, error) {
	to, now := identity.IDOf(n.Sealing), s.clock()
	s.mu.Lock()
	k := s.keys[to]
	s.mu.Unlock()
	if k != nil && now.Sub(k.since) < epochAge {
		return k, nil
	}
	epoch, err := identity.NewEpoch(n.Sealing)
	if err != nil {
		return nil, fault.Wrap("hub.seal", fault.Internal, string(n.Centre), err)
	}
	k = &sealing{epoch: epoch, introduction: protocol.NewEpoch(epoch, s.own.certs.Load().signing, s.own.signer), since: now}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.keys) >= maxSealing {
		clear(s.keys)
	}
	s.keys[to] = k
	return k, nil
}
