package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
)

// Inside returns a client that calls h in this process, on behalf of whoever
// made the request r: with his session and from his address. A page is no more
// than that.
func Inside(h http.Handler, r *http.Request) *Client {
	from := r.WithContext(context.WithoutCancel(r.Context())) // A file that was begun is finished.
	return &Client{base: "http://inside", token: bearer(r), http: &http.Client{Transport: inside{h: h, from: from}}}
}

type inside struct {
	h    http.Handler
	from *http.Request
}

// RoundTrip answers a request by calling the handler.
func (t inside) RoundTrip(r *http.Request) (*http.Response, error) {
	q := r.WithContext(t.from.Context())
	q.RemoteAddr, q.Host = t.from.RemoteAddr, t.from.Host
	if noted := t.from.Header.Get("X-Forwarded-For"); noted != "" {
		q.Header.Set("X-Forwarded-For", noted)
	}
	w := &kept{header: http.Header{}, status: http.StatusOK}
	t.h.ServeHTTP(w, q)
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header, Request: r,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()),
	}, nil
}

// kept is an answer in memory.
type kept struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (k *kept) Header() http.Header { return k.header }

func (k *kept) WriteHeader(status int) {
	if !k.wrote {
		k.status, k.wrote = status, true
	}
}

func (k *kept) Write(b []byte) (int, error) {
	k.wrote = true
	return k.body.Write(b)
}
