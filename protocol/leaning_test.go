package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	"pgregory.net/rapid"

	"kendro/domain/fault"
	"kendro/identity"
)

var shelf = LogID{Channel: Catalogue, Name: "41", Incarnation: 0xc0ffee}

// shelved is a catalogue's log: versions of some services, each after a change of
// the one before, and behind every fourth a release that names the newest by hash.
func shelved(t testing.TB, n int) (events [][]byte, hashes []Hash) {
	t.Helper()
	hashes = []Hash{{}}
	current := map[int]Hash{}
	for i := range n {
		kind := ServiceAdded
		var payload []byte
		if i%4 < 3 {
			payload = Marshal(map[int]any{1: fmt.Sprintf("service-%d", i%7), 2: i, 3: fmt.Sprintf("a form with questions %d %d", i%7, i*i)})
			current[i%7] = sha256.Sum256(payload)
		} else {
			kind, payload = Released, Marshal(map[int]any{1: i, 4: current, 9: sha256.Sum256([]byte{byte(i)})})
		}
		e := Event{Kind: kind, At: 1_795_000_000_000 + int64(i), Payload: payload}
		raw, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, raw)
		hashes = append(hashes, ChainHash(shelf, uint64(i+1), hashes[i], raw))
	}
	return events, hashes
}

// carrierOf finds the event before a block that carries a payload.
func carrierOf(events [][]byte) func(Hash) (uint64, bool) {
	return func(h Hash) (uint64, bool) {
		for i, raw := range events {
			if got, _ := carried(raw); got == h {
				return uint64(i + 1), true
			}
		}
		return 0, false
	}
}

func earlierOf(events [][]byte) func(uint64) ([]byte, error) {
	return func(seq uint64) ([]byte, error) {
		if seq == 0 || seq > uint64(len(events)) {
			return nil, fault.New("test", fault.NotFound, "", "no such event")
		}
		return events[seq-1], nil
	}
}

// Whatever a block leans on, the events that come out are those that were hashed.
func TestLeaningBlocksCarryTheSameHistory(t *testing.T) {
	p := NewPacker()
	defer p.Close()
	events, hashes := shelved(t, 60)
	signer := identity.NewSigner()
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.IntRange(0, len(events)-1).Draw(t, "from")
		to := rapid.IntRange(from+1, len(events)).Draw(t, "to")
		var on []Lean
		for range rapid.IntRange(0, 3).Draw(t, "runs") {
			if from > 0 {
				back := rapid.IntRange(1, from).Draw(t, "back")
				on = append(on, Lean{Back: uint64(back), Count: uint64(rapid.IntRange(0, back).Draw(t, "count"))})
			}
		}
		r := Run{
			Log: shelf, First: uint64(from + 1), Prev: hashes[from], End: hashes[to], Events: events[from:to], Reads: ReadableCodecs,
			Leaning: &Leaning{On: on, Earlier: earlierOf(events[:from]), Carrier: carrierOf(events[:from])},
		}
		b, err := p.Pack(r, nil, signer)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Verify(signer.Public()); err != nil {
			t.Fatal(err)
		}
		items, err := p.OpenLeaning(&b, earlierOf(events[:from]))
		if err != nil || len(items) != to-from {
			t.Fatalf("%d events, %v; want %d", len(items), err, to-from)
		}
		for i, item := range items {
			if !bytes.Equal(item.Raw, events[from+i]) {
				t.Fatalf("event %d differs", from+i+1)
			}
		}
	})
}

