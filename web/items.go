package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"kendro/domain/digit"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/web/api"
)

// Words of the conflict desk.
var (
	wordConflicts   = name("অমীমাংসিত বিষয়", "Unsettled matters")
	wordNoConflicts = name("এখন কোনো অমীমাংসিত বিষয় নেই।", "Nothing is unsettled just now.")
	wordDo          = name("করণীয়", "What to do")
	wordTell        = name("আবেদনকারীকে যা বলবেন", "What to tell the citizen")
	wordOwner       = name("দায়িত্ব", "Whose")
	wordDetail      = name("কারিগরি বিবরণ", "Technical detail")
	wordSumOf       = name("টাকা", "Sum")
	wordLiable      = name("দায়", "Liable")
	wordLiableIs    = name("কেন্দ্র", "The centre")
	wordSettle      = name("নিষ্পত্তি করুন", "Settle it")
	wordOutcome     = name("ফলাফল", "Outcome")
	wordSettleText  = name("আবেদনকারীকে যা জানানো হবে", "What the citizen is told")
	wordSettleSure  = name("নিষ্পত্তি একবারই হয় এবং আর বদলানো যায় না।", "A matter is settled once and for all.")
	wordMoreItems   = name("আরও বিষয় আছে; আগে এগুলো নিষ্পত্তি করুন:", "There are more; settle these first:")
	wordNotSo       = name("এভাবে করা গেল না: কারিগরি বিবরণ দেখুন এবং অন্য ফলাফল বেছে নিন।", "It can’t be done so: see the technical detail, and choose another outcome.")
	wordToDesk      = name("কোন টেবিলে", "To which desk")
	wordMeant       = name("প্রয়োগ করলে: যে আবেদনের জন্য তার নম্বর", "If applied: the number of the case that was meant")
	wordVoucher     = name("ফেরত দিয়ে থাকলে: ভাউচারের নম্বর", "If it was paid back: the number of the voucher")
	wordPaidBackOn  = name("ফেরতের তারিখ (খালি থাকলে আজ)", "Day on which it was paid back (empty: today)")
	wordSumBack     = name("টাকা ফেরত হলে: কত টাকা", "If it is paid back: how much (taka)")
	wordBadRefund   = name("টাকা ফেরতের জন্য কত টাকা, আর ফেরত দেওয়া হয়ে থাকলে ভাউচারের নম্বর লিখুন। জমার চেয়ে বেশি ফেরত হয় না।", "To pay back, write how much, and where it was paid the number of the voucher. No more is paid back than was paid.")

	wordMayAppealBack = name("বিষয়টি এর মধ্যে নিষ্পত্তি হয়েছে, অথবা নামঞ্জুরের বিরুদ্ধে আপিলের সময় আছে। আপিলের শেষ দিনের পরে ফেরত দিন।", "It has been settled meanwhile, or an appeal against the rejection may still come: pay it back after the last day for one.")

	wordSettledOnce = name("বিষয়টি এর মধ্যে নিষ্পত্তি হয়েছে।", "It has been settled meanwhile.")
)

// outcomeWords are what may come of an item.
var outcomeWords = map[string]place.Name{
	"refund":    name("টাকা ফেরত", "Pay it back"),
	"credit":    name("পরের ফিতে সমন্বয়", "Set off against a later fee"),
	"applied":   name("নথিতে প্রয়োগ করা হয়েছে", "Applied to the case"),
	"dismissed": name("বাতিল", "Dismissed"),
	"accepted":  name("গ্রহণ করুন", "Accept it"),
	"revived":   name("আরেকবার সময় দিন", "Give another term"),
	"honoured":  name("মেনে নিন", "Honour it"),
	"refused":   name("প্রত্যাখ্যান করুন", "Refuse it"),
	"confirmed": name("সিদ্ধান্ত বহাল", "Confirm the decision"),
	"again":     name("আবার জিজ্ঞাসা করুন", "Ask again"),
	"routed":    name("টেবিলে পাঠান", "Send it to a desk"),
	"put-right": name("ঠিক করা হয়েছে", "It was put right"),
}

func outcomeName(code string) place.Name {
	if n, ok := outcomeWords[code]; ok {
		return n
	}
	return place.Name{BN: code, EN: code}
}

type itemsView struct {
	Scope string
	List  api.ItemList
	Key   string
	Tried string // Item whose settling failed …
	Typed url.Values
	dir   *place.Directory
}

