package node

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"time"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication/link"
)

// EnrolOptions say how a box enrols. The zero value of what may be nil works.
type EnrolOptions struct {
	Gossip string // host:port at which neighbours reach the box; may be empty.
	HTTP   string // host:port of its pages; may be empty.
	Clock  func() time.Time
	Logger *slog.Logger

	// Dial opens kendro-enrol/1 to a server; nil is [link.DialEnrol].
	Dial func(ctx context.Context, addr string, caHash [32]byte) (net.Conn, error)
}

// Enrolled is what a box is after [Enrol].
type Enrolled struct {
	Centre  string `json:"centre"`
	Slot    string `json:"slot"`
	Already bool   `json:"already"` // It was enrolled before; nothing has changed.
}

// enrolMethod is the call that a new machine makes over kendro-enrol/1.
const enrolMethod = "enrol"

// enrolTimeout is how long one server may take to answer.
const enrolTimeout = 20 * time.Second

// Enrol makes the folder dir the box of the token's centre: its keys are drawn
// on the box, and any server named in the token certifies them. Should the
// answer be lost, the same call asks again with the same keys and gets the same
// enrolment. A folder that is enrolled for the same centre and district is left
// as it is, unless its certificates have ended: a new token has them issued again.
// For another one it is [fault.Conflict].
func Enrol(ctx context.Context, dir string, token protocol.JoinToken, o EnrolOptions) (Enrolled, error) {
	if err := checkToken(&token); err != nil {
		return Enrolled{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Enrolled{}, &fault.Error{Op: "node.Enrol", Kind: fault.Stopped, Item: dir, Err: err}
	}
	old, err := readEnrolment(dir)
	if err == nil {
		done, err := already(&old, &token)
		if err != nil || !ended(&old, o.Clock()) {
			return done, err
		}
	} else if !errors.Is(err, fault.NotFound) {
		return Enrolled{}, err
	}
	if o.Clock().Unix() >= token.Expires {
		return Enrolled{}, fault.New("node.Enrol", fault.Denied, token.Centre, "the token has expired: make another with kendro token create")
	}
	keys, err := makeKeyring(dir)
	if err != nil {
		return Enrolled{}, err
	}
	e, err := ask(ctx, keys, &token, &o)
	if err != nil {
		return Enrolled{}, err
	}
	if err := checkEnrolment(e, keys, &token); err != nil {
		return Enrolled{}, err
	}
	if err := fillBallast(dir); err != nil {
		return Enrolled{}, err
	}
	if err := writeKept(filepath.Join(dir, enrolmentFile), e); err != nil {
		return Enrolled{}, err
	}
	o.Logger.Info("enrolled", "centre", e.ID, "slot", e.Slot)
	return Enrolled{Centre: e.ID, Slot: e.Slot}, nil
}

func checkToken(t *protocol.JoinToken) error {
	const op = "node.Enrol"
	if t.Role != identity.RoleNode {
		return fault.New(op, fault.Invalid, string(t.Role), "this token is for a server: make one with kendro token create --centre CODE")
	}
	_, err := place.ParseCentre(t.Centre)
	return fault.Wrap(op, fault.Invalid, t.Centre, err)
}

// ended reports whether the box's certificates are over: then a new token has the
// same keys certified again.
func ended(e *protocol.Enrolment, now time.Time) bool {
	cert, err := x509.ParseCertificate(e.TLSCert)
	return err == nil && now.After(cert.NotAfter)
}

func already(e *protocol.Enrolment, t *protocol.JoinToken) (Enrolled, error) {
	const op = "node.Enrol"
	ca, err := identity.ParseAuthority(e.CA)
	if err != nil {
		return Enrolled{}, err
	}
	if e.ID != t.Centre || ca.Hash() != t.CAHash {
		return Enrolled{}, fault.New(op, fault.Conflict, e.ID, "this folder is the box of another centre or district: enrol in an empty folder")
	}
	return Enrolled{Centre: e.ID, Slot: e.Slot, Already: true}, nil
}

// ask goes through the token's servers until one answers.
func ask(ctx context.Context, keys *keyring, t *protocol.JoinToken, o *EnrolOptions) (*protocol.Enrolment, error) {
	dial := o.Dial
	if dial == nil {
		dial = link.DialEnrol
	}
	r := protocol.EnrolRequest{
		Token: *t, Signing: keys.signer.Public(), TLS: keys.tls.Public(), Sealing: keys.sealing.Public(),
		Address: o.Gossip, HTTP: o.HTTP,
	}
	r.Sign(keys.signer)
	var last error
	for _, i := range rand.Perm(len(t.Servers)) { //nolint:gosec // Spreads the load; nothing is secret in it.
		one, cancel := context.WithTimeout(ctx, enrolTimeout)
		e, err := askOne(one, dial, t.Servers[i], &r)
		cancel()
		if err == nil {
			return e, nil
		}
		if !errors.Is(err, fault.Unavailable) {
			return nil, err
		}
		o.Logger.Warn("server did not enrol the box; trying another", "server", t.Servers[i], "err", err)
		last = err
	}
	return nil, fault.Wrap("node.Enrol", fault.Unavailable, t.Centre, last)
}

type dialer func(ctx context.Context, addr string, caHash [32]byte) (net.Conn, error)

// A target is a server to call over kendro-enrol/1, by its authority.
type target struct {
	addr   string
	caHash [32]byte
	dial   dialer
}

func askOne(ctx context.Context, dial dialer, addr string, r *protocol.EnrolRequest) (*protocol.Enrolment, error) {
	e := new(protocol.Enrolment)
	return e, callOnce(ctx, target{addr, r.Token.CAHash, dial}, &protocol.Call{Method: enrolMethod, Body: protocol.Marshal(r)}, e)
}

// callOnce makes one call over kendro-enrol/1 and reads the answer into out.
func callOnce(ctx context.Context, to target, call *protocol.Call, out any) error {
	const op = "node.Enrol"
	conn, err := to.dial(ctx, to.addr, to.caHash)
	if err != nil {
		return fault.Wrap(op, fault.Unavailable, to.addr, err)
	}
	defer func() { _ = conn.Close() }() // What matters has been read by then.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := protocol.WriteFrame(conn, protocol.Marshal(call)); err != nil {
		return fault.Wrap(op, fault.Unavailable, to.addr, err)
	}
	raw, err := protocol.ReadFrame(conn, protocol.MaxRPC)
	if err != nil {
		return fault.Wrap(op, fault.Unavailable, to.addr, err)
	}
	var reply protocol.Reply
	if err := protocol.Unmarshal(raw, protocol.MaxRPC, "answer", &reply); err != nil {
		return err
	}
	if reply.Fault != nil {
		return reply.Fault.Err()
	}
	return protocol.Unmarshal(reply.Body, protocol.MaxRPC, call.Method, out)
}

