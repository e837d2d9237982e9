package web

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kendro/catalogue"
	"kendro/domain/application"
	"kendro/domain/digit"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// An actPage is how an act of the procedure looks to the officer who may do it.
type actPage struct {
	Title  place.Name
	Hint   place.Name // Empty: none.
	Button place.Name
	Sure   place.Name // What can't be taken back, asked before it is done; empty: nothing.
	Folded bool       // Seldom wanted: behind its title.
	Leaves bool       // The case leaves the desk with it.
	Class  string     // Of the button.
}

// actOrder is the order of the acts on a page: what a case waits for comes first.
var actOrder = []application.Action{
	application.Take, application.Check, application.Decide, application.Forward, application.Approve, application.Reject,
	application.Issue, application.HandOver, application.Dispatch, application.Pay, application.Appeal, application.RequestInfo,
	application.Return, application.HandBack, application.ComeBack, application.Prepare, application.Link, application.Close, application.Revoke, application.Note,
}

// actPages are the acts in words. Every act that an officer may do has its own.
var actPages = map[string]actPage{
	application.Take.String(): {
		Title: wordTake, Button: wordTake, Class: "main",
		Hint: wordTakeHint,
	},
	application.Note.String(): {Title: wordNote, Button: wordNote, Class: "second", Folded: true},
	application.Decide.String(): {
		Title: wordDecide, Button: wordDecideButton, Class: "main",
	},
	application.Forward.String(): {Title: wordForward, Button: wordForward, Class: "main", Leaves: true},
	application.Approve.String(): {
		Title: wordApprove, Button: wordApprove, Class: "main", Leaves: true,
		Sure: name("অনুমোদন চূড়ান্ত। আবেদনকারীকে জানানো হবে এবং এটি আর ফেরানো যাবে না।", "An approval is final. The applicant is told, and it can’t be taken back."),
	},
	application.Reject.String(): {
		Title: wordReject, Button: wordReject, Class: "danger", Leaves: true,
		Sure: name("নামঞ্জুর চূড়ান্ত। আবেদনকারী কারণসহ জানবেন; কেবল আপিলে এটি বদলাতে পারে।", "A rejection is final. The applicant is told the reason; only an appeal can change it."),
	},
	application.RequestInfo.String(): {
		Title: name("আবেদনকারীর কাছে তথ্য চান", "Ask the applicant for something"), Button: name("তথ্য চান", "Ask for it"), Class: "second", Folded: true,
		Hint: name("শুধু যা সত্যিই দরকার তা বেছে নিন। উত্তর না আসা পর্যন্ত আপনার সময়ের হিসাব থেমে থাকবে।", "Choose only what you really need. Your time stands still until it has come."),
	},
	application.Return.String(): {
		Title: name("আগের টেবিলে ফেরত দিন", "Send back to the desk before"), Button: name("ফেরত দিন", "Send back"), Class: "second", Folded: true, Leaves: true,
		Hint: name("যা ঠিক করতে হবে তা লিখুন। ফেরত দেওয়া নথি আলাদা করে গোনা হয়।", "Write what has to be put right. Cases that are sent back are counted."),
	},
	application.HandBack.String(): {
		Title: name("যে টেবিল থেকে নিয়েছিলেন সেখানে ফিরিয়ে দিন", "Give back to the desk from which you took it"), Button: name("ফিরিয়ে দিন", "Give back"), Class: "second", Folded: true, Leaves: true,
		Hint: name("কী করতে হবে তা লিখুন। নথিতে আপনার লেখা সবই থাকে।", "Write what has to be done. All that you wrote stays in the case."),
	},
	application.Check.String(): {
		Title: name("আবশ্যিক যাচাই", "Required check"), Button: name("যাচাই লিপিবদ্ধ করুন", "Record the check"), Class: "main",
	},
	application.Link.String(): {
		Title: name("একই আবেদন আগেও আছে", "The same application is here already"), Button: name("একই আবেদন হিসেবে চিহ্নিত করুন", "Mark as the same"), Class: "danger", Folded: true, Leaves: true,
		Hint: name("এই নথি বন্ধ হবে; দুটি নম্বরই মূল নথির অবস্থা দেখাবে।", "This case ends; both numbers then show where the other one is."),
		Sure: name("নথিটি বন্ধ হয়ে যাবে এবং আর খোলা যাবে না। নম্বরটি আরেকবার মিলিয়ে দেখুন।", "The case ends and can’t be opened again. Compare the number once more."),
	},
	application.Pay.String(): {
		Title: name("ফি জমা লিপিবদ্ধ করুন", "Book a payment"), Button: name("জমা লিপিবদ্ধ করুন", "Book the payment"), Class: "main",
		Hint: name("চালান বা রসিদ হাতে নিয়ে টাকা, তারিখ ও নম্বর মিলিয়ে লিখুন।", "With the challan or the receipt in your hand, write its sum, day and number."),
		Sure: name("লিপিবদ্ধ জমা মোছা যায় না; ভুল হলে আলাদা করে সমন্বয় করতে হয়। টাকা ও তারিখ মিলিয়ে দেখুন।", "A payment that is booked is never deleted; a mistake has to be put right apart. Compare the sum and the day."),
	},
	application.Prepare.String(): {
		Title: name("সরবরাহের তারিখ বদলান", "Change the delivery date"), Button: name("তারিখ বদলান", "Change the date"), Class: "second", Folded: true,
		Hint: name("আবেদনকারীকে নতুন তারিখ জানানো হবে।", "The applicant is told the new date."),
	},
	application.Revoke.String(): {
		Title: name("সনদ বাতিল করুন", "Take the certificate back"), Button: name("সনদ বাতিল করুন", "Revoke it"), Class: "danger", Folded: true,
		Hint: name("উপজেলার সব কেন্দ্রকে জানানো হবে। ধারক আপিল করতে পারেন।", "Every centre of the upazila is told. The holder may appeal."),
		Sure: name("বাতিল করা সনদ আর বৈধ হয় না; আপিলে কেবল নতুন সনদ দেওয়া যায়। আবেদনকারীকে জানান।", "A certificate that is revoked never holds again; an appeal can only bring a new one. Tell its holder."),
	},
	application.Issue.String(): {
		Title: name("স্বাক্ষর করে ইস্যু করুন", "Sign and issue"), Button: name("স্বাক্ষর করে ইস্যু করুন", "Sign and issue"), Class: "main",
		Sure: name("ইস্যু করা কপি আপনার নামে নিবন্ধিত হবে এবং আর ফেরানো যাবে না।", "What is issued stands in your name and can’t be taken back."),
	},
	application.HandOver.String(): {
		Title: name("আবেদনকারীকে হস্তান্তর", "Hand over to the applicant"), Button: name("হস্তান্তর করুন", "Hand over"), Class: "main",
		Hint: name("পরিচয়পত্র দেখে নিন এবং কী দেখলেন তা লিখুন।", "Look at a paper that shows who it is, and write which."),
		Sure: name("আবেদনকারী কপি বুঝে পেয়েছেন বলে নথিতে থাকবে।", "The case will say that the applicant has it."),
	},
	application.Dispatch.String(): {
		Title: name("ডাকে পাঠান", "Post it"), Button: name("ডাকে পাঠানো হয়েছে", "It was posted"), Class: "main",
		Hint: name("ডাক রসিদের নম্বর লিখুন।", "Write the article number on the post office’s receipt."),
	},
	application.ComeBack.String(): {
		Title: name("ডাক থেকে ফেরত এসেছে", "The post brought it back"), Button: name("ফেরত লিপিবদ্ধ করুন", "Record it"), Class: "second", Folded: true,
	},
	application.Close.String(): {
		Title: name("নথি সমাপ্ত করুন", "Close the case"), Button: name("সমাপ্ত করুন", "Close"), Class: "second", Folded: true,
		Sure: name("সমাপ্ত নথি কেবল আপিলে আবার খোলে।", "A closed case is opened again by an appeal alone."),
	},
	application.Appeal.String(): {
		Title: name("আপিল গ্রহণ করুন", "Take up an appeal"), Button: name("আপিল গ্রহণ করুন", "Take it up"), Class: "main",
		Hint: name("আবেদনকারীর আপত্তি সংক্ষেপে লিখুন। নথিটি আপনার কাছে আসবে।", "Write down shortly what the applicant objects to. The case comes to you."),
	},
}

