package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/web/api"
)

// desk is the pages of an office.
type desk struct{ *pages }

// Desk hangs a hub's pages onto its API: the public's tracking and the officers'
// desks. They call POST /v1/sessions, GET /v1/tasks, GET /v1/search, GET
// /v1/cases/{number}/similar, GET /v1/applications/{number}, GET
// /v1/cases/{number}/documents/{sha256}, POST /v1/cases/{number}/{action} and GET
// /v1/track/{number}.
func Desk(a *api.API, h House) error {
	s, err := newPages(a, h)
	if err != nil {
		return err
	}
	s.home = "/desk"
	s.open = []link{{"/track", wordTrack}, {"/desk", wordSignIn}}
	s.links = []link{{"/desk", wordTasks}, {"/desk/search", wordSearch}, {"/track", wordTrack}}
	d := &desk{s}
	s.sign(wordDeskTitle)
	a.Page("GET /{$}", http.HandlerFunc(s.track))
	a.Page("GET /desk", s.known(wordDeskTitle, d.tasks))
	a.Page("GET /desk/search", s.known(wordDeskTitle, d.find))
	a.Page("GET /desk/cases/{number}/similar", s.known(wordDeskTitle, d.similar))
	a.Page("GET /desk/cases/{number}/documents/{sha256}", s.known(wordDeskTitle, d.scan))
	a.Page("GET /desk/cases/{number}", s.known(wordDeskTitle, d.read))
	a.Page("POST /desk/cases/{number}/{action}", s.known(wordDeskTitle, d.act))
	return nil
}

type tasksView struct {
	Scope string
	List  api.TaskList
}

// tasks lists an officer's work, or the whole office's (R-OF2).
func (d *desk) tasks(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	v := tasksView{Scope: "mine"}
	if r.URL.Query().Get("scope") == "office" {
		v.Scope = "office"
	}
	q := url.Values{"scope": {v.Scope}}
	if cursor := r.URL.Query().Get("cursor"); cursor != "" {
		q.Set("cursor", cursor)
	}
	if err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: "/v1/tasks?" + q.Encode(), Out: &v.List}); err != nil {
		d.failed(w, r, err)
		return
	}
	d.show(w, r, http.StatusOK, tasks(d.page(r, wordTasks), v))
}

// deskRole is what a reader is to a case.
type deskRole int

const (
	deskReader    deskRole = iota // It lies elsewhere.
	deskFree                      // It lies at his post and nobody has taken it.
	deskMine                      // He has it.
	deskColleague                 // A colleague of his post has it.
)

type caseView struct {
	Record      *api.Record
	Key         string
	Role        deskRole
	Decided     bool
	HasNext     bool
	NextName    place.Name
	MayFinalise bool
	EndLocked   bool
	Applicant   []line
	Form        []line
	Enclosed    []enclosure
	Difference  *api.Difference
	Tried       string           // Action that failed …
	Typed       url.Values       // … and what was typed into it.
	dir         *place.Directory // As the release in force has it; empty before the first.
}

func (v caseView) where() place.Name {
	if v.Record.Office == nil {
		return wordNoOffice
	}
	return v.Record.Office.Name()
}

// reasonName is the reason for a rejection in words; the code itself where the
// release in force has none.
func (v caseView) reasonName(code string) place.Name {
	if r, ok := v.dir.Reason(code); ok {
		return r.Name
	}
	return place.Name{BN: code, EN: code}
}

// post is a post in words.
func (v caseView) post(code string) place.Name {
	if x, ok := v.dir.Post(code); ok {
		return x.Name
	}
	return place.Name{BN: code, EN: code}
}

// kept is what the reader typed into an action that failed.
func (v caseView) kept(action, field string) string {
	if v.Tried != action {
		return ""
	}
	return v.Typed.Get(field)
}

func opinions() []string {
	return []string{string(application.ForApproval), string(application.ForRejection), string(application.Other)}
}

// read shows a case file.
func (d *desk) read(w http.ResponseWriter, r *http.Request, c api.Caller) {
	rec, err := d.record(r)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	p := d.page(r, rec.Service.Name)
	if r.URL.Query().Get("done") != "" {
		p.Notice = p.Say(wordDone)
	}
	d.show(w, r, http.StatusOK, casePage(p, d.view(p, rec, c.Principal)))
}

