package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/web/api"
)

// Words of the page on what agencies submit.
var (
	wordAgencies      = name("সংস্থার দাখিল", "Agencies")
	wordAgenciesHint  = name("যে সংস্থার নিজের সেবা আছে, সে যা দাখিল করেছে। জেলা গ্রহণ না করা পর্যন্ত কিছুই কার্যকর হয় না।", "What agencies with services of their own have submitted. Nothing is in force before the district accepts it.")
	wordAgenciesNone  = name("কোনো সংস্থাকে সেবা দেওয়ার অধিকার দেওয়া হয়নি।", "No agency has been given a namespace.")
	wordAgencyNothing = name("এখন কিছু অপেক্ষায় নেই।", "Nothing waits.")
	wordAgencyWaits   = name("অপেক্ষায়: দাখিল নম্বর", "Waits: submission number")
	wordAgencyEditor  = name("যিনি দাখিল করেছেন", "Submitted by")
	wordAgencyNote    = name("তাঁর কথা", "His note")
	wordAgencyUntil   = name("সংস্থার মেয়াদ", "The agency’s last day")
	wordAgencyRevoked = name("অধিকার ফেরত নেওয়া হয়েছে", "Its namespace was taken back")
	wordAgencyInForce = name("কার্যকর সেবা", "Services in force")
	wordAgencyChanges = name("যা বদলাবে", "What it would change")
	wordAgencyNew     = name("নতুন সেবা", "a new service")
	wordAgencyGone    = name("সেবাটি উঠে যাবে", "the service is withdrawn")
	wordAgencyVersion = name("সংস্করণ", "version")
	wordAgencyAccept  = name("গ্রহণ করতে", "To accept it")
	wordAgencyKey     = name("গ্রহণ করতে তালিকার চাবি লাগে, যা কোনো সার্ভারের পাতায় নেই। চাবি যাঁর কাছে, তিনি সার্ভারে এই নির্দেশ দেবেন (অন্য কম্পিউটার থেকে হলে --dir-এর জায়গায় --key, --url ও --session):", "Accepting takes the catalogue’s key, which no page has. Whoever holds it gives this command on a server (from another computer, with --key, --url and --session in place of --dir):")
	wordAgencyRefuse  = name("ফিরিয়ে দিন", "Refuse it")
	wordAgencyWhy     = name("কেন (সংস্থা এটি পড়বে)", "Why (the agency reads this)")
	wordAgencyBefore  = name("আগে যা হয়েছে", "What became of the others")
	wordAgencyMoved   = name("সংস্থাটি এর মধ্যে অন্য কিছু দাখিল করেছে, বা এটি নিষ্পত্তি হয়েছে: আবার দেখুন।", "The agency has submitted something else meanwhile, or it is decided: look again.")
)

// submissionWords are what may become of a submission.
var submissionWords = map[string]place.Name{
	"waits":    name("অপেক্ষায়", "Waits"),
	"accepted": name("গৃহীত", "Accepted"),
	"refused":  name("ফিরিয়ে দেওয়া হয়েছে", "Refused"),
	"replaced": name("পরের দাখিল এর জায়গা নিয়েছে", "Replaced by a later one"),
}

// partWords are what two versions of a service may have differently, by catalogue.Fields.
var partWords = map[string]place.Name{
	"name":         name("নাম", "Name"),
	"category":     name("শ্রেণি ও ধরন", "Category and kind"),
	"channels":     name("যেভাবে আবেদন করা যায়", "Channels"),
	"centre_types": name("যে ধরনের কেন্দ্রে", "Types of centres"),
	"training":     name("প্রশিক্ষণ", "Trainings"),
	"offline":      name("সংযোগ ছাড়া গ্রহণ", "Taken without a link"),
	"keep_days":    name("নিষ্পত্তির পরে যত দিন রাখা হয়", "Days for which it is kept after its end"),
	"sla_days":     name("কার্যদিবস", "Working days"),
	"grace_days":   name("আগের সংস্করণ যত দিন চলে", "Days for which the version before goes on"),
	"info_days":    name("চাওয়া তথ্য আনার দিন", "Days to bring what is asked for"),
	"refund":       name("ফেরতের অংশ (যাচাইয়ের আগে / যাচাইয়ের সময় / প্রত্যাখ্যানে)", "Refunds (before the review / in it / where rejected)"),
	"fee_at":       name("ফি কখন", "When fees are due"),
	"fees":         name("ফির সংখ্যা", "Number of fees"),
	"fee":          name("ফি", "Fee"),
	"fee_rule":     name("ফির ধরন, সীমা বা শর্ত বদলেছে", "A fee’s kind, ceiling or condition is another"),
	"documents":    name("কাগজপত্র (সংখ্যা)", "Documents (how many)"),
	"procedure":    name("টাকা জমা, ইস্যু, সরবরাহ বা আপিলের নিয়ম অন্য রকম", "Payment, issue, delivery or appeals are otherwise"),
	"checks":       name("যাচাই বা শর্ত অন্য রকম", "Checks or rules are otherwise"),
	"steps":        name("ধাপ", "Steps"),
	"form":         name("ফরম অন্য রকম", "The form is another"),
}

// codeWords are codes that stand in what two versions have differently.
var codeWords = map[string]place.Name{
	"intake":         name("নেওয়া হয়", "taken"),
	"online_only":    name("নেওয়া হয় না", "not taken"),
	"submit":         name("আবেদনের সময়", "with the application"),
	"before_review":  name("যাচাইয়ের আগে", "before the review"),
	"after_approval": name("অনুমোদনের পরে", "after the approval"),
	"days":           name("দিন", "days"),
}

