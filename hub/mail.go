package hub

import (
	"context"
	"io"
	"strings"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/bundle"
)

// Mail takes records out for a USB stick and in from one, at any server of a hub.
type Mail struct{ hub *Hub }

// NewMail returns the mail of a server.
func NewMail(h *Hub) *Mail { return &Mail{hub: h} }

// Export writes what the reader, an enrolled centre, lacks: the
// acknowledgements of its logs, its inbox and the catalogue, from the positions in
// has on. It stops after about so many bytes; 0 is never.
func (m *Mail) Export(ctx context.Context, centre place.Centre, has []protocol.Head, bytes int, w io.Writer) error {
	node, ok := m.hub.Register().NodeOf(centre)
	if !ok {
		return fault.New("hub.Mail", fault.NotFound, string(centre), "no box of this centre is enrolled here")
	}
	return bundle.Export(ctx, m.hub.host, bundle.Order{Peer: m.boxPeer(node), Has: has, Bytes: bytes}, w)
}

// Import takes in what boxes exported, through the leader, as if each had
// come itself. It returns when all of it is in the register.
func (m *Mail) Import(ctx context.Context, r io.Reader) (*bundle.Report, error) {
	return bundle.Import(ctx, m.hub.host, func(log protocol.LogID) (replication.Peer, error) {
		if err := m.hub.host.isUplink(log); err != nil {
			return replication.Peer{}, err
		}
		_, slot, _ := strings.Cut(log.Name, "-")
		node, ok := m.hub.Register().SlotOwner(slot)
		if !ok {
			return replication.Peer{}, fault.New("hub.Mail", fault.NotFound, log.String(), "no box of this slot is enrolled here")
		}
		return m.boxPeer(node), nil
	}, &stickPapers{papers: m.hub.papers, mail: m}, r)
}

// stickPapers are the documents of one stick on their way in.
type stickPapers struct {
	*papers
	mail  *Mail
	asked bool // The register was waited for, and does not know them all.
}

// Whose returns the boxes of the centres whose cases lack a document. A server that
// follows may hear of the cases a little later than the leader.
func (s *stickPapers) Whose(ctx context.Context, d protocol.Offered) ([]replication.Peer, bool, error) {
	if !s.asked {
		s.await(ctx, []protocol.Offered{d})
	}
	known, err := s.register().Paper(d.Hash)
	if err != nil {
		s.asked = true
		return nil, false, err
	}
	var boxes []replication.Peer
	for _, c := range known.Centres {
		if node, ok := s.register().NodeOf(c); ok {
			boxes = append(boxes, s.mail.boxPeer(node))
		}
	}
	if known.Held == 0 && boxes == nil {
		return nil, false, fault.New("hub.Mail", fault.NotFound, d.Hash.String(), "no case of an enrolled box lacks this document")
	}
	return boxes, known.Held != 0, nil
}

// boxPeer stands for a box whose mail comes by hand.
func (m *Mail) boxPeer(n *register.Node) replication.Peer {
	return replication.Peer{Subject: identity.Subject{District: m.hub.keys.District, Role: identity.RoleNode, Name: string(n.Centre), Slot: n.Slot}}
}
