package node

import (
	"kendro/protocol"
	"kendro/web/api"
)

// sync says how far the box is in sync and what stands in its way.
func (n *Node) sync() *api.SyncStatus {
	head, acked := n.box.Head(), n.box.Acknowledged()
	s := &api.SyncStatus{
		Heads:        map[string]protocol.Position{head.Log.String(): head.At},
		Acknowledged: map[string]protocol.Position{head.Log.String(): acked},
		Backlog:      head.At.Seq - min(acked.Seq, head.At.Seq),
		Peers:        []api.SyncPeer{}, Blockers: []api.Blocker{},
	}
	for log, at := range n.box.Held() {
		s.Heads[log.String()] = at
	}
	s.Held.Logs, s.Held.Bytes = n.exchange.held.Usage()
	keepers := n.box.Keepers()
	for _, p := range n.neighbours.peers() {
		peer := api.SyncPeer{Centre: p.Centre, LastSeen: api.TimeOf(p.LastSeen), Linked: p.Linked, Copies: keepers[p.Centre].Seq}
		if p.Head.At.Seq > 0 {
			peer.Head = &p.Head.At
		}
		s.Peers = append(s.Peers, peer)
	}
	if p, ok := n.courier.met(); ok {
		s.Hub = &api.SyncHub{District: p.Subject.District, Server: p.Subject.Name}
	}
	if at := n.box.LastContact(); at > 0 {
		t := api.Millis(at)
		s.LastContact = &t
	}
	for _, b := range n.box.Blockers().List() {
		w := b.Code.Words()
		x := api.Blocker{Code: string(b.Code), BN: w.BN, EN: w.EN, Since: api.TimeOf(b.Since)}
		if !b.Retry.IsZero() {
			t := api.TimeOf(b.Retry)
			x.RetryAt = &t
		}
		s.Blockers = append(s.Blockers, x)
	}
	return s
}
