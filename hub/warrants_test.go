package hub

import (
	"crypto/sha256"
	"strings"
	"testing"

	"kendro/hub/register"
	"kendro/protocol"
)

// TestAnOrderThatNamesMoreIsSignedOnceMore: a box that comes back to a register which began
// anew may bring a part of an order that another did not. The command that signs it then is
// another one: under the ID of the first it would be refused, for ever.
func TestAnOrderThatNamesMoreIsSignedOnceMore(t *testing.T) {
	at := register.Source{Log: protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 7}, At: protocol.Position{Seq: 1}}
	first := register.Erasure{Number: 1, Former: true, Places: []register.Source{at}}
	if same := first; signing(&first) != signing(&same) {
		t.Error("the same order has two IDs: it is signed again and again")
	}
	seen := map[string]string{signing(&first): "the first"}
	for what, grow := range map[string]func(o *register.Erasure){
		"a document":          func(o *register.Erasure) { o.Documents = []protocol.Hash{{1}} },
		"a word of the inbox": func(o *register.Erasure) { o.Inboxes = []register.Source{at} },
		"a centre":            func(o *register.Erasure) { o.Told = []protocol.Head{{Log: at.Log}} },
		"an entry that held":  func(o *register.Erasure) { o.LateIndex = 9 },
	} {
		o := first
		grow(&o)
		if other, there := seen[signing(&o)]; there {
			t.Errorf("with %s it is signed under the ID of %s", what, other)
		}
		seen[signing(&o)] = what
	}
}

// TestOrdersFitIntoEntries: what a box may bring in one call goes into the register in as many
// entries as it takes.
func TestOrdersFitIntoEntries(t *testing.T) {
	o := register.Erasure{Basis: strings.Repeat("b", protocol.MaxName), Reason: strings.Repeat("r", protocol.MaxName)}
	for i := range uint64(protocol.MaxErasedPlaces) {
		h := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		o.Documents = append(o.Documents, h)
		o.Places = append(o.Places, register.Source{
			Log: protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 1 << 63}, At: protocol.Position{Seq: 1<<40 + i, Hash: h},
		})
	}
	list := make([]register.Erasure, protocol.MaxWarrants)
	for i := range list {
		list[i], list[i].Number = o, protocol.Number(i+1)
	}
	told := 0
	for _, cmd := range knowing(list) {
		if _, err := register.EncodeEntry(&register.Entry{At: 1, Commands: []register.Command{cmd}}); err != nil {
			t.Fatal(err)
		}
		var b register.ErasuresKnown
		if err := protocol.Unmarshal(cmd.Body, register.MaxEntry, "body", &b); err != nil {
			t.Fatal(err)
		}
		told += len(b.List)
	}
	if told != len(list) {
		t.Errorf("%d of %d orders are told", told, len(list))
	}
}
