//go:build fault

package desk

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestADropIsCounted builds the register anew with a fault in it, which passes one
// event over, and wants the healthy test to fail with a count of 1.
func TestADropIsCounted(t *testing.T) {
	name, err := filepath.Abs(dropIn)
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(source), dropAt) != 1 {
		t.Fatalf("%s has changed: plant the fault anew", name)
	}
	dir := t.TempDir()
	changed, overlay := filepath.Join(dir, "attempt.go"), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {name: changed}})
	if err != nil {
		t.Fatal(err)
	}
	faulty := strings.Replace(string(source), dropAt, "if t.it.Seq == 2 {\n\t\treturn\n\t}\n\t"+dropAt, 1)
	for path, b := range map[string][]byte{changed: []byte(faulty), overlay: list} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("go", "test", "-count=1", "-overlay", overlay, "-run", "^TestNothingIsDroppedSilently$", ".").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "kendro_silent_drops 1; want 0") {
		t.Errorf("with a fault planted: %v\n%s", err, out)
	}
}
