package hub

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/pack/bd"
)

// TestKeysLieTwice damages either copy of a server's keys, and takes one away: the other
// counts, and both are as they were after a start.
func TestKeysLieTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Init(dir, InitOptions{District: "41", Pack: bd.Pack(), Clock: time.Now}); err != nil {
		t.Fatal(err)
	}
	names := []string{filepath.Join(dir, keyringFile), filepath.Join(dir, secondFile)}
	whole, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(whole)
	bad[len(bad)/2] ^= 1
	for _, name := range names {
		for what, hurt := range map[string]func() error{
			"altered": func() error { return os.WriteFile(name, bad, 0o600) },
			"cut":     func() error { return os.Truncate(name, 40) },
			"gone":    func() error { return os.Remove(name) },
		} {
			if err := hurt(); err != nil {
				t.Fatal(err)
			}
			in, err := Inspect(dir)
			if err != nil || len(in.Damage) > 0 || len(in.Notes) != 1 || !strings.HasPrefix(in.Notes[0], filepath.Base(name)+" ") {
				t.Errorf("%s %s: inspected as %+v, %v", filepath.Base(name), what, in, err)
			}
			var said bytes.Buffer
			h, err := Open(Config{Dir: dir, Listen: "127.0.0.1:0", HTTP: "127.0.0.1:0", Clock: time.Now, Logger: slog.New(slog.NewTextHandler(&said, nil))})
			if err != nil {
				t.Fatalf("%s %s: %v", filepath.Base(name), what, err)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
			if want := "file=" + filepath.Base(name) + " "; strings.Count(said.String(), want) != 1 {
				t.Errorf("%s %s: the start said %q; want it named once", filepath.Base(name), what, said.String())
			}
			for _, again := range names {
				if b, err := os.ReadFile(again); err != nil || !bytes.Equal(b, whole) {
					t.Errorf("%s %s: afterwards %s is not as it was: %v", filepath.Base(name), what, filepath.Base(again), err)
				}
			}
		}
	}
	for _, name := range names {
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(Config{Dir: dir, Listen: "127.0.0.1:0", Clock: time.Now}); !errors.Is(err, fault.Damaged) {
		t.Errorf("both altered: %v; want damaged", err)
	}
}

// TestLostKeysAreDamage: a server whose keys are gone and whose records are here was
// not merely never founded.
func TestLostKeysAreDamage(t *testing.T) {
	dir := t.TempDir()
	open := func() error {
		_, err := Open(Config{Dir: dir, Listen: "127.0.0.1:0", HTTP: "127.0.0.1:0", Clock: time.Now, Logger: slog.New(slog.DiscardHandler)})
		return err
	}
	if err := open(); !errors.Is(err, fault.NotFound) {
		t.Errorf("an empty folder: %v; want not found", err)
	}
	if err := os.Mkdir(filepath.Join(dir, raftFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := open(); !errors.Is(err, fault.Damaged) || !strings.Contains(err.Error(), "put the file back") {
		t.Errorf("without its keys: %v; want damaged, with the remedy", err)
	}
}
