package hub

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/fxamacker/cbor/v2"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/replication/link"
)

// The calls between servers (link.ALPNHub), and of machines that enrol
// (link.ALPNEnrol).
const (
	callPropose  = "propose"  // register.Command → proposeAnswer. To the leader.
	callIngest   = "ingest"   // ingestCall → ingestAnswer. To the leader.
	callIndex    = "index"    // nothing → indexAnswer. To the leader.
	callAnnounce = "announce" // announcement → nothing. To anybody.
	callProbe    = "probe"    // nothing → probeAnswer. To anybody.
	callEnrol    = "enrol"    // protocol.EnrolRequest → protocol.Enrolment. To the leader.
	callHold     = "hold"     // holdCall → nothing, once this server holds the document. To anybody.
	callSealing  = "sealing"  // sealingCall → sealingAnswer. To anybody.
	callExpiring = "expiring" // sealingCall → expiringAnswer. To anybody.
	callDocument = "document" // documentCall → documentAnswer. To anybody.
)

// null is CBOR's.
const null = "\xf6"

// maxPending bounds the calls of one stream that are being answered.
const maxPending = 64

// An answerFunc waits for the answer to one call. It is called once.
type answerFunc func(ctx context.Context) (any, error)

// serveCalls answers the calls of one stream in their order until it ends. start
// begins with a call, in the order of arrival, and returns how to wait for the
// answer; answers are waited for in order while later calls have begun.
func serveCalls(ctx context.Context, conn net.Conn, start func(context.Context, *protocol.Call) answerFunc) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	pending := make(chan answerFunc, maxPending)
	var wg sync.WaitGroup
	wg.Go(func() {
		broken := false
		for wait := range pending {
			body, err := wait(ctx)
			if broken {
				continue // The calls have begun and are waited for all the same.
			}
			if err := writeReply(conn, body, err); err != nil {
				broken = true
				cancel()
			}
		}
	})
	err := readCalls(ctx, conn, func(c *protocol.Call) { pending <- start(ctx, c) })
	close(pending)
	wg.Wait()
	return errors.Join(err, conn.Close())
}

func readCalls(ctx context.Context, conn net.Conn, take func(*protocol.Call)) error {
	for {
		raw, err := protocol.ReadFrame(conn, protocol.MaxRPC)
		if err != nil {
			if errors.Is(err, io.EOF) || ctx.Err() != nil {
				return nil //nolint:nilerr // The stream has ended, or is no longer wanted.
			}
			return err
		}
		c := &protocol.Call{}
		if err := protocol.Unmarshal(raw, protocol.MaxRPC, "call", c); err != nil {
			return err
		}
		take(c)
	}
}

func writeReply(w io.Writer, body any, err error) error {
	r := &protocol.Reply{}
	switch {
	case err != nil:
		r.Fault = protocol.FailureOf(err)
	case body != nil:
		r.Body = protocol.Marshal(body)
	}
	return protocol.WriteFrame(w, protocol.Marshal(r))
}

// readReply reads one answer; its failure says that none came.
func readReply(r io.Reader) (*protocol.Reply, error) {
	raw, err := protocol.ReadFrame(r, protocol.MaxRPC)
	if err != nil {
		return nil, &fault.Error{Op: "hub.call", Kind: fault.Unavailable, Err: err}
	}
	reply := &protocol.Reply{}
	return reply, protocol.Unmarshal(raw, protocol.MaxRPC, "answer", reply)
}

// decodeReply reads an answer into out, or returns the failure that it carries.
func decodeReply(reply *protocol.Reply, out any) error {
	if reply.Fault != nil {
		return reply.Fault.Err()
	}
	if out == nil {
		return nil
	}
	return protocol.Unmarshal(reply.Body, protocol.MaxRPC, "answer", out)
}

func writeCall(w io.Writer, method string, body any) error {
	raw := cbor.RawMessage(null)
	if body != nil {
		raw = protocol.Marshal(body)
	}
	b := protocol.Marshal(&protocol.Call{Method: method, Body: raw})
	if len(b) > protocol.MaxRPC {
		return fault.New("hub.call", fault.Invalid, method, "longer than a call may be")
	}
	return fault.Wrap("hub.call", fault.Unavailable, method, protocol.WriteFrame(w, b))
}

// call asks another server once. No answer is [fault.Unavailable]: what it asked
// for may have happened or not.
func (g *group) call(ctx context.Context, address, method string, in, out any) error {
	conn, err := g.endpoint.Dial(ctx, address, link.ALPNHub)
	if err != nil {
		return fault.Wrap("hub.call", fault.Unavailable, address, err)
	}
	return askOn(ctx, conn, method, in, out)
}

// askOn makes one call on a stream and closes it.
func askOn(ctx context.Context, conn net.Conn, method string, in, out any) error {
	defer func() { _ = conn.Close() }() // The answer was read, or none will be.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if err := writeCall(conn, method, in); err != nil {
		return err
	}
	reply, err := readReply(conn)
	if err != nil {
		return err
	}
	return decodeReply(reply, out)
}
