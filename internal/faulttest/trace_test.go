//go:build fault && amd64

package faulttest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// traceArg makes this test binary a tracer: traceArg N SKIP DIR PROGRAM ARGS… runs
// the program, and has the Nth of its calls that write to a file below DIR, or
// sync one, answer EIO without having been made; files whose name holds SKIP don't
// count. It ends as the program ends. (strace counts each thread for itself, and
// Go moves work between threads.)
const traceArg = "trace-eio"

// watched are the calls that write or sync.
var watched = map[uint64]string{
	unix.SYS_WRITE: "write", unix.SYS_PWRITE64: "pwrite64", unix.SYS_WRITEV: "writev", unix.SYS_PWRITEV: "pwritev",
	unix.SYS_FSYNC: "fsync", unix.SYS_FDATASYNC: "fdatasync", unix.SYS_MSYNC: "msync", unix.SYS_SYNC_FILE_RANGE: "sync_file_range",
}

func traceMain(args []string) int {
	runtime.LockOSThread() // Only the tracing thread may speak to the tracee.
	n, err := strconv.Atoi(args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	cmd := exec.Command(args[3], args[4:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	t := &tracer{pid: cmd.Process.Pid, skip: args[1], dir: args[2], at: n, inside: map[int]bool{}, spoilt: map[int]bool{}}
	code, err := t.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tracer:", err)
		return 2
	}
	return code
}

type tracer struct {
	pid    int
	skip   string
	dir    string
	at     int // The call that fails.
	count  int
	inside map[int]bool // Threads within a call.
	spoilt map[int]bool // Threads whose call fails.
}

func (t *tracer) run() (int, error) {
	var status unix.WaitStatus
	if _, err := unix.Wait4(t.pid, &status, unix.WALL, nil); err != nil {
		return 0, err
	}
	const options = unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_EXITKILL
	if err := unix.PtraceSetOptions(t.pid, options); err != nil {
		return 0, err
	}
	if err := unix.PtraceSyscall(t.pid, 0); err != nil {
		return 0, err
	}
	for {
		tid, err := unix.Wait4(-1, &status, unix.WALL, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, err
		}
		switch {
		case status.Exited() && tid == t.pid:
			return status.ExitStatus(), nil
		case status.Signaled() && tid == t.pid:
			return 128 + int(status.Signal()), nil
		case !status.Stopped():
			continue // A thread has ended.
		}
		if err := unix.PtraceSyscall(tid, t.stopped(tid, status)); err != nil && err != unix.ESRCH {
			return 0, err
		}
	}
}

// stopped looks at a thread that has stopped and returns the signal it gets.
func (t *tracer) stopped(tid int, status unix.WaitStatus) int {
	switch sig := status.StopSignal(); sig {
	case unix.SIGTRAP | 0x80:
		t.call(tid)
		return 0
	case unix.SIGTRAP, unix.SIGSTOP: // A new thread, and its first stop.
		return 0
	default:
		return int(sig)
	}
}

// call sees a call begin or end.
func (t *tracer) call(tid int) {
	entering := !t.inside[tid]
	t.inside[tid] = entering
	if !entering && !t.spoilt[tid] {
		return
	}
	var regs unix.PtraceRegs
	if unix.PtraceGetRegs(tid, &regs) != nil {
		return
	}
	if !entering {
		delete(t.spoilt, tid)
		regs.Rax = ^uint64(unix.EIO) + 1
		_ = unix.PtraceSetRegs(tid, &regs)
		return
	}
	name, ok := watched[regs.Orig_rax]
	if !ok {
		return
	}
	file := "a map"
	if regs.Orig_rax != unix.SYS_MSYNC {
		var err error
		if file, err = os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", t.pid, int32(regs.Rdi))); err != nil || !strings.HasPrefix(file, t.dir+string(filepath.Separator)) {
			return
		}
	}
	if t.skip != "" && strings.Contains(file, t.skip) {
		return
	}
	if t.count++; t.count == t.at {
		fmt.Fprintf(os.Stderr, "{\"tracer\":%q}\n", fmt.Sprintf("call %d fails: %s of %s", t.count, name, strings.TrimPrefix(file, t.dir)))
		t.spoilt[tid] = true
		regs.Orig_rax = ^uint64(0)
		_ = unix.PtraceSetRegs(tid, &regs)
	}
}
