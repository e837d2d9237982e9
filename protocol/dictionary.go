package protocol

import (
	_ "embed" // For the dictionary's bytes.
	"slices"

	"github.com/klauspost/compress/zstd"

	"kendro/domain/fault"
)

// dictionary1 is the zstd dictionary of [CodecDictionary1]: whole events as boxes
// of the country pack write them, and the tables that fit them. It never changes:
// a better one gets the next codec. kendro catalogue dictionary made it.
//
//go:embed dictionary/1.zdict
var dictionary1 string

// Of a dictionary.
const (
	dictionaryID      = 40961     // Of number 1 in its frames; the next is one more.
	dictionaryHistory = 110 << 10 // Bytes of events in a dictionary.
)

// Codecs is the set of codecs that a program can open, a bit each. The zero value
// stands for a program of before it was said: [CodecPlain] and [CodecZstd].
type Codecs uint64

// ReadableCodecs are those that this build opens.
const ReadableCodecs Codecs = 1<<CodecPlain | 1<<CodecZstd | 1<<CodecDictionary1 | 1<<CodecLeaning | 1<<CodecErased

// Reads reports whether the set has a codec.
func (c Codecs) Reads(codec uint8) bool {
	return codec <= CodecZstd || codec < 64 && c&(1<<codec) != 0
}

// codecFor chooses how to compress: with the dictionary what it was made for, if
// the reader can open it. A catalogue resembles no application, but itself.
func (r *Run) codecFor() uint8 {
	if r.Erased() {
		return CodecErased
	}
	if r.Leaning != nil && r.Log.leans() && r.Reads.Reads(CodecLeaning) {
		return CodecLeaning
	}
	if r.Log.Channel != Catalogue && r.Reads.Reads(CodecDictionary1) {
		return CodecDictionary1
	}
	return CodecZstd
}

// TrainDictionary makes a dictionary out of events, the most typical last: number
// 1 is that of [CodecDictionary1]. The same events make the same bytes. Fewer than
// a hundred are [fault.Invalid].
func TrainDictionary(number uint32, events [][]byte) ([]byte, error) {
	const op = "protocol.TrainDictionary"
	var history []byte
	first := len(events)
	for first > 0 && len(history) < dictionaryHistory {
		first--
		history = append(slices.Clone(events[first]), history...)
	}
	if number == 0 || first < 100 {
		return nil, fault.New(op, fault.Invalid, "events", "want a number from 1 on, and a hundred events more than fit into a dictionary")
	}
	d, err := zstd.BuildDict(zstd.BuildDictOptions{
		ID: dictionaryID + number - 1, Contents: events[:first], History: history,
		Offsets: [3]int{1, 4, 8}, Level: zstd.SpeedBetterCompression,
	})
	return d, fault.Wrap(op, fault.Internal, "dictionary", err)
}
