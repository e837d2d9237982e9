package link_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
)

// memHost is a host in memory that seals, opens, signs and verifies for real.
type memHost struct {
	want   []protocol.LogID
	signer *identity.Signer
	seal   *identity.Epoch      // Of what it sends; nil sends open blocks.
	key    *identity.SealingKey // Opens what is sealed to it.
	signs  map[string][]byte    // Log name → public key of who makes its blocks.
	acks   bool                 // Acknowledges uplinks.
	verify []byte               // Public key that acknowledges to us.
	packer *protocol.Packer
	slow   func(seq uint64) // Called before a block is stored.

	mu      sync.Mutex // Guards what follows.
	logs    map[protocol.LogID]*memLog
	epochs  map[identity.EpochID]*identity.EpochKey
	grew    map[uint64]func(protocol.Head)
	acked   protocol.Position
	handed  int // Events handed over by Store.
	intros  int
	opened  int
	changed chan struct{} // Closed and replaced at every change.
}

type memLog struct {
	raw   [][]byte
	chain []protocol.Hash
}

func (l *memLog) at(seq uint64) protocol.Position {
	if seq == 0 || l == nil || seq > uint64(len(l.raw)) {
		return protocol.Position{}
	}
	return protocol.Position{Seq: seq, Hash: l.chain[seq-1]}
}

func (l *memLog) head() protocol.Position {
	if l == nil {
		return protocol.Position{}
	}
	return l.at(uint64(len(l.raw)))
}

func (l *memLog) append(log protocol.LogID, raw []byte) {
	hash := protocol.ChainHash(log, uint64(len(l.raw))+1, l.head().Hash, raw)
	l.raw, l.chain = append(l.raw, raw), append(l.chain, hash)
}

func newMemHost(t testing.TB, want ...protocol.LogID) *memHost {
	p := protocol.NewPacker()
	t.Cleanup(p.Close)
	return &memHost{
		want: want, signer: identity.NewSigner(), packer: p, signs: map[string][]byte{},
		logs: map[protocol.LogID]*memLog{}, epochs: map[identity.EpochID]*identity.EpochKey{},
		grew: map[uint64]func(protocol.Head){}, changed: make(chan struct{}),
	}
}

// file appends n events of a realistic size to a log.
func (h *memHost) file(log protocol.LogID, n int) {
	h.mu.Lock()
	if h.logs[log] == nil {
		h.logs[log] = &memLog{}
	}
	l := h.logs[log]
	for range n {
		i := len(l.raw)
		l.append(log, protocol.Marshal(map[int]any{
			1: i, 2: fmt.Sprintf("applicant %d of village %d", i*7919, i%97), 3: make([]byte, 8), 4: fmt.Sprintf("%x", uint64(i)*0x9E3779B97F4A7C15),
		}))
	}
	at := l.head()
	h.change()
	grew := h.listeners()
	h.mu.Unlock()
	for _, g := range grew {
		g(protocol.Head{Log: log, At: at})
	}
}

func (h *memHost) listeners() (out []func(protocol.Head)) {
	for _, g := range h.grew {
		out = append(out, g)
	}
	return out
}

func (h *memHost) change() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// until waits for a condition that is checked at every change.
func (h *memHost) until(t testing.TB, what string, d time.Duration, ok func() bool) {
	t.Helper()
	late := time.NewTimer(d)
	defer late.Stop()
	for {
		h.mu.Lock()
		done, changed := ok(), h.changed
		h.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-late.C:
			t.Fatalf("%s: not within %v", what, d)
		}
	}
}

func (h *memHost) Open(peer replication.Peer, grew func(protocol.Head)) ([]protocol.Head, []protocol.LogID, []byte, func(), error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var have []protocol.Head
	for id, l := range h.logs {
		have = append(have, protocol.Head{Log: id, At: l.head()})
	}
	h.grew[peer.Session] = grew
	h.opened++
	h.change()
	var cert []byte
	if h.acks {
		cert = []byte("the certificate")
	}
	return have, h.want, cert, func() {
		h.mu.Lock()
		delete(h.grew, peer.Session)
		h.mu.Unlock()
	}, nil
}

