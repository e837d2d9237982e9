package register

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
)

// contacts is the newest Settings that a centre was told.
func (w *town) contacts(c place.Centre) (protocol.Contacts, int) {
	w.t.Helper()
	var told protocol.Contacts
	n := 0
	for _, e := range w.inboxOf(c) {
		if e.Kind == protocol.Settings {
			n++
			told = protocol.Contacts{}
			if err := e.Decode(&told); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return told, n
}

func TestEnrolIsOnceOnly(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		if b.slot != "0010" {
			t.Fatalf("the first slot is %s", b.slot)
		}
		nonce := protocol.Hash(seedOf("token", "0010"))
		// The answer was lost: it asks again, the leader has certified other slots.
		again := w.must(NewCommand("", ActorHub, EnrolNode, w.keys(b, nonce, "0012", "0013")))
		var n Node
		if err := again.Decode(&n); err != nil || n.Slot != "0010" || n.Spare != "0011" || string(n.TLSCert) != "t0010" {
			t.Fatalf("again = %+v, %v", n, err)
		}
		thief := &box{town: w, centre: "41-09-17", signer: signerOf("thief")}
		wantFault(t, "a used token, another key", w.do(NewCommand("", ActorHub, EnrolNode, w.keys(thief, nonce, "0012", "0013"))).Fault, fault.Denied)
		wantFault(t, "no token", w.do(NewCommand("", ActorHub, EnrolNode, w.keys(thief, protocol.Hash{9}, "0012", "0013"))).Fault, fault.Denied)

		token := func(name string, tk Token) protocol.Hash {
			tk.Nonce = protocol.Hash(seedOf(name))
			if tk.Expires == 0 {
				tk.Expires = w.at/1000 + 600
			}
			w.must(NewCommand("", "root", CreateToken, &tk))
			return tk.Nonce
		}
		forNode := Token{Role: "node", Centre: "41-09-23"}
		other := &box{town: w, centre: "41-09-23", signer: signerOf("other")}
		lost := w.keys(other, token("race", forNode), "0010", "0011")
		wantFault(t, "a slot that is taken", w.do(NewCommand("", ActorHub, EnrolNode, lost)).Fault, fault.Unavailable)
		stolen := w.keys(other, token("centre", forNode), "0012", "0013")
		stolen.Centre = "41-11-05"
		wantFault(t, "for another centre", w.do(NewCommand("", ActorHub, EnrolNode, stolen)).Fault, fault.Denied)
		same := w.keys(b, token("key", forNode), "0012", "0013")
		same.Centre = "41-09-23"
		wantFault(t, "a key that is enrolled", w.do(NewCommand("", ActorHub, EnrolNode, same)).Fault, fault.Conflict)
		late := w.keys(other, token("late", forNode), "0012", "0013")
		w.at += 700_000
		wantFault(t, "an expired token", w.do(NewCommand("", ActorHub, EnrolNode, late)).Fault, fault.Denied)
		gone := token("gone", forNode)
		id := (&Token{Nonce: gone}).ID()
		w.must(NewCommand("", "root", RevokeToken, &Name{Name: id}))
		wantFault(t, "a revoked token", w.do(NewCommand("", ActorHub, EnrolNode, w.keys(other, gone, "0012", "0013"))).Fault, fault.Denied)
		used := (&Token{Nonce: nonce}).ID()
		wantFault(t, "revoking a used token", w.do(NewCommand("", "root", RevokeToken, &Name{Name: used})).Fault, fault.Conflict)
		wantFault(t, "revoking no token", w.do(NewCommand("", "root", RevokeToken, &Name{Name: "x"})).Fault, fault.NotFound)
		asServer := server("s9")
		asServer.Nonce = token("mixed up", forNode)
		wantFault(t, "a server with a node's token", w.do(NewCommand("", ActorHub, EnrolServer, &asServer)).Fault, fault.Denied)

		if slot, spare := w.first().NextSlots(); slot != "0012" || spare != "0013" {
			t.Errorf("next slots = %s, %s: a refusal spent some", slot, spare)
		}
		if owner, ok := w.first().SlotOwner("0011"); !ok || owner.Centre != "41-09-17" {
			t.Errorf("the spare belongs to %+v", owner)
		}
		tokens, err := w.first().Tokens()
		if err != nil || len(tokens) != 7 {
			t.Errorf("%d tokens, %v", len(tokens), err)
		}
	})
}

