package desk

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"kendro/domain/application"
	"kendro/protocol"
	"kendro/web/api"
)

// TestRow16LateChallanOnThePage: a challan of day 29 that comes on day 31 can be booked with a
// mouse: the page names it, asks whether it is sure, and says what to do where it can't be.
func TestRow16LateChallanOnThePage(t *testing.T) {
	o := screens{newOffice(t)}
	n := o.landCopy(1, "counter")
	o.toFeeDue(n)
	if page := o.shown("rokeya", n); strings.Contains(page, `name="books"`) {
		t.Error("the page offers a payment that nobody has brought")
	}
	o.late(29)
	bank := o.now()
	o.late(2)
	late := news(protocol.PaymentTaken, n, &protocol.Payment{
		Means: protocol.MeansChallan, Reference: "C-7", PaidAt: bank.UnixMilli(), Fees: []protocol.Fee{{Kind: "government", Poisha: 20000}},
	})
	late.At = o.now().UnixMilli()
	o.send(late)
	id := o.unsettled("rokeya", "mine")[0].ID
	if page := o.shown("rokeya", n); !strings.Contains(page, `name="books" type="radio" value="`+id+`"`) || !strings.Contains(page, "৳ ২০০") {
		t.Fatalf("the page does not offer the payment: %s", page)
	}
	for _, x := range []struct {
		paidOn string
		status int
		says   string
	}{
		{o.now().In(api.Dhaka()).Format(time.DateOnly), http.StatusConflict, "মেয়াদের পরে"},
		{"yesterday", http.StatusBadRequest, "তারিখ লিখুন"},
	} {
		w := o.press("rokeya", n, "pay", "books", id, "paid_on", x.paidOn)
		if page := w.Body.String(); w.Code != x.status || !strings.Contains(page, x.says) || !strings.Contains(page, `value="`+id+`" checked`) {
			t.Errorf("paid on %s: got %d: %s", x.paidOn, w.Code, page)
		}
	}
	c, err := o.reg.Case(n)
	if err != nil {
		t.Fatal(err)
	}
	ask := url.Values{"version": {strconv.FormatUint(c.State.Version, 10)}, "key": {api.NewKey()}, "books": {id}}
	if w := o.page("rokeya", "POST", "/desk/cases/"+n.String()+"/pay", ask); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "৳ ২০০") {
		t.Errorf("got %d; want the question with the sum that the centre brought", w.Code)
	}
	o.pressed("rokeya", n, "pay", "books", id, "reference", "C-7")
	c, err = o.reg.Case(n)
	if err != nil || c.State.Stage != application.InPreparation || c.State.Paid != 20000 {
		t.Errorf("the case is %+v, %v", c.State, err)
	}
	if left := o.unsettled("rokeya", "mine"); len(left) != 0 {
		t.Errorf("the matter is still there: %+v", left)
	}
}

// TestWrongCodesAreCounted: the collection code is six digits that somebody could try out; after
// five wrong ones not even the right one counts, and the officer is told to look at a paper.
func TestWrongCodesAreCounted(t *testing.T) {
	o := screens{newOffice(t)}
	n := o.landCopy(1, "counter")
	o.toFeeDue(n)
	o.pressed("rokeya", n, "pay", "taka", "200", "paid_on", o.now().In(api.Dhaka()).Format(time.DateOnly), "reference", "C-7")
	o.pressed("rokeya", n, "issue")
	c, err := o.reg.Case(n)
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := o.reg.Submission(c)
	if err != nil {
		t.Fatal(err)
	}
	right := protocol.CollectionCode(e.Nonce)
	wrong := "123456"
	if wrong == right {
		wrong = "654321"
	}
	for range 5 {
		if w := o.press("rokeya", n, "hand-over", "code", wrong); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "গ্রহণ-কোডটি এই আবেদনের রসিদের নয়") {
			t.Fatalf("a wrong code: got %d", w.Code)
		}
	}
	if w := o.press("rokeya", n, "hand-over", "code", right); w.Code != http.StatusTooManyRequests || !strings.Contains(w.Body.String(), "পরিচয়পত্র দেখে নিন") {
		t.Errorf("the right code then: got %d %s", w.Code, w.Body)
	}
	o.pressed("rokeya", n, "hand-over", "text", "এনআইডি")
	if c, err = o.reg.Case(n); err != nil || c.State.Stage != application.Delivered {
		t.Errorf("the case is %v, %v", c.State.Stage, err)
	}
}
