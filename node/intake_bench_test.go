package node

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// bareSync returns the median time of one fdatasync of 4 KiB on the disk of dir,
// into a file that was filled before, as the journal's segments are.
func bareSync(tb testing.TB, dir string) time.Duration {
	tb.Helper()
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	page := bytes.Repeat([]byte{1}, 4096)
	if _, err := f.Write(make([]byte, 4<<20)); err != nil {
		tb.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		tb.Fatal(err)
	}
	var all []time.Duration
	for i := range int64(500) {
		began := time.Now()
		if _, err := f.WriteAt(page, i*4096); err != nil {
			tb.Fatal(err)
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			tb.Fatal(err)
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// BenchmarkIntake files one application after another: through the handler
// alone, and by one client that keeps its connection.
func BenchmarkIntake(b *testing.B) {
	bare := bareSync(b, b.TempDir())
	for name, post := range map[string]func(*bench, *http.Request) int{
		"handler": func(n *bench, r *http.Request) int {
			w := httptest.NewRecorder()
			n.api.ServeHTTP(w, r)
			return w.Code
		},
		"client": func(n *bench, r *http.Request) int {
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			return resp.StatusCode
		},
	} {
		b.Run(name, func(b *testing.B) {
			n := newBench(b)
			n.hub.Stop()
			bodies := make([][]byte, 200)
			for i := range bodies {
				bodies[i] = n.d.Body(b, service, uint64(i))
			}
			url := "http://" + n.Addr().HTTP + "/v1/applications"
			took := make([]time.Duration, 0, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(bodies[i%len(bodies)]))
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set("Idempotency-Key", strconv.Itoa(i))
				r.Header.Set("Authorization", "Bearer "+n.token)
				began := time.Now()
				if status := post(n, r); status != http.StatusCreated {
					b.Fatalf("answered %d", status)
				}
				took = append(took, time.Since(began))
			}
			b.StopTimer()
			slices.Sort(took)
			p50 := took[len(took)/2]
			b.ReportMetric(float64(p50.Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(bare.Microseconds()), "bare-sync-µs")
			b.ReportMetric(float64(p50)/float64(bare), "of-sync")
		})
	}
}
