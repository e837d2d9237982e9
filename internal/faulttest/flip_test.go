//go:build fault

package faulttest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kendro/cmd/kendro/district"
)

// One byte of a stopped node or server is changed: in a journal segment, a HEAD,
// the Raft log or a Badger file. kendro audit verify or the start finds it and
// says where, or what is read is as if nothing had happened and the byte lies
// where nothing was ever written. Other bytes are never served, and no damage
// passes in silence.
func TestFlippedByteIsFound(t *testing.T) {
	flips := sized(30, 100)
	ctx := within(t, 25*time.Minute)
	rng := dice(t)
	d := found(ctx, t, 1, unions()[:1])
	logins, err := d.AddEntrepreneurs(ctx)
	must(t, err)
	all := newPile()
	fileSome(ctx, t, crowd{d, logins, all}, 150)
	v := &victims{District: d, login: logins[0], all: all, safe: t.TempDir(), whole: map[state]map[daemon]map[string]uint64{}}
	v.learn(ctx, t)

	tally := map[verdict]int{}
	for i := range flips {
		k := kinds[i%len(kinds)]
		f := v.flip(t, rng, k)
		got, text := v.judge(ctx, t, f)
		tally[got]++
		t.Logf("%s, %s: %s at %d: %s; %s", k.name, f.as, f.short, f.at, got, text)
		if got == silent || got == altered {
			t.Errorf("%s, %s: byte %d (0x%02x made 0x%02x) of %s: %s", k.name, f.as, f.at, f.was, f.now, f.short, got)
		}
	}
	var sum []string
	for _, w := range []verdict{repaired, refused, named, harmless, silent, altered} {
		sum = append(sum, fmt.Sprintf("%d %s", tally[w], w))
	}
	t.Logf("RESULT flips: %d: %s", flips, strings.Join(sum, ", "))
}

// A verdict is what became of a flip.
type verdict string

const (
	repaired verdict = "found and repaired at start"
	refused  verdict = "found and refused at start"
	named    verdict = "named by audit verify" // And what is read is right.
	harmless verdict = "harmless, in room that nothing uses"
	silent   verdict = "SILENT"
	altered  verdict = "OTHER BYTES"
)

// A kind is a sort of file of a node or a server.
type kind struct {
	name string
	of   daemon
	glob string
}

type daemon int

const (
	aNode daemon = iota
	aServer
)

// kinds are tried in turn.
var kinds = []kind{
	{"node own journal", aNode, "records/journal/own/*.seg"},
	{"raft log", aServer, "raft/log/*.seg"},
	{"node badger", aNode, "records/index/*.[ms][es][mt]"},
	{"server badger", aServer, "register/*/*.sst"},
	{"node HEAD", aNode, "records/journal/*/HEAD"},
	{"node in journal", aNode, "records/journal/in/*.seg"},
	{"raft HEAD", aServer, "raft/log/HEAD"},
	{"node badger", aNode, "records/index/[0MK]*"},
	{"server badger", aServer, "register/*/[0MK]*"},
	{"server mem", aServer, "register/*/*.mem"},
}

// victims are a stopped node and a stopped server, and the truth about them.
type victims struct {
	*district.District
	login district.Login
	all   *pile
	safe  string // Copies of their folders as they were left.
	truth []string
	cases district.Export
	whole map[state]map[daemon]map[string]uint64 // Records of each part of the folders.
}

func (v *victims) process(of daemon) *district.Process {
	if of == aNode {
		return v.Nodes[0].Process
	}
	return v.Servers[0]
}

// A state is how a daemon ended before its disk was touched.
type state string

const (
	drained state = "drained"
	killed  state = "killed"
)

var states = []state{drained, killed}

// learn settles everything, notes the truth, and copies both as they are after a
// kill and after a stop.
func (v *victims) learn(ctx context.Context, t *testing.T) {
	t.Helper()
	must(t, district.Poll(ctx, func() bool { return v.accepted(ctx) }))
	v.Kill()
	v.keep(ctx, t, killed)
	var err error
	v.cases, err = v.Export(ctx, v.Servers[0])
	must(t, err)
	if lost, extra := v.all.count(t, v.cases); lost+extra > 0 {
		t.FailNow()
	}
	must(t, v.Start(ctx))
	v.truth, err = v.read(ctx)
	must(t, err)
	v.Stop()
	v.keep(ctx, t, drained)
}

