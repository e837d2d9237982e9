package web

import (
	"net/url"

	"kendro/catalogue"
	"kendro/domain/place"
	"kendro/protocol"
)

// Why an applicant came to the counter once more is asked with each act, and shown in the report
// (R-SV9).
var wordWhyCame = name("আবেদনকারী কেন এসেছেন", "Why the applicant came")

// visitWords are why somebody comes once more, on the counter's page and in the report.
var visitWords = map[string]place.Name{
	"question":    name("দপ্তর কিছু চেয়েছে", "The office had asked"),
	"wrong-paper": name("আগে আনা কাগজ বা উত্তর ঠিক ছিল না", "What was brought before was wrong"),
	"payment":     name("টাকা জমা", "To pay"),
	"hand-over":   name("কাগজ নিতে", "To fetch what was issued"),
	"other":       name("অন্য কারণ", "Something else"),
}

// whyCame says in a call why the applicant came, where the counter chose a reason.
func whyCame(values url.Values) string {
	if values.Get("visit") == "" {
		return ""
	}
	return "?" + url.Values{"visit": {values.Get("visit")}}.Encode()
}

// visitReasons are why somebody comes once more, in the order of the list.
func visitReasons() []catalogue.Option {
	list := make([]catalogue.Option, 0, len(protocol.VisitNames()))
	for _, id := range protocol.VisitNames() {
		list = append(list, catalogue.Option{Value: id, Label: visitWords[id]})
	}
	return list
}

// usualVisit is why somebody comes for an act.
func usualVisit(act string) string {
	switch act {
	case "supplement":
		return protocol.VisitQuestion.String()
	case "payments":
		return protocol.VisitPayment.String()
	case "hand-over":
		return protocol.VisitHandOver.String()
	}
	return protocol.VisitOther.String()
}
