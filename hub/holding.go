package hub

import (
	"context"
	"errors"
	"strings"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/replication"
	"kendro/store/held"
)

// holding is what a server without a leader does with blocks: it keeps them sealed,
// as one neighbour would, says that it holds them and signs for nothing. When there
// is a leader they are handed over, and their boxes get the signed word. It may be
// used concurrently.
type holding struct {
	*group
	store    *held.Store
	judge    *judge
	ingester *ingester
	keys     *openKeys
	kick     chan struct{} // Holds one: there may be something to hand over.
	tell     func(protocol.Ack)
}

// handEvery is how often a server looks whether what it holds can be handed over.
const handEvery = 500 * time.Millisecond

// holds reports whether something of a log lies here, so that what follows has to
// lie down behind it.
func (h *holding) holds(log protocol.LogID) bool {
	if h == nil {
		return false
	}
	return h.store.Head(log).Seq > 0
}

// leaderless reports whether nobody leads, as far as is known here.
func (h *holding) leaderless() bool {
	if h == nil {
		return false
	}
	_, address := h.leader()
	return address == "" && !h.leads()
}

// put keeps a block that its author signed and that continues what is settled or
// held here. What cannot be kept is unknown to the box, as if there were no holding. Of
// what the register here has, nothing is kept: it is signed for.
func (h *holding) put(c *ingestCall, settled protocol.Position) (protocol.Position, *protocol.Ack, error) {
	const op = "hub.hold"
	b := &c.Block
	none := protocol.Position{}
	reg := h.register()
	owner, err := h.judge.author(reg, b.Header.Log)
	if err != nil {
		return none, nil, err
	}
	if !b.Header.Sealed() {
		return none, nil, fault.New(op, fault.Denied, b.Header.Log.String(), "what is held is sealed")
	}
	if err := b.Verify(owner.Signing); err != nil {
		return none, nil, err
	}
	epoch, _, err := h.judge.epoch(reg, b, c.Epoch, owner.Signing)
	if err != nil {
		return none, nil, err
	}
	if _, err := h.judge.opener.key(epoch); errors.Is(err, fault.NotFound) { // Held, it would be in the way of the same under another key.
		return none, nil, fault.New(op, fault.Unavailable, b.Header.Log.String(), "it is sealed to a key that this district does not hold")
	}
	here := h.cursor(b.Header.Log)
	if h.registered(&b.Header, here) { // Or what was erased by order would lie here once more.
		return here, h.sign(b.Header.Log, here, h.register().Applied(), h.register().Incarnation()), nil
	}
	known := max(here.Seq, settled.Seq, h.store.Head(b.Header.Log).Seq)
	if b.Header.First > known+1 {
		return none, nil, fault.New(op, fault.Unavailable, b.Header.Log.String(), "what comes before is not here: send again")
	}
	// The log may have gone on by another way since something of it was held here.
	h.store.Begin(b.Header.Log, protocol.Position{Seq: b.Header.First - 1, Hash: b.Header.Prev})
	at, err := h.store.Put(epoch, b)
	if errors.Is(err, fault.Stopped) {
		h.fatal.set(err)
	}
	if errors.Is(err, fault.Denied) { // No room: the box keeps it and asks again.
		err = fault.Wrap(op, fault.Unavailable, b.Header.Log.String(), err)
	}
	h.nudge()
	return at, nil, err
}

// cursor is how far the register here has a log.
func (h *holding) cursor(log protocol.LogID) protocol.Position {
	_, slot, _ := strings.Cut(log.Name, "-")
	list, err := h.register().Cursors(slot)
	if err != nil {
		return protocol.Position{} // Nothing is known of it: what is held stays.
	}
	for _, c := range list {
		if c.Log == log {
			return c.At
		}
	}
	return protocol.Position{}
}

// registered reports whether the register here has all of a block.
func (h *holding) registered(b *protocol.Header, here protocol.Position) bool {
	if b.Last > here.Seq {
		return false
	}
	end, err := h.register().HashAt(b.Log, b.Last)
	return err == nil && end == b.End
}

func (h *holding) nudge() {
	select {
	case h.kick <- struct{}{}:
	default: // One look is enough.
	}
}

// run hands over what is held whenever somebody leads, until ctx ends.
func (h *holding) run(ctx context.Context) {
	tick := time.NewTicker(handEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-h.kick:
		}
		if h.leaderless() {
			continue
		}
		for _, s := range h.store.Shelves() {
			if err := h.handOver(ctx, s); err != nil {
				h.log.Info("held blocks can't be handed over yet", "log", s.Head.Log.String(), "err", err)
			}
		}
	}
}

