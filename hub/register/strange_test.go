package register

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
)

// TestStrangeEntriesStopNobody: whatever a user, a box or a leader puts into an
// entry that can be read, the servers answer it, stay equal, and can be opened
// again. One that stopped them would stop them for ever.
func TestStrangeEntriesStopNobody(t *testing.T) {
	w := newTown(t, newMemory()).withKey().settle()
	b := w.enrol("41-09-17")
	for i := range 8 {
		b.submit(licence(t), uint64(i))
	}
	b.mustBring(1, 4)
	begin := w.first().base.(*memory).copy()
	before := w.index
	rapid.Check(t, func(rt *rapid.T) {
		g := &strange{T: rt, b: b}
		w.index, w.registers = before, nil
		w.join(begin.copy())
		w.join(begin.copy())
		for range rapid.IntRange(1, 4).Draw(rt, "entries") {
			e := &Entry{At: rapid.Int64Range(0, maxTime).Draw(rt, "at")}
			for range rapid.IntRange(0, 3).Draw(rt, "commands") {
				e.Commands = append(e.Commands, g.command())
			}
			for range rapid.IntRange(0, 2).Draw(rt, "blocks") {
				e.Ingests = append(e.Ingests, g.ingest())
			}
			for range rapid.IntRange(0, 2).Draw(rt, "epochs") {
				e.Epochs = append(e.Epochs, g.epoch(w))
			}
			raw, err := EncodeEntry(e)
			if err != nil {
				continue // Out of the limits: never proposed.
			}
			w.applyRaw(raw)
		}
		w.agree()
		w.reopen(w.first().base)
		if err := w.first().ForEachCase(func(*Case) error { return nil }); err != nil {
			rt.Fatal(err)
		}
		for _, office := range []string{"local-41-09-17", "@", ""} {
			if _, _, err := w.first().Tasks(TaskQuery{Office: office, Limit: 500}); err != nil {
				rt.Fatal(err)
			}
		}
		if _, err := w.first().Users(); err != nil {
			rt.Fatal(err)
		}
		if _, err := w.first().Tokens(); err != nil {
			rt.Fatal(err)
		}
	})
}

// strange makes values at and over every edge.
type strange struct {
	*rapid.T
	b *box
}

func (g *strange) text(also ...string) string {
	edge := []string{"", "a", "root", "anna", "@hub", "a\x00b", "\u00a0", strings.Repeat("ক", 43), strings.Repeat("x", 129), strings.Repeat("ক", 1400), strings.Repeat("x", 70_000)}
	return rapid.SampledFrom(append(edge, also...)).Draw(g.T, "text")
}

func (g *strange) bytes() []byte {
	return make([]byte, rapid.SampledFrom([]int{0, 1, 16, 31, 32, 33, 64, 65, 4096, 4097, 70_000, 250_000, 270_000}).Draw(g.T, "bytes"))
}

func (g *strange) number() protocol.Number {
	return rapid.SampledFrom(append([]protocol.Number{0, 1, 1e16, ^protocol.Number(0)}, g.b.numbers...)).Draw(g.T, "number")
}

func (g *strange) i64() int64 {
	return rapid.SampledFrom([]int64{0, 1, -1, dawn, dawn / 1000, dawn/1000 + 60, 1 << 62, -1 << 62}).Draw(g.T, "int")
}

func (g *strange) hash() (h protocol.Hash) {
	h[0] = byte(rapid.IntRange(0, 2).Draw(g.T, "hash"))
	if h[0] == 2 {
		h = protocol.Hash(seedOf("token", "0010"))
	}
	return h
}

func (g *strange) user() User {
	return User{
		Name: g.text(), Role: access.Role(g.text("officer", "entrepreneur", "operator", "auditor")), Hash: g.text(hash1),
		Seat:   place.Seat{Post: g.text("secretary", "uno"), Office: g.text("local-41-09-17")},
		Centre: place.Centre(g.text("41-09-17")), Gender: g.text("f"), From: g.i64(), Until: g.i64(),
	}
}

func (g *strange) server() Server {
	s := server(rapid.SampledFrom([]string{"s1", "s2", "s3"}).Draw(g.T, "server"))
	if rapid.Bool().Draw(g.T, "strange server") {
		s = Server{ID: g.text("s1"), Address: g.text(), HTTP: g.text(), Signing: g.bytes(), TLS: g.bytes(), Sealing: g.bytes(), TLSCert: g.bytes(), SigningCert: g.bytes()}
	}
	s.Nonce = g.hash()
	return s
}

