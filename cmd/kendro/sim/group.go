package sim

import (
	"slices"
	"time"

	"kendro/domain/fault"
	"kendro/hub"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/store"
)

// A group is the hub's servers and the order that Raft gives: what is committed
// is never lost and has one place, and of what was proposed nobody may know for
// a while whether it was committed.
type group struct {
	w       *world
	servers []*server
	leader  *server // Nil while nobody leads.
	term    uint64
	log     [][]byte                   // Committed entries, from first on.
	first   uint64                     // Index of log[0].
	orders  [][]register.Command       // What people asked for, in each of log.
	digests []protocol.Hash            // After each of log, as the first server had it.
	landing map[uint64][]*hub.Proposal // What waits for an entry to be applied at the leader.

	waiting  []*hub.Proposal
	commands []register.Command
	flying   int
	gather   bool // A gathering is planned.
}

// flights is how many entries the leader has on their way at most.
const flights = 2

// A server is one machine of the hub.
type server struct {
	w     *world
	nr    int
	name  string
	alone *hub.Alone
	opens register.Opener
	reg   *register.Register
	mem   *store.Memory
	mark  *store.Memory // What is durable of it.
	up    bool
	skew  time.Duration // Of its clock.
	slow  time.Duration // How far it likes to be behind.
	busy  bool          // An application is planned.
	wires map[int]*end
}

func newGroup(w *world) (*group, error) {
	g := &group{w: w, first: w.cast.index + 1, landing: map[uint64][]*hub.Proposal{}, term: 1}
	for i := range w.cast.keys {
		s := &server{w: w, nr: i, name: w.cast.keys[i].ID, mark: w.cast.morning(), wires: map[int]*end{}, slow: time.Millisecond}
		var err error
		s.alone, s.opens, err = hub.NewAlone(hub.AloneOptions{
			Keys: w.cast.keys[i], Register: func() *register.Register { return s.reg }, Packer: w.cast.packer, Shelf: w.cast.shelves[i],
			Clock: s.clock, Forms: w.cast.forms.compile, Bring: func(c *hub.Crossing) { g.bring(s, c) },
			CatchUp: func() bool { return g.catchUp(s) }, Logger: w.logger(s.name), Eager: i%2 == 1,
		})
		if err != nil {
			return nil, err
		}
		g.servers = append(g.servers, s)
		if err := s.start(); err != nil {
			return nil, err
		}
	}
	g.leader = g.servers[0]
	return g, nil
}

func (s *server) clock() time.Time { return dawn.Add(s.w.now + s.skew) }

// start opens the register as the disk has it. What it lacks comes from the log.
func (s *server) start() error {
	s.mem = s.mark.Clone()
	reg, err := register.Open("", register.Options{District: district, Opener: s.opens, DB: store.OpenMemory(s.mem)})
	if err != nil {
		return err
	}
	s.reg, s.up, s.busy = reg, true, false
	s.alone.Applied(nil)
	return nil
}

// fall ends a server: sessions are gone without a word, and so is what its
// register had not synced.
func (s *server) fall() {
	s.w.tracef("%s falls at entry %d", s.name, s.reg.Applied())
	s.up = false
	for _, nr := range sorted(s.wires) {
		e := s.wires[nr]
		e.sever()
		e.drop()
	}
	if s.w.group.leader == s {
		s.w.group.depose()
	}
}

// rise starts it again.
func (s *server) rise() {
	if s.up {
		return
	}
	if err := s.start(); err != nil {
		s.w.violated("%s does not start: %v", s.name, err)
		return
	}
	s.w.tracef("%s starts at entry %d", s.name, s.reg.Applied())
	s.follow()
}

// depose loses the leader. What was on its way is unknown to whoever waits.
func (g *group) depose() {
	g.leader = nil
	g.w.stats.Leaders++
	lost := g.waiting
	g.waiting = nil
	for _, index := range sorted(g.landing) {
		lost = append(lost, g.landing[index]...)
	}
	clear(g.landing)
	for _, p := range lost {
		p.Lose()
	}
	g.w.after(g.w.between(500*time.Millisecond, 3*time.Second), g.elect)
}

// elect makes a server lead that has everything committed, once a majority is up.
func (g *group) elect() {
	var fit []*server
	for _, s := range g.servers {
		if s.up {
			fit = append(fit, s)
		}
	}
	if g.leader != nil || len(fit) <= len(g.servers)/2 {
		return
	}
	s := fit[g.w.rand.IntN(len(fit))]
	if !g.applyAll(s) { // A leader has applied what was committed before its term.
		return
	}
	g.leader = s
	g.term++
	g.w.tracef("%s leads term %d from entry %d", s.name, g.term, g.last())
	g.nudge()
}

// catchUp has a server apply what the leader has.
func (g *group) catchUp(s *server) bool { return g.leader != nil && g.applyAll(s) }

func (g *group) applyAll(s *server) bool {
	for s.reg.Applied() < g.last() {
		if !g.applyNext(s) {
			return false
		}
	}
	return true
}

