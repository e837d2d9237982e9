package desk

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/web/api"
)

// TestTrainingList: the supervisor notes a training and reads who holds what; what a
// service of the centre asks for and nobody noted is named with it.
func TestTrainingList(t *testing.T) {
	o := newOffice(t)
	const path = "/v1/users/rahima/training"
	note := `{"tag":"platform","on":"2026-09-01","where":"Jashore PTI","certificate":"B-1042","until":"2027-08-31"}`
	into[api.Problem](t, o.call("root", "POST", path, note), 403)
	into[api.Problem](t, o.call("anna", "POST", path, note), 403)
	into[api.Problem](t, o.call("uno", "POST", path, `{"tag":"juggling","on":"2026-09-01"}`), 404)
	into[api.Problem](t, o.call("uno", "POST", path, `{"tag":"platform","on":"yesterday"}`), 400)
	into[api.Problem](t, o.call("uno", "POST", "/v1/users/anna/training", note), 404)
	into[api.Done](t, o.call("uno", "POST", path, note), 200)
	list := into[api.TrainingList](t, o.call("uno", "GET", "/v1/training", ""), 200)
	if len(list.People) != 1 || list.People[0].User != "rahima" || len(list.People[0].Lacks) != 0 || len(list.People[0].Noted) != 1 {
		t.Fatalf("the list is %+v", list)
	}
	n := list.People[0].Noted[0]
	if n.Tag != "platform" || n.Name.EN == "" || n.By != "uno" || n.Certificate != "B-1042" || n.On.Format(time.DateOnly) != "2026-09-01" || n.Until.Format(time.DateOnly) != "2027-08-31" {
		t.Errorf("what was noted reads %+v", n)
	}
	into[api.Problem](t, o.call("uno", "GET", "/v1/training?area=41", ""), 403)
	if far := into[api.TrainingList](t, o.call("audit", "GET", "/v1/training?area=41-11", ""), 200); len(far.People) != 0 {
		t.Errorf("another upazila lists %+v", far)
	}

	u, err := o.reg.User("rahima")
	if err != nil {
		t.Fatal(err)
	}
	v := *o.version()
	v.Number, v.Training = v.Number+1, []string{"platform", "bmet-demo"}
	if v.Hash, err = catalogue.HashVersion(&v); err != nil {
		t.Fatal(err)
	}
	r := o.set.Release
	r.Services = slices.Clone(r.Services)
	i := slices.IndexFunc(r.Services, func(e dcat.Entry) bool { return e.ID == v.ID })
	r.Services[i] = dcat.Entry{ID: v.ID, Version: v.Number, Hash: v.Hash}
	asks, err := dcat.NewSet(r, o.set.Directory, append(o.set.Versions(), &v))
	if err != nil {
		t.Fatal(err)
	}
	if p := trainedOf(asks, u, o.now().Unix()); len(p.Lacks) != 1 || p.Lacks[0].Tag != "bmet-demo" || p.Lacks[0].Services[0] != service {
		t.Errorf("lacking: %+v", p)
	}
}

// TestTrainingsPage: whoever supervises an area reads on a page who lacks what for which
// service, notes a training there, and reads until when it counts; who only reads is offered
// no form, and what is refused comes back with what was typed.
func TestTrainingsPage(t *testing.T) {
	o := newOffice(t)
	page := func(user, query string, want ...string) string {
		t.Helper()
		w := o.page(user, "GET", "/desk/trainings"+query, nil)
		for _, text := range want {
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s %s: %d, and the page lacks %q", user, query, w.Code, text)
			}
		}
		return w.Body.String()
	}
	form := func(tag, on, until string) url.Values {
		return url.Values{"key": {api.NewKey()}, "user": {"rahima"}, "tag": {tag}, "on": {on}, "until": {until}, "where": {"যশোর পিটিআই"}, "certificate": {"B-1042"}}
	}
	const card = `id="trained-rahima"`
	page("uno", "", card, "কিছু লেখা নেই", `id="train-tag"`, `href="/desk/trainings"`)
	for _, user := range []string{"audit", "root", "anna"} {
		if text := page(user, "", card); strings.Contains(text, `id="train-tag"`) {
			t.Errorf("%s is offered to note a training", user)
		}
	}
	if w := o.page("clara", "GET", "/desk/trainings", nil); w.Code != http.StatusForbidden {
		t.Errorf("a clerk: %d; want 403", w.Code)
	}
	w := o.page("uno", "POST", "/desk/trainings", form("platform", "2026-09-01", "2026-08-01"))
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `value="B-1042"`) {
		t.Errorf("a last day before the training: %d; want 400 with what was typed", w.Code)
	}
	if w := o.page("anna", "POST", "/desk/trainings", form("platform", "2026-09-01", "")); w.Code != http.StatusForbidden {
		t.Errorf("an officer who monitors nothing: %d; want 403", w.Code)
	}
	page("uno", "", "কিছু লেখা নেই")
	if w := o.page("uno", "POST", "/desk/trainings", form("platform", "2026-09-01", "2027-08-31")); w.Code != http.StatusSeeOther {
		t.Fatalf("to note it: %d %s", w.Code, w.Body)
	}
	page("uno", "", "কেন্দ্র ব্যবহারের প্রশিক্ষণ, ৩১ আগস্ট ২০২৭ পর্যন্ত")
	for query, listed := range map[string]bool{"?centre=" + string(centre): true, "?centre=41-09-27": false, "?lacking=true": false, "?service=" + service: false, "?area=41-09": true} {
		if strings.Contains(page("uno", query), card) != listed {
			t.Errorf("%s lists rahima: want %v", query, listed)
		}
	}
	back := form("platform", "", "")
	back.Set("withdrawn", "1")
	if w := o.page("uno", "POST", "/desk/trainings", back); w.Code != http.StatusSeeOther {
		t.Fatalf("to take it back: %d %s", w.Code, w.Body)
	}
	page("uno", "", "ফিরিয়ে নেওয়া")

	lacks := api.TrainedPerson{Lacks: []api.TrainingGap{{Services: []string{"a", "b"}}}}
	for _, x := range []struct {
		in   trainingInput
		who  api.TrainedPerson
		want bool
	}{
		{trainingInput{}, api.TrainedPerson{}, true},
		{trainingInput{Lacking: true}, api.TrainedPerson{}, false},
		{trainingInput{Lacking: true}, lacks, true},
		{trainingInput{Service: "b"}, lacks, true},
		{trainingInput{Service: "c"}, lacks, false},
	} {
		if got := x.in.wants(&x.who); got != x.want {
			t.Errorf("%+v of %+v: %v", x.in, x.who, got)
		}
	}
}
