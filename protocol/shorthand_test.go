package protocol

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"testing"

	"kendro/domain/fault"
	"kendro/identity"
)

// chain cuts n events into a block each.
func chain(t testing.TB, n int, epoch *identity.Epoch, signer *identity.Signer) []Block {
	t.Helper()
	events, hashes := history(t, n)
	blocks := make([]Block, n)
	for i := range blocks {
		b := Block{
			Header: Header{Log: uplink, First: uint64(i + 1), Last: uint64(i + 1), Prev: hashes[i], End: hashes[i+1], Signer: signer.ID()},
			Body:   events[i],
		}
		if epoch != nil {
			b.Header.Epoch, b.Header.Counter = epoch.ID(), epoch.Next()
			b.Body = epoch.Seal(nil, b.Header.Counter, b.Body, b.Header.associated())
		}
		b.Header.Body = sha256.Sum256(b.Body)
		b.Signature = signer.Sign(contextBlock, Marshal(&b.Header))
		blocks[i] = b
	}
	return blocks
}

// meeting returns two ends that have said hello, with what each reads.
func meeting(t testing.TB, reads uint8) (a, b *Shorthand) {
	t.Helper()
	a, b = new(Shorthand), new(Shorthand)
	hello := &Message{Hello: &Hello{Version: 1, Shorthand: reads}}
	pass(t, a, b, hello)
	pass(t, b, a, hello)
	return a, b
}

// pass has one end say a message to the other, which must hear the same.
func pass(t testing.TB, from, to *Shorthand, m *Message) (frame []byte) {
	t.Helper()
	frame = from.Encode(m)
	got, size, err := to.Decode(bytes.NewReader(frame))
	if err != nil || size != len(frame) || !bytes.Equal(Marshal(got), Marshal(m)) {
		t.Fatalf("%x reads as %+v (%d bytes), %v; want %+v", frame, got, size, err, m)
	}
	return frame
}

func signed(log LogID, at Position, index uint64, s *identity.Signer) *Message {
	a := &Ack{Log: log, At: at, Index: index, Incarnation: 1 << 60}
	a.Sign(s)
	return &Message{Ack: a}
}