func TestBadTokens(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	for name, tk := range map[string]Token{
		"too long":       {Role: "node", Centre: "41-09-17", Expires: w.at/1000 + 26*3600, Nonce: protocol.Hash{1}},
		"over":           {Role: "node", Centre: "41-09-17", Expires: w.at/1000 - 1, Nonce: protocol.Hash{1}},
		"far":            {Role: "node", Centre: "41-09-17", Expires: 1 << 62, Nonce: protocol.Hash{1}},
		"no nonce":       {Role: "node", Centre: "41-09-17", Expires: w.at/1000 + 60},
		"no role":        {Centre: "41-09-17", Expires: w.at/1000 + 60, Nonce: protocol.Hash{1}},
		"no centre":      {Role: "node", Expires: w.at/1000 + 60, Nonce: protocol.Hash{1}},
		"server, centre": {Role: "server", Centre: "41-09-17", Expires: w.at/1000 + 60, Nonce: protocol.Hash{1}},
	} {
		wantFault(t, name, w.do(NewCommand("", "root", CreateToken, &tk)).Fault, fault.Invalid)
	}
	tk := Token{Role: "node", Centre: "41-99-99", Expires: w.at/1000 + 60, Nonce: protocol.Hash{1}}
	wantFault(t, "no such centre", w.do(NewCommand("", "root", CreateToken, &tk)).Fault, fault.NotFound)
}

