package protocol

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"kendro/domain/fault"
	"kendro/identity"
)

var uplink = LogID{Channel: Uplink, Name: "41-0010", Incarnation: 0xc0ffee}

// history writes n events and returns their encodings and chain hashes, the
// zero hash first.
func history(t testing.TB, n int) (events [][]byte, hashes []Hash) {
	t.Helper()
	hashes = []Hash{{}}
	for i := range n {
		e := Event{
			Kind: Submitted, At: 1_795_000_000_000 + int64(i), Actor: "rahima",
			Pin: &Pin{Service: "land-record-copy", Version: 1}, Nonce: fmt.Appendf(nil, "%08d", i),
			Payload: Marshal(&Submission{Channel: "centre", Form: []byte(`{"khatian_no":"12"}`), Applicant: []byte(`{"name_bn":"রহিমা"}`)}),
		}
		raw, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, raw)
		hashes = append(hashes, ChainHash(uplink, uint64(i+1), hashes[i], raw))
	}
	return events, hashes
}

func run(events [][]byte, hashes []Hash, from, to int) Run {
	return Run{Log: uplink, First: uint64(from + 1), Prev: hashes[from], End: hashes[to], Events: events[from:to]}
}

// Any cut of a history opens to the same events and hashes: blocks are carriage.
func TestAnyCutCarriesTheSameHistory(t *testing.T) {
	p := NewPacker()
	defer p.Close()
	events, hashes := history(t, 300)
	reader, signer := identity.NewSealingKey(), identity.NewSigner()
	epoch, err := identity.NewEpoch(reader.Public())
	if err != nil {
		t.Fatal(err)
	}
	key, err := identity.OpenWrap(reader, epoch.ID(), epoch.Wraps())
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		from := 0
		for from < len(events) {
			to := min(from+rapid.IntRange(1, MaxBlockEvents).Draw(t, "width"), len(events))
			sealedIn, with := epoch, key
			if rapid.Bool().Draw(t, "plain") {
				sealedIn, with = nil, nil
			}
			r := run(events, hashes, from, to)
			r.Reads = Codecs(rapid.Uint64Range(0, 15).Draw(t, "reads"))
			b, err := p.Pack(r, sealedIn, signer)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Verify(signer.Public()); err != nil {
				t.Fatal(err)
			}
			m, err := DecodeMessage(Marshal(&Message{Block: &b}))
			if err != nil {
				t.Fatal(err)
			}
			items, err := p.Open(m.Block, with)
			if err != nil {
				t.Fatal(err)
			}
			for i, it := range items {
				if it.Seq != uint64(from+i+1) || it.Hash != hashes[from+i+1] || !bytes.Equal(it.Raw, events[from+i]) {
					t.Fatalf("event %d differs after the journey", from+i+1)
				}
			}
			from = to
		}
	})
}