// What both ends know is not said again, and everything reads as it was meant.
func TestShorthand(t *testing.T) {
	signer, server := identity.NewSigner(), identity.NewSigner()
	epoch, err := identity.NewEpoch(identity.NewSealingKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	a, b := meeting(t, ShorthandVersion)
	blocks := chain(t, 40, epoch, signer)
	wide := chain(t, 40, nil, signer)
	const shortest = 2 + 1 + 1 + 1 // Length, map, kind, array.
	for i := range blocks {
		h := &blocks[i].Header
		at := Position{Seq: h.Last, Hash: h.End}
		block := len(pass(t, a, b, &Message{Block: &blocks[i]})) - len(blocks[i].Body)
		ack := len(pass(t, b, a, signed(uplink, at, 1000+uint64(i)*3, server)))
		head := len(pass(t, b, a, &Message{Heads: []Head{{Log: uplink, At: at}}}))
		if want := shortest + 4 + 34 + 3 + 66; i > 0 && block > want {
			t.Errorf("block %d: %d bytes beside its body; want at most %d", i, block, want)
		}
		if want := shortest + 4 + 1 + 66; i > 0 && ack > want {
			t.Errorf("acknowledgement %d: %d bytes; want at most %d", i, ack, want)
		}
		if want := shortest + 3; head > want {
			t.Errorf("head %d: %d bytes; want at most %d", i, head, want)
		}
	}
	// What doesn't follow is said in full, and what follows that in short again.
	other := chain(t, 3, nil, server)
	for i := range other {
		other[i].Header.Log.Incarnation++
	}
	repeated := blocks[7]
	for _, m := range []*Message{
		{Block: &repeated},
		{Block: &blocks[8]},
		{Block: &blocks[10]},
		{Block: &blocks[20]},
		{Block: &wide[21]},
		{Block: &wide[22]},
		{Block: &other[0]},
		{Block: &other[1]},
		{Block: &other[2]},
		{Want: &Want{Log: uplink}},
		{Busy: &Busy{RetryMillis: 7}},
	} {
		pass(t, a, b, m)
	}
	for _, m := range []*Message{
		signed(uplink, Position{Seq: 23, Hash: wide[22].Header.End}, 5000, server),
		signed(uplink, Position{Seq: 23, Hash: wide[22].Header.End}, 4000, server), // The index of a server that is behind.
		signed(uplink, Position{Seq: 23, Hash: wide[22].Header.End}, 5000, signer), // Another server's.
		signed(uplink, Position{Seq: 9, Hash: Hash{9}}, 5001, signer),              // Of no block's end.
		{Heads: []Head{{Log: uplink, At: Position{Seq: 1}}, {Log: other[0].Header.Log}}},
	} {
		pass(t, b, a, m)
	}
}

// A sender's memory and a reader's agree about which ends are spoken of, however
// many blocks are on their way.
func TestShorthandOfWhatIsOnItsWay(t *testing.T) {
	signer := identity.NewSigner()
	blocks := chain(t, 200, nil, signer)
	a, b := meeting(t, ShorthandVersion)
	const ahead = 40 // Blocks that b has not read when it answers.
	var way [][]byte
	short := 0
	for i := range blocks {
		way = append(way, a.Encode(&Message{Block: &blocks[i]}))
		if i < ahead {
			continue
		}
		if _, _, err := b.Decode(bytes.NewReader(way[0])); err != nil {
			t.Fatal(err)
		}
		way = way[1:]
		h := &blocks[i-ahead].Header
		if len(pass(t, b, a, &Message{Heads: []Head{{Log: uplink, At: Position{Seq: h.Last, Hash: h.End}}}})) < 15 {
			short++
		}
		old := &blocks[max(i-ahead-30, 0)].Header // Spoken of before, and forgotten.
		pass(t, b, a, &Message{Heads: []Head{{Log: uplink, At: Position{Seq: old.Last, Hash: old.End}}}})
	}
	if short != len(blocks)-ahead {
		t.Errorf("%d of %d heads in short", short, len(blocks)-ahead)
	}
}

// A peer that does not say that it reads shorthand gets what it always got.
func TestShorthandIsAskedFor(t *testing.T) {
	signer := identity.NewSigner()
	blocks := chain(t, 3, nil, signer)
	a, b := meeting(t, 0)
	for i := range blocks {
		h := &blocks[i].Header
		m, back := &Message{Block: &blocks[i]}, signed(uplink, Position{Seq: h.Last, Hash: h.End}, 7, signer)
		if !bytes.Equal(pass(t, a, b, m), EncodeMessage(m)) || !bytes.Equal(pass(t, b, a, back), EncodeMessage(back)) {
			t.Fatal("a peer of before gets what it can't read")
		}
	}
	// A newer one that speaks to one of before reads what that writes.
	a, b = new(Shorthand), new(Shorthand)
	pass(t, a, b, &Message{Hello: &Hello{Version: 1}})
	pass(t, b, a, &Message{Hello: &Hello{Version: 1, Shorthand: 9}})
	pass(t, a, b, &Message{Block: &blocks[0]})
	if n := len(pass(t, a, b, &Message{Block: &blocks[1]})); n >= len(EncodeMessage(&Message{Block: &blocks[1]})) {
		t.Errorf("%d bytes for a block to a peer that reads shorthand", n)
	}
}

// Whatever byte of a block or an acknowledgement in short is altered, nobody has
// signed what is read then.
func TestAlteredShorthand(t *testing.T) {
	signer := identity.NewSigner()
	blocks := chain(t, 3, nil, signer)
	at := func(i int) Position { return Position{Seq: blocks[i].Header.Last, Hash: blocks[i].Header.End} }
	script := func() (a, b *Shorthand) {
		a, b = meeting(t, ShorthandVersion)
		for i := range 2 {
			pass(t, a, b, &Message{Block: &blocks[i]})
			pass(t, b, a, signed(uplink, at(i), 9, signer))
		}
		return a, b
	}
	a, _ := script()
	block := a.Encode(&Message{Block: &blocks[2]})
	for i := range len(block) * 8 {
		bad := bytes.Clone(block)
		bad[i/8] ^= 1 << (i % 8)
		_, reader := script()
		if m, _, err := reader.Decode(bytes.NewReader(bad)); err == nil && m.Block != nil && m.Block.Verify(signer.Public()) == nil {
			t.Errorf("bit %d of a block flipped, and it verifies", i)
		}
	}
	a, b := script()
	pass(t, a, b, &Message{Block: &blocks[2]})
	ack := b.Encode(signed(uplink, at(2), 10, signer))
	for i := range len(ack) * 8 {
		bad := bytes.Clone(ack)
		bad[i/8] ^= 1 << (i % 8)
		reader, other := script()
		pass(t, reader, other, &Message{Block: &blocks[2]})
		if m, _, err := reader.Decode(bytes.NewReader(bad)); err == nil && m.Ack != nil && m.Ack.Verify(signer.Public()) == nil {
			t.Errorf("bit %d of an acknowledgement flipped, and it verifies", i)
		}
	}
}

// What refers to nothing is refused, and bounds hold for what is read in short.
func TestShorthandOfNothing(t *testing.T) {
	signer := identity.NewSigner()
	blocks := chain(t, 1, nil, signer)
	full := bytes.Repeat([]byte{1}, MaxBlockBody+1)
	for name, bad := range map[string]*brief{
		"a log":                {Block: &shortBlock{Trail: 1, Count: 1}},
		"no event":             {Block: &shortBlock{}},
		"too many events":      {Block: &shortBlock{Count: MaxBlockEvents + 1}},
		"all sequences":        {Block: &shortBlock{Count: 1<<64 - 1}},
		"a codec":              {Block: &shortBlock{Count: 1, Codec: 63}},
		"a body":               {Block: &shortBlock{Count: 1, Body: full}},
		"a block of ours":      {Head: &endOf{Block: 1}},
		"a block to come":      {Head: &endOf{Block: 1 << 63}},
		"a log of ours":        {Head: &endOf{Trail: 1 << 63}},
		"an acknowledgement":   {Ack: &shortAck{}},
		"nothing at all":       {},
		"two things":           {Head: &endOf{}, Ack: &shortAck{}},
		"what this end forgot": {Head: &endOf{}},
	} {
		a, b := meeting(t, ShorthandVersion)
		pass(t, a, b, &Message{Block: &blocks[0]})
		body := Marshal(bad)
		frame := append([]byte{0, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
		if m, _, err := b.Decode(bytes.NewReader(frame)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %+v, %v; want invalid", name, m, err)
		}
	}
	a, b := meeting(t, ShorthandVersion)
	frame := a.Encode(&Message{Block: &blocks[0]})
	for n := range frame {
		if _, _, err := b.Decode(bytes.NewReader(frame[:n])); n == 0 && !errors.Is(err, io.EOF) || n > 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%d bytes of %d: got %v", n, len(frame), err)
		}
	}
}

// FuzzShorthand: whatever comes after an honest beginning, what is read is within
// the bounds of messages, and is read again as it was from an honest sender.
func FuzzShorthand(f *testing.F) {
	signer := identity.NewSigner()
	blocks := chain(f, 4, nil, signer)
	begin := func(t testing.TB) (a, b *Shorthand) {
		a, b = meeting(t, ShorthandVersion)
		for i := range 2 {
			at := Position{Seq: blocks[i].Header.Last, Hash: blocks[i].Header.End}
			pass(t, a, b, &Message{Block: &blocks[i]})
			pass(t, b, a, &Message{Block: &blocks[i]})
			pass(t, a, b, &Message{Ack: &Ack{Log: uplink, At: at, Index: 5}})
			pass(t, b, a, &Message{Heads: []Head{{Log: uplink, At: at}}})
		}
		return a, b
	}
	a, _ := begin(f)
	at := Position{Seq: 2, Hash: blocks[1].Header.End}
	var all []byte
	for _, m := range []*Message{
		{Block: &blocks[2]}, {Block: &blocks[3]}, {Heads: []Head{{Log: uplink, At: at}}}, {Ack: &Ack{Log: uplink, At: at, Index: 6}}, {Busy: &Busy{}},
	} {
		frame := a.Encode(m)
		all = append(all, frame...)
		f.Add(frame)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, stream []byte) {
		_, b := begin(t)
		c, d := begin(t)
		for r := bytes.NewReader(stream); ; {
			m, _, err := b.Decode(r)
			if err != nil {
				return
			}
			if m.Empty() {
				continue
			}
			if m.Block != nil && m.Block.Check() != nil {
				t.Fatal("a block out of bounds was read")
			}
			pass(t, c, d, m)
		}
	})
}
