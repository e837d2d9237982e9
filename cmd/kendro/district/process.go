package district

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"kendro/domain/fault"
	"kendro/web/api"
)

const (
	readyIn  = 30 * time.Second // A daemon that does not answer by then never will.
	drainIn  = 5 * time.Second  // SIGTERM may take as long; then SIGKILL.
	probeGap = 20 * time.Millisecond
)

// A Process is one daemon of the district. It has a session of its own and
// inherits nothing, so that its death, or ours, ends no other. It is used by one
// goroutine at a time.
type Process struct {
	Name  string    // Such as "server-1" or "node-41-09-17".
	Dir   string    // Its data folder, absolute.
	Args  []string  // Its command line after the binary; starts it again in place.
	Ports api.Ports // As its ports file said when it last became ready.

	binary string
	cmd    *exec.Cmd
	ended  chan struct{} // Closed when the process is gone.
}

// Running reports whether the process lives.
func (p *Process) Running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// ExitCode returns how the last run ended: -1 while it runs, was killed, or
// before the first.
func (p *Process) ExitCode() int {
	if p.cmd == nil || p.Running() {
		return -1
	}
	return p.cmd.ProcessState.ExitCode()
}

// PID returns the daemon's process ID, 0 when it doesn't run.
func (p *Process) PID() int {
	if !p.Running() {
		return 0
	}
	return p.cmd.Process.Pid
}

// URL returns where the daemon's HTTP answers.
func (p *Process) URL() string { return "http://" + p.Ports.HTTP }

// LogFile is where the daemon's standard error goes.
func (p *Process) LogFile() string { return p.Dir + ".log" }

func (p *Process) portsFile() string { return p.Dir + ".ports.json" }

// Launch starts the daemon and returns at once; [Process.Ready] waits.
func (p *Process) Launch() error {
	const op = "district.Launch"
	if p.Running() {
		return fault.New(op, fault.Conflict, p.Name, "runs already")
	}
	if err := os.Remove(p.portsFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fault.Wrap(op, fault.Internal, p.Name, err)
	}
	log, err := os.OpenFile(p.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fault.Wrap(op, fault.Internal, p.Name, err)
	}
	defer log.Close() // The daemon has its own copy.
	//nolint:gosec,noctx // Our own binary; it outlives this call and is ended by signals.
	cmd := exec.Command(p.binary, append(append([]string{}, p.Args...), "--ports-file", p.portsFile())...)
	cmd.Stderr, cmd.Dir = log, "/"
	cmd.Env = []string{"QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fault.Wrap(op, fault.Internal, p.Name, err)
	}
	ended := make(chan struct{})
	p.cmd, p.ended = cmd, ended
	go func() {
		_ = cmd.Wait() // How it ended stands in its log.
		close(ended)
	}()
	return nil
}

// Ready waits until the daemon has written its ports file and answers /readyz
// with anything, at most half a minute. One that ends before that is
// [fault.Unavailable]; its log says why.
func (p *Process) Ready(ctx context.Context) error {
	const op = "district.Ready"
	ctx, stop := context.WithTimeout(ctx, readyIn)
	defer stop()
	err := Poll(ctx, func() bool { return !p.Running() || p.answers(ctx) })
	if err == nil && p.Running() {
		return nil
	}
	return fault.New(op, fault.Unavailable, p.Name, fmt.Sprintf("does not become ready; its log is %s\n%s", p.LogFile(), tail(p.LogFile())))
}

func (p *Process) answers(ctx context.Context) bool {
	b, err := os.ReadFile(p.portsFile())
	if err != nil || json.Unmarshal(b, &p.Ports) != nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL()+"/healthz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close() // Nothing of it is wanted.
	return res.StatusCode == http.StatusOK
}

// Start launches the daemon and waits until it is ready.
func (p *Process) Start(ctx context.Context) error {
	if err := p.Launch(); err != nil {
		return err
	}
	return p.Ready(ctx)
}

// Kill ends the daemon as a power cut would, and waits until it is gone.
func (p *Process) Kill() { p.end(syscall.SIGKILL, time.Hour) }

// Stop asks the daemon to drain, and kills it when it takes too long.
func (p *Process) Stop() { p.end(syscall.SIGTERM, drainIn+time.Second) }

func (p *Process) end(s syscall.Signal, patience time.Duration) {
	if !p.Running() {
		return
	}
	_ = p.cmd.Process.Signal(s) // It may be gone already.
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-p.ended:
	case <-late.C:
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// Poll calls done until it is true or ctx ends, which is [fault.Unavailable].
func Poll(ctx context.Context, done func() bool) error {
	tick := time.NewTicker(probeGap)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return &fault.Error{Op: "district.Poll", Kind: fault.Unavailable, Err: ctx.Err()}
		case <-tick.C:
		}
	}
	return nil
}

// tail returns the end of a log, for an error that a person reads.
func tail(file string) string {
	const most = 2000
	b, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-most):])
}
