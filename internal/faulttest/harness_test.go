//go:build fault

package faulttest

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/cmd/kendro/district"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/pack/bd"
)

var (
	full   = flag.Bool("full", false, "run the whole campaigns instead of a slice of each")
	seed   = flag.Uint64("seed", 0, "seed of what is drawn; 0 draws one")
	only   = flag.String("kind", "", "regular expression: damage only kinds of files whose name matches, such as journal/held/HEAD")
	many   = flag.Int("cases", 0, "how many files are damaged; 0 is the slice or the whole")
	manner = flag.String("way", "", "damage in this way alone: flip, cut or gone")
	binary string // Set once, by TestMain.
)

func TestMain(m *testing.M) {
	if len(os.Args) > 5 && os.Args[1] == traceArg {
		os.Exit(traceMain(os.Args[2:]))
	}
	flag.Parse()
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// buildAndRun runs the tests on a binary built as the release is.
func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "kendro-fault-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "kendro")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", binary, "kendro/cmd/kendro")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("%w\n%s", err, out)
	}
	return m.Run(), nil
}

// sized picks the slice or the whole.
func sized(slice, whole int) int {
	if *full {
		return whole
	}
	return slice
}

// dice are seeded, and the seed stands in the log.
func dice(t *testing.T) *rand.Rand {
	t.Helper()
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("seed %d (-seed %d draws the same again)", s, s)
	return rand.New(rand.NewPCG(s, 1))
}

// within bounds a whole test.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	t.Cleanup(stop)
	return ctx
}

// found runs a district that is gone at the end of the test; its logs are shown
// when the test has failed.
func found(ctx context.Context, t *testing.T, servers int, centres []string, flags ...string) *district.District {
	t.Helper()
	d, err := district.Create(ctx, district.Options{Dir: t.TempDir(), Binary: binary, Servers: servers, Centres: centres, HubArgs: flags})
	if d != nil {
		t.Cleanup(d.Kill)
		t.Cleanup(func() { showLogs(t, d) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func showLogs(t *testing.T, d *district.District) {
	t.Helper()
	if !t.Failed() {
		return
	}
	const most = 3000
	for _, p := range d.Processes() {
		b, err := os.ReadFile(p.LogFile())
		t.Logf("%s: %v\n%s", p.LogFile(), err, b[max(0, len(b)-most):])
	}
}

// A country is the catalogue that districts are founded with, and people to
// apply.
type country struct {
	set      *dcat.Set
	sampler  *catalogue.Sampler
	services []*dcat.Version // What a union centre files without a hub.
}

func newCountry(t *testing.T) *country {
	t.Helper()
	set, err := catalogue.Build(bd.Pack(), nil, time.Now())
	must(t, err)
	c := &country{set: set}
	c.sampler, err = catalogue.NewSampler(set)
	must(t, err)
	for _, v := range set.Services() {
		if v.Offline == dcat.Intake && v.OfferedAt(place.Union) {
			c.services = append(c.services, v)
		}
	}
	return c
}

// body is the application with this number at a centre, of any service.
func (c *country) body(centre string, i uint64) ([]byte, error) {
	return c.sampler.Body(c.services[i%uint64(len(c.services))].ID, i, place.Centre(centre))
}

// unions are three centres of one upazila.
func unions() []string { return []string{"41-09-17", "41-09-27", "41-09-37"} }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pause waits for a moment, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
