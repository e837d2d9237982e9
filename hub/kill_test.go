package hub_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"kendro/hub"
	"kendro/internal/hubtest"
	"kendro/store/journal"
)

// The phases in which a server takes away or replaces what it had.
const (
	marking    = "marker"
	truncating = "truncation"
	installing = "install"
	rewriting  = "rewriting"
)

// begins and ends are the points between which a phase lasts. An install writes
// a marker too; that one is the install's.
var begins = map[string]string{
	"before the register is synced": marking, "before entries are removed": truncating, "before the import": installing,
	"before the register is written anew": rewriting,
}

var ends = map[string]string{
	"after the marker is written": marking, "after entries are removed": truncating, "after the old register is removed": installing,
	"after the register was written anew": rewriting,
}

// A coroner copies a server's folder at every point of the three phases, as a
// kill there would leave it.
type coroner struct {
	t    *testing.T
	root string

	mu    sync.Mutex // Guards what follows.
	dir   string     // Empty: nothing is copied.
	phase string
	seen  map[string]int // Passings of a point in this run of the phase.
	taken map[string]bool
	list  []remains
}

// remains are the folder that one kill left.
type remains struct{ phase, point, dir string }

// most is how often one point of a phase is copied: a loop passes it many times.
const most = 6

func (c *coroner) watch(dir string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dir, c.phase = dir, ""
}

// step is passed by the server before or after it changes the disk.
func (c *coroner) step(point string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dir == "" {
		return
	}
	if p := begins[point]; p != "" && c.phase == "" {
		c.phase, c.seen = p, map[string]int{}
	}
	if c.phase == "" {
		return
	}
	if c.phase == rewriting && strings.HasPrefix(point, "the log's") {
		return // Raft's own goroutine passes those, while the folder grows.
	}
	c.seen[point]++
	name := fmt.Sprintf("%s: %s, %d", c.phase, point, c.seen[point])
	if c.seen[point] <= most && !c.taken[name] {
		c.taken[name] = true
		to := filepath.Join(c.root, fmt.Sprint(len(c.list)))
		err := hub.CopyFolder(to, c.dir)
		for errors.Is(err, fs.ErrNotExist) { // A goroutine of the store has given a file its name meanwhile.
			err = errors.Join(os.RemoveAll(to), hub.CopyFolder(to, c.dir))
		}
		if err != nil {
			c.t.Error(err)
		}
		c.list = append(c.list, remains{c.phase, name, to})
	}
	if ends[point] == c.phase {
		c.phase = ""
	}
}

// Open, Rename, Remove and SyncDir are the steps of Raft's log.
func (c *coroner) Open(name string, create bool) (journal.File, error) {
	f, err := journal.SystemDisk().Open(name, create)
	if err != nil || filepath.Base(name) != "HEAD" {
		return f, err
	}
	return &watchedHead{File: f, c: c}, nil
}

// Rename gives a prepared segment its name.
func (c *coroner) Rename(from, to string) error { return journal.SystemDisk().Rename(from, to) }

// Remove takes a segment away.
func (c *coroner) Remove(name string) error {
	err := journal.SystemDisk().Remove(name)
	if strings.HasSuffix(name, ".seg") {
		c.step("a segment is removed")
	}
	return err
}

// SyncDir makes removals durable.
func (c *coroner) SyncDir(dir string) error {
	err := journal.SystemDisk().SyncDir(dir)
	c.step("the log's folder is synced")
	return err
}

// watchedHead is the log's HEAD, by which it says what it still holds.
type watchedHead struct {
	journal.File
	c *coroner
}

// WriteAt writes a slot.
func (h *watchedHead) WriteAt(b []byte, off int64) (int, error) {
	n, err := h.File.WriteAt(b, off)
	h.c.step("the log's head is written")
	return n, err
}

// Sync makes the slot durable.
func (h *watchedHead) Sync() error {
	err := h.File.Sync()
	h.c.step("the log's head is synced")
	return err
}

// TestKilledAtEachStep starts a follower from what kills at every step of
// markers, truncations, installs and a register that is written anew left of it.
func TestKilledAtEachStep(t *testing.T) {
	const trailing, segment, least = 8, 16 << 10, 40
	t.Parallel()
	c := &coroner{t: t, root: t.TempDir(), taken: map[string]bool{}}
	g := hubtest.With(t, hubtest.Options{Voters: 3, Trailing: trailing, Tune: func(i int, o *hub.Config) {
		if i == 2 {
			o.SetStep(c.step)
			o.SetLog(segment, c)
		}
	}})
	victim := g.Servers[2]
	b := g.Enrol(centre)
	b.Batch = 1
	numbers := b.File(60)
	drain(t, g, b, g.Servers[0].Addr)
	g.Agree()
	mark := func(list ...*hubtest.Server) {
		for _, s := range list {
			if err := s.Hub.Snapshot(); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.watch(victim.Dir)
	mark(victim)
	g.Stop(victim)
	numbers = append(numbers, fileEntries(t, g, b, 2*trailing)...)
	mark(g.Servers[0], g.Servers[1])
	leadAnew(g)
	g.Start(victim)
	g.Wait("an installed snapshot", func() bool { return victim.Hub.Status().Installed >= 1 })
	g.Agree()
	mark(victim)
	if err := hub.Rewrite(t.Context(), victim.Hub); err != nil {
		t.Fatal(err)
	}
	c.watch("")
	g.Agree()
	g.Stop(victim)
	points := map[string]int{}
	for i, r := range c.list {
		points[r.phase]++
		if testing.Short() && i%5 != 0 {
			continue
		}
		if err := errors.Join(os.RemoveAll(victim.Dir), os.Rename(r.dir, victim.Dir)); err != nil {
			t.Fatal(err)
		}
		if err := victim.TryStart(); err != nil {
			t.Fatalf("killed in %s: does not start: %v", r.point, err)
		}
		g.Token(centre) // An entry that it takes as any other server does, once it is level.
		g.Wait("the server killed in "+r.point, func() bool {
			return victim.Hub.Register().Applied() >= g.Leader().Hub.Register().Applied()
		})
		g.Agree()
		once(t, victim.Hub.Register(), numbers)
		g.Stop(victim)
	}
	t.Logf("killed at %d points: %v", len(c.list), points)
	if len(c.list) < least || len(points) < 4 {
		t.Errorf("%d points, %v; want %d over all four phases: %v", len(c.list), points, least, slices.Sorted(maps.Keys(c.taken)))
	}
}
