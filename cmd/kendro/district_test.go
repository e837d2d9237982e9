package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"net"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"kendro/pack/bd"
	"kendro/web/api"
)

// ports PREFIX FILE waits for a daemon's ports file and sets PREFIX_HTTP, its
// PREFIX_PORT, PREFIX_QUIC and PREFIX_GOSSIP.
func ports(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: ports PREFIX FILE")
	}
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var p api.Ports
		b, err := os.ReadFile(ts.MkAbs(args[1]))
		if err == nil {
			ts.Check(json.Unmarshal(b, &p)) // It is written whole.
			_, port, err := net.SplitHostPort(p.HTTP)
			ts.Check(err)
			ts.Setenv(args[0]+"_HTTP", p.HTTP)
			ts.Setenv(args[0]+"_PORT", port)
			ts.Setenv(args[0]+"_QUIC", p.QUIC)
			ts.Setenv(args[0]+"_GOSSIP", p.Gossip)
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s never came", args[1])
		}
	}
}

// put FILE TEXT writes one line that only its owner may read.
func put(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: put FILE TEXT")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(args[1]+"\n"), 0o600))
}

// term SECONDS asks every background program to end, which must not take longer.
func term(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: term SECONDS")
	}
	seconds, err := strconv.Atoi(args[0])
	ts.Check(err)
	for _, cmd := range ts.BackgroundCmds() {
		ts.Check(cmd.Process.Signal(syscall.SIGTERM))
	}
	deadline := time.After(time.Duration(seconds) * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, cmd := range ts.BackgroundCmds() {
		for cmd.Process.Signal(syscall.Signal(0)) == nil {
			select {
			case <-tick.C:
			case <-deadline:
				ts.Fatalf("%v still runs after %d s", cmd.Args, seconds)
			}
		}
	}
}

// service FOLDER ID OLD NEW copies a service of the country pack into a folder and
// changes its text in one place.
func service(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: service FOLDER ID OLD NEW")
	}
	name := path.Join("services", args[1]+".yaml")
	text, err := fs.ReadFile(bd.Pack(), name)
	ts.Check(err)
	changed := strings.Replace(string(text), args[2], args[3], 1)
	if changed == string(text) {
		ts.Fatalf("%s has no %q", name, args[2])
	}
	file := filepath.Join(ts.MkAbs(args[0]), name)
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o700))
	ts.Check(os.WriteFile(file, []byte(changed), 0o600))
}

// flip FOLDER changes one bit of the first record in the folder's first segment;
// flip FILE PLACE changes one bit of a file, and the next such call puts it right.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: flip FOLDER | FILE PLACE")
	}
	if len(args) == 2 {
		at, err := strconv.Atoi(args[1])
		ts.Check(err)
		name := ts.MkAbs(args[0])
		b, err := os.ReadFile(name)
		ts.Check(err)
		b[at] ^= 1
		ts.Check(os.WriteFile(name, b, 0o600))
		return
	}
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.seg"))
	ts.Check(err)
	if len(files) == 0 {
		ts.Fatalf("no segment in %s", args[0])
	}
	b, err := os.ReadFile(files[0])
	ts.Check(err)
	const inRecord = 128 + 68 + 20 // Behind the headers of the segment and of its first frame.
	b[inRecord] ^= 1
	ts.Check(os.WriteFile(files[0], b, 0o600))
}

// boxkey FILE writes what systemd would have unsealed.
func boxkey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: boxkey FILE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.Repeat([]byte{7}, boxKeySize), 0o600))
}
