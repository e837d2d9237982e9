package bench

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"kendro/catalogue"
	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
	"kendro/pack/bd"
	"kendro/web/api"
)

// shelved is what a catalogue costs, beside its cold copy.
type shelved struct {
	Cold     float64 `json:"cold_bytes_per_node,omitempty"`
	Ratio    float64 `json:"cold_to_zstd,omitempty"`
	Baseline int     `json:"zstd_bytes,omitempty"` // Of the release, in one stream …
	Tool     string  `json:"zstd_by,omitempty"`    // … by this.
	Change   float64 `json:"change_bytes_per_node,omitempty"`
	Changed  float64 `json:"change_seconds,omitempty"`

	ChangePurposes map[string]uint64 `json:"change_bytes_by_purpose,omitempty"` // Of all nodes.

	Full   uint64  `json:"full_bytes,omitempty"` // A new node's copy once every service has three versions …
	Filled float64 `json:"full_seconds,omitempty"`
	Held   uint64  `json:"full_rss_anon_bytes,omitempty"` // … and its anonymous memory then.
	Rested uint64  `json:"rss_anon_bytes_before,omitempty"`

	aged
}

// Of the measurement.
const (
	calm   = time.Second     // After the last node's activation: its acknowledgement counts as well.
	rested = 5 * time.Second // After the copy: the session has found its packet size and is at rest.
	fees   = 5               // Changes of one fee, one after the other.
	full   = 1 + fees + 2    // Releases until every service has three versions.
)

// maxReleases keeps fees in range.
const maxReleases = 99

// feeOf is what stands before the first fee of a service.
const feeOf = "{kind: government, poisha: "

// runCatalogue founds a district with a whole country's services, and measures what
// its release costs nodes that are new, one changed fee those that hold it, and three
// versions of everything one that is new then.
func runCatalogue(ctx context.Context, o options, site string) (*result, error) {
	pack, files, err := inventPack(site, o.records)
	if err != nil {
		return nil, err
	}
	d, err := district.Create(ctx, district.Options{Dir: site, Binary: o.binary, Servers: o.servers, Pack: pack})
	if err != nil {
		return nil, err
	}
	defer d.Kill()
	c, err := newCorpus(0, time.Now())
	if err != nil {
		return nil, err
	}
	centres, err := c.scattered(o.nodes + 3)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	for _, centre := range centres[:o.nodes] {
		if _, err := d.AddNode(ctx, centre); err != nil {
			return nil, err
		}
	}
	s := &shop{outage{District: d}, site, files}
	if err := s.inForce(ctx, 1); err != nil {
		return nil, err
	}
	r := &result{Seconds: time.Since(began).Seconds()}
	stagger(ctx, calm)
	cold, err := s.metered(ctx)
	if err != nil {
		return nil, err
	}
	r.BytesOut, r.BytesIn, r.Purposes = cold.out, cold.in, cold.purposes
	r.Cold = round(float64(cold.out+cold.in) / float64(o.nodes))
	r.BytesPer = round(r.Cold / float64(o.records))
	if r.Baseline, r.Tool, err = s.baseline(ctx); err != nil {
		return nil, err
	}
	r.Ratio = round(r.Cold / float64(r.Baseline))
	if err := s.changes(ctx, centres[o.nodes], r); err != nil || o.releases <= full {
		return r, err
	}
	return r, s.grown(ctx, full, o.releases, [2]string(centres[o.nodes+1:]), r)
}

// A shop is a district whose catalogue changes.
type shop struct {
	outage
	site  string
	files map[string][]byte
}

// changes publishes single fees, then every service twice, and adds a node.
func (s *shop) changes(ctx context.Context, centre string, r *result) error {
	var err error
	if r.Rested, err = rssAnon(s.Nodes[0].PID()); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(s.files))
	stagger(ctx, rested)
	before, err := s.metered(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	for i := range fees {
		if err := s.publish(ctx, 2+i, names[i*len(names)/fees:][:1]); err != nil {
			return err
		}
	}
	r.Changed = round(time.Since(began).Seconds() / fees)
	stagger(ctx, calm)
	after, err := s.metered(ctx)
	if err != nil {
		return err
	}
	spent := after.since(before)
	r.ChangePurposes = spent.purposes
	r.Change = round(float64(spent.out+spent.in) / float64(len(s.Nodes)*fees))
	for release := full - 1; release <= full; release++ {
		if err := s.publish(ctx, release, names); err != nil {
			return err
		}
	}
	for _, n := range s.Nodes { // They end here, since nobody knows of them from now on.
		n.Kill()
	}
	began, s.Nodes = time.Now(), nil
	if _, err := s.AddNode(ctx, centre); err != nil {
		return err
	}
	if err := s.inForce(ctx, full); err != nil {
		return err
	}
	r.Filled = round(time.Since(began).Seconds())
	stagger(ctx, calm)
	copied, err := s.metered(ctx)
	if err != nil {
		return err
	}
	r.Full = copied.out + copied.in
	r.Held, err = rssAnon(s.Nodes[0].PID())
	return err
}

