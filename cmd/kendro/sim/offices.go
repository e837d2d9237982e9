package sim

import (
	"errors"
	"fmt"
	"time"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/protocol"
)

// Offices are the officers who work on the cases, two at each desk. They see a case
// at any server, think, and act on what they saw: a colleague may have been faster.
type offices struct {
	w     *world
	names map[place.Seat][2]string
	asked map[string]*asked // By command.
	count int
}

// An asked act is what an officer wants, and what came of it.
type asked struct {
	by      string
	number  protocol.Number
	method  register.Method
	text    string
	saw     uint64 // The version that he acts on: his turn is the next one.
	version uint64 // Of the case afterwards, once it was done: what the hub did by itself is counted in.
	told    bool   // It was answered.

	then func(*register.Register, *register.Result) // Hears of the first answer; nil: nobody waits.
}

func newOffices(w *world) *offices {
	return &offices{w: w, names: map[place.Seat][2]string{}, asked: map[string]*asked{}}
}

// visit has an officer look at some case, and act on it a while later.
func (o *offices) visit() {
	w := o.w
	m, s := w.machines[w.rand.IntN(len(w.machines))], w.group.servers[w.rand.IntN(len(w.group.servers))]
	if len(m.receipts) == 0 || !s.up {
		return
	}
	c, err := s.reg.Case(m.receipts[w.rand.IntN(len(m.receipts))].number)
	if err != nil || !c.State.Stage.Open() || c.State.Seat == (place.Seat{}) {
		return
	}
	team, ok := o.names[c.State.Seat]
	if !ok {
		o.staff(c.State.Seat)
		return
	}
	who := team[w.rand.IntN(2)]
	if c.State.Holder != "" && w.chance(0.8) {
		who = c.State.Holder
	}
	method, act := o.choose(c, who)
	expect := c.State.Version
	w.after(w.about(10*time.Minute), func() { o.act(who, method, c.Number, expect, act) })
}

// staff gives a desk its two officers.
func (o *offices) staff(seat place.Seat) {
	var team [2]string
	for i := range team {
		team[i] = fmt.Sprintf("officer.%d.%d", len(o.names), i)
		o.w.twice(register.NewCommand("staff "+team[i], register.ActorControl, register.AddUser, register.User{
			Name: team[i], Role: access.Officer, Seat: seat, Gender: "f", Hash: passwordHash, From: 1,
		}))
	}
	o.names[seat] = team
}

// choose says what an officer does with a case as he sees it; at times what the
// procedure does not allow.
func (o *offices) choose(c *register.Case, who string) (register.Method, register.Act) {
	w := o.w
	act := register.Act{Text: fmt.Sprintf("%s thinks about version %d", who, c.State.Version)}
	switch {
	case w.chance(0.15):
		method := []register.Method{register.Forward, register.Approve, register.Reject, register.Note}[w.rand.IntN(4)]
		if method == register.Reject {
			act.Reason = o.reason()
		}
		return method, act
	case c.State.Holder != who:
		return register.Take, register.Act{}
	case c.State.DecidedBy != who:
		act.Opinion = application.ForApproval
		if w.chance(0.2) {
			act.Opinion = application.ForRejection
		}
		return register.Decide, act
	case w.chance(0.6):
		return register.Forward, act
	case w.chance(0.3):
		act.Reason = o.reason()
		return register.Reject, act
	}
	return register.Approve, act
}

// reason is a code that the country pack lists.
func (o *offices) reason() string {
	if list := o.w.cast.set.Directory.Reasons; len(list) > 0 {
		return list[o.w.rand.IntN(len(list))].Code
	}
	return "other"
}

// act sends an officer's command on its way, and at times once more.
func (o *offices) act(who string, method register.Method, number protocol.Number, expect uint64, body register.Act) {
	o.count++
	c := register.NewCommand(fmt.Sprint("act ", o.count), who, method, body)
	c.Number, c.Expect = number, expect
	o.asked[c.ID] = &asked{by: who, number: number, method: method, text: body.Text, saw: expect}
	o.w.twice(c)
}

// answered looks at what became of commands, at the first server that applied them.
func (o *offices) answered(reg *register.Register, commands []register.Command, results []register.Result) {
	for i := range results {
		a := o.asked[commands[i].ID]
		if a == nil {
			continue
		}
		res, first := &results[i], !a.told
		a.told = true
		if first && a.then != nil {
			a.then(reg, res)
		}
		switch {
		case res.Fault == nil:
			o.done(reg, a, res.Version)
		case first && res.Fault.Kind == fault.Conflict && a.text != "":
			o.w.stats.Overtaken++
			d, err := reg.Draft(a.number, a.by)
			if err != nil || d.Text != a.text {
				o.w.violated("I7: %s was overtaken on %v, and what he wrote is no draft: %v", a.by, a.number, err)
			}
		}
	}
}

// done notes an act; one command is one act, however often it was proposed.
func (o *offices) done(reg *register.Register, a *asked, version uint64) {
	w := o.w
	w.tracef("%s does %s on %v: version %d", a.by, a.method, a.number, version)
	if a.version != 0 && a.version != version {
		w.violated("exactly once: %s of %s on %v was done as version %d and %d", a.method, a.by, a.number, a.version, version)
	}
	c, err := reg.Case(a.number)
	if err == nil {
		err = a.stands(c.History, version)
	}
	if err != nil {
		w.violated("I7: %s of %s on %v was answered with version %d: %v", a.method, a.by, a.number, version, err)
	}
	if a.version == 0 {
		w.stats.Acts++
	}
	a.version = version
}

