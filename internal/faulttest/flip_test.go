//go:build fault

package faulttest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kendro/cmd/kendro/district"
)

// A file of a stopped node or server is damaged, of every kind that lies in their
// folders: one byte is changed, or it is cut short, or it is gone. kendro audit
// verify or the start finds it and says where, or what is read is as if nothing
// had happened and the file holds nothing that we use. What a node can't read of
// the hub's words is fetched again. Other bytes are never served, and no damage
// passes in silence.
func TestDamagedFileIsFound(t *testing.T) {
	cases := sized(36, 300)
	if *many > 0 {
		cases = *many
	}
	ctx := within(t, 55*time.Minute)
	rng := dice(t)
	d := found(ctx, t, 1, unions()[:1])
	logins, err := d.AddEntrepreneurs(ctx)
	must(t, err)
	all := newPile()
	fileSome(ctx, t, crowd{d, logins, all}, 150)
	v := &victims{District: d, login: logins[0], all: all, safe: t.TempDir(), whole: map[state]map[daemon]map[string]uint64{}}
	v.learn(ctx, t)

	tally, tried, done := map[verdict]int{}, map[string]int{}, 0
	ways := chosenWays()
	for _, of := range []daemon{aNode, aServer} { // A node's hub runs meanwhile.
		kinds := v.kinds(t, of)
		for i := range cases / 2 {
			if len(kinds) == 0 {
				break
			}
			done++
			f := v.damage(t, rng, kinds[i%len(kinds)], ways[(i/len(kinds)+i)%len(ways)])
			got, text := v.judge(ctx, t, f)
			tally[got]++
			tried[f.name]++
			t.Logf("%s, %s, %s: %s; %s", f.name, f.as, f.what, got, text)
			if got == silent || got == altered {
				t.Errorf("%s, %s: %s: %s", f.name, f.as, f.what, got)
			}
		}
	}
	var sum []string
	for _, w := range []verdict{repaired, refused, named, harmless, silent, altered} {
		sum = append(sum, fmt.Sprintf("%d %s", tally[w], w))
	}
	t.Logf("RESULT damaged files: %d of %d kinds: %s", done, len(tried), strings.Join(sum, ", "))
}

// ways of damage: a changed byte twice as often as the others.
var ways = []string{"flip", "cut", "flip", "gone"}

// chosenWays are those, or the one that was asked for.
func chosenWays() []string {
	if *manner != "" {
		return []string{*manner}
	}
	return ways
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

// A kind is a sort of file of a node or a server: files that differ in numbers
// alone.
type kind struct {
	name string
	of   daemon
}

type daemon int

const (
	aNode daemon = iota
	aServer
)

var numbers = regexp.MustCompile(`[0-9a-f]*[0-9][0-9a-f]*`)

// files lists what lies in a folder by kind.
func files(t *testing.T, dir string) map[string][]string {
	t.Helper()
	list := map[string][]string{}
	must(t, filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		k := numbers.ReplaceAllString(rel, "#")
		list[k] = append(list[k], name)
		return err
	}))
	return list
}

// kinds are those of either state of a daemon's folder, or what was asked for of
// them.
func (v *victims) kinds(t *testing.T, of daemon) (list []kind) {
	t.Helper()
	seen := map[string]bool{}
	for _, as := range states {
		for name := range files(t, filepath.Join(v.safe, string(as), v.process(of).Name)) {
			seen[name] = true
		}
	}
	asked := regexp.MustCompile(*only)
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		if asked.MatchString(name) {
			list = append(list, kind{name, of})
		}
	}
	return list
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

// A flip is one damaged file.
type flip struct {
	kind
	as          state
	file, short string
	what        string
	idle        bool // Nothing of ours was hit.
}

