package register

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/protocol"
)

// of draws the body of a command from what there is.
func of[T any](s *storm) any { return draw[T](&s.drawer) }

// bodies is what each command carries in a storm.
func bodies() map[Method]func(s *storm) any {
	all := map[Method]func(s *storm) any{
		Genesis: of[Founding], EnrolNode: func(s *storm) any { return s.enrols() }, EnrolServer: func(s *storm) any {
			x := server(pick(s.rng, []string{"s3", "s4"}))
			x.Nonce = s.nonce()
			return &x
		}, ServerAddress: of[Server], NodeAddress: of[NodePlace],
		DocumentKept: of[PaperKept], ReturnNode: of[NodeReturn], AddUser: func(s *storm) any { return s.login() }, DisableUser: of[Name], CreateToken: func(s *storm) any { return s.token() }, RevokeToken: of[Name],
		RevokeNode: of[Revocation], RotateGossip: of[Rotation], RemoveServer: of[Name], BackedUp: of[Backup],
		AddVersions: func(s *storm) any { return s.release() }, Publish: func(s *storm) any { return s.release() },
		TryRelease: func(s *storm) any {
			return &TrialOrder{Parcel: *s.release(), Centre: place.Centre(s.word("Centre")), For: 60_000 * s.rng.Int64N(9), Limit: s.rng.Uint64N(5)}
		},
		PromoteRelease: of[TrialWord], HaltRelease: of[TrialWord], BlockBase: of[BlockedBase], ProposeChange: of[ChangeAsked], SettleProposals: of[Choice],
		ReleaseFared: of[FareTold], AllowLease: of[LeaseOrder], EndLease: of[LeaseOrder],
		AddAgency:     func(s *storm) any { return s.bureau().delegation(1+s.rng.Uint64N(9), s.at/1000+86400) },
		RevokeAgency:  of[AgencyWord],
		RefuseVersion: of[AgencyWord],
		SubmitVersion: func(s *storm) any {
			b := s.bureau()
			return b.submission(b.editor, pick(s.rng, [][]string{nil, {"bmet.demo"}}), version(s.t, pick(s.rng, []string{"bmet.demo", "birth"}), 1+s.rng.IntN(4), "secretary"))
		},
		Train: of[Training], Enter: func(s *storm) any { return s.entering() }, OrderErasure: of[ErasureOrder], ConfirmErasure: of[ErasureWord], DropErasure: of[ErasureWord],
		KnowErasures: of[ErasuresKnown], GiveWarrants: of[WarrantGiven], DrawSealing: of[SealingDrawn], HoldSealing: of[SealingHeld],
		AnnounceSealing: of[SealingNamed], KnowSealing: of[SealingKnown], ExpireSealing: of[SealingNamed], KeepSealing: of[SealingNamed], CutSealing: of[SealingCut], EndSealing: of[SealingEnded],
		DropSealing: of[SealingCut], KeepOpenings: of[OpeningsKept], KnowOpenings: of[OpeningsKnown], ServerHasForgot: of[ServerForgot], BoxHasForgot: of[BoxForgot], CopiesAreGone: of[CopiesGone],
		Relate: of[Likening], Settle: of[Settlement], EndMatter: of[MatterEnd], Tick: of[Due], Weigh: of[Weighed], Hear: of[Heard],
		Look: func(*storm) any { return nil }, LookReport: of[ReportAsked], PrintCopy: of[CopyAsked],
	}
	for _, m := range acts() {
		all[m] = of[Act]
	}
	return all
}

// acts are the commands whose body is an [Act].
func acts() []Method {
	return []Method{
		Take, Note, Decide, Forward, Approve, Reject, RequestInfo, Return, Check, Link, Pay, Prepare, Issue, HandOver, Dispatch, ComeBack, Close, Appeal, Revoke, HandBack,
	}
}

// nonce is one of a few, so that tokens find who uses them.
func (s *drawer) nonce() protocol.Hash { return protocol.Hash(seedOf("token", s.rng.IntN(3))) }

func (s *drawer) token() *Token {
	return &Token{Nonce: s.nonce(), Role: pick(s.rng, []string{"node", "server"}), Centre: place.Centre(s.word("Centre")), Expires: s.at/1000 + 3600}
}

