// Package bench is kendro bench: how fast a district is, measured on its real
// parts. Every server and node is a process of the binary with a folder of its
// own and every sync to disk switched on; between them runs QUIC with mutual TLS.
//
// Enter at [Command]. [runIntake] measures one node, [runSync] what an outage
// costs on the wire, [runIngest] how much the hub takes in, [runCatalogue] what the
// services cost. docs/benchmarks.md
// says what each figure means.
//
// It refuses to measure on a file system in memory, and to print a figure for
// work that was not done: the registers are read back at the end, and a record
// too many or too few is a failed check.
package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kendro/catalogue"
	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
)

const op = "kendro bench"

// options are the flags that all benchmarks share.
type options struct {
	records int
	servers int
	nodes   int
	payload int
	batch   int
	dir     string
	binary  string
	output  string

	neighbours bool  // Of sync: the nodes are neighbours, and hold copies of each other's records.
	stored     []int // Of sync: how many records are stored where the new ones are measured.

	pause time.Duration // Of ingest: how long a caller waits before its next block.

	releases int // Of catalogue: how many there are in the end.

	imported bool // Of desk: the applications come from a file of another system.
}

// result is what a benchmark prints. Keys that don't apply are absent.
type result struct {
	carried
	restarted
	atDesk
	weighed
	Records     int     `json:"records"`
	Seconds     float64 `json:"seconds"`
	Rate        float64 `json:"rate"`
	P50         float64 `json:"p50_us,omitempty"`
	P99         float64 `json:"p99_us,omitempty"`
	Fsync       float64 `json:"fsync_p50_us,omitempty"`
	Catching    float64 `json:"seconds_from_start,omitempty"`
	CPU         float64 `json:"cpu_us_per_record_replica,omitempty"`
	Fresh       int     `json:"sessions,omitempty"`
	Servers     int     `json:"servers"`
	Nodes       int     `json:"nodes"`
	Batch       int     `json:"batch"`
	Serving     float64 `json:"seconds_to_serve,omitempty"`
	Back        int     `json:"receipts_back,omitempty"`
	Digest      string  `json:"register_digest,omitempty"`
	ServersHold int     `json:"register_records,omitempty"`
}

// weighed is the memory of a process.
type weighed struct {
	PerSession float64 `json:"rss_anon_bytes_per_session,omitempty"`
	RSSAnon    uint64  `json:"rss_anon_bytes,omitempty"`
}

// carried is what went over the network, and of what.
type carried struct {
	shelved
	compared
	BytesOut uint64            `json:"bytes_out,omitempty"`
	BytesIn  uint64            `json:"bytes_in,omitempty"`
	BytesPer float64           `json:"bytes_per_record,omitempty"`
	Purposes map[string]uint64 `json:"bytes_by_purpose,omitempty"`
	Payload  float64           `json:"payload_bytes,omitempty"`
	Zstd     float64           `json:"zstd3_bytes_per_record,omitempty"`
}

// kind is one of the benchmarks.
type kind struct {
	use, short, long string
	defaults         options
	nodes, batch     string        // What the flags mean here.
	limit            time.Duration // 0: as long as the others.
	run              func(ctx context.Context, o options, site string) (*result, error)
}

// Command returns kendro bench.
func Command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure this machine and this build", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			if err := cmd.Help(); err != nil {
				return err
			}
			return fault.New(op, fault.Invalid, "bench", "say which: intake, sync, ingest, recover, idle, catalogue or desk")
		},
	}
	for _, k := range kinds() {
		cmd.AddCommand(k.command())
	}
	return cmd
}

