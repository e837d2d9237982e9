package box

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"kendro/domain/fault"
	"kendro/internal/nodetest"
	"kendro/protocol"
)

// written returns the segments of a journal and how many bytes of each are in use.
func written(t *testing.T, dir string) map[string]int {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil || len(list) == 0 {
		t.Fatalf("no segment in %s: %v", dir, err)
	}
	used := map[string]int{}
	for _, name := range list {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		end := len(b) - 128 // The header is there again at the end.
		for end > 0 && b[end-1] == 0 {
			end--
		}
		used[name] = end
	}
	return used
}

func flipAt(t *testing.T, name string, at int) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	_, err = f.ReadAt(b[:], int64(at))
	b[0] ^= 0x40
	if err == nil {
		_, err = f.WriteAt(b[:], int64(at))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// fetch hands over again what the box asks for.
func (c *counter) fetch() {
	c.tb.Helper()
	for _, l := range []*nodetest.Log{c.d.Catalogue, c.d.Inbox} {
		if c.Held()[l.ID] != l.Head().At {
			c.deliver(l)
		}
	}
	waitFor(c.tb, "intake to open", func() bool { return c.Blockers().Closed() == nil })
	c.refetched()
	if c.Blockers().Standing(InboxIncomplete) {
		c.tb.Fatalf("still waits for what came again: %v, holds %v", c.wanted(), c.Held())
	}
}

// ageless is everything that the box answers but for when it last heard of it.
func (c *counter) ageless() map[protocol.Number]Case {
	c.tb.Helper()
	all := c.everything()
	for n, one := range all {
		one.AsOf = nodetest.Start
		all[n] = one
	}
	return all
}

func (c *counter) wantAgeless(when string, want map[protocol.Number]Case) {
	c.tb.Helper()
	if got := c.ageless(); !reflect.DeepEqual(got, want) {
		c.tb.Fatalf("%s: %d answers, and they differ from the %d before", when, len(got), len(want))
	}
}

// TestDamagedInbox alters journal/in in every way. The box opens, says what it
// lacks, and asks for no more than is gone; with that it answers as before.
func TestDamagedInbox(t *testing.T) {
	t.Parallel()
	c, _ := filled(t)
	want := c.ageless()
	heads := c.Held()
	r := rand.New(rand.NewPCG(3, 4))
	dir := filepath.Join(c.dir, "journal", "in")
	whole := filepath.Join(t.TempDir(), "whole")
	c.stop()
	copyTree(t, dir, whole)
	lost := 0
	for round := range 12 {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		copyTree(t, whole, dir)
		for name, used := range written(t, dir) {
			at := 128 + r.IntN(used-128)
			var err error
			switch round % 6 {
			case 0:
				err = os.Truncate(name, int64(at))
			case 1:
				err = os.Remove(name)
			default:
				flipAt(t, name, at)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		c.start()
		for log, at := range c.Held() {
			if at.Seq > heads[log].Seq || at.Seq == heads[log].Seq && at != heads[log] {
				t.Fatalf("round %d: %s is at %v; was at %v", round, log, at, heads[log])
			}
		}
		if c.Held()[c.d.Inbox.ID] != heads[c.d.Inbox.ID] || c.Held()[c.d.Catalogue.ID] != heads[c.d.Catalogue.ID] {
			lost++
		}
		c.fetch()
		c.wantAgeless("after damage in journal/in", want)
		c.stop()
		c.start() // It keeps what it has mended.
		c.wantAgeless("after another start", want)
		c.stop()
	}
	if lost == 0 {
		t.Fatal("nothing was ever lost: the test alters nothing")
	}
}

// TestInboxMendedAtWork damages journal/in under a running box: the scrub mends it
// and asks the session to begin again.
func TestInboxMendedAtWork(t *testing.T) {
	t.Parallel()
	c, _ := filled(t)
	want := c.ageless()
	for name, used := range written(t, filepath.Join(c.dir, "journal", "in")) {
		flipAt(t, name, used/2)
	}
	if err := c.Scrub(context.Background()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.SetBack():
	default:
		t.Fatal("the session was not told")
	}
	c.fetch()
	c.wantAgeless("after the scrub", want)
	c.restart()
	c.wantAgeless("after a start", want)
}

// TestDamagedOwnIsNamed damages a record of journal/own under a running box: the
// scrub names it, and everything else goes on.
func TestDamagedOwnIsNamed(t *testing.T) {
	t.Parallel()
	c, _ := filled(t)
	for name, used := range written(t, filepath.Join(c.dir, "journal", "own")) {
		flipAt(t, name, used/2)
	}
	if err := c.Scrub(context.Background()); !errors.Is(err, fault.Damaged) {
		t.Fatalf("the scrub says %v; want damaged", err)
	}
	if !c.Blockers().Standing(JournalDamaged) || c.Blockers().Closed() != nil {
		t.Fatalf("blockers %v; want %s, and an open counter", c.Blockers().List(), JournalDamaged)
	}
	c.file(500)
}
