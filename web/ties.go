package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

// tiesView is the cases that may be one person's, and what officers said of them.
type tiesView struct {
	Number protocol.Number
	Found  api.FoundList
	Key    string     // Of the next opinion.
	Speaks bool       // The reader may give one.
	Typed  url.Values // What he wrote and was refused.
}

// verdicts are what may be said now: nothing can be taken back before anybody spoke.
func (v tiesView) verdicts(f api.Found) []string {
	if f.Verdict() == "" || f.Verdict() == "open" {
		return []string{"same", "different"}
	}
	return []string{"same", "different", "open"}
}

func (v tiesView) typed(f api.Found) string {
	if v.Typed.Get("other") != f.Number.String() {
		return ""
	}
	return v.Typed.Get("text")
}

// similar lists cases that may be the same person's.
func (d *desk) similar(w http.ResponseWriter, r *http.Request, c api.Caller) {
	d.showTies(w, r, c, nil, nil)
}

// showTies shows the list, after a refusal with what was typed.
func (d *desk) showTies(w http.ResponseWriter, r *http.Request, c api.Caller, typed url.Values, refused error) {
	v := tiesView{Key: api.NewKey(), Speaks: d.house.Centre == "" && access.ScopeOf(c.Role, access.WorkCase) != access.Never, Typed: typed}
	var err error
	if v.Number, err = protocol.ParseNumber(r.PathValue("number")); err != nil {
		d.failed(w, r, err)
		return
	}
	if err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: "/v1/cases/" + v.Number.String() + "/similar", Out: &v.Found}); err != nil {
		d.failed(w, r, err)
		return
	}
	p, status := d.page(r, wordSimilar), http.StatusOK
	if refused != nil {
		p.Problems = []problem{{Text: p.Say(wordsFor(refused))}}
		status = api.ProblemOf(refused).Status
	}
	if r.URL.Query().Get("done") != "" {
		p.Notice = p.Say(wordDone)
	}
	d.show(w, r, status, tiesPage(p, v))
}

// relate keeps what an officer says of two applicants.
func (d *desk) relate(w http.ResponseWriter, r *http.Request, c api.Caller) {
	values, err := post(w, r)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	n, err := protocol.ParseNumber(r.PathValue("number"))
	if err != nil {
		d.failed(w, r, err)
		return
	}
	other, err := protocol.ParseNumber(values.Get("other"))
	if err != nil {
		d.failed(w, r, err)
		return
	}
	saw, err := strconv.Atoi(values.Get("saw"))
	if err != nil {
		d.failed(w, r, fault.New("web.relate", fault.Invalid, "saw", "want how many opinions were on the page"))
		return
	}
	call := api.Call{
		Method: http.MethodPost, Path: "/v1/cases/" + n.String() + "/ties", Key: values.Get("key"),
		In: api.TieRequest{Other: other, Verdict: values.Get("verdict"), Text: values.Get("text"), Saw: saw},
	}
	if err := api.Inside(d.api, r).Do(r.Context(), call); err != nil {
		d.showTies(w, r, c, values, err)
		return
	}
	http.Redirect(w, r, "/desk/cases/"+n.String()+"/similar?done=1", http.StatusSeeOther) //nolint:gosec // Our own path with a receive number.
}

// alike lists, at the box of a union, other applications that are likely the same person's, for
// beside a case. Where the box can't look just now there are none: the page of similar cases says why.
func (d *desk) alike(r *http.Request, rec *api.Record) []api.Found {
	if d.house.Centre == "" || rec.Until != 0 || rec.Union == nil {
		return nil
	}
	var list api.FoundList
	if api.Inside(d.api, r).Do(r.Context(), api.Call{Path: "/v1/cases/" + rec.Number.String() + "/similar", Out: &list}) != nil {
		return nil
	}
	return slices.DeleteFunc(list.Found, func(f api.Found) bool {
		return f.Grade != "likely" && f.Grade != "doubtful"
	})
}