// part is one thing that would be otherwise, in a sentence.
func (v caseView) part(l Lang, p catalogue.Alteration) string {
	text := l.Say(partWords[p.Field])
	if of := p.Of; of != "" {
		for kind, n := range feeWords {
			of = strings.Replace(of, "("+kind+")", "("+l.Say(n)+")", 1)
		}
		text += " " + l.Digits(of)
	}
	switch from, to := v.altered(l, p.Field, p.From), v.altered(l, p.Field, p.To); {
	case to == "":
		return text
	case from == "":
		return text + ": " + to
	default:
		return text + ": " + from + " → " + to
	}
}

// altered puts one side of an alteration into words.
func (v caseView) altered(l Lang, field, s string) string {
	each := func(list []string, word func(string) place.Name) string {
		for i := range list {
			list[i] = l.Say(word(list[i]))
		}
		return strings.Join(list, ", ")
	}
	switch {
	case s == "":
		return ""
	case field == "fee":
		return l.poisha(s)
	case field == "steps":
		return each(strings.Split(s, " → "), v.post)
	case field == "channels":
		return each(strings.Fields(strings.Trim(s, "[]")), channelName)
	case field == "offline" || field == "fee_at":
		for code, n := range codeWords {
			s = strings.Replace(s, code, l.Say(n), 1)
		}
	}
	return l.Digits(s)
}

// poisha is a sum that came as a text.
func (l Lang) poisha(s string) string {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return s
	}
	return l.Taka(n)
}

// An agencyView is one agency and what of it waits.
type agencyView struct {
	api.Agency
	Latest *api.Submission // What waits; nil: nothing does.
	Waits  api.WaitingSubmission
	Typed  string
}

// Accepts is the command that accepts what waits.
func (v agencyView) Accepts() string {
	return "kendro catalogue agency accept " + v.Code + " --dir /var/lib/kendro/hub"
}

// decided are the submissions that do not wait.
func (v agencyView) decided() []api.Submission {
	return slices.DeleteFunc(slices.Clone(v.Submissions), func(s api.Submission) bool { return s.State == "waits" })
}

type agenciesView struct {
	Agencies []agencyView
	Refuses  bool // The reader may refuse.
	Key      string
	Names    caseView // Of posts.
}

// agencyPages show what agencies submit, to who runs the machines.
type agencyPages struct{ *desk }

func (d agencyPages) list(w http.ResponseWriter, r *http.Request, c api.Caller) {
	d.listed(w, r, c, nil, nil)
}

// listed shows the list, after a refusal with what was typed.
func (d agencyPages) listed(w http.ResponseWriter, r *http.Request, c api.Caller, typed url.Values, refused error) {
	v := agenciesView{Refuses: access.ScopeOf(c.Role, access.Publish) != access.Never, Key: api.NewKey(), Names: caseView{dir: &place.Directory{}}}
	if set := d.house.Set(); set != nil {
		v.Names.dir = set.Directory
	}
	var all api.AgencyList
	if err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: api.AgenciesPath, Out: &all}); err != nil {
		d.failed(w, r, err)
		return
	}
	for _, a := range all.Agencies {
		x := agencyView{Agency: a}
		if typed.Get("agency") == a.Code {
			x.Typed = typed.Get("reason")
		}
		if len(a.Submissions) > 0 && a.Submissions[0].State == "waits" {
			err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: api.AgenciesPath + "/" + a.Code + "/waiting", Out: &x.Waits})
			if err != nil && fault.KindOf(err) != fault.NotFound {
				d.failed(w, r, err)
				return
			}
			if err == nil {
				x.Latest = &a.Submissions[0]
			}
		}
		v.Agencies = append(v.Agencies, x)
	}
	p, status := d.page(r, wordAgencies), http.StatusOK
	p.Here = "/desk/agencies"
	if refused != nil {
		words := wordsFor(refused)
		if fault.KindOf(refused) == fault.Conflict {
			words = wordAgencyMoved
		}
		p.Problems = []problem{{Text: p.Say(words)}}
		status = api.ProblemOf(refused).Status
	}
	if r.URL.Query().Get("done") != "" {
		p.Notice = p.Say(wordDone)
	}
	d.show(w, r, status, agenciesPage(p, v))
}

// refuse says that what an agency submitted is not taken, and why. Another submission than the
// one on the page is left alone.
func (d agencyPages) refuse(w http.ResponseWriter, r *http.Request, c api.Caller) {
	values, err := post(w, r)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	path := api.AgenciesPath + "/" + url.PathEscape(values.Get("agency"))
	var now api.WaitingSubmission
	err = api.Inside(d.api, r).Do(r.Context(), api.Call{Path: path + "/waiting", Out: &now})
	if fault.KindOf(err) == fault.NotFound || err == nil && strconv.FormatUint(uint64(now.Number), 10) != values.Get("number") {
		err = fault.New("web.refuse", fault.Conflict, values.Get("agency"), "something else waits now")
	}
	if err == nil {
		err = api.Inside(d.api, r).Do(r.Context(), api.Call{
			Method: http.MethodPost, Path: path + "/refuse", Key: values.Get("key"), In: api.AgencyWord{Reason: strings.TrimSpace(values.Get("reason"))},
		})
	}
	if err != nil {
		d.listed(w, r, c, values, err)
		return
	}
	http.Redirect(w, r, "/desk/agencies?done=1", http.StatusSeeOther)
}
