package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kendro/catalogue"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/digit"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// Words of the counter's pages on a case that was filed before.
var (
	wordVisits      = name("আগের আবেদন", "Earlier applications")
	wordVisitHint   = name("টাকা জমা, চাওয়া কাগজ, প্রত্যাহার বা হস্তান্তরের জন্য রসিদের নম্বর লিখুন।", "For a payment, what was asked for, a withdrawal or to hand over: write the number on the receipt.")
	wordWaits       = name("আবেদনকারীর অপেক্ষায়", "Waiting for the applicant")
	wordNoneWait    = name("এই কেন্দ্রের কোনো আবেদন এখন আবেদনকারীর অপেক্ষায় নেই।", "No application of this centre waits for its applicant just now.")
	wordOtherCentre = name("আবেদনটি অন্য কেন্দ্রের। এখানে শুধু টাকা জমা নেওয়া যায়।", "Another centre took this application. Only a payment can be taken here.")
	wordMeans       = name("যেভাবে দিয়েছেন", "How it was paid")
	wordGovernment  = name("সরকারি ফি (টাকা)", "Government fee (taka)")
	wordCharge      = name("সেবামূল্য (টাকা)", "Service charge (taka)")
	wordBankDay     = name("ব্যাংকে জমার তারিখ (শুধু চালানে)", "The bank’s day (challans only)")
	wordSlipSeq     = name("জমার রসিদের ক্রম", "Number on the payment’s slip")
	wordWhyVoid     = name("কেন বাতিল করছেন", "Why it is voided")
	wordBadProof    = name("রসিদের গ্রহণ-কোড লিখুন, অথবা কী দেখে চিনলেন তা লিখুন।", "Write the collection code on the receipt, or how you know the person.")
	wordBadVoid     = name("জমার রসিদের ক্রম ও বাতিলের কারণ লিখুন।", "Write the number on the payment’s slip, and why it is voided.")
	wordNoPayment   = name("এই ক্রমে এই আবেদনের কোনো জমা এখানে নেওয়া হয়নি।", "No payment for this application was taken here under this number.")
	wordWhyBackOut  = name("কেন প্রত্যাহার করছেন", "Why it is withdrawn")
	wordWhyAppeal   = name("সিদ্ধান্তে কী ভুল", "What is wrong with the decision")
	wordSealedCase  = name("অভিযোগটি সিল করা। কী লেখা আছে ও কার বিরুদ্ধে, তা এই কেন্দ্র থেকে দেখা যায় না।", "This grievance is sealed. Nobody at this centre can read it, or whom it is about.")
	wordSealedFix   = name("এই কেন্দ্র আগের উত্তর দেখতে পায় না। যা বদলাবে শুধু তা আবার লিখুন; খালি ঘর আগের মতোই থাকে। সংশোধনও সিল হয়ে যায়।", "This centre can’t see the answers that there are. Write again only what changes; what is left empty stays as it is. What you write is sealed as well.")
	wordSaysToIt    = name("আবেদনকারী আর যা বলতে চান", "What else the applicant has to say")
	wordWhoCame     = name("কে নিয়েছেন", "Who came for it")
	wordSlip        = name("প্রাপ্তি রসিদ", "Acknowledgement")
	wordNeedsMeans  = name("টাকার পরিমাণ ও মাধ্যম লিখুন। চালান বা মোবাইলের বেলায় নম্বরও লাগবে।", "Write the sum and how it was paid; for a challan or mobile money its number too.")
	wordTooDear     = name("সেবামূল্য নির্ধারিত সীমার বেশি নেওয়া যাবে না।", "The service charge is above the ceiling of this service.")
	wordNotNow      = name("এখন এটি করা যায় না। আবেদনের বর্তমান অবস্থা দেখুন।", "This is not possible now. Look at where the application stands.")
	wordToCase      = name("আবেদনে ফিরে যান", "Back to the application")
	wordNoneBrought = name("যা এনেছেন তা পূরণ করুন বা টিক দিন।", "Fill in or tick what was brought.")
)

