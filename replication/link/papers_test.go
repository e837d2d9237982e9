package link_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
	"kendro/replication/paper"
)

// A shelf of documents is both ends' store in these tests.
type shelf struct {
	epoch *identity.Epoch
	intro protocol.Epoch
	key   *identity.SealingKey

	mu     sync.Mutex // Guards what follows.
	order  []protocol.Hash
	docs   map[protocol.Hash][]byte
	keys   map[identity.EpochID]*identity.EpochKey
	pieces map[protocol.Hash]map[int][]byte
	whole  map[protocol.Hash]time.Time
	taken  int // Pieces, doubles included.
	spoil  int // Documents that are taken for damaged.
	grown  chan struct{}
}

func shelves(tb testing.TB, sizes ...int) (from, to *shelf) {
	tb.Helper()
	key := identity.NewSealingKey()
	epoch, err := identity.NewEpoch(key.Public())
	if err != nil {
		tb.Fatal(err)
	}
	from = &shelf{epoch: epoch, intro: protocol.NewEpoch(epoch, nil, identity.NewSigner()), docs: map[protocol.Hash][]byte{}}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range sizes {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		h := protocol.Hash(sha256.Sum256(b))
		from.docs[h], from.order = b, append(from.order, h)
	}
	return from, &shelf{
		key: key, docs: map[protocol.Hash][]byte{}, keys: map[identity.EpochID]*identity.EpochKey{},
		pieces: map[protocol.Hash]map[int][]byte{}, whole: map[protocol.Hash]time.Time{}, grown: make(chan struct{}, 1),
	}
}

func (s *shelf) Waiting() ([]protocol.Offered, error) {
	var list []protocol.Offered
	for _, h := range s.order {
		list = append(list, protocol.Offered{Hash: h, Size: uint32(len(s.docs[h]))})
	}
	return list, nil
}

func (s *shelf) Piece(p paper.Piece) (*protocol.Epoch, *protocol.Chunk, error) {
	from, to := protocol.ChunkAt(p.Size, p.Index)
	return &s.intro, protocol.SealChunk(p.Hash, p.Size, p.Index, s.docs[p.Hash][from:to], s.epoch), nil
}

// A taker is a shelf that receives.
type taker struct{ *shelf }

func (s taker) Offered(_ context.Context, _ replication.Peer, docs []protocol.Offered) ([]protocol.Taken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []protocol.Taken
	for _, d := range docs {
		t := protocol.Taken{Hash: d.Hash, State: protocol.TakenPart, Pieces: s.bits(d)}
		if s.docs[d.Hash] != nil {
			t = protocol.Taken{Hash: d.Hash, State: protocol.TakenHeld}
		}
		out = append(out, t)
	}
	return out, nil
}

func (s taker) bits(d protocol.Offered) []byte {
	bits := make([]byte, (protocol.Chunks(d.Size)+7)/8)
	for i := range s.pieces[d.Hash] {
		bits[i/8] |= 1 << (i % 8)
	}
	return bits
}

func (s taker) OpenEpoch(_ replication.Peer, e *protocol.Epoch) error {
	key, err := identity.OpenWrap(s.key, e.ID, e.Wraps)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[e.ID] = key
	return err
}

func (s taker) Piece(_ context.Context, _ replication.Peer, c *protocol.Chunk) (*protocol.Taken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := s.keys[c.Epoch]
	if key == nil {
		return nil, fault.New("taker", fault.NotFound, "epoch", "not introduced")
	}
	piece, err := c.Open(key)
	if err != nil {
		return nil, err
	}
	s.taken++
	select {
	case s.grown <- struct{}{}:
	default:
	}
	if s.pieces[c.Hash] == nil {
		s.pieces[c.Hash] = map[int][]byte{}
	}
	s.pieces[c.Hash][int(c.Index)] = piece
	if len(s.pieces[c.Hash]) < protocol.Chunks(c.Size) {
		return nil, nil
	}
	var all []byte
	for i := range protocol.Chunks(c.Size) {
		all = append(all, s.pieces[c.Hash][i]...)
	}
	if sha256.Sum256(all) != c.Hash || s.spoil > 0 {
		s.spoil--
		delete(s.pieces, c.Hash)
		return &protocol.Taken{Hash: c.Hash, State: protocol.TakenPart}, nil
	}
	s.docs[c.Hash], s.whole[c.Hash] = all, time.Now()
	return &protocol.Taken{Hash: c.Hash, State: protocol.TakenHeld}, nil
}

func (s *shelf) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.docs)
}

