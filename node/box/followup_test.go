package box

import (
	"context"
	"errors"
	"testing"

	"kendro/catalogue"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/internal/nodetest"
	"kendro/protocol"
)

// say lets the hub tell the centre where a case stands.
func (c *counter) say(st *protocol.Standing) {
	c.tb.Helper()
	c.d.Say(c.tb, protocol.CaseMoved, st)
	c.deliver(c.d.Inbox)
}

func (c *counter) by(key string, n protocol.Number) Followup {
	return Followup{User: nodetest.Person, Key: key, Number: n}
}

// TestFollowUps: what comes to a case is durable before it is answered, the same
// request gets the same answer, and what the box knows to be wrong is refused.
func TestFollowUps(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := newCounter(t)
	a := c.file(1)
	other, err := protocol.MintNumber("41", "0099", []byte("another1"))
	if err != nil {
		t.Fatal(err)
	}
	cash := protocol.Payment{Means: protocol.MeansCash, Fees: []protocol.Fee{{Kind: "government", Poisha: 10_000}}}
	paid, err := c.Followups().Pay(ctx, c.by("pay", a.Number), cash)
	if err != nil || paid.Number != a.Number || paid.Receipt.At.Seq != a.Receipt.At.Seq+1 || len(paid.Fees) != 1 {
		t.Fatalf("paid: %+v, %v", paid, err)
	}
	if _, err := c.Followups().Pay(ctx, c.by("elsewhere", other), cash); err != nil {
		t.Errorf("a case of another centre: %v", err)
	}
	for name, try := range map[string]func() error{
		"nothing": func() error {
			_, err := c.Followups().Pay(ctx, c.by("a", a.Number), protocol.Payment{Means: "cash"})
			return err
		},
		"a charge above the ceiling": func() error {
			p := protocol.Payment{Means: "cash", Fees: []protocol.Fee{{Kind: "service_charge", Poisha: 1 << 30}}}
			_, err := c.Followups().Pay(ctx, c.by("b", a.Number), p)
			return err
		},
		"no proof": func() error {
			_, err := c.Followups().HandOver(ctx, c.by("c", a.Number), protocol.HandOver{}, "")
			return err
		},
	} {
		if err := try(); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v; want invalid", name, err)
		}
	}
	supply := func(key, id string) error {
		_, wrong, err := c.Followups().Supply(ctx, c.by(key, a.Number), Supply{Documents: []catalogue.Paper{{ID: id, OriginalAtCounter: true}}})
		if len(wrong) > 0 {
			t.Errorf("%v", wrong)
		}
		return err
	}
	if err := supply("early", "nid"); !errors.Is(err, fault.Conflict) {
		t.Errorf("nothing was asked for: %v", err)
	}
	c.d.Say(t, protocol.Accepted, &protocol.Acceptance{Log: a.Receipt.Log, First: 1, Last: 3, Index: 9, At: 5})
	c.say(&protocol.Standing{Number: a.Number, Stage: application.InfoRequested.String(), Version: 3, Reason: "why", Items: []string{"nid"}})
	if list, err := c.Waiting(); err != nil || len(list) != 1 || list[0].Said.Items[0] != "nid" {
		t.Fatalf("waiting: %+v, %v", list, err)
	}
	if err := supply("wrong", "photo"); !errors.Is(err, fault.Conflict) {
		t.Errorf("what nobody asked for: %v", err)
	}
	if err := supply("right", "nid"); err != nil {
		t.Error(err)
	}
	c.say(&protocol.Standing{
		Number: a.Number, Stage: application.UnderReview.String(), Version: 4, Reason: "why", Items: []string{"nid"},
		Question: protocol.Question{SupplyBy: 1, Unanswered: true},
	})
	if list, err := c.Waiting(); err != nil || len(list) != 1 || !list[0].Said.Unanswered {
		t.Errorf("the time is over, and what comes is taken still: %+v, %v", list, err)
	}
	if err := supply("late", "nid"); err != nil {
		t.Errorf("brought when the time was over: %v", err)
	}
	c.say(&protocol.Standing{Number: a.Number, Stage: application.UnderReview.String(), Version: 5})
	if list, err := c.Waiting(); err != nil || len(list) != 0 {
		t.Errorf("nothing is asked for: %+v, %v", list, err)
	}
	if err := supply("later", "nid"); !errors.Is(err, fault.Conflict) {
		t.Errorf("brought once more: %v", err)
	}
	c.restart()
	again, err := c.Followups().Pay(ctx, c.by("pay", a.Number), cash)
	if err != nil || again.Receipt.At != paid.Receipt.At || string(again.Receipt.Signature) != string(paid.Receipt.Signature) {
		t.Errorf("again: %+v, %v; want %+v", again, err, paid)
	}
	cash.Fees[0].Poisha++
	if _, err := c.Followups().Pay(ctx, c.by("pay", a.Number), cash); !errors.Is(err, fault.Conflict) {
		t.Errorf("another payment under the same key: %v", err)
	}
	if _, err := c.Followups().HandOver(ctx, c.by("h", a.Number), protocol.HandOver{Proof: "nid"}, ""); !errors.Is(err, fault.Conflict) {
		t.Errorf("nothing to hand over: %v", err)
	}
	c.say(&protocol.Standing{Number: a.Number, Stage: application.Ready.String(), Version: 9, Mode: "centre"})
	code, err := c.Case(a.Number)
	if err != nil || code.Code == "" || code.Code != a.Code {
		t.Fatalf("the receipt says %q, and the case %+v, %v", a.Code, code, err)
	}
	for _, wrong := range []string{"7", code.Code + "1", "0" + code.Code[:5] + "x"} {
		if _, err := c.Followups().HandOver(ctx, c.by("h2", a.Number), protocol.HandOver{Proof: "nid"}, wrong); !errors.Is(err, fault.Invalid) {
			t.Errorf("handed over by code %s: %v", wrong, err)
		}
	}
	if _, err := c.Followups().HandOver(ctx, c.by("h2", a.Number), protocol.HandOver{}, code.Code[:3]+" "+code.Code[3:]); err != nil {
		t.Error(err)
	}
	c.say(&protocol.Standing{Number: a.Number, Stage: application.Delivered.String(), Version: 10})
	if list, err := c.Waiting(); err != nil || len(list) != 0 {
		t.Errorf("waiting: %+v, %v", list, err)
	}
}

