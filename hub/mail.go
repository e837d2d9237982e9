package hub

import (
	"context"
	"io"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/bundle"
)

// ExportBundle writes what the reader, an enrolled centre, lacks: the
// acknowledgements of its logs, its inbox and the catalogue, from the positions in
// has on. It stops after about so many bytes; 0 is never.
func (h *Hub) ExportBundle(ctx context.Context, centre place.Centre, has []protocol.Head, bytes int, w io.Writer) error {
	node, ok := h.Register().NodeOf(centre)
	if !ok {
		return fault.New("hub.ExportBundle", fault.NotFound, string(centre), "no box of this centre is enrolled here")
	}
	_, _, err := bundle.Export(ctx, h.host, bundle.Order{Peer: h.boxPeer(node), Has: has, Bytes: bytes}, w)
	return err
}

// ImportBundle takes in what boxes exported, through the leader, as if each had
// come itself. It returns when all of it is in the register.
func (h *Hub) ImportBundle(ctx context.Context, r io.Reader) (*bundle.Report, error) {
	return bundle.Import(ctx, h.host, func(log protocol.LogID) (replication.Peer, error) {
		node, err := h.host.author(log)
		if err != nil {
			return replication.Peer{}, err
		}
		return h.boxPeer(node), nil
	}, r)
}

// boxPeer stands for a box whose mail comes by hand.
func (h *Hub) boxPeer(n *register.Node) replication.Peer {
	return replication.Peer{Subject: identity.Subject{District: h.keys.District, Role: identity.RoleNode, Name: string(n.Centre), Slot: n.Slot}}
}
