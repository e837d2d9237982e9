package hub

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"time"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
	"kendro/web/api"
)

// enrolFor is how long an enrolment may take here.
const enrolFor = 20 * time.Second

// A registrar enrols machines. It is safe for concurrent use.
type registrar struct {
	*group
	keys    *openKeys
	clock   func() time.Time
	guesses *api.Limiter // Of boxes, at the mobiles of holders.
}

// enrol takes a machine in, on whichever server it asked.
func (r *registrar) enrol(ctx context.Context, req *protocol.EnrolRequest) (*protocol.Enrolment, error) {
	var out *protocol.Enrolment
	err := r.persist(ctx, func(ctx context.Context) (err error) {
		if r.leads() {
			out, err = r.here(ctx, req)
			return err
		}
		out = &protocol.Enrolment{}
		return r.askLeader(ctx, callEnrol, req, out)
	})
	return out, err
}

// here checks a request as the leader, certifies the keys and burns the
// token. The same request gets the same answer again.
func (r *registrar) here(ctx context.Context, req *protocol.EnrolRequest) (*protocol.Enrolment, error) {
	const op = "hub.enrol"
	if err := req.Verify(); err != nil {
		return nil, err
	}
	if req.Token.CAHash != r.keys.authority.Hash() {
		return nil, fault.New(op, fault.Denied, req.Token.Centre, "the token is another district's")
	}
	switch req.Token.Role {
	case identity.RoleNode:
		return r.enrolNode(ctx, req)
	case identity.RoleServer:
		return r.enrolServer(ctx, req)
	}
	return nil, fault.New(op, fault.Invalid, string(req.Token.Role), "want a token for a node or a server")
}

func (r *registrar) enrolNode(ctx context.Context, req *protocol.EnrolRequest) (*protocol.Enrolment, error) {
	reg := r.register()
	keys := register.NodeKeys{
		Nonce: sha256.Sum256(req.Token.Nonce[:]), Centre: place.Centre(req.Token.Centre),
		Signing: req.Signing, TLS: req.TLS, Sealing: req.Sealing, Gossip: req.Address, GossipKey: random(32),
	}
	keys.Slot, keys.Spare = reg.NextSlots()
	if old, ok := reg.NodeOf(keys.Centre); ok && old.RevokedAt == 0 && bytes.Equal(old.Signing, req.Signing) && old.Nonce != keys.Nonce {
		keys.Slot, keys.Spare = old.Slot, old.Spare // Its certificates have ended, and it has a new token.
	}
	who := identity.Subject{Country: r.keys.Country, District: r.keys.District, Role: identity.RoleNode, Name: req.Token.Centre, Slot: keys.Slot}
	var err error
	if keys.SigningCert, keys.TLSCert, err = r.certify(who, req); err != nil {
		return nil, err
	}
	var node register.Node
	if err := r.settleOn(ctx, register.EnrolNode, keys, &node); err != nil {
		return nil, err
	}
	e := r.enrolment(string(node.Centre), node.SigningCert, node.TLSCert)
	e.Slot, e.Spare = node.Slot, node.Spare
	e.Logs = []protocol.LogID{reg.Inbox(node.Centre), reg.Shelf()}
	r.log.Info("enrolled a node", "centre", string(node.Centre), "slot", node.Slot)
	return e, nil
}

func (r *registrar) enrolServer(ctx context.Context, req *protocol.EnrolRequest) (*protocol.Enrolment, error) {
	s := register.Server{
		ID: "s-" + identity.IDOf(req.Signing).String(), Address: req.Address, HTTP: req.HTTP, Voter: req.Voter,
		Nonce: sha256.Sum256(req.Token.Nonce[:]), Signing: req.Signing, TLS: req.TLS, Sealing: req.Sealing,
	}
	who := identity.Subject{Country: r.keys.Country, District: r.keys.District, Role: identity.RoleServer, Name: s.ID, Slot: "0"}
	var err error
	if s.SigningCert, s.TLSCert, err = r.certify(who, req); err != nil {
		return nil, err
	}
	var server register.Server
	if err := r.settleOn(ctx, register.EnrolServer, s, &server); err != nil {
		return nil, err
	}
	e := r.enrolment(server.ID, server.SigningCert, server.TLSCert)
	if e.Secrets, err = r.keys.sealSecrets(server.Sealing); err != nil {
		return nil, err
	}
	r.log.Info("enrolled a server", "server", server.ID, "voter", server.Voter)
	return e, nil
}

// certify issues the two certificates of a machine.
func (r *registrar) certify(who identity.Subject, req *protocol.EnrolRequest) (signing, tls []byte, err error) {
	now := r.clock()
	if signing, err = r.keys.ca.Issue(who, req.Signing, identity.ForSigning, now); err != nil {
		return nil, nil, err
	}
	tls, err = r.keys.ca.Issue(who, req.TLS, identity.ForTLS, now)
	return signing, tls, err
}

// settleOn carries a command of the hub itself through Raft. Its ID is fresh: the
// token, and not the ID, makes a repetition harmless.
func (r *registrar) settleOn(ctx context.Context, m register.Method, body, out any) error {
	answer, err := r.propose(ctx, register.NewCommand(drawID(), register.ActorHub, m, body))
	if err != nil {
		return err
	}
	if f := answer.Result.Fault; f != nil {
		return f.Err()
	}
	return answer.Result.Decode(out)
}

func (r *registrar) enrolment(id string, signing, tls []byte) *protocol.Enrolment {
	f := r.register().Founding()
	to, at := r.register().Recipients()
	return &protocol.Enrolment{
		Country: r.keys.Country, District: r.keys.District, ID: id, CA: r.keys.Authority,
		TLSCert: tls, SigningCert: signing, Recipients: to, Catalogue: f.CatalogueKey,
		Servers: r.register().Addresses(), SealingAt: at,
	}
}

// JoinOptions say how a machine becomes a server.
type JoinOptions struct {
	Address string // host:port that the group will reach it under, as far as known.
	HTTP    string
	Voter   bool
	Dial    func(ctx context.Context, addr string, caHash [32]byte) (net.Conn, error) // Nil is link.DialEnrol.
}

// Join makes the machine whose folder dir is a server of the token's district:
// keys are drawn here and certified there, and the district's secrets come back
// sealed. A folder that holds a server already is left as it is, whatever the
// token says. A lost answer leaves the keys, and the same call gets it again.
//
// [fault.Denied]: the token was used by another machine, or has expired.
// [fault.Unavailable]: no server answered.
func Join(ctx context.Context, dir string, token protocol.JoinToken, o JoinOptions) error {
	const op = "hub.Join"
	if there, err := occupied(dir); err != nil || there {
		return err
	}
	if token.Role != identity.RoleServer {
		return fault.New(op, fault.Invalid, string(token.Role), "this token is for a node: make one with kendro token create --server")
	}
	keys, err := joiningKeys(dir, joinFile)
	if err != nil {
		return err
	}
	e, err := keys.ask(ctx, &token, o)
	if err != nil {
		return err
	}
	k, err := keys.accept(e, &token)
	if err != nil {
		return err
	}
	k.Voter = o.Voter
	return k.save(dir)
}

func random(n int) []byte {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		panic("hub: the system's random source failed: " + err.Error())
	}
	return b
}

// drawID returns a fresh command ID.
func drawID() string { return hex.EncodeToString(random(16)) }
