package link

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/paper"
)

// Documents travel on streams of their own beside a session, so that a lost
// packet of theirs holds up no record. One such stream runs in the session's own
// connection; where much waits, further connections are opened, since each has a
// congestion window of its own.

// A PaperSource is where documents come from. Calls may overlap.
type PaperSource interface {
	// Waiting returns the documents that wait, the most urgent first.
	Waiting() ([]protocol.Offered, error)
	// Piece returns a piece, sealed, and the introduction of its epoch.
	Piece(p paper.Piece) (*protocol.Epoch, *protocol.Chunk, error)
}

// A PaperTaker is where documents go. Calls for one stream don't overlap, but for
// Piece; a peer may have several streams.
type PaperTaker interface {
	// Offered says of each document how far it is here.
	Offered(ctx context.Context, peer replication.Peer, docs []protocol.Offered) ([]protocol.Taken, error)
	// OpenEpoch takes the introduction of an epoch before the pieces sealed in it.
	OpenEpoch(peer replication.Peer, e *protocol.Epoch) error
	// Piece takes a piece. The last one of a document returns once the document is
	// safe, with that word; before that there is nothing to say.
	Piece(ctx context.Context, peer replication.Peer, c *protocol.Chunk) (*protocol.Taken, error)
}

// How documents are sent.
const (
	paperLanes   = 3         // Connections at most, the session's own included.
	manyBytes    = 200 << 10 // Waiting, before further connections are opened.
	paperRetry   = 30 * time.Second
	askAgain     = 64 // Pieces, before the source is asked what has become urgent.
	maxJudged    = 4  // Documents of one stream that are being made safe at one time.
	firstMessage = 30 * time.Second
)

// First returns the first message of a stream that was accepted, which the stream
// gives again to whoever reads it.
func (c *Conn) First() (m *protocol.Message, err error) {
	late := time.AfterFunc(firstMessage, func() { c.CancelRead(0) })
	defer late.Stop()
	body, err := protocol.ReadFrame(c, protocol.MaxMessage)
	if err != nil {
		return nil, err
	}
	c.first = append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body))), body...)
	return protocol.DecodeMessage(body)
}

// ServePapers takes the documents of one stream until it ends or ctx does. It
// closes conn.
func ServePapers(ctx context.Context, conn net.Conn, peer replication.Peer, taker PaperTaker) error {
	forDocuments(conn)
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	s := &paperStream{conn: conn, peer: peer, taker: taker, judged: make(chan struct{}, maxJudged)}
	err := s.serve(ctx)
	cancel()
	s.wg.Wait()
	stop()
	_ = conn.Close()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// forDocuments counts a stream's bytes as those of documents.
func forDocuments(conn net.Conn) {
	if c, ok := conn.(*Conn); ok {
		c.purpose = Documents
	}
}

// A paperStream is the taking end of one stream.
type paperStream struct {
	conn   net.Conn
	peer   replication.Peer
	taker  PaperTaker
	judged chan struct{}
	wg     sync.WaitGroup

	writing sync.Mutex // Answers go out whole. Guards the stream alone.
}

func (s *paperStream) serve(ctx context.Context) error {
	for {
		m, err := protocol.ReadMessage(s.conn)
		if err != nil {
			return err
		}
		switch {
		case m.Hello != nil: // It said what the stream is for.
		case m.Epoch != nil:
			err = s.taker.OpenEpoch(s.peer, m.Epoch)
		case m.Offer != nil:
			err = s.offered(ctx, m.Offer)
		case m.Chunk != nil:
			s.piece(ctx, m.Chunk)
		default:
			err = fault.New("link.ServePapers", fault.Invalid, s.conn.RemoteAddr().String(), "not a message of documents")
		}
		if err != nil {
			return err
		}
	}
}

func (s *paperStream) offered(ctx context.Context, o *protocol.Offer) error {
	answers, err := s.taker.Offered(ctx, s.peer, o.Documents)
	for i := range answers {
		if err == nil {
			err = s.say(&protocol.Message{Taken: &answers[i]})
		}
	}
	return err
}

// piece takes a piece beside the reading, since the last one of a document waits
// until the document is safe.
func (s *paperStream) piece(ctx context.Context, c *protocol.Chunk) {
	select {
	case s.judged <- struct{}{}:
	case <-ctx.Done():
		return
	}
	s.wg.Go(func() {
		defer func() { <-s.judged }()
		t, err := s.taker.Piece(ctx, s.peer, c)
		if err != nil {
			t = &protocol.Taken{Hash: c.Hash, State: protocol.TakenLater}
			if errors.Is(err, fault.Denied) || errors.Is(err, fault.NotFound) {
				t.State = protocol.TakenUnwanted
			}
		}
		if t != nil {
			_ = s.say(&protocol.Message{Taken: t}) // A broken stream shows at the next read.
		}
	})
}

func (s *paperStream) say(m *protocol.Message) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	_, err := s.conn.Write(protocol.EncodeMessage(m))
	return err
}

// A Postman sends documents beside a session. Make one with [NewPostman]; Run it
// while the session lasts.
type Postman struct {
	source PaperSource
	dial   func(ctx context.Context, lane int) (net.Conn, error)

	mu     sync.Mutex // Guards what follows.
	sender *paper.Sender
	look   bool          // More documents may wait than the sender knows of.
	handed int           // Pieces since the source was asked last.
	change chan struct{} // Closed and replaced whenever there may be something to send.
}

