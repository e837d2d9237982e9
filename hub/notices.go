package hub

import (
	"context"
	"sync"

	"kendro/protocol"
)

// channelName is a log without its incarnation.
type channelName struct {
	channel protocol.Channel
	name    string
}

// notices tells sessions that a log has grown, at once. It may be used
// concurrently.
type notices struct {
	mu   sync.Mutex // Guards subs.
	subs map[channelName]map[*subscription]struct{}
}

// A subscription is one session's interest. tell must not block.
type subscription struct {
	tell   func(protocol.Head)
	reread func() // Everything may have grown: another register was installed.
}

// subscribe lets s hear of logs until the returned function is called.
func (n *notices) subscribe(logs []protocol.LogID, s *subscription) (cancel func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.subs == nil {
		n.subs = map[channelName]map[*subscription]struct{}{}
	}
	for _, l := range logs {
		k := channelName{l.Channel, l.Name}
		if n.subs[k] == nil {
			n.subs[k] = map[*subscription]struct{}{}
		}
		n.subs[k][s] = struct{}{}
	}
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, l := range logs {
			k := channelName{l.Channel, l.Name}
			delete(n.subs[k], s)
			if len(n.subs[k]) == 0 {
				delete(n.subs, k)
			}
		}
	}
}

// publish tells of logs that grew.
func (n *notices) publish(heads []protocol.Head) {
	n.mu.Lock()
	var calls []func()
	for _, h := range heads {
		for s := range n.subs[channelName{h.Log.Channel, h.Log.Name}] {
			calls = append(calls, func() { s.tell(h) })
		}
	}
	n.mu.Unlock()
	for _, call := range calls {
		call()
	}
}

// reread makes every session look again.
func (n *notices) reread() {
	n.mu.Lock()
	all := map[*subscription]struct{}{}
	for _, subs := range n.subs {
		for s := range subs {
			all[s] = struct{}{}
		}
	}
	n.mu.Unlock()
	for s := range all {
		s.reread()
	}
}

// progress lets callers wait until this server has applied an entry. It may be
// used concurrently.
type progress struct {
	mu      sync.Mutex // Guards what follows.
	applied uint64
	moved   chan struct{} // Closed and replaced when applied rises.
}

func newProgress(applied uint64) *progress {
	return &progress{applied: applied, moved: make(chan struct{})}
}

func (p *progress) reach(index uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if index > p.applied {
		p.applied = index
		close(p.moved)
		p.moved = make(chan struct{})
	}
}

// wait reports whether index was applied before ctx ended.
func (p *progress) wait(ctx context.Context, index uint64) bool {
	for {
		p.mu.Lock()
		done, moved := p.applied >= index, p.moved
		p.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return false
		}
	}
}