// handOver gives the leader what is held of a log, in its order.
func (h *holding) handOver(ctx context.Context, s held.Shelf) error {
	log, from := s.Head.Log, s.Base
	if at := h.cursor(log); at.Seq > from.Seq {
		from = at // And no less than that is registered.
	}
	if from.Seq >= s.Head.At.Seq { // It came by another way.
		return h.settle(log, from, h.register().Applied(), h.register().Incarnation())
	}
	epochs, blocks, err := h.store.Load(log, from, protocol.MaxBlockEvents)
	if err != nil {
		return err
	}
	for i := range blocks {
		c := &ingestCall{Block: blocks[i]}
		for j := range epochs {
			if epochs[j].ID == blocks[i].Header.Epoch {
				c.Epoch = &epochs[j]
			}
		}
		a, err := h.ingest(ctx, c)
		switch {
		case errors.Is(err, fault.Denied), errors.Is(err, fault.Conflict), errors.Is(err, fault.Invalid):
			// The register has decided; its box hears it when it asks itself.
			h.log.Warn("a held block is refused and let go", "block", blockName(&blocks[i].Header), "err", err)
			return h.release(protocol.Ack{Log: log, At: s.Head.At})
		case err != nil:
			return err
		}
		if err := h.settle(log, a.At, a.Index, a.Incarnation); err != nil {
			return err
		}
	}
	if len(blocks) > 0 {
		h.nudge() // There may be more.
	}
	return nil
}

// ingest brings one block into the register, wherever the leader is.
func (h *holding) ingest(ctx context.Context, c *ingestCall) (a ingestAnswer, err error) {
	if !h.leads() {
		err = h.askLeader(ctx, callIngest, c, &a)
		return a, err
	}
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	type outcome struct {
		a   ingestAnswer
		err error
	}
	result := make(chan outcome, 1)
	h.ingester.ingest(ctx, c, func(a ingestAnswer, err error) { result <- outcome{a, err} })
	select {
	case o := <-result:
		return o.a, o.err
	case <-ctx.Done():
		return a, fault.Wrap("hub.hold", fault.Unavailable, c.Block.Header.Log.String(), ctx.Err())
	}
}

// settle signs for a log, lets go of what that covers, and tells its box.
func (h *holding) settle(log protocol.LogID, at protocol.Position, index, incarnation uint64) error {
	ack := h.sign(log, at, index, incarnation)
	if err := h.release(*ack); err != nil {
		return err
	}
	h.tell(*ack)
	return nil
}

func (h *holding) sign(log protocol.LogID, at protocol.Position, index, incarnation uint64) *protocol.Ack {
	ack := &protocol.Ack{Log: log, At: at, Index: index, Incarnation: incarnation}
	ack.Sign(h.keys.signer)
	return ack
}

func (h *holding) release(ack protocol.Ack) error {
	_, err := h.store.Acknowledge(protocol.Passed{Ack: ack, Cert: h.keys.certs.Load().signing})
	if errors.Is(err, fault.Stopped) {
		h.fatal.set(err)
	}
	return err
}

// hold answers for a block that could not be brought to a leader: that it is held
// here, or else what kept it from the leader.
func (s *host) hold(in *intake, c *ingestCall, cause error, done func(protocol.Position, *protocol.Ack, error)) {
	log := c.Block.Header.Log
	s.mu.Lock()
	settled := in.settled[log]
	s.mu.Unlock()
	at, ack, err := s.holding.put(c, settled)
	if err != nil {
		s.log.Debug("a block is not held", "block", blockName(&c.Block.Header), "err", err)
		done(protocol.Position{}, nil, cause)
		return
	}
	if ack != nil {
		s.settledAt(in, log, at)
		done(at, ack, nil)
		return
	}
	s.mu.Lock()
	if in.held == nil {
		in.held = map[protocol.LogID]bool{}
	}
	in.held[log] = true
	s.mu.Unlock()
	done(at, nil, nil)
}

// settledAt notes how far the leader has answered a session for a log.
func (s *host) settledAt(in *intake, log protocol.LogID, at protocol.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.settled == nil {
		in.settled = map[protocol.LogID]protocol.Position{}
	}
	if at.Seq > in.settled[log].Seq {
		in.settled[log] = at
	}
}

// heldSettled passes the signed word on to the sessions that brought what was held.
func (s *host) heldSettled(ack protocol.Ack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, in := range s.sessions {
		if in.held[ack.Log] && in.line.Pass != nil {
			in.line.Pass(protocol.Passed{Ack: ack, Cert: s.keys.certs.Load().signing})
		}
	}
}

// join keeps the way into a session.
func (s *host) join(peer replication.Peer, line replication.Line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in := s.sessions[peer.Session]; in != nil {
		in.line = line
	}
}
