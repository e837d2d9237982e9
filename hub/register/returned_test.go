package register

import (
	"crypto/ed25519"
	"slices"
	"testing"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
)

// beginAnew founds a district whose servers were lost, with the catalogue that it had.
func beginAnew(w *town, revoked ...identity.KeyID) *town {
	w.t.Helper()
	w.must(NewCommand("", ActorHub, Genesis, &Founding{
		District: "41", Country: "bd", Incarnation: 0xf1e, Authority: []byte("authority"),
		CatalogueKey: w.catalogue.Public().(ed25519.PublicKey), Recipients: w.recips,
		Operator: User{Name: "root", Role: access.Operator, Hash: hash1, From: 1}, Server: server("s9"),
		Anew: &Anew{Refounding: protocol.Refounding{District: "41", Incarnation: 0xf1e, At: dawn}, FirstSlot: 1000, Revoked: revoked},
	}))
	w.publish(1, directory("41-09-17", "41-09-23"), licence(w.t))
	return w
}

// enrolled is a box as the register before had enrolled it.
func enrolled(w *town, centre place.Centre, slot string) *box {
	b := &box{town: w, centre: centre, slot: slot, signer: signerOf("box", centre, slot)}
	b.log = protocol.LogID{Channel: protocol.Uplink, Name: "41-" + slot, Incarnation: 7}
	return b
}

// comesBack has the box return with what it holds.
func (b *box) comesBack(change func(*NodeReturn)) Result {
	b.town.t.Helper()
	n := &NodeReturn{NodeKeys: *b.town.keys(b, protocol.Hash{}, b.slot, slotName(slotNumber(b.slot)+1))}
	if k := len(b.hashes); k > 0 {
		n.Logs = []protocol.Head{{Log: b.log, At: protocol.Position{Seq: uint64(k), Hash: b.hashes[k-1]}}}
	}
	n.Before = []protocol.Head{{Log: protocol.LogID{Channel: protocol.Inbox, Name: string(b.centre), Incarnation: 0xc0ffee}, At: protocol.Position{Seq: 40}}}
	if change != nil {
		change(n)
	}
	return b.town.do(NewCommand("", ActorHub, ReturnNode, n))
}

// TestBoxesReturn takes boxes back at their slots, in any order and twice, each
// inbox beginning with the authority's word and the old heads; their applications
// get their numbers, once.
func TestBoxesReturn(t *testing.T) {
	w := beginAnew(newTown(t, newMemory(), newMemory()))
	a, late := enrolled(w, "41-09-17", "0012"), enrolled(w, "41-09-23", "0010")
	first := a.submit(licence(t), 1)
	if res := a.bring(1, 1); res.Fault == nil || res.Fault.Kind != fault.Denied {
		t.Errorf("before it returned: %+v; want denied", res)
	}
	for range 2 {
		if res := a.comesBack(nil); res.Fault != nil {
			t.Fatal(res.Fault.Err())
		}
	}
	told := w.inboxOf(a.centre)
	var word protocol.Assurance
	if len(told) != 2 || told[0].Kind != protocol.Assured || told[0].Decode(&word) != nil || word.Refounded == nil || word.Refounded.Incarnation != 0xf1e ||
		len(word.Before) != 1 || word.Before[0].At.Seq != 40 {
		t.Errorf("its inbox begins with %+v, %d events; want the beginning with the old heads, and the settings", word, len(told))
	}
	a.mustBring(1, 1)
	a.mustBring(1, 1)
	if c, err := w.first().Case(first); err != nil || c.Log != a.log {
		t.Errorf("case %v: %+v, %v", first, c, err)
	}
	second := late.submit(licence(t), 2)
	if res := late.comesBack(nil); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	late.mustBring(1, 1)
	if _, err := w.first().Case(second); err != nil {
		t.Error(err)
	}
	if slot, _ := w.first().NextSlots(); slot != "1000" {
		t.Errorf("the next box gets %s; want one behind all that were given out", slot)
	}
	if fresh := w.enrol("41-11-05"); w.inboxOf(fresh.centre)[0].Kind != protocol.Assured {
		t.Error("a new box is not told which register this is")
	}
	if s := w.first().Stats(); s.Cases != 2 || s.Forks != 0 || s.Copied != 0 {
		t.Errorf("%+v; want two cases, nobody accused", s)
	}
	w.agree()
}

