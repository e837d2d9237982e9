package sim

import (
	"context"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/node"
	nodebox "kendro/node/box"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
)

// publish puts a release in force.
func (y *years) publish(at time.Duration, set, older *dcat.Set) {
	y.t.Helper()
	list, err := y.cast.parcels(set, older)
	if err != nil {
		y.t.Fatal(err)
	}
	for _, p := range list {
		m := register.AddVersions
		if len(p.Signed) > 0 {
			m = register.Publish
		}
		y.apply(at, &register.Entry{Commands: []register.Command{y.command(register.ActorControl, m, 0, 0, p)}})
	}
}

// following is the release after another, in which n services changed.
func following(t testing.TB, prev *dcat.Set, n int) *dcat.Set {
	t.Helper()
	r := prev.Release
	r.Services = nil
	versions := prev.Versions()
	for i, v := range prev.Services() {
		if i < n {
			next := *v
			all := prev.VersionsOf(v.ID)
			next.Number, next.SLADays = all[len(all)-1].Number+1, len(all)+2
			hash, err := catalogue.HashVersion(&next)
			if err != nil {
				t.Fatal(err)
			}
			next.Hash = hash
			v, versions = &next, append(versions, &next)
		}
		r.Services = append(r.Services, dcat.Entry{ID: v.ID, Version: v.Number, Hash: v.Hash})
	}
	return numbered(t, prev, r, versions)
}

// back is the release after another that names what a former one did.
func back(t testing.TB, prev, former *dcat.Set) *dcat.Set {
	t.Helper()
	return numbered(t, prev, former.Release, prev.Versions())
}