func (v itemsView) owner(it api.Item) place.Name {
	return caseView{dir: v.dir}.seat(it.Owner)
}

// seat names a desk that a case may go to.
func (v itemsView) seat(code string) place.Name { return caseView{dir: v.dir}.seat(code) }

// asksVoucher reports whether an item is money that is to be paid back, by a voucher.
func asksVoucher(it api.Item) bool { return it.Kind == "refund-owed" }

// asksSum reports whether an item may be settled by a sum that is to be paid back.
func asksSum(it api.Item) bool {
	return !asksVoucher(it) && it.Kind != "no-case" && slices.Contains(it.Outcomes, "refund")
}

// sumBack is what was typed as that sum, or what the item is about.
func (v itemsView) sumBack(l Lang, it api.Item) string {
	if kept := v.kept(it.ID, "taka"); kept != "" || it.Poisha == 0 {
		return kept
	}
	return l.Digits(takaText(it.Poisha))
}

// asksNumber reports whether a kind may be applied to a case that has to be named.
func asksNumber(it api.Item) bool { return it.Kind == "no-case" }

func (v itemsView) kept(id, field string) string {
	if v.Tried != id {
		return ""
	}
	return v.Typed.Get(field)
}

// items shows what has to be decided beside the procedure, the overdue first.
func (d *desk) items(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	d.showItems(w, r, tried{values: url.Values{}})
}

func (d *desk) showItems(w http.ResponseWriter, r *http.Request, t tried) {
	v := itemsView{Scope: "mine", Key: api.NewKey(), Tried: t.action, Typed: t.values, dir: &place.Directory{}}
	if r.FormValue("scope") == "office" {
		v.Scope = "office"
	}
	if set := d.house.Set(); set != nil {
		v.dir = set.Directory
	}
	call := api.Call{Path: "/v1/items?" + url.Values{"scope": {v.Scope}}.Encode(), Out: &v.List}
	if err := api.Inside(d.api, r).Do(r.Context(), call); err != nil {
		d.failed(w, r, err)
		return
	}
	p := d.page(r, wordConflicts)
	p.Here = "/desk/items?scope=" + v.Scope
	status := http.StatusOK
	if t.err != nil {
		status = api.ProblemOf(t.err).Status
		p.Problems = []problem{{Anchor: "item-" + t.action, Text: p.Say(t.words)}}
	} else if r.URL.Query().Get("done") != "" {
		p.Notice = p.Say(wordDone)
	}
	d.show(w, r, status, itemsPage(p, v))
}

// settle says what comes of an item, once and for all.
func (d *desk) settle(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	values, err := post(w, r)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	id := r.PathValue("id")
	in := api.SettleRequest{
		Outcome: values.Get("outcome"), Text: strings.TrimSpace(values.Get("text")), To: values.Get("to"), Number: strings.TrimSpace(values.Get("number")),
		Voucher: digit.InLatin(strings.TrimSpace(values.Get("voucher"))), PaidOn: dayOf(values.Get("paid_on")),
	}
	if sum := values.Get("taka"); sum != "" && in.Outcome == "refund" {
		if in.Poisha, err = parseTaka(sum); err != nil {
			d.showItems(w, r, tried{action: id, values: values, err: err, words: wordBadSum})
			return
		}
	}
	call := api.Call{Path: "/v1/items/" + url.PathEscape(id), Key: values.Get("key"), In: in}
	if err := api.Inside(d.api, r).Do(context.WithoutCancel(r.Context()), call); err != nil {
		t := tried{action: id, values: values, err: err, words: wordsFor(err)}
		switch fault.KindOf(err) {
		case fault.Conflict:
			t.words = wordSettledOnce
			if in.Voucher != "" {
				t.words = wordMayAppealBack
			}
			if id != "" && (id[0] < '0' || id[0] > '9') { // No case's item: one that is settled is not found.
				t.words = wordNotSo
			}
		case fault.NotFound:
			t.words = wordSettledOnce
		case fault.Invalid:
			t.words = wordBadActs
			if in.Outcome == "refund" {
				t.words = wordBadRefund
			}
		default:
		}
		d.showItems(w, r, t)
		return
	}
	to := "/desk/items?done=1"
	if values.Get("scope") == "office" {
		to += "&scope=office"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
