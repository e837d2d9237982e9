package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/url"
	"strings"
	"sync"
	"time"

	"kendro/domain/fault"
)

// Role is what a certificate's holder is.
type Role string

// The roles of machines. A node stands in a centre, a server is a voter or
// non-voter of the hub.
const (
	RoleNode   Role = "node"
	RoleServer Role = "server"
)

// Lifetime of a machine's certificate; it is renewed at half of it. Expiry ends
// sync as a peer, never intake.
const Lifetime = 45 * 24 * time.Hour

// authorityYears is how long a district's authority is valid.
const authorityYears = 20

// A Subject is whom a certificate names, carried as the URI
// kendro://COUNTRY/DISTRICT/ROLE/NAME/SLOT.
type Subject struct {
	Country  string // Such as "bd".
	District string // Official code, such as "41".
	Role     Role
	Name     string // The centre of a node, the ID of a server.
	Slot     string // The enrolment slot of a node, four digits; "0" for a server.
}

// URI returns the subject as it stands in a certificate.
func (s Subject) URI() *url.URL {
	return &url.URL{Scheme: "kendro", Host: s.Country, Path: "/" + strings.Join([]string{s.District, string(s.Role), s.Name, s.Slot}, "/")}
}

// SubjectOf returns whom a certificate names, or [fault.Denied] when it isn't
// one of Kendro's.
func SubjectOf(c *x509.Certificate) (Subject, error) {
	const op = "identity.SubjectOf"
	if len(c.URIs) != 1 || c.URIs[0].Scheme != "kendro" {
		return Subject{}, fault.New(op, fault.Denied, c.Subject.CommonName, "certificate has no kendro URI")
	}
	parts := strings.Split(strings.TrimPrefix(c.URIs[0].Path, "/"), "/")
	if len(parts) != 4 {
		return Subject{}, fault.New(op, fault.Denied, c.URIs[0].String(), "want kendro://country/district/role/name/slot")
	}
	s := Subject{Country: c.URIs[0].Host, District: parts[0], Role: Role(parts[1]), Name: parts[2], Slot: parts[3]}
	if s.Role != RoleNode && s.Role != RoleServer {
		return Subject{}, fault.New(op, fault.Denied, string(s.Role), "role is neither node nor server")
	}
	return s, nil
}

// A CA is a district's certificate authority.
type CA struct {
	cert    *x509.Certificate
	private ed25519.PrivateKey
}

// NewCA founds the authority of a district at the given time.
func NewCA(country, district string, now time.Time) (*CA, error) {
	s := NewSigner()
	t := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: "Kendro district " + district, Country: []string{strings.ToUpper(country)}},
		URIs:         []*url.URL{{Scheme: "kendro", Host: country, Path: "/" + district}},
		NotBefore:    now.Add(-time.Hour), NotAfter: now.AddDate(authorityYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, ed25519.PublicKey(s.Public()), s.private)
	if err != nil {
		return nil, &fault.Error{Op: "identity.NewCA", Kind: fault.Internal, Item: district, Err: err}
	}
	return OpenCA(der, s.Seed())
}

// OpenCA returns the authority whose certificate and secret were kept. Bytes
// that don't parse, or a secret of another certificate, are [fault.Damaged].
func OpenCA(der, seed []byte) (*CA, error) {
	const op = "identity.OpenCA"
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Damaged, Item: "certificate", Err: err}
	}
	s, err := SignerFromSeed(seed)
	if err != nil {
		return nil, err
	}
	if public, ok := cert.PublicKey.(ed25519.PublicKey); !ok || !public.Equal(ed25519.PublicKey(s.Public())) {
		return nil, fault.New(op, fault.Damaged, "authority", "the secret key belongs to another certificate")
	}
	return &CA{cert: cert, private: s.private}, nil
}

// DER returns the authority's certificate.
func (ca *CA) DER() []byte { return ca.cert.Raw }

// Seed returns the authority's secret, for [OpenCA].
func (ca *CA) Seed() []byte { return ca.private.Seed() }

// Hash is the SHA-256 of the authority's certificate, by which a join token
// pins it.
func (ca *CA) Hash() [32]byte { return sha256.Sum256(ca.cert.Raw) }

// Use says what a certified key is for. The two uses exclude each other.
type Use bool

// The uses of a certified key.
const (
	ForTLS     Use = true  // Sessions: client and server authentication.
	ForSigning Use = false // Statements: blocks, acknowledgements, receipts.
)

