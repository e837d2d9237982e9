package box

import (
	"bytes"
	"testing"

	"kendro/protocol"
)

// FuzzRecords makes sure that no bytes of a journal's record do harm, and that
// what is read back is written as it was.
func FuzzRecords(f *testing.F) {
	f.Add(protocol.Marshal(&ownRecord{Incarnation: 1, Key: "k", Event: []byte{0xa0}}))
	f.Add(protocol.Marshal(&firstRecord{Incarnation: 1, Key: "k", Event: []byte{0xa0}}))
	f.Add(protocol.Marshal(&inRecord{What: inEvent, Log: protocol.LogID{Channel: protocol.Inbox, Name: "41-09-17"}, Raw: []byte{0xa0}}))
	f.Add(protocol.Marshal(&holeRecord{Incarnation: 1, Log: "41-0010"}))
	f.Add([]byte{0x9f})
	log := protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 1}
	f.Fuzz(func(t *testing.T, b []byte) {
		x := &index{parts: layout{first: log}}
		x.parts.list.Store(&sections{{First: 1, Log: log, From: 1}})
		if r, err := decodeOwn(1, b); err == nil {
			raw := protocol.Marshal(&r)
			if r.hole() {
				raw = protocol.Marshal(&holeRecord{Incarnation: r.Incarnation, Log: r.Log})
			}
			again, err := decodeOwn(1, raw)
			if err != nil || again.Prev != r.Prev || again.Key != r.Key || !bytes.Equal(again.Event, r.Event) {
				t.Fatalf("%x reads as %+v, then as %+v, %v", b, r, again, err)
			}
			_, _ = x.effectOf(1, b) // It may refuse; it must not panic.
		}
		if r, err := decodeIn(1, b); err == nil {
			again, err := decodeIn(1, protocol.Marshal(&r))
			if err != nil || again.At != r.At || again.Log != r.Log || !bytes.Equal(again.Raw, r.Raw) {
				t.Fatalf("%x reads as %+v, then as %+v, %v", b, r, again, err)
			}
		}
	})
}
