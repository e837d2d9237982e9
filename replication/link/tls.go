package link

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"github.com/quic-go/quic-go"

	"kendro/domain/fault"
	"kendro/identity"
)

// admitted says who may speak a protocol, on either end.
var admitted = map[string][]identity.Role{
	ALPNSync: {identity.RoleNode, identity.RoleServer},
	ALPNRaft: {identity.RoleServer},
	ALPNHub:  {identity.RoleServer},
}

// serverTLS asks for a certificate unless the client comes to enrol.
func (e *Endpoint) serverTLS() *tls.Config {
	mutual := e.baseTLS()
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, e.o.Authority.Pool()
	mutual.NextProtos = slices.DeleteFunc(slices.Clone(e.o.Serve), func(p string) bool { return p == ALPNEnrol })
	mutual.VerifyConnection = e.verify
	enrol := e.baseTLS()
	enrol.NextProtos = []string{ALPNEnrol}
	enrol.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		c := *e.certificate.Load()
		c.Certificate = [][]byte{c.Certificate[0], e.o.Authority.DER()} // The client has the hash and nothing else.
		return &c, nil
	}
	outer := mutual.Clone()
	outer.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(e.o.Serve, ALPNEnrol) && slices.Contains(hello.SupportedProtos, ALPNEnrol) {
			return enrol, nil
		}
		return mutual, nil
	}
	return outer
}

func (e *Endpoint) clientTLS(alpn string) *tls.Config {
	c := e.baseTLS()
	c.RootCAs, c.ServerName = e.o.Authority.Pool(), identity.ServerName
	c.NextProtos = []string{alpn}
	c.VerifyConnection = e.verify
	return c
}

func (e *Endpoint) baseTLS() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		SessionTicketsDisabled: true, // A ticket costs as many bytes as it saves, and would outlive a revocation.
		Time:                   e.o.Clock,
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return e.certificate.Load(), nil },
		GetClientCertificate:   func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return e.certificate.Load(), nil },
	}
}

// verify admits a peer whose chain has been verified.
func (e *Endpoint) verify(cs tls.ConnectionState) error {
	const op = "link.Verify"
	if len(cs.PeerCertificates) == 0 {
		return fault.New(op, fault.Denied, "", "peer has no certificate")
	}
	s, err := identity.SubjectOf(cs.PeerCertificates[0])
	if err != nil {
		return err
	}
	switch {
	case s.Country != e.o.Self.Country || s.District != e.o.Self.District:
		return fault.New(op, fault.Denied, s.URI().String(), "peer belongs to another district")
	case !slices.Contains(admitted[cs.NegotiatedProtocol], s.Role):
		return fault.New(op, fault.Denied, s.URI().String(), "a "+string(s.Role)+" may not speak "+cs.NegotiatedProtocol)
	case e.o.Revoked != nil && e.o.Revoked(s):
		return fault.New(op, fault.Denied, s.URI().String(), "peer is revoked")
	}
	return nil
}

// valid refuses to dial with a certificate that every peer would refuse, so that
// the reason is told where it can be mended.
func (e *Endpoint) valid() error {
	now := e.o.Clock
	leaf, err := x509.ParseCertificate(e.certificate.Load().Certificate[0])
	if err != nil {
		return &fault.Error{Op: "link.Dial", Kind: fault.Damaged, Item: "own certificate", Err: err}
	}
	if now != nil && now().After(leaf.NotAfter) {
		return fault.New("link.Dial", fault.Denied, e.o.Self.Name,
			"this machine's certificate expired on "+leaf.NotAfter.UTC().Format(time.DateOnly)+": enrol it again; nothing filed here is lost")
	}
	return nil
}

// pinned verifies a server by the hash of its authority, which must be in the
// chain that it presents.
func pinned(caHash [32]byte) func(tls.ConnectionState) error {
	const op = "link.DialEnrol"
	return func(cs tls.ConnectionState) error {
		roots := x509.NewCertPool()
		found := false
		for _, c := range cs.PeerCertificates {
			if c.IsCA && sha256.Sum256(c.Raw) == caHash {
				roots.AddCert(c)
				found = true
			}
		}
		if !found {
			return fault.New(op, fault.Denied, "", "the server is not of the district that the token names")
		}
		leaf := cs.PeerCertificates[0]
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: identity.ServerName, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}); err != nil {
			return &fault.Error{Op: op, Kind: fault.Denied, Item: leaf.Subject.CommonName, Err: err}
		}
		s, err := identity.SubjectOf(leaf)
		if err == nil && s.Role != identity.RoleServer {
			err = fault.New(op, fault.Denied, s.URI().String(), "only a server enrols machines")
		}
		return err
	}
}

// tlsAlerts says what the peer's refusal of a handshake means. QUIC carries alert
// n as error 0x100+n.
var tlsAlerts = map[quic.TransportErrorCode]string{
	0x100 + 42:  "the peer refused this machine's certificate: revoked, of another district, or of a role that may not speak this protocol",
	0x100 + 44:  "the peer refused this machine's certificate: revoked",
	0x100 + 45:  "this machine's certificate has expired at the peer: enrol it again, or compare the clocks",
	0x100 + 48:  "the peer does not know the authority of this machine's certificate: it belongs to another district",
	0x100 + 116: "the peer demands a certificate",
	0x100 + 120: "the peer does not serve this protocol",
}

// classify gives an error of the transport its kind: whoever was refused is
// Denied, everything else may be tried again.
func classify(op, item string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	if certErr, ok := errors.AsType[x509.CertificateInvalidError](err); ok && certErr.Reason == x509.Expired {
		return &fault.Error{Op: op, Kind: fault.Denied, Item: item, Err: errors.Join(errors.New("the peer's certificate is not valid now: renew it, or set this machine's clock"), err)}
	}
	if te, ok := errors.AsType[*quic.TransportError](err); ok {
		if text := tlsAlerts[te.ErrorCode]; text != "" && te.Remote {
			return &fault.Error{Op: op, Kind: fault.Denied, Item: item, Err: errors.Join(errors.New(text), err)}
		}
		if te.ErrorCode >= 0x100 && te.ErrorCode < 0x200 && !te.Remote {
			return &fault.Error{Op: op, Kind: fault.Denied, Item: item, Err: err}
		}
	}
	if ae, ok := errors.AsType[*quic.ApplicationError](err); ok && ae.ErrorCode == codeDenied {
		return &fault.Error{Op: op, Kind: fault.Denied, Item: item, Err: err}
	}
	return &fault.Error{Op: op, Kind: fault.Unavailable, Item: item, Err: err}
}
