package bench

import (
	"context"
	"slices"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
)

// Open says what the caller holds, and that it wants its inbox.
func (c *caller) Open(_ replication.Peer, grew func(protocol.Head)) (have []protocol.Head, want []protocol.LogID, cert []byte, closed func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.grew = grew
	c.meet.Do(func() { close(c.up) })
	have = append(have, c.head())
	for log, at := range c.inbox {
		have = append(have, protocol.Head{Log: log, At: at})
	}
	return have, []protocol.LogID{{Channel: protocol.Inbox, Name: c.centre}}, nil, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.grew = nil
	}, nil
}

// Load returns the block after a position, when the caller's pause is over. The
// clock of the block starts.
func (c *caller) Load(ctx context.Context, _ replication.Peer, log protocol.LogID, from protocol.Position, _ int) ([]protocol.Epoch, []protocol.Block, error) {
	if log != c.log {
		return nil, nil, fault.New(op, fault.NotFound, log.String(), "not a log of this caller")
	}
	i, found := slices.BinarySearchFunc(c.blocks, from.Seq+1, func(b protocol.Block, seq uint64) int {
		switch {
		case b.Header.Last < seq:
			return -1
		case b.Header.First > seq:
			return 1
		}
		return 0
	})
	if !found {
		return nil, nil, nil
	}
	if c.pause > 0 {
		over := time.NewTimer(c.pause)
		defer over.Stop()
		select {
		case <-over.C:
		case <-ctx.Done():
			return nil, nil, fault.Wrap(op, fault.Unavailable, c.centre, ctx.Err())
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if last := c.blocks[i].Header.Last; c.given[last].IsZero() {
		c.given[last] = time.Now()
	}
	return []protocol.Epoch{c.epoch}, c.blocks[i : i+1], nil
}

// Store takes a block of the inbox, unopened.
func (c *caller) Store(_ context.Context, _ replication.Peer, b *protocol.Block, done func(protocol.Position, *protocol.Ack, error)) {
	at := protocol.Position{Seq: b.Header.Last, Hash: b.Header.End}
	c.mu.Lock()
	c.inbox[b.Header.Log] = at
	c.mu.Unlock()
	done(at, nil, nil)
}

// Introduce has nothing to do with a key that nobody will use.
func (c *caller) Introduce(context.Context, replication.Peer, *protocol.Epoch) error { return nil }

// Acknowledged stops the clocks of the blocks that a server has signed for.
func (c *caller) Acknowledged(_ context.Context, peer replication.Peer, a *protocol.Ack) error {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.Log != c.log || a.At.Seq <= c.acked {
		return nil
	}
	for _, b := range c.between(c.acked, a.At.Seq) {
		h := &b.Header
		if h.Last == a.At.Seq && h.End != a.At.Hash {
			return fault.New(op, fault.Internal, c.centre, "the hub acknowledges another event than was sent")
		}
		c.took = append(c.took, now.Sub(c.given[h.Last]))
		c.acked = h.Last
	}
	if c.acked < c.head().At.Seq || !c.open {
		return nil
	}
	if err := c.check(peer, a); err != nil {
		return err
	}
	c.end.Do(func() { close(c.done) })
	return nil
}

// between lists the blocks that end after one sequence and not after another.
func (c *caller) between(after, upTo uint64) []protocol.Block {
	ends := func(seq uint64) int {
		i, found := slices.BinarySearchFunc(c.blocks, seq, func(b protocol.Block, seq uint64) int {
			if b.Header.Last < seq {
				return -1
			}
			if b.Header.Last > seq {
				return 1
			}
			return 0
		})
		if found {
			i++
		}
		return i
	}
	return c.blocks[ends(after):ends(upTo)]
}

// check verifies an acknowledgement as a node would. Callers do so for the last
// of all, so that the clock measures the hub.
func (c *caller) check(peer replication.Peer, a *protocol.Ack) error {
	public, who, err := c.authority.Signer(peer.Cert)
	if err != nil {
		return err
	}
	if who.Role != identity.RoleServer {
		return fault.New(op, fault.Internal, c.centre, "no server has signed the acknowledgement")
	}
	return a.Verify(public)
}