// meansWords say how money was paid.
var meansWords = []struct {
	Code string
	Name place.Name
}{
	{protocol.MeansCash, name("নগদ", "Cash")},
	{protocol.MeansMobile, name("মোবাইল ব্যাংকিং", "Mobile money")},
	{protocol.MeansChallan, name("ব্যাংক চালান", "Bank challan")},
}

// A visitAct is an act at the counter, by the last word of its call.
type visitAct struct {
	Act  string
	Done place.Name // What the slip says.
	actPage
}

// visitPages are what a counter does on a case that was filed before, in the order
// of the page. Each is a call of the API of the same name.
var visitPages = []visitAct{
	{"payments", name("টাকা জমা নেওয়া হয়েছে", "The payment has been taken"), actPage{
		Title: name("টাকা জমা নিন", "Take a payment"), Button: name("জমা নিন", "Take it"), Class: "main",
		Sure: name("টাকা গুনে ও নম্বর মিলিয়ে দেখুন। লিপিবদ্ধ জমা মোছা যায় না।", "Count the money and compare the number. A payment is never deleted."),
	}},
	{"supplement", name("চাওয়া তথ্য ও কাগজ জমা হয়েছে", "What was asked for has been taken"), actPage{
		Title: name("চাওয়া তথ্য ও কাগজ জমা নিন", "Take what was asked for"), Button: name("জমা নিন", "Take it"), Class: "main",
	}},
	{"correction", name("সংশোধন নেওয়া হয়েছে", "The correction has been taken"), actPage{
		Title: name("ভুল উত্তর সংশোধন", "Put an answer right"), Button: name("সংশোধন জমা নিন", "Take the correction"), Class: "second", Folded: true,
		Hint: name("শুধু যা ভুল লেখা হয়েছে তা বদলান। কর্মকর্তা যার ওপর সিদ্ধান্ত দিয়েছেন, তা তিনি আগে দেখবেন।", "Change only what was taken down wrongly. What an officer has decided on, he looks at first."),
	}},
	{"hand-over", name("হস্তান্তর করা হয়েছে", "It has been handed over"), actPage{
		Title: name("আবেদনকারীকে হস্তান্তর", "Hand over to the applicant"), Button: name("হস্তান্তর করুন", "Hand over"), Class: "main",
		Hint: name("রসিদের গ্রহণ-কোড মিলিয়ে নিন। রসিদ না থাকলে পরিচয়পত্র দেখে নিন।", "Ask for the collection code on the receipt. Without a receipt, look at a paper that shows who it is."),
		Sure: name("আবেদনকারী কাগজ বুঝে পেয়েছেন বলে লিপিবদ্ধ হবে।", "It will be on record that the applicant has it."),
	}},
	{"appeal", name("আপিল নেওয়া হয়েছে", "The appeal has been taken"), actPage{
		Title: name("সিদ্ধান্তের বিরুদ্ধে আপিল", "Appeal against the decision"), Button: name("আপিল জমা নিন", "Take the appeal"), Class: "main", Folded: true,
		Hint: name("পরের ধাপের কর্মকর্তা আবার দেখবেন; যিনি সিদ্ধান্ত দিয়েছেন তিনি নন।", "The next post above looks at it again, and not who has decided."),
		Sure: name("আপিল মোছা যায় না। আবেদনকারীকে পড়ে শোনান।", "An appeal can’t be taken back. Read this out to the applicant."),
	}},
	{"void", name("জমা বাতিল করা হয়েছে", "The payment has been voided"), actPage{
		Title: name("ভুল জমা বাতিল", "Void a payment"), Button: name("জমা বাতিল করুন", "Void it"), Class: "danger", Folded: true,
		Hint: name("শুধু এই কেন্দ্রে নেওয়া জমা। নম্বরটি জমার রসিদে, লগের নামের পরে আছে।", "Only a payment that was taken here. The number stands on its slip, behind the name of the log."),
		Sure: name("জমাটি মোছা হয় না: বাতিলটি আলাদা লেখা থাকে, টাকা আবার বকেয়া হয় এবং তদারককারী কারণটি দেখেন।", "The payment is not deleted: the void stands beside it, the money is owed again, and whoever watches the centre reads why."),
	}},
	{"withdrawal", name("প্রত্যাহারের আবেদন নেওয়া হয়েছে", "The withdrawal has been taken"), actPage{
		Title: name("আবেদন প্রত্যাহার", "Withdraw the application"), Button: name("প্রত্যাহার করুন", "Withdraw"), Class: "danger", Folded: true,
		Hint: name("শুধু আবেদনকারী নিজে চাইলে।", "Only if the applicant asks for it."),
		Sure: name("প্রত্যাহার করা আবেদন আর চালু করা যায় না। আবেদনকারীকে পড়ে শোনান।", "An application that is withdrawn can’t be taken up again. Read this out to the applicant."),
	}},
}

