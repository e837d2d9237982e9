package replication_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
)

// names are the logs of the tests. A name with a star wants any incarnation.
var names = map[string]protocol.LogID{
	"up":   {Channel: protocol.Uplink, Name: "41-0010", Incarnation: 1},
	"up2":  {Channel: protocol.Uplink, Name: "41-0010", Incarnation: 2},
	"up*":  {Channel: protocol.Uplink, Name: "41-0010"},
	"in":   {Channel: protocol.Inbox, Name: "C1", Incarnation: 3},
	"cat":  {Channel: protocol.Catalogue, Name: "41", Incarnation: 4},
	"base": {Channel: protocol.InboxBase, Name: "C1"},
	"held": {Channel: protocol.Uplink, Name: "41-0099", Incarnation: 9},
}

func nameOf(l protocol.LogID) string {
	switch l.Channel { //nolint:exhaustive // The others are logs themselves.
	case protocol.InboxBase:
		return "base"
	case protocol.CatalogueBase:
		return "shelf"
	}
	for n, id := range names {
		if id == l {
			return n
		}
	}
	if l == (protocol.LogID{}) {
		return "-"
	}
	return l.String()
}

// events is a log as a disk would hold it.
type events struct {
	raw   [][]byte
	chain []protocol.Hash // chain[i] is the hash of event i+1.
}

func (e *events) at(log protocol.LogID, seq uint64) protocol.Position {
	if e == nil || seq == 0 || seq > uint64(len(e.raw)) {
		return protocol.Position{}
	}
	return protocol.Position{Seq: seq, Hash: e.chain[seq-1]}
}

func (e *events) head(log protocol.LogID) protocol.Position {
	if e == nil {
		return protocol.Position{}
	}
	return e.at(log, uint64(len(e.raw)))
}

func (e *events) append(log protocol.LogID, raw []byte) {
	seq := uint64(len(e.raw)) + 1
	e.chain = append(e.chain, protocol.ChainHash(log, seq, e.head(log).Hash, raw))
	e.raw = append(e.raw, raw)
}

// upTo is the log as it was then.
func (e *events) upTo(seq uint64) *events {
	return &events{raw: slices.Clone(e.raw[:seq]), chain: slices.Clone(e.chain[:seq])}
}

// grow appends n events of a branch; branches differ from their first event on.
func (e *events) grow(log protocol.LogID, n int, branch string) {
	for range n {
		e.append(log, []byte(fmt.Sprintf("%s%s %d", nameOf(log), branch, len(e.raw)+1)))
	}
}

// block cuts events first to last.
func (e *events) block(log protocol.LogID, first, last uint64, epoch identity.EpochID) protocol.Block {
	body := protocol.Marshal(e.raw[first-1 : last])
	return protocol.Block{
		Header: protocol.Header{
			Log: log, First: first, Last: last, Prev: e.at(log, first-1).Hash, End: e.at(log, last).Hash,
			Epoch: epoch, Body: sha256.Sum256(body),
		},
		Body: body,
	}
}

// line is what a side says and hears through.
type line struct {
	short *protocol.Shorthand
	inbox []*protocol.Message // On the way to this side.
}

// manner is what a side does for third parties.
type manner struct {
	every bool // May want every uplink, and serves logs that it did not name.
	hears bool // Is told what the peer holds.
	extra bool // Has logs that it does not name in its hello.

	offers  int            // Offers a base of its inbox, with so many events; 0 offers none.
	takes   bool           // Begins logs with a base.
	doubts  bool           // Finds bases badly signed.
	shelves uint8          // What it says of catalogues.
	base    *protocol.Base // That it takes.
}

// side is one end: a disk, and a session while connected.
type side struct {
	name string
	logs map[protocol.LogID]*events
	want []protocol.LogID
	acks bool // Signs for uplinks.
	manner
	known   map[identity.EpochID]bool
	epoch   identity.EpochID
	cut     int // Events of a block at most; 0 is what is asked for.
	window  int
	refuse  map[uint64]fault.Kind // Refuses the block with this event, once.
	holding map[string]bool       // "store" or "load": answers wait.
	unload  fault.Kind            // The next load fails so; Internal is no failure.

	session *replication.Session
	line
	stores []*protocol.Block
	loads  []replication.Load
	waits  bool
	closed error
	taken  map[protocol.LogID]uint64 // Last event handed over for storing in this session.
	handed int                       // Events handed over, ever.
}

func newSide(name string) *side {
	return &side{
		name: name, logs: map[protocol.LogID]*events{}, known: map[identity.EpochID]bool{},
		refuse: map[uint64]fault.Kind{}, holding: map[string]bool{}, window: 0,
	}
}