// damage restores a daemon's folder and damages one file of a kind. A byte that
// changes is nearly always one that was written, sometimes one of the room behind.
func (v *victims) damage(t *testing.T, rng *rand.Rand, k kind, way string) *flip {
	t.Helper()
	f := &flip{kind: k}
	p := v.process(k.of)
	var list []string
	for _, i := range rng.Perm(len(states)) {
		f.as = states[i]
		must(t, v.restore(k.of, f.as))
		if list = files(t, p.Dir)[k.name]; len(list) > 0 {
			break
		}
	}
	if len(list) == 0 {
		t.Fatalf("%s: no file", k.name)
	}
	var err error
	f.file = list[rng.IntN(len(list))]
	f.short, err = filepath.Rel(p.Dir, f.file)
	must(t, err)
	f.idle = idle(f.short)
	data, err := os.ReadFile(f.file)
	must(t, err)
	switch {
	case way == "gone" || len(data) == 0:
		f.what = f.short + " is gone"
		must(t, os.Remove(f.file))
	case way == "cut":
		at := rng.Int64N(int64(len(data)))
		f.what = fmt.Sprintf("%s is cut at %d of %d", f.short, at, len(data))
		f.idle = f.idle || len(bytes.Trim(data[at:], "\x00")) == 0 // Room that was never used.
		must(t, os.Truncate(f.file, at))
	default:
		f.change(t, rng, data)
	}
	return f
}

// change changes one byte.
func (f *flip) change(t *testing.T, rng *rand.Rand, data []byte) {
	t.Helper()
	written, blank := places(data)
	from := written
	if len(blank) > 0 && (len(written) == 0 || rng.IntN(8) == 0) {
		from, f.idle = blank, true
	}
	at := draw(rng, from)
	now := data[at] ^ byte(1+rng.IntN(255))
	f.what = fmt.Sprintf("byte %d (0x%02x made 0x%02x) of %s", at, data[at], now, f.short)
	w, err := os.OpenFile(f.file, os.O_WRONLY, 0)
	must(t, err)
	_, err = w.WriteAt([]byte{now}, at)
	must(t, err)
	must(t, w.Close())
}

// judge looks for the damage as an operator would, and reads everything back.
func (v *victims) judge(ctx context.Context, t *testing.T, f *flip) (verdict, string) {
	t.Helper()
	p := v.process(f.of)
	before, found := v.audit(ctx, t, p, v.whole[f.as][f.of])
	if hub := v.Servers[0]; f.of == aNode && !hub.Running() {
		must(t, v.restore(aServer, drained))
		must(t, hub.Start(ctx))
	}
	if err := p.Start(ctx); err != nil {
		if code := p.ExitCode(); code != 65 {
			t.Errorf("%s: the start ended with %d instead of 65: %v", f.what, code, err)
		}
		return refused, lastLine(p)
	}
	as, how := v.compare(ctx, f.of)
	if f.of == aNode && as != equal { // What it asks of its hub comes in a moment.
		waiting, stop := context.WithTimeout(ctx, 20*time.Second)
		_ = district.Poll(waiting, func() bool { as, how = v.compare(ctx, f.of); return as == equal })
		stop()
	}
	p.Stop()
	after, still := v.audit(ctx, t, p, nil)
	said := complaints(p)
	switch {
	case as == different:
		return altered, how
	case as == withheld && (found || still || said != ""):
		return named, how + "; " + said
	case as == withheld:
		return altered, "withheld, and nothing names it: " + how
	case !still && (found || said != ""):
		return repaired, before + said
	case found || still:
		return named, before + after
	case f.idle:
		return harmless, how
	}
	return silent, how
}

// idle reports whether a file holds nothing that we use. Badger has no key of its
// own to encrypt with, no value so long that it lies in a log of values, and
// nothing to collect there; locks are empty; a ballast only takes up room; and
// while a journal has records, own.log isn't read.
func idle(name string) bool {
	switch filepath.Base(name) {
	case "KEYREGISTRY", "DISCARD", "LOCK", "lock", "ballast", "own.log", "control.sock":
		return true
	}
	return strings.HasSuffix(name, ".vlog") || strings.Contains(name, "spare-")
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