// publish raises a fee of each of the named services, and waits until every node has
// the release in force.
func (s *shop) publish(ctx context.Context, release int, names []string) error {
	changed := map[string][]byte{}
	for _, name := range names {
		changed[name] = bytes.Replace(s.files[name], []byte(feeOf), []byte(feeOf+"1"), 1)
		s.files[name] = changed[name]
	}
	return s.put(ctx, release, changed)
}

// put publishes changed files, and waits until every node has the release in force.
func (s *shop) put(ctx context.Context, release int, changed map[string][]byte) error {
	dir := filepath.Join(s.site, fmt.Sprintf("release-%d", release))
	if err := writeFiles(dir, changed); err != nil {
		return err
	}
	if err := s.Run(ctx, "catalogue", "publish", dir, "--dir", s.Servers[0].Dir); err != nil {
		return err
	}
	return s.inForce(ctx, release)
}

// inForce waits until every node has a release in force.
func (s *shop) inForce(ctx context.Context, release int) error {
	for _, n := range s.Nodes {
		if err := district.Poll(ctx, func() bool {
			c := api.NewLocalClient(n.Dir)
			defer c.Close()
			var list api.Catalogue
			return c.Do(ctx, api.Call{Path: "/v1/catalogue", Out: &list}) == nil && list.Release == release
		}); err != nil {
			return fault.Wrap(op, fault.Unavailable, fmt.Sprintf("%s does not activate release %d", n.Name, release), err)
		}
	}
	return nil
}

// baseline returns what the release in force weighs in one stream of zstd: its
// versions as they are hashed, in the order of the release, then the directory and the
// release itself. The zstd tool does it at level 19, else the library at its best.
func (s *shop) baseline(ctx context.Context) (size int, tool string, err error) {
	c := api.NewLocalClient(s.Servers[0].Dir)
	defer c.Close()
	var r api.Release
	if err := c.Do(ctx, api.Call{Path: api.ReleaseInForce, Out: &r}); err != nil {
		return 0, "", err
	}
	var all []byte
	for _, v := range r.Versions {
		all = append(all, v...)
	}
	all = append(append(all, r.Directory...), r.Release...)
	if name, err := exec.LookPath("zstd"); err == nil {
		cmd := exec.CommandContext(ctx, name, "-19", "-c") //nolint:gosec // The compressor that is compared with.
		cmd.Stdin = bytes.NewReader(all)
		out, err := cmd.Output()
		return len(out), "zstd -19", fault.Wrap(op, fault.Unavailable, name, err)
	}
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(4<<20))
	if err != nil {
		return 0, "", fault.Wrap(op, fault.Internal, "zstd", err)
	}
	return len(zip.EncodeAll(all, nil)), "klauspost/compress at its best", fault.Wrap(op, fault.Internal, "zstd", zip.Close())
}

// inventPack writes a country pack with n invented services in place of its own, and
// returns its folder and those services.
func inventPack(site string, n int) (string, map[string][]byte, error) {
	dir := filepath.Join(site, "pack")
	services, err := catalogue.Invent(n, 1)
	if err != nil {
		return "", nil, err
	}
	files := maps.Clone(services)
	err = fs.WalkDir(bd.Pack(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(name, "services/") {
			return err
		}
		files[name], err = fs.ReadFile(bd.Pack(), name)
		return err
	})
	if err != nil {
		return "", nil, fault.Wrap(op, fault.Internal, "pack", err)
	}
	return dir, services, writeFiles(dir, files)
}

func writeFiles(dir string, files map[string][]byte) error {
	for name, b := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fault.Wrap(op, fault.Stopped, dir, err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			return fault.Wrap(op, fault.Stopped, path, err)
		}
	}
	return nil
}