// NewPostman returns a postman for one session. dial opens a stream to the
// session's peer: lane 1 in the session's own connection, each other one in a
// connection of its own.
func NewPostman(source PaperSource, dial func(ctx context.Context, lane int) (net.Conn, error)) *Postman {
	return &Postman{source: source, dial: dial, sender: paper.NewSender(), look: true, change: make(chan struct{})}
}

// Hold says whether the session has records to send. It never blocks.
func (p *Postman) Hold(records bool) { p.update(func(s *paper.Sender) { s.Hold(records) }) }

// Look says that more documents may wait. It never blocks.
func (p *Postman) Look() { p.update(func(*paper.Sender) { p.look = true }) }

func (p *Postman) update(fn func(*paper.Sender)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fn(p.sender)
	close(p.change)
	p.change = make(chan struct{})
}

// Run sends until ctx ends or the session's connection breaks, and waits for
// everything that it started.
func (p *Postman) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for lane := 2; lane <= paperLanes; lane++ {
		wg.Go(func() { p.helper(ctx, lane) })
	}
	conn, err := p.dial(ctx, 1)
	if err != nil {
		return err
	}
	err = p.lane(ctx, 1, conn)
	cancel()
	return err
}

// helper runs a further lane whenever much waits.
func (p *Postman) helper(ctx context.Context, lane int) {
	for ctx.Err() == nil {
		p.mu.Lock()
		missing, change := p.sender.Missing(), p.change
		p.mu.Unlock()
		if missing < manyBytes {
			select {
			case <-change:
			case <-ctx.Done():
			}
			continue
		}
		conn, err := p.dial(ctx, lane)
		if err == nil {
			_ = p.lane(ctx, lane, conn) // What it had sent is sent again by another.
			p.update(func(s *paper.Sender) { s.Lost(lane) })
		}
		if !pause(ctx, paperRetry) {
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// lane speaks on one stream until it breaks or ctx ends.
func (p *Postman) lane(ctx context.Context, lane int, conn net.Conn) error {
	forDocuments(conn)
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	var wg sync.WaitGroup
	wg.Go(func() {
		p.listen(conn)
		cancel()
	})
	err := p.speak(ctx, lane, conn)
	cancel()
	stop()
	_ = conn.Close()
	wg.Wait()
	return err
}

// listen takes the other side's word.
func (p *Postman) listen(conn net.Conn) {
	for {
		m, err := protocol.ReadMessage(conn)
		if err != nil || m.Taken == nil {
			return
		}
		p.update(func(s *paper.Sender) { s.Taken(m.Taken) })
	}
}

// speak offers, on lane 1, and sends piece after piece.
func (p *Postman) speak(ctx context.Context, lane int, conn net.Conn) error {
	hello := &protocol.Hello{Version: protocol.OldestSession, Newest: protocol.SessionVersion, Documents: protocol.DocumentStream}
	if _, err := conn.Write(protocol.EncodeMessage(&protocol.Message{Hello: hello})); err != nil {
		return err
	}
	introduced := map[string]bool{}
	retry := time.NewTicker(paperRetry)
	defer retry.Stop()
	for ctx.Err() == nil {
		offer, next, ok, change, err := p.next(lane)
		if err != nil {
			return err
		}
		switch {
		case offer != nil:
			_, err = conn.Write(protocol.EncodeMessage(&protocol.Message{Offer: offer}))
		case ok:
			err = p.send(conn, next, introduced)
		default:
			select {
			case <-change:
			case <-retry.C:
				p.update(func(s *paper.Sender) { s.Retry() })
			case <-ctx.Done():
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// next asks the sender what to do on a lane.
func (p *Postman) next(lane int) (*protocol.Offer, paper.Piece, bool, chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for lane == 1 && p.look && (p.sender.Missing() == 0 || p.handed >= askAgain) {
		p.look, p.handed = false, 0
		p.mu.Unlock()
		waiting, err := p.source.Waiting()
		p.mu.Lock()
		if err != nil {
			return nil, paper.Piece{}, false, nil, err
		}
		p.sender.Wish(waiting)
	}
	if lane == 1 {
		if offer := p.sender.Offer(); offer != nil {
			return offer, paper.Piece{}, false, nil, nil
		}
	}
	next, ok := p.sender.Next(lane)
	if ok {
		p.handed++
	}
	return nil, next, ok, p.change, nil
}

// send seals and writes one piece, the introduction of its epoch before the
// first.
func (p *Postman) send(conn net.Conn, next paper.Piece, introduced map[string]bool) error {
	epoch, chunk, err := p.source.Piece(next)
	if err != nil {
		p.update(func(s *paper.Sender) { s.Drop(next.Hash) })
		return nil //nolint:nilerr // The source has said what is wrong with the document.
	}
	var out []byte
	if id := epoch.ID.String(); !introduced[id] {
		introduced[id] = true
		out = protocol.EncodeMessage(&protocol.Message{Epoch: epoch})
	}
	_, err = conn.Write(append(out, protocol.EncodeMessage(&protocol.Message{Chunk: chunk})...))
	return err
}
