package hub

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"

	"kendro/hub/register"
)

// A register that was found damaged is made again from the log, whenever a kill came
// between the two steps by which it is set aside; and the word that it is damaged says
// nothing of one that another server has sent since.
func TestDoubtedRegisterIsSetAside(t *testing.T) {
	t.Parallel()
	from, m, stream := marked(t)
	if err := from.close(); err != nil {
		t.Fatal(err)
	}
	data, err := register.EncodeEntry(&register.Entry{At: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, killed := range []bool{false, true} {
		dir := t.TempDir()
		d, err := testDisk(t, dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.found("s-1", "a:1"), d.log.StoreLog(&raft.Log{Index: 2, Term: 1, Data: data})); err != nil {
			t.Fatal(err)
		}
		d.states.register().Apply(2, 1, data)
		if err := errors.Join(d.states.doubt(), d.close()); err != nil {
			t.Fatal(err)
		}
		aside := filepath.Join(dir, damagedRegister)
		if killed {
			if err := os.Rename(d.states.generation(1), aside); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if d, err = testDisk(t, dir); err != nil {
				t.Fatalf("killed %v: does not start: %v", killed, err)
			}
			if applied := d.states.register().Applied(); applied != 0 {
				t.Errorf("killed %v: the register that was in doubt stands at %d", killed, applied)
			}
			if left, err := os.ReadDir(aside); err != nil || len(left) == 0 {
				t.Errorf("killed %v: what was set aside is not kept: %v", killed, err)
			}
			if err := d.close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	dir := t.TempDir()
	d, err := testDisk(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.states.doubt(), arrive(t, d, m, stream), d.close()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // It is installed at the first, and opened at the second.
		if d, err = testDisk(t, dir); err != nil {
			t.Fatalf("a sound register is refused for the one before it: %v", err)
		}
		if applied := d.states.register().Applied(); applied != m.Applied {
			t.Errorf("the register stands at %d; want %d", applied, m.Applied)
		}
		if err := d.close(); err != nil {
			t.Fatal(err)
		}
	}
}
