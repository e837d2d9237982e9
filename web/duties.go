package web

import (
	"strings"

	"kendro/domain/application"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// Words for what a citizen has to do, as a clerk reads them out.
var (
	wordYourTurn    = name("এখন আপনাকে যা করতে হবে", "What you have to do now")
	wordForYou      = name("আপনার জন্য", "For you")
	wordBring       = name("যে কেন্দ্রে আবেদন করেছেন সেখানে এগুলো নিয়ে আসুন:", "Bring this to the centre where you applied:")
	wordBringBy     = name("আনার শেষ দিন:", "The last day to bring it is:")
	wordBroughtLate = name("আনার শেষ দিন পেরিয়ে গেছে; দপ্তর যা আছে তা দিয়েই সিদ্ধান্ত নেবে। সিদ্ধান্তের আগে আনলে এখনও নেওয়া হবে। শেষ দিন ছিল:", "The time for it is over, and the office decides with what it has. What you bring before that is still taken. The last day was:")
	wordBroughtOver = name("সময় পেরিয়েছে; শেষ দিন ছিল", "Overdue; the last day was")
	wordNoTerm      = name("কোনো শেষ দিন নেই", "No last day")
	wordWhySaid     = name("কারণ:", "Why:")
	wordWhyAnew     = name("সেবাটির নিয়ম বদলেছে, তাই এগুলো এখন লাগবে। আগের রসিদ ও ফি বহাল আছে।", "The rules of the service have changed, so this is asked for now. Your receipt and its fee stay valid.")
	wordPayNow      = name("এই টাকা জমা দিন:", "Pay this sum:")
	wordPayBy       = name("জমার শেষ দিন:", "The last day is:")
	wordPayWhere    = name("জেলার যেকোনো ডিজিটাল সেন্টারে নগদ বা মোবাইলে, অথবা ব্যাংক চালানে জমা দেওয়া যায়। রসিদ যত্নে রাখুন।", "Any digital centre of the district takes cash or mobile money, and any bank a challan. Keep the receipt.")
	wordLapsedSay   = name("টাকা জমার সময় পেরিয়ে গেছে। শেষ দিনের মধ্যে জমা দিয়ে থাকলে চালান বা রসিদ নিয়ে যেকোনো কেন্দ্রে আসুন।", "The time to pay is over. If you paid before the last day, bring the challan or the receipt to any centre.")
	wordOwedBack    = name("আপনি ফেরত পাবেন (রসিদ ও পরিচয়পত্র নিয়ে দপ্তরে যান):", "You get back (go to the office with your receipt and a paper that shows who you are):")
	wordPaidBack    = name("আপনাকে ফেরত দেওয়া হয়েছে:", "You were paid back:")
	wordFetch       = name("কাগজ প্রস্তুত। রসিদ ও পরিচয়পত্র নিয়ে এসে বুঝে নিন:", "It is ready. Bring your receipt and a paper that shows who you are, and fetch it:")
	wordByPostSay   = name("কাগজ প্রস্তুত। এটি আপনার ঠিকানায় ডাকে পাঠানো হবে।", "It is ready and goes to your address by post.")
	wordOnItsWay    = name("কাগজ ডাকে পাঠানো হয়েছে।", "It is in the post.")
	wordCameBack    = name("ডাক থেকে ফেরত এসেছে। কীভাবে নেবেন তা দপ্তরে জানান।", "The post brought it back. Tell the office how you want to have it.")
	wordMayAppeal   = name("সিদ্ধান্তে আপত্তি থাকলে আপিল করা যায়। আপিলের শেষ দিন:", "If you object to the decision you may appeal until:")
	wordNothingDue  = name("এখন আপনার কিছু করার নেই। দপ্তর কাজ করছে।", "There is nothing for you to do. The office is at work.")
	wordOver        = name("আবেদনটির কাজ শেষ হয়েছে।", "Nothing more is to be done on this application.")
	wordPaperWaits  = name("আপনার সনদটি সাময়িক: উপরের দপ্তর এখনো এটি নিশ্চিত করেনি।", "Your certificate is provisional: the office above has yet to confirm it.")
	wordPaperNone   = name("আপনার হাতের সাময়িক সনদটি জেলা নিশ্চিত করেনি: এটি বৈধ নয়। সনদটি কেন্দ্রে ফেরত দিন।", "The district has not confirmed the provisional certificate that you hold: it is worth nothing. Bring it back to the centre.")
	wordPaperGone   = name("আপনার সনদটি বাতিল করা হয়েছে: এটি আর বৈধ নয়।", "Your certificate was revoked: it holds no more.")
	wordLateSay     = name("কাজটির নির্ধারিত সময় পেরিয়েছে; ঊর্ধ্বতন কর্মকর্তাকে জানানো হয়েছে।", "It is late, and a superior officer has been told.")
)

// paperWords say what a certificate in the citizen's hand is worth, where it is not what he
// thinks.
var paperWords = map[string]place.Name{
	protocol.CertificateWaits: wordPaperWaits, protocol.CertificateRefused: wordPaperNone, protocol.CertificateRevoked: wordPaperGone,
}

// duties say in plain words what the citizen has to do, whatever the stage, and
// what he may expect: they are read out as they stand.
func duties(l Lang, t *api.Tracking) []string {
	var list []string
	say := func(words place.Name, more ...string) {
		list = append(list, strings.TrimSpace(l.Say(words)+" "+strings.Join(more, ", ")))
	}
	if w, ok := paperWords[t.Paper]; ok {
		say(w)
	}
	switch t.Stage {
	case application.InfoRequested.String():
		list = append(list, bringing(l, t)...)
	case application.FeeDue.String():
		if t.Demand != nil {
			say(wordPayNow, l.Taka(t.Demand.Poisha))
			say(wordPayBy, l.DateOr(t.Demand.Due, wordUnknownYet))
			say(wordPayWhere)
		}
	case application.FeeLapsed.String():
		say(wordLapsedSay)
	case application.Ready.String():
		if t.Mode == "post" {
			say(wordByPostSay)
		} else {
			say(wordFetch, l.Say(modeName(t.Mode)))
		}
	case application.Posted.String():
		say(wordOnItsWay)
	case application.Returned.String():
		say(wordCameBack)
	case application.Rejected.String(), application.Closed.String(), application.Delivered.String(), application.Withdrawn.String(), application.Duplicate.String():
		say(wordOver)
	default:
		if len(t.Asked) > 0 {
			list = append(list, bringing(l, t)...)
		} else if t.Paper != protocol.CertificateRefused {
			say(wordNothingDue)
		}
	}
	if t.AppealBy != nil {
		say(wordMayAppeal, l.Day(t.AppealBy.Time))
	}
	if r := t.Refund; r != nil {
		if r.Owed > 0 {
			say(wordOwedBack, l.Taka(r.Owed))
		}
		if r.Paid > 0 {
			say(wordPaidBack, l.Taka(r.Paid))
		}
	}
	if w, ok := correctionWords[t.Putting]; ok {
		say(w)
	}
	if t.Overdue {
		say(wordLateSay)
	}
	return list
}

// bringing says what the citizen has to bring, why, and until when.
func bringing(l Lang, t *api.Tracking) (list []string) {
	say := func(words place.Name, more ...string) {
		list = append(list, strings.TrimSpace(l.Say(words)+" "+strings.Join(more, ", ")))
	}
	var names []string
	for _, n := range t.AskedNames {
		names = append(names, l.Say(n.Name()))
	}
	say(wordBring, names...)
	switch t.Why {
	case "":
	case protocol.WhyAnew:
		say(wordWhySaid, l.Say(wordWhyAnew))
	default:
		say(wordWhySaid, t.Why)
	}
	switch {
	case t.AskedOver:
		say(wordBroughtLate, l.DateOr(t.AskedUntil, wordUnknownYet))
	case t.AskedUntil != nil:
		say(wordBringBy, l.Day(t.AskedUntil.Time))
	}
	return list
}

// askedLine says until when a citizen may bring what is asked for.
func askedLine(l Lang, a *api.Asking) string {
	switch {
	case a.AskedOver:
		return l.Say(wordBroughtOver) + " " + l.DateOr(a.AskedUntil, wordUnknownYet)
	case a.AskedUntil != nil:
		return l.Say(wordUntil) + " " + l.Day(a.AskedUntil.Time)
	}
	return l.Say(wordNoTerm)
}

// owes reports whether the citizen is the one who is waited for, or would still be heard.
func owes(t *api.Tracking) bool {
	if t.Paper == protocol.CertificateRefused || len(t.Asked) > 0 {
		return true
	}
	switch t.Stage {
	case application.InfoRequested.String(), application.FeeDue.String(), application.FeeLapsed.String(), application.Ready.String(), application.Returned.String():
		return true
	}
	return false
}