// take serves every stream of documents that reaches the server.
func take(t *testing.T, e *link.Endpoint, to *shelf) {
	t.Helper()
	l := e.Accept(link.ALPNSync)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				conn, _ := c.(*link.Conn)
				if m, err := conn.First(); err == nil && m.Hello != nil && m.Hello.Documents == protocol.DocumentStream {
					_ = link.ServePapers(ctx, conn, conn.Peer(), taker{to})
				}
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = l.Close()
		wg.Wait()
	})
}

// send runs a postman with so many lanes until the returned function is called.
func send(t *testing.T, v *village, from *shelf, lanes int) (*link.Postman, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := link.NewPostman(from, func(ctx context.Context, lane int) (net.Conn, error) {
		if lane > lanes {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return v.node.DialLane(ctx, v.addr, link.ALPNSync, lane-1)
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.Run(ctx) // A broken link is the test's to make.
	}()
	return p, sync.OnceFunc(func() {
		cancel()
		<-ended
	})
}

// until waits, in virtual time, for a condition.
func (s *shelf) until(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("waited %v for %s", within, what)
		case <-tick.C:
		}
	}
}

// TestDocumentsOverAPoorLink prints how long 1.2 MB of documents take over 100 ms
// of round trip and 2 % loss, by the number of connections.
func TestDocumentsOverAPoorLink(t *testing.T) {
	for _, lanes := range []int{1, 2, 3} {
		synctest.Test(t, func(t *testing.T) {
			v := newVillage(t, subject(identity.RoleNode, "C1"), 50*time.Millisecond, 0.02)
			from, to := shelves(t, 150<<10, 150<<10, 150<<10, 150<<10, 150<<10, 150<<10, 150<<10, 150<<10)
			take(t, v.server, to)
			c, err := v.node.Dial(t.Context(), v.addr, link.ALPNSync) // The session is there already.
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			start := time.Now()
			_, stop := send(t, v, from, lanes)
			to.until(t, "eight documents", time.Minute, func() bool { return to.count() == 8 })
			t.Logf("%d connections: 1.2 MB in %v, %d pieces", lanes, time.Since(start).Round(time.Millisecond), to.taken)
			stop()
			for h, b := range from.docs {
				if !bytes.Equal(to.docs[h], b) {
					t.Errorf("document %s differs", h)
				}
			}
		})
	}
}

// TestDocumentsGoOnAfterACut breaks the link in mid-transfer again and again; what
// had arrived is not sent again.
func TestDocumentsGoOnAfterACut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(t, subject(identity.RoleNode, "C1"), 20*time.Millisecond, 0)
		from, to := shelves(t, 1<<20, 300<<10)
		take(t, v.server, to)
		for broken := range 8 {
			_, stop := send(t, v, from, 1)
			to.mu.Lock()
			before := to.taken
			to.mu.Unlock()
			to.until(t, "a few pieces", time.Minute, func() bool {
				to.mu.Lock()
				defer to.mu.Unlock()
				return to.taken >= before+4 || len(to.docs) == 2
			})
			if broken < 7 {
				stop()
			} else {
				to.until(t, "both documents", time.Minute, func() bool { return to.count() == 2 })
				stop()
			}
		}
		pieces := protocol.Chunks(1<<20) + protocol.Chunks(300<<10)
		if to.taken > pieces+3 {
			t.Errorf("%d pieces were sent for %d", to.taken, pieces)
		}
	})
}

func TestDamagedDocumentIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(t, subject(identity.RoleNode, "C1"), 20*time.Millisecond, 0)
		from, to := shelves(t, 100<<10)
		to.spoil = 1
		take(t, v.server, to)
		_, stop := send(t, v, from, 1)
		defer stop()
		to.until(t, "the document", time.Minute, func() bool { return to.count() == 1 })
	})
}

func TestRecordsHoldDocumentsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(t, subject(identity.RoleNode, "C1"), 20*time.Millisecond, 0)
		from, to := shelves(t, 2<<20)
		take(t, v.server, to)
		p, stop := send(t, v, from, 3)
		defer stop()
		<-to.grown
		p.Hold(true)
		rest := time.NewTimer(2 * time.Second) // What was on its way arrives.
		<-rest.C
		to.mu.Lock()
		before := to.taken
		to.mu.Unlock()
		quiet := time.NewTimer(20 * time.Second)
		<-quiet.C
		to.mu.Lock()
		after := to.taken
		to.mu.Unlock()
		if after != before {
			t.Errorf("%d pieces were sent while records waited", after-before)
		}
		p.Hold(false)
		to.until(t, "the document", time.Minute, func() bool { return to.count() == 1 })
	})
}
