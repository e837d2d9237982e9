package hub_test

import (
	"context"
	"fmt"
	"testing"

	"kendro/domain/place"
	"kendro/hub"
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

// BenchmarkRewrite writes a register of so many applications anew, as a server does after an
// erasure.
func BenchmarkRewrite(b *testing.B) {
	g := hubtest.New(b, 1)
	x := g.Enrol("41-09-17")
	x.Batch = 100
	x.File(b.N)
	ctx, cancel := context.WithCancel(b.Context())
	wait := x.Sync(ctx, g.Servers[0].Addr)
	g.Wait("acknowledgements", func() bool { return x.Acked() == x.Filed() })
	cancel()
	wait()
	b.ResetTimer()
	if err := hub.Rewrite(b.Context(), g.Servers[0].Hub); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "applications/s")
}
