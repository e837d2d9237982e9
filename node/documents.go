package node

import (
	"context"
	"errors"
	"net"
	"sync"

	"kendro/domain/fault"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
	"kendro/replication/paper"
)

// A paperSource is the box as a postman sees it: the documents that no hub holds
// yet, sealed piece by piece.
type paperSource struct {
	box    *box.Box
	sealer *sealer

	mu   sync.Mutex // Guards what follows: the document that is being sent.
	hash protocol.Hash
	open []byte
}

var _ link.PaperSource = (*paperSource)(nil)

// Waiting returns what waits, the most urgent first.
func (s *paperSource) Waiting() ([]protocol.Offered, error) {
	list, err := s.box.Pending()
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		s.mu.Lock()
		s.open = nil
		s.mu.Unlock()
	}
	out := make([]protocol.Offered, 0, len(list))
	for _, p := range list {
		out = append(out, protocol.Offered{Hash: p.Hash, Size: p.Size})
	}
	return out, nil
}

// Piece reads and seals a piece.
func (s *paperSource) Piece(p paper.Piece) (*protocol.Epoch, *protocol.Chunk, error) {
	content, err := s.content(p.Hash)
	if err != nil {
		return nil, nil, err
	}
	if len(content) != int(p.Size) {
		return nil, nil, fault.New("node.Piece", fault.Damaged, p.Hash.String(), "the document has another size than its event says")
	}
	epoch, intro, err := s.sealer.now()
	if err != nil {
		return nil, nil, err
	}
	from, to := protocol.ChunkAt(p.Size, p.Index)
	return &intro, protocol.SealChunk(p.Hash, p.Size, p.Index, content[from:to], epoch), nil
}

// content reads a document; the last one read stays at hand for its next piece.
func (s *paperSource) content(h protocol.Hash) ([]byte, error) {
	s.mu.Lock()
	if s.hash == h && s.open != nil {
		defer s.mu.Unlock()
		return s.open, nil
	}
	s.mu.Unlock()
	_, content, err := s.box.Document(h)
	if errors.Is(err, fault.Damaged) || errors.Is(err, fault.NotFound) {
		s.box.Spoilt(h, err)
	}
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hash, s.open = h, content
	return content, nil
}

// A laneCaller opens streams in connections of their own; *link.Endpoint is one.
type laneCaller interface {
	DialLane(ctx context.Context, addr, alpn string, lane int) (net.Conn, error)
}

// post sends documents beside a session, to the server at addr, from the moment
// at which its hello says that it takes them until ctx ends.
func (c *courier) post(ctx context.Context, addr string, p *link.Postman, met <-chan replication.Peer) {
	select {
	case peer := <-met:
		if peer.Hello == nil || peer.Hello.Documents != protocol.TakesDocuments {
			return // An older hub: the documents wait.
		}
	case <-ctx.Done():
		return
	}
	stop := c.box.Watch(func(protocol.Head) { p.Look() })
	defer stop()
	if err := p.Run(ctx); err != nil && ctx.Err() == nil {
		c.log.Warn("documents can't be sent just now", "addr", addr, "err", err)
	}
}

// expect returns where the peer of the session to come is told, once it has said
// hello.
func (c *courier) expect() <-chan replication.Peer {
	news := make(chan replication.Peer, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.news = news
	return news
}

// lanes opens the streams of documents: the first in the session's own
// connection, the others in connections of their own.
func (c *courier) lanes(addr string) func(context.Context, int) (net.Conn, error) {
	return func(ctx context.Context, lane int) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		if own, ok := c.caller.(laneCaller); ok {
			return own.DialLane(ctx, addr, link.ALPNSync, lane-1)
		}
		return c.caller.Dial(ctx, addr, link.ALPNSync)
	}
}
