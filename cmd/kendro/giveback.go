package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// When a server gives memory back: what a rush of sessions or blocks needed lies
// idle afterwards, and Go keeps as much as its next collection may grow to.
const (
	lookEvery  = 30 * time.Second
	quietBytes = 16 << 20 // Allocated a look, at most, while little happens: heartbeats of a thousand sessions are less.
	worthBytes = 32 << 20 // Allocated since it last gave back, at least, or nothing is gained.
)

// giveBack returns memory to the system whenever little happens after much did,
// until ctx ends.
func giveBack(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var r rest
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if r.due(allocated()) {
			debug.FreeOSMemory()
		}
	}
}

// A rest knows what had been allocated at the last look, and when memory was last
// given back.
type rest struct{ looked, gave uint64 }

// due reports whether it is time, given all that was ever allocated.
func (r *rest) due(allocated uint64) bool {
	quiet := allocated-r.looked < quietBytes
	r.looked = allocated
	if !quiet || allocated-r.gave < worthBytes {
		return false
	}
	r.gave = allocated
	return true
}

// allocated is how much this process has ever allocated.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
