package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"kendro/domain/fault"
	"kendro/domain/measure"
	"kendro/domain/place"
	"kendro/web/api"
)

// Words of the report on what desks have come to.
var (
	wordReport      = name("কাজের প্রতিবেদন", "What was done")
	wordReportFrom  = name("প্রথম দিন", "First day")
	wordReportTo    = name("শেষ দিন", "Last day")
	wordReportHint  = name("কর্মকর্তার সময় গোনা হয় তাঁর অফিসের কাজের দিনে, অফিসের সময়ে। নাগরিকের অপেক্ষা, নেটওয়ার্ক ও ছুটির সময় তাতে নেই। প্রতিটি দেখা লিপিবদ্ধ থাকে।", "An officer’s time is counted in the hours of his office on working days, without what the citizen, the network and closed days take. Every look is recorded.")
	wordBadSpan     = name("তারিখ দুটি মিলিয়ে দেখুন: শেষ দিন প্রথম দিনের আগে হয় না। এক বছরের বেশি একসাথে দেখা যায় না।", "Compare the two days: the last can’t come before the first. No more than a year is shown at once.")
	wordReportNone  = name("এই কয় দিনে কিছু ছিল না।", "There was nothing in these days.")
	wordOfServices  = name("সেবা", "Services")
	wordOfOffices   = name("অফিস", "Offices")
	wordOfDesks     = name("ডেস্ক", "Desks")
	wordOfOfficers  = name("কর্মকর্তা", "Officers")
	wordCameIn      = name("গৃহীত", "Received")
	wordDisposedOf  = name("নিষ্পন্ন", "Disposed")
	wordStillThere  = name("চলমান", "Pending")
	wordOlderThan   = name("১৫ দিনের বেশি", "Over 15 days")
	wordTooLate     = name("মেয়াদোত্তীর্ণ", "Overdue")
	wordOfficerTook = name("কর্মকর্তার সময়, অর্ধেক ও দশে নয়টি", "Officer, median and nine of ten")
	wordNetworkTook = name("নেটওয়ার্ক", "Network")
	wordCitizenTook = name("নাগরিক", "Citizen")
	wordAllTook     = name("মোট", "In all")
	wordTimesCame   = name("আসতে হয়েছে", "Visits")
	wordOfChannels  = name("কীভাবে এসেছে", "How they came")
	wordNoChannel   = name("জানা নেই (আদেশে মুছে ফেলা)", "Not known (erased by order)")
	wordOfMoney     = name("ফির পার্থক্য ও ফেরত", "Variance of fees, and refunds")
	wordMoneyHint   = name("এই কয় দিনে গৃহীত যেসব আবেদনের ফি রসিদ অনুযায়ী বর্তমান ফি থেকে আলাদা (রসিদ বহাল), এবং ফেরতের টাকা। মুছে ফেলা আবেদন এতে নেই।", "Applications received in these days that cost another sum by their receipt than by the fees in force then (the receipt stands), and what is paid back. Erased ones are left out.")
	wordAllServices = name("সব সেবা", "All services")
	wordFormerFees  = name("আগের ফিতে", "Under former fees")
	wordCharged     = name("রসিদ অনুযায়ী", "By their receipts")
	wordByForce     = name("বর্তমান ফি অনুযায়ী", "By the fees in force")
	wordDearer      = name("বেশি", "Over")
	wordCheaper     = name("কম", "Under")
	wordCollected   = name("আদায় হয়েছে", "Collected so far")
	wordStillOwed   = name("ফেরত দিতে হবে", "Owed back now")
	wordWasPaidBack = name("ফেরত দেওয়া হয়েছে", "Paid back")
	wordIdleWoman   = name("যে কেন্দ্রে কোনো নারী উদ্যোক্তা ৩০ দিনে একটি আবেদনও নেননি", "Centres where no woman has taken in an application for 30 days")
	wordIdleHint    = name("এসব কেন্দ্রে নারীর লগইন আছে। যে কেন্দ্রের সংযোগ নেই, তার নতুন আবেদন এখানে এখনো জানা নেই।", "A woman has a login there. What a centre without a link has taken in of late is not known here yet.")
	wordNoWoman     = name("যে কেন্দ্রে কোনো নারী উদ্যোক্তার লগইন নেই", "Centres where no woman has a login")
)

