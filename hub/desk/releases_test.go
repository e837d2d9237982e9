package desk

import (
	"crypto/ed25519"
	"encoding/json"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/pack/bd"
	"kendro/protocol"
	"kendro/web/api"
)

// A publisher reads what is in force and publishes what comes next, as the command does.
type publisher struct {
	*office
	key ed25519.PrivateKey
}

// reads returns the catalogue in force and how long the answer was.
func (p publisher) reads(path string) (*dcat.Set, int) {
	p.t.Helper()
	w := p.call("", "GET", path, "")
	set, err := new(into[api.Release](p.t, w, http.StatusOK)).Set()
	if err != nil {
		p.t.Fatal(err)
	}
	return set, w.Body.Len()
}

// publishes puts a release in force, with what goes with it.
func (p publisher) publishes(r *dcat.Release, versions []*dcat.Version, in api.PublishRequest) {
	p.t.Helper()
	in.Versions = []api.Bytes{}
	for _, v := range versions {
		raw, err := catalogue.EncodeVersion(v)
		if err != nil {
			p.t.Fatal(err)
		}
		in.Versions = append(in.Versions, raw)
	}
	signed, err := catalogue.Sign(r, p.key)
	if err != nil {
		p.t.Fatal(err)
	}
	in.Signed = protocol.Marshal(&signed)
	body, err := json.Marshal(in)
	if err != nil {
		p.t.Fatal(err)
	}
	if done := into[api.PublishAnswer](p.t, p.call("root", "POST", "/v1/catalogue", string(body)), http.StatusOK); done.Release != r.Number {
		p.t.Fatalf("got release %d; want %d", done.Release, r.Number)
	}
}

// changes publishes another version of every service.
func (p publisher) changes() {
	p.t.Helper()
	prev, _ := p.reads(api.ReleaseInForce)
	r := prev.Release
	r.Number, r.Services = r.Number+1, nil
	var versions []*dcat.Version
	for _, v := range prev.Services() {
		next := *v
		next.Number, next.SLADays = prev.Last(v.ID)+1, v.SLADays%100+1
		hash, err := catalogue.HashVersion(&next)
		if err != nil {
			p.t.Fatal(err)
		}
		next.Hash, versions = hash, append(versions, &next)
		r.Services = append(r.Services, dcat.Entry{ID: v.ID, Version: next.Number, Hash: hash})
	}
	p.publishes(&r, versions, api.PublishRequest{})
}

// TestPublishingReadsWhatIsInForce: 465 services that all change with each release, and whoever
// publishes the next one reads no more of them than after the first; a former release goes in
// force again, and no number is given out twice.
func TestPublishingReadsWhatIsInForce(t *testing.T) {
	const services, releases = 465, 3
	p := publisher{newOffice(t), ed25519.NewKeyFromSeed(seed("catalogue"))}
	p.grow(services)
	const first = 2
	at, long := p.reads(api.ReleaseInForce)
	for p.reg.Set().Release.Number < first+releases {
		p.changes()
	}
	set, length := p.reads(api.ReleaseInForce)
	all, whole := p.reads(api.ReleasePath)
	t.Logf("%d services: %d bytes after release %d, %d after %d; every version that ever was: %d", services, long, first, length, set.Release.Number, whole)
	if d := length - long; d > 16*services || d < -16*services {
		t.Errorf("the answer has grown by %d bytes", d)
	}
	if got := len(all.Versions()); got < services*(releases+1) || whole < releases*length/2 {
		t.Errorf("an independent program gets %d versions in %d bytes; want every one that ever was", got, whole)
	}

	old := into[api.FormerRelease](t, p.call("root", "GET", "/v1/releases/2?versions=true", ""), http.StatusOK)
	former, err := catalogue.DecodeRelease(old.Release)
	if err != nil {
		t.Fatal(err)
	}
	versions, err := api.DecodeVersions(old.Versions)
	if err != nil || len(versions) != services {
		t.Fatalf("%d versions of release 2 came along, %v; want all that are in force no more", len(versions), err)
	}
	back, err := catalogue.Rollback(&set.Release, former, time.UnixMilli(dawn))
	if err != nil {
		t.Fatal(err)
	}
	next, err := dcat.NewSet(*back, set.Directory, append(set.Versions(), versions...))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(catalogue.Diff(set, next)); got != services {
		t.Errorf("going back says %d changes; want one for each service", got)
	}
	p.publishes(back, nil, api.PublishRequest{})
	again, length := p.reads(api.ReleaseInForce)
	if id := at.Release.Services[0]; again.Release.Services[0] != id || again.Last(id.ID) <= id.Version {
		t.Errorf("got %v in force, the last is %d; want %v, and to know of later ones", again.Release.Services[0], again.Last(id.ID), id)
	}
	if d := length - long; d > 64*services {
		t.Errorf("the numbers of the versions rolled back take %d bytes; want a line for each service", d)
	}
	p.changes()
}

// grow publishes a release of n invented services in place of the pack's.
func (p publisher) grow(n int) {
	p.t.Helper()
	pack := fstest.MapFS{}
	err := fs.WalkDir(bd.Pack(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(name, "services/") {
			return err
		}
		b, err := fs.ReadFile(bd.Pack(), name)
		pack[name] = &fstest.MapFile{Data: b}
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	files, err := catalogue.Invent(n, 1)
	if err != nil {
		p.t.Fatal(err)
	}
	for name, b := range files {
		pack[name] = &fstest.MapFile{Data: b}
	}
	prev, _ := p.reads(api.ReleaseInForce)
	set, err := catalogue.Build(pack, prev, time.UnixMilli(dawn))
	if err != nil {
		p.t.Fatal(err)
	}
	p.publishes(&set.Release, set.Since(prev), api.PublishRequest{Bounds: set.Bounds})
}
