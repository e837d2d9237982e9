package node

import (
	"context"
	"sync"
	"sync/atomic"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
)

// An owner is this box in a session with a neighbour that it dialled: it shows
// its sealed records and takes the hub's words, wherever they come from.
type owner struct {
	*exchange
	centre string      // Of the neighbour that was meant.
	linked bool        // The box speaks with its hub by itself.
	copies atomic.Bool // The neighbour gets records to keep; else it only hears what is settled.
	grew   func(protocol.Head)
	watch  func()

	cutting sync.Mutex // Guards wide.
	wide    widening

	server []byte // Certificate of the one that signed what of the catalogue comes next.
}

var (
	_ replication.Host    = (*owner)(nil)
	_ replication.Witness = (*owner)(nil)
	_ replication.Relay   = (*owner)(nil)
)

// Open says from where on the own log needs copies, and how far the inbox is. A box
// that has lost its hub takes its inbox and the catalogue from the neighbour.
func (o *owner) Open(peer replication.Peer, grew func(protocol.Head)) (have []protocol.Head, want []protocol.LogID, cert []byte, closed func(), err error) {
	if _, err := o.neighbour(peer); err != nil {
		return nil, nil, nil, nil, err
	}
	if peer.Subject.Name != o.centre {
		return nil, nil, nil, nil, fault.New("node.exchange", fault.Denied, peer.Subject.Name, "is not "+o.centre)
	}
	if at := o.box.Acknowledged(); at.Seq > 0 {
		have = append(have, protocol.Head{Log: o.box.Log(), At: at})
	}
	o.grew = grew
	if !o.linked {
		want = []protocol.LogID{
			{Channel: protocol.Inbox, Name: o.host.enrolment.ID}, {Channel: protocol.Catalogue, Name: o.host.enrolment.District},
		}
		have = append(have, o.read()...)
	}
	return have, want, nil, func() {
		o.untell(peer.Session)
		if o.watch != nil {
			o.watch()
		}
	}, nil
}

// read is how far the box has each of its inboxes and the catalogue.
func (o *owner) read() (have []protocol.Head) {
	held := o.box.Held()
	reads := func(log protocol.LogID) bool {
		return log.Channel == protocol.Inbox || log.Channel == protocol.Catalogue
	}
	for log, at := range held {
		if reads(log) {
			have = append(have, protocol.Head{Log: log, At: at})
		}
	}
	for _, log := range o.host.enrolment.Logs {
		if _, ok := held[log]; !ok && reads(log) {
			have = append(have, protocol.Head{Log: log})
		}
	}
	return have
}

// Join shows the log as far as it is, if copies are wanted, after what is known to
// be settled.
func (o *owner) Join(peer replication.Peer, line replication.Line) {
	o.mu.Lock()
	w := &ward{centre: o.centre, line: line}
	o.box.Unwitness(o.centre) // It says in this session what it still holds.
	o.hosts[peer.Session] = w
	o.tell(w)
	o.mu.Unlock()
	if o.copies.Load() {
		o.watch = o.box.Watch(o.grew)
		o.grew(o.box.Head())
	}
}

// Load seals a run of the own log, while copies are wanted. Where the neighbour has
// narrow blocks before it, the run begins earlier and takes their place.
func (o *owner) Load(_ context.Context, peer replication.Peer, log protocol.LogID, from protocol.Position, limit int) ([]protocol.Epoch, []protocol.Block, error) {
	if !o.copies.Load() {
		return nil, nil, nil
	}
	more := limit
	if head := o.box.Head(); head.Log == log && head.At.Seq > from.Seq {
		more = int(min(head.At.Seq-from.Seq, uint64(limit)))
	}
	o.cutting.Lock()
	defer o.cutting.Unlock()
	at, events := o.wide.start(log, from, o.box.Acknowledged(), more)
	epochs, blocks, err := o.host.cut(peer, log, at, events)
	if at != from && (err != nil || len(blocks) == 0 || blocks[0].Header.Last <= from.Seq) { // Too much for one block.
		epochs, blocks, err = o.host.cut(peer, log, from, limit)
	}
	if err == nil && len(blocks) > 0 {
		o.wide.cut(&blocks[0])
	}
	return epochs, blocks, err
}

// Introduce takes up an epoch that a server seals in for this box, or the certificate of
// one that signed what is not sealed.
func (o *owner) Introduce(ctx context.Context, peer replication.Peer, e *protocol.Epoch) error {
	if e.Vouches() {
		if _, err := o.host.server(e.Cert); err != nil {
			return err
		}
		o.server = e.Cert
		return nil
	}
	return o.host.Introduce(ctx, peer, e)
}

// Store takes a block of the inbox or of the catalogue. Who brought it is nothing to it:
// a server of the district signed it.
func (o *owner) Store(ctx context.Context, peer replication.Peer, b *protocol.Block, done func(protocol.Position, *protocol.Ack, error)) {
	if b.Header.Log.Channel == protocol.Catalogue && b.Header.Log.Name == o.host.enrolment.District {
		public, err := o.host.server(o.server)
		if err != nil || b.Header.Signer != identity.IDOf(public) {
			done(protocol.Position{}, nil, fault.New("node.Store", fault.NotFound, b.Header.Log.String(), "the server that signed it was not introduced"))
			return
		}
		peer.Cert = o.server
		o.host.Store(ctx, peer, b, done)
		return
	}
	if b.Header.Log.Channel != protocol.Inbox || b.Header.Log.Name != o.host.enrolment.ID {
		done(protocol.Position{}, nil, fault.New("node.Store", fault.Denied, b.Header.Log.String(), "not a log that a neighbour brings"))
		return
	}
	o.host.Store(ctx, peer, b, done)
}

// Acknowledged takes a server's word that the neighbour passed on. What says no more
// than was verified before is not verified again.
func (o *owner) Acknowledged(ctx context.Context, peer replication.Peer, a *protocol.Ack) error {
	if a.Log != o.box.Log() || o.knew(a) {
		return nil
	}
	p, err := o.vouched(peer.Cert, a)
	if err != nil {
		return err
	}
	if err := o.box.Acknowledge(ctx, a); err != nil {
		return err
	}
	o.acked(p)
	return nil
}

// Holds takes the neighbour's word that it holds the own log.
func (o *owner) Holds(_ context.Context, peer replication.Peer, h protocol.Head) {
	if h.Log != o.box.Log() || peer.Subject.Role != identity.RoleNode {
		return
	}
	if err := o.box.Witnessed(peer.Subject.Name, h); err != nil {
		o.log.Warn("a neighbour claims what this box never wrote", "centre", peer.Subject.Name, "seq", h.At.Seq, "err", err)
	}
}