// A visitView is a case at the counter, after its application.
type visitView struct {
	Number   protocol.Number
	Record   *api.Record // Nil: another centre's.
	Track    *api.Tracking
	Bill     *api.Bill // What is to be paid; nil where no money is taken.
	Duties   []string
	Offers   []offer
	Key      string
	Tried    string
	Typed    url.Values
	Answers  []question // That were asked for.
	Papers   []paperQuestion
	Fix      []question // What can be put right, with what the case has.
	Saw      string     // The answers as the page shows them, to tell what others change meanwhile.
	Fixed    []line     // What was put right.
	version  *dcat.Version
	asks     *dcat.Version // Under which what it waits for is answered; mostly the same.
	problems []api.FieldProblem
}

func (v *visitView) kept(act, field string) string {
	if v.Tried != act {
		return ""
	}
	return v.Typed.Get(field)
}

// visits lists what waits for its applicant, and finds a case by its number.
func (c *counter) visits(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	p := c.page(r, wordVisits)
	typed := strings.TrimSpace(r.URL.Query().Get("number"))
	status := http.StatusOK
	if typed != "" {
		n, err := protocol.ParseNumber(typed)
		if err == nil {
			http.Redirect(w, r, "/cases/"+n.String(), http.StatusSeeOther) //nolint:gosec // Our own path with a receive number.
			return
		}
		status = http.StatusBadRequest
		p.Problems = []problem{{Anchor: "number", Text: p.Say(wordBadNumber)}}
	}
	var list api.WaitingList
	if err := api.Inside(c.api, r).Do(r.Context(), api.Call{Path: "/v1/waiting", Out: &list}); err != nil {
		c.failed(w, r, err)
		return
	}
	c.show(w, r, status, visitsPage(p, typed, list.Applications))
}

// visit shows a case with what its applicant can do about it here.
func (c *counter) visit(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	p := c.page(r, wordVisits)
	v, err := c.visitOf(r, p, tried{values: url.Values{}})
	if err != nil {
		c.failed(w, r, err)
		return
	}
	c.priced(w, r, &v, func() { c.show(w, r, http.StatusOK, visitPage(p, v)) })
}

// priced has a page shown once it is known what is to be paid. The hub may have to be asked,
// and be silent for seconds: only a page that says it waits for that, never what takes a payment.
func (c *counter) priced(w http.ResponseWriter, r *http.Request, v *visitView, show func()) {
	var err error
	if v.Bill, err = c.bill(r, v); err != nil {
		c.failed(w, r, err)
		return
	}
	show()
}

