package nodetest

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
)

// A Hub is one server with the district's logs in memory. It speaks real QUIC,
// checks what a hub checks, signs for what it takes, and says Accepted.
type Hub struct {
	*District
	tb       testing.TB
	tls      *identity.Signer
	packer   *protocol.Packer
	epoch    *identity.Epoch
	endpoint *link.Endpoint
	cancel   context.CancelFunc
	wg       sync.WaitGroup

	mu      sync.Mutex // Guards the district's logs as well.
	node    protocol.Enrolment
	signing []byte
	keys    map[identity.EpochID]*identity.EpochKey
	uplinks map[protocol.LogID]*Log
	blocks  int
	mute    bool
	told    map[uint64]func(protocol.Head)
}

// NewHub makes a server that knows a node by its enrolment and public keys. It
// doesn't listen before [Hub.Start].
func NewHub(tb testing.TB, d *District, e protocol.Enrolment, signing, sealing []byte) *Hub {
	tb.Helper()
	epoch, err := identity.NewEpoch(sealing)
	must(tb, err)
	h := &Hub{
		District: d, tb: tb, tls: identity.NewSigner(), packer: protocol.NewPacker(), epoch: epoch, node: e, signing: signing,
		keys: map[identity.EpochID]*identity.EpochKey{}, uplinks: map[protocol.LogID]*Log{}, told: map[uint64]func(protocol.Head){},
	}
	tb.Cleanup(func() { h.Stop(); h.packer.Close() })
	return h
}

// Start listens; an empty addr is any free port. It returns the address.
func (h *Hub) Start(addr string) string {
	h.tb.Helper()
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	self := identity.Subject{Country: "bd", District: "41", Role: identity.RoleServer, Name: "s1", Slot: "0"}
	cert, err := h.CA.Issue(self, h.tls.Public(), identity.ForTLS, time.Now())
	must(h.tb, err)
	authority, err := identity.ParseAuthority(h.CA.DER())
	must(h.tb, err)
	h.endpoint, err = link.Open(link.Options{
		Listen: addr, Authority: authority, Self: self, Serve: []string{link.ALPNSync, link.ALPNEnrol},
		Certificate: tls.Certificate{Certificate: [][]byte{cert, h.CA.DER()}, PrivateKey: h.tls.Private()},
	})
	must(h.tb, err)
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel = cancel
	h.accept(ctx, link.ALPNSync, func(conn net.Conn) {
		_ = link.RunSession(ctx, conn, conn.(*link.Conn).Peer(), h) // Nodes come and go.
	})
	h.accept(ctx, link.ALPNEnrol, h.enrol)
	return h.endpoint.Addr().String()
}

func (h *Hub) accept(_ context.Context, alpn string, serve func(net.Conn)) {
	ln := h.endpoint.Accept(alpn)
	h.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			h.wg.Go(func() { serve(conn) })
		}
	})
}

// Stop closes the port and every session.
func (h *Hub) Stop() {
	if h.endpoint == nil {
		return
	}
	h.cancel()
	_ = h.endpoint.Close() // Sessions end with it.
	h.wg.Wait()
	h.endpoint = nil
}

// Mute has the hub take blocks without answering, until it is told otherwise.
func (h *Hub) Mute(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mute = on
}

// Uplink returns how many events of a node's log are in the register.
func (h *Hub) Uplink(log protocol.LogID) []protocol.Item {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l := h.uplinks[log]; l != nil {
		return append([]protocol.Item{}, l.Items...)
	}
	return nil
}

// Do changes the district's logs and tells the sessions.
func (h *Hub) Do(change func(d *District)) {
	h.mu.Lock()
	change(h.District)
	heads := []protocol.Head{h.Inbox.Head(), h.Catalogue.Head()}
	var tell []func(protocol.Head)
	for _, f := range h.told {
		tell = append(tell, f)
	}
	h.mu.Unlock()
	for _, f := range tell {
		for _, head := range heads {
			f(head)
		}
	}
}

// enrol answers the node's call with its enrolment.
func (h *Hub) enrol(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	raw, err := protocol.ReadFrame(conn, protocol.MaxRPC)
	if err != nil {
		return
	}
	var call protocol.Call
	var r protocol.EnrolRequest
	reply := protocol.Reply{}
	err = errors.Join(protocol.Unmarshal(raw, protocol.MaxRPC, "call", &call), protocol.Unmarshal(call.Body, protocol.MaxRPC, "request", &r))
	if err == nil {
		err = r.Verify()
	}
	if call.Method == "renew" {
		h.renew(conn, &call)
		return
	}
	if err != nil || call.Method != "enrol" {
		reply.Fault = protocol.FailureOf(fault.Wrap("nodetest.enrol", fault.Invalid, call.Method, err))
	} else {
		h.mu.Lock()
		h.node = h.Enrolment(h.tb, r.Signing, r.TLS)
		h.node.Servers = []string{h.endpoint.Addr().String()}
		h.signing = r.Signing
		h.epoch, err = identity.NewEpoch(r.Sealing)
		reply.Body = protocol.Marshal(&h.node)
		h.mu.Unlock()
	}
	if err == nil {
		_ = protocol.WriteFrame(conn, protocol.Marshal(&reply)) // The node asks again.
	}
	var rest [1]byte
	_, _ = conn.Read(rest[:]) // Until the node has read it and hangs up.
}

