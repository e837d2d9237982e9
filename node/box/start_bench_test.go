package box

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kendro/internal/nodetest"
)

// BenchmarkStart opens a box with 100,000 records, first as it was left, then
// without its index.
func BenchmarkStart(b *testing.B) {
	const records = 100_000
	c := newCounter(b)
	body := c.request(1).Body
	began := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := next.Add(1); i <= records; i = next.Add(1) {
				if _, _, err := c.File(context.Background(), Request{User: nodetest.Person, Key: strconv.FormatInt(i, 10), Body: body}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(records/time.Since(began).Seconds(), "filed/s")
	c.stop()
	for name, prepare := range map[string]func(){
		"asleft":  func() {},
		"rebuild": func() { _ = os.RemoveAll(c.dir + "/index") },
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				prepare()
				b.StartTimer()
				c.start()
				b.StopTimer()
				if n := c.Head().At.Seq; n != records || c.Blockers().Closed() != nil {
					b.Fatalf("%d records; blockers %v", n, c.Blockers().List())
				}
				b.ReportMetric(rssAnon(b), "RssAnon-MiB")
				c.stop()
				b.StartTimer()
			}
		})
	}
}

func rssAnon(b *testing.B) float64 {
	b.Helper()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kib) / 1024
		}
	}
	return 0
}