// keep copies both folders, without what only takes up room.
func (v *victims) keep(ctx context.Context, t *testing.T, as state) {
	t.Helper()
	v.whole[as] = map[daemon]map[string]uint64{}
	for _, of := range []daemon{aNode, aServer} {
		p := v.process(of)
		must(t, os.RemoveAll(filepath.Join(p.Dir, "ballast")))
		must(t, os.MkdirAll(filepath.Join(v.safe, string(as)), 0o700))
		must(t, copyTree(p.Dir, filepath.Join(v.safe, string(as), p.Name)))
		v.whole[as][of] = v.sizes(ctx, t, p)
	}
}

// restore makes the folder what it was when the daemon ended.
func (v *victims) restore(of daemon, as state) error {
	p := v.process(of)
	p.Kill()
	if err := os.RemoveAll(p.Dir); err != nil {
		return err
	}
	if err := os.Truncate(p.LogFile(), 0); err != nil {
		return err
	}
	return copyTree(filepath.Join(v.safe, string(as), p.Name), p.Dir)
}

func copyTree(from, to string) error {
	if out, err := exec.Command("cp", "-a", "--sparse=always", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// A flip is one changed byte.
type flip struct {
	kind
	as          state
	file, short string
	at          int64
	blank       bool // It lies amid zeros, where nothing was written.
	was, now    byte
}

// flip restores a daemon's folder and changes one byte of a file of a kind:
// nearly always one that was written, sometimes one of the room behind. It
// fails where there is no such file.
func (v *victims) flip(t *testing.T, rng *rand.Rand, k kind) *flip {
	t.Helper()
	f := &flip{kind: k}
	p := v.process(k.of)
	var files []string
	for _, i := range rng.Perm(len(states)) {
		f.as = states[i]
		must(t, v.restore(k.of, f.as))
		var err error
		files, err = filepath.Glob(filepath.Join(p.Dir, k.glob))
		must(t, err)
		if len(files) > 0 {
			break
		}
	}
	if len(files) == 0 {
		t.Fatalf("%s: no file", k.name)
	}
	var err error
	f.file = files[rng.IntN(len(files))]
	f.short, err = filepath.Rel(p.Dir, f.file)
	must(t, err)
	data, err := os.ReadFile(f.file)
	must(t, err)
	written, blank := places(data)
	from := written
	if len(blank) > 0 && rng.IntN(8) == 0 {
		from, f.blank = blank, true
	}
	f.at = draw(rng, from)
	f.was = data[f.at]
	f.now = f.was ^ byte(1+rng.IntN(255))
	w, err := os.OpenFile(f.file, os.O_WRONLY, 0)
	must(t, err)
	_, err = w.WriteAt([]byte{f.now}, f.at)
	must(t, err)
	must(t, w.Close())
	return f
}

// judge looks for the flip as an operator would, and reads everything back.
func (v *victims) judge(ctx context.Context, t *testing.T, f *flip) (verdict, string) {
	t.Helper()
	p := v.process(f.of)
	before, found := v.audit(ctx, t, p, v.whole[f.as][f.of])
	if err := p.Start(ctx); err != nil {
		if code := p.ExitCode(); code != 65 {
			t.Errorf("%s: the start ended with %d instead of 65: %v", f.short, code, err)
		}
		return refused, lastLine(p)
	}
	as, how := v.compare(ctx, f.of)
	p.Stop()
	after, still := v.audit(ctx, t, p, nil)
	said := complaints(p)
	switch {
	case as == different:
		return altered, how
	case as == withheld && (found || still):
		return named, how
	case as == withheld:
		return altered, "withheld, and audit verify finds nothing: " + how
	case !still && (found || said != ""):
		return repaired, before + said
	case found || still:
		return named, before + after
	case f.blank || idle(f.short):
		return harmless, how
	}
	return silent, how
}

// idle reports whether Badger keeps nothing in a file that we use: no key of its
// own encrypts, and no value is so long that it lies in a log of values.
func idle(name string) bool {
	return strings.HasSuffix(name, "KEYREGISTRY") || strings.HasSuffix(name, ".vlog")
}

func lastLine(p *district.Process) string {
	b, err := os.ReadFile(p.LogFile())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return fmt.Sprintf("%.300s", lines[len(lines)-1])
}

// complaints are what the daemon has logged about its own disk since it was
// restored.
func complaints(p *district.Process) (text string) {
	b, err := os.ReadFile(p.LogFile())
	if err != nil {
		return err.Error()
	}
	for line := range strings.Lines(string(b)) {
		loud := strings.Contains(line, `"level":"WARN"`) || strings.Contains(line, `"level":"ERROR"`)
		if loud && !strings.Contains(line, "session with the hub") && !strings.Contains(line, `"msg":"raft reports"`) {
			text += strings.TrimSpace(line)
		}
	}
	return fmt.Sprintf("%.300s", text)
}
