package district

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kendro/domain/fault"
)

// Own marks dir as in use by this process until release is called, or the process
// ends in whatever way. While another holds it, it is [fault.Conflict].
func Own(dir string) (release func(), err error) {
	const op = "district.Own"
	f, err := os.OpenFile(filepath.Join(dir, LockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.Wrap(op, fault.Unavailable, dir, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // Nothing was written.
		return nil, fault.New(op, fault.Conflict, dir, "another kendro runs this district: stop that one first, or name another folder")
	}
	return func() { _ = f.Close() }, nil
}

// LockFile is what [Own] holds in a district's folder.
const LockFile = "LOCK"

// EndOrphans stops the daemons whose folders lie in dir, and which outlived the
// process that had started them; it returns how many there were. The caller has
// [Own]ed dir: nobody else runs them.
func EndOrphans(ctx context.Context, dir string) (int, error) {
	const op = "district.EndOrphans"
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, fault.Wrap(op, fault.Unavailable, "", err)
	}
	var list []*os.Process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		p, err := os.FindProcess(pid)
		if err != nil || !runsIn(pid, dir) { // Looked at while held: the number can't pass to another meanwhile.
			continue
		}
		list = append(list, p)
	}
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for _, p := range list {
			if err := p.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return 0, fault.Wrap(op, fault.Denied, "process "+strconv.Itoa(p.Pid), err)
			}
		}
		late, stop := context.WithTimeout(ctx, drainIn+time.Second)
		err = Poll(late, func() bool {
			return !slices.ContainsFunc(list, func(p *os.Process) bool { return runsIn(p.Pid, dir) })
		})
		stop()
		if err == nil || ctx.Err() != nil {
			break
		}
	}
	return len(list), err
}

// runsIn reports whether a process is a daemon whose folder lies in dir. One that
// is dead and only waits to be counted has no command line any more.
func runsIn(pid int, dir string) bool {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return false
	}
	var args []string
	for arg := range bytes.SplitSeq(bytes.TrimSuffix(raw, []byte{0}), []byte{0}) {
		args = append(args, string(arg))
	}
	if len(args) < 3 || args[2] != "run" || args[1] != "hub" && args[1] != "node" {
		return false
	}
	i := slices.Index(args, "--dir")
	return i >= 0 && i+1 < len(args) && strings.HasPrefix(args[i+1], dir+string(filepath.Separator))
}