// Words for the fields of acts.
var (
	wordWhatToDo    = name("এখন যা করা যায়", "What you can do now")
	wordNothingToDo = name("এই ধাপে আপনার করার কিছু নেই।", "There is nothing for you to do at this stage.")
	wordItems       = name("যা চাই", "What is asked for")
	wordWhyAsked    = name("কেন দরকার (আবেদনকারী এটি পড়বেন)", "Why (the applicant reads this)")
	wordWhyBack     = name("কেন ফেরত দিচ্ছেন", "Why it is sent back")
	wordWhichCheck  = name("কোন যাচাই", "Which check")
	wordFromCase    = name("নথির কাগজ থেকে বেছে নিন", "Choose a document of the case")
	wordNewScan     = name("অথবা নতুন স্ক্যান দিন (PDF, JPEG বা PNG)", "Or attach a new scan (PDF, JPEG or PNG)")
	wordNone        = name("কোনোটি নয়", "None")
	wordOtherNumber = name("মূল নথির গ্রহণ নম্বর", "Receive number of the other case")
	wordWhySame     = name("কেন একই আবেদন মনে করেন", "Why you take them for the same")
	wordVariance    = name("বর্তমান ফির সাথে পার্থক্য (রসিদ বহাল)", "Against the fees in force (the receipt stands)")
	wordToPayBack   = name("ফেরত দিতে হবে", "To be paid back")
	wordIsPaidBack  = name("ফেরত দেওয়া হয়েছে", "Paid back")
	wordSum         = name("জমার পরিমাণ (টাকা)", "Sum paid (taka)")
	wordPaidOn      = name("জমার তারিখ", "Day of the payment")
	wordReference   = name("চালান বা লেনদেনের নম্বর", "Number of the challan or the transfer")
	wordArticle     = name("ডাকের নিবন্ধন নম্বর", "Article number of the post")
	wordNewDate     = name("নতুন তারিখ", "New date")
	wordCollectCode = name("গ্রহণ-কোড", "Collection code")
	wordCodeOrProof = name("রসিদের গ্রহণ-কোড", "Collection code on the receipt")
	wordBadCode     = name("গ্রহণ-কোডটি এই আবেদনের রসিদের নয়। আবার পড়ুন, অথবা পরিচয়পত্র দেখে নিন।", "The collection code is not the one on this application’s receipt. Read it again, or look at a paper that shows who it is.")
	wordManyCodes   = name("এই আবেদনে পাঁচবার ভুল গ্রহণ-কোড দেওয়া হয়েছে। আগামীকাল পর্যন্ত কোডের ঘর খালি রাখুন এবং পরিচয়পত্র দেখে নিন।", "Five wrong collection codes were given for this application. Leave the code out until tomorrow, and look at a paper that shows who it is.")
	wordProofSeen   = name("কী দেখে চিনলেন, যেমন এনআইডি", "How you know the person, such as the NID")
	wordObjection   = name("আপত্তি", "The objection")
	wordSure        = name("নিশ্চিত করুন", "Please confirm")
	wordYesDo       = name("হ্যাঁ", "Yes")
	wordGoBack      = name("না, ফিরে যান", "No, go back")
	wordRemarkPlain = name("লেখা", "What you wrote")
	wordToPay       = name("জমা দিতে হবে", "To be paid")
	wordUntil       = name("শেষ দিন", "by")
	wordIsDone      = name("হয়েছে", "done")
	wordNotDone     = name("বাকি", "still to do")
	wordDelivery    = name("সরবরাহের তারিখ", "Delivery date")
	wordMode        = name("যেভাবে পাবেন", "How it is delivered")
	wordSeenBy      = name("মেয়াদ পেরোনোয় দেখছেন", "Overdue, seen by")
	wordAskedUntil  = name("আনার শেষ দিন", "To be brought by")
	wordNoAnswer    = name("সময়ের মধ্যে জবাব আসেনি; শেষ দিন ছিল", "No answer within the term; the last day was")
	wordBrought     = name("শেষ দিনের পরে আনা", "Brought after the last day")
	wordAppealUntil = name("আপিলের শেষ দিন", "Appeal until")
	wordBadSum      = name("টাকার পরিমাণ ঠিক নয়। যেমন ১৪০ বা ১৪০.৫০ লিখুন।", "The sum is not right. Write it as 140 or 140.50.")
	wordBadActs     = name("প্রয়োজনীয় ঘরগুলো পূরণ করে আবার চেষ্টা করুন।", "Fill in what is needed, then try again.")
	wordCheckRule   = name("আগে এই আবশ্যিক যাচাই লিপিবদ্ধ করুন:", "This required check has to be recorded before:")
	wordRuleRule    = name("সেবার এই শর্তটি পূরণ হয়নি:", "This rule of the service does not hold:")
	wordFurtherDesk = name("আরও একটি আবশ্যিক টেবিলের সিদ্ধান্ত বাকি; নথিটি পাঠান।", "A mandatory desk has yet to decide: forward the case.")
	wordLikelyRule  = name("আগের একটি আবেদন সম্ভবত একই বিষয়ের, তাই এটি এখন অনুমোদন করা যায় না। দুটি মিলিয়ে দেখুন; আলাদা হলে অমীমাংসিত বিষয়ের তালিকায় নিষ্পত্তি করুন, একই হলে নিচে একই আবেদন হিসেবে চিহ্নিত করুন। আগের নম্বর:", "An earlier application is likely about the same, so this one can’t be approved now. Compare the two: if they differ, settle that among the unsettled matters; if they are the same, mark this one as the same below. The earlier one:")
	wordNextDesk    = name("পরের টেবিল", "the next one")
	wordNoDeskRule  = name("এই এলাকায় পরের পদের কোনো দপ্তর নেই। জেলা প্রশাসনকে জানান:", "No office of this area has the next post. Tell the district:")
)

