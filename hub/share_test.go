package hub

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"filippo.io/age"

	"kendro/hub/register"
	"kendro/pack/bd"
	"kendro/protocol"
)

// TestSharePacksOrigins: what a release was composed of goes into the share with the
// release that names it, and not with the next.
func TestSharePacksOrigins(t *testing.T) {
	version, origin := protocol.Marshal("a version"), protocol.Marshal("an origin")
	p := &packing{}
	for _, e := range []protocol.Event{
		{Kind: protocol.ServiceAdded, Payload: version},
		{Kind: protocol.OriginAdded, Payload: origin},
		{Kind: protocol.Released, Payload: protocol.Marshal(1)},
		{Kind: protocol.Released, Payload: protocol.Marshal(2)},
	} {
		if err := p.add(&e); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.list) != 2 || !slices.Equal(p.list[0].Origin, origin) || len(p.list[0].Versions) != 1 || p.list[1].Origin != nil {
		t.Errorf("parcels %+v; want the origin in the first alone", p.list)
	}
}

// TestAShareOfManyVersionsCanBeFoundedAnew: a district whose catalogue has grown for years
// comes back from its share, whatever the share may hold.
func TestAShareOfManyVersionsCanBeFoundedAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Init(dir, InitOptions{District: "41", Pack: bd.Pack(), Clock: time.Now}); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, genesisFile)
	var list []register.Command
	if ok, err := readSummed(name, maxGenesis, &list); err != nil || !ok {
		t.Fatal(ok, err)
	}
	for range 250 {
		list = append(list, register.NewCommand(drawID(), register.ActorControl, register.AddVersions, register.Parcel{Versions: [][]byte{make([]byte, 160<<10)}}))
	}
	if err := writeSummed(name, list); err != nil {
		t.Fatal(err)
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	written, anew := filepath.Join(t.TempDir(), "share"), t.TempDir()
	if err := (Folder{Dir: dir}).WriteShare(written, id.Recipient(), time.Now()); err != nil {
		t.Fatal(err)
	}
	sealed, err := os.ReadFile(written)
	if err != nil {
		t.Fatal(err)
	}
	later := func() time.Time { return time.Now().Add(time.Hour) }
	if _, err := RecoverFromNodes(anew, bytes.NewReader(sealed), RecoverOptions{Identity: id, Clock: later}); err != nil {
		t.Fatal(err)
	}
	var again []register.Command
	if ok, err := readSummed(filepath.Join(anew, genesisFile), maxGenesis, &again); err != nil || !ok || len(again) < 250 {
		t.Errorf("what the first server proposes can't be read: %d commands, %v", len(again), err)
	}
}
