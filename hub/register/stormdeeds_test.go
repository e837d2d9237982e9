package register

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
)

// Deeds are a few commands each that only make sense one after the other: what is drawn word
// by word hardly ever gets to the last of them.
type deeds struct{ *storm }

// one does one of them.
func (s deeds) one() {
	all := []func(){
		s.turnsKey, s.machines, s.servers, s.trials, s.agency, s.leases, s.posts, s.handsBack, s.appeals, s.relates, s.backsUp, s.proposes,
		s.trains, s.forgets, s.signs, s.blocks, s.copies, s.expires, s.shelves,
	}
	if home := homecoming(s); s.anew() {
		all = append(all, home.returns, home.returns, home.returns, home.returns, home.knows)
	}
	pick(s.rng, all)()
}

// sometimes does something now and then, so that what comes before it is left as it is too.
func (s deeds) sometimes(c Command) {
	if s.rng.IntN(5) > 0 {
		s.command(c)
	}
}

func (s deeds) turnsKey() {
	k := identity.NewSealingKey()
	s.later = append(s.later, k)
	drawn := &SealingDrawn{Public: k.Public(), Asked: "storm"}
	if all := s.first().Generations(); s.rng.IntN(2) == 0 && all[len(all)-1].AnnouncedAt == 0 {
		drawn.Instead = all[len(all)-1].Key()
	}
	s.sometimes(NewCommand("", "root", DrawSealing, drawn))
	all := s.first().Generations()
	id := all[len(all)-1].Key()
	for _, sv := range s.first().Servers() {
		s.sometimes(NewCommand("", ActorHub, HoldSealing, &SealingHeld{Key: id, Server: sv.ID}))
	}
	s.sometimes(NewCommand("", "root", AnnounceSealing, &SealingNamed{Key: id}))
}

// token is one that nobody has used yet.
func (s deeds) fresh(role string, centre place.Centre) protocol.Hash {
	s.ids++
	t := &Token{Nonce: protocol.Hash(seedOf("fresh", s.ids)), Role: role, Centre: centre, Expires: s.at/1000 + 3600}
	s.sometimes(NewCommand("", "root", CreateToken, t))
	if s.rng.IntN(6) == 0 {
		s.command(NewCommand("", "root", RevokeToken, &Name{Name: t.ID()}))
	}
	return t.Nonce
}

// machines lets a box in, and now and then one with a key that is known.
func (s deeds) machines() {
	centre := place.Centre(pick(s.rng, []string{"41-09-17", "41-09-23", "41-11-05"}))
	slot, spare := s.first().NextSlots()
	if slot == "" || s.gathered != nil {
		return
	}
	b := &box{town: s.town, centre: centre, slot: slot, signer: signerOf("box", centre, slot)}
	b.log = protocol.LogID{Channel: protocol.Uplink, Name: "41-" + slot, Incarnation: 7}
	if s.rng.IntN(6) == 0 && len(s.boxes) > 0 {
		b.signer = pick(s.rng, s.boxes).signer
	}
	res := s.command(NewCommand("", ActorHub, EnrolNode, s.keys(b, s.fresh("node", centre), slot, spare)))
	if res.Fault == nil && len(s.boxes) < 12 {
		s.boxes = append(s.boxes, b)
	}
}

func (s deeds) servers() {
	s.ids++
	sv := server(fmt.Sprint("s", s.ids))
	sv.Nonce = s.fresh("server", "")
	s.sometimes(NewCommand("", ActorHub, EnrolServer, &sv))
	list := s.first().Servers()
	moved := *pick(s.rng, list)
	moved.Address, moved.HTTP, moved.Voter = s.word("Address"), s.word("HTTP"), s.rng.IntN(2) == 0
	s.sometimes(NewCommand("", ActorHub, ServerAddress, &moved))
	if len(list) > 3 || s.rng.IntN(4) == 0 {
		s.command(NewCommand("", "root", RemoveServer, &Name{Name: pick(s.rng, list).ID}))
	}
}

