package hub_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/hub"
	"kendro/hub/register"
	"kendro/internal/hubtest"
)

// damage is what a disk may do to a server's part in Raft.
var damage = map[string]func(dir string) error{
	"an entry of the log is altered": func(dir string) error {
		segments, err := filepath.Glob(filepath.Join(dir, "raft", "log", "*"))
		if err != nil {
			return err
		}
		for _, name := range segments {
			if filepath.Base(name) != "HEAD" && filepath.Base(name) != "lock" {
				return flip(name, 4500)
			}
		}
		return errors.New("there is no segment")
	},
	"the votes are gone": func(dir string) error { return os.Remove(filepath.Join(dir, "raft", "votes")) },
	"the votes are altered": func(dir string) error {
		return errors.Join(flip(filepath.Join(dir, "raft", "votes"), 30), flip(filepath.Join(dir, "raft", "votes"), 4096+30))
	},
	"the marker is gone":  func(dir string) error { return os.Remove(filepath.Join(dir, "raft", "marker")) },
	"the register is cut": cutTables,
	"all but the keys is gone": func(dir string) error {
		return errors.Join(os.RemoveAll(filepath.Join(dir, "raft")), os.RemoveAll(filepath.Join(dir, "register")))
	},
}

func flip(name string, at int64) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	b := make([]byte, 1)
	_, err = f.ReadAt(b, at)
	b[0] ^= 0x40
	if err == nil {
		_, err = f.WriteAt(b, at)
	}
	return errors.Join(err, f.Close())
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func cutTables(dir string) error {
	tables, err := filepath.Glob(filepath.Join(dir, "register", "*", "*.sst"))
	if err != nil || len(tables) == 0 {
		return errors.Join(err, errors.New("no tables"))
	}
	return os.Truncate(tables[0], 300)
}

// TestADamagedServerComesBack damages a server's disk in every way, each time in a group
// of three that goes on: the server is back under another name, with the same register,
// and nothing that was acknowledged is lost. Then the two that were never damaged are
// stopped one after the other, so that the one that came back is needed.
func TestADamagedServerComesBack(t *testing.T) {
	t.Parallel()
	for name, hurt := range damage {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := hubtest.With(t, hubtest.Options{Voters: 3, Trailing: 16})
			b := g.Enrol(centre)
			b.Batch = 2
			numbers := fileEntries(t, g, b, 40)
			s := g.Leader() // Its term has its own vote.
			if err := s.Hub.Snapshot(); err != nil {
				t.Fatal(err)
			}
			was := s.Hub.Status().Server
			g.Stop(s)
			if err := hurt(s.Dir); err != nil {
				t.Fatal(err)
			}
			cause := s.TryStart()
			if !errors.Is(cause, fault.Damaged) {
				t.Fatalf("it starts with %v; want damaged", cause)
			}
			numbers = append(numbers, fileEntries(t, g, b, 20)...)
			if err := s.Rejoin(t.Context(), cause); err != nil {
				t.Fatal(err)
			}
			if is := s.Hub.Status().Server; is == was {
				t.Fatalf("it speaks as %s again", is)
			}
			g.Settle()
			g.Wait("three voters, the old name not among them", func() bool {
				members := g.Leader().Hub.Members()
				return len(members) == 3 && !slices.ContainsFunc(members, func(m hub.Member) bool { return m.ID == was || !m.Voter })
			})
			for _, o := range g.Servers {
				if o != s {
					g.Stop(o)
					numbers = append(numbers, b.File(3)...)
					drain(t, g, b, s.Addr)
					g.Start(o)
					g.Wait("it is level", func() bool { _, behind := o.Hub.Fresh(t.Context()); return !behind })
				}
			}
			g.Agree()
			for _, o := range g.Servers {
				once(t, o.Hub.Register(), numbers)
			}
			if _, err := os.Stat(filepath.Join(s.Dir, "damaged")); err != nil {
				t.Errorf("what was damaged is not kept: %v", err)
			}
		})
	}
}

