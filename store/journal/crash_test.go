package journal

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

var long = flag.Bool("long", false, "run the crash, flip and kill tests many times over")

// span is one call in a recording: the steps it took lie in [from, to).
type span struct {
	from, to      int
	before, after model
}

// record runs random calls and keeps every step.
func record(t *testing.T, seed uint64, calls int) ([]step, []span) {
	t.Helper()
	d := &testDisk{record: true}
	o := testOptions()
	o.Disk = d
	if d.direct = seed%2 == 1; d.direct {
		o.SegmentBytes = 4 * directBlock // In the last block nothing is written directly.
	}
	j, _ := mustOpen(t, t.TempDir(), o)
	rnd := rand.New(rand.NewPCG(seed, 4))
	m := model{first: 1}
	var spans []span
	for range calls {
		a := m.draw(rnd)
		from := d.at()
		if err := a.run(j); err != nil {
			t.Fatalf("%s: %v", a.name, err)
		}
		spans = append(spans, span{from, d.at(), m, a.next})
		m = a.next
	}
	steps := d.taken() // The journal may be preparing a segment meanwhile.
	mustClose(t, j)
	return steps, spans
}

// A power cut at any step, with any part of what was not synced lost: everything
// acknowledged is there, and the call it interrupted happened wholly or not.
func TestPowerCut(t *testing.T) {
	recordings, cuts := 20, 30
	if *long {
		recordings = 500
	}
	runs, undecided := 0, 0
	for seed := range uint64(recordings) {
		steps, spans := record(t, seed, 40)
		rnd := rand.New(rand.NewPCG(seed, 5))
		for range cuts {
			n := rnd.IntN(len(steps) + 1)
			dir := t.TempDir()
			cutPower(t, rnd, steps, n, dir)
			held := []model{{first: 1}}
			for _, s := range spans {
				if s.to <= n {
					held = []model{s.after}
				} else if s.from < n {
					held = []model{s.before, s.after}
					undecided++
				}
			}
			afterCut(t, dir, fmt.Sprintf("seed %d, cut at %d of %d", seed, n, len(steps)), held)
			runs++
		}
	}
	t.Logf("%d power cuts, %d of them inside a call", runs, undecided)
	if runs < 500 || undecided < runs/10 {
		t.Error("too few to mean anything")
	}
}

func afterCut(t *testing.T, dir, what string, held []model) {
	t.Helper()
	if _, err := Verify(dir, testOptions()); err != nil {
		t.Fatalf("%s: Verify: %v", what, err)
	}
	j, r, err := Open(dir, testOptions())
	if err != nil || r.Behind || r.HeadMissing {
		t.Fatalf("%s: %+v, %v", what, r, err)
	}
	m := isOneOf(t, j, held...)
	a := m.drawAppend(rand.New(rand.NewPCG(1, 1)))
	if err := a.run(j); err != nil {
		t.Fatalf("%s: append: %v", what, err)
	}
	if err := j.Close(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	j, r, err = Open(dir, testOptions())
	if err != nil || r.TornBytes > 0 || r.Advanced {
		t.Fatalf("%s: second open: %+v, %v", what, r, err)
	}
	isOneOf(t, j, a.next)
	if err := j.Close(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// A child process appends and says what was acknowledged until it is killed.
func TestKill(t *testing.T) {
	if os.Getenv("KENDRO_JOURNAL_CHILD") != "" {
		child()
	}
	runs := 20
	if *long {
		runs = 200
	}
	rnd := rand.New(rand.NewPCG(6, 6))
	total := uint64(0)
	for range runs {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), "KENDRO_JOURNAL_CHILD="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acked := readAcks(t, bufio.NewReader(out), 20+rnd.Uint64N(300), cmd.Process.Kill)
		_ = cmd.Wait() // Killed: its status says so.
		j, r, err := Open(dir, testOptions())
		if err != nil || r.Behind || r.HeadMissing {
			t.Fatalf("after kill: %+v, %v", r, err)
		}
		if j.Last() < acked || j.Last() > acked+16 {
			t.Errorf("last is %d with %d acknowledged", j.Last(), acked)
		}
		n := uint64(0)
		err = j.Scan(0, func(seq uint64, record []byte) error {
			if n++; seq != n || !bytes.Equal(record, childRecord(record)) {
				return fmt.Errorf("record %d is not what was appended", seq)
			}
			return nil
		})
		if err != nil || n != j.Last() {
			t.Errorf("scan: %d of %d, %v", n, j.Last(), err)
		}
		mustClose(t, j)
		total += acked
	}
	t.Logf("%d kills, %d acknowledged records, none lost", runs, total)
}

// readAcks reads acknowledged sequences until want of them came, then kills and
// reads what was still said.
func readAcks(t *testing.T, out *bufio.Reader, want uint64, kill func() error) (acked uint64) {
	t.Helper()
	killed := false
	count := uint64(0)
	for {
		line, err := out.ReadString('\n')
		var seq uint64
		if _, e := fmt.Sscanf(line, "ack %d\n", &seq); err == nil && e == nil {
			acked = max(acked, seq)
			count++
		}
		if err != nil {
			return acked
		}
		if count >= want && !killed {
			killed = true
			if err := kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// child appends from four goroutines until it is killed. It never returns.
func child() {
	o := testOptions()
	o.Disk, o.SegmentBytes, o.HeadEvery = nil, 64<<10, 5*time.Millisecond
	j, _, err := Open(os.Getenv("KENDRO_JOURNAL_CHILD"), o)
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), uint64(time.Now().UnixNano())))
			for {
				head := binary.LittleEndian.AppendUint64(nil, rnd.Uint64())
				seq, err := j.Append(childRecord(head), childRecord(head))
				if err != nil {
					fmt.Println("append:", err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Printf("ack %d\n", seq+1)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// childRecord is the record that begins with these eight bytes.
func childRecord(head []byte) []byte {
	if len(head) < 8 {
		return nil
	}
	seed := binary.LittleEndian.Uint64(head)
	rnd := rand.New(rand.NewPCG(seed, 8))
	b := binary.LittleEndian.AppendUint64(nil, seed)
	for range rnd.IntN(700) {
		b = append(b, byte(rnd.Uint32()))
	}
	return b
}