// pair is two sides and the line between them. Everything that happens is
// printed to out.
type pair struct {
	a, b *side
	out  strings.Builder
	bad  []string // Broken promises of the machine.
}

func (p *pair) other(s *side) *side {
	if s == p.a {
		return p.b
	}
	return p.a
}

func (p *pair) printf(format string, args ...any) { fmt.Fprintf(&p.out, format+"\n", args...) }

func (s *side) heads() (heads []protocol.Head) {
	for _, n := range slices.Sorted(mapKeys(names)) {
		if e := s.logs[names[n]]; e != nil && len(e.raw) > 0 {
			heads = append(heads, protocol.Head{Log: names[n], At: e.head(names[n])})
		}
	}
	return heads
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (p *pair) connect() {
	for _, s := range []*side{p.a, p.b} {
		var cert []byte
		if s.acks {
			cert = []byte("certificate of " + s.name)
		}
		c := replication.Config{Cert: cert, Have: s.heads(), Want: s.want, Window: s.window, Holds: s.hears, Offers: true, Takes: s.takes, Shelves: s.shelves}
		if s.every {
			c.Every, c.Finds = []protocol.Channel{protocol.Uplink}, true
		}
		if s.extra {
			c.Have = nil
		}
		s.session, s.short = replication.NewSession(c), new(protocol.Shorthand)
		s.inbox, s.stores, s.loads, s.waits, s.closed = nil, nil, nil, false, nil
		s.taken = map[protocol.LogID]uint64{}
	}
	for _, s := range []*side{p.a, p.b} {
		p.do(s, s.session.Start())
	}
}

// disconnect loses what is on the way and what the disks have not answered.
func (p *pair) disconnect() {
	for _, s := range []*side{p.a, p.b} {
		s.session, s.inbox, s.stores, s.loads = nil, nil, nil, nil
	}
}

func (p *pair) do(s *side, actions []replication.Action) {
	for _, a := range actions {
		switch a := a.(type) {
		case replication.Send:
			o := p.other(s)
			m, _, err := o.short.Decode(bytes.NewReader(s.short.Encode(a.Message)))
			if err != nil {
				p.bad = append(p.bad, fmt.Sprintf("%s sends what nobody can read: %v", s.name, err))
				continue
			}
			if !bytes.Equal(protocol.Marshal(m), protocol.Marshal(a.Message)) {
				p.bad = append(p.bad, fmt.Sprintf("%s sends %s, and it is read as %s", s.name, describe(a.Message), describe(m)))
			}
			o.inbox = append(o.inbox, m)
		case replication.Load:
			p.printf("%s loads %s after %d (%d)", s.name, nameOf(a.Log), a.From.Seq, a.Limit)
			s.loads = append(s.loads, a)
		case replication.Deliver:
			h := &a.Block.Header
			if h.Last <= max(s.taken[h.Log], s.logs[h.Log].head(h.Log).Seq) && !s.contradicts(h) {
				p.bad = append(p.bad, fmt.Sprintf("%s was handed %s %d-%d twice", s.name, nameOf(h.Log), h.First, h.Last))
			}
			s.handed += h.Count()
			if h.First > s.taken[h.Log]+1 && h.First > s.logs[h.Log].head(h.Log).Seq+1 {
				p.bad = append(p.bad, fmt.Sprintf("%s was handed %s %d-%d after %d", s.name, nameOf(h.Log), h.First, h.Last, s.taken[h.Log]))
			}
			s.taken[h.Log] = max(h.Last, s.taken[h.Log])
			s.stores = append(s.stores, a.Block)
		case replication.Introduce:
			p.printf("%s learns epoch %x", s.name, a.Epoch.ID[:1])
			s.known[a.Epoch.ID] = true
		case replication.Acknowledged:
			p.printf("%s is acknowledged %s up to %d%s", s.name, nameOf(a.Ack.Log), a.Ack.At.Seq, by(a.Cert))
		case replication.Holds:
			if e := s.logs[a.Head.Log]; e != nil && a.Head.At.Seq > 0 {
				p.printf("%s hears that the peer holds %s up to %d", s.name, nameOf(a.Head.Log), a.Head.At.Seq)
			}
		case replication.Find:
			p.find(s, a)
		case replication.FindBase:
			p.do(s, replication.Basing{Session: s.session}.Based(a.Log, p.base(s, a.Log)))
		case replication.TakeBase:
			p.takeBase(s, a.Base)
		case replication.Wait:
			p.printf("%s waits %d ms", s.name, a.Millis)
			s.waits = true
		case replication.Note:
			p.printf("%s notes %s %s at %d: %v", s.name, a.What, nameOf(a.Log), a.At.Seq, a.Text)
		}
	}
}

// contradicts reports whether a block names another event than is here or waits to
// be stored: such a one is handed over to be judged.
func (s *side) contradicts(h *protocol.Header) bool {
	if at := s.logs[h.Log].at(h.Log, h.Last); at.Seq != 0 && at.Hash != h.End {
		return true
	}
	return slices.ContainsFunc(s.stores, func(b *protocol.Block) bool {
		return b.Header.Log == h.Log && b.Header.Last == h.Last && b.Header.End != h.End
	})
}

func by(cert []byte) string {
	if cert == nil {
		return ""
	}
	return ", by " + string(cert)
}

// find looks a log up: where it is here, or missing when nobody here knows it and
// the peer only asks.
func (p *pair) find(s *side, f replication.Find) {
	p.printf("%s looks for %s, the peer has %d", s.name, nameOf(f.Log), f.At.Seq)
	e := s.logs[f.Log]
	if e == nil && f.Log.Channel != protocol.Uplink {
		p.do(s, s.session.Located(f.Log, protocol.Position{}, nil, fault.New("sim", fault.NotFound, "", "")))
		return
	}
	at := e.head(f.Log)
	if e == nil {
		at = f.At // Held from where the owner says that all is settled.
		s.logs[f.Log] = p.other(s).logs[f.Log].upTo(at.Seq)
	}
	var ack *protocol.Ack
	if s.acks && at.Seq > 0 && f.Log.Channel == protocol.Uplink {
		ack = &protocol.Ack{Log: f.Log, At: at, Index: at.Seq}
	}
	p.do(s, s.session.Located(f.Log, at, ack, nil))
}

// step hands over one message; false when there is none.
func (p *pair) step(to *side) bool {
	if to.session == nil || len(to.inbox) == 0 || to.closed != nil {
		return false
	}
	m := to.inbox[0]
	to.inbox = to.inbox[1:]
	p.printf("%s → %s  %s", p.other(to).name, to.name, describe(m))
	actions, err := to.session.Receive(m)
	if err != nil {
		to.closed = err
		p.printf("%s closes: %v", to.name, err)
		return true
	}
	p.do(to, actions)
	return true
}

// work answers one thing that the disk of a side was asked; false when there is
// none.
func (p *pair) work(s *side) bool {
	if s.session == nil || s.closed != nil {
		return false
	}
	if len(s.loads) > 0 && !s.holding["load"] {
		l := s.loads[0]
		s.loads = s.loads[1:]
		p.do(s, p.load(s, l))
		return true
	}
	if len(s.stores) > 0 && !s.holding["store"] {
		b := s.stores[0]
		s.stores = s.stores[1:]
		p.do(s, p.store(s, b))
		return true
	}
	return false
}

func (p *pair) load(s *side, l replication.Load) []replication.Action {
	e := s.logs[l.Log]
	if k := s.unload; k != fault.Internal {
		s.unload = fault.Internal
		return s.session.Unloaded(l.Log, fault.New("sim", k, nameOf(l.Log), "refused by the test"))
	}
	var blocks []protocol.Block
	end := min(uint64(len(e.raw)), l.From.Seq+uint64(l.Limit))
	for first := l.From.Seq + 1; first <= end; {
		last := end
		if s.cut > 0 {
			last = min(end, first+uint64(s.cut)-1)
		}
		blocks = append(blocks, e.block(l.Log, first, last, s.epoch))
		first = last + 1
	}
	var epochs []protocol.Epoch
	if s.epoch != (identity.EpochID{}) {
		epochs = []protocol.Epoch{{ID: s.epoch, Wraps: []identity.Wrap{{Sealed: []byte("key")}}}}
	}
	return s.session.Loaded(l.Log, epochs, blocks)
}

// store is a disk that takes what follows and skips what it has.
func (p *pair) store(s *side, b *protocol.Block) []replication.Action {
	h := b.Header
	n := nameOf(h.Log)
	reject := func(k fault.Kind, text string) []replication.Action {
		p.printf("%s refuses %s %d-%d: %v", s.name, n, h.First, h.Last, k)
		s.taken[h.Log] = s.logs[h.Log].head(h.Log).Seq
		return s.session.Rejected(h, fault.New("sim", k, n, text))
	}
	for seq := h.First; seq <= h.Last; seq++ {
		if k, ok := s.refuse[seq]; ok {
			delete(s.refuse, seq)
			return reject(k, "refused by the test")
		}
	}
	if h.Sealed() && !s.known[h.Epoch] {
		return reject(fault.NotFound, "epoch is not known")
	}
	e := s.logs[h.Log]
	if e == nil {
		e = &events{}
		s.logs[h.Log] = e
	}
	if len(b.Signature) > 0 {
		return reject(fault.Denied, "nobody has signed this header")
	}
	if h.First > e.head(h.Log).Seq+1 {
		return reject(fault.Unavailable, "what comes before is not there")
	}
	if e.at(h.Log, h.First-1).Hash != h.Prev {
		return reject(fault.Conflict, "it follows another event")
	}
	var raw [][]byte
	if err := protocol.Unmarshal(b.Body, protocol.MaxBlockBody, "body", &raw); err != nil || len(raw) != h.Count() {
		p.bad = append(p.bad, "a body did not survive")
		return reject(fault.Invalid, "body")
	}
	for i, r := range raw {
		switch seq := h.First + uint64(i); {
		case seq > e.head(h.Log).Seq:
			e.append(h.Log, r)
		case !bytes.Equal(e.raw[seq-1], r): // As every host must.
			return reject(fault.Conflict, "another event stands here")
		}
	}
	at := e.head(h.Log)
	if at.Seq == h.Last && at.Hash != h.End {
		p.bad = append(p.bad, fmt.Sprintf("%s let two branches of %s mix at %d", s.name, n, at.Seq))
	}
	p.printf("%s stores %s up to %d", s.name, n, at.Seq)
	if s.base != nil && h.Log == s.base.State.Log && at == s.base.State.At {
		s.logs[s.base.Log] = p.other(s).logs[s.base.Log].upTo(s.base.At.Seq)
		p.printf("%s begins %s at %d", s.name, nameOf(s.base.Log), s.base.At.Seq)
	}
	if s.acks && h.Log.Channel == protocol.Uplink {
		return s.session.Stored(h.Log, at, &protocol.Ack{Log: h.Log, At: at, Index: at.Seq})
	}
	return s.session.Stored(h.Log, at, nil)
}

// run goes on until nobody has anything to do.
func (p *pair) run(t testing.TB) {
	t.Helper()
	for range 100_000 {
		if !p.step(p.b) && !p.step(p.a) && !p.work(p.a) && !p.work(p.b) {
			return
		}
	}
	t.Fatalf("no end: %s", tail(p.out.String()))
}

func tail(s string) string { return s[max(0, len(s)-2000):] }

func describe(m *protocol.Message) string {
	heads := func(hs []protocol.Head) (out string) {
		for _, h := range hs {
			out += fmt.Sprintf(" %s=%d", nameOf(h.Log), h.At.Seq)
		}
		return out
	}
	switch {
	case m.Empty():
		return "what nobody knows yet"
	case m.Hello != nil:
		text := fmt.Sprintf("hello v%d have%s want", m.Hello.Version, heads(m.Hello.Have))
		for _, l := range m.Hello.Want {
			text += " " + nameOf(l)
		}
		if len(m.Hello.Every) > 0 {
			text += fmt.Sprintf(" every %d", []byte{byte(m.Hello.Every[0])})
		}
		if m.Hello.Bases > 0 {
			text += " takes bases"
		}
		if m.Hello.Shelves > 0 {
			text += fmt.Sprintf(" shelves=%d", m.Hello.Shelves)
		}
		return text
	case m.Heads != nil:
		return "heads" + heads(m.Heads)
	case m.Want != nil:
		return fmt.Sprintf("want %s after %d", nameOf(m.Want.Log), m.Want.From.Seq)
	case m.Epoch != nil:
		return fmt.Sprintf("epoch %x", m.Epoch.ID[:1])
	case m.Block != nil:
		return fmt.Sprintf("block %s %d-%d", nameOf(m.Block.Header.Log), m.Block.Header.First, m.Block.Header.Last)
	case m.Passed != nil:
		return fmt.Sprintf("passed ack %s %d%s", nameOf(m.Passed.Ack.Log), m.Passed.Ack.At.Seq, by(m.Passed.Cert))
	case m.Base != nil:
		return fmt.Sprintf("base %s %d of %d events", nameOf(m.Base.Log), m.Base.At.Seq, m.Base.State.At.Seq)
	case m.Ack != nil:
		return fmt.Sprintf("ack %s %d", nameOf(m.Ack.Log), m.Ack.At.Seq)
	case m.Refused != nil:
		return fmt.Sprintf("refused %s %d: %v", nameOf(m.Refused.Log), m.Refused.Seq, m.Refused.Code)
	default:
		return fmt.Sprintf("busy %d ms", m.Busy.RetryMillis)
	}
}