func numbered(t testing.TB, prev *dcat.Set, r dcat.Release, versions []*dcat.Version) *dcat.Set {
	t.Helper()
	r.Number = prev.Release.Number + 1
	raw, err := catalogue.EncodeRelease(&r)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := catalogue.DecodeRelease(raw)
	if err != nil {
		t.Fatal(err)
	}
	set, err := dcat.NewSet(*decoded, prev.Directory, versions)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// A shelfReader is a box that comes back again and again.
type shelfReader struct {
	y      *years
	dir    string
	before bool // It says nothing of bases.
}

// visit opens the box and has it speak with the hub until ready says so. It returns
// the bytes both ways, and how often a session began anew.
func (s *shelfReader) visit(t *testing.T, ready func(*nodebox.Box) bool) (bytes int64, again int) {
	t.Helper()
	k := s.y.cast.boxes[0]
	b, err := nodebox.Open(s.dir, nodebox.Options{
		Enrolment: k.enrolment, Signer: k.signer, Secret: seedOf("blind"), Clock: time.Now, Logger: slog.New(slog.DiscardHandler),
		Free: func(string) (uint64, error) { return 1 << 40, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	own, err := node.NewAlone(node.AloneOptions{
		Box: b, Enrolment: &k.enrolment, Signer: k.signer, Sealing: k.sealing, Packer: s.y.cast.packer, Clock: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- b.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("the box stopped: %v", err)
		}
	}()
	host := own.Host()
	if s.before {
		host = readerOfBefore{host}
	}
	v := &visit{box: b, host: host, note: own.Note, ready: ready, end: time.After(time.Minute)}
	for ; ; again++ {
		if s.session(ctx, v) {
			return v.bytes.Load(), again
		}
		select {
		case <-v.end:
			t.Fatalf("the box never became ready; in force is %v", b.Goods())
		default:
		}
	}
}

// A visit is one run of the box.
type visit struct {
	box   *nodebox.Box
	host  replication.Host
	note  func(replication.Note)
	ready func(*nodebox.Box) bool
	end   <-chan time.Time // When it has taken too long.
	bytes atomic.Int64
}

// session speaks until the box is ready, or has a session begin anew.
func (s *shelfReader) session(ctx context.Context, v *visit) bool {
	k := s.y.cast.boxes[0]
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{}, 2)
	one, other := net.Pipe()
	server := replication.Peer{Subject: identity.Subject{Country: country, District: district, Role: identity.RoleServer, Name: "s1"}}
	centre := replication.Peer{Subject: identity.Subject{Country: country, District: district, Role: identity.RoleNode, Name: k.enrolment.ID, Slot: k.enrolment.Slot}}
	go func() {
		_ = link.RunSession(ctx, metered{one, &v.bytes}, server, v.host, link.OnNote(v.note)) // How it ends is the test's doing.
		ended <- struct{}{}
	}()
	go func() {
		_ = link.RunSession(ctx, metered{other, &v.bytes}, centre, s.y.alone.Host())
		ended <- struct{}{}
	}()
	defer func() {
		cancel()
		<-ended
		<-ended
	}()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if v.ready(v.box) {
				return true
			}
		case <-v.box.SetBack():
			return false
		case <-v.end:
			return false
		}
	}
}

// A new box of year five takes a base of the catalogue, and the blocks behind it as
// everybody else. What a later release names again from below, it gets with another base.
func TestNewBoxBeginsCatalogueWithBase(t *testing.T) {
	y := newCentre(t)
	y.file(1) // It stays on a desk, under the first release.
	first := y.cast.set
	set, early := first, first
	const releases = 20
	for i := range releases {
		next := following(t, set, len(set.Services()))
		y.publish(time.Duration(i)*60*24*time.Hour, next, set)
		if set = next; i == 4 {
			early = next
		}
	}
	shelf := y.reg.Shelf()
	head := func() protocol.Position {
		at, err := y.reg.LogHead(shelf)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	inForce := func(set *dcat.Set) func(*nodebox.Box) bool {
		return func(b *nodebox.Box) bool {
			g := b.Goods()
			return g != nil && g.Set.Release.Hash == set.Release.Hash && b.Held()[shelf] == head()
		}
	}
	with, without := &shelfReader{y: y, dir: t.TempDir()}, &shelfReader{y: y, dir: t.TempDir(), before: true}
	few, again := with.visit(t, func(b *nodebox.Box) bool {
		if !inForce(set)(b) {
			return false
		}
		versions := b.Goods().Set.VersionsOf(y.service)
		if n := len(versions); n < 3 || n > 5 || versions[0].Number != first.VersionsOf(y.service)[0].Number {
			t.Errorf("holds %d versions of %s, the oldest %d; want the newest, those of 90 days, and the one that a case pins", n, y.service, versions[0].Number)
		}
		return true
	})
	many, _ := without.visit(t, inForce(set))
	t.Logf("%d releases, %d events: %d bytes with the base, %d without", releases+1, head().Seq, few, many)
	if again != 0 || few >= many { // The handshake and the inbox are in both.
		t.Errorf("%d bytes with a base in %d sessions more, %d without", few, again, many)
	}

	next := following(t, set, 1)
	y.publish(releases*60*24*time.Hour, next, set)
	short, again := with.visit(t, inForce(next))
	long, _ := without.visit(t, inForce(next))
	if again != 0 || short > long+long/20 {
		t.Errorf("a change costs %d bytes behind a base in %d sessions more, %d behind every event", short, again, long)
	}

	old := back(t, next, early)
	y.publish((releases+1)*60*24*time.Hour, old, next)
	if _, again = with.visit(t, inForce(old)); again != 1 {
		t.Errorf("what the release names again came in %d sessions more; want one", again)
	}
	if _, again = without.visit(t, inForce(old)); again != 0 {
		t.Errorf("the box that has every event began %d sessions anew", again)
	}
	last := following(t, old, 2)
	y.publish((releases+2)*60*24*time.Hour, last, old)
	if _, again = with.visit(t, inForce(last)); again != 0 {
		t.Errorf("behind the second base the box began %d sessions anew", again)
	}
}
