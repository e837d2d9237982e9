package catalogue

import "kendro/protocol"

// MaxWhole is how many bytes of an encoded directory travel in one event. A longer
// one travels in parts.
const MaxWhole = 48 << 10

// MaxStored bounds an encoded directory that a hub takes: a box keeps it as one
// value. A district of the largest size has less; a whole nation does not travel.
const MaxStored = 240 << 10

// DirectoryParts cuts an encoded directory into the payloads of events that follow
// one another in a log.
func DirectoryParts(encoded []byte) ([][]byte, error) {
	var list [][]byte
	for _, p := range cut(DirectoryParcel, encoded) {
		b, err := EncodeParcel(p)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}

// A Joiner puts directories together again that came in parts. The zero Joiner is
// ready; it isn't for concurrent use.
type Joiner struct{ pieces pieces }

// Whole returns what an event of a catalogue log brings: its kind and its payload.
// The last part of a directory brings the directory, as one event would have; a
// part before it brings a nil payload. Parts that don't follow one another are
// [fault.Conflict], and the directory has to come again from its first.
func (j *Joiner) Whole(e *protocol.Event) (payload []byte, kind protocol.Kind, err error) {
	if e.Kind != protocol.DirectoryPart {
		return e.Payload, e.Kind, nil
	}
	p, err := DecodeParcel(e.Payload)
	if err != nil {
		return nil, 0, err
	}
	payload, err = j.pieces.add(p)
	return payload, protocol.DirectoryAdded, err
}
