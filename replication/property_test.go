package replication_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// TestConverge lets the line break, disks refuse, epochs be forgotten and other
// ways bring the same events, at any moment. Whatever happens, blocks are handed
// over in order, none is skipped or handed over twice, and when it is over both
// sides hold what the author wrote.
func TestConverge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &pair{a: newSide("a"), b: newSide("b")}
		p.a.want = []protocol.LogID{names["in"], names["cat"]}
		p.b.want = []protocol.LogID{names["up*"]}
		p.b.acks = true
		for _, s := range []*side{p.a, p.b} {
			s.cut = rapid.IntRange(0, 5).Draw(t, "cut")
			s.window = rapid.IntRange(1, 4).Draw(t, "window")
			s.epoch = identity.EpochID{byte(rapid.IntRange(0, 1).Draw(t, "sealed"))}
		}
		p.connect()
		for range rapid.IntRange(0, 120).Draw(t, "steps") {
			p.anything(t)
		}
		p.settle(t)
		for _, b := range p.bad {
			t.Error(b)
		}
		for _, n := range []string{"up", "up2", "in", "cat"} {
			a, b := p.a.logs[names[n]], p.b.logs[names[n]]
			if a.head(names[n]) != b.head(names[n]) {
				t.Fatalf("%s differs at the end: %d and %d\n%s", n, a.head(names[n]).Seq, b.head(names[n]).Seq, tail(p.out.String()))
			}
		}
	})
}

// authors says whose log is whose.
var authors = []struct {
	log string
	a   bool
}{{"up", true}, {"up2", true}, {"in", false}, {"cat", false}}

func (p *pair) anything(t *rapid.T) {
	s := p.a
	if rapid.Bool().Draw(t, "side") {
		s = p.b
	}
	switch rapid.SampledFrom([]string{"step", "step", "step", "work", "work", "work", "grow", "grow", "refuse", "resume", "cut", "forget", "way", "again", "unload"}).Draw(t, "what") {
	case "step":
		p.step(s)
	case "work":
		p.work(s)
	case "grow":
		w := rapid.SampledFrom(authors).Draw(t, "log")
		author := p.b
		if w.a {
			author = p.a
		}
		p.grow(author, names[w.log], rapid.IntRange(1, 9).Draw(t, "events"))
	case "refuse":
		k := rapid.SampledFrom([]fault.Kind{fault.Unavailable, fault.Limited, fault.Internal, fault.Stopped}).Draw(t, "kind")
		s.refuse[uint64(rapid.IntRange(1, 30).Draw(t, "seq"))] = k
	case "resume":
		p.resume(s)
	case "cut":
		p.disconnect()
		p.connect()
	case "forget":
		if !slices.ContainsFunc(s.inbox, func(m *protocol.Message) bool { return m.Epoch != nil || m.Block != nil }) {
			clear(s.known) // At most once for what is on its way, as a restart would.
		}
	case "way":
		p.anotherWay(t)
	case "again":
		p.repeat(t, s)
	case "unload":
		s.unload = rapid.SampledFrom([]fault.Kind{fault.Unavailable, fault.Limited}).Draw(t, "kind")
	}
}

func (p *pair) grow(s *side, log protocol.LogID, n int) {
	if s.logs[log] == nil {
		s.logs[log] = &events{}
	}
	s.logs[log].grow(log, n, "")
	p.do(s, s.session.Grew(protocol.Head{Log: log, At: s.logs[log].head(log)}))
}

func (p *pair) resume(s *side) {
	if s.waits && s.closed == nil {
		s.waits = false
		p.do(s, s.session.Resume())
	}
}

// anotherWay brings the reader some events by another session.
func (p *pair) anotherWay(t *rapid.T) {
	w := rapid.SampledFrom(authors).Draw(t, "log")
	from, to, log := p.b, p.a, names[w.log]
	if w.a {
		from, to = p.a, p.b
	}
	there, here := from.logs[log].head(log).Seq, to.logs[log].head(log).Seq
	if there <= here {
		return
	}
	n := rapid.Uint64Range(1, there-here).Draw(t, "events")
	if to.logs[log] == nil {
		to.logs[log] = &events{}
	}
	for seq := here + 1; seq <= here+n; seq++ {
		to.logs[log].append(log, from.logs[log].raw[seq-1])
	}
	p.do(to, to.session.Grew(protocol.Head{Log: log, At: to.logs[log].head(log)}))
}

// repeat puts a block of the past on the way once more, or asks for one.
func (p *pair) repeat(t *rapid.T, to *side) {
	w := rapid.SampledFrom(authors).Draw(t, "log")
	from, log := p.other(to), names[w.log]
	head := from.logs[log].head(log).Seq
	if head == 0 || (to == p.b) != w.a || len(to.inbox) == 0 || to.inbox[0].Hello != nil {
		return
	}
	first := rapid.Uint64Range(1, head).Draw(t, "first")
	b := from.logs[log].block(log, first, rapid.Uint64Range(first, min(head, first+20)).Draw(t, "last"), identity.EpochID{})
	to.inbox = append(to.inbox, &protocol.Message{Block: &b})
}

