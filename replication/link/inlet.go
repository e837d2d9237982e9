package link

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"

	"kendro/domain/fault"
)

// readAhead is how many bytes of a message's beginning are read ahead; what is longer is
// read in place.
const readAhead = 512

// An inlet is what comes from the peer. One goroutine at a time uses it.
type inlet struct {
	conn     net.Conn
	buffered *bufio.Reader // Reads from the inlet.

	first [1]byte // What wait has read.
	held  bool    // It stands in first still.
	err   error   // What wait has met.
}

// wait returns once something has come, or nothing more will.
func (in *inlet) wait() {
	for !in.held && in.err == nil {
		n, err := in.conn.Read(in.first[:])
		in.held, in.err = n > 0, err
	}
}

// Read gives what wait has read, and then what the connection does.
func (in *inlet) Read(b []byte) (int, error) {
	switch {
	case len(b) == 0:
		return 0, nil
	case in.held:
		in.held = false
		return copy(b, in.first[:]), nil
	case in.err != nil:
		return 0, in.err
	}
	return in.conn.Read(b)
}

// read waits for what the peer says, takes it, and has another goroutine wait: one that
// was never deeper than its wait keeps the smallest of stacks, for weeks. While the host
// is behind nothing more is read: let the peer's window fill.
func (r *runner) read(ctx context.Context) {
	r.in.wait()
	if r.take(ctx) && r.work.wait(ctx, maxBacklog) {
		go r.read(ctx)
		return
	}
	r.end.finish()
}

// take takes one message, and those of which the beginning is here. It reports
// whether there may be more.
func (r *runner) take(ctx context.Context) bool {
	buffered := r.in.buffered
	for {
		if buffered.Buffered() > 0 {
			r.turn(ctx, func() { r.probe.silence.half = true })
		}
		m, size, err := r.out.short.Decode(buffered)
		if err != nil {
			r.fail(broken(r.conn.RemoteAddr().String(), err))
			return false
		}
		r.traffic.in[purposeOf(m)].Add(uint64(size))
		r.turn(ctx, func() { r.receive(ctx, m) })
		if buffered.Buffered() == 0 || r.work.len() >= maxBacklog {
			return true
		}
	}
}

// broken says what it means that there is no next message.
func broken(addr string, err error) error {
	const op = "link.RunSession"
	switch {
	case errors.Is(err, io.EOF):
		return fault.New(op, fault.Unavailable, addr, "the peer ended the session")
	case errors.Is(err, fault.Invalid):
		return err
	}
	return classify(op, addr, err)
}
