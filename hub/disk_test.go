package hub

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/store/journal"
)

func testLog(t *testing.T, dir string) *raftLog {
	t.Helper()
	j, _, err := journal.Open(dir, journal.Options{SegmentBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	return &raftLog{journal: j, step: func(string) {}, fail: func(err error) { t.Errorf("failed: %v", err) }}
}

func entries(from, to, term uint64) (list []*raft.Log) {
	for i := from; i <= to; i++ {
		list = append(list, &raft.Log{Index: i, Term: term, Type: raft.LogCommand, Data: fmt.Appendf(nil, "entry %d of term %d", i, term), AppendedAt: time.Unix(0, int64(i))})
	}
	return list
}

func TestRaftLog(t *testing.T) {
	dir := t.TempDir()
	l := testLog(t, dir)
	bounds := func(first, last uint64) {
		t.Helper()
		f, err1 := l.FirstIndex()
		n, err2 := l.LastIndex()
		if f != first || n != last || err1 != nil || err2 != nil {
			t.Errorf("bounds = %d-%d, %v %v; want %d-%d", f, n, err1, err2, first, last)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	bounds(0, 0)
	must(l.StoreLogs(entries(1, 100, 1)))
	bounds(1, 100)
	must(l.DeleteRange(1, 40))
	bounds(41, 100)
	must(l.DeleteRange(90, 100))
	bounds(41, 89)
	must(l.StoreLogs(entries(90, 95, 2)))
	if err := l.StoreLogs(entries(99, 99, 2)); !errors.Is(err, fault.Internal) {
		t.Errorf("a gap: got %v; want an internal error", err)
	}
	if err := l.DeleteRange(50, 60); !errors.Is(err, fault.Internal) {
		t.Errorf("a hole: got %v; want an internal error", err)
	}
	must(l.journal.Close())
	l = testLog(t, dir)
	bounds(41, 95)
	var e raft.Log
	must(l.GetLog(92, &e))
	if want := entries(92, 92, 2)[0]; e.Index != 92 || e.Term != 2 || !bytes.Equal(e.Data, want.Data) || !e.AppendedAt.Equal(want.AppendedAt) {
		t.Errorf("entry 92 = %+v; want %+v", e, want)
	}
	for _, gone := range []uint64{40, 96} {
		if err := l.GetLog(gone, &e); !errors.Is(err, raft.ErrLogNotFound) {
			t.Errorf("entry %d: got %v; want not found", gone, err)
		}
	}
	must(l.DeleteRange(41, 95))
	bounds(0, 0)
	must(l.StoreLogs(entries(1000, 1010, 3))) // As after a snapshot.
	bounds(1000, 1010)
	must(l.journal.Close())
}

func TestLargeEntriesTakeSeveralSyncs(t *testing.T) {
	l := testLog(t, t.TempDir())
	list := entries(1, 40, 1)
	for _, e := range list {
		e.Data = bytes.Repeat([]byte{byte(e.Index)}, 700<<10)
	}
	if err := l.StoreLogs(list); err != nil {
		t.Fatal(err)
	}
	var e raft.Log
	if err := l.GetLog(40, &e); err != nil || !bytes.Equal(e.Data, list[39].Data) {
		t.Errorf("entry 40: %v", err)
	}
	if err := l.journal.Close(); err != nil {
		t.Fatal(err)
	}
}

func FuzzEntry(f *testing.F) {
	for _, e := range entries(1, 2, 7) {
		f.Add(encodeEntry(e))
	}
	f.Add(encodeEntry(&raft.Log{Type: raft.LogConfiguration, Extensions: []byte("x")}))
	f.Add([]byte{entryFormat, 0, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) {
		var e raft.Log
		if decodeEntry(b, &e) != nil {
			return
		}
		var again raft.Log
		if err := decodeEntry(encodeEntry(&e), &again); err != nil || again.Term != e.Term || again.Type != e.Type ||
			!bytes.Equal(again.Data, e.Data) || !bytes.Equal(again.Extensions, e.Extensions) || !again.AppendedAt.Equal(e.AppendedAt) {
			t.Errorf("%+v became %+v, %v", e, again, err)
		}
	})
}

func FuzzVotes(f *testing.F) {
	f.Add(encodeVotes(3, map[string][]byte{"CurrentTerm": {1}}))
	f.Add([]byte(votesMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if counter, values, ok := decodeVotes(b); ok {
			if again, _, ok := decodeVotes(encodeVotes(counter, values)); !ok || again != counter {
				t.Errorf("%d %v does not survive", counter, values)
			}
		}
	})
}

func TestVotesSurviveAnyOneByte(t *testing.T) {
	dir := t.TempDir()
	fail := func(err error) { t.Errorf("failed: %v", err) }
	v, fresh, err := openVotes(dir, fail)
	if err != nil || !fresh || !v.empty() {
		t.Fatalf("openVotes: fresh %v, %v", fresh, err)
	}
	if _, err := v.Get([]byte("x")); err == nil || err.Error() != "not found" {
		t.Errorf(`a missing key: got %v; want the text "not found"`, err)
	}
	for i := range uint64(5) {
		if err := errors.Join(v.SetUint64([]byte("CurrentTerm"), i), v.Set([]byte("LastVoteCand"), []byte("s-1"))); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "votes")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += 7 {
		bad := bytes.Clone(whole)
		bad[at] ^= 0x10
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		v, fresh, err := openVotes(dir, fail)
		if err != nil || fresh {
			t.Fatalf("byte %d: fresh %v, %v", at, fresh, err)
		}
		term, err1 := v.GetUint64([]byte("CurrentTerm"))
		vote, err2 := v.Get([]byte("LastVoteCand"))
		if term != 4 || string(vote) != "s-1" || err1 != nil || err2 != nil {
			t.Errorf("byte %d: term %d, vote %q, %v %v; want what was written", at, term, vote, err1, err2)
		}
		if err := v.close(); err != nil {
			t.Fatal(err)
		}
	}
	both := bytes.Clone(whole)
	both[30], both[votesStride+30] = both[30]^1, both[votesStride+30]^1
	if err := os.WriteFile(name, both, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := openVotes(dir, fail); !errors.Is(err, fault.Damaged) {
		t.Errorf("both copies altered: got %v; want damaged", err)
	}
}

func TestTornVoteLeavesTheOneBefore(t *testing.T) {
	dir := t.TempDir()
	v, _, err := openVotes(dir, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.SetUint64([]byte("CurrentTerm"), 7); err != nil {
		t.Fatal(err)
	}
	slot := encodeVotes(v.counter+1, map[string][]byte{"CurrentTerm": {0, 0, 0, 0, 0, 0, 0, 8}})
	if _, err := v.file.WriteAt(slot[:40], 0); err != nil { // Power fails here.
		t.Fatal(err)
	}
	if err := v.close(); err != nil {
		t.Fatal(err)
	}
	v, _, err = openVotes(dir, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := v.GetUint64([]byte("CurrentTerm")); n != 7 || err != nil {
		t.Errorf("term = %d, %v; want 7", n, err)
	}
	if err := v.close(); err != nil {
		t.Fatal(err)
	}
}

func TestMarkerIsRefusedWhenAltered(t *testing.T) {
	dir := t.TempDir()
	if m, err := readMarker(dir); m != nil || err != nil {
		t.Fatalf("no marker: got %v, %v", m, err)
	}
	want := &marker{Index: 9, Term: 2, Applied: 8, Generation: 1, Members: []byte("x")}
	if err := writeSummed(markerName(dir), want); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(markerName(dir))
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		bad := bytes.Clone(whole)
		bad[at] ^= 4
		if err := os.WriteFile(markerName(dir), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readMarker(dir); !errors.Is(err, fault.Damaged) {
			t.Errorf("byte %d: got %v; want damaged", at, err)
		}
	}
	for _, cut := range [][]byte{nil, whole[:10], whole[:len(whole)-1]} {
		if err := os.WriteFile(markerName(dir), cut, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readMarker(dir); !errors.Is(err, fault.Damaged) {
			t.Errorf("%d bytes: got %v; want damaged", len(cut), err)
		}
	}
}

// neverOpens stands in where no block is opened.
type neverOpens struct{}

func (neverOpens) Open(*protocol.Block, *protocol.Epoch) ([]protocol.Item, error) {
	return nil, fault.New("test", fault.Damaged, "", "")
}

func testDisk(t *testing.T, dir string) (*disk, error) {
	t.Helper()
	return openDisk(diskOptions{dir: dir, opener: neverOpens{}, fail: func(error) {}})
}

// TestWhatASecondCopyMadeGoodIsLogged flips a byte in one slot of HEAD and in one
// copy of the votes: nothing is lost, and the log says so once.
func TestWhatASecondCopyMadeGoodIsLogged(t *testing.T) {
	dir := t.TempDir()
	for round, want := range [][]string{nil, {"HEAD", "votes"}, nil} {
		var text bytes.Buffer
		d, err := openDisk(diskOptions{dir: dir, opener: neverOpens{}, fail: func(error) {}, logger: slog.New(slog.NewTextHandler(&text, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(text.String(), "the other one counts"); got != len(want) {
			t.Errorf("round %d: %q; want a line on each of %v", round, text.String(), want)
		}
		for _, w := range want {
			if !strings.Contains(text.String(), w) {
				t.Errorf("round %d: %q; want a line on %s", round, text.String(), w)
			}
		}
		if err := errors.Join(d.log.StoreLogs(entries(uint64(round)+1, uint64(round)+1, 1)), d.close()); err != nil {
			t.Fatal(err)
		}
		if round > 0 {
			continue
		}
		for name, at := range map[string]int{"raft/votes": 10, "raft/log/HEAD": 20} {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			b[at] ^= 1
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestPartsThatDontBelongTogether starts from folders of which a part is gone or
// older than the rest.
func TestPartsThatDontBelongTogether(t *testing.T) {
	whole := t.TempDir()
	d, err := testDisk(t, whole)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.found("s-1", "a:1"); err != nil {
		t.Fatal(err)
	}
	data, err := register.EncodeEntry(&register.Entry{At: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i := uint64(2); i <= 20; i++ {
		if err := d.log.StoreLog(&raft.Log{Index: i, Term: 1, Data: data}); err != nil {
			t.Fatal(err)
		}
		d.states.register().Apply(i, 1, data)
	}
	older := filepath.Join(t.TempDir(), "older")
	if err := CopyFolder(older, whole); err != nil {
		t.Fatal(err)
	}
	applied, digest := d.states.register().Digest()
	if err := d.states.register().Sync(); err != nil {
		t.Fatal(err)
	}
	if err := d.states.advance(d.states.register(), marker{Index: 20, Term: 1, Members: raft.EncodeConfiguration(raft.Configuration{}), MembersAt: 1, Applied: applied, Digest: digest}); err != nil {
		t.Fatal(err)
	}
	if err := d.log.DeleteRange(1, 15); err != nil {
		t.Fatal(err)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	from := func(src, part string) func(dir string) error {
		return func(dir string) error {
			err := os.RemoveAll(filepath.Join(dir, part))
			if src != "" {
				err = errors.Join(err, CopyFolder(filepath.Join(dir, part), filepath.Join(src, part)))
			}
			return err
		}
	}
	for _, c := range []struct {
		name   string
		change func(dir string) error
		starts bool
	}{
		{"untouched", func(string) error { return nil }, true},
		{"votes gone", func(dir string) error { return os.Remove(filepath.Join(dir, "raft/votes")) }, false},
		{"log gone", from("", "raft/log"), false},
		{"HEAD gone", func(dir string) error { return os.Remove(filepath.Join(dir, "raft/log/HEAD")) }, false},
		{"marker gone", func(dir string) error { return os.Remove(markerName(filepath.Join(dir, "raft"))) }, false},
		{"register gone", from("", "register"), false},
		{"spool half-made", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "raft/spool/spool-9-99"), []byte("half"), 0o600)
		}, true},
		{"generation half-made", func(dir string) error { return os.MkdirAll(filepath.Join(dir, "register/00000002"), 0o700) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "d")
			if err := errors.Join(CopyFolder(dir, whole), c.change(dir)); err != nil {
				t.Fatal(err)
			}
			d, err := testDisk(t, dir)
			if c.starts != (err == nil) {
				t.Errorf("openDisk: %v; want it to start: %v", err, c.starts)
			}
			if err != nil && (!errors.Is(err, fault.Damaged) || !bytes.Contains([]byte(err.Error()), []byte("join again"))) {
				t.Errorf("got %v; want damaged, with the remedy", err)
			}
			if err == nil {
				if err := d.close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestDefectStopsTheServer(t *testing.T) {
	d, err := testDisk(t, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	grew := 0
	m := &machine{
		states: d.states, grown: func(*register.Outcome) { grew++ }, fail: func(err error) { failed = err }, log: slog.New(slog.DiscardHandler),
	}
	good, err := register.EncodeEntry(&register.Entry{At: 1})
	if err != nil {
		t.Fatal(err)
	}
	answers := m.ApplyBatch([]*raft.Log{
		{Index: 1, Term: 1, Type: raft.LogConfiguration},
		{Index: 2, Term: 1, Data: good},
		{Index: 3, Term: 1, Data: []byte("no entry")},
		{Index: 4, Term: 1, Data: good},
	})
	if out, ok := answers[1].(*register.Outcome); !ok || out.Index != 2 || grew != 1 {
		t.Errorf("the good entry: %v, told %d times; want its outcome, once", answers[1], grew)
	}
	for _, i := range []int{2, 3} {
		if _, ok := answers[i].(error); !ok {
			t.Errorf("entry %d: %v; want an error", i+1, answers[i])
		}
	}
	if !errors.Is(failed, fault.Internal) {
		t.Errorf("the server hears %v; want an internal error", failed)
	}
	if got := d.states.register().Applied(); got != 2 {
		t.Errorf("applied = %d; want 2", got)
	}
	if _, err := m.Snapshot(); err == nil {
		t.Error("a halted server takes a snapshot")
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
}