// modeWords say how what is issued reaches the applicant.
var modeWords = map[string]place.Name{
	"centre":  name("কেন্দ্র থেকে", "From the centre"),
	"counter": name("দপ্তরের কাউন্টার থেকে", "From the office’s counter"),
	"post":    name("ডাকে", "By post"),
}

// An offer is one act that the reader of a page may do.
type offer struct {
	api.ActNote
	actPage
	Locked place.Name // Why not yet; empty: it may be done.
	Named  string     // What Locked is about.
	ToName place.Name // Where it leads.
}

// offers puts what the API offers into the order and the words of the page.
func (v *caseView) offers(acts []api.ActNote) []offer {
	var list []offer
	for _, a := range actOrder {
		for _, n := range acts {
			if n.Action != a.String() || n.Action == application.Check.String() && len(v.undone()) == 0 {
				continue
			}
			o := offer{ActNote: n, actPage: actPages[n.Action]}
			o.ToName = v.seat(n.To)
			o.Locked, o.Named = v.locked(n)
			list = append(list, o)
		}
	}
	return list
}

// locked says what an act waits for.
func (v *caseView) locked(n api.ActNote) (why place.Name, named string) {
	l := v.lang
	switch application.Bar(n.Bar) {
	case application.BarDecision:
		if n.Action == application.Forward.String() {
			return wordForwardRule, ""
		}
		return wordEndRule, ""
	case application.BarCheck:
		named = n.Item
		for _, k := range v.Record.Checks {
			if k.ID == n.Item {
				named = l.Say(k.Name)
			}
		}
		return wordCheckRule, named
	case application.BarRule:
		named = n.Item
		if v.version != nil {
			if r, ok := v.version.Rule(n.Item); ok {
				named = l.Say(r.Says)
			}
		}
		return wordRuleRule, named
	case application.BarMandatory:
		return wordFurtherDesk, ""
	case api.BarNumbers:
		return wordNoNumbers, ""
	case application.BarLikely:
		named = n.Item
		if k, err := protocol.ParseNumber(n.Item); err == nil {
			named = l.Number(k)
		}
		return wordLikelyRule, named
	case application.BarDesk:
		return wordNoDeskRule, l.Say(v.post(n.Item))
	}
	return place.Name{}, ""
}