// TestRejoinIsAskedForAndBounded: without a quorum nothing changes and the same call goes
// on later; killed on the way it goes on as the same new server; a second damage waits
// for a person; a server that was removed, a stranger and an only server stay out.
func TestRejoinIsAskedForAndBounded(t *testing.T) {
	t.Parallel()
	g := hubtest.With(t, hubtest.Options{Voters: 3})
	b := g.Enrol(centre)
	numbers := b.File(20)
	drain(t, g, b, g.Servers[0].Addr)
	g.Agree()
	s, other := g.Servers[0], g.Servers[1] // The founder, whose keys name no other server.
	was := s.Hub.Status().Server
	g.Wait("it to know the others", func() bool { _, err := os.Stat(filepath.Join(s.Dir, "servers")); return err == nil })
	g.Stop(s)
	hurt := damage["the votes are gone"]
	if err := hurt(s.Dir); err != nil {
		t.Fatal(err)
	}
	cause := s.TryStart()
	g.Stop(other)
	short, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	err := s.Rejoin(short, cause)
	cancel()
	if !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "votes") {
		t.Fatalf("without a quorum: %v; want unavailable, and why", err)
	}
	old, fresh, known := read(t, s.Dir, "server.key"), read(t, s.Dir, "rejoining.key"), read(t, s.Dir, "servers")
	g.Start(other)
	g.Leader()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	at := func(names ...string) string { return filepath.Join(append([]string{s.Dir}, names...)...) }
	must(hub.Rejoin(t.Context(), s.Config(), cause))
	// Killed before the answer was kept.
	must(errors.Join(os.WriteFile(at("server.key"), old, 0o600), os.WriteFile(at("rejoining.key"), fresh, 0o600), os.WriteFile(at("servers"), known, 0o600)))
	must(errors.Join(os.Rename(at("damaged", "raft"), at("raft")), os.Rename(at("damaged", "register"), at("register")), os.Remove(at("damaged"))))
	must(hub.Rejoin(t.Context(), s.Config(), cause))
	// Killed between the two folders that are set aside.
	must(errors.Join(os.Rename(at("server.key"), at("rejoined.key")), os.WriteFile(at("server.key"), old, 0o600), os.Rename(at("damaged", "register"), at("register"))))
	if err := s.TryStart(); err != nil {
		t.Fatal(err)
	}
	is := s.Hub.Status().Server
	g.Settle()
	if members := g.Leader().Hub.Members(); len(members) != 3 || is == was {
		t.Fatalf("%s came back as %s among %v", was, is, members)
	}
	for _, gone := range []string{"rejoining.key", "rejoined.key"} {
		if _, err := os.Stat(at(gone)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", gone, err)
		}
	}
	g.Wait("it is level", func() bool { _, behind := s.Hub.Fresh(t.Context()); return !behind })
	g.Agree()
	once(t, s.Hub.Register(), numbers)

	g.Stop(s)
	if err := hurt(s.Dir); err != nil {
		t.Fatal(err)
	}
	if cause = s.TryStart(); !errors.Is(cause, fault.Damaged) {
		t.Fatalf("it starts with %v; want damaged", cause)
	}
	if err := s.Rejoin(t.Context(), cause); !errors.Is(err, fault.Damaged) || !strings.Contains(err.Error(), "remove that folder") {
		t.Fatalf("a second damage: %v; want damaged, and what to do", err)
	}
	g.Do(other, register.RemoveServer, register.Name{Name: is})
	if err := os.RemoveAll(filepath.Join(s.Dir, "damaged")); err != nil {
		t.Fatal(err)
	}
	if err := s.Rejoin(t.Context(), cause); !errors.Is(err, fault.Damaged) || !strings.Contains(err.Error(), "was removed") {
		t.Fatalf("a removed server: %v; want damaged, and why", err)
	}
	if err := hub.Rejoin(t.Context(), s.Config(), fault.New("", fault.Damaged, "x", "y")); fault.KindOf(err) != fault.Damaged || strings.Contains(err.Error(), "removed") {
		t.Errorf("damage of another kind: %v; want it as it was", err)
	}

	alone := hubtest.New(t, 1)
	alone.Stop(alone.Servers[0])
	if err := hurt(alone.Servers[0].Dir); err != nil {
		t.Fatal(err)
	}
	cause = alone.Servers[0].TryStart()
	if err := alone.Servers[0].Rejoin(t.Context(), cause); !errors.Is(err, cause) {
		t.Errorf("an only server: %v; want %v", err, cause)
	}
}
