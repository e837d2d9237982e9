package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
)

// A connector speaks with another authority's register over HTTP: docs/connectors.md
// has the two calls. The ID of a request is the receive number, so whatever is sent
// twice is one request there, and whatever was sent can be asked for.
type connector struct {
	name  string
	base  *url.URL
	proof proof
	http  *http.Client // Nil until the proof was read.
}

const (
	outsideTimeout = 10 * time.Second
	maxOutside     = 64 << 10 // Bytes of an answer.
)

// newConnector refuses an address that would send people's papers in clear.
func newConnector(name string, o Connector) (*connector, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || name == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, fault.New("hub.connector", fault.Invalid, name+"="+o.URL, "want a name and an https address, such as civil-registration=https://bdris.example/kendro")
	}
	if u.Scheme != "https" && (o.CA != "" || o.Certificate != "") {
		return nil, fault.New("hub.connector", fault.Invalid, name+"="+o.URL, "certificates need an https address")
	}
	return &connector{name: name, base: u, proof: proof{files: o}}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// A handOff is what another register gets.
type handOff struct {
	ID        protocol.Number `json:"request_id"`
	Service   string          `json:"service"`
	Version   uint32          `json:"version"`
	Centre    string          `json:"centre"`
	Filed     string          `json:"filed_at"`
	Form      json.RawMessage `json:"form"`
	Applicant json.RawMessage `json:"applicant"`
}

// What a register says of a request.
const (
	outsidePending    = "pending"
	outsideRegistered = "registered"
	outsideRefused    = "refused"
)

type outsideAnswer struct {
	ID     protocol.Number `json:"request_id"`
	State  string          `json:"state"`
	Number string          `json:"number,omitempty"`
	Reason string          `json:"reason,omitempty"`
}

// settle finds out what the register makes of a request: it asks first, and sends
// only what has never arrived there. [fault.Unavailable] leaves open whether it has.
func (c *connector) settle(ctx context.Context, h *handOff) (*outsideAnswer, error) {
	if err := c.ready(); err != nil {
		return nil, err
	}
	a, err := c.call(ctx, http.MethodGet, h.ID.String(), h.ID, nil)
	if !errors.Is(err, fault.NotFound) {
		return a, err
	}
	return c.call(ctx, http.MethodPost, "", h.ID, h)
}

func (c *connector) call(ctx context.Context, method, what string, id protocol.Number, in any) (*outsideAnswer, error) {
	var body io.Reader
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return nil, &fault.Error{Op: "hub.connector", Kind: fault.Internal, Item: c.name, Err: err}
		}
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base.JoinPath("requests", what).String(), body)
	if err != nil {
		return nil, c.unknown(TroubleUnreachable, err)
	}
	r.Header.Set("Accept", "application/json")
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", id.String())
	}
	c.proof.sign(r)
	resp, err := c.http.Do(r)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // Its URL names the case, which is not for everybody who reads of the trouble.
	}
	if err != nil {
		return nil, c.unknown(handshake(err), err)
	}
	defer func() { _ = resp.Body.Close() }() // It was only read.
	switch {
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		return nil, c.unknown(TroubleDenied, errors.New("it answers "+resp.Status))
	case method == http.MethodGet && resp.StatusCode == http.StatusNotFound:
		return nil, fault.New("hub.connector", fault.NotFound, id.String(), "the request never arrived there")
	case resp.StatusCode >= http.StatusBadRequest:
		return nil, c.unknown(TroubleFails, errors.New("it answers "+resp.Status))
	}
	a := &outsideAnswer{}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxOutside)).Decode(a); err != nil {
		return nil, c.unknown(TroubleAnswer, errors.Join(errors.New("it answers "+resp.Status), err))
	}
	if !a.answers(id) {
		return nil, c.unknown(TroubleAnswer, errors.New("the answer is another request's, or says neither pending, nor a number, nor a reason"))
	}
	return a, nil
}

// answers reports whether an answer is one, and this request's.
func (a *outsideAnswer) answers(id protocol.Number) bool {
	return a.ID == id &&
		(a.State == outsidePending || a.State == outsideRegistered && a.Number != "" || a.State == outsideRefused && a.Reason != "")
}
