package bench

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
)

// restarted is what a node takes to be there again.
type restarted struct {
	Idle    uint64  `json:"rss_anon_idle_bytes,omitempty"`
	Ready   float64 `json:"ready_seconds,omitempty"`
	Rebuilt float64 `json:"ready_rebuilt_seconds,omitempty"`
}

// restart kills a node, starts it and measures until it takes applications, first
// with what it had on the disk, then once more without its index.
func restart(ctx context.Context, n *district.Node) (r restarted, err error) {
	n.Kill()
	if r.Ready, err = ready(ctx, n); err != nil {
		return r, err
	}
	if r.Idle, err = memoryOf(ctx, n.Process); err != nil {
		return r, err
	}
	n.Kill()
	if err := os.RemoveAll(filepath.Join(n.Dir, "records", "index")); err != nil {
		return r, fault.Wrap(op, fault.Unavailable, n.Name, err)
	}
	r.Rebuilt, err = ready(ctx, n)
	return r, err
}

// ready launches a node and returns the seconds until /readyz says 200.
func ready(ctx context.Context, n *district.Node) (float64, error) {
	began := time.Now()
	if err := n.Start(ctx); err != nil {
		return 0, err
	}
	err := district.Poll(ctx, func() bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL()+"/readyz", nil)
		if err != nil {
			return false
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		_ = res.Body.Close() // Nothing of it is wanted.
		return res.StatusCode == http.StatusOK
	})
	return round(time.Since(began).Seconds()), err
}