// visitOf looks a case up: the box's own with all that it knows, another centre's
// by its number alone.
func (c *counter) visitOf(r *http.Request, p *page, t tried) (visitView, error) {
	v := visitView{Key: api.NewKey(), Tried: t.action, Typed: t.values}
	var err error
	if v.Number, err = protocol.ParseNumber(r.PathValue("number")); err != nil {
		return v, fault.New("web.visit", fault.NotFound, "", "the path holds no receive number")
	}
	v.Record, err = c.record(r)
	if errors.Is(err, fault.NotFound) {
		v.Record = nil
		v.Offers = c.visitOffers(&v)
		return v, nil
	}
	if err == nil {
		v.Track, err = c.lookUp(r, v.Number.String())
	}
	if err != nil {
		return v, err
	}
	v.version = pinned(c.house.Set(), v.Record)
	if v.asks = v.version; v.Track.AskedUnder > 0 {
		newer := *v.Record
		newer.Service.Version = v.Track.AskedUnder
		v.asks = pinned(c.house.Set(), &newer)
	}
	v.Duties = duties(p.Lang, v.Track)
	v.Offers = c.visitOffers(&v)
	if v.asks != nil && len(v.Track.Asked) > 0 {
		v.asked(p.Lang, t)
	}
	if v.may("correction") {
		v.fix(p.Lang, t)
	}
	return v, nil
}

// visitOffers are the acts that make sense where the case stands; the box asks
// again, and what comes too late an officer decides about.
func (c *counter) visitOffers(v *visitView) []offer {
	var list []offer
	for _, x := range visitPages {
		if v.may(x.Act) && (c.base == "" || slices.Contains(enteredActs, x.Act)) {
			list = append(list, offer{ActNote: api.ActNote{Action: x.Act}, actPage: x.actPage})
		}
	}
	return list
}

func (v *visitView) may(act string) bool {
	if v.Track == nil {
		return act == "payments" || act == "void"
	}
	stage, err := application.ParseStage(v.Track.Stage)
	if err != nil {
		return false
	}
	switch act {
	case "payments":
		return v.Track.Demand != nil || stage == application.FeeLapsed // It may have been paid in time.
	case "supplement":
		return len(v.Track.Asked) > 0
	case "correction":
		open := stage == application.Submitted || application.After(stage, application.Correct) != application.None
		return v.version != nil && open
	case "void":
		return application.After(stage, application.Void) != application.None
	case "hand-over":
		return stage == application.Ready && v.Track.Mode != "post" || stage == application.Posted || stage == application.Returned
	case "appeal":
		return v.Track.AppealBy != nil && (stage == application.Rejected || stage == application.Closed)
	case "withdrawal":
		decided := stage == application.FeeDue && (v.version == nil || v.version.FeeAt != dcat.BeforeReview)
		return application.After(stage, application.Withdraw) != application.None && !decided
	}
	return false
}

// asked draws the answers and documents that the applicant is asked for, and no
// others, with what the case has for them.
func (v *visitView) asked(l Lang, t tried) {
	s := sheet{lang: l, values: t.values, errors: v.problems}
	if t.action != "supplement" {
		s.values = url.Values{}
		spread(s.values, "form", stored(v.Record.Form))
	}
	var ask []catalogue.Field
	if form, err := catalogue.CompileForm(v.asks.Form); err == nil {
		ask = slices.DeleteFunc(slices.Clone(form.Fields()), func(f catalogue.Field) bool {
			name := "form." + f.Name
			along := v.Track.AskedUnder > 0 && (s.errorAt(name) != "" || t.values.Get(name) != "") // A newer form wants it with what it asks.
			return !along && !slices.Contains(v.Track.Asked, name)
		})
	}
	v.Answers = s.questions(ask, "form")
	for _, d := range v.asks.Documents {
		if slices.Contains(v.Track.Asked, d.ID) {
			v.Papers = append(v.Papers, paperQuestion{
				Document: d, Ticked: t.values.Get("documents."+d.ID) != "", Scan: scanOf(t.values, d.ID), Error: s.errorAt("documents." + d.ID),
			})
		}
	}
}

// plainText is an answer as one types it.
func plainText(x any) string {
	switch y := x.(type) {
	case string:
		return y
	case bool:
		if y {
			return "1"
		}
		return ""
	}
	return text(EN, x)
}

