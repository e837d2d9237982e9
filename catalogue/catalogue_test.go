package catalogue_test

import (
	"io/fs"
	"maps"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/pack/bd"
)

// published is when the releases of these tests come out.
func published() time.Time { return time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC) }

var whole = sync.OnceValues(func() (*dcat.Set, error) { return catalogue.Build(bd.Pack(), nil, published()) })

// release is the pack's first release. Nobody changes a set, so the tests share it.
func release(tb testing.TB) *dcat.Set {
	tb.Helper()
	set, err := whole()
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// few are the services of a pack that a test changes: enough of them, and read in
// no time.
var few = regexp.MustCompile(`^services/(land-record-copy|trade-licence|birth-registration|grievance|online-gd|vgd-card|` +
	`citizenship-certificate|agent-cash-out|official-letter|warish-certificate|old-age-allowance|land-mutation)\.yaml$`)

// smallPack is packFiles with a few of the services, for tests that read it often.
func smallPack(tb testing.TB) fstest.MapFS {
	tb.Helper()
	m := packFiles(tb)
	maps.DeleteFunc(m, func(name string, _ *fstest.MapFile) bool {
		return strings.HasPrefix(name, "services/") && !few.MatchString(name)
	})
	return m
}

// packFiles copies the embedded pack, so that a test may change files.
func packFiles(tb testing.TB) fstest.MapFS {
	tb.Helper()
	m := fstest.MapFS{}
	err := fs.WalkDir(bd.Pack(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(bd.Pack(), name)
		m[name] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// replace changes one place of a file and fails if it isn't there.
func replace(tb testing.TB, m fstest.MapFS, name, old, text string) {
	tb.Helper()
	was := string(m[name].Data)
	if !strings.Contains(was, old) {
		tb.Fatalf("%s doesn't contain %q", name, old)
	}
	m[name] = &fstest.MapFile{Data: []byte(strings.Replace(was, old, text, 1))}
}
