package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
)

// The flags of every benchmark are checked before anything starts.
func TestFlagsAreChecked(t *testing.T) {
	good := options{records: 10, servers: 3, nodes: 1, batch: 1, output: "json"}
	if err := good.check("intake"); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*options){
		"output":         func(o *options) { o.output = "xml" },
		"records":        func(o *options) { o.records = 0 },
		"servers":        func(o *options) { o.servers = 6 },
		"nodes":          func(o *options) { o.nodes = 81 },
		"idle nodes":     func(o *options) { o.nodes = 11 },
		"batch":          func(o *options) { o.batch = 257 },
		"payload":        func(o *options) { o.payload = -1 },
		"intake at many": func(o *options) { o.nodes = 2 },
		"stored too few": func(o *options) { o.stored = []int{0} },
		"stored twice":   func(o *options) { o.stored = []int{100, 110} },
		"stored a lot":   func(o *options) { o.stored = []int{100, most + 1} },
	} {
		o := good
		change(&o)
		if err := o.check("intake"); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDefaultsAreValid(t *testing.T) {
	for _, k := range kinds() {
		o := k.defaults
		o.output = "table"
		if err := o.check(k.use); err != nil {
			t.Errorf("%s: %v", k.use, err)
		}
	}
}

// Where stores are filled first, a run may take longer.
func TestStoredIsGivenTime(t *testing.T) {
	o := options{records: 10, servers: 3, nodes: 1, batch: 1, output: "json", stored: []int{100, 111}}
	if err := o.check("sync"); err != nil {
		t.Error(err)
	}
	few, many := o.filling(), (options{stored: []int{100, most}}).filling()
	if few <= 0 || many <= few || (options{}).filling() != 0 {
		t.Errorf("got %v for a hundred and %v for a million", few, many)
	}
}

func TestSpread(t *testing.T) {
	if got := spread([]stored{{Bytes: 110}, {Bytes: 100}, {Bytes: 105}}); got != 1.1 {
		t.Errorf("got %v; want 1.1", got)
	}
}

func TestSiteIsEmptyAndOnADisk(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := openSite(full); !errors.Is(err, fault.Invalid) {
		t.Errorf("a folder with something in it: %v", err)
	}
	if _, err := os.Stat("/dev/shm"); err == nil {
		if err := onDisk("/dev/shm"); !errors.Is(err, fault.Invalid) {
			t.Errorf("tmpfs: %v", err)
		}
	}
	site, clear, err := openSite("")
	if err != nil {
		t.Skip(err) // The temporary folder lies in memory.
	}
	clear()
	if _, err := os.Stat(site); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary folder is left: %v", err)
	}
}

// Keys that don't apply are absent; the table has the same lines.
func TestPrint(t *testing.T) {
	r := &result{Records: 10, Seconds: 2, Rate: 5, P50: 1.5}
	var js, table bytes.Buffer
	if err := (options{output: "json"}).print(&js, r); err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(js.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	if _, ok := m["bytes_out"]; ok || m["p50_us"] != 1.5 || m["rate"] != 5.0 {
		t.Errorf("%s", js.String())
	}
	if err := (options{output: "table"}).print(&table, r); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(table.String(), "\n"); n != len(m) {
		t.Errorf("%d lines for %d figures:\n%s", n, len(m), table.String())
	}
}

func TestOnceFindsWhatIsTwiceOrMissing(t *testing.T) {
	one, two := district.Case{Number: 1, Log: "a", Seq: 1}, district.Case{Number: 2, Log: "a", Seq: 2}
	for name, c := range map[string]struct {
		cases []district.Case
		holds bool
	}{
		"both":             {[]district.Case{one, two}, true},
		"one is missing":   {[]district.Case{one}, false},
		"one too many":     {[]district.Case{one, two, {Number: 3, Log: "b", Seq: 1}}, false},
		"a number twice":   {[]district.Case{one, {Number: 1, Log: "b", Seq: 9}}, false},
		"an event twice":   {[]district.Case{one, {Number: 3, Log: "a", Seq: 1}}, false},
		"equal in the end": {[]district.Case{two, one}, true},
	} {
		if err := once("server-1", c.cases, 2); (err == nil) != c.holds {
			t.Errorf("%s: %v", name, err)
		}
	}
}
