package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"

	"kendro/domain/fault"
)

// A Leaning block is one of [CodecLeaning]: it is compressed against earlier events
// of its log, which who reads the log has, and instead of a SHA-256 of what an
// event carries it says which event. That is for a log whose events resemble each
// other over a long way: a catalogue, where one fee makes a new version and a new
// release.
//
// History is not touched: what comes out is the events as they were hashed, and
// [Packer.OpenLeaning] checks that.
type Leaning struct {
	// On are runs of events before the block, in the order in which they are leant
	// on: what is nearest to the block is found cheapest, and comes last.
	On []Lean
	// Earlier returns the encoding of an event of the log that stands before the block.
	Earlier func(seq uint64) ([]byte, error)
	// Carrier returns which earlier event carries a payload with this hash.
	Carrier func(h Hash) (seq uint64, ok bool)
}

// leans reports whether blocks of such a log may be [CodecLeaning].
func (l LogID) leans() bool { return l.Channel == Catalogue || l.Channel == CatalogueBase }

// A Lean is a run of events, counted back from the first of the block.
type Lean struct {
	_     struct{} `cbor:",toarray"`
	Back  uint64   // The run's first event stands so many before the block's first.
	Count uint64
}

// Bounds of a leaning block.
const (
	maxLeans   = 2 * MaxBlockEvents
	maxLeant   = 4 * MaxBlockEvents // Events leant on.
	maxCuts    = MaxBlockPlain / sha256.Size
	leantID    = 1 // Of the dictionary in a frame; there is one.
	leanWindow = 4 << 20
)

// shortLeaning is up to where the tables of the compressor's best level, 68 MiB that
// are made for each block, are not worth their few bytes.
const shortLeaning = 64 << 10

// OpenLeaning is [Packer.Open] for a block that isn't sealed and may lean on earlier
// events of its log; earlier returns their encodings.
func (p *Packer) OpenLeaning(b *Block, earlier func(seq uint64) ([]byte, error)) ([]Item, error) {
	return p.open(b, nil, earlier)
}

// errLeaning is for a body that no author made.
func errLeaning(text string) error {
	return fault.New("protocol.Leaning", fault.Damaged, "block", text)
}

// lean compresses events against those that they lean on.
func lean(first uint64, events [][]byte, l *Leaning) ([]byte, error) {
	const op = "protocol.Pack"
	leant, err := leantOn(first, l.On, l.Earlier)
	if err != nil {
		return nil, err
	}
	cut := cutHashes(first, events, leant, l.Carrier)
	level := zstd.SpeedBestCompression
	if len(leant) > 0 && len(leant)+len(cut) <= shortLeaning {
		level = zstd.SpeedBetterCompression
	}
	o := []zstd.EOption{
		zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(leanWindow), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true),
	}
	if len(leant) > 0 {
		o = append(o, zstd.WithEncoderDictRaw(leantID, leant))
	}
	zip, err := zstd.NewWriter(nil, o...)
	if err != nil {
		return nil, fault.Wrap(op, fault.Internal, "leaning", err)
	}
	defer func() { _ = zip.Close() }() // It writes to nothing.
	return zip.EncodeAll(cut, Marshal(l.On)), nil
}

// upright undoes lean.
func upright(first uint64, body []byte, earlier func(seq uint64) ([]byte, error)) ([]byte, error) {
	if earlier == nil {
		return nil, errLeaning("it leans on events that are not at hand")
	}
	var on []Lean
	frame, err := decoding.UnmarshalFirst(body, &on)
	if err != nil || len(on) > maxLeans {
		return nil, errLeaning("what it leans on can't be read")
	}
	leant, err := leantOn(first, on, earlier)
	if err != nil {
		return nil, err
	}
	o := []zstd.DOption{
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(2 * MaxBlockPlain), zstd.WithDecoderMaxWindow(leanWindow),
	}
	if len(leant) > 0 {
		o = append(o, zstd.WithDecoderDictRaw(leantID, leant))
	}
	unzip, err := zstd.NewReader(nil, o...)
	if err != nil {
		return nil, fault.Wrap("protocol.Open", fault.Internal, "leaning", err)
	}
	defer unzip.Close()
	plain, err := unzip.DecodeAll(frame, nil)
	if err != nil {
		return nil, fault.Wrap("protocol.Open", fault.Damaged, "leaning", err)
	}
	return mendHashes(first, plain, earlier)
}

