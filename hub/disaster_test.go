package hub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kendro/domain/fault"
	"kendro/hub"
	"kendro/internal/hubtest"
	"kendro/protocol"
)

func TestLeaderKilledInMidIngest(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	var boxes []*hubtest.Box
	for _, c := range []string{"41-04-17", "41-04-28", "41-04-39"} {
		boxes = append(boxes, g.Enrol(centreOf(c)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var numbers [][]protocol.Number
	for i, b := range boxes {
		b.Batch = 5
		addrs := []string{g.Servers[i].Addr, g.Servers[(i+1)%3].Addr, g.Servers[(i+2)%3].Addr}
		numbers = append(numbers, b.File(400))
		wait := b.Sync(ctx, addrs...)
		defer wait()
	}
	g.Wait("the ingest to begin", func() bool { return boxes[0].Acked() > 20 })
	old := g.Leader()
	g.Kill(old)
	g.Leader()
	g.Start(old)
	for i, b := range boxes {
		numbers = append(numbers, b.File(50))
		g.Wait(fmt.Sprint("acknowledgements of box ", i), func() bool { return b.Acked() == b.Filed() })
	}
	cancel()
	g.Agree()
	for _, s := range g.Servers {
		once(t, s.Hub.Register(), numbers...)
	}
}

func TestSnapshotForAServerThatMissedEntries(t *testing.T) {
	t.Parallel()
	g := hubtest.With(t, hubtest.Options{Voters: 3, Trailing: 16})
	b := g.Enrol(centre)
	late := g.Follower()
	g.Stop(late)
	b.Batch = 2
	numbers := fileEntries(t, g, b, 2*16)
	for _, s := range g.Servers {
		if s.Hub != nil {
			if err := s.Hub.Snapshot(); err != nil {
				t.Fatal(err)
			}
		}
	}
	leadAnew(g)
	g.Start(late)
	g.Wait("an installed snapshot", func() bool { return late.Hub.Status().Installed == 1 })
	g.Agree()
	once(t, late.Hub.Register(), numbers)
	again := b.File(20)
	drain(t, g, b, late.Addr)
	g.Agree()
	g.Stop(late)
	g.Start(late)
	g.Agree()
	once(t, late.Hub.Register(), numbers, again)
	if st := late.Hub.Status(); st.Installed != 1 || st.InstalledAt == 0 {
		t.Errorf("after a restart: %+v; want one snapshot installed", st)
	}
}

func TestRestartOfAll(t *testing.T) {
	t.Parallel()
	g := hubtest.With(t, hubtest.Options{Voters: 3, Trailing: 8})
	b := g.Enrol(centre)
	numbers := b.File(100)
	drain(t, g, b, g.Servers[0].Addr)
	g.Agree()
	for i, s := range g.Servers {
		if i == 1 {
			if err := s.Hub.Snapshot(); err != nil {
				t.Fatal(err)
			}
		}
		g.Stop(s)
	}
	for _, s := range g.Servers {
		g.Start(s)
	}
	g.Leader()
	numbers = append(numbers, b.File(10)...)
	drain(t, g, b, g.Servers[2].Addr)
	g.Agree()
	for _, s := range g.Servers {
		once(t, s.Hub.Register(), numbers)
	}
}

// leadAnew has the leader read its log again, as it lies now: it fills a message for a
// server that is down before it reaches it, with entries that may have left the log since.
func leadAnew(g *hubtest.Group) {
	lead := g.Leader()
	g.Stop(lead)
	g.Start(lead)
	g.Leader()
}

// fileEntries files until the register is at least so many entries further: the
// leader gathers blocks into fewer entries, as its load has it.
func fileEntries(t *testing.T, g *hubtest.Group, b *hubtest.Box, least uint64) (numbers []protocol.Number) {
	t.Helper()
	applied := func() uint64 { return g.Leader().Hub.Register().Applied() }
	for was := applied(); applied() < was+least; {
		numbers = append(numbers, b.File(8)...)
		drain(t, g, b, g.Leader().Addr)
	}
	return numbers
}

// A server whose register lost what was not yet synced says so until it has
// applied its log again, for which it must hear from the group.
func TestRestartedServerSaysThatItReplays(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 2)
	b := g.Enrol(centre)
	numbers := b.File(5)
	drain(t, g, b, g.Servers[0].Addr)
	g.Agree()
	s, other := g.Servers[1], g.Servers[0]
	register := filepath.Join(s.Dir, "register")
	g.Stop(s)
	if err := hub.CopyFolder(register+".old", register); err != nil {
		t.Fatal(err)
	}
	g.Start(s)
	numbers = append(numbers, b.File(5)...)
	drain(t, g, b, s.Addr)
	g.Agree()
	g.Stop(s)
	g.Stop(other)
	if err := errors.Join(os.RemoveAll(register), os.Rename(register+".old", register)); err != nil {
		t.Fatal(err)
	}
	g.Start(s)
	if st := s.Hub.Status(); !st.Replaying {
		t.Errorf("alone, with an older register: %+v; want replaying", st)
	}
	g.Start(other)
	g.Wait("the log to be applied", func() bool { return !s.Hub.Status().Replaying })
	once(t, s.Hub.Register(), numbers)
	g.Agree()
}

// TestStartedServerIsLevelWhenItSaysSo sets a server's register back and asks at
// once: what is called fresh has every entry that was answered for.
func TestStartedServerIsLevelWhenItSaysSo(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 1)
	s := g.Servers[0]
	b := g.Enrol(centre)
	folder := filepath.Join(s.Dir, "register")
	g.Stop(s)
	if err := hub.CopyFolder(folder+".old", folder); err != nil {
		t.Fatal(err)
	}
	g.Start(s)
	g.Leader()
	numbers := fileEntries(t, g, b, 120)
	g.Stop(s)
	if err := errors.Join(os.RemoveAll(folder), os.Rename(folder+".old", folder)); err != nil {
		t.Fatal(err)
	}
	g.Start(s)
	g.Wait("a fresh answer", func() bool { _, behind := s.Hub.Fresh(t.Context()); return !behind })
	once(t, s.Hub.Register(), numbers)
}

// TestDamagedRegisterIsMadeAgain damages a server's register, or has the scrub have
// found it so: while the log holds every entry it is made again from there, equal to
// the last bit. Once a marker stands for the first entries, the server refuses.
func TestDamagedRegisterIsMadeAgain(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 1)
	s := g.Servers[0]
	b := g.Enrol(centre)
	numbers := b.File(20)
	drain(t, g, b, s.Addr)
	_, digest := g.Agree()
	cut := func() error {
		tables, err := filepath.Glob(filepath.Join(s.Dir, "register", "*", "*.sst"))
		if err != nil || len(tables) == 0 {
			return fmt.Errorf("tables %v, %w", tables, err)
		}
		return os.Truncate(tables[0], 300)
	}
	note := filepath.Join(s.Dir, "raft", "register.doubted")
	for name, damage := range map[string]func() error{
		"a table is cut": cut,
		"the scrub":      func() error { return os.WriteFile(note, nil, 0o600) },
	} {
		g.Stop(s)
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		g.Start(s)
		g.Wait("the log to be applied again", func() bool { return !s.Hub.Status().Replaying && s.Hub.Register().Applied() > 0 })
		if _, got := g.Agree(); got != digest {
			t.Errorf("%s: the register is %v, was %v", name, got, digest)
		}
		once(t, s.Hub.Register(), numbers)
		for path, want := range map[string]bool{note: false, filepath.Join(s.Dir, "register.damaged"): true} {
			if _, err := os.Stat(path); (err == nil) != want {
				t.Errorf("%s: %s: %v", name, path, err)
			}
		}
	}
	if err := s.Hub.Snapshot(); err != nil {
		t.Fatal(err)
	}
	g.Stop(s)
	if err := cut(); err != nil {
		t.Fatal(err)
	}
	if err := s.TryStart(); !errors.Is(err, fault.Damaged) || !strings.Contains(err.Error(), "join again") {
		t.Errorf("with a marker: %v; want damaged, with the remedy", err)
	}
}

