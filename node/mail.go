package node

import (
	"context"
	"io"
	"slices"

	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/bundle"
	"kendro/web/api"
)

// A mailbag takes what the hub lacks out to a USB stick, and what the hub answers
// in from one.
type mailbag struct {
	host   *host
	papers *paperSource
}

// hub stands for any server of the district: a stick is not connected to one.
func (m *mailbag) hub() replication.Peer {
	e := m.host.enrolment
	return replication.Peer{Subject: identity.Subject{Country: e.Country, District: e.District, Role: identity.RoleServer, Name: "usb"}}
}

// export writes what no hub has acknowledged and the reader of the order lacks, and
// behind it the documents that no hub holds.
func (m *mailbag) export(ctx context.Context, o api.BundleOrder, w io.Writer) error {
	has, err := m.host.box.Former() // No more of them is the hub's to hear.
	if err != nil {
		return err
	}
	has = append(has, protocol.Head{Log: m.host.box.Log(), At: m.host.box.Acknowledged()})
	has = append(has, o.Has...)
	return bundle.Export(ctx, outward{m.host}, bundle.Order{
		Peer: m.hub(), Has: has, Bytes: o.Bytes, Papers: m.papers, HasPapers: o.Papers(),
	}, w)
}

// outward is the box as it writes to a stick: its uplinks go out and don't come in.
type outward struct{ *host }

// Open says what the box holds, of its neighbours' logs too, and wants.
func (o outward) Open(peer replication.Peer, grew func(protocol.Head)) (have []protocol.Head, want []protocol.LogID, cert []byte, closed func(), err error) {
	have, want, cert, closed, err = o.host.Open(peer, grew)
	if o.exchange != nil {
		have = append(have, o.exchange.held.Heads()...)
	}
	want = slices.DeleteFunc(want, func(l protocol.LogID) bool { return l.Channel == protocol.Uplink })
	return have, want, cert, closed, err
}

// take hands in what a hub exported for this centre.
func (m *mailbag) take(ctx context.Context, r io.Reader) (*bundle.Report, error) {
	return bundle.Import(ctx, m.host, func(protocol.LogID) (replication.Peer, error) { return m.hub(), nil }, nil, r)
}
