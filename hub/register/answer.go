package register

import (
	"maps"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
)

// answer is a command's result as it is kept, by actor and ID, for ever.
type answer struct {
	_      struct{} `cbor:",toarray"`
	Digest protocol.Hash
	Index  uint64
	Result Result
}

// command carries out one command, or repeats the answer that its ID has.
func (s *step) command(c *Command) Result {
	if s.world.founding == nil && c.Method != Genesis {
		return Result{Fault: refuse(fault.Unavailable, "register", "the district is not founded yet")}
	}
	if c.ID == "" || len(c.ID) > protocol.MaxName || c.Actor == "" || len(c.Actor) > protocol.MaxName {
		return Result{Fault: refuse(fault.Invalid, "command", "want an ID and an actor of 1 to 128 bytes")}
	}
	if !s.room(64+3*len(s.world.centres)+2*len(c.Body)/32, 4*len(c.Body)+512*len(s.world.centres)) {
		return Result{Fault: refuse(fault.Unavailable, "command", whyCrowded)}
	}
	k, digest := s.answerKey(c), c.digest()
	var old answer
	if s.get(k, &old) {
		if old.Digest != digest {
			return Result{Fault: reused(c)}
		}
		return old.Result
	}
	by, f := s.principal(c)
	if f != nil {
		return Result{Fault: f} // Nobody's answers are not kept.
	}
	return newAttempt(s).carry(c, by)
}

func reused(c *Command) *protocol.Failure {
	return refuse(fault.Conflict, c.ID, "this ID was used for another request: take a new one")
}

func (s *step) answerKey(c *Command) []byte {
	incarnation := uint64(0) // Genesis is answered for before there is one.
	if f := s.world.founding; f != nil && c.Method != Genesis {
		incarnation = f.Incarnation
	}
	return key(tagAnswer, nameKey(incarnation, c.Actor, c.ID))
}

func (s *step) userKey(name string) []byte {
	return key(tagUser, nameKey(s.world.founding.Incarnation, name))
}

// principal says who asks, and whether that person may ask for anything now.
func (s *step) principal(c *Command) (access.Principal, *protocol.Failure) {
	if c.Actor == ActorHub || c.Actor == ActorControl {
		return access.Principal{User: c.Actor, Role: access.Operator}, nil
	}
	if s.world.founding == nil {
		return access.Principal{}, refuse(fault.Denied, clip(c.Actor, 64), "nobody has a login yet")
	}
	u := &User{}
	if !s.get(s.userKey(c.Actor), u) || !u.ActiveAt(s.meta.At/1000) {
		return access.Principal{}, refuse(fault.Denied, "", "the login is unknown, disabled or not valid now")
	}
	return s.world.principalOf(u), nil
}

// principalOf is who a user is to the policy.
func (w *world) principalOf(u *User) access.Principal {
	p := access.Principal{User: u.Name, Role: u.Role, Seat: u.Seat, Centre: u.Centre}
	if w.set != nil {
		if office, ok := w.set.Directory.Office(u.Seat.Office); ok {
			p.Area = office.Area
		}
	}
	return p
}

// plan is how one kind of command is carried out: what the actor must be allowed
// (empty: only the hub itself), and the change.
type plan struct {
	act access.Act
	do  func(s *step, c *Command) Result
}

