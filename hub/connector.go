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
	name string
	base *url.URL
	http *http.Client
}

const (
	outsideTimeout = 10 * time.Second
	maxOutside     = 64 << 10 // Bytes of an answer.
)

// newConnector refuses an address that would send people's papers in clear.
func newConnector(name, base string) (*connector, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || name == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, fault.New("hub.connector", fault.Invalid, name+"="+base, "want a name and an https address, such as civil-registration=https://bdris.example/kendro")
	}
	return &connector{name: name, base: u, http: &http.Client{
		Timeout:       outsideTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
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
	a, err := c.call(ctx, http.MethodGet, h.ID.String(), h.ID, nil)
	if !errors.Is(err, fault.NotFound) {
		return a, err
	}
	return c.call(ctx, http.MethodPost, "", h.ID, h)
}

func (c *connector) call(ctx context.Context, method, what string, id protocol.Number, in any) (*outsideAnswer, error) {
	unknown := func(err error) error {
		return &fault.Error{Op: "hub.connector", Kind: fault.Unavailable, Item: c.name, Err: err}
	}
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
		return nil, unknown(err)
	}
	r.Header.Set("Accept", "application/json")
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", id.String())
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, unknown(err)
	}
	defer func() { _ = resp.Body.Close() }() // It was only read.
	if method == http.MethodGet && resp.StatusCode == http.StatusNotFound {
		return nil, fault.New("hub.connector", fault.NotFound, id.String(), "the request never arrived there")
	}
	a := &outsideAnswer{}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxOutside)).Decode(a); err != nil || resp.StatusCode >= http.StatusBadRequest {
		return nil, unknown(errors.Join(errors.New("it answers "+resp.Status), err))
	}
	return a, unlike(a, id)
}

// unlike refuses an answer that is none, or another request's.
func unlike(a *outsideAnswer, id protocol.Number) error {
	switch {
	case a.ID != id:
	case a.State == outsidePending, a.State == outsideRegistered && a.Number != "", a.State == outsideRefused && a.Reason != "":
		return nil
	}
	return fault.New("hub.connector", fault.Unavailable, id.String(), "the answer is another request's, or says neither pending, nor a number, nor a reason")
}
