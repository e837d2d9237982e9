package hub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/hub"
	"kendro/hub/register"
	"kendro/internal/hubtest"
	"kendro/pack/bd"
	"kendro/protocol"
)

func TestEnrolment(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 2)
	ctx := t.Context()
	token := g.Token(centre)
	b := hubtest.NewBox(t)
	first, err := b.Ask(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	if first.Slot != "0010" || first.Spare != "0011" || first.ID != string(centre) {
		t.Errorf("got %s, slots %s and %s; want the first two slots", first.ID, first.Slot, first.Spare)
	}
	again, err := b.Ask(ctx, token)
	if err != nil || !bytes.Equal(protocol.Marshal(&again), protocol.Marshal(&first)) {
		t.Errorf("the same request again: %v; want the same answer", err)
	}
	if _, err := hubtest.NewBox(t).Ask(ctx, token); !errors.Is(err, fault.Denied) {
		t.Errorf("the token with other keys: got %v; want denied", err)
	}
	unknown := token
	unknown.Nonce[0] ^= 1
	if _, err := hubtest.NewBox(t).Ask(ctx, unknown); !errors.Is(err, fault.Denied) {
		t.Errorf("a token that nobody made: got %v; want denied", err)
	}
	elsewhere := g.Token(centre)
	elsewhere.Centre = "41-04-28"
	if _, err := hubtest.NewBox(t).Ask(ctx, elsewhere); !errors.Is(err, fault.Denied) {
		t.Errorf("a token for another centre: got %v; want denied", err)
	}
	other := g.Token(centre)
	other.CAHash[0] ^= 1
	if _, err := hubtest.NewBox(t).Ask(ctx, other); !errors.Is(err, fault.Denied) {
		t.Errorf("a token of another district: got %v; want denied", err)
	}
	server := g.Token("")
	if err := hub.Join(ctx, t.TempDir(), token, hub.JoinOptions{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a box's token for a server: got %v; want invalid", err)
	}
	dir := t.TempDir()
	for range 2 { // The second finds that it is done.
		if err := hub.Join(ctx, dir, server, hub.JoinOptions{Address: "127.0.0.1:1"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := hub.Join(ctx, t.TempDir(), server, hub.JoinOptions{}); !errors.Is(err, fault.Denied) {
		t.Errorf("a server's token used twice: got %v; want denied", err)
	}
}

func TestJoinAfterALostAnswer(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 1)
	dir := t.TempDir()
	token := g.Token("")
	if err := hub.Join(t.Context(), dir, token, hub.JoinOptions{}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "server.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "server.key")); err != nil { // As if the answer had not come.
		t.Fatal(err)
	}
	if err := hub.Join(t.Context(), dir, token, hub.JoinOptions{}); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(dir, "server.key"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("another server came of the second answer (%v)", err)
	}
}

func TestInit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := hub.InitOptions{District: "41", Pack: bd.Pack(), Clock: time.Now}
	for _, bad := range []string{"", "4", "00", "99", "x1"} {
		wrong := o
		wrong.District = bad
		if _, err := hub.Init(dir, wrong); !errors.Is(err, fault.Invalid) {
			t.Errorf("district %q: got %v; want invalid", bad, err)
		}
	}
	password, err := hub.Init(dir, o)
	if err != nil || len(password) < 16 {
		t.Fatalf("Init = %q, %v", password, err)
	}
	if _, err := hub.Init(dir, o); !errors.Is(err, fault.Conflict) {
		t.Errorf("a second Init: got %v; want conflict", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %v, %v; want nothing for others", e.Name(), info.Mode(), err)
		}
	}
	if _, err := hub.Open(hub.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Clock: time.Now}); !errors.Is(err, fault.NotFound) {
		t.Errorf("an empty folder: got %v; want not found", err)
	}
}

func TestNonVoterServesAndForwards(t *testing.T) {
	t.Parallel()
	g := hubtest.With(t, hubtest.Options{Voters: 1, NonVoters: 1})
	office := g.Servers[1]
	for _, m := range office.Hub.Members() {
		if want := m.Address == g.Servers[0].Addr; m.Voter != want || m.Leader != want {
			t.Errorf("member %+v; want the founder alone to vote and lead", m)
		}
	}
	b := g.Enrol(centre)
	numbers := b.File(40)
	ctx, cancel := context.WithCancel(t.Context())
	wait := b.Sync(ctx, office.Addr)
	defer wait()
	defer cancel()
	g.Wait("acknowledgements", func() bool { return b.Acked() == b.Filed() })
	g.Wait("the inbox", func() bool {
		told := uint64(0)
		for _, e := range b.Inbox() {
			var a protocol.Acceptance
			if e.Kind == protocol.Accepted && e.Decode(&a) == nil {
				told = a.Last
			}
		}
		return told == 40
	})
	res := g.Do(office, register.AddUser, register.User{
		Name: "rahima", Role: "entrepreneur", Centre: centre, Gender: "f", From: 1,
		Hash: "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	})
	if res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	if _, err := office.Hub.Register().User("rahima"); err != nil {
		t.Errorf("what was done through this server is not seen here: %v", err)
	}
	g.Wait("the user at the box", func() bool {
		for _, e := range b.Inbox() {
			if e.Kind == protocol.UserChanged {
				return true
			}
		}
		return false
	})
	if _, behind := office.Hub.Fresh(ctx); behind {
		t.Error("a server that has kept up says it is behind")
	}
	g.Agree()
	once(t, office.Hub.Register(), numbers)
}

func TestWithoutALeaderNothingIsPromised(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 2)
	alone := g.Follower()
	g.Kill(g.Leader())
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := alone.Hub.Do(ctx, register.NewCommand("x", register.ActorControl, register.DisableUser, register.Name{Name: "nobody"}))
	if !hubtest.IsUnknown(err) {
		t.Errorf("Do = %v; want unavailable", err)
	}
	if asOf, behind := alone.Hub.Fresh(ctx); !behind || asOf.IsZero() {
		t.Errorf("Fresh = %v, %v; want an old time and behind", asOf, behind)
	}
}

func TestRevokedBoxIsCutOff(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 1)
	b := g.Enrol(centre)
	b.File(3)
	ctx, cancel := context.WithCancel(t.Context())
	wait := b.Sync(ctx, g.Servers[0].Addr)
	defer wait()
	defer cancel()
	g.Wait("acknowledgements", func() bool { return b.Acked() == 3 })
	g.Do(g.Servers[0], register.RevokeNode, register.Revocation{Centre: centre, Reason: "lost", GossipKey: make([]byte, 32)})
	g.Wait("the end of its sessions", func() bool { return b.Sessions() == 0 })
	b.File(1)
	ended := b.Refused()
	g.Wait("another refusal", func() bool { return b.Refused() > ended })
	if b.Acked() != 3 {
		t.Error("a revoked box was served")
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 1)
	s := g.Servers[0]
	b := g.Enrol(centre)
	numbers := b.File(25)
	drain(t, g, b, s.Addr)
	if err := hub.Export(t.Context(), s.Dir, &bytes.Buffer{}); !errors.Is(err, fault.Conflict) {
		t.Errorf("export beside a running server: got %v; want conflict", err)
	}
	set := s.Hub.Register().SetHash()
	g.Stop(s)
	var out, again bytes.Buffer
	if err := hub.Export(t.Context(), s.Dir, &out); err != nil {
		t.Fatal(err)
	}
	if err := hub.Export(t.Context(), s.Dir, &again); err != nil || !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Errorf("a second export differs (%v)", err)
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if len(lines) != len(numbers)+1 {
		t.Fatalf("%d lines; want %d cases and an end", len(lines), len(numbers))
	}
	var end struct {
		Index  uint64        `json:"index"`
		Digest protocol.Hash `json:"digest"`
	}
	if err := json.Unmarshal(lines[len(lines)-1], &end); err != nil || end.Digest != set || end.Index == 0 {
		t.Errorf("end = %+v, %v; want the set hash %v", end, err, set)
	}
	last := ""
	for _, l := range lines[:len(lines)-1] {
		var c struct{ Number, Stage string }
		if err := json.Unmarshal(l, &c); err != nil || c.Number <= last || c.Stage != "RECEIVED" {
			t.Errorf("line %s: %v; want sorted, received cases", l, err)
		}
		last = c.Number
	}
}