// plans lists the commands whose permission depends on nothing but the role.
func plans() map[Method]plan {
	onFleet := func(act access.Act, do func(fleet, *Command) Result) plan {
		return plan{act, func(s *step, c *Command) Result { return do(fleet{s}, c) }}
	}
	onStaff := func(do func(staff, *Command) Result) plan {
		return plan{access.ManageUsers, func(s *step, c *Command) Result { return do(staff{s}, c) }}
	}
	onPress := func(do func(press, *Command) Result) plan {
		return plan{access.Publish, func(s *step, c *Command) Result { return do(press{s}, c) }}
	}
	all := map[Method]plan{
		Genesis:       onFleet("", fleet.genesis),
		EnrolNode:     onFleet("", fleet.enrolNode),
		EnrolServer:   onFleet("", fleet.enrolServer),
		ServerAddress: onFleet("", fleet.serverAddress),
		NodeAddress:   onFleet("", fleet.nodeAddress),
		ReturnNode:    onFleet("", fleet.returnNode),
		DocumentKept:  {"", func(s *step, c *Command) Result { return papers{s}.kept(c) }},
		CreateToken:   onFleet(access.ManageTokens, fleet.createToken),
		RevokeToken:   onFleet(access.ManageTokens, fleet.revokeToken),
		RevokeNode:    onFleet(access.ManageNodes, fleet.revokeNode),
		AllowLease:    {access.ManageNodes, func(s *step, c *Command) Result { return leases{s}.allow(c) }},
		EndLease:      {access.ManageNodes, func(s *step, c *Command) Result { return leases{s}.end(c) }},
		RotateGossip:  onFleet(access.ManageNodes, fleet.rotateGossip),
		RemoveServer:  onFleet(access.ManageMembers, fleet.removeServer),
		BackedUp:      onFleet(access.ManageMembers, fleet.backedUp),
		AddUser:       onStaff(staff.addUser),
		DisableUser:   onStaff(staff.disableUser),
		AddVersions:   onPress(press.addVersions),
		Publish:       onPress(press.publish),

		TryRelease:     onPress(press.try),
		PromoteRelease: onPress(press.promote),
		HaltRelease:    onPress(press.halt),
		BlockBase:      onPress(press.block),
		AddAgency:      onPress(func(s press, c *Command) Result { return agencies{s}.add(c) }),
		RevokeAgency:   onPress(func(s press, c *Command) Result { return agencies{s}.revoke(c) }),
		RefuseVersion:  onPress(func(s press, c *Command) Result { return agencies{s}.refuse(c) }),
		SubmitVersion:  {"", func(s *step, c *Command) Result { return agencies{press{s}}.submit(c) }},

		SettleProposals: {access.Publish, func(s *step, c *Command) Result { return proposals{s}.settle(c) }},
		ReleaseFared:    {"", func(s *step, c *Command) Result { return press{s}.fared(c) }},
		Hear:            {"", func(s *step, c *Command) Result { return outsiders{courses{s}}.heard(c) }},
		Weigh:           {"", func(s *step, c *Command) Result { return corrections{courses{s}}.weigh(c) }},
		Tick:            {"", func(s *step, c *Command) Result { return courses{s}.tick(c) }},
		KnowErasures:    {"", func(s *step, c *Command) Result { return erasures{courses{s}}.knowErasures(c) }},
		GiveWarrants:    {"", func(s *step, c *Command) Result { return erasures{courses{s}}.warrant(c) }},
	}
	maps.Copy(all, forgets())
	maps.Copy(all, sealings())
	return all
}

// known reports whether this software knows a command.
func known(m Method) bool {
	return slices.Contains(Methods(), m)
}

// carry asks the policy and carries out the command.
func (s *step) carry(c *Command, by access.Principal) Result {
	if c.Method == Look {
		return desks{s}.look(c, by)
	}
	if c.Method == LookReport && s.format > 3 {
		return desks{s}.lookReport(c, by)
	}
	if c.Method == ProposeChange && s.format > 3 {
		return proposals{s}.propose(c, by)
	}
	if c.Method == PrintCopy && s.format > 3 {
		return desks{s}.printCopy(c, by)
	}
	if c.Method == Relate && s.format > 3 {
		return desks{s}.relate(c, by)
	}
	if c.Method == Train && s.format > 3 {
		return trainings{staff{s}}.note(c, by)
	}
	if c.Method == Enter && s.format > 3 {
		return entries{intake{s}}.enter(c, by)
	}
	if c.Method == EndMatter && s.format > 3 {
		return matterEnds{intake{s}}.end(c, by)
	}
	if plan, ok := erasing(c.Method); ok && s.format > 3 {
		if f := (erasures{courses{s}}).right(by); f != nil {
			return Result{Fault: f}
		}
		return plan(erasures{courses{s}}, c, by)
	}
	if c.Method == Settle {
		return courses{s}.settle(c, by)
	}
	if p, ok := s.plans[c.Method]; ok {
		if p.act == "" && c.Actor != ActorHub {
			return Result{Fault: refuse(fault.Denied, string(c.Method), "only the hub itself does this")}
		}
		if p.act != "" {
			if err := access.May(by, p.act, access.Resource{}); err != nil {
				return Result{Fault: failureOf(err)}
			}
		}
		return p.do(s, c)
	}
	action, err := application.ParseAct(string(c.Method))
	if err != nil {
		return Result{Fault: failureOf(err)}
	}
	return desks{s}.act(c, by, action)
}

// body reads a command's body. The decoder's own words stay out of the answer.
func body[T any](c *Command) (T, *protocol.Failure) {
	var v T
	if len(c.Body) == 0 || protocol.Unmarshal(c.Body, MaxEntry, "body", &v) != nil {
		return v, refuse(fault.Invalid, string(c.Method), "the body is not what this command takes")
	}
	return v, nil
}

func failed(kind fault.Kind, item, text string) Result {
	return Result{Fault: refuse(kind, item, text)}
}

func done(answer any) Result {
	if answer == nil {
		return Result{}
	}
	return Result{Body: cbor.RawMessage(protocol.Marshal(answer))}
}

// Answer returns the kept answer to a command, if its ID has one: the same as
// Apply would give. A command that reuses an ID for something else gets
// [fault.Conflict], which Apply would say too.
func (r *Register) Answer(c *Command) (Result, bool) {
	s := &step{world: r.world.Load()}
	a, err := find[answer](r.state, "Answer", s.answerKey(c), c.ID)
	switch {
	case err != nil:
		return Result{}, false
	case a.Digest != c.digest():
		return Result{Fault: reused(c)}, true
	}
	return a.Result, true
}
