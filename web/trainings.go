package web

import (
	"maps"
	"net/http"
	"net/url"
	"strings"

	"kendro/domain/access"
	"kendro/domain/place"
	"kendro/web/api"
)

// Words of the page on who is trained in what.
var (
	wordTrainings      = name("প্রশিক্ষণ", "Trainings")
	wordTrainingHint   = name("কোন উদ্যোক্তা কোন প্রশিক্ষণ পেয়েছেন, কত দিন পর্যন্ত, আর কেন্দ্রের সেবার জন্য কার কী বাকি। প্রশিক্ষণ না থাকলে সেই সেবা তাঁর কেন্দ্রে বন্ধ থাকে।", "What each entrepreneur is trained in and until when, and what the services of the centre ask for and is lacking. A service stays locked for whoever lacks its training.")
	wordTrainingNobody = name("এই বাছাইয়ে কোনো উদ্যোক্তা নেই।", "No entrepreneur fits.")
	wordTrainingArea   = name("এলাকার কোড (যেমন উপজেলা)", "Code of an area, such as an upazila")
	wordTrainingCentre = name("কেন্দ্র", "Centre")
	wordTrainingAny    = name("সব", "All")
	wordTrainingLacks  = name("শুধু যাঁদের বাকি আছে", "Only those who lack one")
	wordTrainingPerson = name("উদ্যোক্তা", "Entrepreneur")
	wordTrainingHeld   = name("পেয়েছেন", "Trained in")
	wordTrainingGap    = name("বাকি", "Lacking")
	wordTrainingNone   = name("কিছু লেখা নেই", "Nothing is noted")
	wordTrainingAll    = name("কিছু বাকি নেই", "Nothing is lacking")
	wordTrainingUntil  = name("পর্যন্ত", "until")
	wordTrainingEver   = name("মেয়াদ ছাড়া", "for good")
	wordTrainingBack   = name("ফিরিয়ে নেওয়া", "taken back")
	wordTrainingFor    = name("যে সেবার জন্য:", "for:")
	wordTrainingAnyway = name("প্রশিক্ষণ ছাড়া নেওয়া আবেদন", "Applications taken in without it")
	wordTrainingNote   = name("প্রশিক্ষণ লিখুন", "Note a training")
	wordTrainingWhich  = name("প্রশিক্ষণ", "Training")
	wordTrainingOn     = name("প্রশিক্ষণের দিন", "Day of the training")
	wordTrainingEnds   = name("শেষ যে দিন পর্যন্ত গণ্য (মেয়াদ না থাকলে খালি)", "Last day on which it counts (empty: for good)")
	wordTrainingWhere  = name("কোথায়", "Where")
	wordTrainingPaper  = name("সনদ নম্বর", "Number of the certificate")
	wordTrainingTake   = name("আগে যা লেখা আছে তা ফিরিয়ে নিন", "Take back what was noted before")
	wordTrainingSave   = name("লিখে রাখুন", "Note it")
	wordTrainingNext   = name("পরের পাতা", "Next page")
)

// trainingDesk is the pages on who is trained in what.
type trainingDesk struct{ *desk }

type trainingsView struct {
	api.TrainingList
	Key      string
	Notes    bool // The reader may note one.
	Asked    url.Values
	Typed    url.Values
	Tags     []place.Training
	Services []serviceChoice
	d        *desk
}

// A serviceChoice is a service that asks for a training.
type serviceChoice struct {
	ID   string
	Name place.Name
}

// centre names a centre.
func (v trainingsView) centre(l Lang, code string) string {
	if set := v.d.house.Set(); set != nil {
		return centreName(l, set.Directory, code)
	}
	return l.Digits(code)
}

// centreName names a centre, with its code.
func centreName(l Lang, dir *place.Directory, code string) string {
	if c, ok := dir.Centre(place.Centre(code)); ok {
		return l.Say(c.Name) + " (" + l.Digits(code) + ")"
	}
	return l.Digits(code)
}