func kinds() []kind {
	return []kind{
		{
			use: "intake", short: "File applications at one node whose hub is gone",
			long: `Enrols one node, stops its hub, and files applications over HTTP, each client on a
connection that it keeps. A latency is that of one POST; 201 comes when the
application is on the disk.`,
			defaults: options{records: 2000, servers: 3, nodes: 1, batch: 1},
			nodes:    "nodes (always 1)", batch: "clients that file side by side", run: runIntake,
		},
		{
			use: "sync", short: "Catch up after an outage, and count the bytes",
			long: `Files applications at nodes whose hub is gone, starts the servers, and waits until
every application is acknowledged and ACCEPTED at its node. Bytes are the UDP
payload at the sockets of the nodes, both directions. With --neighbours they include
what the nodes say to each other, counted at both ends. With --stored 1000,100000 the
boxes and the hub are filled up to each of these numbers first, and there so many new
applications as --records says are measured, after a power cut of boxes and servers.`,
			defaults: options{records: 10_000, servers: 3, nodes: 3, payload: 600, batch: 4},
			nodes:    "nodes with a backlog", batch: "clients that file at each node before the clock starts", run: runSync,
		},
		{
			use: "ingest", short: "Take sealed blocks into the registers of a hub",
			long: `Enrols callers, which are nodes as far as the hub can see, and has each send sealed
blocks over a sync session. A latency is that of one block: from the moment it is
handed to the session until the hub's signed acknowledgement. The callers live in
this process and share the machine with the servers.`,
			defaults: options{records: 20_000, servers: 3, nodes: 50, batch: 1},
			nodes:    "callers", batch: "applications in a block, 1 to 256", run: runIngest,
		},
		{
			use: "recover", short: "Destroy every server, and bring the district back from its nodes",
			long: `Has callers, which are nodes as far as the hub can see, send what the hub acknowledges,
destroys all servers with their folders, begins the district anew from its recovery
share, and waits until everything is acknowledged once more. The clock runs from the
fire to the last acknowledgement, the founding and joining of the servers included. At
the end every receipt is looked for in the new registers: once, with its number and
hash.`,
			defaults: options{records: 20_000, servers: 3, nodes: 50, batch: 100}, limit: recoverLimit,
			nodes: "callers", batch: "applications in a block, 1 to 256", run: runRecover,
		},
		{
			use: "idle", short: "Keep many idle sessions, and weigh one of them",
			long: `Opens sessions with one server, files nothing, and measures the server's anonymous
memory before and after. Each session has a port of its own.`,
			defaults: options{records: 1000, servers: 1, nodes: 10, batch: 100},
			nodes:    "callers", batch: "sessions of each", run: runIdle,
		},
		{
			use: "catalogue", short: "Publish a whole country's services, and one changed fee",
			long: `Founds a district with generated services of more than 4 KiB each in Bangla and
English (--records says how many), adds nodes, and counts every byte at their sockets
until the release is in force, handshakes included, beside what zstd makes of the
release in one stream. Then it changes one fee and counts what that costs each node,
changes every service twice, and adds a node that takes three versions of everything.`,
			defaults: options{records: 465, servers: 1, nodes: 2, batch: 1},
			nodes:    "nodes that are there from the first release on", batch: "nothing here", run: runCatalogue,
		},
		{
			use: "desk", short: "Fill a server, and measure what its officers wait for",
			long: `Has callers, which are nodes as far as the hub can see, fill one server. Then it reads
lists of tasks, looks for applications by number, mobile, name and a number of their
form, kills the server and waits until it serves and finds everything again, and joins
a second server, which gets all of it. Its seconds and rate are those of the filling.`,
			defaults: options{records: 16_000, servers: 1, nodes: 50, batch: 100}, limit: desksFor,
			nodes: "callers", batch: "applications in a block, 1 to 256", run: runDesk,
		},
	}
}

func (k kind) command() *cobra.Command {
	o := k.defaults
	cmd := &cobra.Command{
		Use: k.use, Short: k.short, Long: k.long, Args: cobra.NoArgs,
		Example: "  kendro bench " + k.use + " --output json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := o.measure(cmd.Context(), k)
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), r)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.records, "records", o.records, "applications")
	f.IntVar(&o.servers, "servers", o.servers, "servers of the hub, 1 to 5")
	f.IntVar(&o.nodes, "nodes", o.nodes, k.nodes)
	f.IntVar(&o.payload, "payload", o.payload, "encoded size of an application, within a tenth; 0 takes forms as they come")
	f.IntVar(&o.batch, "batch", o.batch, k.batch)
	if k.use == "ingest" {
		f.DurationVar(&o.pause, "pause", 0, "how long each caller waits before its next block, such as 300ms: then no block shares anything with the next")
	}
	if k.use == "desk" {
		f.BoolVar(&o.imported, "imported", false, "have a clerk take the applications over from a file of another system by kendro import")
	}
	if k.use == "catalogue" {
		f.IntVar(&o.releases, "releases", 0, "go on to so many releases, each with every service changed, and add a node that is new then and one of before")
	}
	if k.use == "sync" {
		f.BoolVar(&o.neighbours, "neighbours", false, "nodes of one upazila; the outage lasts until two neighbours hold each record")
		f.IntSliceVar(&o.stored, "stored", nil, "measure new applications beside so many that are stored already, such as 1000,100000")
	}
	f.StringVar(&o.dir, "dir", "", "empty folder for the data, kept (default: a temporary one in $TMPDIR, removed)")
	f.StringVar(&o.binary, "binary", "", "kendro binary to measure (default: this one)")
	f.StringVar(&o.output, "output", "table", "table or json")
	return cmd
}