// body is a body that may belong to the command, or to another.
func (g *strange) body() any {
	switch rapid.IntRange(0, 11).Draw(g.T, "body") {
	case 0:
		return &Founding{District: g.text("41", "9x"), Country: g.text("bd"), Incarnation: 1, Authority: g.bytes(), CatalogueKey: g.bytes(), Recipients: [][]byte{g.bytes()}, Operator: g.user(), Server: g.server()}
	case 1:
		u := g.user()
		return &u
	case 2:
		return &Name{Name: g.text("s1", "rahima")}
	case 3:
		slot, spare := g.b.town.first().NextSlots()
		return &NodeKeys{
			Nonce: g.hash(), Centre: place.Centre(g.text("41-09-17")), Slot: g.text(slot), Spare: g.text(spare), Signing: g.bytes(), TLS: g.bytes(),
			Sealing: g.bytes(), TLSCert: g.bytes(), SigningCert: g.bytes(), Gossip: g.text(), GossipKey: g.bytes(),
		}
	case 4:
		s := g.server()
		return &s
	case 5:
		return &Token{Nonce: g.hash(), Role: g.text("node", "server"), Centre: place.Centre(g.text("41-09-17")), Expires: g.i64(), By: g.text(), BurntBy: g.bytes()}
	case 6:
		return &Revocation{Centre: place.Centre(g.text("41-09-17")), Reason: g.text(), GossipKey: g.bytes()}
	case 7:
		return &Parcel{Versions: [][]byte{g.bytes()}, Directory: g.bytes(), Signed: g.bytes()}
	case 8:
		return g.bytes()
	case 9:
		return nil
	case 10:
		return &Rotation{Upazila: place.Code(g.text("41-09", "41-11")), GossipKey: g.bytes()}
	}
	return &Act{Opinion: application.Opinion(g.text("approve", "other")), Text: g.text(), Reason: g.text(), To: g.text("chairman", "uno")}
}

func (g *strange) command() Command {
	m := rapid.SampledFrom(Methods()).Draw(g.T, "method")
	c := NewCommand(g.text("1", "2", "3"), g.text(ActorHub, ActorControl, "chair", "bilal", "audit"), m, g.body())
	c.Number, c.Expect = g.number(), rapid.SampledFrom([]uint64{0, 1, 2, 3, ^uint64(0)}).Draw(g.T, "expect")
	if rapid.IntRange(0, 9).Draw(g.T, "garbled") == 0 && len(c.Body) > 2 {
		c.Body = c.Body[:1:1]
		c.Body[0] = 0x05 // A number instead of a map.
	}
	return c
}

func (g *strange) ingest() Ingest {
	first := rapid.IntRange(1, len(g.b.events)).Draw(g.T, "first")
	last := rapid.IntRange(first, len(g.b.events)).Draw(g.T, "last")
	in := g.b.ingest(first, last)
	for i := range in.Verdicts {
		in.Verdicts[i] = Verdict{Refused: g.text(), Due: g.i64()}
	}
	h := &in.Block.Header
	if rapid.IntRange(0, 3).Draw(g.T, "strange signature") == 0 {
		in.Block.Signature = g.bytes()
	}
	switch rapid.IntRange(0, 9).Draw(g.T, "block") {
	case 1:
		in.Quarantine, in.Verdicts = g.text("x"), nil
	case 2:
		h.Log.Name = g.text("41-0011", "41-", "41-00100", "41-0010-x")
	case 3:
		h.Epoch = identity.EpochID{1}
	case 4:
		h.Log.Incarnation = ^uint64(0)
	case 5:
		h.End[0]++
	case 6:
		h.Prev[0]++
	case 7:
		h.Codec = uint8(rapid.IntRange(0, 3).Draw(g.T, "codec"))
	}
	return in
}

func (g *strange) epoch(w *town) protocol.Epoch {
	e := protocol.Epoch{ID: identity.EpochID{byte(rapid.IntRange(1, 2).Draw(g.T, "epoch"))}, Cert: g.bytes(), Signature: g.bytes()}
	for range rapid.IntRange(0, 17).Draw(g.T, "wraps") {
		e.Wraps = append(e.Wraps, identity.Wrap{Recipient: identity.IDOf(rapid.SampledFrom([][]byte{w.recips[0], {1}}).Draw(g.T, "recipient")), Sealed: make([]byte, rapid.SampledFrom([]int{0, 1200, 5000, 270_000}).Draw(g.T, "wrap"))})
	}
	return e
}
