package node

import (
	"context"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
)

// A keeper is this box in a session that a neighbour began: it keeps the
// neighbour's sealed blocks and gives it what came for it from the hub.
type keeper struct{ *exchange }

var (
	_ replication.Host    = (*keeper)(nil)
	_ replication.Finder  = (*keeper)(nil)
	_ replication.Witness = (*keeper)(nil)
	_ replication.Relay   = (*keeper)(nil)
	_ replication.Greeter = (*keeper)(nil)
)

// Open admits an enrolled neighbour.
func (k *keeper) Open(peer replication.Peer, grew func(protocol.Head)) (have []protocol.Head, want []protocol.LogID, cert []byte, closed func(), err error) {
	n, err := k.neighbour(peer)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	g := &guest{
		neighbour: n, uplink: peer.Subject.District + "-" + peer.Subject.Slot,
		epochs: map[identity.EpochID]*protocol.Epoch{}, grew: grew,
	}
	k.mu.Lock()
	k.guests[peer.Session] = g
	k.mu.Unlock()
	return nil, []protocol.LogID{{Channel: protocol.Uplink, Name: protocol.Every}}, nil, func() {
		k.mu.Lock()
		delete(k.guests, peer.Session)
		k.mu.Unlock()
		k.mail.left(peer.Session)
		k.books.close(peer.Session)
	}, nil
}

// Join hands over what servers have said of the neighbour's logs.
func (k *keeper) Join(peer replication.Peer, line replication.Line) {
	k.mu.Lock()
	g := k.guests[peer.Session]
	g.line = line
	k.mu.Unlock()
	for _, p := range k.held.Acknowledgements(g.uplink) {
		line.Pass(p)
	}
}

// Met opens a pigeonhole for a neighbour that asks for its inbox, and the library for
// one that asks for the catalogue.
func (k *keeper) Met(_ context.Context, peer replication.Peer) {
	g, err := k.guest(peer)
	if err != nil {
		return
	}
	for _, w := range peer.Hello.Want {
		inbox := w.Channel == protocol.Inbox && w.Name == peer.Subject.Name
		if !inbox && (w.Channel != protocol.Catalogue || w.Name != peer.Subject.District) {
			continue
		}
		for _, h := range peer.Hello.Have {
			switch {
			case h.Log.Channel != w.Channel || h.Log.Name != w.Name:
			case inbox:
				k.mail.open(peer.Session, h, g.grew)
			default:
				k.books.open(peer.Session, h, k.ahead(h), g.grew)
			}
		}
	}
}

// ahead reports whether this box holds a log of the catalogue beyond where somebody
// claims to be, and the same up to there.
func (k *keeper) ahead(h protocol.Head) bool {
	if k.box.Held()[h.Log].Seq <= h.At.Seq {
		return false
	}
	at, err := k.box.Place(h.Log, h.At.Seq)
	return err == nil && at == h.At
}

// Find says from where on the neighbour's log is wanted: from what is held of it,
// or from where the neighbour says that its hub has signed.
func (k *keeper) Find(_ context.Context, peer replication.Peer, log protocol.LogID, claimed protocol.Position) (protocol.Position, *protocol.Ack, error) {
	g, err := k.guest(peer)
	if err == nil && (log.Channel != protocol.Uplink || log.Name != g.uplink) {
		err = fault.New("node.Find", fault.Denied, log.String(), "not a log of this neighbour")
	}
	if err != nil {
		return protocol.Position{}, nil, err
	}
	return k.held.Begin(log, claimed), nil, nil
}

// Load hands out what came for the neighbour.
func (k *keeper) Load(_ context.Context, peer replication.Peer, log protocol.LogID, from protocol.Position, _ int) ([]protocol.Epoch, []protocol.Block, error) {
	if log.Channel == protocol.Catalogue && log.Name == peer.Subject.District {
		epochs, blocks := k.books.load(log, from, peer.Reads())
		return epochs, blocks, nil
	}
	if log.Channel != protocol.Inbox || log.Name != peer.Subject.Name {
		return nil, nil, fault.New("node.Load", fault.NotFound, log.String(), "not a log for this neighbour")
	}
	epochs, blocks := k.mail.load(log, from)
	return epochs, blocks, nil
}

// Introduce takes up an epoch that the neighbour seals in.
func (k *keeper) Introduce(_ context.Context, peer replication.Peer, e *protocol.Epoch) error {
	g, err := k.guest(peer)
	if err != nil {
		return err
	}
	if err := e.Verify(g.neighbour.Signer); err != nil {
		return err
	}
	if len(g.epochs) >= maxEpochs {
		return fault.New("node.Introduce", fault.Limited, peer.Subject.Name, "too many epochs in one session")
	}
	g.epochs[e.ID] = e
	return nil
}

// Store keeps a block of the neighbour. It is durable when done is called; it was
// verified by the neighbour's signature and never opened.
func (k *keeper) Store(_ context.Context, peer replication.Peer, b *protocol.Block, done func(protocol.Position, *protocol.Ack, error)) {
	g, err := k.guest(peer)
	if err == nil && b.Header.Log.Name != g.uplink {
		err = fault.New("node.Store", fault.Denied, b.Header.Log.String(), "not a log of this neighbour")
	}
	if err == nil && !b.Header.Sealed() {
		err = fault.New("node.Store", fault.Denied, b.Header.Log.String(), "a copy at a neighbour is sealed")
	}
	if err == nil {
		err = b.Verify(g.neighbour.Signer)
	}
	if err != nil {
		done(protocol.Position{}, nil, err)
		return
	}
	at, err := k.held.Put(g.epochs[b.Header.Epoch], b)
	k.fail(err)
	if err == nil {
		k.kept(protocol.Head{Log: b.Header.Log, At: at})
	}
	done(at, nil, err)
}

// Acknowledged takes a server's word about the neighbour's log from the neighbour.
// What lets nothing go here is not verified.
func (k *keeper) Acknowledged(_ context.Context, peer replication.Peer, a *protocol.Ack) error {
	if !k.held.Awaits(a.Log, a.At.Seq) {
		return nil
	}
	p, err := k.vouched(peer.Cert, a)
	if err != nil {
		return err
	}
	return k.released(p)
}

// Holds notes what of its inbox the neighbour has.
func (k *keeper) Holds(_ context.Context, peer replication.Peer, h protocol.Head) {
	if h.Log.Channel == protocol.Inbox && h.Log.Name == peer.Subject.Name {
		k.mail.taken(peer.Session, h)
	}
	if h.Log.Channel == protocol.Catalogue {
		k.books.taken(peer.Session, h)
	}
}
