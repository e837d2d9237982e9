package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kendro/domain/fault"
)

// A Client calls a node or a hub. It is safe for concurrent use.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// clientTimeout bounds one call; an answer that takes longer is unknown.
const clientTimeout = 30 * time.Second

// machineName is in every certificate of a district: its machines are known by
// the authority, not by their addresses.
const machineName = "kendro"

// maxAnswer bounds what a client reads.
const maxAnswer = 64 << 20

// NewClient returns a client of the daemon at base ("http://127.0.0.1:8080").
// Token may be empty for the public calls. Authority is the district's
// certificate (DER) for https, or empty to trust the system's.
func NewClient(base, token string, authority []byte) (*Client, error) {
	const op = "api.NewClient"
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fault.New(op, fault.Invalid, base, "want a URL such as http://127.0.0.1:8080")
	}
	t := &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: 10 * time.Second}
	if len(authority) > 0 {
		cert, err := x509.ParseCertificate(authority)
		if err != nil {
			return nil, fault.Wrap(op, fault.Invalid, "authority", err)
		}
		pool := x509.NewCertPool()
		pool.AddCert(cert)
		t.TLSClientConfig = &tls.Config{RootCAs: pool, ServerName: machineName, MinVersion: tls.VersionTLS13}
	}
	return &Client{
		base: strings.TrimSuffix(base, "/"), token: strings.TrimSpace(token),
		http: &http.Client{Transport: t, Timeout: clientTimeout},
	}, nil
}

// NewLocalClient returns a client that speaks as the operator to the daemon
// whose folder is dir.
func NewLocalClient(dir string) *Client {
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dialControl(ctx, dir) }}
	return &Client{base: "http://control", http: &http.Client{Transport: t, Timeout: clientTimeout}}
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// A Call is one request. In is sent as JSON, or as it is where it is a []byte;
// the answer is read into Out, likewise. Either may be nil.
type Call struct {
	Method string // Empty: GET, or POST where In is set.
	Path   string // With its query.
	Key    string // Idempotency-Key of a POST; empty: one is drawn.
	Match  uint64 // If-Match, where it isn't 0.
	Range  string // Content-Range.
	In     any
	Out    any
}

// NewKey draws an Idempotency-Key.
func NewKey() string { return rand.Text() }

// Do makes a call. A failure has the kind that the daemon gave it; one on the
// way is [fault.Unavailable]: repeat it with the same key.
func (c *Client) Do(ctx context.Context, call Call) error {
	const op = "api.Client"
	req, err := c.request(ctx, call)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fault.Wrap(op, fault.Unavailable, call.Path, err)
	}
	defer func() { _ = res.Body.Close() }() // Read to its end, or failed before.
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return fault.Wrap(op, fault.Unavailable, call.Path, err)
	}
	if len(body) > maxAnswer {
		return fault.New(op, fault.Internal, call.Path, "the answer is longer than the 64 MiB that are read: a daemon of before sends more than it has to, so update it; else tell us what was asked for")
	}
	if res.StatusCode >= 300 {
		return failure(op, res, body)
	}
	switch out := call.Out.(type) {
	case nil:
		return nil
	case *[]byte:
		*out = body
		return nil
	default:
		return fault.Wrap(op, fault.Internal, call.Path, json.Unmarshal(body, out))
	}
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	const op = "api.Client"
	method := call.Method
	if method == "" && call.In != nil {
		method = http.MethodPost
	}
	var body []byte
	switch in := call.In.(type) {
	case nil:
	case []byte:
		body = in
	default:
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, fault.Wrap(op, fault.Invalid, call.Path, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+call.Path, bytes.NewReader(body))
	if err != nil {
		return nil, fault.Wrap(op, fault.Invalid, call.Path, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if method == http.MethodPost {
		key := call.Key
		if key == "" {
			key = NewKey()
		}
		req.Header.Set("Idempotency-Key", key)
	}
	if call.Range != "" {
		req.Header.Set("Content-Range", call.Range)
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	if call.Match != 0 {
		req.Header.Set("If-Match", `"`+strconv.FormatUint(call.Match, 10)+`"`)
	}
	return req, nil
}

// failure reads a problem; an answer that is none comes from something between
// us and the daemon.
func failure(op string, res *http.Response, body []byte) error {
	var p Problem
	if err := json.Unmarshal(body, &p); err != nil || p.Status == 0 {
		return fault.New(op, kindOfStatus(res.StatusCode), res.Request.URL.Path, res.Status+": not an answer of Kendro's")
	}
	return p.Fault(op)
}

// marshalLine is one JSON document and a newline.
func marshalLine(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return append(b, '\n'), err
}

// DifferenceOf returns what has changed, of a Conflict that told.
func DifferenceOf(err error) *Difference {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Difference
	}
	return nil
}
