package catalogue_test

import (
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
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

var fewServices = sync.OnceValues(func() (*dcat.Set, error) {
	m, err := copied()
	if err != nil {
		return nil, err
	}
	thin(m)
	return catalogue.Build(m, nil, published())
})

// small is the first release of smallPack, shared as release is.
func small(tb testing.TB) *dcat.Set {
	tb.Helper()
	set, err := fewServices()
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// few are the services of a pack that a test changes: enough of them, and read in
// no time.
var few = regexp.MustCompile(`^services/(land-record-copy|trade-licence|birth-registration|grievance|online-gd|vgd-card|` +
	`citizenship-certificate|agent-cash-out|official-letter|warish-certificate|old-age-allowance|land-mutation)\.yaml$`)

// smallPack is the pack with a few of the services, for tests that read it often.
func smallPack(tb testing.TB) fstest.MapFS {
	tb.Helper()
	m, err := copied()
	if err != nil {
		tb.Fatal(err)
	}
	thin(m)
	return m
}

// thin leaves the few services.
func thin(m fstest.MapFS) {
	maps.DeleteFunc(m, func(name string, _ *fstest.MapFile) bool {
		return strings.HasPrefix(name, "services/") && !few.MatchString(name)
	})
}

// with is smallPack with these services alone.
func with(tb testing.TB, services ...string) fstest.MapFS {
	tb.Helper()
	m := smallPack(tb)
	maps.DeleteFunc(m, func(name string, _ *fstest.MapFile) bool {
		return strings.HasPrefix(name, "services/") && !slices.Contains(services, strings.TrimSuffix(path.Base(name), ".yaml"))
	})
	return m
}

// copied is the embedded pack as files that a test may change.
func copied() (fstest.MapFS, error) {
	m := fstest.MapFS{}
	err := fs.WalkDir(bd.Pack(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(bd.Pack(), name)
		m[name] = &fstest.MapFile{Data: b}
		return err
	})
	return m, err
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
