package web

import (
	"net/http"
	"net/url"
	"strings"

	"kendro/domain/access"
	"kendro/domain/digit"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

// Words of the phone desk and of a service's charter.
var (
	wordPhone       = name("ফোন ডেস্ক", "Phone desk")
	wordPhoneHint   = name("নম্বর শুনে লিখুন; বাংলা বা ইংরেজি অঙ্ক, ফাঁকা থাকলেও চলবে। নম্বর না থাকলে মোবাইল বা নাম দিয়ে খুঁজুন।", "Write the number as it is said, in Bangla or English digits; spaces do no harm. Without it, a mobile or a name.")
	wordPhoneFor    = name("গ্রহণ নম্বর, মোবাইল বা নাম", "Receive number, mobile or name")
	wordReadOut     = name("পড়ে শোনান", "Read this out")
	wordPhoneSearch = name("নম্বর না থাকায় পরিচয় মিলিয়ে নিন: নাম ও গ্রাম জিজ্ঞাসা করুন, নিজে থেকে বলবেন না।", "Without the number, make sure who it is: ask for the name and the village; don’t say them first.")
	wordNotFiled    = name("এই নম্বরের কোনো আবেদন নেই। নম্বরটি আবার জিজ্ঞাসা করুন।", "There is no application of this number. Ask for it again.")
	wordCalls       = name("ফোনের হিসাব", "Calls")
	wordCallsHint   = name("এই সার্ভারে ফোনে কে কোন নম্বরের কথা কী বলেছেন, নতুনটি আগে। সর্বশেষ ২,০০০টি, ১৮০ দিন পর্যন্ত।", "Who told callers what at this server, the newest first: the last 2,000, for 180 days.")
	wordCallsNone   = name("কোনো ফোন লেখা নেই।", "No call is noted.")
	wordCallsWho    = name("যিনি বলেছেন", "Who answered")
	wordCallsTold   = name("যা বলা হয়েছে", "What was told")
	wordToldUnknown = name("এই নম্বরে আবেদন নেই", "There is none of that number")
	wordToldSearch  = name("নম্বর ছাড়া খোঁজা; পাওয়া গেছে", "Looked for without a number; found")
	wordCharter     = name("সেবার সনদ", "Citizen’s charter")
	wordCharterAll  = name("সব সেবার তালিকা, ফি ও সময়", "All services with their fees and times")
	wordCharterDoc  = name("যা যা লাগবে", "What to bring")
	wordCharterFee  = name("যত টাকা লাগে", "What it costs")
	wordCharterTime = name("যত দিন লাগে", "How long it takes")
	wordCharterWay  = name("যেভাবে আবেদন করা যায়", "How to apply")
	wordCharterGet  = name("যেভাবে পাবেন", "How you get it")
	wordAppealTo    = name("আপত্তি থাকলে", "If you object")
	wordNoPaper     = name("কোনো কাগজ লাগে না", "Nothing")
	wordPerPiece    = name("প্রতিটি", "each")
	wordSometimes   = name("শর্তসাপেক্ষে", "in some cases")
	wordAtMost      = name("সর্বোচ্চ", "at most")
	wordPayDays     = name("দাবির পর জমার সময় (দিন)", "Days to pay after the demand")
	wordInfoDays    = name("চাওয়া তথ্য আনার সময় (দিন)", "Days to bring what is asked for")
	wordEdition     = name("সংস্করণ", "Edition")
	wordNotMore     = name("এর বেশি টাকা কেউ চাইলে রসিদ নিন এবং অভিযোগ করুন।", "If anybody asks for more, take a receipt and complain.")
)

type phoneView struct {
	Typed  string
	Answer *api.Tracking
	Found  []api.Found
	More   bool
	Asked  bool

	Watches bool // The reader may see who told callers what.
}

// phoneDesk is who sits at a telephone.
type phoneDesk struct{ *desk }

// phone lets somebody at a telephone find a case and read out where it stands
// (R-TR1), and notes who was told what. By its number that is what the caller may know anyway; by a mobile or a
// name it is among the cases that the reader may read.
func (d phoneDesk) phone(w http.ResponseWriter, r *http.Request, c api.Caller) {
	p := d.page(r, wordPhone)
	v := phoneView{Typed: strings.TrimSpace(r.URL.Query().Get("q")), Watches: access.ScopeOf(c.Role, access.ReadCalls) != access.Never}
	if v.Typed == "" {
		d.show(w, r, http.StatusOK, phonePage(p, v))
		return
	}
	v.Asked = true
	var err error
	status := http.StatusOK
	if _, wrong := protocol.ParseNumber(v.Typed); wrong == nil {
		if v.Answer, err = d.answered(r, api.CallRequest{Number: v.Typed}); fault.KindOf(err) == fault.NotFound {
			v.Answer, err, status = nil, nil, http.StatusNotFound
			p.Problems = []problem{{Anchor: "q", Text: p.Say(wordNotFiled)}}
		}
	} else if looksLikeNumber(v.Typed) {
		status = http.StatusBadRequest
		p.Problems = []problem{{Anchor: "q", Text: p.Say(wordBadNumber)}}
	} else {
		var found api.FoundList
		err = api.Inside(d.api, r).Do(r.Context(), api.Call{Path: "/v1/search?" + url.Values{"q": {v.Typed}}.Encode(), Out: &found})
		if v.Found, v.More = found.Found, found.More; err == nil {
			n := len(found.Found)
			_, err = d.answered(r, api.CallRequest{Found: &n})
		}
	}
	if err != nil {
		d.failed(w, r, err)
		return
	}
	d.show(w, r, status, phonePage(p, v))
}

// answered is what to tell a caller; that he was told is noted.
func (d phoneDesk) answered(r *http.Request, in api.CallRequest) (*api.Tracking, error) {
	var out api.CallAnswer
	err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: api.CallsPath, Key: api.NewKey(), In: in, Out: &out})
	return out.Tracking, err
}

// calls shows who told callers what, for whoever watches the area.
func (d phoneDesk) calls(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	var list api.CallList
	q := url.Values{"limit": {"500"}}
	for _, name := range []string{"user", "number"} {
		if v := strings.TrimSpace(r.URL.Query().Get(name)); v != "" {
			q.Set(name, v)
		}
	}
	if err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: api.CallsPath + "?" + q.Encode(), Out: &list}); err != nil {
		d.failed(w, r, err)
		return
	}
	d.show(w, r, http.StatusOK, callsPage(d.page(r, wordCalls), &list, d.desk))
}

// told is what a caller was told, in words.
func (l Lang) told(c *api.PhoneCall) string {
	switch c.Told {
	case api.ToldUnknown:
		return l.Say(wordToldUnknown)
	case api.ToldSearch:
		return l.Say(wordToldSearch) + " " + l.Count(int64(*c.Found))
	}
	return l.Say(stageName(c.Told))
}

// looksLikeNumber reports whether somebody meant a receive number: more digits than
// a mobile has, and nothing else.
func looksLikeNumber(s string) bool {
	digits := 0
	for _, c := range digit.InLatin(s) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c != ' ' && c != '-':
			return false
		}
	}
	return digits > 13
}
