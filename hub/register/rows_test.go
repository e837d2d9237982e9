package register

import (
	"slices"
	"testing"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// TestSupplementThatNobodyAskedFor: what a centre sends unasked changes neither
// the application nor what was decided on it; it is an item for the officer.
func TestSupplementThatNobodyAskedFor(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	w.worked(n, "anna", Take, Act{})
	w.worked(n, "anna", Decide, Act{Opinion: application.ForApproval, Text: "of the mouza Khajura"})
	before := w.stage(n, application.UnderReview)
	b.send(protocol.Supplied, n, w.at, &protocol.Supplement{Form: []byte(`{"mouza":"Narikelbaria"}`)})
	c := w.stage(n, application.UnderReview)
	if c.State != before.State || len(c.History) != len(before.History) {
		t.Errorf("the case is %+v; want it as it was", c.State)
	}
	if _, sub, err := w.first().AsOf(c, 0); err != nil || string(sub.Form) != `{"business":"মুদি দোকান","copies":2}` {
		t.Errorf("its answers are %s, %v; want those that were filed", sub.Form, err)
	}
	items, err := w.first().Items(n)
	if err != nil || len(items) != 1 || items[0].Kind != ItemSupplement || items[0].Owner != c.State.Seat || items[0].Deadline == 0 {
		t.Errorf("items = %+v, %v; want the correction, at the officer's desk", items, err)
	}
	w.agree()
}

// TestRow18LastDeliveryDateStands: of two dates for one delivery the last is what the
// citizen reads, and both are in the history.
func TestRow18LastDeliveryDateStands(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	approved(w, n)
	b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
	var dates []int64
	for _, days := range []int64{9, 6} {
		dates = append(dates, w.at/1000+days*86400)
		w.worked(n, "chair", Prepare, Act{Until: dates[len(dates)-1]})
	}
	wantFault(t, "an office that has not read the last", w.do(act("chair", Prepare, n, w.stage(n, application.InPreparation).State.Version-1, Act{Until: dates[0]})).Fault, fault.Conflict)
	c := w.stage(n, application.InPreparation)
	if st, _, err := w.first().Standing(n); err != nil || st.Expected != dates[1] || c.Due != dates[1] {
		t.Errorf("the citizen reads %d, the office %d, %v; want %d", st.Expected, c.Due, err, dates[1])
	}
	var said []int64
	for _, h := range c.History {
		if h.Action == application.Prepare && h.Actor == "chair" {
			said = append(said, h.Dated)
		}
	}
	if !slices.Equal(said, dates) {
		t.Errorf("the history has %v; want %v", said, dates)
	}
	w.agree()
}

// datesTold are the delivery dates of a case of which its centre was told, in order.
func datesTold(w *town, n protocol.Number) (dates []int64) {
	w.t.Helper()
	for _, e := range w.inboxOf("41-09-17") {
		var st protocol.Standing
		if e.Kind == protocol.CaseMoved && e.Number == n && e.Decode(&st) == nil && st.Stage == application.InPreparation.String() {
			dates = append(dates, st.Expected)
		}
	}
	return dates
}

// TestRow18ChangesAreGathered: the first change of a delivery date is told at once, those of
// the next half hour in one notice, which is right; all stand in the history. What is gathered
// lies in the register: a server that begins anew with it tells it all the same.
func TestRow18ChangesAreGathered(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	approved(w, n)
	b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
	since(w, 1)
	want := datesTold(w, n)
	change := func(days int64) int64 {
		date := w.at/1000 + days*86400
		w.worked(n, "chair", Prepare, Act{Until: date})
		return date
	}
	told := func(when string, dates ...int64) {
		t.Helper()
		if want = append(want, dates...); !slices.Equal(datesTold(w, n), want) {
			t.Errorf("%s, the centre was told %v; want %v", when, datesTold(w, n), want)
		}
	}
	told("the first change", change(9))
	change(6)
	third := change(7)
	told("two more")
	if c := w.stage(n, application.InPreparation); c.State.Promised != third || c.Timer == 0 {
		t.Errorf("the case is %+v", c)
	}
	tick(w)
	told("before the half hour is over")
	w.registers = append(w.registers, w.reopen(w.first().base.(*memory).copy())) // Another server leads on.
	w.at += gatherFor
	tick(w)
	told("after it", third)
	tick(w)
	told("once")
	change(8)
	last := change(5)
	told("again")
	w.at += gatherFor
	tick(w)
	told("and again", last)
	w.at += gatherFor
	told("much later", change(4))
	if c := w.stage(n, application.InPreparation); c.Due != c.State.Promised || len(c.History) < 6 {
		t.Errorf("the case is %+v", c)
	}
	change(3)
	w.worked(n, "chair", Issue, Act{}) // What was gathered goes with the word that it is ready.
	w.at += gatherFor
	tick(w)
	told("when it is ready")
	verified(w)
	replayed(w)
	w.agree()
}

// TestRow20CopyIsIssuedOnce: a second issue is refused, to whoever asks.
func TestRow20CopyIsIssuedOnce(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	approved(w, n)
	b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
	stale := w.stage(n, application.InPreparation).State.Version
	w.worked(n, "chair", Issue, Act{})
	wantFault(t, "again", w.officer(n, "chair", Issue, Act{}).Fault, fault.Conflict)
	wantFault(t, "by who has not seen the first", entry(w, act("chair", Issue, n, stale, Act{})).Fault, fault.Conflict)
	if c := w.stage(n, application.Ready); c.State.Issued != 1 {
		t.Errorf("issued %d times", c.State.Issued)
	}
	w.agree()
}

// TestRow32CountedOnceByTwoRoutes: what comes by an uplink, again, and as recovered in
// another log is counted once, and a count from the cases is the same as the cells.
func TestRow32CountedOnceByTwoRoutes(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		for i := range 6 {
			b.submit(licence(t), uint64(i))
		}
		b.mustBring(1, 4)
		b.mustBring(2, 4)
		after := b.next(9, b.slot, 2) // It remembers two, and sends four once more.
		after.mustBring(1, 4)
		w.must(act("anna", Take, b.numbers[0], 1, Act{}))
		w.must(act("anna", Decide, b.numbers[0], 2, Act{Opinion: application.ForApproval, Text: "x"}))
		w.must(act("anna", Forward, b.numbers[0], 3, Act{}))
		var cells, recount struct{ received, forwarded uint64 }
		hour := int64(dawn / 3_600_000)
		if err := w.first().Cells(hour-1, hour+2, func(c *Cell) error {
			for _, n := range c.Counts {
				cells.received, cells.forwarded = cells.received+n.Received, cells.forwarded+n.Forwarded
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := w.first().ForEachCase(func(c *Case) error {
			for _, h := range c.History {
				switch h.Action {
				case application.Accept:
					recount.received++
				case application.Forward:
					recount.forwarded++
				default:
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if cells != recount || cells.received != 6 || cells.forwarded != 1 {
			t.Errorf("the cells have %+v, the cases %+v; want six received and one forwarded", cells, recount)
		}
	})
}

// counted counts again what the cells of a register say, a few pairs at a time.
func counted(t *testing.T, r *Register, between func(step int)) *Recount {
	t.Helper()
	c := r.Recount()
	for i := 0; ; i++ {
		done, err := c.Step(3)
		if err != nil {
			t.Fatal(err)
		}
		if done {
			return c
		}
		between(i)
	}
}

// TestRow32RecountIsEqual: what the cells say is what the cases say, though cases come and move
// while it is counted; a cell that tells otherwise is found, in this week and in one long past.
func TestRow32RecountIsEqual(t *testing.T) {
	w, b := office(t)
	var list []protocol.Number
	for i := range 8 {
		list = append(list, b.filed(landCopy(t), uint64(i), copyDue))
	}
	approved(w, list[0])
	since(w, 30)
	approved(w, list[1])
	w.at += 3 * 60 * minute
	b.filed(landCopy(t), 10, copyDue)
	c := counted(t, w.first(), func(step int) {
		if step == 1 {
			approved(w, list[2]) // Of this hour, in a case that was read, and one that is read later.
			approved(w, list[7])
			b.filed(licence(t), 11, Finding{})
		}
	})
	if c.Differ() != 0 || c.Cases < 9 {
		t.Errorf("%d places of %d cases differ", c.Differ(), c.Cases)
	}
	w.at += 60 * minute
	w.must(NewCommand("", "root", DisableUser, &Name{Name: "far"})) // The hour is over.
	if c := counted(t, w.first(), func(int) {}); c.Differ() != 0 {
		t.Errorf("an hour later %d places differ", c.Differ())
	}
	pairs, _ := w.first().base.(*memory).now()
	altered := 0
	for k, raw := range pairs {
		var cell Cell
		if k[0] != tagCell || decodeState([]byte(k), raw, &cell) != nil || len(cell.Counts) == 0 {
			continue
		}
		cell.Counts[0].Received++
		planted := w.first().base.(*memory).copy()
		if err := planted.Update(w.index, func(tx Tx) error { return tx.Set([]byte(k), protocol.Marshal(&cell)) }); err != nil {
			t.Fatal(err)
		}
		altered++
		if c := counted(t, w.reopen(planted), func(int) {}); c.Differ() != 1 {
			t.Errorf("with one more in hour %d, %d places differ; want 1", cell.Hour, c.Differ())
		}
	}
	if altered < 3 {
		t.Errorf("%d cells were altered: the test looks at too little", altered)
	}
}

// TestRow38ActingChargeOverlaps: two who hold one post at a time write one after the
// other, never both; once the one is gone his colleague takes the case over, and begins
// with a decision of his own.
func TestRow38ActingChargeOverlaps(t *testing.T) {
	w, b := office(t)
	w.must(NewCommand("", "root", AddUser, &User{
		Name: "leaving", Role: access.Officer, Seat: place.Seat{Post: "secretary", Office: "local-41-09-17"}, Hash: hash1, From: 1, Until: w.at/1000 + 86400,
	}))
	n := b.filed(landCopy(t), 1, copyDue)
	w.worked(n, "leaving", Take, Act{})
	w.worked(n, "leaving", Check, Act{Check: "record-scan", Document: scan})
	w.worked(n, "leaving", Decide, Act{Opinion: application.ForApproval, Text: "x"})
	wantFault(t, "a second hand", w.officer(n, "anna", Note, Act{Text: "x"}).Fault, fault.Conflict)
	wantFault(t, "taken from a colleague", w.officer(n, "anna", Take, Act{}).Fault, fault.Conflict)
	offered := func() bool {
		who, err := w.first().Principal("anna", w.at/1000)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(w.first().Offers(w.stage(n, application.UnderReview), who, w.at/1000), func(o application.Offer) bool {
			return o.Action == application.Take && o.Bar == ""
		})
	}
	if offered() {
		t.Error("a colleague's case is offered")
	}
	since(w, 1)
	wantFault(t, "after the transfer", w.officer(n, "leaving", Forward, Act{}).Fault, fault.Denied)
	if !offered() {
		t.Error("a case whose officer is gone is offered to nobody")
	}
	w.worked(n, "anna", Take, Act{})
	wantFault(t, "on another's decision", w.officer(n, "anna", Forward, Act{}).Fault, fault.Conflict)
	w.worked(n, "anna", Decide, Act{Opinion: application.ForApproval, Text: "I have seen it too"})
	w.worked(n, "anna", Forward, Act{})
	verified(w)
	w.agree()
}
