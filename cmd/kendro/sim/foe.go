package sim

import (
	"context"
	"time"

	"kendro/protocol"
	"kendro/replication"
)

// A foe is what a box does to its neighbours whose software is not ours. Its own
// records it delivers as everybody does.
type foe struct {
	drops float64 // Share of blocks that it says it keeps, and doesn't.
	late  float64 // Share of blocks of which it answers minutes later.
	lies  float64 // Share of logs that it says it has further than they are.
	forge float64 // Share of blocks for which it makes up a server's word.
	mute  bool    // It passes on no mail and no word of servers.
}

// drawFoe says what a hostile box is like.
func (w *world) drawFoe() *foe {
	f := &foe{mute: w.chance(0.5)}
	for _, p := range []*float64{&f.drops, &f.late, &f.lies, &f.forge} {
		if w.chance(0.5) {
			*p = w.rand.Float64()
		}
	}
	return f
}

// dropsAll is a neighbour that takes everything and lets none of it arrive.
func dropsAll() *foe { return &foe{drops: 1, mute: true} }

// A traitor is a foe's end of a session that a neighbour began.
type traitor struct {
	keeper
	m    *machine
	line replication.Line
}

// keeper is all that the box's end of such a session is.
type keeper interface {
	replication.Host
	replication.Finder
	replication.Witness
	replication.Relay
	replication.Greeter
}

func newTraitor(m *machine) *traitor { return &traitor{keeper: m.alone.Keeper().(keeper), m: m} }

// Join hands over what servers have said, or nothing.
func (t *traitor) Join(peer replication.Peer, line replication.Line) {
	t.line = line
	if t.m.foe.mute {
		line.Pass = func(protocol.Passed) {}
	}
	t.keeper.Join(peer, line)
}

// Met takes the neighbour's wish for its inbox, or forgets it.
func (t *traitor) Met(ctx context.Context, peer replication.Peer) {
	if !t.m.foe.mute {
		t.keeper.Met(ctx, peer)
	}
}

// Find says from where on a log is wanted, or lies.
func (t *traitor) Find(ctx context.Context, peer replication.Peer, log protocol.LogID, claimed protocol.Position) (protocol.Position, *protocol.Ack, error) {
	at, ack, err := t.keeper.Find(ctx, peer, log, claimed)
	if err == nil && t.m.w.chance(t.m.foe.lies) {
		at = protocol.Position{Seq: at.Seq + uint64(t.m.w.rand.IntN(40)), Hash: protocol.Hash(seedOf("lie", t.m.w.rand.Uint64()))}
	}
	return at, ack, err
}

// Store takes a block and does with it what a foe does.
func (t *traitor) Store(ctx context.Context, peer replication.Peer, b *protocol.Block, done func(protocol.Position, *protocol.Ack, error)) {
	w, f := t.m.w, t.m.foe
	if w.chance(f.forge) {
		w.tracef("%s makes up a server's word about %s up to %d", t.m.name, b.Header.Log, b.Header.Last)
		w.stats.Forged++
		t.line.Pass(t.forged(&b.Header))
	}
	answer := done
	if w.chance(f.late) {
		answer = func(at protocol.Position, ack *protocol.Ack, err error) {
			t.m.after(w.between(time.Minute, 20*time.Minute), func() { done(at, ack, err) })
		}
	}
	if w.chance(f.drops) {
		w.tracef("%s drops %s %d-%d and says that it holds it", t.m.name, b.Header.Log, b.Header.First, b.Header.Last)
		w.stats.Dropped++
		answer(protocol.Position{Seq: b.Header.Last, Hash: b.Header.End}, nil, nil)
		return
	}
	t.keeper.Store(ctx, peer, b, answer)
}

// forged is a server's word that no server said: signed with the box's own key, or
// with none, and certified by itself or by the server that it names.
func (t *traitor) forged(h *protocol.Header) protocol.Passed {
	w := t.m.w
	reg := w.group.servers[0].reg
	a := protocol.Ack{Log: h.Log, At: protocol.Position{Seq: h.Last, Hash: h.End}, Index: reg.Applied(), Incarnation: reg.Incarnation()}
	cert := t.m.keys.enrolment.SigningCert
	a.Sign(t.m.keys.signer)
	if w.chance(0.5) {
		server := w.cast.keys[w.rand.IntN(len(w.cast.keys))]
		cert, a.Signer = server.SigningCert, server.Signing.ID()
	}
	return protocol.Passed{Ack: a, Cert: cert}
}