// TestWhoMayNotReturn refuses what no box of the district shows.
func TestWhoMayNotReturn(t *testing.T) {
	stolen := signerOf("box", place.Centre("41-09-23"), "0020")
	w := beginAnew(newTown(t, newMemory(), newMemory()), stolen.ID())
	a := enrolled(w, "41-09-17", "0010")
	if res := a.comesBack(nil); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	for what, c := range map[string]struct {
		b      *box
		change func(*NodeReturn)
		want   fault.Kind
	}{
		"a revoked box":         {enrolled(w, "41-09-23", "0020"), nil, fault.Denied},
		"another box's slot":    {enrolled(w, "41-09-23", "0010"), nil, fault.Conflict},
		"its key, another slot": {enrolled(w, "41-09-17", "0030"), func(n *NodeReturn) { n.Signing = a.signer.Public() }, fault.Conflict},
		"the hub's own slot":    {enrolled(w, "41-09-23", "0002"), nil, fault.Invalid},
		"a spare slot":          {enrolled(w, "41-09-23", "0031"), nil, fault.Invalid},
		"no slot":               {enrolled(w, "41-09-23", "0032"), func(n *NodeReturn) { n.Slot = "+032" }, fault.Invalid},
		"another spare":         {enrolled(w, "41-09-23", "0032"), func(n *NodeReturn) { n.Spare = "0040" }, fault.Invalid},
		"no key":                {enrolled(w, "41-09-23", "0032"), func(n *NodeReturn) { n.Signing = nil }, fault.Invalid},
	} {
		wantFault(t, what, c.b.comesBack(c.change).Fault, c.want)
	}
	w.agree()
	old := newTown(t, newMemory()).settle()
	b := enrolled(old, "41-09-17", "0012")
	wantFault(t, "a register that never burned", b.comesBack(nil).Fault, fault.Conflict)
}

// TestOldCheckpointsDateNothing: what a box knew of the register before says
// nothing of time in this one, also where the numbers look alike.
func TestOldCheckpointsDateNothing(t *testing.T) {
	w := beginAnew(newTown(t, newMemory(), newMemory()))
	a := enrolled(w, "41-09-17", "0010")
	filed := int64(dawn) - 5*24*3600*1000
	file := func(at int64, checkpoint, nonce uint64) protocol.Number {
		a.submit(licence(t), nonce)
		n := len(a.events) - 1
		e, err := protocol.DecodeEvent(a.events[n])
		if err != nil {
			t.Fatal(err)
		}
		a.events, a.hashes, a.numbers = a.events[:n], a.hashes[:n], a.numbers[:n]
		e.At, e.Checkpoint = at, checkpoint
		return a.add(&e)
	}
	old := file(filed, 2, 1)
	if res := a.comesBack(nil); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	backdated := file(filed, w.index, 2)
	a.mustBring(1, 2)
	if c, err := w.first().Case(old); err != nil || c.Legal != filed || c.ClockOff != 0 {
		t.Errorf("filed before the fire: legal %d, off %d, %v; want %d", c.Legal, c.ClockOff, err, filed)
	}
	if c, err := w.first().Case(backdated); err != nil || c.Legal < dawn || c.ClockOff == 0 {
		t.Errorf("dated before the entry that it knew: legal %d, off %d, %v; want it flagged", c.Legal, c.ClockOff, err)
	}
	w.agree()
}

