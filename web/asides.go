package web

import (
	"context"
	"net/http"
	"net/url"

	"kendro/domain/place"
	"kendro/web/api"
)

// Words of the page on what the district did not take of a union's acts.
var (
	wordAsides     = name("জেলা যা গ্রহণ করেনি", "Not taken by the district")
	wordAsidesHint = name("ইউনিয়ন এখানে যা করেছে, কিন্তু জেলার রেজিস্টার গ্রহণ করেনি, এখনো নিশ্চিত করেনি, বা পরে উল্টে গেছে। প্রতিটির পাশে করণীয় লেখা আছে।", "What the union did here and the district’s register did not take, has yet to confirm, or has overturned since. Each says what is to be done.")
	wordAsidesNone = name("এমন কিছু নেই।", "There is nothing of the kind.")
	wordAsidesNew  = name("ইউনিয়নের কাজ যা জেলা গ্রহণ করেনি, এখনো পড়া হয়নি:", "Acts of the union that the district did not take, not read yet:")
	wordAsidesMore = name("সব দেখানো হয়নি; যেগুলো পড়া হয়নি সেগুলো আগে। বাকি:", "Not all are shown; those that nobody has read come first. Further:")
	wordAsideAct   = name("কাজ", "Act")
	wordAsideBy    = name("কে করেছেন", "Done by")
	wordAsideState = name("কী হয়েছে", "What became of it")
	wordAsideWords = name("নিষ্পত্তির কথা", "In the words of who settled it")
	wordAsideRead  = name("পড়েছি", "I have read it")
	wordAsideReadB = name("পড়েছেন", "Read by")
	wordAsideDone  = name("পড়া হয়েছে বলে লেখা হয়েছে।", "It is noted as read.")
)

// becameWords say what has become of an act at a union.
var becameWords = map[string]place.Name{
	"set-aside":  name("গ্রহণ হয়নি: জেলার নথির সাথে মেলেনি", "Not taken: it does not fit the case at the district"),
	"waits":      name("উপরের দপ্তরের নিশ্চিতকরণের অপেক্ষায়", "Waits for the office above to confirm it"),
	"held":       name("যন্ত্র বাতিলের পরের কাজ: গণ্য হবে কি না ঠিক হয়নি", "Done after the box was revoked: whether it counts is not decided"),
	"overturned": name("উল্টে গেছে: যে উত্তরের ওপর ছিল তা সংশোধন হয়েছে", "Overturned: an answer on which it rested was put right"),
	"counts":     name("নিশ্চিত হয়েছে", "Confirmed"),
	"refused":    name("প্রত্যাখ্যাত", "Refused"),
	"settled":    name("গণ্য হয়নি; বিষয়টি নিষ্পত্তি হয়েছে", "It does not count; what it left is settled"),
}

// nextWords say what a union's officers do about it.
var nextWords = map[string]place.Name{
	"wait":     name("কিছু করবেন না; উপরের দপ্তর সিদ্ধান্ত দেবে।", "Nothing: the office above decides."),
	"hub-desk": name("জেলার ডেস্কের পাতায় ঢুকে নথিটির কাজ সেখানে করুন; এই যন্ত্রে আর করা যায় না।", "Sign in at the district’s desk and go on with the case there. It can’t be worked at this box any more."),
	"recall":   name("ছাপা সনদটি আবেদনকারীর কাছ থেকে ফেরত নিন: এটি বৈধ নয়। তারপর জেলার ডেস্কের পাতায় নথিটির কাজ করুন।", "Get the printed certificate back from its holder: it is worth nothing. Then go on with the case at the district’s desk."),
	"nothing":  name("কিছু করতে হবে না।", "Nothing."),
}

func wordIn(words map[string]place.Name, code string) place.Name {
	if n, ok := words[code]; ok {
		return n
	}
	return place.Name{BN: code, EN: code}
}

// asideName is the name of an act, as a history has it.
func asideName(a *api.Aside) place.Name {
	if a.Action == "" {
		return wordNobody
	}
	return actionName(a.Action)
}

// asideDesk shows what the district did not take of a union's acts.
type asideDesk struct{ *desk }

type asidesView struct {
	*api.AsideList
	d   *desk
	key string
}

// list shows it.
func (d asideDesk) list(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	d.showList(w, r, nil)
}

func (d asideDesk) showList(w http.ResponseWriter, r *http.Request, failed error) {
	v := asidesView{&api.AsideList{}, d.desk, api.NewKey()}
	if err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: api.AsidesPath, Out: v.AsideList}); err != nil {
		d.failed(w, r, err)
		return
	}
	p := d.page(r, wordAsides)
	status := http.StatusOK
	if failed != nil {
		status = api.ProblemOf(failed).Status
		p.Problems = []problem{{Text: p.Say(wordsFor(failed))}}
	} else if r.URL.Query().Get("done") != "" {
		p.Notice = p.Say(wordAsideDone)
	}
	d.show(w, r, status, asidesPage(p, v))
}

// read notes that the officer has read one.
func (d asideDesk) read(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	values, err := post(w, r)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	call := api.Call{Method: http.MethodPost, Path: api.AsidesPath + "/" + url.PathEscape(r.PathValue("id")) + "/read", Key: values.Get("key")}
	if err := api.Inside(d.api, r).Do(context.WithoutCancel(r.Context()), call); err != nil {
		d.showList(w, r, err)
		return
	}
	http.Redirect(w, r, "/desk/asides?done=1", http.StatusSeeOther)
}

// unread is how many nobody of the union has read, 0 at a hub.
func (d asideDesk) unread(r *http.Request) (int, error) {
	if d.house.Centre == "" {
		return 0, nil
	}
	var list api.AsideList
	err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: api.AsidesPath + "?limit=1", Out: &list})
	return list.Unread, err
}