func TestSettingsReachNeighbours(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		a, b, far := w.enrol("41-09-17"), w.enrol("41-09-23"), w.enrol("41-11-05")
		told, _ := w.contacts("41-09-17")
		if len(told.Neighbours) != 1 || told.Neighbours[0].Centre != "41-09-23" || string(told.Neighbours[0].Signer) != string(b.signer.Public()) ||
			len(told.GossipKey) != 32 || !slices.Equal(told.Servers, []string{"s1.example:4433"}) {
			t.Fatalf("the first hears %+v", told)
		}
		if other, _ := w.contacts("41-11-05"); len(other.Neighbours) != 0 || string(other.GossipKey) == string(told.GossipKey) {
			t.Fatalf("another upazila hears %+v", other)
		}

		// A box says where its neighbours reach it: they hear of it, once.
		moved := &NodePlace{Slot: b.slot, Gossip: "10.0.0.7:7946"}
		w.must(NewCommand("", ActorHub, NodeAddress, moved))
		_, told1 := w.contacts("41-09-17")
		w.must(NewCommand("", ActorHub, NodeAddress, moved)) // Nothing new.
		near, told2 := w.contacts("41-09-17")
		if len(near.Neighbours) != 1 || near.Neighbours[0].Gossip != moved.Gossip || told1 != told2 {
			t.Fatalf("hears %+v, %d times; before %d", near, told2, told1)
		}
		wantFault(t, "no such slot", w.do(NewCommand("", ActorHub, NodeAddress, &NodePlace{Slot: "9998"})).Fault, fault.NotFound)

		// A second server joins, and moves: every box hears of it.
		nonce := protocol.Hash(seedOf("server token"))
		w.must(NewCommand("", "root", CreateToken, &Token{Nonce: nonce, Role: "server", Expires: w.at/1000 + 60}))
		s2 := server("s2")
		s2.Nonce = nonce
		w.must(NewCommand("", ActorHub, EnrolServer, &s2))
		w.must(NewCommand("", ActorHub, EnrolServer, &s2)) // Asked again.
		s2.Address = "s2.example:5544"
		w.must(NewCommand("", ActorHub, ServerAddress, &s2))
		_, before := w.contacts("41-11-05")
		w.must(NewCommand("", ActorHub, ServerAddress, &s2)) // Nothing new.
		now, after := w.contacts("41-11-05")
		if !slices.Equal(now.Servers, []string{"s1.example:4433", "s2.example:5544"}) || before != after {
			t.Fatalf("hears %+v, %d times; before %d", now, after, before)
		}
		w.must(NewCommand("", "root", RemoveServer, &Name{Name: "s1"}))
		wantFault(t, "the last server", w.do(NewCommand("", "root", RemoveServer, &Name{Name: "s2"})).Fault, fault.Conflict)
		wantFault(t, "a removed server moves", w.do(NewCommand("", ActorHub, ServerAddress, &Server{ID: "s1"})).Fault, fault.NotFound)
		if got := w.first().Addresses(); !slices.Equal(got, []string{"s2.example:5544"}) {
			t.Fatalf("addresses = %v", got)
		}

		// A box is revoked: its neighbours forget it and take a new key.
		b.submit(licence(t), 1)
		b.submit(licence(t), 2)
		b.mustBring(1, 1)
		key := seedOf("new gossip key")
		w.must(NewCommand("", "root", RevokeNode, &Revocation{Centre: "41-09-23", Reason: "stolen", GossipKey: key}))
		told, _ = w.contacts("41-09-17")
		if len(told.Neighbours) != 0 || string(told.GossipKey) != string(key) || !slices.Equal(told.Revoked, []identity.KeyID{b.signer.ID()}) {
			t.Fatalf("after the revocation: %+v", told)
		}
		if n, ok := w.first().NodeOf("41-09-23"); !ok || n.RevokedAt == 0 || n.Reason != "stolen" {
			t.Errorf("node = %+v", n)
		}
		// It enrols again under new slots, and is a neighbour again.
		b2 := w.enrol("41-09-23")
		told, _ = w.contacts("41-09-17")
		if b2.slot == b.slot || len(told.Neighbours) != 1 {
			t.Fatalf("after enrolling again: slot %s, %+v", b2.slot, told)
		}
		b2.submit(licence(t), 3)
		b2.mustBring(1, 1)
		b.mustBring(2, 2) // What the old box had filed before comes by others, and counts.
		if c, err := w.first().Case(b.numbers[1]); err != nil || c.Held != "" {
			t.Fatalf("filed before the revocation: %+v, %v", c, err)
		}
		wantFault(t, "revoking nothing", w.do(NewCommand("", "root", RevokeNode, &Revocation{Centre: "41-09-99", GossipKey: key})).Fault, fault.NotFound)
		_, _ = a, far
	})
}

func TestUsersReachTheirCentre(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		last := func() (u protocol.User) {
			for _, e := range w.inboxOf("41-09-17") {
				if e.Kind == protocol.UserChanged {
					if err := e.Decode(&u); err != nil {
						t.Fatal(err)
					}
				}
			}
			return u
		}
		if u := last(); u.Name != "rahima" || u.Hash != hash1 || u.Role != "entrepreneur" || u.Gender != "f" || u.Disabled {
			t.Fatalf("the centre hears %+v", u)
		}
		if p, err := w.first().Principal("rahima", dawn/1000); err != nil || p.Role != access.Entrepreneur || p.Centre != "41-09-17" {
			t.Fatalf("principal = %+v, %v", p, err)
		}
		if p, err := w.first().Principal("uno", dawn/1000); err != nil || p.Area != "41-09" {
			t.Fatalf("principal = %+v, %v", p, err)
		}
		w.must(NewCommand("", "root", DisableUser, &Name{Name: "rahima"}))
		w.must(NewCommand("", ActorControl, DisableUser, &Name{Name: "anna"}))
		if u := last(); !u.Disabled {
			t.Fatalf("the centre hears %+v", u)
		}
		if _, err := w.first().Principal("anna", dawn/1000); !errors.Is(err, fault.Denied) {
			t.Fatalf("a disabled officer: %v", err)
		}
		for _, e := range w.inboxOf("41-09-17") { // Officers' logins never leave the hub.
			if e.Kind == protocol.UserChanged && e.Actor != "rahima" {
				t.Errorf("the centre hears of %s", e.Actor)
			}
		}
		wantFault(t, "one's own login", w.do(NewCommand("", "root", DisableUser, &Name{Name: "root"})).Fault, fault.Conflict)
		wantFault(t, "nobody", w.do(NewCommand("", "root", DisableUser, &Name{Name: "nobody"})).Fault, fault.NotFound)
		users, err := w.first().Users()
		if err != nil || len(users) != 8 {
			t.Errorf("%d users, %v", len(users), err)
		}
	})
}

