package hub

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
)

// callReplace is the call of a server that can't trust its disk any more and comes back
// under another name: replacement → protocol.Enrolment. To the leader.
const callReplace = "replace"

const contextReplace = "kendro-replace-1"

// A replacement asks that new keys take the place of a server, whose own key signs it.
// The token in the request is made for it alone; its nonce follows from the new keys.
type replacement struct {
	Old   string                `cbor:"1,keyasint"`
	Enrol protocol.EnrolRequest `cbor:"2,keyasint"`
	Proof []byte                `cbor:"3,keyasint,omitempty"`
}

func (r replacement) signed() []byte {
	r.Proof = nil
	return protocol.Marshal(&r)
}

// replaceTokenFor is how long the token of a replacement counts.
const replaceTokenFor = time.Hour

// replace puts a server in another's place, on whichever server it asked.
func (r *registrar) replace(ctx context.Context, req *replacement) (out *protocol.Enrolment, err error) {
	err = r.persist(ctx, func(ctx context.Context) (err error) {
		if r.leads() {
			out, err = r.replaceHere(ctx, req)
			return err
		}
		out = &protocol.Enrolment{}
		return r.askLeader(ctx, callReplace, req, out)
	})
	return out, err
}

// replaceHere does it as the leader: the new server is enrolled, then the old one is
// removed, whose votes and entries nobody counts on any more. The same request gets
// the same answer again.
func (r *registrar) replaceHere(ctx context.Context, req *replacement) (*protocol.Enrolment, error) {
	const op = "hub.replace"
	if err := req.Enrol.Verify(); err != nil {
		return nil, err
	}
	old, ok := r.register().Server(req.Old)
	nonce := protocol.Hash(sha256.Sum256(req.Enrol.Token.Nonce[:]))
	token, err := r.register().Token(nonce)
	again := err == nil && bytes.Equal(token.BurntBy, req.Enrol.Signing)
	switch {
	case !ok || !identity.Verify(old.Signing, contextReplace, req.signed(), req.Proof):
		return nil, fault.New(op, fault.Denied, req.Old, "the request is not that server's")
	case req.Enrol.Token.CAHash != r.keys.authority.Hash() || bytes.Equal(old.Signing, req.Enrol.Signing):
		return nil, fault.New(op, fault.Invalid, req.Old, "want fresh keys, for this district")
	case old.RemovedAt != 0 && !again:
		return nil, fault.New(op, fault.Denied, req.Old, "this server was removed from the group")
	}
	if err != nil {
		t := register.Token{Nonce: nonce, Role: string(identity.RoleServer), Expires: r.clock().Add(replaceTokenFor).Unix()}
		_, err := r.do(ctx, register.NewCommand(drawID(), register.ActorHub, register.CreateToken, t))
		if err != nil && !errors.Is(err, fault.Conflict) { // It was made before and not heard of.
			return nil, err
		}
	}
	as := req.Enrol
	as.Voter = old.Voter
	e, err := r.enrolServer(ctx, &as)
	if err != nil || old.RemovedAt != 0 {
		return e, err
	}
	cmd := register.NewCommand(drawID(), register.ActorHub, register.RemoveServer, register.Name{Name: req.Old})
	if _, err := r.do(ctx, cmd); err != nil {
		return nil, err
	}
	r.log.Warn("a server could not trust its disk any more and comes back under another name", "server", req.Old, "now", e.ID)
	return e, nil
}

// answerReplace answers the call, of the server itself or of one that passes it on.
func (s *switchboard) answerReplace(c *protocol.Call, do func(context.Context, *replacement) (*protocol.Enrolment, error)) answerFunc {
	r := &replacement{}
	if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "replacement", r); err != nil {
		return failed(err)
	}
	return func(ctx context.Context) (any, error) { return do(ctx, r) }
}
