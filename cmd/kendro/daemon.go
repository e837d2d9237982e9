package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"kendro/domain/fault"
)

// drainTime is how long a daemon may take to end after SIGTERM.
const drainTime = 5 * time.Second

// logFormat is the --log-format of a daemon.
type logFormat struct{ format string }

func (l *logFormat) flag(cmd *cobra.Command) {
	l.format = asJSON
	cmd.Flags().Var(l, "log-format", "json for machines, text for people")
}

// String, Set and Type make a logFormat a flag.
func (l *logFormat) String() string { return l.format }

// Set refuses what is neither.
func (l *logFormat) Set(s string) error {
	if s != asJSON && s != "text" {
		return fmt.Errorf("want json or text, not %q", s)
	}
	l.format = s
	return nil
}

// Type names the flag's values.
func (l *logFormat) Type() string { return "format" }

// logger writes to w.
func (l *logFormat) logger(w io.Writer) *slog.Logger {
	if l.format == asJSON {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// A server is a daemon that is open: its listeners are up.
type server struct {
	log   *slog.Logger
	run   func(context.Context) error
	alive func() error // Whether it can still do its work; for the watchdog.
}

// serve runs a daemon until ctx ends or it fails. It tells systemd, where that
// has started us, that the daemon is ready, that it is alive, and that it ends.
func (s *server) serve(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	s.tell(daemon.SdNotifyReady)
	watching, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() { defer close(watched); s.watch(watching) }()
	defer func() { stop(); <-watched }()

	select {
	case err := <-ended:
		return s.outcome(ctx, err)
	case <-ctx.Done():
	}
	s.tell(daemon.SdNotifyStopping)
	s.log.Info("draining")
	late := time.NewTimer(drainTime)
	defer late.Stop()
	select {
	case err := <-ended:
		return s.outcome(ctx, err)
	case <-late.C:
		return fault.New("kendro.serve", fault.Internal, "", "not drained in time; nothing acknowledged is lost, and the next start looks")
	}
}

// outcome is what the daemon's end means. An end that was asked for is none, save
// that a disk may have failed meanwhile.
func (s *server) outcome(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)):
		s.log.Info("stopped")
		return nil
	case err == nil:
		return fault.New("kendro.serve", fault.Internal, "", "ended without being asked to")
	default:
		return err
	}
}

// tell speaks to systemd. Where nobody listens it does nothing.
func (s *server) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("systemd can't be told", "state", state, "err", err)
	}
}

// watch feeds the watchdog while the daemon is alive, at half its interval.
func (s *server) watch(ctx context.Context) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		return
	}
	tick := time.NewTicker(interval / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := s.alive(); err != nil {
				s.log.Error("watchdog not fed", "err", err)
				continue
			}
			s.tell(daemon.SdNotifyWatchdog)
		}
	}
}

// boxKeySize is the size of a box key.
const boxKeySize = 32

// boxKey reads the key that systemd has unsealed for this service
// (LoadCredentialEncrypted=box.key:…). Without one it returns nil, and the key
// is a file in the daemon's folder.
func boxKey() ([]byte, error) {
	const op = "kendro.boxKey"
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return nil, nil
	}
	name := filepath.Join(dir, "box.key")
	key, err := os.ReadFile(name) //nolint:gosec // systemd names the folder.
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Wrap(op, fault.Invalid, "", err)
	}
	if len(key) != boxKeySize {
		return nil, fault.New(op, fault.Invalid, name, fmt.Sprintf("is %d bytes; want %d", len(key), boxKeySize))
	}
	return key, nil
}
