package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"kendro/store"
)

// udpBuffer is what QUIC wants the kernel to allow.
const udpBuffer = 7_500_000

// udpBuffers: a burst that doesn't fit is lost and sent again.
func udpBuffers() diagnosis {
	d := diagnosis{Check: "UDP buffers", State: fine}
	var found []string
	for _, name := range []string{"rmem_max", "wmem_max"} {
		b, err := os.ReadFile("/proc/sys/net/core/" + name)
		if err != nil {
			d.State = warns
			found = append(found, name+" can't be read")
			continue
		}
		text := strings.TrimSpace(string(b))
		if n, err := strconv.Atoi(text); err != nil || n < udpBuffer {
			d.State = warns
		}
		found = append(found, name+" "+text)
	}
	d.Found = strings.Join(found, ", ")
	if d.State != fine {
		d.Do = fmt.Sprintf("works, but loses bursts: install deploy/sysctl.d/60-kendro.conf (net.core.rmem_max and wmem_max %d) and run sysctl --system", udpBuffer)
	}
	return d
}

// clock: the order of records doesn't hang on it, but certificates and dates on
// slips do.
func clock() diagnosis {
	const check = "clock"
	var t unix.Timex
	state, err := unix.Adjtimex(&t)
	if err != nil {
		return diagnosis{Check: check, State: warns, Found: "the kernel doesn't say whether it is kept right: " + err.Error()}
	}
	if state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0 {
		return diagnosis{
			Check: check, State: warns, Found: "nothing keeps it right",
			Do: "switch on time synchronisation (timedatectl set-ntp true); records keep their order without, but dates on slips may be wrong",
		}
	}
	return diagnosis{Check: check, State: fine, Found: "kept right by the network"}
}

// Magic numbers of file systems that forget.
const (
	tmpfs = 0x01021994
	ramfs = 0x858458f6
)

// disk: what was acknowledged must be there after the power comes back.
func disk(dir string) diagnosis {
	const check = "file system"
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return diagnosis{Check: check, State: bad, Found: err.Error(), Do: "check the path and the mount"}
	}
	switch {
	case s.Type == tmpfs || uint32(s.Type) == ramfs:
		return diagnosis{
			Check: check, State: bad, Found: "it is in memory",
			Do: "move the folder to a disk: here every record is lost when the power goes",
		}
	case s.Flags&unix.ST_RDONLY != 0:
		return diagnosis{
			Check: check, State: bad, Found: "it is mounted read-only",
			Do: "look at dmesg for a failing disk; repair, then mount it for writing and start again",
		}
	}
	return diagnosis{Check: check, State: fine, Found: "on a disk, writable"}
}

// leastRoom is below what a node takes no applications.
const leastRoom = 64 << 20

// room: a full disk stops intake before it can hurt.
func room(dir string) diagnosis {
	const check = "free space"
	free, err := store.FreeBytes(dir)
	if err != nil {
		return diagnosis{Check: check, State: bad, Found: err.Error(), Do: "check the path and the mount"}
	}
	d := diagnosis{Check: check, State: fine, Found: strconv.FormatUint(free>>20, 10) + " MiB"}
	switch {
	case free < leastRoom:
		d.State, d.Do = bad, "applications are refused below 64 MiB: make room, or kendro node ballast --release for the time being"
	case free < 8*leastRoom:
		d.State, d.Do = warns, "make room: applications are refused below 64 MiB"
	}
	return d
}

// closed: nobody but the daemon's user may read the folder's keys.
func closed(dir string) diagnosis {
	const check = "who may read"
	var open []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !secret(e.Name()) || e.IsDir() {
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // A file that the daemon has just replaced.
		}
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			open = append(open, name)
		}
		return nil
	})
	switch {
	case err != nil:
		return diagnosis{Check: check, State: bad, Found: err.Error(), Do: "run doctor as the daemon's user"}
	case len(open) > 0:
		return diagnosis{
			Check: check, State: bad, Found: strings.Join(open, ", ") + ": open to others on this machine",
			Do: "chmod 600, and think about who has read them: keys that leaked are replaced by enrolling again",
		}
	}
	return diagnosis{Check: check, State: fine, Found: "keys and secrets are the daemon's alone"}
}

// secret tells by its name whether a file is one that nobody else may read.
func secret(name string) bool {
	return filepath.Ext(name) == ".key" || strings.Contains(name, "password") || strings.Contains(name, "secret")
}
