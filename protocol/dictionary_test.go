package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"kendro/domain/fault"
	"kendro/identity"
)

// The dictionary of a codec never changes: blocks that were made with it lie on
// disks and sticks.
func TestDictionaryIsFrozen(t *testing.T) {
	const want = "6564699606d047595c4dca0ce0016139352336864e5f9cd5e6d205d4e83af49c"
	if sum := sha256.Sum256([]byte(dictionary1)); hex.EncodeToString(sum[:]) != want {
		t.Fatalf("dictionary/1.zdict has hash %x; want %s: a better dictionary gets a codec of its own", sum, want)
	}
}

// TestCodecFitsTheReader: only who says so gets a block with the dictionary, and
// the catalogue is none of its business.
func TestCodecFitsTheReader(t *testing.T) {
	p := NewPacker()
	defer p.Close()
	events, hashes := history(t, 40)
	signer := identity.NewSigner()
	sizes := map[uint8]int{}
	for _, c := range []struct {
		channel Channel
		reads   Codecs
		want    uint8
	}{
		{Uplink, 0, CodecZstd},
		{Uplink, 1<<CodecPlain | 1<<CodecZstd, CodecZstd},
		{Uplink, ReadableCodecs, CodecDictionary1},
		{Uplink, ReadableCodecs | 1<<9, CodecDictionary1},
		{Catalogue, ReadableCodecs, CodecZstd},
	} {
		r := run(events, hashes, 0, 40)
		r.Log.Channel, r.Reads = c.channel, c.reads
		b, err := p.Pack(r, nil, signer)
		if err != nil || b.Header.Codec != c.want {
			t.Fatalf("to a reader of %b on channel %d: codec %d, %v; want %d", c.reads, c.channel, b.Header.Codec, err, c.want)
		}
		if c.channel == Catalogue {
			continue // Its hashes are those of another log.
		}
		sizes[b.Header.Codec] = len(b.Body)
		items, err := p.Open(&b, nil)
		if err != nil || len(items) != 40 || !bytes.Equal(items[39].Raw, events[39]) {
			t.Fatalf("codec %d does not open: %v", c.want, err)
		}
	}
	if sizes[CodecDictionary1] >= sizes[CodecZstd] {
		t.Errorf("with the dictionary %d bytes, without %d", sizes[CodecDictionary1], sizes[CodecZstd])
	}
}

// The vector is opened, not made: a compressor may choose other bytes.
func TestDictionaryVectorStillOpens(t *testing.T) {
	const name = "testdata/dictionary.json"
	events, hashes := history(t, 2)
	p := NewPacker()
	defer p.Close()
	raw, err := os.ReadFile(name)
	if *addVectors && os.IsNotExist(err) {
		r := run(events, hashes, 0, 2)
		r.Reads = ReadableCodecs
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
	items, err := p.Open(&b, nil)
	if err != nil || b.Header.Codec != CodecDictionary1 || len(items) != 2 || !bytes.Equal(items[1].Raw, events[1]) {
		t.Fatalf("the vector opens to %d events, %v", len(items), err)
	}
}

func TestTrainingNeedsEvents(t *testing.T) {
	events, _ := history(t, 300)
	for name, c := range map[string]struct {
		number uint32
		events [][]byte
	}{"few events": {1, events[:50]}, "no number": {0, events}} {
		if _, err := TrainDictionary(c.number, c.events); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v; want invalid", name, err)
		}
	}
}

// TestLaterMessages: what a newer program says beside the known is passed over; what
// is broken is not.
func TestLaterMessages(t *testing.T) {
	for name, c := range map[string]struct {
		message any
		later   bool
	}{
		"a kind of later":         {map[uint64]any{99: "what"}, true},
		"a kind of later, twice":  {map[uint64]any{98: 1, 99: 2}, false},
		"nothing":                 {map[uint64]any{}, false},
		"no kind":                 {map[uint64]any{0: 1}, false},
		"a known kind of nothing": {map[uint64]any{7: nil}, false},
		"a word":                  {map[string]any{"busy": 1}, false},
	} {
		m, err := DecodeMessage(Marshal(c.message))
		if c.later && (err != nil || !m.Empty()) || !c.later && !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %+v, %v", name, m, err)
		}
	}
	m, err := DecodeMessage(Marshal(map[uint64]any{1: map[uint64]any{1: 1, 9: 2, 10: 7, 77: "later"}}))
	if err != nil || m.Hello == nil || m.Hello.Newest != 2 || !m.Hello.Reads.Reads(2) || m.Hello.Reads.Reads(3) {
		t.Errorf("a hello of a later version: %+v, %v", m, err)
	}
}