// desks are those to which a case may be forwarded, by the post that the call names: the next
// one's is empty, where there is one.
func (v *caseView) desks(o offer) []catalogue.Option {
	var list []catalogue.Option
	if o.To != "" {
		next := place.Name{BN: o.ToName.BN + " (" + wordNextDesk.BN + ")", EN: o.ToName.EN + " (" + wordNextDesk.EN + ")"}
		list = append(list, catalogue.Option{Label: next})
	}
	for _, s := range o.Further {
		post, _, _ := strings.Cut(s, "@")
		list = append(list, catalogue.Option{Value: post, Label: v.seat(s)})
	}
	return list
}

// undone are the checks that are still to be done.
func (v *caseView) undone() []api.CheckNote {
	var list []api.CheckNote
	for _, k := range v.Record.Checks {
		if !k.Done {
			list = append(list, k)
		}
	}
	return list
}

// scans are the documents of the case that can show a check.
func (v *caseView) scans() []enclosure {
	var list []enclosure
	for _, e := range v.Enclosed {
		if e.Scan != "" && !e.Missing {
			list = append(list, e)
		}
	}
	return list
}

// askable lists what the applicant may be asked for, in the form's order.
func (v *caseView) askable() []catalogue.Option {
	if v.version == nil {
		return nil
	}
	names := api.Askable(v.version)
	var list []catalogue.Option
	add := func(id string) {
		if n, ok := names[id]; ok {
			list = append(list, catalogue.Option{Value: id, Label: n})
		}
	}
	for _, f := range v.fields {
		add("form." + f.Name)
	}
	for _, d := range v.version.Documents {
		add(d.ID)
	}
	return list
}