// trials tries a release at a centre, which goes well, or doesn't.
func (s deeds) trials() {
	n, err := s.first().NextRelease()
	if err != nil {
		s.t.Fatal(err)
	}
	centre := place.Centre("41-09-17")
	s.sometimes(NewCommand("", "root", TryRelease, &TrialOrder{Parcel: *s.parcel(n, s.dir, s.catalog...), Centre: centre, For: 60_000, Limit: 2}))
	t, err := s.first().Trial()
	if err != nil {
		s.t.Fatal(err)
	}
	if t == nil {
		return
	}
	fare := protocol.Fare{Release: uint64(t.Release), Run: s.rng.Uint64N(3), InForce: true}
	if s.rng.IntN(4) == 0 {
		fare = *draw[protocol.Fare](&s.drawer)
		fare.Release = uint64(t.Release)
	}
	for range s.rng.IntN(4) {
		s.command(NewCommand("", ActorHub, ReleaseFared, &FareTold{Centre: centre, Fare: fare}))
		s.at = min(s.at+30_000, maxTime)
	}
	s.sometimes(NewCommand("", "root", pick(s.rng, []Method{PromoteRelease, HaltRelease}), &TrialWord{Release: t.Release, Reason: "seen"}))
}

// agency has an editor submit the next version, and an operator look at it.
func (s deeds) agency() {
	b, serial := s.bureau(), uint64(1)
	if a, err := s.first().Agency(b.code); err == nil {
		serial = a.Serial + s.rng.Uint64N(3)
	}
	s.sometimes(NewCommand("", "root", AddAgency, b.delegation(serial, min(s.at/1000+86400, maxTime/1000))))
	next := 1
	for _, v := range s.first().Set().VersionsOf("bmet.demo") {
		next = max(next, v.Number+1)
	}
	s.sometimes(NewCommand("", ActorHub, SubmitVersion, b.submission(b.editor, nil, version(s.t, "bmet.demo", next, "secretary"))))
	switch s.rng.IntN(5) {
	case 0:
		s.command(NewCommand("", "root", RevokeAgency, &AgencyWord{Code: b.code, Reason: "over"}))
	case 1, 2:
		s.command(NewCommand("", "root", RefuseVersion, &AgencyWord{Code: b.code, Reason: "wrong"}))
	default:
		n, err := s.first().NextRelease()
		if err != nil {
			s.t.Fatal(err)
		}
		s.sometimes(NewCommand("", "root", Publish, s.parcel(n, s.dir, append(slices.Clip(s.catalog), version(s.t, "bmet.demo", next, "secretary"))...)))
	}
}

func (s deeds) leases() {
	for _, m := range []Method{AllowLease, EndLease, AllowLease} {
		s.sometimes(NewCommand("", "root", m, &LeaseOrder{Centre: place.Centre(s.word("Centre")), Service: s.catalog[0].ID}))
	}
}

// under finds a case in a stage, of the newest.
func (s deeds) under(stages ...application.Stage) *Case {
	for range 60 {
		if c, err := s.first().Case(pick(s.rng, s.cases)); err == nil && slices.Contains(stages, c.State.Stage) {
			return c
		}
	}
	return nil
}

// posts has what is ready go by post, and come back.
func (s deeds) posts() {
	for _, m := range []Method{Dispatch, ComeBack, Dispatch, HandOver, Close} {
		if c := s.under(application.Ready, application.Posted, application.Returned); c != nil {
			s.acts(c, m)
		}
	}
}

// handsBack has a superior take what is overdue, and give it back.
func (s deeds) handsBack() {
	c := s.under(application.Received, application.UnderReview)
	if c == nil {
		return
	}
	if c.State.Above == (place.Seat{}) && c.Due > 0 && c.Due < maxTime/1000-9*86400 && s.gathered == nil {
		s.at = max(s.at, (c.Due+4*86400)*1000)
		s.command(NewCommand("", ActorHub, Tick, &Due{Numbers: []protocol.Number{c.Number}}))
		if c, _ = s.first().Case(c.Number); c == nil {
			return
		}
	}
	who := s.sits(c.State.Above)
	s.command(act(who, Take, c.Number, c.State.Version, Act{}))
	if c, _ = s.first().Case(c.Number); c != nil && s.rng.IntN(3) > 0 {
		s.command(act(who, HandBack, c.Number, c.State.Version, Act{Text: "go on"}))
	}
}