// checkEnrolment makes sure that the answer is about these keys and this centre,
// under the authority that the token pins.
func checkEnrolment(e *protocol.Enrolment, keys *keyring, t *protocol.JoinToken) error {
	const op = "node.Enrol"
	bad := func(what string) error { return fault.New(op, fault.Denied, e.ID, what) }
	ca, err := identity.ParseAuthority(e.CA)
	if err != nil {
		return err
	}
	if ca.Hash() != t.CAHash || e.ID != t.Centre {
		return bad("the server answered for another district or centre than the token's")
	}
	public, who, err := ca.Signer(e.SigningCert)
	if err != nil {
		return err
	}
	if string(public) != string(keys.signer.Public()) || who.Name != e.ID || who.Slot != e.Slot || who.Role != identity.RoleNode {
		return bad("the signing certificate is not this box's")
	}
	cert, err := x509.ParseCertificate(e.TLSCert)
	if err != nil {
		return &fault.Error{Op: op, Kind: fault.Denied, Item: e.ID, Err: err}
	}
	if who, err := identity.SubjectOf(cert); err != nil || who.Name != e.ID {
		return bad("the session certificate is not this box's")
	}
	if _, err := protocol.MintNumber(e.District, e.Slot, make([]byte, protocol.NonceSize)); err != nil {
		return err
	}
	if len(e.Recipients) == 0 || len(e.Catalogue) == 0 {
		return bad("the enrolment lacks the district's keys")
	}
	_, err = identity.NewEpoch(e.Recipients...)
	return err
}

func readEnrolment(dir string) (protocol.Enrolment, error) {
	var e protocol.Enrolment
	err := readKept(filepath.Join(dir, enrolmentFile), &e)
	return e, err
}