// TestStandIn lets a centre's box bring the log of the box before it, until that
// one returns itself.
func TestStandIn(t *testing.T) {
	w := beginAnew(newTown(t, newMemory(), newMemory()))
	former, now := enrolled(w, "41-09-17", "0010"), enrolled(w, "41-09-17", "0014")
	for i := range 3 {
		former.submit(licence(t), uint64(i+1))
	}
	if res := now.comesBack(func(n *NodeReturn) { n.Former = []string{"41-0010", "41-0011", "42-0012", "41-0016", "x"} }); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	asFetched := *former
	asFetched.signer = now.signer
	asFetched.mustBring(1, 2)
	if got := w.first().Former(w.first().world.Load().slots["0014"]); !slices.Equal(got, []string{"41-0010", "41-0011"}) {
		t.Errorf("earlier boxes %v", got)
	}
	if res := former.comesBack(nil); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	if res := asFetched.bring(3, 3); res.Fault == nil || res.Fault.Kind != fault.Denied {
		t.Errorf("after the box itself returned: %+v; want denied", res)
	}
	former.mustBring(1, 3)
	if s := w.first().Stats(); s.Cases != 3 || s.Forks != 0 {
		t.Errorf("%+v; want three cases", s)
	}
	if n, _ := w.first().NodeOf("41-09-17"); n.Slot != "0014" {
		t.Errorf("the centre's box is %s; want the newer", n.Slot)
	}
	w.agree()
}

// TestLoginsReturn gives the entrepreneurs of a centre their logins again, and
// nobody else.
func TestLoginsReturn(t *testing.T) {
	w := beginAnew(newTown(t, newMemory(), newMemory()))
	a := enrolled(w, "41-09-17", "0010")
	user := func(name, centre, role string) protocol.User {
		return protocol.User{Name: name, Centre: centre, Role: role, Gender: "f", Hash: hash1, From: 1}
	}
	if res := a.comesBack(func(n *NodeReturn) {
		n.Users = []protocol.User{
			user("rahima", "41-09-17", "entrepreneur"), user("root", "41-09-17", "entrepreneur"), user("far", "41-09-23", "entrepreneur"),
			user("boss", "41-09-17", "operator"), user("@hub", "41-09-17", "entrepreneur"),
			{Name: "nohash", Centre: "41-09-17", Role: "entrepreneur", From: 1},
		}
	}); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	list, err := w.first().Users()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range list {
		names = append(names, u.Name+" "+string(u.Role))
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"rahima entrepreneur", "root operator"}) {
		t.Errorf("logins %v", names)
	}
	w.agree()
}

// TestBackupIsTold publishes a backup to every centre, and refuses one that would
// promise less.
func TestBackupIsTold(t *testing.T) {
	w := newTown(t, newMemory(), newMemory()).settle()
	w.enrol("41-09-17")
	w.enrol("41-09-23")
	until := w.at/1000 + 91*24*3600
	for what, c := range map[string]struct {
		b    Backup
		want fault.Kind
	}{
		"entries to come": {Backup{Index: 10_000, Until: until}, fault.Invalid},
		"nothing":         {Backup{Until: until}, fault.Invalid},
		"too short":       {Backup{Index: 3, Until: w.at/1000 + 80*24*3600}, fault.Invalid},
	} {
		wantFault(t, what, w.do(NewCommand("", "root", BackedUp, &c.b)).Fault, c.want)
	}
	w.must(NewCommand("", "root", BackedUp, &Backup{Index: 5, Until: until}))
	wantFault(t, "an older one", w.do(NewCommand("", "root", BackedUp, &Backup{Index: 4, Until: until})).Fault, fault.Conflict)
	for _, c := range []place.Centre{"41-09-17", "41-09-23"} {
		told := w.inboxOf(c)
		var a protocol.Assurance
		if e := told[len(told)-1]; e.Kind != protocol.Assured || e.Decode(&a) != nil || a.Backed == nil || a.Backed.Index != 5 || a.Refounded != nil {
			t.Errorf("%s was told %+v", c, a)
		}
	}
	if m, err := w.first().Backed(); err != nil || m.Index != 5 || m.Until != until {
		t.Errorf("the register has %+v, %v", m, err)
	}
	w.agree()
}