// renew certifies the node's keys anew, as of now.
func (h *Hub) renew(conn net.Conn, call *protocol.Call) {
	var q protocol.RenewRequest
	reply := protocol.Reply{}
	if err := protocol.Unmarshal(call.Body, protocol.MaxRPC, "renewal", &q); err != nil || q.Verify() != nil {
		reply.Fault = protocol.FailureOf(fault.New("nodetest.renew", fault.Denied, q.Slot, "no such box"))
	} else {
		who := identity.Subject{Country: "bd", District: "41", Role: identity.RoleNode, Name: Centre, Slot: q.Slot}
		sc, err := h.CA.Issue(who, q.Signing, identity.ForSigning, time.Now())
		must(h.tb, err)
		tc, err := h.CA.Issue(who, q.TLS, identity.ForTLS, time.Now())
		must(h.tb, err)
		reply.Body = protocol.Marshal(&protocol.Renewal{TLSCert: tc, SigningCert: sc})
	}
	_ = protocol.WriteFrame(conn, protocol.Marshal(&reply)) // The node asks again.
	var rest [1]byte
	_, _ = conn.Read(rest[:])
}

// Open is replication.Host's.
func (h *Hub) Open(peer replication.Peer, grew func(protocol.Head)) (have []protocol.Head, want []protocol.LogID, cert []byte, closed func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told[peer.Session] = grew
	for _, l := range []*Log{h.Inbox, h.Catalogue} {
		have = append(have, l.Head())
	}
	for _, l := range h.uplinks {
		have = append(have, l.Head())
	}
	want = []protocol.LogID{{Channel: protocol.Uplink, Name: "41-" + peer.Subject.Slot}}
	return have, want, h.Cert, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.told, peer.Session)
	}, nil
}

// Load is replication.Host's.
func (h *Hub) Load(_ context.Context, _ replication.Peer, log protocol.LogID, from protocol.Position, limit int) ([]protocol.Epoch, []protocol.Block, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l, epoch := h.Inbox, h.epoch
	if up := h.uplinks[log]; up != nil {
		l = up
	} else if log == h.Catalogue.ID {
		l, epoch = h.Catalogue, nil
	} else if log != h.Inbox.ID {
		return nil, nil, fault.New("nodetest.Load", fault.NotFound, log.String(), "")
	}
	if from.Seq >= uint64(len(l.Items)) {
		return nil, nil, nil
	}
	b, err := h.packer.Pack(l.Run(from.Seq, limit), epoch, h.Signer)
	if err != nil || epoch == nil {
		return nil, []protocol.Block{b}, err
	}
	return []protocol.Epoch{protocol.NewEpoch(epoch, h.Cert, h.Signer)}, []protocol.Block{b}, nil
}

// Introduce is replication.Host's.
func (h *Hub) Introduce(_ context.Context, _ replication.Peer, e *protocol.Epoch) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := e.Verify(h.signing); err != nil {
		return err
	}
	key, err := identity.OpenWrap(h.Sealing, e.ID, e.Wraps)
	h.keys[e.ID] = key
	return err
}

// Acknowledged is replication.Host's; no node acknowledges.
func (h *Hub) Acknowledged(context.Context, replication.Peer, *protocol.Ack) error { return nil }

// Store is replication.Host's: what arrives is in the register at once.
func (h *Hub) Store(_ context.Context, _ replication.Peer, b *protocol.Block, done func(protocol.Position, *protocol.Ack, error)) {
	h.mu.Lock()
	at, ack, err := h.store(b)
	h.mu.Unlock()
	done(at, ack, err)
	if err == nil {
		h.Do(func(*District) {})
	}
}

func (h *Hub) store(b *protocol.Block) (protocol.Position, *protocol.Ack, error) {
	if h.mute {
		return protocol.Position{}, nil, fault.New("nodetest.Store", fault.Unavailable, "", "muted")
	}
	if err := b.Verify(h.signing); err != nil {
		return protocol.Position{}, nil, err
	}
	key := h.keys[b.Header.Epoch]
	if key == nil {
		return protocol.Position{}, nil, fault.New("nodetest.Store", fault.NotFound, "", "")
	}
	items, err := h.packer.Open(b, key)
	if err != nil {
		return protocol.Position{}, nil, err
	}
	l := h.uplinks[b.Header.Log]
	if l == nil {
		l = &Log{ID: b.Header.Log}
		h.uplinks[b.Header.Log] = l
	}
	first := uint64(len(l.Items)) + 1
	for _, item := range items {
		if item.Seq == uint64(len(l.Items))+1 {
			l.Items = append(l.Items, item)
		}
	}
	h.blocks++
	last := l.Head().At
	if last.Seq >= first {
		h.Say(h.tb, protocol.Accepted, &protocol.Acceptance{
			Log: l.ID, First: first, Last: last.Seq, Index: uint64(100 + h.blocks), At: Start.UnixMilli(),
		})
	}
	ack := &protocol.Ack{Log: l.ID, At: last, Index: uint64(100 + h.blocks), Incarnation: 7}
	ack.Sign(h.Signer)
	return last, ack, nil
}

// Forge has the hub sign for an event that its node never wrote.
func (h *Hub) Forge(log protocol.LogID, at protocol.Position) *protocol.Ack {
	ack := &protocol.Ack{Log: log, At: at, Index: 1, Incarnation: 7}
	ack.Sign(h.Signer)
	return ack
}

// Remember puts events into the register that the node may have lost.
func (h *Hub) Remember(log protocol.LogID, items []protocol.Item) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.uplinks[log] = &Log{ID: log, Items: append([]protocol.Item{}, items...)}
}