func (g *group) last() uint64 { return g.first + uint64(len(g.log)) - 1 }

// bring carries a block from a server to the leader.
func (g *group) bring(from *server, c *hub.Crossing) {
	to := g.leader
	if to == nil {
		c.Lose()
		return
	}
	wait := time.Duration(0)
	if to != from {
		wait = g.w.between(200*time.Microsecond, 5*time.Millisecond)
	}
	g.w.after(wait, func() {
		if g.leader != to || !to.up {
			c.Lose()
			return
		}
		h := c.Header()
		p := to.alone.Judge(c, to.clock())
		g.w.tracef("%s judges %s %d-%d: %v", to.name, h.Log, h.First, h.Last, p != nil)
		if p != nil {
			g.waiting = append(g.waiting, p)
			if g.w.chance(g.w.mood.twice) { // Somebody forwarded it once more.
				g.waiting = append(g.waiting, p)
				g.w.stats.Doubled++
			}
			g.nudge()
		}
	})
}

// command has the leader propose a command; nobody waits for the answer, and it
// may be proposed more than once.
func (g *group) command(c register.Command) {
	g.commands = append(g.commands, c)
	g.nudge()
}

// nudge plans a gathering.
func (g *group) nudge() {
	if g.gather || g.flying >= flights || g.leader == nil || len(g.waiting)+len(g.commands) == 0 {
		return
	}
	g.gather = true
	g.w.after(0, func() {
		g.gather = false
		if g.leader != nil && g.flying < flights {
			g.propose()
		}
	})
}

// propose makes one entry of what waits and sends it on its way.
func (g *group) propose() {
	var entry []byte
	var list []*hub.Proposal
	var orders []register.Command
	var err error
	switch {
	case len(g.commands) > 0:
		entry, err = register.EncodeEntry(entryOf(g.leader.clock(), g.commands[0]))
		orders, g.commands = g.commands[:1:1], g.commands[1:]
	case len(g.waiting) > 0:
		var n int
		entry, n, err = hub.Gather(g.waiting, g.leader.clock())
		list, g.waiting = slices.Clone(g.waiting[:n]), g.waiting[n:]
	default:
		return
	}
	if err != nil {
		g.w.violated("the leader cannot encode its entry: %v", err)
		return
	}
	g.flying++
	term, leader := g.term, g.leader
	g.w.after(g.w.between(time.Millisecond, 8*time.Millisecond), func() {
		g.flying--
		g.land(leader, term, entry, orders, list)
		g.nudge()
	})
}

// land commits an entry, unless its leader is gone: then the next one may have
// it, or not.
func (g *group) land(leader *server, term uint64, entry []byte, orders []register.Command, list []*hub.Proposal) {
	if g.leader != leader || g.term != term {
		for _, p := range list {
			p.Lose()
		}
		if g.w.chance(0.5) {
			g.w.tracef("an entry is lost with its leader")
			return
		}
		list = nil // Committed by the next leader; nobody is told.
	}
	g.log, g.orders = append(g.log, entry), append(g.orders, orders)
	index := g.last()
	if list != nil {
		g.landing[index] = list
	}
	for _, s := range g.servers {
		s.follow()
	}
}

// follow plans the next application, if there is one.
func (s *server) follow() {
	if s.busy || !s.up || s.reg.Applied() >= s.w.group.last() {
		return
	}
	s.busy = true
	reg := s.reg
	s.w.after(s.w.between(100*time.Microsecond, 2*s.slow), func() {
		if s.reg != reg || !s.up {
			return
		}
		s.busy = false
		if s.reg.Applied() < s.w.group.last() && s.w.group.applyNext(s) {
			s.follow()
		}
	})
}

// applyNext applies one entry at a server, and says who was answered.
func (g *group) applyNext(s *server) bool {
	index := s.reg.Applied() + 1
	if index < g.first || index > g.last() {
		g.w.violated("%s wants entry %d of %d to %d", s.name, index, g.first, g.last())
		return false
	}
	out := s.reg.Apply(index, 1, g.log[index-g.first])
	_, digest := s.reg.Digest()
	at := int(index - g.first)
	if at == len(g.digests) {
		g.digests = append(g.digests, digest)
		g.w.oracle.committed(out)
		g.w.offices.answered(s.reg, g.orders[at], out.Results)
		g.w.tracef("entry %d: %d bytes, %d blocks, %d commands", index, len(g.log[at]), len(out.Ingests), len(out.Results))
		g.w.stats.Entries++
	} else if g.digests[at] != digest {
		g.w.violated("%s has another digest after entry %d than the first that applied it", s.name, index)
		return false
	}
	s.alone.Applied(out)
	if list := g.landing[index]; s == g.leader && list != nil {
		delete(g.landing, index)
		s.alone.Land(list, out)
	}
	if g.w.chance(0.02) {
		s.mark = s.mem.Clone()
	}
	return true
}

var errDown = fault.New("sim", fault.Unavailable, "", "nobody answers")
