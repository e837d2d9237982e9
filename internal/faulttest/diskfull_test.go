//go:build fault

package faulttest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/protocol"
	"kendro/web/api"
)

// The disk of a node fills up to the last byte under intake, in three ways: room
// comes back without a restart; the node is killed and starts with 0 bytes free;
// the room of its ballast is taken as well, and it starts with nothing at all. It
// says in both languages what is wrong, goes on by itself when there is room, and
// every receipt is in the register.
func TestDiskFull(t *testing.T) {
	const size = 288
	cycles := sized(3, 20)
	ctx := within(t, 25*time.Minute)
	l := lodged(ctx, t, func(t *testing.T, dir string) *disk { return inMemory(t, dir, size) })
	enough := make(chan struct{})
	wait := l.clerks(ctx, t, 2, enough)
	died := 0
	for i := range cycles {
		way := []func(context.Context, *testing.T) error{l.fullAndBack, l.fullAndKilled, l.fullWithoutBallast}[i%3]
		must(t, l.more(ctx, 20))
		err := way(ctx, t)
		if errors.Is(err, errDied) {
			died++ // Not promised; that it starts again is.
			t.Logf("cycle %d: the node ended with %d", i, l.node.ExitCode())
			l.disk.empty(t)
			err = l.node.Start(ctx)
		}
		if err == nil {
			err = l.more(ctx, 5)
		}
		if err == nil {
			err = l.aboard(ctx)
		}
		if err != nil {
			t.Fatalf("cycle %d: %v", i, err)
		}
	}
	close(enough)
	wait()
	export := settle(ctx, t, l.District)
	lost, extra := l.all.count(t, export)
	t.Logf("calls: %s; the node died of it %d times", l.who.fair(t), died)
	t.Logf("RESULT disk full: %d cycles: %d receipted, %d lost, %d duplicated, always able to start", cycles, l.all.len(), lost, extra)
}

var errDied = errors.New("the node died of a full disk")

// fullAndBack fills the disk and gives the room back; the node runs on.
func (l *lodge) fullAndBack(ctx context.Context, t *testing.T) error {
	l.disk.fill(t)
	return l.endures(ctx, t)
}

// fullAndKilled starts the node with 0 bytes free: its ballast gives it room to
// open and to answer.
func (l *lodge) fullAndKilled(ctx context.Context, t *testing.T) error {
	l.disk.fill(t)
	l.node.Kill()
	l.disk.fill(t)
	if err := l.node.Start(ctx); err != nil {
		return err
	}
	return l.endures(ctx, t)
}

// endures looks at a node that is up on a full disk, and gives the room back.
func (l *lodge) endures(ctx context.Context, t *testing.T) error {
	if err := l.says(ctx); err != nil {
		return err
	}
	if err := l.reads(ctx); err != nil {
		return err
	}
	l.disk.empty(t)
	return nil
}

// fullWithoutBallast takes the ballast's room too: the node starts, says so, and
// opens when there is room.
func (l *lodge) fullWithoutBallast(ctx context.Context, t *testing.T) error {
	l.disk.fill(t)
	l.node.Kill()
	must(t, os.RemoveAll(filepath.Join(l.node.Dir, "ballast")))
	l.disk.fill(t)
	if err := l.node.Start(ctx); err != nil {
		return err
	}
	if err := l.says(ctx); err != nil {
		return err
	}
	l.disk.empty(t)
	return nil
}

// says waits for the blocker.
func (l *lodge) says(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	err := l.blocked(ctx, "disk_full", true)
	if err != nil && !l.node.Running() {
		return errDied
	}
	return err
}

// reads asks for an application that was receipted before.
func (l *lodge) reads(ctx context.Context) error {
	var number protocol.Number
	l.all.mu.Lock()
	for number = range l.all.receipts {
		break
	}
	l.all.mu.Unlock()
	c, err := api.NewClient(l.node.URL(), "", nil)
	if err != nil {
		return err
	}
	defer c.Close()
	var got api.Tracking
	err = c.Do(ctx, api.Call{Method: http.MethodGet, Path: "/v1/track/" + number.String(), Out: &got})
	if err != nil {
		return fmt.Errorf("%s can't be tracked on a full disk: %w", number, err)
	}
	return nil
}

// aboard waits until the ballast has its room again.
func (l *lodge) aboard(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	return district.Poll(ctx, func() bool {
		info, err := os.Stat(filepath.Join(l.node.Dir, "ballast"))
		return err == nil && info.Size() == 32<<20
	})
}
