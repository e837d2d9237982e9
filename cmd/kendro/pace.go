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
//
// A rush of sessions is another matter. Each leaves twice as much garbage as it keeps,
// and keeps what it has for weeks: with the garbage of hundreds lying between what they
// keep, the holes would stay.
const (
	hubGarbage  = 50
	rushGarbage = 150
	rushBytes   = 8 << 20  // Allocated in a second, at least.
	mostGarbage = 64 << 20 // Of a rush.

	manyBegan  = 4       // Sessions in a second, at least, that are a rush.
	fewGarbage = 4 << 20 // Of so few that the next ones fill the holes.
	leastShare = 5       // However much is in use.
	oftenest   = 4       // Collections in a second, at most, whatever else goes on.
)

// A second is what happened in one.
type second struct{ allocated, began uint64 }

// pace keeps the share in step with what happens, until ctx ends. It is hubGarbage
// when pace begins, and when it has returned. met tells how many sessions ever began.
func pace(ctx context.Context, met func() uint64) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	share, before := hubGarbage, second{allocated(), met()}
	for {
		select {
		case <-ctx.Done():
			debug.SetGCPercent(hubGarbage)
			return
		case <-tick.C:
		}
		now := second{allocated(), met()}
		if next := garbageShare(second{now.allocated - before.allocated, now.began - before.began}, live()); next != share {
			share = next
			debug.SetGCPercent(share)
		}
		before = now
	}
}

// garbageShare is the share where so much happened in a second, and so much is in use.
func garbageShare(s second, live uint64) int {
	live = max(live, 1)
	switch {
	case s.began >= manyBegan:
		return int(min(max(100*max(fewGarbage, s.allocated/oftenest)/live, leastShare), hubGarbage))
	case s.allocated < rushBytes:
		return hubGarbage
	}
	return int(min(max(100*mostGarbage/live, hubGarbage), rushGarbage))
}

// live is how much was in use at the last collection.
func live() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
