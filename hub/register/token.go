package register

import (
	"time"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
)

// maxTTL is how long a join token may live, with room for a leader's clock that
// ran ahead.
const maxTTL = 25 * time.Hour

// createToken notes a join token that the hub has drawn.
func (s fleet) createToken(c *Command) Result {
	b, f := body[Token](c)
	if f != nil {
		return Result{Fault: f}
	}
	now := s.meta.At / 1000
	switch {
	case b.Nonce == protocol.Hash{}:
		return failed(fault.Invalid, "token", "want the hash of its nonce")
	case b.Expires <= now || b.Expires > now+int64(maxTTL/time.Second):
		return failed(fault.Invalid, "ttl", "a join token lives up to 24 hours")
	case b.Role != string(identity.RoleNode) && b.Role != string(identity.RoleServer):
		return failed(fault.Invalid, clip(b.Role, 40), "want a token for a node or a server")
	case (b.Role == string(identity.RoleNode)) != (b.Centre != ""):
		return failed(fault.Invalid, "centre", "a node's token names its centre, a server's none")
	case s.has(key(tagToken, b.Nonce[:])):
		return failed(fault.Conflict, b.ID(), "the token exists already")
	}
	if b.Centre != "" {
		if f := s.checkCentre(b.Centre); f != nil {
			return Result{Fault: f}
		}
	}
	t := &Token{Nonce: b.Nonce, Role: b.Role, Centre: b.Centre, Expires: b.Expires, By: c.Actor, CreatedAt: s.meta.At}
	s.put(key(tagToken, t.Nonce[:]), t)
	return done(t)
}

func (s fleet) checkCentre(c place.Centre) *protocol.Failure {
	if s.world.set == nil {
		return refuse(fault.Unavailable, "catalogue", "the first release is not published yet")
	}
	if _, ok := s.world.set.Directory.Centre(c); !ok {
		return refuse(fault.NotFound, clip(string(c), 64), "no such centre in this district's directory")
	}
	return nil
}

func (s fleet) revokeToken(c *Command) Result {
	b, f := body[Name](c)
	if f != nil {
		return Result{Fault: f}
	}
	var t *Token
	s.keep(s.tx.Scan(key(tagToken), nil, func(k, raw []byte) (bool, error) {
		x := &Token{}
		err := decodeState(k, raw, x)
		if err == nil && x.ID() == b.Name {
			t = x
		}
		return t == nil, err
	}))
	switch {
	case t == nil:
		return failed(fault.NotFound, clip(b.Name, 64), "no such token")
	case t.BurntAt != 0:
		return failed(fault.Conflict, t.ID(), "the token was used: revoke the machine")
	case t.RevokedAt == 0:
		t.RevokedAt = s.meta.At
		s.put(key(tagToken, t.Nonce[:]), t)
	}
	return done(t)
}
