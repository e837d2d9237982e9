package hub

import (
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
)

// enrolFor is how long an enrolment may take here.
const enrolFor = 20 * time.Second

// enrol takes a machine in, on whichever server it asked.
func (h *Hub) enrol(ctx context.Context, r *protocol.EnrolRequest) (*protocol.Enrolment, error) {
	var out *protocol.Enrolment
	err := h.persist(ctx, func(ctx context.Context) (err error) {
		if h.leads() {
			out, err = h.enrolHere(ctx, r)
			return err
		}
		out = &protocol.Enrolment{}
		return h.askLeader(ctx, callEnrol, r, out)
	})
	return out, err
}

// enrolHere checks a request as the leader, certifies the keys and burns the
// token. The same request gets the same answer again.
func (h *Hub) enrolHere(ctx context.Context, r *protocol.EnrolRequest) (*protocol.Enrolment, error) {
	const op = "hub.enrol"
	if err := r.Verify(); err != nil {
		return nil, err
	}
	if r.Token.CAHash != h.keys.authority.Hash() {
		return nil, fault.New(op, fault.Denied, r.Token.Centre, "the token is another district's")
	}
	switch r.Token.Role {
	case identity.RoleNode:
		return h.enrolNode(ctx, r)
	case identity.RoleServer:
		return h.enrolServer(ctx, r)
	}
	return nil, fault.New(op, fault.Invalid, string(r.Token.Role), "want a token for a node or a server")
}

func (h *Hub) enrolNode(ctx context.Context, r *protocol.EnrolRequest) (*protocol.Enrolment, error) {
	reg := h.Register()
	keys := register.NodeKeys{
		Nonce: sha256.Sum256(r.Token.Nonce[:]), Centre: place.Centre(r.Token.Centre),
		Signing: r.Signing, TLS: r.TLS, Sealing: r.Sealing, Gossip: r.Address, GossipKey: random(32),
	}
	keys.Slot, keys.Spare = reg.NextSlots()
	who := identity.Subject{Country: h.keys.Country, District: h.keys.District, Role: identity.RoleNode, Name: r.Token.Centre, Slot: keys.Slot}
	var err error
	if keys.SigningCert, keys.TLSCert, err = h.certify(who, r); err != nil {
		return nil, err
	}
	var node register.Node
	if err := h.settleOn(ctx, register.EnrolNode, keys, &node); err != nil {
		return nil, err
	}
	e := h.enrolment(string(node.Centre), node.SigningCert, node.TLSCert)
	e.Slot, e.Spare = node.Slot, node.Spare
	e.Logs = []protocol.LogID{reg.Inbox(node.Centre), reg.Shelf()}
	h.o.Logger.Info("enrolled a node", "centre", string(node.Centre), "slot", node.Slot)
	return e, nil
}

func (h *Hub) enrolServer(ctx context.Context, r *protocol.EnrolRequest) (*protocol.Enrolment, error) {
	s := register.Server{
		ID: "s-" + identity.IDOf(r.Signing).String(), Address: r.Address, HTTP: r.HTTP, Voter: r.Voter,
		Nonce: sha256.Sum256(r.Token.Nonce[:]), Signing: r.Signing, TLS: r.TLS, Sealing: r.Sealing,
	}
	who := identity.Subject{Country: h.keys.Country, District: h.keys.District, Role: identity.RoleServer, Name: s.ID, Slot: "0"}
	var err error
	if s.SigningCert, s.TLSCert, err = h.certify(who, r); err != nil {
		return nil, err
	}
	var server register.Server
	if err := h.settleOn(ctx, register.EnrolServer, s, &server); err != nil {
		return nil, err
	}
	e := h.enrolment(server.ID, server.SigningCert, server.TLSCert)
	if e.Secrets, err = h.keys.sealSecrets(server.Sealing); err != nil {
		return nil, err
	}
	h.o.Logger.Info("enrolled a server", "server", server.ID, "voter", server.Voter)
	return e, nil
}

// certify issues the two certificates of a machine.
func (h *Hub) certify(who identity.Subject, r *protocol.EnrolRequest) (signing, tls []byte, err error) {
	now := h.o.Clock()
	if signing, err = h.keys.ca.Issue(who, r.Signing, identity.ForSigning, now); err != nil {
		return nil, nil, err
	}
	tls, err = h.keys.ca.Issue(who, r.TLS, identity.ForTLS, now)
	return signing, tls, err
}

// settleOn carries a command of the hub itself through Raft. Its ID is fresh: the
// token, and not the ID, makes a repetition harmless.
func (h *Hub) settleOn(ctx context.Context, m register.Method, body, out any) error {
	answer, err := h.proposeHere(ctx, register.NewCommand(drawID(), register.ActorHub, m, body))
	if err != nil {
		return err
	}
	if f := answer.Result.Fault; f != nil {
		return f.Err()
	}
	return answer.Result.Decode(out)
}

func (h *Hub) enrolment(id string, signing, tls []byte) *protocol.Enrolment {
	f := h.Register().Founding()
	return &protocol.Enrolment{
		Country: h.keys.Country, District: h.keys.District, ID: id, CA: h.keys.Authority,
		TLSCert: tls, SigningCert: signing, Recipients: f.Recipients, Catalogue: f.CatalogueKey,
		Servers: h.Register().Addresses(),
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
	keys, err := joiningKeys(dir)
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
