package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// desk is the pages of an office.
type desk struct{ *pages }

// Desk hangs a hub's pages onto its API: the public's tracking and the officers'
// desks. They call POST /v1/sessions, PUT /v1/documents/{sha256}, POST /v1/applications, GET /v1/tasks, GET /v1/items, POST
// /v1/items/{id}, GET /v1/doubles, GET /v1/search, GET /v1/cases/{number}/similar, POST
// /v1/cases/{number}/ties, GET /v1/applications/{number}, GET
// /v1/cases/{number}/documents/{sha256}, POST /v1/cases/{number}/{action}, GET
// /v1/track/{number}, GET /v1/certificates/{number}, GET /v1/catalogue/proposals, GET
// /v1/awaited, GET and POST /v1/calls, GET /v1/agencies, GET /v1/agencies/{agency}/waiting, POST /v1/agencies/{agency}/refuse, GET /v1/training, POST /v1/users/{name}/training, GET and POST /v1/erasures and POST /v1/erasures/{number}/{word}.
func Desk(a *api.API, h House) error {
	s, err := newPages(a, h)
	if err != nil {
		return err
	}
	s.home, s.base = "/desk", "/desk"
	s.open = []link{{"/track", wordTrack, ""}, {"/verify", wordVerify, ""}, {"/charter", wordCharter, ""}, {"/desk", wordSignIn, ""}}
	s.links = []link{
		{"/desk", wordTasks, ""},
		{"/desk/items", wordConflicts, ""},
		{"/desk/doubles", wordDoubles, access.ListTasks},
		{"/desk/search", wordSearch, access.ReadCase},
		{"/desk/phone", wordPhone, ""},
		{"/desk/report", wordReport, access.ReadReport},
		{"/desk/awaited", wordAwaited, access.ReadAwaited},
		{"/desk/trainings", wordTrainings, access.ReadTraining},
		{"/desk/proposals", wordProposals, access.ReadProposals},
		{"/desk/agencies", wordAgencies, access.ReadStatus},
		{"/desk/erasures", wordErasures, access.ReadErasures},
		{"/track", wordTrack, ""},
	}
	d := &desk{s}
	s.sign(wordDeskTitle)
	a.Page("GET /{$}", http.HandlerFunc(s.track))
	d.caseFiles(wordDeskTitle)
	a.Page("GET /desk/report", s.known(wordDeskTitle, d.report))
	a.Page("GET /desk/awaited", s.known(wordDeskTitle, d.awaited))
	trained := trainingDesk{d}
	a.Page("GET /desk/trainings", s.known(wordDeskTitle, trained.list))
	a.Page("POST /desk/trainings", s.known(wordDeskTitle, trained.note))
	a.Page("GET /desk/proposals", s.known(wordDeskTitle, d.proposals))
	submitted := agencyPages{d}
	a.Page("GET /desk/agencies", s.known(wordDeskTitle, submitted.list))
	a.Page("POST /desk/agencies", s.known(wordDeskTitle, submitted.refuse))
	newCases(s, "GET /desk/new")
	telephone := phoneDesk{d}
	a.Page("GET /desk/phone", s.known(wordDeskTitle, telephone.phone))
	a.Page("GET /desk/calls", s.known(wordDeskTitle, telephone.calls))
	s.charters(everything)
	a.Page("GET /desk/items", s.known(wordDeskTitle, d.items))
	a.Page("POST /desk/items/{id}", s.known(wordDeskTitle, d.settle))
	a.Page("GET /desk/doubles", s.known(wordDeskTitle, d.doubles))
	a.Page("GET /desk/erasures", s.known(wordDeskTitle, d.erasures))
	a.Page("POST /desk/erasures", s.known(wordDeskTitle, d.erase))
	a.Page("GET /desk/search", s.known(wordDeskTitle, d.find))
	a.Page("POST /desk/cases/{number}/similar", s.known(wordDeskTitle, d.relate))
	return nil
}

// caseFiles hangs up the list of tasks and what there is to a case, at a hub and at the box
// of a union alike.
func (d *desk) caseFiles(title place.Name) {
	d.api.Page("GET /desk", d.known(title, d.tasks))
	d.api.Page("GET /desk/cases/{number}/similar", d.known(title, d.similar))
	d.api.Page("GET /desk/cases/{number}/documents/{sha256}", d.known(title, d.scan))
	d.api.Page("GET /desk/cases/{number}/certificate", d.known(title, d.certificate))
	d.api.Page("POST /desk/cases/{number}/certificate", d.known(title, d.printed))
	d.api.Page("GET /desk/cases/{number}/sheet", d.known(title, sheets{d}.one))
	d.api.Page("GET /desk/cases/{number}", d.known(title, d.read))
	d.api.Page("POST /desk/cases/{number}/{action}", d.known(title, d.act))
}