// enrols is a box that asks to be let in, at a centre that has one mostly.
func (s *drawer) enrols() *NodeKeys {
	slot, spare := s.first().NextSlots()
	b := &box{centre: place.Centre(s.word("Centre")), slot: slot, signer: signerOf("box", slot)}
	return s.keys(b, s.nonce(), slot, spare)
}

func (s *drawer) login() *User {
	u := draw[User](s)
	if s.rng.IntN(4) > 0 {
		u.Name, u.Role, u.From, u.Until, u.Hash, u.Of = fmt.Sprint("user-", s.rng.IntN(9)), access.Officer, 1, 0, hash1, ""
		u.Centre, u.Gender, u.Training, u.DisabledAt = "", "", nil, 0
		u.Seat = place.Seat{Post: pick(s.rng, []string{"secretary", "chairman"}), Office: "local-41-09-17"}
	}
	return u
}

func (s *drawer) bureau() *bureau { return newBureau(s.town, "bmet") }

// release is a next release, or one that is none: some services leave, the directory changes.
func (s *drawer) release() *Parcel {
	dir := s.dir
	if s.rng.IntN(6) == 0 {
		dir = pick(s.rng, []*place.Directory{directory(), fullDirectory(), withChief(eraseDirectory())})
	}
	list := append([]*dcat.Version{}, s.catalog...)
	if s.rng.IntN(2) == 0 {
		i := s.rng.IntN(len(list))
		list = append(list[:i:i], list[i+1:]...)
	} else if s.rng.IntN(2) == 0 {
		i := s.rng.IntN(len(list))
		v := *list[i]
		list[i] = numbered(s.t, &v, v.Number+1+s.rng.IntN(3))
	}
	p := s.parcel(s.first().Release()+1+s.rng.IntN(9)/8, dir, list...)
	if s.rng.IntN(10) == 0 {
		p.Directory = nil
	}
	return p
}

// entering is what a clerk enters, of every kind.
func (s *storm) entering() *Entering {
	kind := pick(s.rng, s.kinds)
	if s.rng.IntN(2) == 0 {
		kind = protocol.Submitted
	}
	b := &Entering{Request: s.hash(), Area: "41-09-17", Verdict: Verdict{Due: s.moment("Due")}}
	b.Event = protocol.Event{Kind: kind, At: s.moment("At"), Actor: s.word("Actor"), Number: s.number(), Payload: protocol.Marshal(s.payloads[kind](s))}
	if v := pick(s.rng, s.catalog); kind == protocol.Submitted || s.rng.IntN(9) == 0 {
		n := s.rng.Uint64N(50)
		b.Event.Nonce = u64(n)
		b.Event.Pin = &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])}
	}
	b.Finding = leader{s}.finding(protocol.Marshal(&b.Event))
	if s.rng.IntN(8) == 0 {
		b.Area, b.Verdict.Refused = place.Code(s.word("Centre")), "no name"
	}
	if unreadable(protocol.Marshal(&b.Event)) {
		b.Verdict.Refused = "the application cannot be read"
	}
	return b
}

// hub does what a leader does by itself.
func (s leader) hub() {
	switch s.rng.IntN(4) {
	case 0:
		due, err := s.first().Waiting(s.at / 1000)
		if err != nil {
			s.t.Fatal(err)
		}
		s.command(NewCommand("", ActorHub, Tick, &Due{Numbers: due}))
	case 1:
		list, err := s.first().Unweighed(8)
		if err != nil {
			s.t.Fatalf("what waits to be weighed can't be read: %v", err)
		}
		for _, u := range list {
			c := NewCommand("", ActorHub, Weigh, &Weighed{Of: u.Of, Refused: pick(s.rng, []string{"", "", "no name"}), Found: s.found(u.Pinned)})
			c.Number = u.Number
			s.command(c)
		}
	case 2:
		var list []Awaited
		if err := s.first().Awaiting(func(a Awaited) (bool, error) { list = append(list, a); return true, nil }); err != nil {
			s.t.Fatal(err)
		}
		if len(list) > 0 {
			a := pick(s.rng, list)
			c := NewCommand("", ActorHub, Hear, &Heard{Connector: a.Connector, Number: pick(s.rng, []string{"", "1"}), Refused: pick(s.rng, []string{"", "no"})})
			c.Number = a.Number
			s.command(c)
		}
	case 3:
		s.command(NewCommand("", ActorHub, DocumentKept, &PaperKept{Hash: s.hash(), Size: 1000, Type: 2, Sent: s.rng.IntN(2) == 0}))
	}
}

