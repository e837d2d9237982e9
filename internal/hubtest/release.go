package hubtest

import (
	"crypto/ed25519"
	"os"
	"path/filepath"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/hub/register"
	"kendro/protocol"
)

// Publish signs and publishes the release after the one in force, changed, and returns
// its number. What it names is in the register already.
func (g *Group) Publish(change func(*dcat.Release)) int {
	g.tb.Helper()
	r := g.Leader().Hub.Register().Set().Release
	r.Number++
	change(&r)
	g.publish(&r, register.Parcel{})
	return r.Number
}

// Release signs and publishes the release that a set is of, with the versions and the
// directory that the register lacks.
func (g *Group) Release(set *dcat.Set) {
	g.tb.Helper()
	now, p := g.Leader().Hub.Register().Set(), register.Parcel{}
	for _, v := range set.Since(now) {
		raw, err := catalogue.EncodeVersion(v)
		if err != nil {
			g.tb.Fatal(err)
		}
		p.Versions = append(p.Versions, raw)
	}
	if set.Release.Directory != now.Release.Directory {
		var err error
		if p.Directory, err = catalogue.EncodeDirectory(set.Directory); err != nil {
			g.tb.Fatal(err)
		}
	}
	g.publish(&set.Release, p)
}

func (g *Group) publish(r *dcat.Release, p register.Parcel) {
	g.tb.Helper()
	seed, err := os.ReadFile(filepath.Join(g.Servers[0].Dir, "catalogue.key"))
	if err != nil {
		g.tb.Fatal(err)
	}
	signed, err := catalogue.Sign(r, ed25519.NewKeyFromSeed(seed))
	if err != nil {
		g.tb.Fatal(err)
	}
	p.Signed = protocol.Marshal(&signed)
	g.Do(g.Leader(), register.Publish, &p)
}
