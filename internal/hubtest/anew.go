package hubtest

import (
	"bytes"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"kendro/hub"
)

// Share writes the recovery share of the group as it stands, and returns it with what opens
// it. One server stops for it and starts again.
func (g *Group) Share() (sealed []byte, by age.Identity) {
	g.tb.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		g.tb.Fatal(err)
	}
	s := g.Servers[0]
	g.Stop(s)
	name := filepath.Join(g.tb.TempDir(), "recovery.share")
	if err := (hub.Folder{Dir: s.Dir}).WriteShare(name, id.Recipient(), time.Now()); err != nil {
		g.tb.Fatal(err)
	}
	g.Start(s)
	g.Leader()
	if sealed, err = os.ReadFile(name); err != nil {
		g.tb.Fatal(err)
	}
	return sealed, id
}

// BeginAnew loses every server for good, and has the district begin anew from a recovery
// share, with one server at the address of the first.
func (g *Group) BeginAnew(sealed []byte, by age.Identity) {
	g.tb.Helper()
	for _, s := range g.Servers {
		g.Stop(s)
		if err := os.RemoveAll(s.Dir); err != nil {
			g.tb.Fatal(err)
		}
	}
	g.Servers = g.Servers[:1]
	s := g.Servers[0]
	if _, err := hub.RecoverFromNodes(s.Dir, bytes.NewReader(sealed), hub.RecoverOptions{Identity: by, Clock: time.Now}); err != nil {
		g.tb.Fatal(err)
	}
	g.Start(s)
	g.Wait("the catalogue", func() bool { return s.Hub.Register().Release() > 0 })
}