func TestAlteredRaftLogIsRefusedByName(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 1)
	s := g.Servers[0]
	b := g.Enrol(centre)
	b.File(50)
	drain(t, g, b, s.Addr)
	_, digest := g.Agree()
	g.Stop(s)
	segments, err := filepath.Glob(filepath.Join(s.Dir, "raft", "log", "*"))
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, name := range segments {
		whole, err := os.ReadFile(name)
		if err != nil || len(whole) == 0 || filepath.Base(name) == "HEAD" {
			continue
		}
		used := bytes.Index(whole, make([]byte, 4096)) // Behind it nothing is kept yet.
		for i := range 6 {
			at := used * i / 6
			bad := append([]byte(nil), whole...)
			bad[at] ^= 0x40
			if err := os.WriteFile(name, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			err := s.TryStart()
			switch {
			case err == nil: // It may lie where nothing is kept.
				g.Wait("the register", func() bool { return s.Hub.Register().Applied() > 0 })
				if _, got := s.Hub.Register().Digest(); got != digest {
					t.Errorf("%s, byte %d: the register differs and nobody says so", filepath.Base(name), at)
				}
				if err := s.Hub.Snapshot(); err != nil && !errors.Is(err, fault.Unavailable) {
					t.Error(err)
				}
				g.Stop(s)
			case errors.Is(err, fault.Damaged) && strings.Contains(err.Error(), "join again"):
				refused++
			default:
				t.Errorf("%s, byte %d: %v; want damaged, with the remedy", filepath.Base(name), at, err)
			}
			if err := os.WriteFile(name, whole, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if refused == 0 {
		t.Error("no flip was refused")
	}
}

func TestAddressChanges(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	moved := g.Follower()
	g.Stop(moved)
	moved.Addr = "127.0.0.1:0"
	g.Start(moved)
	moved.Addr = moved.Hub.Addr().String()
	g.Wait("the new address", func() bool {
		for _, m := range g.Leader().Hub.Members() {
			if m.Address == moved.Addr {
				return true
			}
		}
		return false
	})
	b := g.Enrol(centre)
	numbers := b.File(5)
	drain(t, g, b, moved.Addr)
	g.Agree()
	once(t, moved.Hub.Register(), numbers)
}

func TestRecoverFromTheLastServer(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	b := g.Enrol(centre)
	numbers := b.File(30)
	drain(t, g, b, g.Servers[0].Addr)
	g.Agree()
	last := g.Servers[1]
	id := last.Hub.Status().Server
	for _, s := range g.Servers {
		g.Stop(s)
	}
	for _, bad := range []string{`[]`, `{}`, `[{"id":"s-1","address":"a:1"}]`, `[{"id":"` + id + `","address":"x","non_voter":true}]`, `[{"id":"` + id + `","address":""}]`} {
		if _, err := hub.Recover(last.Dir, []byte(bad)); !errors.Is(err, fault.Invalid) {
			t.Errorf("peers %s: got %v; want invalid", bad, err)
		}
	}
	backup, err := hub.Recover(last.Dir, []byte(`[{"id":"`+id+`","address":"`+last.Addr+`"}]`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(backup, "server.key")); err != nil {
		t.Error(err)
	}
	if _, err := hub.Recover(last.Dir, []byte(`[{"id":"`+id+`","address":"`+last.Addr+`"}]`)); !errors.Is(err, fault.Conflict) {
		t.Errorf("over an older copy: got %v; want conflict", err)
	}
	g.Start(last)
	g.Leader()
	numbers = append(numbers, b.File(5)...)
	drain(t, g, b, last.Addr)
	once(t, last.Hub.Register(), numbers)
}

// TestALoneRegisterThatWasPutBackIsNamed: the folder of a district's only server is put back from
// a copy of before it told a box something. At the box's next session it is said aloud, and again
// once the register has told it something else at that place; where nothing is missing it is not.
func TestALoneRegisterThatWasPutBackIsNamed(t *testing.T) {
	t.Parallel()
	var said spoken
	g := hubtest.With(t, hubtest.Options{Voters: 1, Tune: func(_ int, c *hub.Config) { c.Logger = slog.New(slog.NewTextHandler(&said, nil)) }})
	s, b := g.Servers[0], g.Enrol(centre)
	hears := func(n int) {
		b.File(n)
		ctx, cancel := context.WithCancel(t.Context())
		wait := b.Sync(ctx, s.Addr)
		defer wait()
		defer cancel()
		g.Wait("the box to hear all", func() bool {
			at, err := s.Hub.Register().LogHead(s.Hub.Register().Inbox(centre))
			return err == nil && b.Acked() == b.Filed() && b.Reaches(protocol.Inbox) >= at.Seq
		})
	}
	hears(2)
	g.Stop(s)
	older := filepath.Join(t.TempDir(), "older")
	if err := hub.CopyFolder(older, s.Dir); err != nil {
		t.Fatal(err)
	}
	g.Start(s)
	hears(2)
	if n := said.times(hub.OlderRegister); n != 0 {
		t.Errorf("it is said %d times that a register is older which is not", n)
	}
	g.Stop(s)
	if err := errors.Join(os.RemoveAll(s.Dir), os.Rename(older, s.Dir)); err != nil {
		t.Fatal(err)
	}
	g.Start(s)
	g.Leader()
	ctx, cancel := context.WithCancel(t.Context())
	wait := b.Sync(ctx, s.Addr)
	g.Wait("it to be said", func() bool { return said.times(hub.OlderRegister) > 0 })
	g.Wait("the register to speak of the same again", func() bool {
		at, err := s.Hub.Register().LogHead(s.Hub.Register().Inbox(centre))
		return err == nil && at.Seq >= b.Reaches(protocol.Inbox)
	})
	cancel()
	wait()
	before := said.times(hub.OlderRegister)
	ctx, cancel = context.WithCancel(t.Context())
	wait = b.Sync(ctx, s.Addr)
	g.Wait("it to be said again", func() bool { return said.times(hub.OlderRegister) > before })
	cancel()
	wait()
}

// spoken is a log that is read while it is written.
type spoken struct {
	mu   sync.Mutex // Guards text.
	text bytes.Buffer
}

func (s *spoken) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *spoken) times(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), what)
}
