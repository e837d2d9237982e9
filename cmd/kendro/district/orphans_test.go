package district

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"kendro/domain/fault"
)

// TestMain lets this binary stand for a daemon that somebody left running.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && (os.Args[1] == "hub" || os.Args[1] == "node") {
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		if os.Args[1] == "hub" { // Which hears nothing.
			signal.Ignore(syscall.SIGTERM)
		}
		_, _ = os.Stdout.WriteString("up\n")
		select {
		case <-term:
		case <-time.After(time.Minute):
		}
		return
	}
	os.Exit(m.Run())
}

// left starts a daemon and returns a channel that is closed when it is gone.
func left(t *testing.T, args ...string) (ended chan struct{}) {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	ended = make(chan struct{})
	go func() {
		_ = cmd.Wait() // It is killed.
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	return ended
}

func TestEndOrphans(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	ours := []chan struct{}{
		left(t, "hub", "run", "--dir", filepath.Join(dir, "server-1"), "--http", "x"),
		left(t, "node", "run", "--dir", filepath.Join(dir, "node-1")),
	}
	theirs := []chan struct{}{
		left(t, "node", "run", "--dir", filepath.Join(other, "node-1")),
		left(t, "node", "run", "--dir", dir+"-2/node-1"),
		left(t, "node", "enrol", "--dir", filepath.Join(dir, "node-1")),
	}
	release, err := Own(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Own(dir); !errors.Is(err, fault.Conflict) {
		t.Errorf("a second owner: got %v; want conflict", err)
	}
	if n, err := EndOrphans(t.Context(), dir); n != len(ours) || err != nil {
		t.Errorf("got %d, %v; want %d ended", n, err, len(ours))
	}
	for _, ended := range ours {
		<-ended
	}
	for i, ended := range theirs {
		select {
		case <-ended:
			t.Errorf("daemon %d of somebody else was ended", i)
		default:
		}
	}
	if n, err := EndOrphans(t.Context(), dir); n != 0 || err != nil {
		t.Errorf("again: got %d, %v; want none", n, err)
	}
	release()
	release, err = Own(dir)
	if err != nil {
		t.Fatalf("after its owner has gone: %v", err)
	}
	release()
}