// Issue certifies an Ed25519 public key for a subject, from an hour before now
// (clocks on boxes are wrong) for [Lifetime], and returns the DER.
func (ca *CA) Issue(s Subject, public []byte, use Use, now time.Time) ([]byte, error) {
	const op = "identity.Issue"
	if len(public) != ed25519.PublicKeySize {
		return nil, fault.New(op, fault.Invalid, s.Name, "want a public key of 32 bytes")
	}
	t := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: s.Name},
		URIs:         []*url.URL{s.URI()},
		NotBefore:    now.Add(-time.Hour), NotAfter: now.Add(Lifetime),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	if use == ForTLS {
		t.DNSNames = []string{ServerName}
		t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca.cert, ed25519.PublicKey(public), ca.private)
	return der, fault.Wrap(op, fault.Internal, s.Name, err)
}

// Sign signs a statement in the authority's name, in a context as [Signer.Sign]
// does.
func (ca *CA) Sign(context string, message []byte) []byte {
	return ed25519.Sign(ca.private, inContext(context, message))
}

// ServerName is the DNS name in every machine's TLS certificate. Machines are
// told apart by their URI; addresses change too often to be certified.
const ServerName = "kendro"

// Authority verifies a district's certificates without holding its secret.
type Authority struct {
	cert *x509.Certificate
	pool *x509.CertPool

	mu      sync.Mutex // Guards signers.
	signers map[[32]byte]signer
}

// A signer is whom a certificate names that was verified once: what it says hangs
// on its bytes alone.
type signer struct {
	public  []byte
	subject Subject
}

// maxSigners bounds the certificates remembered: the servers of a district and the
// boxes that speak with one of them.
const maxSigners = 1024

// ParseAuthority reads an authority's certificate. Anything that isn't one is
// [fault.Damaged].
func ParseAuthority(der []byte) (*Authority, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil || !cert.IsCA {
		return nil, &fault.Error{Op: "identity.ParseAuthority", Kind: fault.Damaged, Item: "authority certificate", Err: err}
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &Authority{cert: cert, pool: pool, signers: map[[32]byte]signer{}}, nil
}

// Pool returns the pool that crypto/tls takes.
func (a *Authority) Pool() *x509.CertPool { return a.pool }

// DER returns the authority's certificate.
func (a *Authority) DER() []byte { return a.cert.Raw }

// Hash is the SHA-256 of the authority's certificate.
func (a *Authority) Hash() [32]byte { return sha256.Sum256(a.cert.Raw) }

// Verify reports whether the authority itself signed message in context.
func (a *Authority) Verify(context string, message, signature []byte) bool {
	public, ok := a.cert.PublicKey.(ed25519.PublicKey)
	return ok && Verify(public, context, message, signature)
}

// Signer returns the public key and subject of a signing certificate that this
// authority issued. Validity in time is not asked: a statement signed last year
// is still a statement; revocation is a list of its own. Anything else is
// [fault.Denied].
func (a *Authority) Signer(der []byte) (public []byte, s Subject, err error) {
	hash := sha256.Sum256(der)
	a.mu.Lock()
	known, ok := a.signers[hash]
	a.mu.Unlock()
	if ok {
		return known.public, known.subject, nil
	}
	if public, s, err = a.verify(der); err != nil {
		return nil, s, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.signers) >= maxSigners {
		clear(a.signers)
	}
	a.signers[hash] = signer{public, s}
	return public, s, nil
}

func (a *Authority) verify(der []byte) (public []byte, s Subject, err error) {
	const op = "identity.Signer"
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, s, &fault.Error{Op: op, Kind: fault.Denied, Item: "signing certificate", Err: err}
	}
	if err := cert.CheckSignatureFrom(a.cert); err != nil {
		return nil, s, &fault.Error{Op: op, Kind: fault.Denied, Item: "signing certificate", Err: err}
	}
	if len(cert.ExtKeyUsage) != 0 {
		return nil, s, fault.New(op, fault.Denied, cert.Subject.CommonName, "certificate is for sessions, not for statements")
	}
	key, ok := cert.PublicKey.(ed25519.PublicKey)
	if !ok {
		return nil, s, fault.New(op, fault.Denied, cert.Subject.CommonName, "want an Ed25519 key")
	}
	s, err = SubjectOf(cert)
	return key, s, err
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic("identity: the system's random source failed: " + err.Error())
	}
	return n.Add(n, big.NewInt(1))
}
