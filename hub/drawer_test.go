package hub

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"kendro/domain/fault"
	"kendro/store"
)

// TestDrawer: what is saved is there after a restart, sealed, and what somebody altered or put under
// another name is not taken for it.
func TestDrawer(t *testing.T) {
	dir := t.TempDir()
	open := func(name string) *Drawer {
		v, err := store.OpenVault(filepath.Join(dir, "vault"))
		if err != nil {
			t.Fatal(err)
		}
		return &Drawer{filepath.Join(dir, name), v}
	}
	d := open("calls")
	if b, err := d.Load(); b != nil || err != nil {
		t.Fatalf("an empty one: got %q, %v", b, err)
	}
	for _, b := range []string{"first", "second"} {
		if err := d.Save([]byte(b)); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := open("calls").Load(); string(b) != "second" || err != nil {
		t.Errorf("after a restart: got %q, %v", b, err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil || bytes.Contains(raw, []byte("second")) {
		t.Errorf("it lies in clear on the disk, %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "other"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open("other").Load(); !errors.Is(err, fault.Damaged) {
		t.Errorf("under another name: got %v; want damaged", err)
	}
	raw[len(raw)-1] ^= 1
	if err := os.WriteFile(filepath.Join(dir, "calls"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open("calls").Load(); !errors.Is(err, fault.Damaged) {
		t.Errorf("altered: got %v; want damaged", err)
	}
}
