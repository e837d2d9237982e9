package hub

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/replication/link"
)

// An ingestCall hands a block to the leader.
type ingestCall struct {
	Epoch *protocol.Epoch `cbor:"1,keyasint,omitempty"`
	Block protocol.Block  `cbor:"2,keyasint"`
}

// An ingestAnswer says where the log stands in the register, applied at the
// leader.
type ingestAnswer struct {
	At          protocol.Position `cbor:"1,keyasint"`
	Index       uint64            `cbor:"2,keyasint"`
	Incarnation uint64            `cbor:"3,keyasint"`
}

// An ingester takes blocks into the register while this server leads. It is safe
// for concurrent use.
type ingester struct {
	*group
	judge *judge
	clock func() time.Time
}

// ingest judges and proposes a block as the leader. answer is called once.
// Blocks of one log must be handed over in their order; the answers come in
// their order too.
func (g *ingester) ingest(ctx context.Context, c *ingestCall, answer func(ingestAnswer, error)) {
	if err := g.level(ctx); err != nil { // It would be judged by an older release, or by none.
		answer(ingestAnswer{}, err)
		return
	}
	p, err := g.judge.judge(&c.Block, c.Epoch, g.clock())
	if err != nil {
		answer(ingestAnswer{}, err)
		return
	}
	if p.ingest.Quarantine != "" {
		g.log.Warn("a block is put aside", "block", blockName(&c.Block.Header), "why", p.ingest.Quarantine)
	}
	p.done = func(r proposed) { answer(answerOf(r, g.register().Incarnation())) }
	if err := g.proposer.propose(ctx, p); err != nil {
		answer(ingestAnswer{}, err)
	}
}

// answerOf is what a proposal came to, for the session that brought it.
func answerOf(r proposed, incarnation uint64) (ingestAnswer, error) {
	switch {
	case r.err != nil:
		return ingestAnswer{}, r.err
	case r.ingest.Fault != nil:
		return ingestAnswer{}, r.ingest.Fault.Err()
	}
	return ingestAnswer{At: r.ingest.At, Index: r.index, Incarnation: incarnation}, nil
}

// startIngest begins with a block that another server forwards.
func (g *ingester) start(ctx context.Context, c *protocol.Call) answerFunc {
	in := &ingestCall{}
	if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "block", in); err != nil {
		return failed(err)
	}
	if err := in.Block.Check(); err != nil {
		return failed(err)
	}
	type outcome struct {
		a   ingestAnswer
		err error
	}
	result := make(chan outcome, 1)
	if g.leads() {
		g.ingest(ctx, in, func(a ingestAnswer, err error) { result <- outcome{a, err} })
	} else {
		result <- outcome{err: fault.Wrap("hub.ingest", fault.Unavailable, "", raft.ErrNotLeader)}
	}
	return func(ctx context.Context) (any, error) {
		select {
		case o := <-result:
			return &o.a, o.err
		case <-ctx.Done():
			return nil, fault.Wrap("hub.ingest", fault.Unavailable, "", ctx.Err())
		}
	}
}

func failed(err error) answerFunc {
	return func(context.Context) (any, error) { return nil, err }
}

// An upstream carries one session's blocks to the leader, many at a time, on one
// stream. One goroutine sends and closes; another reads.
type upstream struct {
	address string
	conn    net.Conn
	waiting chan func(ingestAnswer, error) // In the order of the calls.
	broken  atomic.Pointer[fault.Error]
	wg      sync.WaitGroup
}

// forward sends a block to the leader. When the leader is lost, every block on
// its way is answered as unknown, and the session sends again from what the
// register holds.
func (s *host) forward(ctx context.Context, in *intake, c *ingestCall, answer func(ingestAnswer, error)) {
	const op = "hub.forward"
	_, address := s.group.leader()
	if address == "" {
		answer(ingestAnswer{}, fault.New(op, fault.Unavailable, "", "no server leads now"))
		return
	}
	up := s.upstream(in)
	if up != nil && (up.address != address || up.broken.Load() != nil) {
		up.close()
		up = nil
	}
	if up == nil {
		dialing, cancel := context.WithTimeout(ctx, attempt)
		defer cancel()
		conn, err := s.group.endpoint.Dial(dialing, address, link.ALPNHub)
		if err != nil {
			answer(ingestAnswer{}, &fault.Error{Op: op, Kind: fault.Unavailable, Item: address, Err: err})
			return
		}
		up = newUpstream(address, conn)
		s.attach(in, up)
	}
	up.send(c, answer)
}

func (s *host) upstream(in *intake) *upstream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return in.up
}

func (s *host) attach(in *intake, up *upstream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in.up = up
}

// leaderChanged breaks off what is on its way to a former leader.
func (s *host) leaderChanged(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, in := range s.sessions {
		if in.up != nil && in.up.address != address {
			_ = in.up.breakOff(errLeaderLost)
		}
	}
}

var errLeaderLost = errors.New("the leader was lost")

func newUpstream(address string, conn net.Conn) *upstream {
	u := &upstream{address: address, conn: conn, waiting: make(chan func(ingestAnswer, error), maxPending)}
	u.wg.Go(u.read)
	return u
}

func (u *upstream) send(c *ingestCall, answer func(ingestAnswer, error)) {
	if err := u.broken.Load(); err != nil {
		answer(ingestAnswer{}, err)
		return
	}
	u.waiting <- answer
	if err := writeCall(u.conn, callIngest, c); err != nil {
		_ = u.breakOff(err) // The reader answers.
	}
}

// read hands answers out in the order of the calls. Once the stream is broken
// everything is unknown.
func (u *upstream) read() {
	for answer := range u.waiting {
		if err := u.broken.Load(); err != nil {
			answer(ingestAnswer{}, err)
			continue
		}
		reply, err := readReply(u.conn)
		if err != nil {
			answer(ingestAnswer{}, u.breakOff(err))
			continue
		}
		var a ingestAnswer
		err = decodeReply(reply, &a)
		answer(a, err)
	}
}

// breakOff ends the stream.
func (u *upstream) breakOff(err error) error {
	u.broken.CompareAndSwap(nil, &fault.Error{Op: "hub.forward", Kind: fault.Unavailable, Item: u.address, Err: err})
	_ = u.conn.Close() // Frees the reader; what was sent before may still arrive.
	return u.broken.Load()
}

// close ends the stream and waits until everything was answered.
func (u *upstream) close() {
	_ = u.breakOff(net.ErrClosed)
	close(u.waiting)
	u.wg.Wait()
}
