//go:build fault

package faulttest

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"kendro/cmd/kendro/district"
)

// Each of the first calls of a node that write or sync fails with EIO, from its
// start on and under intake; then each of the first that don't merely prepare the
// next segment. It ends with 74, or refuses to start without having taken
// anything; no receipt that was handed out is lost.
func TestFailingCalls(t *testing.T) {
	const first = 40
	ctx := within(t, 25*time.Minute)
	l := lodged(ctx, t, func(*testing.T, string) *disk { return nil })
	enough := make(chan struct{})
	wait := l.clerks(ctx, t, 2, enough)
	ended := map[string]int{}
	for i := 0; i < 2*first; i += sized(7, 1) {
		n, skip := i%first+1, ""
		if i >= first {
			skip = "spare-"
		}
		must(t, l.more(ctx, 3))
		l.node.Kill()
		how, what := l.failing(ctx, t, n, skip)
		ended[how]++
		t.Logf("%s: %s", what, how)
		if how != stopped && how != refusedStart {
			t.Errorf("call %d: the node %s; want exit 74 or a refusal to start", n, how)
		}
		if err := l.again(ctx); err != nil {
			t.Fatalf("after call %d: %v", n, err)
		}
	}
	must(t, l.more(ctx, 3))
	close(enough)
	wait()
	export := settle(ctx, t, l.District)
	lost, extra := l.all.count(t, export)
	t.Logf("calls: %s", l.who.fair(t))
	t.Logf("RESULT failing calls: %d stopped with 74, %d refused to start: %d receipted, %d lost, %d duplicated",
		ended[stopped], ended[refusedStart], l.all.len(), lost, extra)
}

const (
	stopped      = "ended with 74"
	refusedStart = "refused to start"
	carriedOn    = "carried on"
)

// failing runs the node with its nth call failing, and says how it ended.
func (l *lodge) failing(ctx context.Context, t *testing.T, n int, skip string) (how, what string) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	log := l.node.Dir + ".traced.log"
	out, err := os.Create(log)
	must(t, err)
	defer out.Close()
	cmd := exec.CommandContext(ctx, self, append([]string{traceArg, strconv.Itoa(n), skip, l.node.Dir, l.Binary}, l.node.Args...)...)
	cmd.Stderr, cmd.Env = out, []string{"QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING=1"}
	must(t, cmd.Start())
	ended := make(chan struct{}, 1)
	go func() {
		_ = cmd.Wait() // How it ended stands in its state.
		ended <- struct{}{}
	}()
	said := func(text string) bool {
		b, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(b), text)
	}
	within, stop := context.WithTimeout(ctx, 40*time.Second)
	defer stop()
	gone := func() bool { return len(ended) > 0 }
	if err := district.Poll(within, func() bool { return gone() || said(`{"tracer"`) }); err != nil {
		t.Errorf("call %d was never made", n)
	}
	grace, done := context.WithTimeout(within, 8*time.Second)
	defer done()
	alive := district.Poll(grace, gone) != nil
	if alive {
		_ = cmd.Process.Kill() // The node goes with its tracer.
	}
	<-ended
	up := said(`"msg":"node is up"`)
	what = lineWith(log, `{"tracer"`)
	switch code := cmd.ProcessState.ExitCode(); {
	case alive:
		return carriedOn, what
	case code == 74:
		return stopped, what
	case !up && (code == 75 || code == 65):
		return refusedStart, what + " " + lineWith(log, "kendro:")
	default:
		return "ended with " + strconv.Itoa(code), what + " " + lineWith(log, "kendro:")
	}
}

// again starts the node; one that was killed with its tracer may take a moment to
// be gone.
func (l *lodge) again(ctx context.Context) error {
	err := l.node.Start(ctx)
	for i := 0; err != nil && i < 3; i++ {
		pause(ctx, time.Second)
		err = l.node.Start(ctx)
	}
	return err
}

func lineWith(file, text string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, text) {
			return strings.TrimSpace(line)
		}
	}
	return "nothing said"
}
