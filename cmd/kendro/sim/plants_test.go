package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// planted are defects that the simulator has to find, each built into the whole
// program with go build -overlay: texts of a file are replaced, old by new.
var planted = []struct {
	name, file string
	texts      []string
}{
	{"no exactly once", "hub/register/ingest.go", []string{
		"	if h.Last <= l.At.Seq {\n", "	if false {\n",
		"		if items[i].Seq <= l.At.Seq {\n			continue\n		}\n", "",
	}},
	{"acknowledged before durable", "node/box/writer.go", []string{
		"		if err := w.own.Sync(); err != nil {\n			return err\n		}\n", "",
	}},
	{"a keeper speaks before its disk has", "store/journal/commit.go", []string{ // Only the copies are not synced; their HEAD follows.
		"import \"time\"\n", "import (\n	\"strings\"\n	\"time\"\n)\n",
		"	if err := file.Sync(); err != nil {\n", "	if strings.Contains(c.view.segs[len(c.view.segs)-1].path, \"/held/\") {\n	} else if err := file.Sync(); err != nil {\n",
	}},
	{"a server's word without its signature", "node/exchange.go", []string{
		"	return protocol.Passed{Ack: *a, Cert: cert}, a.Verify(public)\n", "	_ = public\n	return protocol.Passed{Ack: *a, Cert: cert}, nil\n",
	}},
	{"no signature check", "protocol/block.go", []string{
		"!identity.Verify(public, contextBlock, Marshal(&b.Header), b.Signature)", "false",
	}},
}

// TestPlantsFit: each defect can still be built in, so that the tests with the tag fault
// don't rot unseen.
func TestPlantsFit(t *testing.T) {
	for _, p := range planted {
		source, err := os.ReadFile(filepath.Join("../../..", p.file))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(p.texts); i += 2 {
			if n := strings.Count(string(source), p.texts[i]); n != 1 {
				t.Errorf("%s: %s holds %d times, and not once:\n%s", p.name, p.file, n, p.texts[i])
			}
		}
	}
}