// leantOn returns the events leant on, one behind the other, at most [MaxBlockPlain].
func leantOn(first uint64, on []Lean, earlier func(seq uint64) ([]byte, error)) ([]byte, error) {
	var leant []byte
	events := uint64(0)
	for _, x := range on {
		if events += x.Count; x.Back >= first || x.Count > x.Back || events > maxLeant {
			return nil, errLeaning("it leans on what does not stand before it")
		}
		for seq := first - x.Back; seq < first-x.Back+x.Count; seq++ {
			raw, err := earlier(seq)
			if err != nil {
				return nil, err
			}
			if leant = append(leant, raw...); len(leant) > MaxBlockPlain {
				return nil, errLeaning("it leans on too much")
			}
		}
	}
	return leant, nil
}

// hashHead is how CBOR begins a string of 32 bytes.
const hashHead = "\x58\x20"

// hashAt returns the 32 bytes after the next hashHead from i on, and where they begin.
func hashAt(b []byte, i int) (Hash, int) {
	j := bytes.Index(b[i:], []byte(hashHead))
	if j < 0 || i+j+len(hashHead)+sha256.Size > len(b) {
		return Hash{}, -1
	}
	i += j + len(hashHead)
	return Hash(b[i : i+sha256.Size]), i
}

// cutHashes returns the events one behind the other without the hashes of what
// events carry, after a list of where each was and of which event it is. Hashes
// that stand in leant as well are left: copying those costs less.
func cutHashes(first uint64, events [][]byte, leant []byte, carrier func(Hash) (uint64, bool)) []byte {
	near := map[Hash]bool{}
	for h, i := hashAt(leant, 0); i >= 0; h, i = hashAt(leant, i) {
		near[h] = true
	}
	made := map[Hash]uint64{}
	var cuts, plain []byte
	whole, last, due := 0, 0, first // Bytes of the events so far, the end of the last cut, the event expected next.
	for n, raw := range events {
		kept := 0
		for h, i := hashAt(raw, 0); i >= 0; h, i = hashAt(raw, i) {
			seq, ok := made[h]
			if !ok && !near[h] && carrier != nil {
				seq, ok = carrier(h)
			}
			if !ok || near[h] || i < kept || seq >= first+uint64(n) {
				continue
			}
			cuts = binary.AppendUvarint(cuts, uint64(whole+i-last))
			cuts = binary.AppendVarint(cuts, int64(seq-due))
			plain = append(plain, raw[kept:i]...)
			kept = i + sha256.Size
			last, due = whole+kept, seq+1
		}
		plain = append(plain, raw[kept:]...)
		whole += len(raw)
		if h, ok := carried(raw); ok {
			made[h] = first + uint64(n)
		}
	}
	return append(Marshal(cuts), plain...)
}

// carried returns the hash of what an event carries.
func carried(raw []byte) (Hash, bool) {
	var e struct {
		Payload cbor.RawMessage `cbor:"10,keyasint"`
	}
	if decoding.Unmarshal(raw, &e) != nil || len(e.Payload) == 0 {
		return Hash{}, false
	}
	return sha256.Sum256(e.Payload), true
}

// mendHashes undoes cutHashes.
func mendHashes(first uint64, b []byte, earlier func(seq uint64) ([]byte, error)) ([]byte, error) {
	var cuts []byte
	b, err := decoding.UnmarshalFirst(b, &cuts)
	if err != nil {
		return nil, errLeaning("its list of hashes can't be read")
	}
	var out []byte
	var here [][]byte // Events of this block that are whole.
	read, due := 0, first
	for n := 0; len(cuts) > 0; n++ {
		gap, w := binary.Uvarint(cuts)
		step, x := binary.Varint(cuts[max(w, 0):])
		if n == maxCuts || w <= 0 || x <= 0 || gap > uint64(len(b)) || len(out)+int(gap)+sha256.Size > MaxBlockPlain {
			return nil, errLeaning("its list of hashes is out of bounds")
		}
		cuts = cuts[w+x:]
		out, b = append(out, b[:gap]...), b[gap:]
		seq := due + uint64(step)
		for seq >= first && uint64(len(here)) <= seq-first {
			var raw cbor.RawMessage
			rest, err := decoding.UnmarshalFirst(out[read:], &raw)
			if err != nil {
				return nil, errLeaning("it names an event that is not whole")
			}
			read = len(out) - len(rest)
			here = append(here, raw)
		}
		find := earlier
		if seq >= first {
			find = func(seq uint64) ([]byte, error) { return here[seq-first], nil }
		}
		raw, err := find(seq)
		if err != nil {
			return nil, err
		}
		h, ok := carried(raw)
		if !ok {
			return nil, errLeaning("it names an event that carries nothing")
		}
		out, due = append(out, h[:]...), seq+1
	}
	if len(out)+len(b) > MaxBlockPlain {
		return nil, errLeaning("it is too long")
	}
	return append(out, b...), nil
}