type tasksView struct {
	Scope  string
	Leases []leased // At the box of a union …
	Unread int      // … with how many acts that the district did not take, and that nobody of the union has read.
	Enters bool     // The reader enters what reaches the office.
	List   api.TaskList
}

// tasks lists an officer's work, or the whole office's (R-OF2).
func (d *desk) tasks(w http.ResponseWriter, r *http.Request, c api.Caller) {
	v := tasksView{Scope: "mine", Enters: access.ScopeOf(c.Role, access.Enter) != access.Never}
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
	p := d.page(r, wordTasks)
	var err error
	if v.Leases, err = d.leases(r, p.Lang); err != nil {
		d.failed(w, r, err)
		return
	}
	if v.Unread, err = (asideDesk{d}).unread(r); err != nil {
		d.failed(w, r, err)
		return
	}
	d.show(w, r, http.StatusOK, tasks(p, v))
}

type caseView struct {
	Record     *api.Record
	Key        string
	Offers     []offer
	Aside      place.Name // Why nothing can be done, where so.
	Enters     bool       // The reader enters what reaches the office, and it took the case in.
	Applicant  []line
	Form       []line
	Enclosed   []enclosure
	Alike      []api.Found // At the box of a union: other applications that are likely the same person's.
	Difference *api.Difference
	Tried      string     // Action that was asked for, and not done …
	Typed      url.Values // … and what was typed into it.

	lang    Lang
	dir     *place.Directory // As the release in force has it; empty before the first.
	version *dcat.Version    // The pinned one, nil if it isn't here.
	fields  []catalogue.Field
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

// seat is a post@office in words.
func (v caseView) seat(s string) place.Name {
	post, office, ok := strings.Cut(s, "@")
	if !ok {
		return place.Name{}
	}
	n := v.post(post)
	if o, ok := v.dir.Office(office); ok {
		return place.Name{BN: n.BN + ", " + o.Name.BN, EN: n.EN + ", " + o.Name.EN}
	}
	return n
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
	v := d.view(p, rec, c.Principal)
	v.Alike = d.alike(r, rec)
	d.show(w, r, http.StatusOK, casePage(p, v))
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
		Record: rec, Key: api.NewKey(), Enclosed: enclosed(set, rec), Typed: url.Values{},
		Enters: rec.Centre == "" && access.ScopeOf(who.Role, access.Enter) != access.Never,
		lang:   p.Lang, dir: &place.Directory{}, version: pinned(set, rec),
	}
	if set != nil {
		v.dir = set.Directory
	}
	var applicant []catalogue.Field
	if f, err := catalogue.CompileApplicant(); err == nil {
		applicant = f.Fields()
	}
	if v.version != nil {
		if f, err := catalogue.CompileForm(v.version.Form); err == nil {
			v.fields = f.Fields()
		}
	}
	v.Applicant, v.Form = person(p.Lang, set, applicant, stored(rec.Applicant)), lines(p.Lang, v.fields, stored(rec.Form))
	v.Offers = v.offers(rec.Acts)
	if rec.Until != 0 {
		return v
	}
	if u := rec.Union; u != nil && u.Bar != "" {
		v.Aside = barWords[u.Bar]
		return v
	}
	switch own := rec.Seat != "" && rec.Seat == who.Seat.String(); {
	case own && rec.Holder != "" && rec.Holder != who.User:
		v.Aside = wordHeldByOther
	case len(v.Offers) > 0:
	case own:
		v.Aside = wordNothingToDo
	default:
		v.Aside = wordNotYourDesk
	}
	return v
}

