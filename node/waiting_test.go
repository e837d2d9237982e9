package node

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"kendro/domain/fault"
	"kendro/node/box"
	"kendro/web/api"
)

// TestFullDiskAtStart starts a box with 0 bytes free: its ballast goes, and comes
// back when there is room for it.
func TestFullDiskAtStart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stop()
	if !aboard(b.dir) {
		t.Fatal("enrolling left no ballast")
	}
	var free atomic.Uint64
	c := b.config()
	c.Free = func(string) (uint64, error) { return free.Load(), nil }
	n, err := Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if aboard(b.dir) {
		t.Error("the ballast is still aboard")
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.Node, b.cancel, b.ended = n, cancel, make(chan error, 1)
	go func() { b.ended <- n.Run(ctx) }()
	b.await("the blocker", func() bool { return b.box.Blockers().Standing(box.DiskFull) })
	free.Store(1 << 40)
	b.await("intake and ballast", func() bool { return b.box.Blockers().Closed() == nil && aboard(b.dir) })
}

// TestWaitingRoom waits for room at the box's address: it says in both languages
// what is wrong, and ends when there is room.
func TestWaitingRoom(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stop()
	var free atomic.Uint64
	c := b.config()
	c.Free = func(string) (uint64, error) { return free.Load(), nil }
	c.PortsFile = filepath.Join(t.TempDir(), "ports.json")
	if Full(&c, nil) || Full(&c, errors.ErrUnsupported) || !Full(&c, fault.New("x", fault.Unavailable, "", "no room")) {
		t.Error("Full takes another failure for a full disk")
	}
	ended := make(chan error, 1)
	go func() { ended <- AwaitRoom(context.Background(), c) }()
	b.await("the ports file", func() bool { _, err := os.Stat(c.PortsFile); return err == nil })
	client := api.NewLocalClient(b.dir)
	defer client.Close()
	var s api.SyncStatus
	if err := client.Do(context.Background(), api.Call{Path: "/v1/sync", Out: &s}); err != nil {
		t.Fatal(err)
	}
	if len(s.Blockers) != 1 || s.Blockers[0].Code != string(box.DiskFull) || s.Blockers[0].BN == "" || s.Blockers[0].EN == "" {
		t.Errorf("blockers %+v", s.Blockers)
	}
	err := client.Do(context.Background(), api.Call{Path: "/v1/catalogue"})
	if !errors.Is(err, fault.Unavailable) {
		t.Errorf("the catalogue: %v; want unavailable", err)
	}
	free.Store(openRoom)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	c.Logger = slog.New(slog.DiscardHandler)
	b.start()
	b.await("intake to open", func() bool { return b.box.Blockers().Closed() == nil })
}

// TestLostPapers takes a file of the box's own away: that is damage, not a box that
// was never enrolled.
func TestLostPapers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stop()
	for _, name := range []string{keysFile, enrolmentFile} {
		file := filepath.Join(b.dir, name)
		if err := os.Rename(file, file+".away"); err != nil {
			t.Fatal(err)
		}
		if n, err := Open(context.Background(), b.config()); !errors.Is(err, fault.Damaged) {
			t.Errorf("without %s: %v, %v; want damaged", name, n, err)
		}
		if err := os.Rename(file+".away", file); err != nil {
			t.Fatal(err)
		}
	}
}
