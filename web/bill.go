package web

import (
	"net/http"
	"strconv"
	"strings"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// Words for what is to be paid, before money is taken.
var (
	wordOwedNow     = name("জমা দিতে হবে", "To be paid")
	wordOwedFor     = name("কিসের জন্য", "What for")
	wordForReview   = name("আবেদন দেখার আগে জমা", "Paid before the application is looked at")
	wordForIssue    = name("অনুমোদনের পরের ফি", "The fee after the approval")
	wordHubOwes     = name("জেলা দপ্তর এইমাত্র জানিয়েছে", "The district’s office, just now")
	wordSaidBefore  = name("জেলা দপ্তর আগে যা জানিয়েছিল; এখন জিজ্ঞেস করা যাচ্ছে না", "The district’s office when it was asked before; it can’t be asked now")
	wordBoxOwes     = name("এই কেন্দ্রের বাক্স", "This centre’s box")
	wordSaidBy      = name("কে জানিয়েছে", "Said by")
	wordOwedUnknown = name("কত টাকা দিতে হবে তা এখন এখানে জানা নেই: জেলা দপ্তরকে জিজ্ঞেস করা যাচ্ছে না। চাহিদাপত্র বা বার্তায় লেখা টাকা নিন ও নম্বর মিলিয়ে দেখুন।",
		"How much is to be paid is not known here now: the district’s office can’t be asked. Take the sum on the notice, and compare the number.")
	wordOwedNobody = name("এই নম্বরের কোনো আবেদন জেলায় এখনো নেই। রসিদের সঙ্গে প্রতিটি অঙ্ক মিলিয়ে দেখুন। নম্বর ঠিক থাকলে আবেদনটি এখনো পথে থাকতে পারে।",
		"The district has no application of this number yet. Compare each digit with the slip. If the number is right, the application may still be on its way.")
	wordOwesNothing = name("এই আবেদনের জন্য এখন কোনো টাকা বকেয়া নেই। এখন টাকা নিলে তা অতিরিক্ত জমা হবে এবং ফেরত দিতে হবে।",
		"Nothing is to be paid on this application now. Money that is taken now is an overpayment and has to be paid back.")
	wordOwesLapsed = name("টাকা জমার সময় পেরিয়ে গেছে। আজ জমা নিলে আবেদন আর চালু হবে না; শেষ দিনের মধ্যে দেওয়া চালান বা জমাই শুধু গণ্য হবে।",
		"The time to pay is over. A payment of today doesn’t take the application up again; only one made by the last day counts.")
	wordLastDayWas = name("শেষ দিন ছিল:", "The last day was:")
	wordTakenHere  = name("এই কেন্দ্রে এর জন্য আগে টাকা নেওয়া হয়েছে:", "This centre has taken money for it before:")
	wordTwiceHere  = name("জেলা দপ্তর হয়তো এখনো তা জানে না। দুবার নেবেন না।", "The district’s office may not have heard of it yet. Don’t take it twice.")
	wordOtherSum   = name("লেখা টাকা বকেয়া টাকার সমান নয়। বকেয়া:", "The sum is not the one that is to be paid. To be paid:")
	wordAskedSum   = name("লেখা হয়েছে:", "Written:")
	wordSlipNumber = name("রসিদের ক্রম", "number on its slip")
)

// forWords say what a demand is for.
var forWords = map[string]place.Name{protocol.ForReview: wordForReview, protocol.ForIssue: wordForIssue}

// saidWords say whose word a bill is.
var saidWords = map[string]place.Name{api.FromBox: wordBoxOwes, api.FromHub: wordHubOwes, api.FromMemory: wordSaidBefore}

// bill asks what is to be paid, where a payment may be taken.
func (c *counter) bill(r *http.Request, v *visitView) (*api.Bill, error) {
	if c.base != "" || !v.may("payments") {
		return nil, nil //nolint:nilnil // No money is taken.
	}
	b := &api.Bill{}
	return b, api.Inside(c.api, r).Do(r.Context(), api.Call{Path: "/v1/applications/" + v.Number.String() + "/payments", Out: b})
}

// owed is the open demand as one types it.
func (v *visitView) owed(l Lang) string {
	if v.Bill == nil || v.Bill.Demand == nil {
		return ""
	}
	return l.Digits(takaText(v.Bill.Demand.Poisha))
}

// owes says of another centre's case what is to be paid, and whose word that is.
func (v *visitView) owes(l Lang) []line {
	b := v.Bill
	if b == nil || !b.Known() {
		return nil
	}
	list := []line{{Label: wordStage, Value: l.Say(stageName(b.Stage))}}
	for _, d := range []*api.DemandNote{b.Demand, b.Lapsed} {
		if d == nil {
			continue
		}
		list = append(list, line{Label: wordOwedNow, Value: l.Taka(d.Poisha) + " · " + l.Say(wordUntil) + " " + l.DateOr(d.Due, wordUnknownYet)})
		if w, ok := forWords[d.For]; ok {
			list = append(list, line{Label: wordOwedFor, Value: l.Say(w)})
		}
	}
	list = append(list, line{Label: wordSaidBy, Value: l.Say(saidWords[b.Source])})
	if b.AsOf != nil {
		list = append(list, line{Label: wordAsOf, Value: l.Moment(b.AsOf.Time)})
	}
	return list
}

// cautions say what speaks against taking money now, or as much as was typed. None of it
// keeps anybody from taking it: a centre without a link takes what the citizen brings.
func (v *visitView) cautions(l Lang) []string {
	b := v.Bill
	if b == nil || v.Tried != "" && v.Tried != "payments" {
		return nil
	}
	var list []string
	switch {
	case b.Source == api.FromNobody:
		list = append(list, l.Say(wordOwedNobody))
	case !b.Known():
		list = append(list, l.Say(wordOwedUnknown))
	case b.Lapsed != nil:
		list = append(list, l.Say(wordOwesLapsed)+" "+l.Say(wordLastDayWas)+" "+l.DateOr(b.Lapsed.Due, wordUnknownYet))
	case b.Stage == application.FeeLapsed.String(): // Said in a standing, which has no day.
		list = append(list, l.Say(wordOwesLapsed))
	case b.Demand == nil:
		list = append(list, l.Say(wordOwesNothing))
	}
	for _, t := range b.Taken {
		if t.Voided {
			continue
		}
		said := l.Say(wordTakenHere) + " " + l.Taka(total(t.Fees)) + ", " + l.Moment(t.At.Time) + ", " + l.Say(wordSlipNumber) + " " + l.Digits(strconv.FormatUint(t.Seq, 10)) + "."
		if b.AsOf == nil || !t.At.Before(b.AsOf.Time) || b.Demand != nil && b.Source == api.FromBox {
			said += " " + l.Say(wordTwiceHere)
		}
		list = append(list, said)
	}
	if typed, err := parseTaka(strings.TrimSpace(v.Typed.Get(string(dcat.Government)))); err == nil && b.Demand != nil && typed != b.Demand.Poisha {
		list = append(list, l.Say(wordOtherSum)+" "+l.Taka(b.Demand.Poisha)+". "+l.Say(wordAskedSum)+" "+l.Taka(typed)+".")
	}
	return list
}