// scan shows a document of a case; the API records the look.
func (d *desk) scan(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	d.showScan(w, r, "/v1/cases/"+url.PathEscape(r.PathValue("number"))+"/documents/"+url.PathEscape(r.PathValue("sha256")))
}

// view puts a record into words and works out what its reader may do. The API
// asks again: this only keeps him from what would be refused.
func (d *desk) view(p *page, rec *api.Record, who access.Principal) caseView {
	set := d.house.Set()
	v := caseView{
		Record: rec, Key: api.NewKey(), Enclosed: enclosed(set, rec),
		Decided: rec.DecidedBy != "" && rec.DecidedBy == who.User,
		dir:     &place.Directory{},
	}
	if set != nil {
		v.dir = set.Directory
	}
	if rec.Seat != "" && rec.Seat == who.Seat.String() {
		switch rec.Holder {
		case "":
			v.Role = deskFree
		case who.User:
			v.Role = deskMine
		default:
			v.Role = deskColleague
		}
	}
	var applicant, form []catalogue.Field
	if f, err := catalogue.CompileApplicant(); err == nil {
		applicant = f.Fields()
	}
	if version := pinned(set, rec); version != nil {
		if f, err := catalogue.CompileForm(version.Form); err == nil {
			form = f.Fields()
		}
		if step, ok := version.Step(rec.Step); ok {
			v.MayFinalise = step.MayFinalise
			v.EndLocked = step.Decision && !v.Decided
		}
		if _, next, ok := version.NextStep(rec.Step); ok {
			v.HasNext, v.NextName = true, next.Name
		}
	}
	v.Applicant, v.Form = person(p.Lang, set, applicant, stored(rec.Applicant)), lines(p.Lang, form, stored(rec.Form))
	return v
}

// act does what an officer asked for. What he typed survives a refusal.
func (d *desk) act(w http.ResponseWriter, r *http.Request, c api.Caller) {
	values, err := post(w, r)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	seen, err := api.ParseMatch(values.Get("version"))
	if err != nil {
		d.failed(w, r, err)
		return
	}
	action := r.PathValue("action")
	in := api.ActionRequest{
		Text: strings.TrimSpace(values.Get("text")), Opinion: values.Get("opinion"), ReasonCode: values.Get("reason_code"),
	}
	path := "/v1/cases/" + url.PathEscape(r.PathValue("number")) + "/" + url.PathEscape(action)
	call := api.Call{Path: path, Key: values.Get("key"), Match: seen, In: in}
	err = api.Inside(d.api, r).Do(context.WithoutCancel(r.Context()), call)
	if err == nil {
		http.Redirect(w, r, after(action, r.PathValue("number")), http.StatusSeeOther)
		return
	}
	rec, readErr := d.record(r)
	if readErr != nil {
		d.failed(w, r, err)
		return
	}
	p := d.page(r, rec.Service.Name)
	p.Here = "/desk/cases/" + rec.Number.String()
	v := d.view(p, rec, c.Principal)
	v.Difference, v.Tried, v.Typed = api.DifferenceOf(err), action, values
	p.Problems = []problem{{Anchor: "act-" + action, Text: p.Say(refusal(err, action, v))}}
	d.show(w, r, api.ProblemOf(err).Status, casePage(p, v))
}

// after is where to go when it is done: a case that left the desk leaves the
// screen too.
func after(action, number string) string {
	if slices.Contains([]string{"forward", "approve", "reject"}, action) {
		return "/desk"
	}
	return "/desk/cases/" + number + "?done=1"
}

// refusal is the sentence for a refused action. A conflict without a newer
// version is a rule of the procedure.
func refusal(err error, action string, v caseView) place.Name {
	if fault.KindOf(err) != fault.Conflict {
		return wordsFor(err)
	}
	switch d := v.Difference; {
	case d != nil && d.Current != d.Expected:
		return faultWords[fault.Conflict]
	case v.Role == deskColleague:
		return wordHeldByOther
	case v.Role == deskMine && action == "forward" && !v.Decided:
		return wordForwardRule
	case v.Role == deskMine && v.EndLocked:
		return wordEndRule
	}
	return faultWords[fault.Conflict]
}
