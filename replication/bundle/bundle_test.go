package bundle_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication/bundle"
)

// sample is a bundle of two hellos, an epoch and three sealed blocks of a log.
func sample(t testing.TB) []byte {
	t.Helper()
	signer, packer := identity.NewSigner(), protocol.NewPacker()
	defer packer.Close()
	epoch, err := identity.NewEpoch(identity.NewSealingKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	intro := protocol.NewEpoch(epoch, nil, signer)
	log := protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 7}
	inbox := protocol.LogID{Channel: protocol.Inbox, Name: "41-09-17", Incarnation: 9}
	shelf := protocol.LogID{Channel: protocol.Catalogue, Name: "41", Incarnation: 9}
	out := []byte(bundle.Magic)
	put := func(m *protocol.Message) { out = append(out, protocol.EncodeMessage(m)...) }
	hello := func(inboxAt, shelfAt uint64) {
		put(&protocol.Message{Hello: &protocol.Hello{Version: protocol.OldestSession, Newest: protocol.SessionVersion, Have: []protocol.Head{
			{Log: inbox, At: protocol.Position{Seq: inboxAt}}, {Log: shelf, At: protocol.Position{Seq: shelfAt}},
		}}})
	}
	hello(4, 30)
	put(&protocol.Message{Epoch: &intro})
	prev := protocol.Hash{}
	for i := range uint64(3) {
		e := protocol.Event{Kind: 99, At: 1, Payload: protocol.Marshal(map[int]string{1: "x"})}
		raw, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		run := protocol.Run{Log: log, First: i + 1, Prev: prev, Events: [][]byte{raw}}
		prev = protocol.ChainHash(log, i+1, prev, raw)
		b, err := packer.Pack(run, epoch, signer)
		if err != nil {
			t.Fatal(err)
		}
		put(&protocol.Message{Block: &b})
		if i == 1 {
			hello(5, 20)
		}
	}
	return out
}

func TestLook(t *testing.T) {
	whole := sample(t)
	s, err := bundle.Look(bytes.NewReader(whole))
	if err != nil || !s.Whole || s.Size != int64(len(whole)) {
		t.Fatalf("got %+v, %v; want all of it", s, err)
	}
	if len(s.Holds) != 1 || s.Holds[0].At.Seq != 3 || s.Events[s.Holds[0].Log] != 3 {
		t.Errorf("got blocks up to %v; want 3 of one log", s.Holds)
	}
	if len(s.Stands) != 2 || s.Stands[0].At.Seq != 5 || s.Stands[1].At.Seq != 20 {
		t.Errorf("got %v; want the inbox's newest place and the shelf's oldest", s.Stands)
	}
}

// Cut anywhere, a bundle tells what is whole and can be gone on with from there.
func TestBrokenOffAnywhere(t *testing.T) {
	whole := sample(t)
	for n := range len(whole) {
		s, err := bundle.Look(bytes.NewReader(whole[:n]))
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if s.Size > int64(n) || s.Whole != (s.Size == int64(n) && n > 0) {
			t.Fatalf("cut at %d: whole up to %d, whole=%v", n, s.Size, s.Whole)
		}
		again := append(slices.Clone(whole[:s.Size]), whole[s.Size:]...)
		if !bytes.Equal(again, whole) {
			t.Fatalf("cut at %d", n)
		}
	}
}

func TestNoBundle(t *testing.T) {
	for _, text := range []string{"PK\x03\x04", "kendro-bundle-2\n", bundle.Magic + "\xff\xff\xff\xff", bundle.Magic + "\x00\x00\x00\x01\x00"} {
		if _, err := bundle.Look(bytes.NewReader([]byte(text))); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: got %v; want invalid", text, err)
		}
	}
}

// Each piece stands by itself: a hello first, and the epoch of its blocks.
func TestPieces(t *testing.T) {
	whole := sample(t)
	blocks, pieces := 0, 0
	for b, err := range bundle.Pieces(bytes.NewReader(whole), 1) {
		if err != nil {
			t.Fatal(err)
		}
		pieces++
		in, known, greeted := bundle.Read(bytes.NewReader(b)), map[identity.EpochID]bool{}, false
		for {
			m, err := in.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case m.Hello != nil:
				greeted = true
			case m.Epoch != nil:
				known[m.Epoch.ID] = true
			case m.Block != nil:
				blocks++
				if !greeted || !known[m.Block.Header.Epoch] {
					t.Error("a block before the hello, or without its epoch")
				}
			}
		}
	}
	if blocks != 3 || pieces < 3 {
		t.Errorf("got %d blocks in %d pieces; want each once, apart", blocks, pieces)
	}
	var last error
	for _, err := range bundle.Pieces(bytes.NewReader(whole[:len(whole)-1]), 1<<20) {
		last = err
	}
	if !errors.Is(last, io.ErrUnexpectedEOF) {
		t.Errorf("got %v; want word that it breaks off", last)
	}
}

// FuzzLook reads whatever lies on a stick.
func FuzzLook(f *testing.F) {
	f.Add([]byte(bundle.Magic))
	f.Add([]byte("kendro"))
	f.Add(sample(f))
	f.Add([]byte(bundle.Magic + "\x00\x00\x00\x04\xa1\x18\x63\x01")) // Of a newer program.
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := bundle.Look(bytes.NewReader(b))
		if err == nil && s.Size > int64(len(b)) {
			t.Fatalf("whole up to %d of %d bytes", s.Size, len(b))
		}
		for p, err := range bundle.Pieces(bytes.NewReader(b), 1<<10) {
			if err != nil {
				break
			}
			if _, err := bundle.Look(bytes.NewReader(p)); err != nil {
				t.Fatalf("a piece is no bundle: %v", err)
			}
		}
	})
}
