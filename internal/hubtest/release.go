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
	g.publish(&r)
	return r.Number
}

// Release signs and publishes the release that a set is of, with the versions that the
// register lacks. Its directory is the one in force.
func (g *Group) Release(set *dcat.Set) {
	g.tb.Helper()
	var versions [][]byte
	for _, v := range set.Since(g.Leader().Hub.Register().Set()) {
		raw, err := catalogue.EncodeVersion(v)
		if err != nil {
			g.tb.Fatal(err)
		}
		versions = append(versions, raw)
	}
	g.publish(&set.Release, versions...)
}

func (g *Group) publish(r *dcat.Release, versions ...[]byte) {
	g.tb.Helper()
	seed, err := os.ReadFile(filepath.Join(g.Servers[0].Dir, "catalogue.key"))
	if err != nil {
		g.tb.Fatal(err)
	}
	signed, err := catalogue.Sign(r, ed25519.NewKeyFromSeed(seed))
	if err != nil {
		g.tb.Fatal(err)
	}
	g.Do(g.Leader(), register.Publish, &register.Parcel{Versions: versions, Signed: protocol.Marshal(&signed)})
}