// appeals has a case rejected, and whoever is above look at it again.
func (s deeds) appeals() {
	c := s.under(application.Rejected, application.Closed)
	if c == nil {
		return
	}
	for _, who := range []string{"uno-officer", "upper", "up", "mid", "chief"} {
		s.sometimes(act(who, Appeal, c.Number, c.State.Version, Act{Text: "look again"}))
	}
}

func (s deeds) relates() {
	a, b := s.under(application.Received, application.UnderReview), s.under(application.Received, application.UnderReview, application.Approved)
	if a == nil || b == nil {
		return
	}
	ties, err := s.first().Ties(a.Number)
	if err != nil {
		s.t.Fatal(err)
	}
	saw := 0
	for _, t := range ties {
		if t.Number == b.Number || t.Other == b.Number {
			saw = len(t.Said)
		}
	}
	c := NewCommand("", s.sits(a.State.Seat), Relate, &Likening{Other: b.Number, Verdict: pick(s.rng, Verdicts()), Text: "seen", Saw: saw})
	c.Number = a.Number
	s.command(c)
}

func (s deeds) backsUp() {
	s.command(NewCommand("", "root", BackedUp, &Backup{Index: s.index - s.rng.Uint64N(9), Until: s.at/1000 + minKept + s.rng.Int64N(9)}))
}

func (s deeds) proposes() {
	v := pick(s.rng, s.catalog)
	what := &ChangeAsked{Service: v.ID, Field: "sla_days", Was: "7", Value: fmt.Sprint(1 + s.rng.IntN(30)), Reason: "slow", Release: s.first().Release()}
	s.command(NewCommand("", pick(s.rng, []string{"anna", "chair", "uno"}), ProposeChange, what))
	waiting, _, err := s.first().Proposals(0)
	if err != nil {
		s.t.Fatal(err)
	}
	if p := pick(s.rng, waiting); p != nil {
		s.sometimes(NewCommand("", "root", SettleProposals, &Choice{Service: p.Service, Field: p.Field, Accept: pick(s.rng, []string{"", p.ID}), Reason: "so be it"}))
	}
}

func (s deeds) trains() {
	for _, u := range s.users {
		if u.Role == access.Entrepreneur && s.rng.IntN(2) == 0 {
			s.command(NewCommand("", "uno", Train, &Training{User: u.Name, Tag: pick(s.rng, []string{"platform", "none"}), On: s.at/1000 - s.rng.Int64N(9)*86400, Withdrawn: s.rng.IntN(4) == 0}))
		}
	}
}

// forgets has a box and a server say that they carried out what they were told.
func (s deeds) forgets() {
	b := pick(s.rng, s.boxes)
	if b == nil {
		return
	}
	inbox := protocol.Head{Log: s.first().Inbox(b.centre)}
	at, _, err := s.first().Cursor(inbox.Log)
	if err != nil {
		s.t.Fatal(err)
	}
	inbox.At = at
	inbox.At.Seq -= min(at.Seq, s.rng.Uint64N(3))
	s.command(NewCommand("", ActorHub, BoxHasForgot, &BoxForgot{Slot: b.slot, Inbox: inbox, Since: s.at}))
	s.command(NewCommand("", ActorHub, ServerHasForgot, &ServerForgot{Server: pick(s.rng, s.first().Servers()).ID, Index: s.index - s.rng.Uint64N(3)}))
}

// signs has the leader put the authority's words to orders that were carried out.
func (s deeds) signs() {
	list, err := s.first().Unwarranted()
	if err != nil {
		s.t.Fatal(err)
	}
	o := pick(s.rng, list)
	if o == nil {
		return
	}
	held, _ := o.Held()
	given := WarrantGiven{Number: o.Number, Held: held}
	for _, said := range o.Words() {
		given.List = append(given.List, protocol.Warrant{District: "41", Centres: []string{"41-09-17"}, Erasure: said, Signature: make([]byte, 70)})
	}
	if s.rng.IntN(8) == 0 {
		given.List = []protocol.Warrant{*draw[protocol.Warrant](&s.drawer)}
	}
	s.command(NewCommand("", ActorHub, GiveWarrants, &given))
}

