package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// Words of the page on which cases are erased.
var (
	wordErasures      = name("নাগরিকের তথ্য মোছা", "Erasing a citizen’s data")
	wordErasureOrder  = name("মোছার আদেশ দিন", "Order an erasure")
	wordErasureSay    = name("যা হবে", "What will happen")
	wordErasureOne    = name("আবেদনকারী, উত্তর, নোটের লেখা, কাগজপত্র ও সংযোগ এখনই রেজিস্টার থেকে মুছে যাবে। ফেরত আনা যায় না।", "Applicant, answers, the text of notes, documents and links go from the register at once. Nothing brings them back.")
	wordErasureTwo    = name("নম্বর, ধাপ, তারিখ, দপ্তর, ফি, হ্যাশ ও এই আদেশ থেকে যাবে; নাগরিক ট্র্যাকিংয়ে আদেশটি দেখবেন।", "Number, stage, dates, desks, fees, hashes and this order stay; the citizen reads the order when he tracks it.")
	wordErasureThree  = name("অন্য একজনকে নিশ্চিত করতে হবে। উপজেলার কেন্দ্রগুলোকে জানানো হয়; কোন কেন্দ্র ও সার্ভার মোছার কথা জানিয়েছে এখানে দেখা যায়।", "Another person has to confirm it. The upazila’s centres are told; this page shows which servers and boxes have said that it is done.")
	wordErasureCases  = name("আবেদন নম্বর, প্রতি লাইনে একটি", "Numbers of the cases, one a line")
	wordErasureBasis  = name("আইনি ভিত্তি", "Legal basis")
	wordErasureReason = name("কারণ (নাম লিখবেন না)", "Reason (write no names)")
	wordErasureSure   = name("নিশ্চিত করুন: এখনই মুছে যাবে", "Confirm: it is erased now")
	wordErasureDrop   = name("আদেশ প্রত্যাহার", "Withdraw the order")
	wordErasureBy     = name("আদেশ", "Ordered by")
	wordErasureSecond = name("নিশ্চিত করেছেন", "Confirmed by")
	wordErasureDone   = name("মোছা হয়েছে", "Erased")
	wordErasureWaits  = name("দ্বিতীয় ব্যক্তির অপেক্ষায়", "Waits for a second person")
	wordErasureLeft   = name("বাকি আছে", "Still to do")
	wordErasureSteps  = name("কোথায় কত দূর", "How far it has come")
	wordErasureStep   = name("কোথায়", "Where")
	wordErasureHeard  = name("জানা গেছে", "Heard that it is done")
	wordErasureDue    = name("শেষ সময়", "Due")
	wordErasureNoWord = name("এখনও খবর নেই", "no word yet")
	wordErasureLost   = name("বাতিল বাক্স: খবর আসবে না", "revoked: no word will come")
	wordErasureNone   = name("কোনো আদেশ নেই।", "There are no orders.")
	wordErasedBy      = name("আদেশে মোছা হয়েছে", "Erased by order of")
)

// erasureSteps are the steps of an order in words.
var erasureSteps = map[string]place.Name{
	"register": name("রেজিস্টার", "register"),
	"server":   name("সার্ভারের ডিস্ক", "a server’s disk"),
	"box":      name("কেন্দ্রের বাক্স", "a centre’s box"),
	"copies":   name("ব্যাকআপ ও অন্য অনুলিপি", "backups and other copies"),
}

type erasuresView struct {
	List   api.ErasureList
	Key    string
	Orders bool // The reader may order and confirm.
	Typed  url.Values
	dir    *place.Directory
}

func (v erasuresView) seat(s string) place.Name { return caseView{dir: v.dir}.seat(s) }

// where names a step of an order.
func (v erasuresView) where(l Lang, s *api.ErasureStep) string {
	return strings.TrimSpace(l.Say(erasureSteps[s.Step]) + " " + l.Digits(s.Who))
}

// heard says when it was heard that a step is done, or that it was not.
func (v erasuresView) heard(l Lang, s *api.ErasureStep) string {
	switch {
	case s.At != nil:
		return l.Moment(s.At.Time)
	case s.Done:
		return l.Say(wordDone)
	case s.Lost:
		return l.Say(wordErasureLost)
	}
	return l.Say(wordErasureNoWord)
}

// left says of how many steps of an order there is no word.
func (v erasuresView) left(l Lang, e *api.Erasure) string {
	n := 0
	for i := range e.Steps {
		if !e.Steps[i].Done {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return l.Digits(strconv.Itoa(n)) + " / " + l.Digits(strconv.Itoa(len(e.Steps)))
}

// erasures shows the orders by which cases are erased.
func (d *desk) erasures(w http.ResponseWriter, r *http.Request, c api.Caller) {
	d.showErasures(w, r, c, url.Values{}, nil)
}

// showErasures shows the list, after a refusal with what was typed.
func (d *desk) showErasures(w http.ResponseWriter, r *http.Request, c api.Caller, typed url.Values, refused error) {
	v := erasuresView{Key: api.NewKey(), Orders: access.ScopeOf(c.Role, access.EraseCase) != access.Never, Typed: typed, dir: &place.Directory{}}
	if set := d.house.Set(); set != nil {
		v.dir = set.Directory
	}
	if err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: "/v1/erasures", Out: &v.List}); err != nil {
		d.failed(w, r, err)
		return
	}
	p, status := d.page(r, wordErasures), http.StatusOK
	if refused != nil {
		p.Problems = []problem{{Text: p.Say(wordsFor(refused)) + " " + reasonOf(refused)}}
		status = api.ProblemOf(refused).Status
	}
	if r.URL.Query().Get("done") != "" {
		p.Notice = p.Say(wordDone)
	}
	d.show(w, r, status, erasuresPage(p, v))
}

// reasonOf is what stands in the way, as the register says it.
func reasonOf(err error) string { return api.ProblemOf(err).Detail }

// erase orders, confirms or withdraws.
func (d *desk) erase(w http.ResponseWriter, r *http.Request, c api.Caller) {
	values, err := post(w, r)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	call := api.Call{Method: http.MethodPost, Path: "/v1/erasures", Key: values.Get("key")}
	switch word := values.Get("word"); word {
	case "":
		in := api.ErasureRequest{Basis: values.Get("basis"), Reason: values.Get("reason")}
		for _, text := range strings.FieldsFunc(values.Get("numbers"), func(c rune) bool { return c == '\n' || c == '\r' || c == ',' }) {
			n, err := protocol.ParseNumber(strings.TrimSpace(text))
			if err != nil {
				d.showErasures(w, r, c, values, err)
				return
			}
			in.Numbers = append(in.Numbers, n)
		}
		call.In = in
	case "confirm", "withdraw":
		n, err := protocol.ParseNumber(values.Get("number"))
		if err != nil {
			d.showErasures(w, r, c, values, err)
			return
		}
		call.Path, call.In = "/v1/erasures/"+n.String()+"/"+word, struct{}{}
	default:
		d.failed(w, r, fault.New("web.erase", fault.Invalid, "word", "want confirm or withdraw"))
		return
	}
	if err := api.Inside(d.api, r).Do(r.Context(), call); err != nil {
		d.showErasures(w, r, c, values, err)
		return
	}
	http.Redirect(w, r, "/desk/erasures?done=1", http.StatusSeeOther)
}