// act does what an officer asked for, once he is sure of what can't be taken back.
// What he typed survives a refusal.
func (d *desk) act(w http.ResponseWriter, r *http.Request, c api.Caller) {
	values, wrong, err := d.filled(w, r)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	action := r.PathValue("action")
	if len(wrong) > 0 {
		d.again(w, r, c, tried{action, values, fault.New("web.act", fault.Invalid, "scan", wrong[0].Text.EN), wrong[0].Text})
		return
	}
	seen, err := api.ParseMatch(values.Get("version"))
	if err != nil {
		d.failed(w, r, err)
		return
	}
	in, err := (&caseView{Typed: values}).request(action)
	if err != nil {
		d.again(w, r, c, tried{action, values, err, wordBadSum})
		return
	}
	if sure := actPages[action].Sure; sure != (place.Name{}) && values.Get("sure") == "" {
		d.again(w, r, c, tried{action: action, values: values})
		return
	}
	n, err := protocol.ParseNumber(r.PathValue("number"))
	if err != nil {
		d.failed(w, r, err)
		return
	}
	call := api.Call{Path: "/v1/cases/" + n.String() + "/" + url.PathEscape(action), Key: values.Get("key"), Match: seen, In: in}
	if err = api.Inside(d.api, r).Do(context.WithoutCancel(r.Context()), call); err != nil {
		d.again(w, r, c, tried{action: action, values: values, err: err})
		return
	}
	to := "/desk"
	if !actPages[action].Leaves { // A case that left the desk leaves the screen too.
		to = "/desk/cases/" + n.String() + "?done=1"
	}
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // Our own path with a receive number.
}

// A tried act was not done: the officer is to say that he is sure of it, or has
// gone back, or it was refused.
type tried struct {
	action string
	values url.Values
	err    error      // Nil: it was not refused.
	words  place.Name // Of the refusal; empty: as its kind has it.
}

// again shows the case, or the question whether he is sure, with what was typed.
func (d *desk) again(w http.ResponseWriter, r *http.Request, c api.Caller, t tried) {
	rec, err := d.record(r)
	if err != nil {
		d.failed(w, r, cmp.Or(t.err, err))
		return
	}
	p := d.page(r, rec.Service.Name)
	p.Here = "/desk/cases/" + rec.Number.String()
	v := d.view(p, rec, c.Principal)
	v.Tried, v.Typed = t.action, t.values
	switch {
	case t.err != nil:
		v.Difference = api.DifferenceOf(t.err)
		if t.words == (place.Name{}) {
			t.words = refusal(t.err, t.action, v)
		}
		p.Problems = []problem{{Anchor: "act-" + t.action, Text: p.Say(t.words)}}
		d.show(w, r, api.ProblemOf(t.err).Status, casePage(p, v))
	case t.values.Get("back") != "":
		d.show(w, r, http.StatusOK, casePage(p, v))
	default:
		p.Title = wordSure
		d.show(w, r, http.StatusOK, surePage(p, v.sure()))
	}
}

// refusal is the sentence for a refused action. A conflict without a newer
// version is a rule of the procedure.
func refusal(err error, action string, v caseView) place.Name {
	if u := v.Record.Union; u != nil && u.Bar != "" {
		return barWords[u.Bar]
	}
	if slices.ContainsFunc(v.Offers, func(o offer) bool { return o.Action == action && o.Bar == api.BarNumbers }) {
		return wordNoNumbers
	}
	if wrong := wordsForCode(err, v.Typed.Get("code")); wrong != (place.Name{}) {
		return wrong
	}
	overtaken := v.Difference != nil && v.Difference.Current != v.Difference.Expected
	if wrong := wordsForBooking(err, v.Typed.Get("books")); wrong != (place.Name{}) && !overtaken {
		return wrong
	}
	if fault.KindOf(err) == fault.Invalid {
		return wordBadActs
	}
	if fault.KindOf(err) != fault.Conflict {
		return wordsFor(err)
	}
	if overtaken {
		return faultWords[fault.Conflict]
	}
	for _, o := range v.Offers {
		if o.Action == action && o.Bar != "" {
			return place.Name{BN: strings.TrimSpace(o.Locked.BN + " " + o.Named), EN: strings.TrimSpace(o.Locked.EN + " " + o.Named)}
		}
	}
	if v.Aside == wordHeldByOther {
		return wordHeldByOther
	}
	return faultWords[fault.Conflict]
}

// wordsForCode are the words for a collection code that did not count; none where it was not
// for that.
func wordsForCode(err error, code string) place.Name {
	switch kind := fault.KindOf(err); {
	case code == "":
		return place.Name{}
	case kind == fault.Invalid:
		return wordBadCode
	case kind == fault.Limited:
		return wordManyCodes
	}
	return place.Name{}
}

// elsewhereText is how another system knows an application.
func elsewhereText(l Lang, e *protocol.Elsewhere) string {
	text := e.System + " " + e.Number
	if e.On != "" {
		text += ", " + dayText(l, e.On)
	}
	return text
}
