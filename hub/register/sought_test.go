package register

import (
	"context"
	"slices"
	"strings"
	"testing"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
)

// looked is the confirmation of an order, with what a leader found.
func looked(w *town, who string, n protocol.Number) Command {
	w.t.Helper()
	w.ids++
	c := NewCommand("confirm "+who+n.String()+string(rune('a'+w.ids)), who, ConfirmErasure, &ErasureWord{Number: n})
	found, err := w.first().Seek(context.Background(), &c)
	if err != nil {
		w.t.Fatal(err)
	}
	c.Body = protocol.Marshal(&ErasureWord{Number: n, Sought: found})
	return c
}

// with is a command once more, with something else found.
func with(t testing.TB, c Command, found *Sought) Command {
	t.Helper()
	b, f := body[ErasureWord](&c)
	if f != nil {
		t.Fatal(f.Err())
	}
	c.Body = protocol.Marshal(&ErasureWord{Number: b.Number, Sought: found})
	return c
}

// TestSoughtErasesTheSame: an entry that reads what the leader found, and what has come
// since, leaves the very register that one leaves which reads everything.
func TestSoughtErasesTheSame(t *testing.T) {
	w, b := eraseOffice(t)
	doc := func(n byte) protocol.Document {
		return protocol.Document{Kind: "nid", Hash: protocol.Hash{n, n}, Size: 100, Type: 2}
	}
	own, both, later, shown := doc(1), doc(2), doc(3), doc(4)
	for _, d := range []protocol.Document{own, both, later, shown} {
		w.must(NewCommand("", ActorHub, DocumentKept, &PaperKept{Hash: d.Hash, Size: d.Size, Type: d.Type}))
	}
	n := b.told(1, own, both, later, shown)
	b.scanned(2, both)
	b.mustBring(len(b.events), len(b.events))
	land := b.filed(landCopy(t), 3, copyDue)
	w.worked(land, "anna", Take, Act{})
	before := b.next(9, b.slot, 0)
	before.mustBring(1, len(before.events))
	good(t, "order", order(w, "chair", n))

	c := looked(w, "uno-officer", n)
	b.scanned(4, later) // Another applicant, of the same household.
	b.mustBring(len(b.events), len(b.events))
	w.worked(land, "anna", Check, Act{Check: "record-scan", Document: &shown})
	after := b.next(11, b.slot, 0) // Its disk failed once more.
	after.mustBring(1, len(after.events))
	seen := w.stage(n, application.Withdrawn).State.Version
	wantFault(t, "overtaken", entry(w, act("anna", Note, n, seen-2, Act{Text: "late, of " + canary})).Fault, fault.Conflict)

	w.index++
	for i, r := range w.registers {
		if i > 0 {
			c = with(t, c, nil)
		}
		raw, err := EncodeEntry(&Entry{At: w.at, Offset: dhakaOffset, Commands: []Command{c}})
		if err != nil {
			t.Fatal(err)
		}
		good(t, "confirm", r.Apply(w.index, 1, raw).Results[0])
	}
	w.agree()
	if left := holding(w, []byte(canary)); left != "" {
		t.Errorf("it still stands under %s", left)
	}
	o, err := w.first().Erasure(n)
	if err != nil || !slices.Equal(o.Documents, []protocol.Hash{own.Hash}) {
		t.Errorf("the order says %v, %v; want the document that nothing else names", o, err)
	}
	if len(o.Places) != 9 {
		t.Errorf("%d places, want three events, and each in two logs more", len(o.Places))
	}
	pairs, _ := w.first().base.(*memory).now()
	for k := range pairs {
		if strings.HasPrefix(k, string(sideKey(sideShown))) || strings.HasPrefix(k, string(sideKey(sideWaiting))) {
			t.Errorf("no order waits, and %q is still noted", k)
		}
	}
}

// TestSoughtIsLookedForOnceMore: what came to a case since the leader looked may lead
// anywhere. Nothing is erased then, and the next look finds it.
func TestSoughtIsLookedForOnceMore(t *testing.T) {
	own := protocol.Document{Kind: "nid", Hash: protocol.Hash{1, 1}, Size: 100, Type: 2}
	both := protocol.Document{Kind: "nid", Hash: protocol.Hash{2, 2}, Size: 100, Type: 2}
	for name, meanwhile := range map[string]func(w *town, other protocol.Number) (gone []protocol.Hash){
		"its document came": func(w *town, _ protocol.Number) []protocol.Hash {
			w.must(NewCommand("", ActorHub, DocumentKept, &PaperKept{Hash: own.Hash, Size: own.Size, Type: own.Type}))
			return []protocol.Hash{own.Hash}
		},
		"whoever named its document too is erased": func(w *town, other protocol.Number) []protocol.Hash {
			good(w.t, "order", order(w, "chair", other))
			good(w.t, "confirm", entry(w, looked(w, "uno-officer", other)))
			return []protocol.Hash{own.Hash, both.Hash}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, b := eraseOffice(t)
			n, other := b.ended(1, own, both), b.ended(2, both)
			good(t, "order", order(w, "chair", n))
			c := looked(w, "uno-officer", n)
			gone := meanwhile(w, other)
			if f := w.do(c).Fault; f == nil || f.Kind != fault.Unavailable {
				t.Fatalf("the confirmation came to %v; want it to be asked again", f)
			}
			if k, err := w.first().Case(n); err != nil || k.Erased != 0 || holding(w, []byte(canary)) == "" {
				t.Fatalf("the case is %+v, %v; want nothing erased", k, err)
			}
			found, err := w.first().Seek(context.Background(), &c)
			if err != nil {
				t.Fatal(err)
			}
			good(t, "the same once more", w.do(with(t, c, found)))
			if o, err := w.first().Erasure(n); err != nil || !slices.Equal(o.Documents, gone) {
				t.Errorf("the order says %v, %v; want %v", o, err, gone)
			}
			w.agree()
		})
	}
}

// TestSeekIsForWhoMayConfirm: a look at everything is made for nobody else.
func TestSeekIsForWhoMayConfirm(t *testing.T) {
	w, b := eraseOffice(t)
	n := b.ended(1)
	good(t, "order", order(w, "chair", n))
	for _, who := range []string{"anna", "chair", "nobody"} {
		c := NewCommand("x", who, ConfirmErasure, &ErasureWord{Number: n})
		if found, err := w.first().Seek(context.Background(), &c); found != nil || err != nil {
			t.Errorf("for %s: %+v, %v; want nothing", who, found, err)
		}
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	c := NewCommand("x", "uno-officer", ConfirmErasure, &ErasureWord{Number: n})
	for i := range 1100 {
		b.scanned(uint64(100 + i))
	}
	for at := len(b.events) - 1099; at < len(b.events); at += 220 {
		b.mustBring(at, at+219)
	}
	if _, err := w.first().Seek(gone, &c); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("when nobody waits any more: %v; want it to end", err)
	}
}