// held is a training in a line, with its last day.
func (v trainingsView) held(l Lang, n api.TrainingNote) string {
	text := l.Say(n.Name) + ", "
	switch {
	case n.Withdrawn:
		return text + l.Say(wordTrainingBack)
	case n.Until == nil:
		return text + l.Say(wordTrainingEver)
	case l == BN:
		return text + l.Day(n.Until.Time) + " " + l.Say(wordTrainingUntil)
	}
	return text + l.Say(wordTrainingUntil) + " " + l.Day(n.Until.Time)
}

// gap is what lacks, and for which services.
func (v trainingsView) gap(l Lang, g api.TrainingGap) string {
	names := make([]string, 0, len(g.Services))
	for _, id := range g.Services {
		names = append(names, l.Say(v.d.serviceCalled(id)))
	}
	return l.Say(g.Name) + " – " + l.Say(wordTrainingFor) + " " + strings.Join(names, ", ")
}

// next is the way to the people after these.
func (v trainingsView) next() string {
	q := maps.Clone(v.Asked)
	q.Set("cursor", v.Next)
	return "/desk/trainings?" + q.Encode()
}

// list shows who is trained in what (R-CE7). Who may see whom is the call's to say.
func (d trainingDesk) list(w http.ResponseWriter, r *http.Request, c api.Caller) {
	d.shown(w, r, c, nil, nil)
}

// shown shows the list, after a refusal with what was typed.
func (d trainingDesk) shown(w http.ResponseWriter, r *http.Request, c api.Caller, typed url.Values, refused error) {
	v := trainingsView{Key: api.NewKey(), Asked: url.Values{}, Typed: typed, d: d.desk}
	for _, k := range []string{"area", "centre", "service", "lacking", "cursor"} {
		if text := strings.TrimSpace(r.URL.Query().Get(k)); text != "" {
			v.Asked.Set(k, text)
		}
	}
	if err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: "/v1/training?" + v.Asked.Encode(), Out: &v.TrainingList}); err != nil {
		d.failed(w, r, err)
		return
	}
	if set := d.house.Set(); set != nil {
		v.Tags, v.Notes = set.Directory.Trainings, notes(set.Directory, c.Principal)
		for _, s := range set.Services() {
			if len(s.Training) > 0 {
				v.Services = append(v.Services, serviceChoice{s.ID, s.Name})
			}
		}
	}
	p, status := d.page(r, wordTrainings), http.StatusOK
	if refused != nil {
		p.Problems = []problem{{Anchor: "train-user", Text: p.Say(wordsFor(refused)) + " " + reasonOf(refused)}}
		status = api.ProblemOf(refused).Status
	}
	if r.URL.Query().Get("done") != "" {
		p.Notice = p.Say(wordDone)
	}
	d.show(w, r, status, trainingsPage(p, v))
}

// notes reports whether somebody is to be offered to note a training; the register judges
// it again for the person.
func notes(dir *place.Directory, who access.Principal) bool {
	if who.Role == access.Officer {
		post, _ := dir.Post(who.Seat.Post)
		return post.May(place.ActMonitor)
	}
	return access.ScopeOf(who.Role, access.Train) != access.Never
}

// note notes a training, or takes one back.
func (d trainingDesk) note(w http.ResponseWriter, r *http.Request, c api.Caller) {
	typed, err := post(w, r)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	text := func(k string) string { return strings.TrimSpace(typed.Get(k)) }
	in := api.TrainingRequest{
		Tag: text("tag"), On: dayOf(text("on")), Until: dayOf(text("until")), Where: text("where"), Certificate: text("certificate"), Withdrawn: typed.Get("withdrawn") != "",
	}
	if in.Withdrawn {
		in.On, in.Until = "", ""
	}
	call := api.Call{Method: http.MethodPost, Path: "/v1/users/" + url.PathEscape(text("user")) + "/training", Key: typed.Get("key"), In: in}
	if err := api.Inside(d.api, r).Do(r.Context(), call); err != nil {
		d.shown(w, r, c, typed, err)
		return
	}
	http.Redirect(w, r, "/desk/trainings?done=1", http.StatusSeeOther)
}
