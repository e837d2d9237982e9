package web

import (
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/web/api"
)

// Words for a payment that came late, and is booked by its item.
var (
	wordWhichPay  = name("কোন জমা", "Which payment")
	wordPayByHand = name("অন্য জমা, নিচে যেমন লেখা", "Another one, as written below")
	wordPayOfItem = name("কেন্দ্রের পাঠানো জমায় টাকা কেন্দ্রের রসিদের, তারিখ কেন্দ্র যা লিখেছে; ব্যাংকের চালান মিলিয়ে দেখুন। তারিখ লিখলে সেটিই ধরা হবে।", "Of a payment that a centre sent, the sum is its receipt’s and the day the one that the centre wrote down: compare the bank’s challan. A day that you write goes before it.")
	wordBooksDay  = name("জমার তারিখ কেন্দ্র লেখেনি। চালান বা রসিদ দেখে তারিখ লিখুন।", "The centre wrote down no day. Write the one on the challan or the receipt.")
	wordBooksLate = name("এই তারিখে জমাটি মেয়াদের পরে, অথবা বিষয়টি এর মধ্যে নিষ্পত্তি হয়েছে। মেয়াদের পরে হলে অমীমাংসিত বিষয়ের তালিকায় টাকা ফেরত বেছে নিন।", "By this day it was paid after the term, or the matter is settled meanwhile. If it was late, choose to pay it back on the list of unsettled matters.")
)

// latePays are the open items of payments that may be booked on the case.
func (v *caseView) latePays() (list []api.Item) {
	for _, it := range v.Record.Items {
		if it.Outcome == "" && (it.Kind == "late-payment" || it.Kind == "doubtful-date") {
			list = append(list, it)
		}
	}
	return list
}

// booked is the item whose payment was chosen, nil for none.
func (v *caseView) booked() *api.Item {
	for _, it := range v.latePays() {
		if it.ID == v.Typed.Get("books") {
			return &it
		}
	}
	return nil
}

// books reports whether a payment is the one that is chosen on the page.
func (v *caseView) books(id string) bool {
	if v.Tried == application.Pay.String() {
		return v.Typed.Get("books") == id
	}
	return false
}

// latePay is a payment that came late, in words.
func latePay(l Lang, it *api.Item) string {
	text := l.Say(it.Name) + " · " + l.Taka(it.Poisha) + " · " + l.Moment(it.Since.Time)
	if it.Centre != "" {
		text += " · " + l.Say(wordCentre) + " " + l.Digits(it.Centre)
	}
	return text
}

// wordsForBooking are the words for a payment that was not booked by its item; none where it
// was not for that.
func wordsForBooking(err error, books string) place.Name {
	switch kind := fault.KindOf(err); {
	case books == "":
		return place.Name{}
	case kind == fault.Invalid:
		return wordBooksDay
	case kind == fault.Conflict:
		return wordBooksLate
	}
	return place.Name{}
}
