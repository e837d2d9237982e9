package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How much garbage a server lets grow before it collects, as a share of what it uses.
// At rest, a thousand idle sessions are most of that, and their garbage should not be
// half as much again and more. In a rush of blocks, collecting so often would take a
// seventh of the processor's time, and the garbage is gone when the rush is.
const (
	hubGarbage  = 50
	rushGarbage = 150
	rushBytes   = 8 << 20  // Allocated in a second, at least.
	mostGarbage = 64 << 20 // Of a rush.
)

// pace keeps the share in step with what happens, until ctx ends. It is hubGarbage
// when pace begins, and when it has returned.
func pace(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	share, before := hubGarbage, allocated()
	for {
		select {
		case <-ctx.Done():
			debug.SetGCPercent(hubGarbage)
			return
		case <-tick.C:
		}
		now := allocated()
		if next := garbageShare(now-before, live()); next != share {
			share = next
			debug.SetGCPercent(share)
		}
		before = now
	}
}

// garbageShare is the share where so much was allocated in a second, and so much is
// in use.
func garbageShare(rate, live uint64) int {
	if rate < rushBytes {
		return hubGarbage
	}
	return int(min(max(100*mostGarbage/max(live, 1), hubGarbage), rushGarbage))
}

// live is how much was in use at the last collection.
func live() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