// needed reports whether the lines of an act have to be filled in.
func (v *caseView) needed(o offer) bool {
	return o.Action != application.HandOver.String() && (o.Action != application.Pay.String() || len(v.latePays()) == 0)
}

// itemName is what an item that an applicant is asked for is called.
func (v *caseView) itemName(id string) place.Name {
	for _, o := range v.askable() {
		if o.Value == id {
			return o.Label
		}
	}
	return place.Name{BN: id, EN: id}
}

// scanKey is the input under which an act's scan is kept.
const scanKey = "scan"

// request is what an officer filled in for an act, as the API's body. Only the
// sum is a matter of the page: people write taka.
func (v *caseView) request(action string) (api.ActionRequest, error) {
	get := func(name string) string { return strings.TrimSpace(v.Typed.Get(name)) }
	in := api.ActionRequest{
		Text: get("text"), Opinion: get("opinion"), ReasonCode: get("reason_code"), Reason: get("reason"), Items: v.Typed["items"],
		Check: get("check"), SHA256: scanOf(v.Typed, scanKey), PaidOn: dayOf(get("paid_on")), Reference: digit.InLatin(get("reference")), Books: get("books"),
		Date: dayOf(get("date")), Code: get("code"), To: get("to"), Primary: get("primary"), Cites: v.Typed["cites"],
	}
	if in.SHA256 == "" {
		in.SHA256 = get("document")
	}
	if action == application.HandOver.String() && in.Code == "" && in.Text == "" {
		return in, fault.New("web.act", fault.Invalid, "text", wordBadProof.EN)
	}
	if action != application.Pay.String() || in.Books != "" { // Else the sum is the one that its centre brought.
		return in, nil
	}
	var err error
	in.Poisha, err = parseTaka(get("taka"))
	return in, err
}

