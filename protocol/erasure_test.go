package protocol

import (
	"testing"

	"kendro/domain/fault"
	"kendro/identity"
)

// TestErasedRun: erased places travel under a codec of their own, join the chain, and stand
// in no other block; an event stands in none of these.
func TestErasedRun(t *testing.T) {
	p := NewPacker()
	defer p.Close()
	signer := identity.NewSigner()
	log := LogID{Channel: Uplink, Name: "41-0010", Incarnation: 7}
	raw := Marshal(&Event{Kind: LeaseAsked, At: 1, Payload: Marshal(&LeaseRequest{Service: "trade-licence"})})
	h1 := ChainHash(log, 1, Hash{}, raw)
	h2 := ChainHash(log, 2, h1, raw)
	if LinkHash(log, 2, h1, ErasedRaw(h2)) != h2 || LinkHash(log, 2, h1, raw) != h2 {
		t.Fatal("what stands for an erased event does not join the chain")
	}
	gone := Run{Log: log, First: 2, Prev: h1, End: h2, Events: [][]byte{ErasedRaw(h2)}, Reads: ReadableCodecs}
	b, err := p.Pack(gone, nil, signer)
	if err != nil || b.Header.Codec != CodecErased {
		t.Fatalf("codec %d, %v", b.Header.Codec, err)
	}
	items, err := p.Open(&b, nil)
	if err != nil || len(items) != 1 || items[0].Hash != h2 {
		t.Errorf("opened %+v, %v", items, err)
	}
	for what, run := range map[string]Run{
		"an event among them":    {Log: log, First: 1, End: h2, Events: [][]byte{ErasedRaw(h1), raw}},
		"a hash among events":    {Log: log, First: 1, End: h2, Events: [][]byte{raw, ErasedRaw(h2)}},
		"a hash that is another": {Log: log, First: 2, Prev: h1, End: h1, Events: [][]byte{ErasedRaw(h2)}},
	} {
		run.Reads = ReadableCodecs
		b, err := p.Pack(run, nil, signer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Open(&b, nil); fault.KindOf(err) != fault.Damaged {
			t.Errorf("%s: %v; want damaged", what, err)
		}
	}
	shelf := gone
	shelf.Log.Channel = Catalogue
	if b, err = p.Pack(shelf, nil, signer); err != nil {
		t.Fatal(err)
	}
	if err := b.Check(); fault.KindOf(err) != fault.Invalid {
		t.Errorf("in a catalogue: %v; want invalid", err)
	}
	if (ReadableCodecs &^ (1 << CodecErased)).Reads(CodecErased) {
		t.Error("a program of before is said to read it")
	}
}
