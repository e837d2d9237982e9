package protocol

import (
	"bytes"
	"testing"

	"kendro/identity"
)

// What was packed before is handed out again, byte for byte; another run, reader or
// epoch gets a block of its own, and so does whoever comes after too many others.
func TestCutsHandOutWhatWasPacked(t *testing.T) {
	p := NewPacker()
	t.Cleanup(p.Close)
	signer, err := identity.SignerFromSeed(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	key, err := identity.SealingKeyFromBytes(bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	var epochs [2]*identity.Epoch
	for i := range epochs {
		if epochs[i], err = identity.NewEpoch(key.Public()); err != nil {
			t.Fatal(err)
		}
	}
	run := func(first uint64, reads Codecs) Run {
		raw := bytes.Repeat(Marshal("an event"), 40)
		return Run{Log: LogID{Channel: Uplink, Name: "41-0001", Incarnation: 1}, First: first, End: ChainHash(LogID{}, first, Hash{}, raw), Events: [][]byte{raw}, Reads: reads}
	}
	const room = 2 << 10
	c := NewCuts(p, room)
	pack := func(r Run, e *identity.Epoch) Block {
		t.Helper()
		b, err := c.Pack(r, e, signer, nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	old := pack(run(1, 0), epochs[0])
	for _, tc := range []struct {
		what  string
		run   Run
		epoch *identity.Epoch
		same  bool
	}{
		{"the same run", run(1, 0), epochs[0], true},
		{"the next run", run(2, 0), epochs[0], false},
		{"another reader", run(1, ReadableCodecs), epochs[0], false},
		{"another epoch", run(1, 0), epochs[1], false},
		{"the same run after them", run(1, 0), epochs[0], true},
	} {
		b := pack(tc.run, tc.epoch)
		if same := b.Header == old.Header && bytes.Equal(b.Body, old.Body) && bytes.Equal(b.Signature, old.Signature); same != tc.same {
			t.Errorf("%s: the same block %v; want %v", tc.what, same, tc.same)
		}
		if err := b.Verify(signer.Public()); err != nil {
			t.Errorf("%s: %v", tc.what, err)
		}
	}
	for i := range uint64(200) {
		pack(run(i+10, 0), epochs[0])
		if c.size > room || len(c.list) > keptBlocks {
			t.Fatalf("%d bytes in %d blocks are kept", c.size, len(c.list))
		}
	}
	if b := pack(run(1, 0), epochs[0]); b.Header.Counter == old.Header.Counter {
		t.Error("a block that was to be forgotten is still there")
	}
}
