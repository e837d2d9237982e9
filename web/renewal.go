package web

import (
	"net/http"
	"net/url"
	"strings"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

// Words of a renewal at the counter.
var (
	wordRenewing    = name("নবায়ন: আগের সনদ থেকে পূরণ করুন", "A renewal: fill it from the certificate before")
	wordRenewWhat   = name("সনদ নম্বর, স্ক্যান করা সংকেত, অথবা নাম", "Number, text of the scanned code, or a name")
	wordRenewHint   = name("যেমন TL-41-09-17-000001। নাম, প্রতিষ্ঠান বা মোবাইলের শেষ অংশ লিখলে এই কেন্দ্রের সনদ খোঁজা হবে।", "Such as TL-41-09-17-000001. A name, a business or the end of a mobile searches the certificates of this centre.")
	wordRenewMobile = name("ধারকের মোবাইলের শেষ ৪ সংখ্যা (অন্য কেন্দ্রের সনদে)", "Last 4 digits of the holder’s mobile (for another centre’s)")
	wordRenewFind   = name("পূরণ করুন", "Fill in")
	wordRenewFilled = name("আগের সনদ থেকে পূরণ করা হয়েছে। আবেদনকারীর সঙ্গে মিলিয়ে দেখুন।", "Filled in from the certificate before. Compare it with the applicant.")
	wordRenewEarly  = name("নতুন মেয়াদ আগের মেয়াদের শেষ থেকে গোনা হবে, যদি নবায়ন হয়", "The new time counts from the end of the one before, where it is renewed from")
	wordRenewNone   = name("এই কেন্দ্রে এমন সনদ পাওয়া যায়নি।", "No such certificate was found at this centre.")
	wordRenewGone   = name("এই সনদ নবায়ন করা যায় না: এটি আগেই নবায়ন হয়েছে, বা আর বৈধ নয়।", "This certificate can’t be renewed: it was renewed already, or holds no more.")
	wordRenewAlone  = name("এটি অন্য কেন্দ্রের সনদ, আর এখন জেলার সঙ্গে সংযোগ নেই: সংকেতটি স্ক্যান করুন, বা হাতে পূরণ করুন।", "It is another centre’s, and there is no link to the district now: scan its code, or fill the form in by hand.")
)

// The fields with which a page asks for what a renewal begins with, and the code that goes
// on with it.
const (
	fieldRenews = "renews"
	fieldMobile = "mobile"
	fieldCode   = "renewal_code"
)

// A beforeView is the certificate that is renewed, or those that a search found.
type beforeView struct {
	Typed, Mobile string
	Answer        *api.RenewalAnswer
	Found         []api.HeldCertificate
}

// before asks for what a renewal begins with, where the page was called for one, and fills
// the form in. It is nil where the service knows no renewal.
func (c *counter) before(r *http.Request, p *page, sh paper, values url.Values) *beforeView {
	if sh.version.Renewal() == nil || p.Base != "" { // A hub has no such call.
		return nil
	}
	q := r.URL.Query()
	v := &beforeView{Typed: strings.TrimSpace(q.Get(fieldRenews)), Mobile: q.Get(fieldMobile)}
	if v.Typed == "" {
		return v
	}
	err := c.begins(r, v)
	if err == nil && v.Answer != nil && v.Answer.Service != sh.version.ID {
		err = fault.New("web.before", fault.NotFound, v.Answer.Number, "another service's")
	}
	if err != nil {
		words := wordsFor(err)
		switch fault.KindOf(err) { //nolint:exhaustive // The others are said as everywhere.
		case fault.NotFound:
			words = wordRenewNone
		case fault.Conflict:
			words = wordRenewGone
		case fault.Unavailable:
			words = wordRenewAlone
		case fault.Invalid, fault.Denied:
			words = wordBadPaper
		}
		v.Answer = nil
		p.Problems = []problem{{Anchor: fieldRenews, Text: p.Say(words)}}
		return v
	}
	if v.Answer != nil {
		spread(values, "applicant", stored(v.Answer.Applicant))
		spread(values, "form", stored(v.Answer.Form))
		values.Set(fieldCode, v.Answer.Code)
		p.Notice = p.Say(wordRenewFilled)
	}
	return v
}

// begins asks the API about what was typed: a number, the text of a code, or words.
func (c *counter) begins(r *http.Request, v *beforeView) error {
	q, number := url.Values{}, v.Typed
	if protocol.IsAttestation(v.Typed) {
		a, err := protocol.ParseAttestation(v.Typed)
		if err != nil {
			return err
		}
		number = a.Number
		q.Set("code", v.Typed)
	}
	if v.Mobile != "" {
		q.Set(fieldMobile, v.Mobile)
	}
	number, err := protocol.ParseCertificateNumber(number)
	if err != nil || !strings.Contains(number, "-") {
		var list api.HeldList
		err := api.Inside(c.api, r).Do(r.Context(), api.Call{Path: "/v1/certificates?" + url.Values{"q": {v.Typed}}.Encode(), Out: &list})
		if err == nil && len(list.Certificates) == 0 {
			err = fault.New("web.before", fault.NotFound, "", "nothing found")
		}
		v.Found = list.Certificates
		return err
	}
	v.Answer = &api.RenewalAnswer{}
	return api.Inside(c.api, r).Do(r.Context(), api.Call{Path: "/v1/certificates/" + number + "/renewal?" + q.Encode(), Out: v.Answer})
}

// renewLink fills a form in from a certificate that was found.
func renewLink(v *dcat.Version, number string) string {
	return "/apply/" + v.ID + "?" + url.Values{fieldRenews: {number}}.Encode()
}
