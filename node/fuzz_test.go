package node

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"kendro/domain/fault"
	"kendro/protocol"
)

// TestFlippedKeys flips every byte of what enrolment left: never another key,
// never silence.
func TestFlippedKeys(t *testing.T) {
	dir := t.TempDir()
	if _, err := makeKeyring(dir); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, keysFile)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		bad := append([]byte{}, whole...)
		bad[i] ^= 1
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openKeyring(dir); !errors.Is(err, fault.Damaged) {
			t.Fatalf("byte %d flipped: %v; want damaged", i, err)
		}
		if _, err := makeKeyring(dir); !errors.Is(err, fault.Damaged) {
			t.Fatalf("byte %d flipped: new keys were drawn over old ones: %v", i, err)
		}
	}
}

// FuzzKept reads arbitrary bytes as a file of the node's folder.
func FuzzKept(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 40))
	name := filepath.Join(f.TempDir(), "kept")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		var e protocol.Enrolment
		if err := readKept(name, &e); !errors.Is(err, fault.Damaged) {
			t.Fatalf("%x: %v; want damaged", b, err)
		}
	})
}
