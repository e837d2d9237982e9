//go:build fault

package sim

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPlantedFaultsAreFound builds each defect in and has the command find it
// within 200 seeds.
func TestPlantedFaultsAreFound(t *testing.T) {
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range planted {
		t.Run(p.name, func(t *testing.T) {
			bin := build(t, root, p.file, p.texts)
			out, err := exec.Command(bin, "sim", "district", "--seeds", "200", "--workers", "2", "--failures", "1").CombinedOutput()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != 70 {
				t.Fatalf("it ended with %v; want status 70\n%s", err, tailOf(string(out)))
			}
			replay := regexp.MustCompile(`(?m)^replay: kendro (sim district --seed \d+ .*) --trace$`).FindStringSubmatch(string(out))
			if replay == nil {
				t.Fatalf("no line to replay it\n%s", tailOf(string(out)))
			}
			t.Log(regexp.MustCompile(`(?m)^seed \d+: .*$`).FindString(string(out)))
			if err := exec.Command(bin, strings.Fields(replay[1])...).Run(); err == nil {
				t.Errorf("%s found nothing", replay[1])
			}
		})
	}
}

func build(t *testing.T, root, file string, texts []string) string {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(root, file)
	source, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	for i := 0; i < len(texts); i += 2 {
		if strings.Count(text, texts[i]) != 1 {
			t.Fatalf("%s does not hold the text that is to be replaced once:\n%s", file, texts[i])
		}
		text = strings.Replace(text, texts[i], texts[i+1], 1)
	}
	changed := filepath.Join(dir, "changed.go")
	overlay := filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {name: changed}})
	if err != nil {
		t.Fatal(err)
	}
	for path, b := range map[string][]byte{changed: []byte(text), overlay: list} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bin := filepath.Join(dir, "kendro")
	cmd := exec.Command("go", "build", "-overlay", overlay, "-o", bin, "./cmd/kendro")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

func tailOf(s string) string { return s[max(0, len(s)-2000):] }
