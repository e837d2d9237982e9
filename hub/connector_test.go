package hub

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
)

// A guarded register answers who shows it a client's certificate and a token.
type guarded struct {
	*httptest.Server
	token string
	reply string // In place of an answer; empty: it answers.
	code  int    // In place of 200.
	calls int
}

func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.calls++
	if r.Header.Get("Authorization") != "Bearer "+g.token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if g.code != 0 {
		w.WriteHeader(g.code)
	}
	if g.reply == "" {
		_ = json.NewEncoder(w).Encode(map[string]string{"request_id": filepath.Base(r.URL.Path), "state": "registered", "number": "N1"}) // Who asked may be gone.
		return
	}
	_, _ = w.Write([]byte(g.reply)) // As above.
}

// keyPair makes a certificate that vouches for itself, and its key: PEM.
func keyPair(t *testing.T, name string) (certificate, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// TestConnectorProvesItself: a register that wants a certificate and a token, at an address
// where only a certificate of one's own choice counts. Whatever of it is wrong has a name, nothing
// that is secret is in its words, and the next call goes through once the file is put right.
func TestConnectorProvesItself(t *testing.T) {
	cert, key := keyPair(t, "the hub")
	strange, strangeKey := keyPair(t, "somebody")
	g := &guarded{token: "s3cret-token"}
	g.Server = httptest.NewUnstartedServer(g)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	g.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS13}
	g.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // Each handshake that fails.
	g.StartTLS()
	t.Cleanup(g.Close)

	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	put := func(name string, mode os.FileMode, parts ...[]byte) {
		t.Helper()
		if err := os.RemoveAll(file(name)); err != nil {
			t.Fatal(err)
		}
		var all []byte
		for _, p := range parts {
			all = append(all, p...)
		}
		if err := os.WriteFile(file(name), all, mode); err != nil {
			t.Fatal(err)
		}
	}
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: g.Certificate().Raw})
	right := func() {
		put("ca", 0o644, authority)
		put("pair", 0o600, cert, key)
		put("token", 0o400, []byte(g.token+"\n"))
	}
	c, err := newConnector("national", Connector{URL: g.URL, CA: file("ca"), Certificate: file("pair"), Token: file("token")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	number, err := protocol.MintNumber("41", "0010", []byte("12345678"))
	if err != nil {
		t.Fatal(err)
	}
	ask := func() (*outsideAnswer, error) {
		return c.settle(context.Background(), &handOff{ID: number})
	}
	for name, x := range map[string]struct {
		wrong func()
		want  Trouble
	}{
		"no authority's file":       {func() { _ = os.Remove(file("ca")) }, TroubleFiles},
		"an authority's that is no": {func() { put("ca", 0o644, []byte("x")) }, TroubleFiles},
		"others may write it":       {func() { put("ca", 0o644, authority); chmod(t, file("ca"), 0o666) }, TroubleFiles},
		"longer than is read":       {func() { put("ca", 0o644, authority, bytes.Repeat([]byte("#\n"), maxProof/2)) }, TroubleFiles},
		"another authority":         {func() { put("ca", 0o644, strange) }, TroubleServer},
		"no certificate":            {func() { _ = os.Remove(file("pair")) }, TroubleFiles},
		"a certificate without key": {func() { put("pair", 0o600, cert) }, TroubleFiles},
		"another's key":             {func() { put("pair", 0o600, cert, strangeKey) }, TroubleFiles},
		"a certificate for all":     {func() { chmod(t, file("pair"), 0o640) }, TroubleFiles},
		"another's certificate":     {func() { put("pair", 0o600, strange, strangeKey) }, TroubleHandshake},
		"no token":                  {func() { _ = os.Remove(file("token")) }, TroubleFiles},
		"an empty token":            {func() { put("token", 0o600, []byte("\n")) }, TroubleFiles},
		"two lines":                 {func() { put("token", 0o600, []byte("s3cret-a\ns3cret-b")) }, TroubleFiles},
		"a token for all":           {func() { chmod(t, file("token"), 0o604) }, TroubleFiles},
		"another token":             {func() { put("token", 0o600, []byte("s3cret-other")) }, TroubleDenied},
		"it says 403":               {func() { g.code, g.reply = http.StatusForbidden, "no" }, TroubleDenied},
		"it says 500":               {func() { g.code, g.reply = http.StatusInternalServerError, "no" }, TroubleFails},
		"it says nothing":           {func() { g.reply = "{}" }, TroubleAnswer},
		"it speaks otherwise":       {func() { g.reply = "<html>" }, TroubleAnswer},
	} {
		right()
		x.wrong()
		_, err := ask()
		if !errors.Is(err, fault.Unavailable) || troubleOf(err) != x.want {
			t.Errorf("%s: got %v (%s); want %s, which leaves open what happened", name, err, troubleOf(err), x.want)
		} else if text := err.Error(); strings.Contains(text, "s3cret") || strings.Contains(text, "PRIVATE") || strings.Contains(text, number.String()) {
			t.Errorf("%s: a secret or the case is in the words %q", name, text)
		}
		g.code, g.reply = 0, ""
		right()
		if a, err := ask(); err != nil || a.Number != "N1" {
			t.Errorf("%s, and put right: got %+v, %v", name, a, err)
		}
	}
	calls := g.calls
	put("ca", 0o644, strange)
	if _, err := ask(); err == nil || g.calls != calls {
		t.Errorf("a server that can't prove itself got %d calls, %v; want none", g.calls-calls, err)
	}
	right()
	g.Close()
	if _, err := ask(); troubleOf(err) != TroubleUnreachable {
		t.Errorf("a register that is out: %v (%s)", err, troubleOf(err))
	}
	if _, err := newConnector("x", Connector{URL: "http://127.0.0.1:1", CA: file("ca")}); !errors.Is(err, fault.Invalid) {
		t.Errorf("certificates without https: %v", err)
	}
}

// TestPendingHoldsUpNobody: of what waits, the register is asked first about what it has
// never heard of, in the order of the queue, then about what was asked the longest ago.
func TestPendingHoldsUpNobody(t *testing.T) {
	b := newAsked(map[string]Connector{"national": {}})["national"]
	now := time.Unix(1_790_000_000, 0)
	queue := func() []protocol.Number { return []protocol.Number{1, 2, 3, 4} }
	b.tried(1, now.Add(-time.Minute))
	b.tried(2, now.Add(-time.Hour))
	b.tried(4, now)
	if got := b.due(queue(), now); !slices.Equal(got, []protocol.Number{3, 2, 1}) {
		t.Errorf("asked next: %v; want 3, 2, 1, and 4 not yet", got)
	}
	b.tried(3, now)
	b.pending(3, now)
	if got := b.due(queue(), now.Add(askAgainIn)); !slices.Equal(got, []protocol.Number{2, 1, 4}) {
		t.Errorf("asked later: %v; want what is pending to rest longer", got)
	}
	b.keep(map[protocol.Number]bool{3: true})
	if len(b.tries) != 1 || !b.tries[3].Pending {
		t.Errorf("kept: %v; want only what is in the queue", b.tries)
	}
}

func chmod(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}
