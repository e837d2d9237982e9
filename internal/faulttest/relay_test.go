//go:build fault

package faulttest

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"kendro/identity"
	"kendro/protocol"
)

// TestFlippedFrames flips every byte of frames as a relay carries them: blocks,
// introductions and passed acknowledgements. None may still be somebody's word.
func TestFlippedFrames(t *testing.T) {
	author := identity.NewSigner()
	district := identity.NewSealingKey()
	epoch, err := identity.NewEpoch(district.Public())
	must(t, err)
	packer := protocol.NewPacker()
	defer packer.Close()
	c := newCountry(t)
	log := protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 9}
	frames, flips, taken := 0, 0, 0
	for i := range uint64(sized(20, 998)) {
		raw, err := c.body("41-09-17", i)
		must(t, err)
		event, err := (&protocol.Event{Kind: protocol.Submitted, At: 1, Nonce: make([]byte, protocol.NonceSize), Payload: protocol.Marshal(raw)}).Encode()
		must(t, err)
		end := protocol.ChainHash(log, i+1, protocol.Hash{}, event)
		b, err := packer.Pack(protocol.Run{Log: log, First: i + 1, End: end, Events: [][]byte{event}}, epoch, author)
		must(t, err)
		n, bad := flipAll(t, &protocol.Message{Block: &b}, author.Public())
		frames, flips, taken = frames+1, flips+n, taken+bad
	}
	n, bad := flipShorthand(t, packer, epoch, author)
	frames, flips, taken = frames+1, flips+n, taken+bad
	intro := protocol.NewEpoch(epoch, nil, author)
	ack := protocol.Ack{Log: log, At: protocol.Position{Seq: 5, Hash: sha256.Sum256([]byte("event"))}, Index: 4}
	ack.Sign(author)
	for _, m := range []*protocol.Message{{Epoch: &intro}, {Passed: &protocol.Passed{Ack: ack, Cert: []byte("certificate")}}} {
		n, bad := flipAll(t, m, author.Public())
		frames, flips, taken = frames+1, flips+n, taken+bad
	}
	t.Logf("%d frames, each of their %d bytes flipped: %d accepted", frames, flips, taken)
	if taken > 0 {
		t.Errorf("%d altered frames were accepted", taken)
	}
}

// flipAll returns how many bytes were flipped and how often the frame was still
// taken as the author's word for something else.
func flipAll(t *testing.T, m *protocol.Message, author []byte) (flips, taken int) {
	t.Helper()
	frame := protocol.EncodeMessage(m)[4:]
	if !isWord(frame, author) {
		t.Fatal("the frame as it was is refused")
	}
	for i := range frame {
		frame[i] ^= 1 << (i % 8)
		got, err := protocol.DecodeMessage(frame)
		altered := err == nil && isWord(frame, author)
		if altered && got.Passed != nil && string(protocol.Marshal(&got.Passed.Ack)) == string(protocol.Marshal(&m.Passed.Ack)) {
			altered = false // Another certificate beside it certifies nobody.
		}
		if altered {
			t.Errorf("byte %d of %d flipped, and still taken", i, len(frame))
			taken++
		}
		frame[i] ^= 1 << (i % 8)
		flips++
	}
	return flips, taken
}

// flipShorthand does the same to a block in short, as it follows another in a
// session.
func flipShorthand(t *testing.T, packer *protocol.Packer, epoch *identity.Epoch, author *identity.Signer) (flips, taken int) {
	t.Helper()
	run := protocol.Run{Log: protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 9}, First: 1}
	var messages []*protocol.Message
	for range 2 {
		event := protocol.Marshal(map[int]any{1: run.First, 2: "an application"})
		run.Events, run.End = [][]byte{event}, protocol.ChainHash(run.Log, run.First, run.Prev, event)
		b, err := packer.Pack(run, epoch, author)
		must(t, err)
		messages = append(messages, &protocol.Message{Block: &b})
		run.First, run.Prev = run.First+1, run.End
	}
	hello := (&protocol.Shorthand{}).Encode(&protocol.Message{Hello: &protocol.Hello{Version: 1, Shorthand: protocol.ShorthandVersion}})
	var sender protocol.Shorthand
	_, _, err := sender.Decode(bytes.NewReader(hello))
	must(t, err)
	first := slices.Concat(hello, sender.Encode(messages[0]))
	frame := sender.Encode(messages[1])
	read := func() bool {
		var reader protocol.Shorthand
		stream := bytes.NewReader(append(bytes.Clone(first), frame...))
		for range 2 {
			_, _, err := reader.Decode(stream)
			must(t, err)
		}
		m, _, err := reader.Decode(stream)
		return err == nil && m.Block != nil && m.Block.Verify(author.Public()) == nil
	}
	if !read() {
		t.Fatal("the frame as it was is refused")
	}
	for i := range frame {
		frame[i] ^= 1 << (i % 8)
		if read() {
			t.Errorf("byte %d of %d of a block in short flipped, and still taken", i, len(frame))
			taken++
		}
		frame[i] ^= 1 << (i % 8)
		flips++
	}
	return flips, taken
}

func isWord(frame, author []byte) bool {
	m, err := protocol.DecodeMessage(frame)
	switch {
	case err != nil:
		return false
	case m.Block != nil:
		return m.Block.Verify(author) == nil
	case m.Epoch != nil:
		return m.Epoch.Verify(author) == nil
	case m.Passed != nil:
		return m.Passed.Ack.Verify(author) == nil
	}
	return false
}