// settle lets everything end.
func (p *pair) settle(t *rapid.T) {
	for range 10_000 {
		moved := p.step(p.a) || p.step(p.b) || p.work(p.a) || p.work(p.b)
		if !moved && !p.a.waits && !p.b.waits {
			for _, s := range []*side{p.a, p.b} {
				if s.closed != nil {
					t.Fatalf("%s closed: %v\n%s", s.name, s.closed, tail(p.out.String()))
				}
			}
			return
		}
		if !moved {
			p.resume(p.a)
			p.resume(p.b)
		}
	}
	t.Fatalf("no end: %s", tail(p.out.String()))
}

// TestNothingTwice counts what travels when nothing goes wrong: what is missing,
// once.
func TestNothingTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &pair{a: newSide("a"), b: newSide("b")}
		p.b.want, p.b.acks = []protocol.LogID{names["up"]}, true
		p.a.cut, p.a.window = rapid.IntRange(0, 300).Draw(t, "cut"), rapid.IntRange(0, 9).Draw(t, "window")
		has, lacks := rapid.IntRange(0, 100).Draw(t, "has"), rapid.IntRange(0, 1000).Draw(t, "lacks")
		p.a.logs[names["up"]], p.b.logs[names["up"]] = &events{}, &events{}
		p.a.logs[names["up"]].grow(names["up"], has+lacks, "")
		p.b.logs[names["up"]].grow(names["up"], has, "")
		p.connect()
		p.settle(t)
		if p.b.handed != lacks || p.b.logs[names["up"]].head(names["up"]).Seq != uint64(has+lacks) {
			t.Fatalf("got %d events handed over; want %d", p.b.handed, lacks)
		}
		if p.a.session.Outstanding() || p.b.session.Outstanding() {
			t.Fatal("an answer is still due")
		}
	})
}

// FuzzReceive feeds any messages to a session whose disk answers at once. It must
// not panic, must hand over every log in order, and must not answer one message
// with a flood.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{4, 1, 1, 3, 0, 4, 1, 4, 6, 1, 2, 2, 3, 0, 1, 2, 5, 0, 5, 2, 40, 0, 7, 0, 9, 0, 6, 2, 1, 3, 3, 0, 0, 0})
	f.Add([]byte("any bytes will do, for each four of them make a message or so"))
	var logs [8]*events // Two branches of each.
	for i := range logs {
		logs[i] = &events{}
		logs[i].grow(fuzzed[i%4], 64, []string{"", "x"}[i/4])
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		in = in[:min(len(in), 400)]
		p := &pair{a: newSide("a"), b: newSide("b")}
		p.b.want, p.b.acks, p.b.window = []protocol.LogID{names["up*"]}, true, 3
		p.b.logs[names["in"]] = &events{}
		p.b.logs[names["in"]].grow(names["in"], 40, "")
		p.connect()
		p.b.inbox = []*protocol.Message{{Hello: &protocol.Hello{Version: 1, Want: []protocol.LogID{names["in"]}}}}
		p.step(p.b)
		for ; len(in) >= 4; in = in[4:] {
			before := len(p.a.inbox)
			p.b.inbox = []*protocol.Message{made(in[0], in[1], uint64(in[2]), uint64(in[3]), logs)}
			p.step(p.b)
			for range int(in[0] >> 4) {
				p.work(p.b)
			}
			if in[0]&8 != 0 {
				p.resume(p.b)
			}
			if len(p.a.inbox)-before > 60 {
				t.Fatalf("one message is answered with %d", len(p.a.inbox)-before)
			}
		}
		for _, b := range p.bad {
			t.Error(b)
		}
	})
}

// fuzzed are the logs that a made message may name.
var fuzzed = [4]protocol.LogID{names["up"], names["up2"], names["in"], names["held"]}

// made turns four bytes into a message of the peer, true or false.
func made(kind, which byte, x, y uint64, logs [8]*events) *protocol.Message {
	log, e := fuzzed[which%4], logs[which%8]
	at := e.at(log, x%65)
	switch kind & 7 {
	case 0:
		return &protocol.Message{Heads: []protocol.Head{{Log: log, At: at}}}
	case 1:
		return &protocol.Message{Want: &protocol.Want{Log: log, From: at}}
	case 2:
		return &protocol.Message{Ack: &protocol.Ack{Log: log, At: at}}
	case 3:
		return &protocol.Message{Refused: &protocol.Refused{Log: log, Seq: x, Code: fault.Kind(y % 10)}}
	case 4, 5:
		first := x%64 + 1
		b := e.block(log, first, min(first+y%8, 64), identity.EpochID{which >> 3 & 1})
		return &protocol.Message{Block: &b}
	case 6:
		return &protocol.Message{Busy: &protocol.Busy{RetryMillis: uint32(x << 24)}}
	default:
		return &protocol.Message{Epoch: &protocol.Epoch{ID: identity.EpochID{byte(x & 1)}, Wraps: []identity.Wrap{{Sealed: []byte("k")}}}}
	}
}
