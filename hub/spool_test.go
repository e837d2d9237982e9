package hub

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/hub/register"
)

// marked returns a register of 30 entries, its marker, and what is sent of it.
func marked(t *testing.T) (*disk, marker, []byte) {
	t.Helper()
	d, err := testDisk(t, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	data, err := register.EncodeEntry(&register.Entry{At: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(30) {
		d.states.register().Apply(i+1, 1, data)
	}
	applied, digest := d.states.register().Digest()
	if err := d.states.advance(d.states.register(), marker{Index: 30, Term: 1, Members: raft.EncodeConfiguration(raft.Configuration{}), Applied: applied, Digest: digest}); err != nil {
		t.Fatal(err)
	}
	m := d.states.marker()
	_, r, err := d.states.Open(m.id())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return d, m, stream
}

// arrive sends d a snapshot as Raft does, and has it made durable.
func arrive(t *testing.T, d *disk, m marker, stream []byte) error {
	t.Helper()
	k, err := d.states.Create(1, m.Index, m.Term, m.configuration(), m.MembersAt, nil)
	if err != nil {
		t.Fatal(err)
	}
	for b := range slices.Chunk(stream, 1000) {
		if _, err := k.Write(b); err != nil {
			return errors.Join(err, k.Cancel())
		}
	}
	return k.Close()
}

// A snapshot that was complete when the server stopped is installed at the next start;
// where it was damaged since, what there was before goes on.
func TestCompleteSnapshotOutlivesAStop(t *testing.T) {
	from, m, stream := marked(t)
	if err := from.close(); err != nil {
		t.Fatal(err)
	}
	for _, spoil := range []bool{false, true} {
		dir := t.TempDir()
		to, err := testDisk(t, dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(arrive(t, to, m, stream), to.close()); err != nil {
			t.Fatal(err)
		}
		if spoil {
			if err := os.RemoveAll(to.states.generation(2)); err != nil {
				t.Fatal(err)
			}
		}
		if to, err = testDisk(t, dir); err != nil {
			t.Fatal(err)
		}
		if got := to.states.register().Applied(); (got == m.Applied) == spoil {
			t.Errorf("spoilt %v: the register stands at %d; sent was %d", spoil, got, m.Applied)
		}
		if left, err := os.ReadDir(to.states.folders); err != nil || len(left) != 1 {
			t.Errorf("spoilt %v: %v is left (%v)", spoil, left, err)
		}
		if spool, err := to.states.spooled(); err != nil || spool != nil {
			t.Errorf("spoilt %v: a note is left: %v, %v", spoil, spool, err)
		}
		if err := to.close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Of a stream that was altered or cut off, nothing is kept.
func TestAlteredStreamIsNotInstalled(t *testing.T) {
	t.Parallel()
	d, m, stream := marked(t)
	to, err := testDisk(t, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(stream); at += max(len(stream)/60, 1) {
		bad := bytes.Clone(stream)
		bad[at] ^= 1
		if err := arrive(t, to, m, bad); !errors.Is(err, fault.Damaged) {
			t.Errorf("byte %d of %d: got %v; want damaged", at, len(stream), err)
		}
		if err := arrive(t, to, m, stream[:at]); err == nil {
			t.Errorf("cut at byte %d of %d: installed", at, len(stream))
		}
	}
	if to.states.marker().Index != 0 || to.states.register().Applied() != 0 {
		t.Error("a refused stream changed something")
	}
	for range 2 { // The one before is forgotten.
		if err := arrive(t, to, m, stream); err != nil {
			t.Fatal(err)
		}
	}
	if spool, err := to.states.spooled(); err != nil || spool == nil || to.states.install(*spool) != nil {
		t.Fatalf("what arrived is not installed: %v, %v", spool, err)
	}
	if i, got := to.states.register().Digest(); i != m.Applied || got != m.Digest {
		t.Errorf("installed %d, %v; want %d, %v", i, got, m.Applied, m.Digest)
	}
	if err := errors.Join(d.close(), to.close()); err != nil {
		t.Fatal(err)
	}
}

// Raft persists a snapshot beside its state machine, which may install what another server
// sent in between. The marker never goes back behind that.
func TestSlowSnapshotDoesNotOvertakeAnInstall(t *testing.T) {
	t.Parallel()
	from, m, stream := marked(t)
	to, err := testDisk(t, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	data, err := register.EncodeEntry(&register.Entry{At: 1})
	if err != nil {
		t.Fatal(err)
	}
	to.states.register().Apply(1, 1, data)
	for _, persisted := range []bool{true, false} { // When the other one is installed.
		snap, err := (&machine{states: to.states, anew: to.anew}).Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		own, err := to.states.Create(1, 1, 1, raft.Configuration{}, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if persisted {
			err = snap.Persist(own)
		}
		if err := errors.Join(err, arrive(t, to, m, stream)); err != nil {
			t.Fatal(err)
		}
		if spool, err := to.states.spooled(); err != nil || spool == nil || to.states.install(*spool) != nil {
			t.Fatalf("what arrived is not installed: %v, %v", spool, err)
		}
		if !persisted {
			err = snap.Persist(own)
		}
		if err == nil {
			err = own.Close()
		}
		if err == nil {
			t.Error("a snapshot of a register that is gone was taken for one of the new")
		}
		if now := to.states.marker(); now.Index != m.Index || now.Digest != m.Digest {
			t.Errorf("the marker stands at %d; want %d", now.Index, m.Index)
		}
	}
	if err := errors.Join(from.close(), to.close()); err != nil {
		t.Fatal(err)
	}
}

// Another server's register may be installed while this one's is written anew, and while
// the one before is let go of. Neither loses its files under its feet, and none is left.
func TestInstallWhileWrittenAnew(t *testing.T) {
	t.Parallel()
	from, m, stream := marked(t)
	for _, adopted := range []bool{false, true} {
		to, own, _ := marked(t)
		f, err := to.anew.rewrite(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		machine := &machine{states: to.states, anew: to.anew, grown: func(*register.Outcome) {}}
		to.anew.offer(f)
		if adopted {
			if _, err := machine.Snapshot(); err != nil || f.failed != nil {
				t.Fatal(err, f.failed)
			}
		}
		m.Index, m.Term = own.Index+5, 2
		if err := arrive(t, to, m, stream); err != nil {
			t.Fatal(err)
		}
		if spool, err := to.states.spooled(); err != nil || spool == nil || to.states.install(*spool) != nil {
			t.Fatalf("what arrived is not installed: %v, %v", spool, err)
		}
		open := f.generation
		if adopted {
			open = f.was
		}
		if _, err := os.Stat(to.states.generation(open)); err != nil {
			t.Errorf("adopted %v: the files of an open register were removed: %v", adopted, err)
		}
		if adopted {
			err = to.anew.retire(f)
		} else if _, err = machine.Snapshot(); err == nil && f.failed == nil {
			t.Error("a register that was written anew took the place of one from another server")
		}
		if err != nil {
			t.Errorf("adopted %v: %v", adopted, err)
		}
		if left, err := os.ReadDir(to.states.folders); err != nil || len(left) != 1 || left[0].Name() != "0000"+map[bool]string{false: "0002", true: "1002"}[adopted] {
			t.Errorf("adopted %v: %v is left (%v)", adopted, left, err)
		}
		if err := to.close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := from.close(); err != nil {
		t.Fatal(err)
	}
}
