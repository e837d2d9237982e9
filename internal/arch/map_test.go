package arch

import (
	"slices"
	"strings"
	"testing"
)

const module = "kendro/"

// mayImport lists what each folder of the module may import from the module,
// beside itself. A folder that is missing here is an error.
var mayImport = map[string][]string{
	"domain":      {},
	"identity":    {"domain"},
	"protocol":    {"domain", "identity"},
	"catalogue":   {"domain", "protocol"},
	"finder":      {"domain", "protocol", "catalogue"},
	"pack":        {"domain", "protocol", "catalogue"},
	"document":    {"domain"},
	"store":       {"domain", "protocol", "document"},
	"replication": {"domain", "identity", "protocol"},
	"web":         {"domain", "document", "protocol", "catalogue"},
	"node":        {"domain", "document", "identity", "protocol", "catalogue", "finder", "store", "replication", "web"},
	"hub":         {"domain", "document", "identity", "protocol", "catalogue", "finder", "store", "replication", "web"},
	"cmd":         {"domain", "document", "identity", "protocol", "catalogue", "pack", "store", "replication", "web", "node", "hub"},

	// Harnesses import what they test; nothing that ships imports them.
	"internal": {"domain", "document", "identity", "protocol", "catalogue", "pack", "store", "replication", "web", "node", "hub"},
}

// noThirdParty lists the folders that import the standard library and the
// module, and nothing else.
var noThirdParty = []string{"domain"}

// oneHome lists the libraries that only some folders may know.
var oneHome = map[string][]string{
	"github.com/hashicorp/raft":             {"hub"},
	"github.com/hashicorp/memberlist":       {"replication"},
	"github.com/quic-go/quic-go":            {"replication"},
	"github.com/dgraph-io/badger":           {"store"},
	"github.com/spf13/cobra":                {"cmd"},
	"github.com/santhosh-tekuri/jsonschema": {"catalogue"},
	"cel.dev/cel-go":                        {"catalogue"},
	"github.com/goccy/go-yaml":              {"catalogue"},
	"github.com/a-h/templ":                  {"web"},
	"golang.org/x/image":                    {"document"},
	"github.com/danielgtaylor/huma":         {"web/api", "node", "hub"},
}

// refused lists libraries that were tried and dropped, or that the standard
// library replaces.
var refused = []string{
	"github.com/hashicorp/raft-boltdb", "github.com/hashicorp/raft-wal", "github.com/armon/go-metrics",
	"github.com/spf13/viper", "github.com/open-policy-agent/opa", "github.com/casbin/casbin",
	"github.com/smallstep/certificates", "github.com/spiffe/go-spiffe", "github.com/blevesearch/bleve",
	"github.com/google/cel-go", "github.com/pkg/errors", "gopkg.in/yaml.v3", "io/ioutil", "math/rand", "log",
}

// pure lists packages that decide and never act, with what they must therefore
// not import. A folder that ends in "/..." stands for all beneath it as well.
var pure = map[string][]string{
	"domain/...":        {"os", "os/exec", "net", "net/http", "log/slog", "crypto/rand", "math/rand/v2"},
	"replication/paper": {"os", "net", "net/http", "crypto/rand", "math/rand/v2"},
	"replication":       {"os", "net", "net/http", "crypto/rand", "math/rand/v2"},
	"hub/register/...":  {"os", "os/exec", "net", "net/http", "crypto/rand", "math/rand/v2"},
}

// excused lists what is larger than the limits, with the reason. The key is a
// file, or file:function, or file:type.
var excused = map[string]string{
	"hub/snapshots.go:Create":       "the signature is raft.SnapshotStore's",
	"cmd/kendro/sim/box.go:machine": "a whole box in one value: faults and oracles reach into any part of it",
	"internal/hubtest/box.go:Box":   "a whole box in one value: a test reads and sets any part of it",
	"node/box/writer.go:writer":     "one goroutine owns all of it; the batch, the index and the memory are types of their own",
}

// TestMapPointsDown makes sure that the map itself has no circle, so that no
// two folders can each be "below" the other.
func TestMapPointsDown(t *testing.T) {
	var visit func(folder string, above []string)
	visit = func(folder string, above []string) {
		if slices.Contains(above, folder) {
			t.Fatalf("the map goes in a circle: %s", strings.Join(append(above, folder), " → "))
		}
		below, ok := mayImport[folder]
		if !ok {
			t.Errorf("%s is imported but has no line of its own", folder)
		}
		for _, b := range below {
			visit(b, append(slices.Clone(above), folder))
		}
	}
	for folder := range mayImport {
		visit(folder, nil)
	}
	for _, pair := range [][2]string{{"node", "hub"}, {"store", "replication"}, {"store", "web"}, {"replication", "web"}} {
		if slices.Contains(mayImport[pair[0]], pair[1]) || slices.Contains(mayImport[pair[1]], pair[0]) {
			t.Errorf("%s and %s must stay strangers", pair[0], pair[1])
		}
	}
}

// part is the line of the map that a folder belongs to.
func part(dir string) string {
	first, _, _ := strings.Cut(dir, "/")
	return first
}

// within says whether a path is the prefix itself or beneath it.
func within(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}