func TestBadUsers(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	seat := place.Seat{Post: "secretary", Office: "local-41-09-17"}
	good := User{Name: "new", Role: access.Officer, Seat: seat, Hash: hash1, From: 1}
	for name, tt := range map[string]struct {
		change func(u *User)
		want   fault.Kind
	}{
		"no name":             {func(u *User) { u.Name = "" }, fault.Invalid},
		"a reserved name":     {func(u *User) { u.Name = "@hub" }, fault.Invalid},
		"a space":             {func(u *User) { u.Name = "a b" }, fault.Invalid},
		"taken":               {func(u *User) { u.Name = "anna" }, fault.Conflict},
		"no role":             {func(u *User) { u.Role = "" }, fault.Invalid},
		"a password in clear": {func(u *User) { u.Hash = "secret-password" }, fault.Invalid},
		"no gender of ours":   {func(u *User) { u.Gender = "x" }, fault.Invalid},
		"no first day":        {func(u *User) { u.From = 0 }, fault.Invalid},
		"ends before it":      {func(u *User) { u.From, u.Until = 10, 5 }, fault.Invalid},
		"officer, no seat":    {func(u *User) { u.Seat = place.Seat{} }, fault.Invalid},
		"officer of a centre": {func(u *User) { u.Centre = "41-09-17" }, fault.Invalid},
		"operator, a seat":    {func(u *User) { u.Role = access.Operator }, fault.Invalid},
		"no such post":        {func(u *User) { u.Seat.Post = "king" }, fault.NotFound},
		"no such office":      {func(u *User) { u.Seat.Office = "local-41-09-99" }, fault.NotFound},
		"a post of another":   {func(u *User) { u.Seat.Post = "uno" }, fault.NotFound},
		"no such centre": {func(u *User) {
			*u = User{Name: "e", Role: access.Entrepreneur, Centre: "41-09-99", Hash: hash1, From: 1}
		}, fault.NotFound},
	} {
		u := good
		tt.change(&u)
		wantFault(t, name, w.do(NewCommand("", "root", AddUser, &u)).Fault, tt.want)
	}
	w.must(NewCommand("", "root", AddUser, &good))
}

// TestBeforeGenesis: nothing but the founding works, and it works once.
func TestBeforeGenesis(t *testing.T) {
	w := newTown(t, newMemory())
	wantFault(t, "a user", w.do(NewCommand("", ActorControl, AddUser, &User{})).Fault, fault.Unavailable)
	b := &box{town: w, slot: "0010", signer: signerOf("x"), log: protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 1}}
	b.submit(licence(t), 1)
	wantFault(t, "a block", b.bring(1, 1).Fault, fault.Unavailable)
	wantFault(t, "founding by a person", w.do(NewCommand("", "root", Genesis, &Founding{})).Fault, fault.Denied)
	for i, f := range []Founding{{}, {District: "4x"}, {District: "41", Country: "bd"}, {District: "41", Country: "bd", Incarnation: 1}} {
		wantFault(t, fmt.Sprint("founding ", i), w.do(NewCommand("", ActorHub, Genesis, &f)).Fault, fault.Invalid)
	}
	w.found()
	wantFault(t, "founding twice", w.do(NewCommand("", ActorHub, Genesis, w.first().Founding())).Fault, fault.Conflict)
	wantFault(t, "an entrepreneur before a release", w.do(NewCommand("", "root", AddUser,
		&User{Name: "e", Role: access.Entrepreneur, Centre: "41-09-17", Hash: hash1, From: 1})).Fault, fault.Unavailable)
}