// found is what a leader finds of answers under a version.
func (s leader) found(pinned dcat.Hash) *Finding {
	v, ok := s.first().Set().ByHash(pinned)
	if !ok || s.rng.IntN(4) == 0 {
		return nil
	}
	return s.finding(protocol.Marshal(&protocol.Event{
		Kind: protocol.Submitted, Nonce: u64(1), Pin: &protocol.Pin{Service: v.ID, Version: uint32(v.Number)}, Payload: protocol.Marshal(1),
	}))
}

// commands has somebody command something.
func (s *storm) commands() {
	switch s.rng.IntN(10) {
	case 0:
		s.advances()
	case 1, 2:
		s.works("")
	case 3:
		s.settlesItem()
	case 4:
		s.settlesMatter()
	case 5:
		s.erases()
	default:
		s.anything()
	}
}

// anything is any command by anybody.
func (s *storm) anything() {
	m := pick(s.rng, Methods())
	if slices.Contains(acts(), m) && s.rng.IntN(3) > 0 {
		s.works(m)
		return
	}
	rash := m == RevokeNode || m == DisableUser || m == Publish || m == EndLease || m == RemoveServer || m == RevokeAgency
	if rash && s.rng.IntN(4) > 0 {
		m = Look
	}
	c := Command{Actor: s.actor(m), Method: m, Expect: s.rng.Uint64N(6), Number: s.number()}
	if k, err := s.first().Case(c.Number); err == nil && s.rng.IntN(3) > 0 {
		c.Expect = k.State.Version
	}
	if body := s.bodies[m](s); body != nil {
		c.Body = protocol.Marshal(body)
	}
	if s.rng.IntN(16) == 0 {
		c.Body = s.tornBody(c.Body)
	}
	s.command(c)
}

// tornBody is another value in the place of a body: whoever asks has sent some.
func (s *drawer) tornBody(raw []byte) cbor.RawMessage {
	if b := s.torn(raw); valid(b) {
		return b
	}
	return nil
}

// actor is who may command something mostly.
func (s *storm) actor(m Method) string {
	byHub := map[Method]bool{
		Genesis: true, EnrolNode: true, EnrolServer: true, ServerAddress: true, NodeAddress: true, DocumentKept: true, ReturnNode: true, ReleaseFared: true,
		SubmitVersion: true, KnowErasures: true, GiveWarrants: true, HoldSealing: true, KnowSealing: true, CutSealing: true, EndSealing: true, DropSealing: true, KeepOpenings: true, KnowOpenings: true, ServerHasForgot: true, BoxHasForgot: true,
		Tick: true, Weigh: true, Hear: true,
	}
	switch {
	case s.rng.IntN(6) == 0:
		return s.word("Actor")
	case s.rng.IntN(12) == 0:
		return ActorControl
	case byHub[m]:
		return ActorHub
	case m == Enter:
		return pick(s.rng, []string{"clerk-23", "clerk-17"})
	case m == Train || m == LookReport:
		return pick(s.rng, []string{"uno", "audit"})
	case m == OrderErasure || m == DropErasure || m == Relate || m == Settle || m == ProposeChange || m == PrintCopy:
		return pick(s.rng, []string{"chair", "uno-officer", "head", "anna"})
	}
	return pick(s.rng, []string{"root", "root", "root", "root", "root", "chair", "anna"})
}

// sits is somebody who sits at a desk.
func (s *drawer) sits(seat place.Seat) string {
	var list []string
	for _, u := range s.users {
		if u.Seat == seat && u.Role == access.Officer && !u.Disabled {
			list = append(list, u.Name)
		}
	}
	return cmp.Or(pick(s.rng, list), "root")
}

// works has an officer do to a case what its stage knows, mostly.
func (s *storm) works(m Method) {
	if c, err := s.first().Case(s.number()); err == nil {
		if m == "" {
			m = anyMethod(s.rng, c)
		}
		s.acts(c, m)
	}
}

// advances has one case go on as far as its officers get it.
func (s *storm) advances() {
	n := s.number()
	way := []Method{Take, Check, Decide, Approve, Forward, Take, Check, Decide, pick(s.rng, []Method{Approve, Reject}), Pay, Issue, HandOver, Dispatch, Close, Appeal}
	for _, m := range way[:1+s.rng.IntN(len(way))] {
		if c, err := s.first().Case(n); err == nil && application.After(c.State.Stage, actionOf(m)) != application.None {
			s.acts(c, m)
		}
	}
}