func (h *memHost) Load(_ context.Context, _ replication.Peer, log protocol.LogID, from protocol.Position, limit int) ([]protocol.Epoch, []protocol.Block, error) {
	h.mu.Lock()
	l := h.logs[log]
	raw := slices.Clone(l.raw[min(from.Seq, uint64(len(l.raw))):])
	h.mu.Unlock()
	raw = raw[:min(limit, len(raw))]
	if len(raw) == 0 {
		return nil, nil, nil
	}
	raw = raw[:protocol.Fits(raw)]
	h.mu.Lock()
	end := l.at(from.Seq + uint64(len(raw)))
	h.mu.Unlock()
	b, err := h.packer.Pack(protocol.Run{Log: log, First: from.Seq + 1, Prev: from.Hash, End: end.Hash, Events: raw}, h.seal, h.signer)
	if err != nil || h.seal == nil {
		return nil, []protocol.Block{b}, err
	}
	return []protocol.Epoch{protocol.NewEpoch(h.seal, nil, h.signer)}, []protocol.Block{b}, nil
}

func (h *memHost) Introduce(_ context.Context, _ replication.Peer, e *protocol.Epoch) error {
	key, err := identity.OpenWrap(h.key, e.ID, e.Wraps)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.epochs[e.ID] = key
	h.intros++
	return nil
}

func (h *memHost) Acknowledged(_ context.Context, peer replication.Peer, a *protocol.Ack) error {
	if string(peer.Cert) != "the certificate" {
		return fault.New("test", fault.Denied, "cert", "the hello's certificate did not arrive")
	}
	if err := a.Verify(h.verify); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.logs[a.Log].at(a.At.Seq) != a.At {
		return fault.New("test", fault.Conflict, a.Log.String(), "acknowledges another event")
	}
	if a.At.Seq > h.acked.Seq {
		h.acked = a.At
	}
	h.change()
	return nil
}

func (h *memHost) Store(_ context.Context, peer replication.Peer, b *protocol.Block, done func(protocol.Position, *protocol.Ack, error)) {
	if h.slow != nil {
		h.slow(b.Header.First)
	}
	if err := b.Verify(h.signs[b.Header.Log.Name]); err != nil {
		done(protocol.Position{}, nil, err)
		return
	}
	h.mu.Lock()
	key := h.epochs[b.Header.Epoch]
	h.mu.Unlock()
	items, err := h.packer.Open(b, key)
	if err != nil {
		done(protocol.Position{}, nil, err)
		return
	}
	h.mu.Lock()
	l := h.logs[b.Header.Log]
	if l == nil {
		l = &memLog{}
		h.logs[b.Header.Log] = l
	}
	if b.Header.First > l.head().Seq+1 {
		h.mu.Unlock()
		done(protocol.Position{}, nil, fault.New("test", fault.Unavailable, b.Header.Log.String(), "gap"))
		return
	}
	for _, it := range items {
		if it.Seq > l.head().Seq {
			l.append(b.Header.Log, it.Raw)
		}
	}
	h.handed += len(items)
	at := l.head()
	h.change()
	h.mu.Unlock()
	var ack *protocol.Ack
	if h.acks && b.Header.Log.Channel == protocol.Uplink {
		ack = &protocol.Ack{Log: b.Header.Log, At: at, Index: at.Seq}
		ack.Sign(h.signer)
	}
	done(at, ack, nil)
}

var (
	upLog    = protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 7}
	inboxLog = protocol.LogID{Channel: protocol.Inbox, Name: "C1", Incarnation: 8}
)

// hostPair returns a node's host and a hub's, which trust each other.
func hostPair(t testing.TB) (node, hub *memHost) {
	node = newMemHost(t, inboxLog)
	hub = newMemHost(t, protocol.LogID{Channel: protocol.Uplink, Name: "41-0010"})
	hub.key, node.key = identity.NewSealingKey(), identity.NewSealingKey()
	var err error
	if node.seal, err = identity.NewEpoch(hub.key.Public()); err != nil {
		t.Fatal(err)
	}
	if hub.seal, err = identity.NewEpoch(node.key.Public()); err != nil {
		t.Fatal(err)
	}
	hub.acks, node.verify = true, hub.signer.Public()
	hub.signs[upLog.Name], node.signs[inboxLog.Name] = node.signer.Public(), hub.signer.Public()
	return node, hub
}
