package hubtest

import (
	"context"
	"crypto/rand"

	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/replication"
)

// Revoke shuts the box of a centre out of the district.
func (g *Group) Revoke(centre place.Centre) {
	g.tb.Helper()
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		g.tb.Fatal(err)
	}
	g.Do(g.Leader(), register.RevokeNode, register.Revocation{Centre: centre, Reason: "burnt", GossipKey: key})
}

// AddEntrepreneur lets somebody sign in at a centre, with a password that nobody
// knows.
func (g *Group) AddEntrepreneur(centre place.Centre, name string) {
	g.tb.Helper()
	g.Do(g.Leader(), register.AddUser, register.User{
		Name: name, Role: "entrepreneur", Centre: centre, Gender: "f", From: 1,
		Hash: nobodys,
	})
}

// nobodys is the hash of a password that nobody knows.
const nobodys = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// A carrier is a box in a session with its hub that carries for a neighbour: the
// neighbour's sealed blocks one way, its acknowledgements and its inbox the other.
type carrier struct{ *Box }

var _ replication.Relay = (*carrier)(nil)

// Open offers the neighbour's uplink beside its own.
func (c *carrier) Open(peer replication.Peer, grew func(protocol.Head)) (have []protocol.Head, want []protocol.LogID, cert []byte, closed func(), err error) {
	have, want, cert, own, err := c.Box.Open(peer, grew)
	theirs, _, _, other, _ := c.Carries.Open(peer, grew)
	return append(have, theirs[0]), want, cert, func() { own(); other() }, err
}

// Join asks for the neighbour's inbox from where the neighbour is.
func (c *carrier) Join(_ replication.Peer, line replication.Line) {
	for _, log := range c.Carries.Enrolment.Logs {
		if log.Channel == protocol.Inbox {
			c.Carries.mu.Lock()
			at := c.Carries.heads[log]
			c.Carries.mu.Unlock()
			line.Wish(protocol.Head{Log: log, At: at})
		}
	}
}

// Load cuts blocks of either.
func (c *carrier) Load(ctx context.Context, peer replication.Peer, log protocol.LogID, from protocol.Position, limit int) ([]protocol.Epoch, []protocol.Block, error) {
	if log == c.Carries.Log {
		return c.Carries.Load(ctx, peer, log, from, limit)
	}
	return c.Box.Load(ctx, peer, log, from, limit)
}

// Introduce hands an epoch to whoever it is sealed to.
func (c *carrier) Introduce(ctx context.Context, peer replication.Peer, e *protocol.Epoch) error {
	if c.Carries.Introduce(ctx, peer, e) == nil {
		return nil
	}
	return c.Box.Introduce(ctx, peer, e)
}

// Store hands the neighbour its inbox.
func (c *carrier) Store(ctx context.Context, peer replication.Peer, b *protocol.Block, done func(protocol.Position, *protocol.Ack, error)) {
	if b.Header.Log.Name == c.Carries.Enrolment.ID {
		c.Carries.Store(ctx, peer, b, done)
		return
	}
	c.Box.Store(ctx, peer, b, done)
}

// Acknowledged hands the neighbour its acknowledgement.
func (c *carrier) Acknowledged(ctx context.Context, peer replication.Peer, a *protocol.Ack) error {
	if a.Log == c.Carries.Log {
		return c.Carries.Acknowledged(ctx, peer, a)
	}
	return c.Box.Acknowledged(ctx, peer, a)
}