// TestRow17VoidIsAnEntryOfItsOwn: a payment that this box took is reversed by an event
// with a receipt, and stays where it is; nothing else can be voided.
func TestRow17VoidIsAnEntryOfItsOwn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := newCounter(t)
	a, b := c.file(1), c.file(2)
	cash := protocol.Payment{Means: protocol.MeansCash, Fees: []protocol.Fee{{Kind: "government", Poisha: 10_000}, {Kind: "service_charge", Poisha: 500}}}
	paid, err := c.Followups().Pay(ctx, c.by("pay", a.Number), cash)
	if err != nil {
		t.Fatal(err)
	}
	seq := paid.Receipt.At.Seq
	for name, try := range map[string]struct {
		of     protocol.Number
		seq    uint64
		reason string
		want   fault.Kind
	}{
		"another case's":  {b.Number, seq, "x", fault.NotFound},
		"an application":  {a.Number, a.Receipt.At.Seq, "x", fault.NotFound},
		"none":            {a.Number, 0, "x", fault.NotFound},
		"what is to come": {a.Number, seq + 1, "x", fault.NotFound},
		"without reason":  {a.Number, seq, " ", fault.Invalid},
	} {
		if got, err := c.Followups().Void(ctx, c.by(name, try.of), try.seq, try.reason); !errors.Is(err, try.want) {
			t.Errorf("%s: %+v, %v; want %v", name, got, err, try.want)
		}
	}
	void, err := c.Followups().Void(ctx, c.by("void", a.Number), seq, " counted twice ")
	if err != nil || void.Receipt.At.Seq != seq+1 || len(void.Fees) != 2 {
		t.Fatalf("void: %+v, %v", void, err)
	}
	if _, err := c.Followups().Pay(ctx, c.by("pay again", a.Number), cash); err != nil {
		t.Fatal(err)
	}
	if taken, err := c.Followups().Taken(b.Number); err != nil || len(taken) != 0 {
		t.Errorf("taken for another case: %+v, %v", taken, err)
	}
	c.restart()
	taken, err := c.Followups().Taken(a.Number)
	if err != nil || len(taken) != 2 || taken[0].Seq != seq || !taken[0].Voided || taken[1].Seq != seq+2 || taken[1].Voided || len(taken[1].Payment.Fees) != 2 {
		t.Errorf("taken: %+v, %v; want one that was voided and one that wasn't", taken, err)
	}
	again, err := c.Followups().Void(ctx, c.by("void", a.Number), seq, "counted twice")
	if err != nil || again.Receipt.At != void.Receipt.At {
		t.Errorf("again: %+v, %v; want %+v", again, err, void)
	}
	e, err := c.recordAt(seq + 1)
	if err != nil {
		t.Fatal(err)
	}
	var v protocol.Voiding
	if err := e.event.Decode(&v); err != nil || e.event.Kind != protocol.PaymentVoided || e.event.Number != a.Number ||
		v.Log != paid.Receipt.Log || v.At != paid.Receipt.At || v.Reason != "counted twice" {
		t.Errorf("the log has %+v with %+v, %v", e.event, v, err)
	}
	if first, err := c.recordAt(seq); err != nil || first.event.Kind != protocol.PaymentTaken {
		t.Errorf("the payment is %+v, %v; want it as it was", first, err)
	}
}

// TestVisitsHaveReasons: why the applicant came stands in what he came for, by the counter's word
// or by what it is (R-SV9). Nobody comes for a void.
func TestVisitsHaveReasons(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c := newCounter(t)
	a := c.file(1)
	cash := protocol.Payment{Means: protocol.MeansCash, Fees: []protocol.Fee{{Kind: "government", Poisha: 10_000}}}
	by := c.by("said", a.Number)
	by.Visit = protocol.VisitPaper
	if _, err := c.Followups().Pay(ctx, by, cash); err != nil {
		t.Fatal(err)
	}
	paid, err := c.Followups().Pay(ctx, c.by("unsaid", a.Number), cash)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Followups().Void(ctx, c.by("void", a.Number), paid.Receipt.At.Seq, "counted twice"); err != nil {
		t.Fatal(err)
	}
	turns, err := turnsOf(c.Followups().core, a.Number)
	if err != nil || len(turns) != 3 {
		t.Fatalf("%d events, %v", len(turns), err)
	}
	for i, want := range []protocol.Visit{protocol.VisitPaper, protocol.VisitPayment, 0} {
		if got := turns[i].event.Visit; got != want {
			t.Errorf("event %d: why is %q; want %q", i, got, want)
		}
	}
}
