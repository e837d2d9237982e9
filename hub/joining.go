package hub

import (
	"context"
	"path/filepath"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication/link"
)

// joinFile keeps a joining server's own keys until it has joined.
const joinFile = "joining.key"

// attemptJoin is how long one server may take to answer.
const attemptJoin = 15 * time.Second

// joining is the keys of a machine that wants to be a server.
type joining struct {
	Signing []byte `cbor:"1,keyasint"`
	TLS     []byte `cbor:"2,keyasint"`
	Sealing []byte `cbor:"3,keyasint"`

	signer  *identity.Signer
	tls     *identity.Signer
	sealing *identity.SealingKey
}

// joiningKeys returns the keys that were drawn before, or draws and keeps them:
// a token that was burnt for them is good for no others.
func joiningKeys(dir, file string) (*joining, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, file)
	j := &joining{}
	ok, err := readSummed(name, maxKeyring, j)
	if err != nil {
		return nil, err
	}
	if !ok {
		*j = joining{
			Signing: identity.NewSigner().Seed(), TLS: identity.NewSigner().Seed(), Sealing: identity.NewSealingKey().Bytes(),
		}
		if err := writeSummed(name, j); err != nil {
			return nil, err
		}
	}
	if j.signer, err = identity.SignerFromSeed(j.Signing); err != nil {
		return nil, err
	}
	if j.tls, err = identity.SignerFromSeed(j.TLS); err != nil {
		return nil, err
	}
	j.sealing, err = identity.SealingKeyFromBytes(j.Sealing)
	return j, err
}

// ask goes through the token's servers until one enrols us.
func (j *joining) ask(ctx context.Context, t *protocol.JoinToken, o JoinOptions) (*protocol.Enrolment, error) {
	return j.askFor(ctx, t, o, func(r *protocol.EnrolRequest) (string, any) { return callEnrol, r })
}

// askFor is ask with the call that put makes of the request.
func (j *joining) askFor(ctx context.Context, t *protocol.JoinToken, o JoinOptions, put func(*protocol.EnrolRequest) (string, any)) (*protocol.Enrolment, error) {
	dial := o.Dial
	if dial == nil {
		dial = link.DialEnrol
	}
	r := &protocol.EnrolRequest{
		Token: *t, Signing: j.signer.Public(), TLS: j.tls.Public(), Sealing: j.sealing.Public(),
		Address: o.Address, HTTP: o.HTTP, Voter: o.Voter,
	}
	r.Sign(j.signer)
	method, body := put(r)
	last := error(fault.New("hub.Join", fault.Invalid, "token", "it names no server"))
	for _, address := range t.Servers {
		e := &protocol.Enrolment{}
		one, cancel := context.WithTimeout(ctx, attemptJoin)
		conn, err := dial(one, address, t.CAHash)
		if err == nil {
			err = askOn(one, conn, method, body, e)
		}
		cancel()
		if err == nil {
			return e, nil
		}
		last = err
		if fault.KindOf(err) != fault.Unavailable {
			break
		}
	}
	return nil, last
}

// accept checks that the answer is about these keys, under the authority that
// the token pins, and returns the keyring that it makes.
func (j *joining) accept(e *protocol.Enrolment, t *protocol.JoinToken) (*keyring, error) {
	const op = "hub.Join"
	authority, err := identity.ParseAuthority(e.CA)
	if err != nil {
		return nil, err
	}
	if authority.Hash() != t.CAHash {
		return nil, fault.New(op, fault.Denied, e.ID, "the answer comes from another district than the token's")
	}
	public, who, err := authority.Signer(e.SigningCert)
	if err != nil {
		return nil, err
	}
	if string(public) != string(j.signer.Public()) || who.Name != e.ID || who.Role != identity.RoleServer || who.District != e.District {
		return nil, fault.New(op, fault.Denied, e.ID, "the certificate is not this server's")
	}
	plain, err := j.sealing.Unseal(secretsPurpose, e.Secrets)
	if err != nil {
		return nil, err
	}
	k := &keyring{
		Country: e.Country, District: e.District, ID: e.ID, Authority: e.CA,
		SigningSeed: j.Signing, SigningCert: e.SigningCert, TLSSeed: j.TLS, TLSCert: e.TLSCert, SealingKey: j.Sealing,
		Recipients: e.Recipients, Catalogue: e.Catalogue, Servers: e.Servers,
	}
	if err := protocol.Unmarshal(plain, maxKeyring, "district secrets", &k.Secrets); err != nil {
		return nil, err
	}
	return k, (&openKeys{keyring: *k}).open()
}