// parseTaka reads a sum in taka, such as "140", "1,40.50" or "১৪০", in poisha.
func parseTaka(s string) (int64, error) {
	whole, rest, _ := strings.Cut(strings.NewReplacer(",", "", "৳", "", " ", "").Replace(digit.InLatin(s)), ".")
	t, err := strconv.ParseUint(whole, 10, 40)
	if err == nil && rest != "" {
		var p uint64
		if p, err = strconv.ParseUint((rest + "0")[:2], 10, 8); err == nil && len(rest) <= 2 {
			return int64(t*100 + p), nil
		}
	}
	if err != nil || rest != "" {
		return 0, fault.New("web.parseTaka", fault.Invalid, "taka", "want a sum such as 140.50")
	}
	return int64(t * 100), nil
}

// takaText is a sum as one types it.
func takaText(poisha int64) string {
	s := strconv.FormatInt(poisha/100, 10)
	if rest := poisha % 100; rest != 0 {
		s += "." + strconv.FormatInt(100+rest, 10)[1:]
	}
	return s
}

// owed is the open demand as one types it, empty for none.
func (v *caseView) owed() string {
	if v.Record.Demand == nil {
		return ""
	}
	return v.lang.Digits(takaText(v.Record.Demand.Poisha))
}

// said is what was typed into an act, in words.
func (v *caseView) said() []line {
	var list []line
	add := func(label place.Name, text string) {
		if text != "" {
			list = append(list, line{Label: label, Value: text})
		}
	}
	if code := v.Typed.Get("reason_code"); code != "" {
		add(wordReason, v.lang.Say(v.reasonName(code)))
	}
	add(wordOtherNumber, v.Typed.Get("primary"))
	if it := v.booked(); it != nil {
		add(wordWhichPay, latePay(v.lang, it))
	} else if poisha, err := parseTaka(v.Typed.Get("taka")); err == nil {
		add(wordSum, v.lang.Taka(poisha))
	}
	add(wordPaidOn, dayText(v.lang, v.Typed.Get("paid_on")))
	add(wordReference, v.Typed.Get("reference"))
	add(wordCollectCode, v.lang.Digits(v.Typed.Get("code")))
	add(wordRemarkPlain, v.Typed.Get("text")+v.Typed.Get("reason"))
	return list
}

// A sureView is the question before what can't be taken back.
type sureView struct {
	Page    actPage
	Number  protocol.Number
	Service place.Name
	Lines   []line // What was typed.

	Cautions []string // What speaks against it.

	Path   string
	Hidden []input
}

func (v *caseView) sure() sureView {
	return sureView{
		Page: actPages[v.Tried], Number: v.Record.Number, Service: v.Record.Service.Name, Lines: v.said(),
		Path: "/desk/cases/" + v.Record.Number.String() + "/" + v.Tried, Hidden: hiddenOf(v.Typed),
	}
}

// hiddenOf carries what was typed over the question whether one is sure.
func hiddenOf(typed url.Values) []input {
	var list []input
	for _, name := range slices.Sorted(maps.Keys(typed)) {
		for _, value := range typed[name] {
			list = append(list, input{name, value})
		}
	}
	return list
}

// modeName says how what is issued reaches the applicant.
func modeName(mode string) place.Name {
	if n, ok := modeWords[mode]; ok {
		return n
	}
	return place.Name{BN: mode, EN: mode}
}
