//go:build fault

package faulttest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/web/api"
)

// needs fails the test where a tool or a right is missing: what wasn't looked at
// must not look like what held.
func needs(t *testing.T, tools ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("this campaign mounts file systems: run it as root")
	}
	for _, name := range tools {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatalf("this campaign needs %s: apt-get install strace xfsprogs e2fsprogs mount", name)
		}
	}
}

func tool(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
}

// A disk is a file system of its own that a daemon's folder lies on.
type disk struct {
	dir   string // Where it is mounted.
	image string // What it is a loop over; empty in memory.
}

// inMemory mounts a tmpfs of so many MiB.
func inMemory(t *testing.T, dir string, mib int) *disk {
	t.Helper()
	needs(t, "mount", "umount")
	must(t, os.MkdirAll(dir, 0o700))
	tool(t, "mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm,mode=700", mib), "kendro-fault", dir)
	d := &disk{dir: dir}
	t.Cleanup(func() { d.unmount(t) })
	return d
}

// onLoop mounts a new ext4 over a file beside dir.
func onLoop(t *testing.T, dir string, mib int64) *disk {
	t.Helper()
	needs(t, "mount", "umount", "mkfs.ext4", "xfs_io")
	must(t, os.MkdirAll(dir, 0o700))
	d := &disk{dir: dir, image: dir + ".img"}
	f, err := os.Create(d.image)
	must(t, err)
	must(t, errors.Join(f.Truncate(mib<<20), f.Close()))
	tool(t, "mkfs.ext4", "-q", "-F", d.image)
	d.mount(t)
	t.Cleanup(func() { d.unmount(t) })
	return d
}

func (d *disk) mount(t *testing.T) {
	t.Helper()
	tool(t, "mount", "-o", "loop", d.image, d.dir)
}

func (d *disk) unmount(t *testing.T) {
	t.Helper()
	if err := syscall.Unmount(d.dir, 0); err != nil && !errors.Is(err, syscall.EINVAL) {
		t.Logf("%s: %v; detached", d.dir, err)
		_ = syscall.Unmount(d.dir, syscall.MNT_DETACH)
	}
}

// cut is a power cut: what was not synced is gone, and nothing is written any
// more. The daemon dies of it, or is killed.
func (d *disk) cut(t *testing.T, p *district.Process) {
	t.Helper()
	tool(t, "xfs_io", "-x", "-c", "shutdown", d.dir)
	p.Kill()
	d.unmount(t)
	d.mount(t)
}

const fillerName = "filler"

// fill takes all room that is left.
func (d *disk) fill(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(d.dir, fillerName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	must(t, err)
	defer f.Close()
	for _, size := range []int{1 << 20, 4 << 10, 1} {
		block := make([]byte, size)
		for i := range block {
			block[i] = byte(i + 1)
		}
		for err = nil; err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}

// empty gives the room back.
func (d *disk) empty(t *testing.T) {
	t.Helper()
	if err := os.Remove(filepath.Join(d.dir, fillerName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

// A lodge is a district of one server and one node whose folder lies on a disk of
// its own, with clerks at its counter.
type lodge struct {
	*district.District
	node *district.Node
	disk *disk
	all  *pile
	who  *client
	land *country
}

// lodged founds it; mount is called before the node enrols.
func lodged(ctx context.Context, t *testing.T, mount func(t *testing.T, dir string) *disk) *lodge {
	t.Helper()
	dir := t.TempDir()
	centre := unions()[0]
	d, err := district.Create(ctx, district.Options{Dir: dir, Binary: binary, Servers: 1})
	if d != nil {
		t.Cleanup(d.Kill)
		t.Cleanup(func() { showLogs(t, d) })
	}
	must(t, err)
	l := &lodge{District: d, all: newPile(), land: newCountry(t)}
	l.disk = mount(t, filepath.Join(dir, "node-"+centre))
	t.Cleanup(d.Kill) // Before the disk goes.
	l.node, err = d.AddNode(ctx, centre)
	must(t, err)
	logins, err := d.AddEntrepreneurs(ctx)
	must(t, err)
	token, err := l.node.SignIn(ctx, logins[0])
	must(t, err)
	l.who = newClient(token)
	return l
}

// file keeps at one application until it has a receipt, whatever is answered
// meanwhile, and until enough is closed.
func (l *lodge) file(ctx context.Context, i uint64, enough <-chan struct{}) error {
	body, err := l.land.body(l.node.Centre, i)
	if err != nil {
		return err
	}
	key := api.NewKey()
	for ctx.Err() == nil {
		how, answer := l.who.post(ctx, l.node.URL()+"/v1/applications", key, 0, body)
		if how == succeeded {
			return l.all.add(answer)
		}
		if how == rejected { // It was certainly not done: nobody has a receipt.
			select {
			case <-enough:
				return nil
			default:
			}
		}
		pause(ctx, 30*time.Millisecond)
	}
	return ctx.Err()
}

// clerks file until enough is closed; the returned function waits for them.
func (l *lodge) clerks(ctx context.Context, t *testing.T, n int, enough <-chan struct{}) (wait func()) {
	done := make(chan error, n)
	for c := range uint64(n) {
		go func() {
			for i := c << 32; ; i++ {
				select {
				case <-enough:
					done <- nil
					return
				default:
				}
				if err := l.file(ctx, i, enough); err != nil {
					done <- err
					return
				}
			}
		}()
	}
	return func() {
		t.Helper()
		for range n {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
}

// more waits until n more receipts were handed out.
func (l *lodge) more(ctx context.Context, n int) error {
	want := l.all.len() + n
	return district.Poll(ctx, func() bool { return l.all.len() >= want })
}

// blocked waits until the node says that a blocker stands, or that it doesn't.
func (l *lodge) blocked(ctx context.Context, code string, stands bool) error {
	return district.Poll(ctx, func() bool {
		s, err := l.node.Sync(ctx)
		if err != nil {
			return false
		}
		for _, b := range s.Blockers {
			if b.Code == code {
				return stands && b.BN != "" && b.EN != ""
			}
		}
		return !stands
	})
}