// visited does what the counter was asked for on a case, and shows the slip.
func (c *counter) visited(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	values, wrong, err := c.filled(w, r)
	if err != nil {
		c.failed(w, r, err)
		return
	}
	p := c.page(r, wordVisits)
	p.Here = p.visits() + r.PathValue("number")
	t := tried{action: r.PathValue("act"), values: values}
	v, err := c.visitOf(r, p, t)
	if err != nil {
		c.failed(w, r, err)
		return
	}
	i := slices.IndexFunc(visitPages, func(x visitAct) bool { return x.Act == t.action })
	if i < 0 || c.base != "" && !slices.Contains(enteredActs, t.action) {
		c.failed(w, r, fault.New("web.visited", fault.NotFound, t.action, "no such act"))
		return
	}
	in, words := v.body(p.Lang, t.action)
	switch {
	case len(wrong) > 0:
		c.untaken(w, r, p, v, tried{err: &api.Refusal{Err: fault.New("web.visited", fault.Invalid, "documents", "a file"), Errors: wrong}})
		return
	case words != (place.Name{}):
		c.untaken(w, r, p, v, tried{err: fault.New("web.visited", fault.Invalid, t.action, "not complete"), words: words})
		return
	case values.Get("back") != "":
		c.priced(w, r, &v, func() { c.show(w, r, http.StatusOK, visitPage(p, v)) })
		return
	case visitPages[i].Sure != (place.Name{}) && values.Get("sure") == "":
		p.Title = wordSure
		c.priced(w, r, &v, func() { c.show(w, r, http.StatusOK, surePage(p, v.sure(p, visitPages[i].actPage))) })
		return
	}
	var out api.FollowupAnswer
	call := api.Call{Path: "/v1/applications/" + v.Number.String() + "/" + t.action + whyCame(values), Key: values.Get("key"), In: in, Out: &out}
	if err := api.Inside(c.api, r).Do(context.WithoutCancel(r.Context()), call); err != nil {
		c.untaken(w, r, p, v, tried{err: err})
		return
	}
	p.Title = wordSlip
	c.show(w, r, http.StatusCreated, visitSlip(p, v, visitPages[i].Done, out))
}

// untaken shows the case again with what stands in the way.
func (c *counter) untaken(w http.ResponseWriter, r *http.Request, p *page, v visitView, t tried) {
	words, kind := t.words, fault.KindOf(t.err)
	refused, listed := errors.AsType[*api.Refusal](t.err)
	switch {
	case listed && len(refused.Errors) > 0 && v.asks != nil:
		v.problems = v.placed(named(v.asks, v.Typed, refused.Errors))
		p.Problems = summary(p.Lang, v.problems)
		v.Papers = nil
		v.asked(p.Lang, tried{action: v.Tried, values: v.Typed})
		v.fix(p.Lang, tried{action: v.Tried, values: v.Typed})
	case words != (place.Name{}):
	case kind == fault.Conflict && v.Tried == "correction":
		words = wordFixMoved
	case kind == fault.Conflict:
		words = wordNotNow
	case kind == fault.NotFound && v.Tried == "void":
		words = wordNoPayment
	case kind == fault.Invalid && v.Tried == "payments":
		words = wordTooDear
	case kind == fault.Limited && v.Tried == "hand-over":
		words = wordManyCodes
	case kind == fault.Invalid && v.Tried == "hand-over":
		words = wordBadCode
	default:
		words = wordsFor(t.err)
	}
	if len(p.Problems) == 0 {
		p.Problems = []problem{{Anchor: "act-" + v.Tried, Text: p.Say(words)}}
	}
	c.priced(w, r, &v, func() { c.show(w, r, api.ProblemOf(t.err).Status, visitPage(p, v)) })
}