func actionOf(m Method) application.Action {
	all := application.Acts()
	return all[max(0, slices.IndexFunc(all, func(a application.Action) bool { return a.String() == string(m) }))]
}

// acts has whoever is to do it do something to a case.
func (s *storm) acts(c *Case, m Method) {
	a := &Act{Text: "words"}
	switch m {
	case Check:
		a.Check, a.Document = pick(s.rng, []string{"record-scan", "registered"}), scan
	case Decide:
		a.Opinion = pick(s.rng, []application.Opinion{application.ForApproval, application.ForApproval, application.ForRejection, application.Other})
	case Note:
		a.Cites = pick(s.rng, [][]string{nil, {"form.business"}})
	case Reject, Revoke:
		a.Reason = "R1"
	case Pay:
		a.Amount = max(1, c.State.Owed)
	case Prepare:
		a.Until = s.at/1000 + 9*86400
	case RequestInfo:
		a.Items = []string{pick(s.rng, []string{"nid", "form.business"})}
	case Link:
		a.Primary = s.number()
	default:
	}
	if s.rng.IntN(10) == 0 {
		a = draw[Act](&s.drawer)
	}
	who := cmp.Or(c.State.Holder, s.sits(c.State.Seat))
	if m == Appeal || s.rng.IntN(12) == 0 {
		who = pick(s.rng, []string{"uno-officer", "upper", "chair", "head", "anna"})
	}
	s.command(act(who, m, c.Number, c.State.Version, *a))
}

func (s *storm) settlesItem() {
	it := pick(s.rng, s.items)
	if it == nil {
		return
	}
	c := NewCommand("", s.sits(it.Owner), Settle, &Settlement{Item: it.ID, Outcome: pick(s.rng, OutcomesOf(it.Kind)), Text: "seen"})
	if c.Number = it.Number; s.rng.IntN(12) == 0 {
		c.Number = s.number()
	}
	s.command(c)
}

func (s *storm) settlesMatter() {
	m := pick(s.rng, s.matters)
	if m == nil {
		return
	}
	end := &MatterEnd{ID: m.ID, Outcome: pick(s.rng, MatterOutcomes(m.Kind)), Text: "seen", Number: s.number(), Verdict: Verdict{Due: s.moment("Due")}}
	end.To = place.Seat{Post: s.word("Post"), Office: s.word("Office")}
	if s.rng.IntN(5) == 0 {
		end.Verdict.Refused = "no name"
	}
	if c, err := s.first().Case(m.Number); err == nil {
		end.Finding = leader{s}.found(c.Pinned)
		if _, _, err := s.first().Submission(c); err != nil {
			end.Verdict.Refused = "the application cannot be read"
		}
	}
	s.command(NewCommand("", s.sits(m.Owner), EndMatter, end))
}

// ended is a case at its end mostly.
func (s *drawer) ended() (n protocol.Number) {
	for range 9 {
		n = s.number()
		if c, err := s.first().Case(n); err == nil && !c.State.Stage.Open() {
			return n
		}
	}
	return n
}

// erases orders that a case be erased, confirms it as a leader has it done, or drops it.
func (s *storm) erases() {
	list, err := s.first().Erasures()
	if err != nil {
		s.t.Fatal(err)
	}
	if len(list) == 0 || s.rng.IntN(3) == 0 {
		numbers := []protocol.Number{s.ended()}
		if s.rng.IntN(3) == 0 {
			numbers = append(numbers, s.number())
		}
		s.command(NewCommand("", pick(s.rng, []string{"chair", "uno-officer"}), OrderErasure, &ErasureOrder{Numbers: numbers, Basis: "an Act", Reason: "asked"}))
		return
	}
	n := pick(s.rng, list).Number
	if s.rng.IntN(8) == 0 {
		s.command(NewCommand("", pick(s.rng, []string{"chair", "uno-officer"}), DropErasure, &ErasureWord{Number: n}))
		return
	}
	c := NewCommand(fmt.Sprint("seek", s.ids), pick(s.rng, []string{"chair", "uno-officer"}), ConfirmErasure, &ErasureWord{Number: n})
	leader{s}.seeks(n, &c)
	s.command(c)
}
