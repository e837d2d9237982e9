package journal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"kendro/domain/fault"
)

// story runs the same calls each time, until one fails. It returns the models
// that the journal may hold: one, or two around the call that failed.
func story(t *testing.T, dir string, o Options, seed uint64, calls int) (held []model, failed error) {
	t.Helper()
	m := model{first: 1}
	j, _, err := Open(dir, o)
	if err != nil {
		return []model{m}, err
	}
	rnd := rand.New(rand.NewPCG(seed, 3))
	held = []model{m}
	for range calls {
		a := m.draw(rnd)
		if err := a.run(j); err != nil {
			held, failed = []model{m, a.next}, fmt.Errorf("%s: %w", a.name, err)
			break
		}
		m = a.next
		held = []model{m}
	}
	if failed != nil && errors.Is(failed, fault.Stopped) {
		staysStopped(t, j)
	}
	if err := j.Close(); failed == nil && err != nil {
		failed = err
	}
	return held, failed
}

// staysStopped checks that nothing is tried again after a failure.
func staysStopped(t *testing.T, j *Journal) {
	t.Helper()
	for name, err := range map[string]error{
		"Append": second(j.Append([]byte("x"))), "Write": second(j.Write([]byte("x"))), "Sync": j.Sync(),
		"Read": second(j.Read(j.First())), "Scan": j.Scan(0, func(uint64, []byte) error { return nil }),
		"DropBefore": j.DropBefore(j.First()), "CutAfter": j.CutAfter(j.Last()), "Reset": j.Reset(9), "Settle": j.Settle(),
	} {
		if !errors.Is(err, fault.Stopped) {
			t.Errorf("%s after a failure = %v; want stopped", name, err)
		}
	}
}

// Every durable step failed before it was kept, after, and half way. The call
// that failed happened wholly or not at all; all others happened.
func TestEveryStepFails(t *testing.T) {
	const calls = 30
	seeds := uint64(1)
	if *long {
		seeds = 20
	}
	steps := map[string]int{}
	for seed := range seeds {
		clean := &testDisk{}
		o := testOptions()
		o.Disk = clean
		if _, err := story(t, t.TempDir(), o, seed, calls); err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= clean.count; n++ {
			for mode := failBefore; mode <= failShort; mode++ {
				d := &testDisk{failAt: n, mode: mode, err: errInjected}
				oneFails(t, seed, calls, d)
				steps[d.failed.kind]++
			}
		}
	}
	t.Logf("failed steps: %v", steps)
	for _, kind := range []string{"create", "write", "sync", "rename", "remove", "syncdir"} {
		if steps[kind] == 0 {
			t.Errorf("no %s failed: the test misses it", kind)
		}
	}
}

func oneFails(t *testing.T, seed uint64, calls int, d *testDisk) {
	t.Helper()
	dir := t.TempDir()
	o := testOptions()
	o.Disk = d
	held, err := story(t, dir, o, seed, calls)
	what := fmt.Sprintf("seed %d, step %d (%s %s), mode %d: %v", seed, d.failAt, d.failed.kind, d.failed.name, d.mode, err)
	if err != nil && !errors.Is(err, errInjected) {
		t.Fatalf("%s: want the injected failure as the cause", what)
	}
	if err != nil && !errors.Is(err, fault.Stopped) {
		t.Errorf("%s: want stopped", what)
	}
	j, r, err := Open(dir, testOptions())
	if err != nil {
		t.Fatalf("%s: reopen: %v", what, err)
	}
	defer j.Close()
	if r.Behind || r.HeadMissing {
		t.Fatalf("%s: reopen: %+v", what, r)
	}
	m := isOneOf(t, j, held...)
	if t.Failed() {
		t.Fatal(what)
	}
	a := m.drawAppend(rand.New(rand.NewPCG(9, 9)))
	if err := a.run(j); err != nil {
		t.Fatalf("%s: append after reopen: %v", what, err)
	}
	isOneOf(t, j, a.next)
}

// A full disk, while the next segment is prepared, refuses and changes nothing;
// when there is room again, the same call works.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	d := &fullDisk{}
	o := testOptions()
	o.Disk = d
	j, _ := mustOpen(t, dir, o)
	m := model{first: 1}
	rnd := rand.New(rand.NewPCG(5, 5))
	refused := 0
	for i := range 120 {
		d.full.Store(i%20 >= 10)
		a := m.drawAppend(rnd)
		switch err := a.run(j); {
		case err == nil:
			m = a.next
		case errors.Is(err, fault.Unavailable) && errors.Is(err, syscall.ENOSPC):
			refused++
			isOneOf(t, j, m)
		default:
			t.Fatal(err)
		}
	}
	if refused == 0 {
		t.Error("nothing was refused: the test tests nothing")
	}
	d.full.Store(false)
	mustClose(t, j)
	j, _ = mustOpen(t, dir, testOptions())
	isOneOf(t, j, m)
}