// stands reports why a case's turns are not what an act was answered with: his turn
// follows the version that he saw, and up to the answer's version come only turns of
// the hub itself, all of them.
func (a *asked) stands(turns []register.Turn, version uint64) error {
	if version <= a.saw {
		return fmt.Errorf("he saw version %d", a.saw)
	}
	last := a.saw
	for i := range turns {
		t := &turns[i]
		switch {
		case t.Version <= a.saw || t.Version > version: // What came before, and acts that came later.
			continue
		case t.Version == a.saw+1 && (t.Actor != a.by || t.Action.String() != string(a.method)):
			return fmt.Errorf("version %d is %s by %q", t.Version, t.Action, t.Actor)
		case t.Version > a.saw+1 && t.Actor != "":
			return fmt.Errorf("version %d is %s by %q, and not the hub's own", t.Version, t.Action, t.Actor)
		}
		last = t.Version
	}
	if last != version {
		return fmt.Errorf("its turns end at version %d", last)
	}
	return nil
}

// judge replays every case by rules of its own (I1), and compares its stage with
// what the box shows that took it (I7).
func (o *offices) judge(reg *register.Register) {
	w := o.w
	byVersion := map[spotOfAct]*asked{}
	for _, a := range o.asked {
		if a.version != 0 {
			byVersion[spotOfAct{a.number, a.saw + 1}] = a
		}
	}
	err := reg.ForEachCase(func(c *register.Case) error {
		if err := o.history(c, byVersion); err != nil {
			w.violated("I1: %v: %v", c.Number, err)
		}
		return nil
	})
	if err != nil {
		w.violated("the cases cannot be read: %v", err)
	}
	if len(byVersion) != 0 {
		w.violated("exactly once: %d acts were answered as done and stand in no case", len(byVersion))
	}
	o.shown(reg)
}

// shown compares the stage of every case with what the box shows that took it (I7).
func (o *offices) shown(reg *register.Register) {
	w := o.w
	for _, m := range w.machines {
		if m.forked || m.burnt {
			continue
		}
		for _, r := range m.receipts {
			c, err := reg.Case(r.number)
			if err != nil {
				continue // The oracle says so.
			}
			if where, err := m.box.Track(r.number); err != nil || where.Stage != c.State.Stage.String() {
				w.violated("I7: %s shows %v as %s, and the register as %s: %v", m.name, r.number, where.Stage, c.State.Stage, err)
			}
		}
	}
}

// A spotOfAct is a turn of a case, by the version that it made.
type spotOfAct struct {
	number  protocol.Number
	version uint64
}

// undecided reports whether the service lets the desk of a case end it without a
// preliminary decision. A case is never forwarded without one.
func (o *offices) undecided(c *register.Case) bool {
	v, ok := o.w.cast.set.Current(c.Service)
	if !ok {
		return false
	}
	step, ok := v.Step(c.State.Step)
	return ok && !step.Decision
}

// history replays the turns of a case. Acts that were answered as done are taken
// out of byVersion.
func (o *offices) history(c *register.Case, byVersion map[spotOfAct]*asked) error {
	stage, holder, decided := application.None, "", map[string]bool{}
	for i := range c.History {
		turn := &c.History[i]
		at := spotOfAct{c.Number, turn.Version}
		if a := byVersion[at]; a != nil {
			if a.by != turn.Actor || string(a.method) != turn.Action.String() {
				return fmt.Errorf("version %d is %s by %s, and %s was told that it is his %s", turn.Version, turn.Action, turn.Actor, a.by, a.method)
			}
			delete(byVersion, at)
		}
		switch turn.Action {
		case application.Accept:
			stage = application.Received
		case application.Take:
			stage, holder, decided = application.UnderReview, turn.Actor, map[string]bool{}
		case application.Decide:
			decided[turn.Actor] = true
		case application.Forward, application.Approve, application.Reject:
			free := turn.Action != application.Forward && o.undecided(c)
			if holder != turn.Actor || !decided[turn.Actor] && !free {
				return fmt.Errorf("version %d: %s by %s without a decision of his own", turn.Version, turn.Action, turn.Actor)
			}
			holder, decided = "", map[string]bool{}
			stage = map[application.Action]application.Stage{
				application.Forward: application.Received, application.Approve: application.Approved, application.Reject: application.Rejected,
			}[turn.Action]
		case application.Demand, application.Prepare: // What follows an approval where the service has a fee, or issues something.
			if stage != application.Approved || turn.Actor != "" {
				return fmt.Errorf("version %d: %s by %q of a case that is %s", turn.Version, turn.Action, turn.Actor, stage)
			}
			stage = map[application.Action]application.Stage{application.Demand: application.FeeDue, application.Prepare: application.InPreparation}[turn.Action]
		case application.Note, application.Route:
		default:
			return fmt.Errorf("version %d is %s by %q", turn.Version, turn.Action, turn.Actor)
		}
	}
	if stage != c.State.Stage {
		return errors.New("its turns come to " + stage.String() + ", and it stands as " + c.State.Stage.String())
	}
	return nil
}