// body is what was filled in, as the API has it, or the words for what is missing.
func (v *visitView) body(l Lang, act string) (any, place.Name) {
	get := func(name string) string { return strings.TrimSpace(v.Typed.Get(name)) }
	switch act {
	case "payments":
		return v.payment()
	case "correction":
		return v.correction(l)
	case "void":
		seq, err := strconv.ParseUint(digit.InLatin(get("seq")), 10, 64)
		if err != nil || seq == 0 || get("reason") == "" {
			return nil, wordBadVoid
		}
		return api.VoidRequest{Seq: seq, Reason: get("reason")}, place.Name{}
	case "withdrawal":
		return api.WithdrawRequest{Reason: get("reason")}, place.Name{}
	case "appeal":
		if get("text") == "" {
			return nil, wordBadActs
		}
		return api.AppealRequest{Text: get("text")}, place.Name{}
	case "hand-over":
		if get("proof") == "" && get("code") == "" {
			return nil, wordBadProof
		}
		return api.HandOverRequest{Proof: get("proof"), Code: get("code"), Text: get("text")}, place.Name{}
	}
	in := api.SupplyRequest{Text: get("text")}
	var fields []catalogue.Field
	for _, q := range v.Answers {
		fields = append(fields, q.Field)
	}
	if given := answers(v.Typed, fields, "form"); len(given) > 0 {
		raw, err := json.Marshal(given)
		if err != nil {
			return nil, wordBadActs
		}
		in.Form = raw
	}
	for _, d := range v.Papers {
		if d.Scan != "" || d.Ticked {
			in.Documents = append(in.Documents, api.DocumentRequest{Kind: d.ID, SHA256: d.Scan, OriginalAtCounter: d.Ticked && d.Scan == ""})
		}
	}
	if len(in.Form) == 0 && len(in.Documents) == 0 {
		return nil, wordNoneBrought
	}
	return in, place.Name{}
}

// payment reads the sums and what shows them.
func (v *visitView) payment() (any, place.Name) {
	in := api.PaymentRequest{Means: v.Typed.Get("means"), Reference: digit.InLatin(strings.TrimSpace(v.Typed.Get("reference")))}
	for _, kind := range []dcat.FeeKind{dcat.Government, dcat.ServiceCharge} {
		typed := strings.TrimSpace(v.Typed.Get(string(kind)))
		if typed == "" {
			continue
		}
		poisha, err := parseTaka(typed)
		if err != nil {
			return nil, wordBadSum
		}
		if poisha > 0 {
			in.Fees = append(in.Fees, protocol.Fee{Kind: string(kind), Poisha: poisha})
		}
	}
	if in.Means == protocol.MeansChallan {
		in.PaidOn = dayOf(v.Typed.Get("paid_on"))
	}
	if len(in.Fees) == 0 || in.Means == "" || in.Means != protocol.MeansCash && in.Reference == "" {
		return nil, wordNeedsMeans
	}
	return in, place.Name{}
}

// means is how it was paid, empty where nothing was.
func (v *visitView) means() place.Name {
	for _, m := range meansWords {
		if m.Code == v.Typed.Get("means") {
			return m.Name
		}
	}
	return place.Name{}
}

// textIs is what the act's text says.
func (v *visitView) textIs() place.Name {
	if v.Tried == "appeal" {
		return wordWhyAppeal
	}
	return wordWhoCame
}

// sure is the question before what can't be taken back.
func (v *visitView) sure(p *page, a actPage) sureView {
	l := p.Lang
	s := sureView{Page: a, Number: v.Number, Cautions: v.cautions(l), Path: p.visits() + v.Number.String() + "/" + v.Tried, Hidden: hiddenOf(v.Typed)}
	if v.Record != nil {
		s.Service = v.Record.Service.Name
	}
	for _, x := range []struct {
		label place.Name
		field string
	}{
		{wordGovernment, string(dcat.Government)},
		{wordCharge, string(dcat.ServiceCharge)},
		{wordReference, "reference"},
		{wordBankDay, "paid_on"},
		{wordProofSeen, "proof"},
		{v.textIs(), "text"},
		{map[bool]place.Name{true: wordWhyVoid, false: wordWhyBackOut}[v.Tried == "void"], "reason"},
		{wordSlipSeq, "seq"},
	} {
		typed := v.Typed.Get(x.field)
		if x.field == "paid_on" {
			typed = dayText(l, typed)
		}
		if typed != "" {
			s.Lines = append(s.Lines, line{Label: x.label, Value: l.Numerals(typed)})
		}
	}
	if m := v.means(); m != (place.Name{}) {
		s.Lines = append(s.Lines, line{Label: wordMeans, Value: l.Say(m)})
	}
	return s
}
