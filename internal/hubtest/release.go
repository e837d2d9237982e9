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
	seed, err := os.ReadFile(filepath.Join(g.Servers[0].Dir, "catalogue.key"))
	if err != nil {
		g.tb.Fatal(err)
	}
	s := g.Leader()
	r := s.Hub.Register().Set().Release
	r.Number++
	change(&r)
	signed, err := catalogue.Sign(&r, ed25519.NewKeyFromSeed(seed))
	if err != nil {
		g.tb.Fatal(err)
	}
	g.Do(s, register.Publish, &register.Parcel{Signed: protocol.Marshal(&signed)})
	return r.Number
}