// A small change costs little, and only who reads leaning blocks gets them.
func TestLeaningIsForWhoReadsIt(t *testing.T) {
	p := NewPacker()
	defer p.Close()
	events, hashes := shelved(t, 60)
	r := Run{
		Log: shelf, First: 57, Prev: hashes[56], End: hashes[60], Events: events[56:], Reads: ReadableCodecs,
		Leaning: &Leaning{On: []Lean{{Back: 8, Count: 8}}, Earlier: earlierOf(events), Carrier: carrierOf(events[:56])},
	}
	leaning, err := p.Pack(r, nil, identity.NewSigner())
	if err != nil {
		t.Fatal(err)
	}
	r.Reads = 0
	plain, err := p.Pack(r, nil, identity.NewSigner())
	if err != nil {
		t.Fatal(err)
	}
	if leaning.Header.Codec != CodecLeaning || plain.Header.Codec == CodecLeaning || 2*len(leaning.Body) > len(plain.Body) {
		t.Errorf("codec %d with %d bytes, and %d with %d for who does not read it", leaning.Header.Codec, len(leaning.Body), plain.Header.Codec, len(plain.Body))
	}
	if _, err := p.Open(&leaning, nil); !errors.Is(err, fault.Damaged) {
		t.Errorf("opened without what it leans on: %v; want damaged", err)
	}
	uplinked := leaning
	uplinked.Header.Log = uplink
	if err := uplinked.Check(); !errors.Is(err, fault.Invalid) {
		t.Errorf("a leaning block of an uplink: %v; want invalid", err)
	}
	other := append([][]byte{}, events...)
	for i := 48; i < 56; i++ {
		other[i] = events[i-8]
	}
	if items, err := p.OpenLeaning(&leaning, earlierOf(other)); err == nil {
		t.Errorf("opened to %d events on top of others than it leans on", len(items))
	}
}

// The vector is opened, not made: a compressor may choose other bytes.
func TestLeaningVectorStillOpens(t *testing.T) {
	const name = "testdata/leaning.json"
	events, hashes := shelved(t, 12)
	p := NewPacker()
	defer p.Close()
	raw, err := os.ReadFile(name)
	if *addVectors && os.IsNotExist(err) {
		r := Run{
			Log: shelf, First: 9, Prev: hashes[8], End: hashes[12], Events: events[8:], Reads: ReadableCodecs,
			Leaning: &Leaning{On: []Lean{{Back: 8, Count: 2}, {Back: 3, Count: 3}}, Earlier: earlierOf(events), Carrier: carrierOf(events[:8])},
		}
		b, err := p.Pack(r, nil, identity.NewSigner())
		if err != nil {
			t.Fatal(err)
		}
		raw, _ = json.Marshal(map[string]string{"block": hex.EncodeToString(Marshal(&b))})
		if err := os.WriteFile(name, append(raw, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if err != nil {
		t.Fatal(err)
	}
	var v struct{ Block string }
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	var b Block
	if err := Unmarshal(unhex(t, v.Block), MaxMessage, "vector", &b); err != nil {
		t.Fatal(err)
	}
	items, err := p.OpenLeaning(&b, earlierOf(events[:8]))
	if err != nil || b.Header.Codec != CodecLeaning || len(items) != 4 || !bytes.Equal(items[3].Raw, events[11]) {
		t.Fatalf("the vector opens to %d events, %v", len(items), err)
	}
}

func FuzzOpenLeaning(f *testing.F) {
	p := NewPacker()
	events, hashes := shelved(f, 12)
	b, err := p.Pack(Run{
		Log: shelf, First: 9, Prev: hashes[8], End: hashes[12], Events: events[8:], Reads: ReadableCodecs,
		Leaning: &Leaning{On: []Lean{{Back: 8, Count: 8}}, Earlier: earlierOf(events), Carrier: carrierOf(events[:8])},
	}, nil, identity.NewSigner())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b.Body)
	f.Add(append(Marshal([]Lean{}), lower(f, p, cutHashes(9, events[8:], nil, nil))...))
	f.Add(Marshal([]Lean{{Back: 9, Count: 9}}))
	f.Fuzz(func(t *testing.T, body []byte) {
		b := Block{Header: Header{
			Log: shelf, First: 9, Last: 12, Prev: hashes[8], Codec: CodecLeaning, Body: sha256.Sum256(body), End: hashes[12],
		}, Body: body}
		if b.Check() != nil {
			return
		}
		if items, err := p.OpenLeaning(&b, earlierOf(events[:8])); err == nil && !bytes.Equal(items[3].Raw, events[11]) {
			t.Error("opened to other events")
		}
		_, _ = mendHashes(9, body, earlierOf(events[:8])) // As it stands behind the frame.
	})
}

// lower compresses as the other codecs do.
func lower(f *testing.F, p *Packer, plain []byte) []byte {
	f.Helper()
	return p.zip[CodecZstd].EncodeAll(plain, nil)
}