func TestBlockRefusals(t *testing.T) {
	p := NewPacker()
	defer p.Close()
	events, hashes := history(t, 3)
	reader, signer := identity.NewSealingKey(), identity.NewSigner()
	epoch, err := identity.NewEpoch(reader.Public())
	if err != nil {
		t.Fatal(err)
	}
	key, err := identity.OpenWrap(reader, epoch.ID(), epoch.Wraps())
	if err != nil {
		t.Fatal(err)
	}
	pack := func(r Run) Block {
		t.Helper()
		b, err := p.Pack(r, epoch, signer)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := pack(run(events, hashes, 0, 3))
	wrongEnd := run(events, hashes, 0, 3)
	wrongEnd.End = Hash{1}
	liar := pack(wrongEnd)
	if _, err := p.Open(&liar, key); !errors.Is(err, fault.Damaged) {
		t.Errorf("events that don't chain to the end: got %v; want damaged", err)
	}
	if _, err := p.Open(&good, nil); !errors.Is(err, fault.NotFound) {
		t.Errorf("sealed without a key: got %v; want not found", err)
	}
	if err := good.Verify(identity.NewSigner().Public()); !errors.Is(err, fault.Denied) {
		t.Errorf("another signer: got %v; want denied", err)
	}
	moved := good
	moved.Header.First, moved.Header.Last = 2, 4
	if err := moved.Verify(signer.Public()); !errors.Is(err, fault.Denied) {
		t.Errorf("moved header: got %v; want denied", err)
	}
	for name, alter := range map[string]func(*Block){
		"first is zero":    func(b *Block) { b.Header.First = 0 },
		"last before":      func(b *Block) { b.Header.Last = 0 },
		"too wide":         func(b *Block) { b.Header.Last = 1 << 40 },
		"other body":       func(b *Block) { b.Body = append([]byte{0}, b.Body...) },
		"unknown codec":    func(b *Block) { b.Header.Codec = 9 },
		"log without name": func(b *Block) { b.Header.Log.Name = "" },
	} {
		b := good
		alter(&b)
		if err := b.Check(); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v; want invalid", name, err)
		}
	}
	if _, err := p.Pack(Run{Log: uplink}, epoch, signer); err == nil {
		t.Error("an empty run packs")
	}
}

// A body that inflates beyond the limit is refused before it takes the memory.
func TestInflationIsBounded(t *testing.T) {
	p := NewPacker()
	defer p.Close()
	signer := identity.NewSigner()
	for _, codec := range []uint8{CodecZstd, CodecDictionary1} {
		b := Block{Header: Header{Log: uplink, First: 1, Last: 1, Codec: codec, Signer: signer.ID()}}
		b.Body = p.zip[codec].EncodeAll(make([]byte, 64<<20), nil)
		if len(b.Body) > MaxBlockBody {
			t.Fatalf("bomb of %d bytes is no bomb", len(b.Body))
		}
		b.Header.Body = sha256.Sum256(b.Body)
		if _, err := p.Open(&b, nil); !errors.Is(err, fault.Damaged) {
			t.Errorf("codec %d, 64 MiB from %d bytes: got %v; want damaged", codec, len(b.Body), err)
		}
	}
}

func TestFitsRespectsBothLimits(t *testing.T) {
	small := make([][]byte, 1000)
	for i := range small {
		small[i] = make([]byte, 100)
	}
	if got := Fits(small); got != MaxBlockEvents {
		t.Errorf("1000 small events: Fits = %d; want %d", got, MaxBlockEvents)
	}
	large := [][]byte{make([]byte, MaxEvent), make([]byte, MaxEvent), make([]byte, MaxEvent), make([]byte, MaxEvent), make([]byte, MaxEvent)}
	r := rand.New(rand.NewPCG(1, 1))
	for _, e := range large {
		for i := range e {
			e[i] = byte(r.UintN(256))
		}
	}
	n := Fits(large)
	if n != 3 {
		t.Errorf("events of 64 KiB: Fits = %d; want 3", n)
	}
	if got := Fits(nil); got != 0 {
		t.Errorf("no events: Fits = %d; want 0", got)
	}
}

func FuzzOpenBlock(f *testing.F) {
	p := NewPacker()
	events, hashes := history(f, 4)
	signer := identity.NewSigner()
	b, err := p.Pack(run(events, hashes, 0, 4), nil, signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b.Body, uint64(1), uint64(4), uint8(CodecZstd))
	f.Add(bytes.Join(events, nil), uint64(1), uint64(4), uint8(CodecPlain))
	f.Fuzz(func(t *testing.T, body []byte, first, last uint64, codec uint8) {
		b := Block{Header: Header{Log: uplink, First: first, Last: last, Codec: codec, Body: sha256.Sum256(body), End: hashes[4]}, Body: body}
		if b.Check() != nil {
			return
		}
		if items, err := p.Open(&b, nil); err == nil && items[len(items)-1].Hash != hashes[4] {
			t.Error("opened to another end")
		}
	})
}
