package web

import (
	"net/http"
	"net/url"
	"strings"

	"kendro/domain/place"
	"kendro/web/api"
)

// Words of the page on cases that are likely one person's twice.
var (
	wordDoubles        = name("সম্ভাব্য জোড়া আবেদন", "Likely doubles")
	wordDoublesHint    = name("একই সেবায় খোলা দুটি আবেদন, যা সম্ভবত একই ব্যক্তির। কিছুই আপনা-আপনি এক করা হয় না। দুটি নথি মিলিয়ে দেখে কর্মকর্তা মত দিলে, বা একটি শেষ হলে, জোড়াটি তালিকা থেকে সরে যায়। সবচেয়ে জোরালো মিল আগে।", "Two open applications for one service that are likely one person’s. Nothing is merged by itself. A pair leaves the list when an officer has compared the two and said what he found, or when either ends. The strongest come first.")
	wordDoublesNone    = name("এমন কোনো জোড়া নেই।", "There are none.")
	wordDoublesPartly  = name("সব খোলা নথি এখনো মিলিয়ে দেখা হয়নি। এ পর্যন্ত:", "Not all open cases are compared yet. So far:")
	wordDoublesOf      = name("মোট খোলা:", "of open cases:")
	wordDoublesOn      = name("আরও মিলিয়ে দেখুন", "Go on comparing")
	wordDoublesNext    = name("পরের পাতা", "Next page")
	wordDoublesLater   = name("পরের আবেদন", "The later one")
	wordDoublesEarlier = name("আগের আবেদন", "The earlier one")
	wordDoublesBecause = name("যা মেলে, যা মেলে না", "What agrees, and what does not")
	wordDoublesGrade   = name("কতটা সম্ভব", "How likely")
	wordDoublesCompare = name("দুটি মিলিয়ে দেখুন, কী বলা হয়েছে পড়ুন", "Compare the two, and read what was said")
	wordDoublesSaid    = name("আগে যা বলা হয়েছিল", "What was said before")
	wordDoublesHidden  = name("আপনার এলাকার বাইরে; নাম দেখানো হয় না", "Outside your area: its name is not shown")
)

// gradeWords say how likely two papers are one person's.
var gradeWords = map[string]place.Name{
	"likely":   name("খুব সম্ভব একই ব্যক্তি", "Likely one person"),
	"doubtful": name("একই পরিচয় নম্বর, কিন্তু ভিন্ন ব্যক্তি মনে হয়", "One identifier, but it looks like two people"),
}

// identifierWords are the kinds of identifiers.
var identifierWords = map[string]place.Name{
	"nid":      name("জাতীয় পরিচয়পত্র", "National ID"),
	"brn":      name("জন্ম নিবন্ধন", "Birth registration"),
	"passport": name("পাসপোর্ট", "Passport"),
}

// doubles lists cases that are likely one person's twice. Who sees which is the call's to say.
func (d *desk) doubles(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	v := doublesView{d: d}
	path := api.DoublesPath
	if cursor := r.URL.Query().Get("cursor"); cursor != "" {
		path += "?" + url.Values{"cursor": {cursor}}.Encode()
	}
	if err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: path, Out: &v.DoubleList}); err != nil {
		d.failed(w, r, err)
		return
	}
	d.show(w, r, http.StatusOK, doublesPage(d.page(r, wordDoubles), v))
}

type doublesView struct {
	api.DoubleList
	d *desk
}

// next leads to the page that follows.
func (v doublesView) next() string {
	return "/desk/doubles?" + url.Values{"cursor": {v.Next}}.Encode()
}

// because is what agrees and what does not, each in words.
func (v doublesView) because(l Lang, x *api.Double) []string {
	var list []string
	for _, r := range x.Because {
		text := l.Say(reasonWord(r))
		if r == "same_identifier" && len(x.Identifiers) > 0 {
			kinds := make([]string, 0, len(x.Identifiers))
			for _, k := range x.Identifiers {
				kinds = append(kinds, l.Say(identifierName(k)))
			}
			text += ": " + strings.Join(kinds, ", ")
		}
		list = append(list, text)
	}
	return list
}

func identifierName(kind string) place.Name {
	if n, ok := identifierWords[kind]; ok {
		return n
	}
	return place.Name{BN: kind, EN: kind}
}
