package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"kendro/domain/fault"
)

// systemd listens as the service manager would and returns what it is told.
func systemd(t *testing.T) <-chan string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 1024)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			told <- string(buf[:n])
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close() // It is a test's own.
		<-done
	})
	t.Setenv("NOTIFY_SOCKET", name)
	return told
}

func hears(t *testing.T, told <-chan string, want string) {
	t.Helper()
	deadline := time.After(5 * time.Second)
	for {
		select {
		case got := <-told:
			if got == want {
				return
			}
		case <-deadline:
			t.Fatalf("systemd was not told %s", want)
		}
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestServeTellsSystemd(t *testing.T) {
	told := systemd(t)
	t.Setenv("WATCHDOG_USEC", strconv.Itoa(20_000))
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	s := server{
		log: quiet(), alive: func() error { return nil },
		run: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	}
	go func() { ended <- s.serve(ctx) }()
	hears(t, told, "READY=1")
	hears(t, told, "WATCHDOG=1")
	stop()
	hears(t, told, "STOPPING=1")
	if err := <-ended; err != nil {
		t.Errorf("got %v; want a clean end", err)
	}
}

// TestServeStarvesTheWatchdog: a daemon that can't do its work isn't alive.
func TestServeStarvesTheWatchdog(t *testing.T) {
	told := systemd(t)
	t.Setenv("WATCHDOG_USEC", strconv.Itoa(2_000))
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	ctx, stop := context.WithCancel(context.Background())
	asked := make(chan struct{}, 1000)
	ended := make(chan error, 1)
	s := server{
		log:   quiet(),
		alive: func() error { asked <- struct{}{}; return errors.New("the disk hangs") },
		run:   func(ctx context.Context) error { <-ctx.Done(); return nil },
	}
	go func() { ended <- s.serve(ctx) }()
	for range 3 {
		<-asked
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("got %v; want a clean end", err)
	}
	for {
		select {
		case got := <-told:
			if got == "WATCHDOG=1" {
				t.Fatal("the watchdog was fed")
			}
			continue
		default:
		}
		return
	}
}

func TestServeOutcome(t *testing.T) {
	for _, c := range []struct {
		title   string
		stopped bool
		err     error
		want    int
	}{
		{"asked to", true, nil, 0},
		{"asked to, and says so", true, context.Canceled, 0},
		{"the disk failed", false, fault.New("x", fault.Stopped, "", ""), 74},
		{"the disk failed while draining", true, fault.New("x", fault.Stopped, "", ""), 74},
		{"damage", false, fault.New("x", fault.Damaged, "", ""), 65},
		{"a defect", false, errors.New("x"), 70},
		{"for no reason", false, nil, 70},
	} {
		ctx, stop := context.WithCancel(context.Background())
		s := server{log: quiet(), run: func(context.Context) error {
			if c.stopped {
				stop()
			}
			return c.err
		}}
		got := 0
		if err := s.serve(ctx); err != nil {
			got = exitCode(&failed{err})
		}
		stop()
		if got != c.want {
			t.Errorf("%s: got exit %d; want %d", c.title, got, c.want)
		}
	}
}

func TestBoxKey(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if key, err := boxKey(); key != nil || err != nil {
		t.Errorf("without credentials: got %x, %v; want none", key, err)
	}
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	if key, err := boxKey(); key != nil || err != nil {
		t.Errorf("without this credential: got %x, %v; want none", key, err)
	}
	write := func(n int) {
		if err := os.WriteFile(filepath.Join(dir, "box.key"), make([]byte, n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(31)
	if _, err := boxKey(); !errors.Is(err, fault.Invalid) {
		t.Errorf("31 bytes: got %v; want invalid", err)
	}
	write(32)
	if key, err := boxKey(); len(key) != 32 || err != nil {
		t.Errorf("32 bytes: got %x, %v", key, err)
	}
}

func TestExitCodes(t *testing.T) {
	for kind, want := range map[fault.Kind]int{
		fault.Internal: 70, fault.Invalid: 64, fault.Denied: 77, fault.NotFound: 66, fault.Conflict: 75,
		fault.Unavailable: 75, fault.Limited: 75, fault.Stopped: 74, fault.Damaged: 65,
	} {
		if got := exitCode(&failed{fault.New("x", kind, "", "")}); got != want {
			t.Errorf("%v: got %d; want %d", kind, got, want)
		}
	}
	if got := exitCode(errors.New("unknown flag")); got != 64 {
		t.Errorf("a mistyped call: got %d; want 64", got)
	}
	if got := exitCode(&failed{errors.New("unclassified")}); got != 70 {
		t.Errorf("unclassified: got %d; want 70", got)
	}
}
