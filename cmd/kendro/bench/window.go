package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"kendro/domain/fault"
	"kendro/web/api"
)

// A window is one clerk's connection to a counter. It speaks plain HTTP/1.1 on
// one socket that it keeps, so that what is measured is the node and not a client
// library. It is used by one goroutine.
type window struct {
	conn  net.Conn
	in    *bufio.Reader
	head  string
	out   []byte
	prior string // Prefix of its idempotency keys.
	n     int
}

// patience is how long one answer may take.
const patience = 30 * time.Second

func openWindow(ctx context.Context, addr, token string) (*window, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fault.Wrap(op, fault.Unavailable, addr, err)
	}
	return &window{
		conn: conn, in: bufio.NewReader(conn), prior: api.NewKey(),
		head: "POST /v1/applications HTTP/1.1\r\nHost: " + addr + "\r\nAuthorization: Bearer " + token +
			"\r\nContent-Type: application/json\r\n",
	}, nil
}

func (w *window) close() { _ = w.conn.Close() } // Nothing is on its way.

// file posts one application and returns the answer to it and how long that
// took. Anything but 201 is an error of the kind that the node gave.
func (w *window) file(body []byte) ([]byte, time.Duration, error) {
	w.n++
	w.out = fmt.Appendf(w.out[:0], "%sIdempotency-Key: %s-%d\r\nContent-Length: %d\r\n\r\n", w.head, w.prior, w.n, len(body))
	w.out = append(w.out, body...)
	began := time.Now()
	if err := w.conn.SetDeadline(began.Add(patience)); err != nil {
		return nil, 0, fault.Wrap(op, fault.Unavailable, "counter", err)
	}
	if _, err := w.conn.Write(w.out); err != nil {
		return nil, 0, fault.Wrap(op, fault.Unavailable, "counter", err)
	}
	res, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return nil, 0, fault.Wrap(op, fault.Unavailable, "counter", err)
	}
	answer, err := io.ReadAll(res.Body)
	took := time.Since(began)
	_ = res.Body.Close() // Read to its end, or failed before.
	if err != nil {
		return nil, 0, fault.Wrap(op, fault.Unavailable, "counter", err)
	}
	if res.StatusCode != http.StatusCreated {
		var p api.Problem
		if err := json.Unmarshal(answer, &p); err != nil || p.Status == 0 {
			return nil, 0, fault.New(op, fault.Internal, "counter", res.Status+": not an answer of Kendro's")
		}
		return nil, 0, p.Fault(op)
	}
	return answer, took, nil
}
