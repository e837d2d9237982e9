package hub_test

import (
	"context"
	"fmt"
	"testing"

	"kendro/domain/place"
	"kendro/internal/hubtest"
)

// BenchmarkIngest drives three servers in this process with boxes that file one
// application a block, each as fast as it is acknowledged.
func BenchmarkIngest(b *testing.B) {
	for _, batch := range []int{1, 100} {
		b.Run(fmt.Sprint("block of ", batch), func(b *testing.B) {
			g := hubtest.New(b, 3)
			var boxes []*hubtest.Box
			for _, c := range g.Leader().Hub.Register().Set().Directory.Centres {
				if c.Type != place.Union || len(boxes) == 20 {
					continue
				}
				x := g.Enrol(c.Code)
				x.Batch = batch
				x.File(max(b.N/20, 1))
				boxes = append(boxes, x)
			}
			ctx, cancel := context.WithCancel(b.Context())
			b.ResetTimer()
			for i, x := range boxes {
				wait := x.Sync(ctx, g.Servers[i%3].Addr)
				defer wait()
			}
			defer cancel()
			for _, x := range boxes {
				g.Wait("acknowledgements", func() bool { return x.Acked() == x.Filed() })
			}
			b.StopTimer()
			b.ReportMetric(float64(20*max(b.N/20, 1))/b.Elapsed().Seconds(), "applications/s")
		})
	}
}
