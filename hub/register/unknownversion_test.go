package register

import (
	"testing"

	"kendro/catalogue"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/protocol"
)

// numbered is a version under another number.
func numbered(t testing.TB, v *dcat.Version, number int) *dcat.Version {
	t.Helper()
	v.Number = number
	h, err := catalogue.HashVersion(v)
	if err != nil {
		t.Fatal(err)
	}
	v.Hash = h
	return v
}

// TestWhatFollowsAnUnknownVersion: an application under a version that is not known here is
// held, and has no procedure. What its centre sends on it is an item each, and no server
// stops over it; once a release knows the version, the case goes its way.
func TestWhatFollowsAnUnknownVersion(t *testing.T) {
	w, b := office(t)
	appointed(w)
	future := numbered(t, landCopy(t), 7)
	n := b.filed(future, 1, copyDue)
	w.stage(n, application.Submitted)
	paid := func() *protocol.Voiding {
		b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
		at := len(b.events)
		return &protocol.Voiding{Log: b.log, At: protocol.Position{Seq: uint64(at), Hash: b.hashes[at-1]}, Fees: cash(copyFee).Fees, Reason: "twice"}
	}
	again := paid()
	_ = paid()
	b.send(protocol.Supplied, n, w.at, &protocol.Supplement{Originals: []string{"nid"}})
	b.send(protocol.Withdrawn, n, w.at, &protocol.Withdrawal{Reason: "not needed"})
	b.send(protocol.HandedOver, n, w.at, &protocol.HandOver{Proof: "nid"})
	b.send(protocol.Appealed, n, w.at, &protocol.Appeal{Text: "why?"})
	b.send(protocol.ActedAtUnion, n, w.at, &protocol.UnionAct{Action: "take", Token: 1})
	b.send(protocol.CopyPrinted, n, w.at, &protocol.CertificateCopy{Certificate: "TL-1", Copy: 1})
	b.correct(n, "khatian_no", `"12"`, `"13"`)
	b.send(protocol.PaymentVoided, n, w.at, again)
	items, err := w.first().Items(n)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, it := range items {
		if kinds[it.Kind]++; it.Kind == ItemOverpayment && (it.Amount != copyFee || it.Text != whyVersion && it.Outcome == "") {
			t.Errorf("the payment is %+v", it)
		}
	}
	for kind, count := range map[string]int{
		ItemOverpayment: 2, ItemSupplement: 1, ItemWithdrawal: 1, ItemHandOver: 1, ItemAppeal: 1, ItemUnion: 2, ItemCorrection: 1, ItemVoided: 1,
	} {
		if kinds[kind] != count {
			t.Errorf("%d items are %s; want %d of %v", kinds[kind], kind, count, kinds)
		}
	}
	if items[0].Outcome != "dismissed" || items[1].Outcome != "" {
		t.Errorf("voided: %q, kept: %q", items[0].Outcome, items[1].Outcome)
	}
	w.publish(w.first().Release()+1, w.first().Set().Directory, licence(t), future)
	if f := endMatter(w, "chief", &MatterEnd{ID: standing(w, MatterHeld).ID, Outcome: outcomeAccepted, Verdict: Verdict{Due: w.at/1000 + 86400}}); f != nil {
		t.Fatal(f.Err())
	}
	w.stage(n, application.Received)
	sound(w)
}
