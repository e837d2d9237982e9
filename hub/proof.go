package hub

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"slices"

	"kendro/domain/fault"
)

// A Connector is where another authority's register is, and the files by which this
// server and that one know each other. They are read anew for every round of calls, so a
// file that changes counts at once; only the leader reads them.
type Connector struct {
	URL         string
	CA          string // Certificates, PEM, of which one must have issued the register's own; empty: those of the system.
	Certificate string // This server's certificate there and its private key, PEM, closed to others; empty: none is shown.
	Token       string // One line, closed to others, that goes with each call; empty: none does.
}

// A Trouble is what stands between this server and another authority's register.
type Trouble string

// The troubles.
const (
	TroubleFiles       Trouble = "files"       // A file of the settings is gone, open to others, or holds something else.
	TroubleUnreachable Trouble = "unreachable" // Nobody is there, or says nothing.
	TroubleServer      Trouble = "server"      // Who is there can't show that it is the register.
	TroubleHandshake   Trouble = "handshake"   // The register breaks the handshake off: it wants another certificate.
	TroubleDenied      Trouble = "denied"      // 401 or 403: it wants another token or certificate.
	TroubleFails       Trouble = "fails"       // Any other 4xx or 5xx.
	TroubleAnswer      Trouble = "answer"      // What it answers is no answer.
	TroubleOwn         Trouble = "own"         // The case can't be read here, or the group took no command.
)

// troubled is a failure of which it is known what stands in the way.
type troubled struct {
	what Trouble
	error
}

func (t *troubled) Unwrap() error { return t.error }

// troubleOf is what a failure of a round comes from.
func troubleOf(err error) Trouble {
	if t, ok := errors.AsType[*troubled](err); ok {
		return t.what
	}
	return TroubleOwn
}

// unknown is a failure that leaves open what the register has done.
func (c *connector) unknown(what Trouble, err error) error {
	return &fault.Error{Op: "hub.connector", Kind: fault.Unavailable, Item: c.name, Err: &troubled{what, err}}
}

// handshake tells apart why a call got no answer at all.
func handshake(err error) Trouble {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return TroubleServer
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" { // So crypto/tls calls an alert of the other side.
		return TroubleHandshake
	}
	return TroubleUnreachable
}

// A proof is what a connector's files held when they were last read.
type proof struct {
	files                  Connector
	ca, certificate, token []byte
}

// maxProof bounds each file.
const maxProof = 256 << 10

// read reads the files. Those with a secret have to be closed to others, and no other
// may write what says whom to trust.
func (p *proof) read() (now proof, err error) {
	now.files = p.files
	for _, f := range []struct {
		name string
		into *[]byte
		open fs.FileMode // What others may not have.
	}{{p.files.CA, &now.ca, 0o022}, {p.files.Certificate, &now.certificate, 0o077}, {p.files.Token, &now.token, 0o077}} {
		if f.name == "" {
			continue
		}
		if *f.into, err = proofFile(f.name, f.open); err != nil {
			return now, err
		}
	}
	now.token = bytes.TrimSpace(now.token)
	return now, now.plausible()
}

// plausible holds a token to what may stand in a header.
func (p *proof) plausible() error {
	if p.files.Token == "" {
		return nil
	}
	if len(p.token) == 0 || slices.ContainsFunc(p.token, func(b byte) bool { return b <= ' ' || b > '~' }) {
		return errors.New(p.files.Token + ": want one line of letters, digits and signs")
	}
	return nil
}

func proofFile(name string, others fs.FileMode) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // It was only read.
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&others != 0 {
		return nil, errors.New(name + " is open to others on this machine, or no file: chmod 600 closes it")
	}
	all, err := io.ReadAll(io.LimitReader(f, maxProof+1))
	if err == nil && len(all) > maxProof { // What is cut off might be the certificate that counts.
		err = errors.New(name + " is longer than 256 KiB")
	}
	return all, err
}

// client calls with what the files held.
func (p *proof) client() (*http.Client, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if p.files.CA != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(p.ca) {
			return nil, errors.New(p.files.CA + ": want a certificate, PEM")
		}
	}
	if p.files.Certificate != "" {
		pair, err := tls.X509KeyPair(p.certificate, p.certificate)
		if err != nil {
			return nil, errors.New(p.files.Certificate + ": want a certificate and its private key, PEM: " + err.Error())
		}
		// Shown whatever issuers the register names: it is the register that refuses.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return &http.Client{
		Timeout: outsideTimeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: c, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// sign puts the token on a call.
func (p *proof) sign(r *http.Request) {
	if p.files.Token != "" {
		r.Header.Set("Authorization", "Bearer "+string(p.token))
	}
}

// ready has the calls that follow made with what the files hold now.
func (c *connector) ready() error {
	now, err := c.proof.read()
	if err != nil {
		return c.unknown(TroubleFiles, err)
	}
	same := bytes.Equal(now.ca, c.proof.ca) && bytes.Equal(now.certificate, c.proof.certificate)
	if c.http == nil || !same {
		client, err := now.client()
		if err != nil {
			return c.unknown(TroubleFiles, err)
		}
		c.close()
		c.http = client
	}
	c.proof = now
	return nil
}

// close lets go of connections that stand idle.
func (c *connector) close() {
	if c.http != nil {
		c.http.CloseIdleConnections()
	}
}
