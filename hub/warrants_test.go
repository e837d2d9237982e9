package hub

import (
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
	if signing(&first) != signing(&first) {
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