// blocks puts an overlay in force, and a national base behind it.
func (s deeds) blocks() {
	n, err := s.first().NextRelease()
	if err != nil {
		s.t.Fatal(err)
	}
	s.sometimes(NewCommand("", "root", Publish, overBase(s.town, n, 1+s.rng.IntN(2), "41", s.catalog...)))
	s.sometimes(NewCommand("", "root", BlockBase, &BlockedBase{Edition: 1 + s.rng.IntN(3), Findings: []string{"no such service", strings.Repeat("x", s.rng.IntN(3000))}}))
	s.turns()
}

// expires has a key that was turned away from come to its end, as far as it gets.
func (s deeds) expires() {
	all := s.first().Generations()
	id := pick(s.rng, all[:max(1, len(all)-1)]).Key()
	if s.rng.IntN(3) == 0 {
		s.at = min(s.at+KeyKeep, maxTime)
	}
	s.sometimes(NewCommand("", "root", ExpireSealing, &SealingNamed{Key: id}))
	for _, m := range []Method{CutSealing, DropSealing} {
		for _, sv := range s.first().Servers() {
			s.sometimes(NewCommand("", ActorHub, m, &SealingCut{Key: id, Server: sv.ID}))
		}
		s.sometimes(NewCommand("", ActorHub, EndSealing, &SealingEnded{Key: id, Looked: s.index - s.rng.Uint64N(2)}))
	}
	if s.rng.IntN(3) == 0 {
		s.command(NewCommand("", "root", KeepSealing, &SealingNamed{Key: id}))
	}
}

// shelves adds versions that no release names yet.
func (s deeds) shelves() {
	p := s.release()
	p.Signed = nil
	s.command(NewCommand("", "root", AddVersions, p))
}

// copies prints certificates once more.
func (s deeds) copies() {
	number := pick(s.rng, s.certs)
	k, err := s.first().CertificateCase(number)
	if err != nil {
		return
	}
	c := NewCommand("", pick(s.rng, []string{"chair", "anna", "uno-officer"}), PrintCopy, &CopyAsked{Certificate: number, Reason: pick(s.rng, []string{"lost", ""})})
	c.Number = k.Number
	s.command(c)
}

// lies is what a leader may say that it found, and did not.
func (s leader) lies(f *Sought) *Sought {
	x := *f
	bad := pick(s.rng, [][]byte{nil, {0}, {tagEvent}, {tagEvent, 1}, append([]byte{tagEvent, byte(protocol.Uplink)}, make([]byte, 20)...), make([]byte, 2000), append([]byte{tagEvent}, make([]byte, 2000)...), key(tagMeta), key(tagFact, make([]byte, 40)), {tagAnswer}})
	switch s.rng.IntN(9) {
	case 0:
		x.Index = s.rng.Uint64()
	case 1:
		x.Cases = append(slices.Clip(x.Cases), SoughtCase{Number: s.number()})
	case 2:
		x.Heads = nil
	case 3:
		x.Heads = slices.Clone(x.Heads)
		for i := range x.Heads {
			x.Heads[i].Seq = pick(s.rng, []uint64{0, 1, ^uint64(0), x.Heads[i].Seq})
		}
	case 4:
		x.Keys = append(slices.Clip(x.Keys), bad, bad)
	case 5:
		x.Keys = nil
	case 6:
		x.Papers = append([]SoughtPaper{{Hash: scan.Hash, By: bad}}, x.Papers...)
	case 7:
		x.Papers = nil
	default:
		x = *draw[Sought](&s.drawer)
	}
	return &x
}

// seeks has a leader look for what an order erases, and tell of it as it is, mostly.
func (s leader) seeks(n protocol.Number, c *Command) {
	found, err := s.first().Seek(context.Background(), c)
	if err != nil || found == nil || s.rng.IntN(3) == 0 {
		return
	}
	if s.rng.IntN(3) == 0 { // Something comes between.
		s.sends()
	}
	if s.rng.IntN(3) == 0 {
		found = s.lies(found)
	}
	c.Body = protocol.Marshal(&ErasureWord{Number: n, Sought: found})
}
