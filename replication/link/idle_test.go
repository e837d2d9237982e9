package link_test

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"
	"weak"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
)

// forgetful knows the blocks that it gave without holding them.
type forgetful struct {
	*memHost
	mu   sync.Mutex // Guards gave.
	gave []weak.Pointer[protocol.Block]
}

func (h *forgetful) Load(ctx context.Context, p replication.Peer, log protocol.LogID, from protocol.Position, limit int) ([]protocol.Epoch, []protocol.Block, error) {
	epochs, blocks, err := h.memHost.Load(ctx, p, log, from, limit)
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range blocks {
		h.gave = append(h.gave, weak.Make(&blocks[i]))
	}
	return epochs, blocks, err
}

// held is how many of the blocks are still there, of how many.
func (h *forgetful) held() (held, of int) {
	runtime.GC()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.gave {
		if b.Value() != nil {
			held++
		}
	}
	return held, len(h.gave)
}

// TestIdleHoldsNothing: a session that nobody waits for goes on, holds none of the
// blocks that have arrived, and tells once how it ended.
func TestIdleHoldsNothing(t *testing.T) {
	node, hub := hostPair(t)
	hub.file(inboxLog, 300)
	from := &forgetful{memHost: hub}
	a, b := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	link.BeginSession(ctx, b, replication.Peer{}, from, link.OnEnd(func(err error) { ended <- err }))
	go func() { ended <- link.RunSession(t.Context(), a, replication.Peer{}, node) }()
	node.until(t, "the inbox", 10*time.Second, func() bool { return node.logs[inboxLog].head().Seq == 300 })
	deadline := time.Now().Add(10 * time.Second)
	for held, of := from.held(); held > 0 || of < 2; held, of = from.held() {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d blocks are held that have arrived", held, of)
		}
		runtime.Gosched() // What the last one does may still go on.
	}
	cancel()
	for range 2 {
		if err := <-ended; err != nil && !errors.Is(err, fault.Unavailable) {
			t.Errorf("got %v; want nil here and Unavailable there", err)
		}
	}
}
