package hubtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net"
	"strconv"
	"sync"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/replication/link"
	"kendro/replication/paper"
)

// Scans are the documents of a box, ready to be sent.
type Scans struct {
	box *Box

	mu    sync.Mutex // Guards what follows.
	docs  map[protocol.Hash][]byte
	order []protocol.Hash
	sent  int // Pieces, repeats included.
	limit int // Pieces, after which nothing can be read any more; 0 is no limit.
}

var _ link.PaperSource = (*Scans)(nil)

// Scans returns a box's documents, none yet.
func (b *Box) Scans() *Scans { return &Scans{box: b, docs: map[protocol.Hash][]byte{}} }

// Scan makes a PDF of about so many bytes; another seed is another document.
func (s *Scans) Scan(seed, size int) protocol.Document {
	head := []byte("%PDF-1.4\n" + strconv.Itoa(seed) + "\n")
	content := append(append(head, bytes.Repeat([]byte{byte(seed)}, size)...), "\n%%EOF\n"...)
	h := protocol.Hash(sha256.Sum256(content))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.docs[h] == nil {
		s.docs[h], s.order = content, append(s.order, h)
	}
	return protocol.Document{Kind: "scan-" + strconv.Itoa(seed), Hash: h, Size: uint32(len(content)), Type: 1}
}

// Content returns a document's bytes.
func (s *Scans) Content(h protocol.Hash) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.docs[h]
}

// Sent returns how many pieces were sent.
func (s *Scans) Sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

// Limit lets so many pieces out, counted from the first; 0 lets all.
func (s *Scans) Limit(pieces int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = pieces
}

// Waiting offers every document.
func (s *Scans) Waiting() ([]protocol.Offered, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []protocol.Offered
	for _, h := range s.order {
		list = append(list, protocol.Offered{Hash: h, Size: uint32(len(s.docs[h]))})
	}
	return list, nil
}

// Piece seals a piece.
func (s *Scans) Piece(p paper.Piece) (*protocol.Epoch, *protocol.Chunk, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit > 0 && s.sent >= s.limit {
		return nil, nil, fault.New("hubtest.Piece", fault.Unavailable, "document", "no more pieces")
	}
	s.sent++
	from, to := protocol.ChunkAt(p.Size, p.Index)
	return &s.box.intro, protocol.SealChunk(p.Hash, p.Size, p.Index, s.docs[p.Hash][from:to], s.box.epoch), nil
}

// FileWith takes in an application that names documents.
func (b *Box) FileWith(docs ...protocol.Document) protocol.Number {
	b.tb.Helper()
	e := b.application()
	var s protocol.Submission
	if err := e.Decode(&s); err != nil {
		b.tb.Fatal(err)
	}
	s.Documents = docs
	e.Payload = protocol.Marshal(&s)
	return b.append(e)
}

// Send sends the documents to one server until the returned function is called.
func (s *Scans) Send(addr string) (stop func()) {
	s.box.tb.Helper()
	e, err := link.Open(s.box.options())
	if err != nil {
		s.box.tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := link.NewPostman(s, func(ctx context.Context, lane int) (net.Conn, error) {
		return e.DialLane(ctx, addr, link.ALPNSync, lane-1)
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = p.Run(ctx) // A broken link is the test's to make.
	}()
	return sync.OnceFunc(func() {
		cancel()
		<-done
		if err := e.Close(); err != nil {
			s.box.tb.Error(err)
		}
	})
}