type reportView struct {
	*api.OfficeReport
	Tables []reportTable
	Money  []feesLine
}

// A reportTable is the lines of one kind.
type reportTable struct {
	Title place.Name
	Lines []*measure.Line
	Named func(of string) place.Name
}

// report shows a head of office what the desks below him have come to, to be read and
// printed (R-OF7). Who may see what is the call's to say.
func (d *desk) report(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	q := url.Values{}
	for _, k := range []string{"area", "from", "to"} {
		if v := r.URL.Query().Get(k); v != "" {
			q.Set(k, dayOf(v))
		}
	}
	p, v := d.page(r, wordReport), reportView{OfficeReport: new(api.OfficeReport)}
	err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: "/v1/report?" + q.Encode(), Out: v.OfficeReport})
	switch {
	case errors.Is(err, fault.Invalid): // The form again, with what was typed.
		v.OfficeReport = &api.OfficeReport{Area: q.Get("area"), From: q.Get("from"), To: q.Get("to")}
		p.Problems = []problem{{Anchor: "from", Text: p.Say(wordBadSpan)}}
		d.show(w, r, http.StatusBadRequest, reportPage(p, v))
		return
	case err != nil:
		d.failed(w, r, err)
		return
	}
	v.Tables = []reportTable{
		{wordOfServices, v.Services, d.serviceCalled},
		{wordOfChannels, v.Channels, channelCalled},
		{wordOfOffices, v.Offices, d.officeCalled},
		{wordOfDesks, v.Desks, d.deskCalled},
		{wordOfOfficers, v.Officers, func(of string) place.Name { return place.Name{BN: of, EN: of} }},
	}
	v.Money = v.money(d.serviceCalled)
	d.show(w, r, http.StatusOK, reportPage(p, v))
}

func (d *desk) serviceCalled(id string) place.Name {
	if set := d.house.Set(); set != nil {
		if v, ok := set.Current(id); ok {
			return v.Name
		}
	}
	return place.Name{BN: id, EN: id}
}

// channelCalled names a way in which applications came.
func channelCalled(of string) place.Name {
	if n, ok := channelWords[of]; ok {
		return n
	}
	return wordNoChannel
}

// A feesLine is what a service, or all of them, came to in money.
type feesLine struct {
	Named place.Name
	*measure.Fees
}

// money returns the services of which money is to be told, and all of them last.
func (v reportView) money(named func(string) place.Name) (list []feesLine) {
	for _, l := range v.Services {
		if l.Fees != nil && *l.Fees != (measure.Fees{}) {
			list = append(list, feesLine{named(l.Of), l.Fees})
		}
	}
	return append(list, feesLine{wordAllServices, &v.Fees})
}

func (d *desk) officeCalled(code string) place.Name {
	if set := d.house.Set(); set != nil {
		if o, ok := set.Directory.Office(code); ok {
			return o.Name
		}
	}
	return place.Name{BN: code, EN: code}
}

// deskCalled names a post and its office.
func (d *desk) deskCalled(of string) place.Name {
	seat, err := place.ParseSeat(of)
	set := d.house.Set()
	if err != nil || set == nil {
		return place.Name{BN: of, EN: of}
	}
	post, _ := set.Directory.Post(seat.Post)
	office := d.officeCalled(seat.Office)
	return place.Name{BN: post.Name.BN + ", " + office.BN, EN: post.Name.EN + ", " + office.EN}
}

// Span writes a time in its two largest units, given in seconds.
func (l Lang) Span(seconds int64) string {
	units := []struct {
		size int64
		name place.Name
	}{{24 * 3600, name("দিন", "d")}, {3600, name("ঘণ্টা", "h")}, {60, name("মিনিট", "min")}, {1, name("সেকেন্ড", "s")}}
	for i, u := range units {
		if seconds < u.size && u.size > 1 {
			continue
		}
		text := strconv.FormatInt(seconds/u.size, 10) + " " + l.Say(u.name)
		if rest := seconds % u.size; i < 2 && rest >= units[i+1].size {
			text += " " + strconv.FormatInt(rest/units[i+1].size, 10) + " " + l.Say(units[i+1].name)
		}
		return l.Digits(text)
	}
	return ""
}
