package replication

import (
	"cmp"
	"fmt"
	"slices"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// Bounds of a session.
const (
	defaultWindow = 8           // Blocks of one log on their way to a reader.
	flightBytes   = 1 << 20     // Bytes of one log on their way to a reader.
	wishedBody    = 24 << 10    // Size of a block body that resumes well on a poor link.
	maxFlows      = 2 * 4096    // Logs that a session keeps track of.
	maxWait       = 60_000      // Milliseconds that a peer may hold us off.
	anyOf         = uint64(0)   // Incarnation in a Want: every log of that channel and name.
	maxMissing    = 2           // Times that a peer may miss an epoch's introduction in a row.
	firstBusy     = uint32(250) // Milliseconds; doubled while nothing can be stored.
	longestBusy   = uint32(5_000)
)

// Config is what a session starts from.
type Config struct {
	Cert      []byte            // Our signing certificate, if we acknowledge.
	Have      []protocol.Head   // What is durable here of the logs that matter to the peer.
	Want      []protocol.LogID  // What we read. Incarnation 0 stands for every incarnation.
	Gossip    string            // Where our neighbours reach us, host:port; a hub passes it on.
	Documents protocol.Carriage // What we do with documents, for the hello.

	Window int // Blocks of one log in flight; 0 is a default of 8.

	Every []protocol.Channel // We may want any log of these channels; [Find] asks which and from where.
	Finds bool               // [Find] may be asked: of logs that the peer carries, or asks for.
	Holds bool               // We want to hear what the peer holds of our logs, see [Holds].

	Offers bool // [FindBase] may be asked.
	Takes  bool // We begin inboxes with a base, see [TakeBase].

	Shelves uint8 // Whether we begin catalogues so, for the hello.
	Answers bool  // We say where cases stand, for the hello.
	Forgets bool  // We want to hear what the peer has forgotten by order, see [Forgot].
}

// A Session is one end of a sync session; both ends are alike. It is not safe
// for concurrent use: one goroutine owns it.
type Session struct {
	cfg        Config
	met        bool // The peer's hello has come.
	peerHello  *protocol.Hello
	peerWants  []protocol.LogID
	peerEvery  []protocol.Channel
	courtesy   courtesy
	flows      map[protocol.LogID]*flow
	order      []*flow // By channel, then name: uplink, inbox, catalogue.
	introduced map[identity.EpochID]bool
	paused     bool
	refusals   uint32 // In a row, with nothing stored in between.
}

// A flow is one log between the two ends.
type flow struct {
	log  protocol.LogID
	mine protocol.Position // Durable here.
	out  sending
	in   reading
	footing

	looking bool   // A Find has no answer yet: mine says nothing.
	third   bool   // Neither end is its author: how far it is at the peer's says nothing of a loss.
	told    uint64 // How far the peer knows that we carry it.
}

// NewSession returns a session that has said nothing yet.
func NewSession(c Config) *Session {
	if c.Window <= 0 {
		c.Window = defaultWindow
	}
	s := &Session{cfg: c, flows: map[protocol.LogID]*flow{}, introduced: map[identity.EpochID]bool{}}
	for _, h := range c.Have {
		f := s.open(h.Log)
		f.mine, f.in.got, f.told = h.At, h.At, h.At.Seq
	}
	for _, l := range c.Want {
		if l.Incarnation != anyOf {
			s.open(l)
		}
	}
	return s
}

// Start says hello, once.
func (s *Session) Start() []Action {
	have := s.cfg.Have
	s.cfg.Have = nil // The flows know it, and a session may last for weeks.
	bases := uint8(0)
	if s.cfg.Takes {
		bases = protocol.BaseFormat
	}
	return []Action{Send{&protocol.Message{Hello: &protocol.Hello{
		Version: protocol.OldestSession, Newest: protocol.SessionVersion, Reads: protocol.ReadableCodecs,
		Have: have, Want: s.cfg.Want, Cert: s.cfg.Cert, Gossip: s.cfg.Gossip,
		Every: s.cfg.Every, Documents: s.cfg.Documents, Shorthand: protocol.ShorthandVersion, Bases: bases, Shelves: s.cfg.Shelves,
		Answers: s.cfg.Answers, Forgets: s.cfg.Forgets,
	}}}}
}

// PeerHello returns the peer's hello, or nil before it came. It must not be changed.
func (s *Session) PeerHello() *protocol.Hello { return s.peerHello }

// Outstanding reports whether an answer of the peer is due: its hello, or word
// that a block we sent is durable there.
func (s *Session) Outstanding() bool {
	return !s.met || slices.ContainsFunc(s.order, func(f *flow) bool { return len(f.out.flight) > 0 })
}

// Underway returns how many bytes of blocks are on their way to the peer.
func Underway(s *Session) (bytes int) {
	for _, f := range s.order {
		bytes += f.out.bytes
	}
	return bytes
}

// Behind reports whether the peer has said that it holds more of a log that we want
// than we do.
func Behind(s *Session) bool {
	return s.met && slices.ContainsFunc(s.order, func(f *flow) bool {
		return f.in.wanted && !f.in.stopped && f.out.theirs.Seq > f.mine.Seq
	})
}

// Probe returns a message that changes nothing, for a runner that wants to know
// whether the path still carries: a head, of a log with an answer due if there is
// one. It is nil when no log is known.
func (s *Session) Probe() *protocol.Message {
	if len(s.order) == 0 {
		return nil
	}
	i := slices.IndexFunc(s.order, func(f *flow) bool { return len(f.out.flight) > 0 })
	return headsMessage(s.order[max(i, 0)])
}

// Receive takes one message of the peer, which [protocol.DecodeMessage] has
// checked. An error means that the peer broke the protocol, or speaks another
// version of it: close the session.
func (s *Session) Receive(m *protocol.Message) ([]Action, error) {
	if m.Empty() {
		return nil, nil // Of a newer version, which can do without an answer.
	}
	if !s.met {
		if m.Hello == nil {
			return nil, violation("hello", "a session begins with hello")
		}
		return s.hello(m.Hello)
	}
	switch {
	case m.Heads != nil:
		return s.heads(m.Heads), nil
	case m.Want != nil:
		return s.want(m.Want)
	case m.Epoch != nil:
		return []Action{Introduce{m.Epoch}}, nil
	case m.Block != nil:
		return s.block(m.Block)
	case m.Ack != nil:
		return s.ack(m.Ack, nil), nil
	case m.Passed != nil:
		cert := s.courtesy.certificate(m.Passed)
		if cert == nil {
			return nil, nil // It may come again, with its certificate, in another session.
		}
		return s.ack(&m.Passed.Ack, cert), nil
	case m.Refused != nil:
		return s.refused(m.Refused), nil
	case m.Busy != nil:
		return s.busy(m.Busy.RetryMillis), nil
	case m.Base != nil:
		return Basing{s}.based(m.Base)
	case m.Fare != nil:
		return []Action{Fared{m.Fare}}, nil
	case m.Inquiry != nil:
		return []Action{Inquired{m.Inquiry}}, nil
	case m.Forgotten != nil:
		return []Action{Forgot{m.Forgotten}}, nil
	}
	return nil, violation("hello", "hello is said once")
}

// Grew says that logs are now durable here up to new heads, by whatever way.
// Calls may repeat and be out of order.
func (s *Session) Grew(heads ...protocol.Head) []Action {
	var out []Action
	for _, h := range heads {
		f := s.open(h.Log)
		if f == nil || h.At.Seq <= f.mine.Seq {
			continue
		}
		f.mine, f.out.dry = h.At, false
		if h.At.Seq > f.in.got.Seq {
			f.in.got, f.in.asked = h.At, false
			if s.met && f.in.wanted {
				out = append(out, Send{headsMessage(f)}) // Somebody else brought it: spare the peer.
			}
		}
		out = append(out, f.tell(s)...)
	}
	return append(out, s.pump()...)
}

// Resume ends a [Wait].
func (s *Session) Resume() []Action {
	s.paused = false
	for _, f := range s.order {
		f.out.dry = false
	}
	return s.pump()
}

func (s *Session) hello(h *protocol.Hello) ([]Action, error) {
	if h.Version > protocol.SessionVersion || max(h.Newest, h.Version) < protocol.OldestSession {
		return nil, violation("hello", fmt.Sprintf("the peer speaks %s of the session, this build %s: update the older of the two",
			versions(h.Version, h.Newest), versions(protocol.OldestSession, protocol.SessionVersion)))
	}
	s.met, s.peerHello, s.peerEvery = true, h, h.Every
	var out []Action
	for _, l := range h.Want {
		s.serve(l)
	}
	for _, h := range h.Have {
		f := s.flows[h.Log]
		if f == nil {
			var found []Action
			if f, found = discover(s, h, true); f == nil {
				continue // A log that is nothing to us.
			}
			out = append(out, found...)
		}
		f.out.theirs, f.out.cut = h.At, h.At
		out = append(out, s.compare(f, h.At)...)
		out = append(out, f.witness(s, h.At)...)
	}
	for _, f := range s.order {
		out = append(out, f.tell(s)...)
		out = append(out, f.offer(s)...)
	}
	out = append(out, s.courtesy.begin(s)...)
	return append(out, s.pump()...), nil
}

// versions names what a program speaks.
func versions(oldest, newest uint16) string {
	if newest <= oldest {
		return fmt.Sprintf("version %d", oldest)
	}
	return fmt.Sprintf("versions %d to %d", oldest, newest)
}

// serve marks what the peer wants to receive.
func (s *Session) serve(l protocol.LogID) {
	if l.Incarnation != anyOf {
		if f := s.open(l); f != nil {
			f.out.wanted = true
		}
		return
	}
	if len(s.peerWants) < protocol.MaxHeads && !slices.Contains(s.peerWants, l) {
		s.peerWants = append(s.peerWants, l)
	}
	for _, f := range s.order {
		f.out.wanted = f.out.wanted || matches(l, f.log)
	}
}

// heads takes word of what is durable at the peer.
func (s *Session) heads(heads []protocol.Head) []Action {
	var out []Action
	for _, h := range heads {
		f := s.flows[h.Log]
		if f == nil {
			var found []Action
			if f, found = discover(s, h, false); f == nil {
				continue
			}
			out = append(out, found...)
		}
		out = append(out, s.advance(f, h.At)...)
		out = append(out, f.witness(s, h.At)...)
		out = append(out, f.fetch()...)
	}
	return append(out, s.pump()...)
}

// advance takes the peer's word that a log is durable there up to a position.
func (s *Session) advance(f *flow, at protocol.Position) []Action {
	if f.out.conflicts(at) {
		return s.fork(f, at, at.Seq)
	}
	if at.Seq > f.out.theirs.Seq && len(f.out.flight) > 0 {
		f.out.widen(s.cfg.Window)
	}
	f.held = f.held && at.Seq <= f.out.theirs.Seq
	f.out.reached(at)
	return s.compare(f, at)
}

// compare looks for a fork or a loss in what the peer says that it holds.
func (s *Session) compare(f *flow, at protocol.Position) []Action {
	switch {
	case f.looking:
		return nil
	case at.Seq == f.mine.Seq && at.Hash != f.mine.Hash:
		return s.fork(f, at, at.Seq)
	case at.Seq > f.mine.Seq && !f.in.wanted && !f.out.stopped && !f.third:
		return []Action{Note{What: PeerAhead, Log: f.log, At: at, Text: "the peer holds more of this log than we do"}}
	}
	return nil
}

// fork stops a log both ways for this session; the refusal names seq.
func (s *Session) fork(f *flow, at protocol.Position, seq uint64) []Action {
	if f.out.stopped && f.in.stopped {
		return nil
	}
	f.stop()
	f.out.forked = true
	return []Action{
		Send{&protocol.Message{Refused: &protocol.Refused{Log: f.log, Seq: seq, Code: fault.Conflict, Text: forkText}}},
		Note{What: Forked, Log: f.log, At: at, Kind: fault.Conflict, Text: forkText},
	}
}

const forkText = "fork: another event stands at this place of the log"

func (f *flow) stop() {
	f.out.stopped, f.in.stopped = true, true
	f.out.rewind(f.out.theirs)
}

// open returns the flow of a log, or nil when there are too many.
func (s *Session) open(l protocol.LogID) *flow {
	if f := s.flows[l]; f != nil {
		return f
	}
	if len(s.flows) >= maxFlows {
		return nil
	}
	f := &flow{log: l, out: sending{limit: firstLimit, window: 1}}
	f.in.wanted = s.reads(l)
	f.out.wanted = slices.ContainsFunc(s.peerWants, func(w protocol.LogID) bool { return matches(w, l) })
	s.flows[l] = f
	i, _ := slices.BinarySearchFunc(s.order, f, compareFlows)
	s.order = slices.Insert(s.order, i, f)
	return f
}

// reads reports whether we want a log.
func (s *Session) reads(l protocol.LogID) bool {
	return slices.ContainsFunc(s.cfg.Want, func(w protocol.LogID) bool { return w == l || w.Incarnation == anyOf && matches(w, l) })
}

func matches(want, l protocol.LogID) bool {
	return want.Channel == l.Channel && want.Name == l.Name
}

func compareFlows(a, b *flow) int {
	return cmp.Or(cmp.Compare(rank(a.log), rank(b.log)), cmp.Compare(a.log.Name, b.log.Name), cmp.Compare(a.log.Channel, b.log.Channel),
		cmp.Compare(a.log.Incarnation, b.log.Incarnation))
}

// rank is the channel whose turn to be sent a log shares.
func rank(l protocol.LogID) protocol.Channel {
	switch l.Channel { //nolint:exhaustive // The others share theirs with none.
	case protocol.InboxBase:
		return protocol.Inbox
	case protocol.CatalogueBase:
		return protocol.Catalogue
	}
	return l.Channel
}

func headsMessage(f *flow) *protocol.Message {
	return &protocol.Message{Heads: []protocol.Head{{Log: f.log, At: f.mine}}}
}

func violation(what, text string) error {
	return fault.New("replication.Receive", fault.Invalid, what, text)
}
