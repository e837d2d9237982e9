package link_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
)

// countingConn counts writes, each of which is a packet or more.
type countingConn struct {
	net.Conn
	writes atomic.Int64
}

func (c *countingConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// countingHost counts the blocks that it takes.
type countingHost struct {
	*memHost
	blocks atomic.Int64
}

func (h *countingHost) Store(ctx context.Context, p replication.Peer, b *protocol.Block, done func(protocol.Position, *protocol.Ack, error)) {
	h.blocks.Add(1)
	h.memHost.Store(ctx, p, b, done)
}

// TestWhatCanWait: a hundred events of an inbox, one each millisecond, come in few
// blocks, and each block is answered; the first comes at once, and the last too.
func TestWhatCanWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node, hub := hostPair(t)
		hub.seal = nil
		reader := &countingHost{memHost: node}
		a, b := net.Pipe()
		from := &countingConn{Conn: a}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		go func() { ended <- link.RunSession(ctx, from, replication.Peer{}, reader) }()
		go func() { ended <- link.RunSession(ctx, b, replication.Peer{}, hub) }()
		synctest.Wait()
		said := from.writes.Load()
		hub.file(inboxLog, 1)
		synctest.Wait()
		if n := node.logs[inboxLog].head().Seq; n != 1 {
			t.Errorf("%d events came at once; want the first", n)
		}
		for range 99 {
			<-time.After(time.Millisecond)
			hub.file(inboxLog, 1)
		}
		<-time.After(45 * time.Millisecond) // The last block's turn, and the last head's.
		synctest.Wait()
		if n := node.logs[inboxLog].head().Seq; n != 100 {
			t.Errorf("%d of 100 events came", n)
		}
		if n := reader.blocks.Load(); n < 3 || n > 8 {
			t.Errorf("%d blocks; want one in 20 ms", n)
		}
		if n := from.writes.Load() - said; n < 3 || n > 8 {
			t.Errorf("%d answers; want one a block", n)
		}
		// A head goes along with whatever is written next.
		said = from.writes.Load()
		hub.file(inboxLog, 1)
		synctest.Wait()
		if n := from.writes.Load() - said; n != 0 {
			t.Errorf("%d answers at once; want them to wait", n)
		}
		node.file(upLog, 1)
		synctest.Wait()
		if n := from.writes.Load() - said; n != 1 {
			t.Errorf("%d writes; want the head and the application in one", n)
		}
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
}