// limit is how long a benchmark may take, so that it ends within 240 s; that of a
// recovery stands beside its aim, 15 minutes for 100,000 records and the filling before.
const (
	limit        = 230 * time.Second
	recoverLimit = 25 * time.Minute
)

// most is how many records are measured, or stored, at most.
const most = 1_000_000

func (o options) measure(ctx context.Context, k kind) (*result, error) {
	if err := o.check(k.use); err != nil {
		return nil, err
	}
	binary, err := o.program()
	if err != nil {
		return nil, err
	}
	o.binary = binary
	site, clear, err := openSite(o.dir)
	if err != nil {
		return nil, err
	}
	defer clear()
	ctx, stop := context.WithTimeout(ctx, cmp.Or(k.limit, limit)+o.filling())
	defer stop()
	r, err := k.run(ctx, o, site)
	if err != nil {
		return nil, err
	}
	r.Records, r.Servers, r.Nodes, r.Batch = o.records, o.servers, o.nodes, o.batch
	r.Rate, r.Seconds = round(float64(o.records)/r.Seconds), math.Round(r.Seconds*1000)/1000
	return r, nil
}

// filling is what the limit grows by where stores are filled first, or a catalogue.
func (o options) filling() time.Duration {
	const each, published = 6 * time.Millisecond, 20 * time.Second
	if len(o.stored) == 0 {
		return time.Duration(o.releases) * published
	}
	return time.Duration(len(o.stored))*limit + time.Duration(slices.Max(o.stored))*each
}

func (o options) check(use string) error {
	bad := func(text string) error { return fault.New(op, fault.Invalid, use, text) }
	switch {
	case o.output != "table" && o.output != "json":
		return bad("--output: want table or json")
	case o.records < 1 || o.records > most:
		return bad(fmt.Sprintf("--records: want 1 to %d", most))
	case o.servers < 1 || o.servers > 5:
		return bad("--servers: want 1 to 5")
	case o.nodes < 1 || o.nodes > 80:
		return bad("--nodes: want 1 to 80")
	case o.nodes > o.records:
		return bad("--records: want at least one for each node")
	case o.batch < 1 || o.batch > 256:
		return bad("--batch: want 1 to 256")
	case o.pause < 0:
		return bad("--pause: want a time such as 300ms")
	case o.payload < 0:
		return bad("--payload: want a size in bytes")
	case o.neighbours && o.nodes < 3:
		return bad("--neighbours: want three nodes at least, so that each has two")
	case len(o.stored) > 0 && o.neighbours:
		return bad("--stored: not with --neighbours")
	case !o.grows():
		return bad(fmt.Sprintf("--stored: want numbers up to %d, each larger than the one before and the applications measured there", most))
	case use == "catalogue" && o.records > catalogue.MaxInvented:
		return bad(fmt.Sprintf("--records: want 1 to %d services", catalogue.MaxInvented))
	case o.releases != 0 && (o.releases <= full || o.releases > maxReleases):
		return bad(fmt.Sprintf("--releases: want %d to %d", full+1, maxReleases))
	case use == "desk" && o.servers != 1:
		return bad("--servers: one server is filled, and a second joins it")
	case use == "intake" && o.nodes != 1:
		return bad("--nodes: one node is measured")
	}
	return nil
}

// grows reports whether each store can be made of the one before.
func (o options) grows() bool {
	has := o.nodes - 1 // Each box has to file one at least.
	for _, n := range o.stored {
		if n <= has || n > most {
			return false
		}
		has = n + o.records + o.nodes - 1
	}
	return true
}

func (o options) program() (string, error) {
	if o.binary == "" {
		name, err := os.Executable()
		return name, fault.Wrap(op, fault.Internal, "binary", err)
	}
	name, err := filepath.Abs(o.binary)
	return name, fault.Wrap(op, fault.Invalid, o.binary, err)
}

// found makes the district to measure: processes that end with the benchmark.
func (o options) found(ctx context.Context, site string, centres []string) (*district.District, error) {
	return district.Create(ctx, district.Options{Dir: site, Binary: o.binary, Servers: o.servers, Centres: centres})
}

func (o options) print(w io.Writer, r *result) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fault.Wrap(op, fault.Internal, "result", err)
	}
	if o.output == "json" {
		_, err = fmt.Fprintf(w, "%s\n", b)
		return fault.Wrap(op, fault.Stopped, "output", err)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, p := range pairs(b) {
		fmt.Fprintf(t, "%s\t%s\n", p[0], p[1])
	}
	return fault.Wrap(op, fault.Stopped, "output", t.Flush())
}
