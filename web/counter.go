package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/unicode/norm"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/digit"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// counter is the pages of a centre.
type counter struct {
	*pages

	mu     sync.Mutex // Guards intake, made for the catalogue in force.
	of     *dcat.Set
	intake *catalogue.Intake
}

// Counter hangs a centre's pages onto its API: sign-in, services, applications,
// receipts and tracking. They call POST /v1/sessions, PUT and GET
// /v1/documents/{sha256}, POST and GET /v1/applications, GET
// /v1/applications/{number} and what follows it there, GET /v1/waiting, GET /v1/search, GET
// /v1/track/{number}, GET /v1/certificates and GET /v1/certificates/{number} with what
// follows it there.
func Counter(a *api.API, h House) error {
	s, err := newPages(a, h)
	if err != nil {
		return err
	}
	s.home = "/"
	s.open = []link{{"/", wordSignIn, ""}, {"/track", wordTrack, ""}, {"/verify", wordVerify, ""}, {"/charter", wordCharter, ""}}
	s.links = []link{{"/", wordNewCase, ""}, {"/today", wordToday, ""}, {"/cases", wordVisits, ""}, {"/search", wordSearch, ""}, {"/track", wordTrack, ""}, {"/charter", wordCharter, ""}}
	s.sign(wordSignInTitle)
	c := newCases(s, "GET /{$}")
	a.Page("GET /documents/{sha256}", s.known(wordSignInTitle, c.scan))
	a.Page("GET /cases/{number}/certificate", s.known(wordSignInTitle, s.certificate))
	a.Page("POST /cases/{number}/certificate", s.known(wordSignInTitle, s.printed))
	a.Page("GET /cases", s.known(wordSignInTitle, c.visits))
	a.Page("GET /cases/{number}", s.known(wordSignInTitle, c.visit))
	a.Page("POST /cases/{number}/{act}", s.known(wordSignInTitle, c.visited))
	unionDesk(s)
	s.charters(c.offered)
	a.Page("GET /today", s.known(wordSignInTitle, c.today))
	return nil
}

type servicesView struct {
	Query  string
	Empty  bool
	Groups []serviceGroup
	Locked map[string]place.Name // Services that ask whoever takes them in for a training, and which it is.
}

type serviceGroup struct {
	dcat.Category
	Services []*dcat.Version
}

// services lists what this centre offers, by category (R-OF10).
func (c *counter) services(w http.ResponseWriter, r *http.Request, who api.Caller) {
	p := c.page(r, wordNewCase)
	set := c.house.Set()
	v := servicesView{Query: strings.TrimSpace(r.URL.Query().Get("q")), Empty: set == nil}
	if set != nil {
		list := found(c.offered(set), v.Query)
		v.Groups, v.Locked = grouped(p.Lang, list), c.locked(who.User, list)
	}
	c.show(w, r, http.StatusOK, services(p, v))
}

// locked are the services that a login lacks a training for.
func (c *counter) locked(user string, list []*dcat.Version) map[string]place.Name {
	out := map[string]place.Name{}
	for _, v := range list {
		if n, ok := c.lacking(user, v); ok {
			out[v.ID] = n
		}
	}
	return out
}

// lacking names what a login has to be trained in before it may take a service in.
func (c *counter) lacking(user string, v *dcat.Version) (names place.Name, any bool) {
	if c.house.Lacks == nil {
		return names, false
	}
	var bn, en []string
	for _, n := range c.house.Lacks(user, v) {
		bn, en = append(bn, n.BN), append(en, n.EN)
	}
	return place.Name{BN: strings.Join(bn, ", "), EN: strings.Join(en, ", ")}, len(bn) > 0
}

func (c *counter) offered(set *dcat.Set) []*dcat.Version {
	if info, ok := set.Directory.Centre(c.house.Centre); ok {
		return set.OfferedTo(info.Type)
	}
	return set.Services()
}

// found keeps the services in whose names or category every word of the query
// stands.
func found(list []*dcat.Version, query string) []*dcat.Version {
	words := strings.Fields(strings.ToLower(norm.NFC.String(query)))
	return slices.DeleteFunc(list, func(v *dcat.Version) bool {
		text := strings.ToLower(norm.NFC.String(strings.Join([]string{v.Name.BN, v.Name.EN, v.Category.Name.BN, v.Category.Name.EN, v.ID}, " ")))
		return slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
	})
}

func grouped(l Lang, list []*dcat.Version) []serviceGroup {
	var groups []serviceGroup
	for _, v := range list {
		i := slices.IndexFunc(groups, func(g serviceGroup) bool { return g.Category == v.Category })
		if i < 0 {
			groups, i = append(groups, serviceGroup{Category: v.Category}), len(groups)
		}
		groups[i].Services = append(groups[i].Services, v)
	}
	slices.SortFunc(groups, func(a, b serviceGroup) int { return cmp.Compare(l.Say(a.Name), l.Say(b.Name)) })
	return groups
}

func feeHint(p *page, v *dcat.Version) string {
	if sum := v.BaseFees(); sum > 0 {
		return p.Lang.Taka(sum)
	}
	return p.Say(wordFree)
}

type applyView struct {
	Version        *dcat.Version
	Key            string
	Channel        string
	Channels       []dcat.Channel
	PostmarkError  string
	Values         url.Values
	Applicant      []question
	Form           []question
	ApplicantLines []line
	FormLines      []line
	DocumentError  string
	Papers         []paperQuestion
	Enclosed       []enclosure
	BaseFees       []protocol.Fee
	Charges        []protocol.Fee
	Hidden         []input
	Alike          []api.Found // What the person may have asked for already.
	Before         *beforeView // The certificate that it may renew; nil: none is asked for.
}

type input struct{ Name, Value string }

// A paperQuestion asks for one document of the service.
type paperQuestion struct {
	dcat.Document
	Ticked bool
	Scan   string // Hash of what was attached.
	Error  string
}

// paper is what an application is written on: the version and its forms.
type paper struct {
	version *dcat.Version
	intake  *catalogue.Intake
	form    *catalogue.Form
}

// paperFor finds the service of a page; a version that the page was begun with
// stays.
func (c *counter) paperFor(service, version string) (paper, error) {
	set := c.house.Set()
	if set == nil {
		return paper{}, fault.New("web.paperFor", fault.Unavailable, service, "no catalogue yet")
	}
	v, ok := set.Current(service)
	for _, x := range set.VersionsOf(service) {
		if version != "" && version == strconv.Itoa(x.Number) {
			v, ok = x, true
		}
	}
	if !ok {
		return paper{}, fault.New("web.paperFor", fault.NotFound, service, "no such service")
	}
	in, err := c.intakeOf(set)
	if err != nil {
		return paper{}, err
	}
	form, err := in.Form(v)
	return paper{version: v, intake: in, form: form}, err
}

// intakeOf compiles the forms of a catalogue once.
func (c *counter) intakeOf(set *dcat.Set) (*catalogue.Intake, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == set {
		return c.intake, nil
	}
	in, err := catalogue.NewIntake(set)
	if err != nil {
		return nil, err
	}
	c.of, c.intake = set, in
	return in, nil
}

// fresh shows an empty form. Its key is drawn here, so that a double click files
// once.
func (c *counter) fresh(w http.ResponseWriter, r *http.Request, who api.Caller) {
	sheet, err := c.paperFor(r.PathValue("service"), "")
	if err != nil {
		c.failed(w, r, err)
		return
	}
	if names, ok := c.lacking(who.User, sheet.version); ok {
		p := c.page(r, sheet.version.Name)
		c.show(w, r, http.StatusForbidden, message(p, p.Say(wordTraining)+" "+p.Say(names)+". "+p.Say(wordTrainingDo)))
		return
	}
	values := url.Values{"key": {api.NewKey()}, "channel": {c.channelFor(sheet.version)}}
	if set := c.house.Set(); c.house.Centre.Area() != "" && len(set.Directory.Areas) > 0 {
		values.Set("applicant.area", string(c.house.Centre.Area()))
	}
	p := c.page(r, sheet.version.Name)
	before := c.before(r, p, sheet, values)
	v := c.view(p, sheet, values, nil)
	v.Before = before
	c.show(w, r, http.StatusOK, apply(p, v))
}

// byPaper reports whether a service takes what comes by post or fax.
func byPaper(v *dcat.Version) bool { return v.Allows(dcat.Post) || v.Allows(dcat.Fax) }

// typed takes a filled page: it keeps the files in it, draws another row, reads
// back, goes back to editing, or files.
func (c *counter) typed(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	values, wrong, err := c.filled(w, r)
	if err != nil && values.Get("version") == "" {
		c.failed(w, r, err)
		return
	}
	broken := err != nil
	sheet, err := c.paperFor(r.PathValue("service"), digit.InLatin(values.Get("version")))
	if err != nil {
		c.failed(w, r, err)
		return
	}
	p := c.page(r, sheet.version.Name)
	if broken { // Too many files at once: what was typed came before them.
		wrong = append(wrong, api.FieldProblem{Path: "/documents", Field: wordDocuments, Text: wordScanBad})
	}
	if len(wrong) > 0 {
		c.correct(w, r, p, filing{paper: sheet, values: values}, wrong)
		return
	}
	step := values.Get("step")
	if values.Get("add") != "" || step != "review" && step != "file" {
		c.show(w, r, http.StatusOK, apply(p, c.view(p, sheet, values, nil)))
		return
	}
	text, err := body(sheet.version, sheet.form, sheet.intake.Applicant().Fields(), values)
	if err != nil {
		c.failed(w, r, fault.Wrap("web.typed", fault.Internal, "", err))
		return
	}
	if step == "file" && values.Get(fieldWarned) != "" && strings.TrimSpace(values.Get(fieldDespite)) == "" {
		p.Problems = []problem{{Anchor: fieldDespite, Text: p.Say(wordDespiteHint)}}
		step = "review"
	}
	if step == "file" {
		c.file(w, r, p, filing{sheet, values, text})
		return
	}
	c.review(w, r, p, filing{sheet, values, text})
}

// A filing is a filled form on its way to the API.
type filing struct {
	paper  paper
	values url.Values
	body   []byte
}

// review checks an application as the API will, and reads it back.
func (c *counter) review(w http.ResponseWriter, r *http.Request, p *page, f filing) {
	var kind place.CentreType
	if info, ok := c.house.Set().Directory.Centre(c.house.Centre); ok {
		kind = info.Type
	}
	app, wrong, err := f.paper.intake.Check(f.body, kind, c.house.Clock().In(api.Dhaka()))
	if err != nil {
		c.failed(w, r, err)
		return
	}
	if len(wrong) > 0 {
		errs := make([]api.FieldProblem, 0, len(wrong))
		for _, e := range wrong {
			errs = append(errs, api.FieldProblem(e))
		}
		c.correct(w, r, p, f, errs)
		return
	}
	v := c.view(p, f.paper, f.values, nil)
	v.ApplicantLines = person(p.Lang, c.house.Set(), f.paper.intake.Applicant().Fields(), stored(app.Applicant))
	v.FormLines = lines(p.Lang, f.paper.form.Fields(), stored(app.Form))
	if app.PostedOn != "" {
		v.FormLines = append(v.FormLines, line{Label: wordPostmark, Value: dayText(p.Lang, app.PostedOn)})
	}
	for _, d := range app.Documents {
		if doc, ok := f.paper.version.Document(d.ID); ok {
			v.Enclosed = append(v.Enclosed, enclosure{Name: doc.Name, Scan: d.SHA256})
		}
	}
	for _, ch := range app.Charges {
		v.Charges = append(v.Charges, protocol.Fee{Kind: string(ch.Kind), Poisha: ch.Poisha})
	}
	for name, list := range f.values {
		if !slices.Contains([]string{"step", "add", fieldWarned, fieldDespite}, name) && len(list) > 0 {
			v.Hidden = append(v.Hidden, input{name, list[0]})
		}
	}
	slices.SortFunc(v.Hidden, func(a, b input) int { return cmp.Compare(a.Name, b.Name) })
	v.Alike = c.alike(r, api.AlikeRequest{Service: f.paper.version.ID, Applicant: app.Applicant})
	p.Title = wordReview
	status := http.StatusOK
	if len(p.Problems) > 0 {
		status = http.StatusBadRequest
	}
	c.show(w, r, status, review(p, v))
}

// alike lists what this person may have asked for already. The counter goes on
// without it where it can't be had.
func (c *counter) alike(r *http.Request, in api.AlikeRequest) []api.Found {
	var out api.AlikeList
	call := api.Call{Method: http.MethodPost, Path: "/v1/applications/similar", Key: api.NewKey(), In: in, Out: &out}
	if err := api.Inside(c.api, r).Do(r.Context(), call); err != nil {
		return nil
	}
	return out.Found
}

// correct shows the form again with what is wrong beside the fields.
func (c *counter) correct(w http.ResponseWriter, r *http.Request, p *page, f filing, errs []api.FieldProblem) {
	errs = named(f.paper.version, f.values, errs)
	p.Problems = summary(p.Lang, errs)
	c.show(w, r, http.StatusBadRequest, apply(p, c.view(p, f.paper, f.values, errs)))
}

// file hands the application to the API and goes to its receipt.
func (c *counter) file(w http.ResponseWriter, r *http.Request, p *page, f filing) {
	var out api.ApplicationAnswer
	call := api.Call{Path: "/v1/applications", Key: f.values.Get("key"), In: f.body, Out: &out}
	err := api.Inside(c.api, r).Do(context.WithoutCancel(r.Context()), call)
	if err == nil {
		http.Redirect(w, r, c.base+"/receipt/"+out.Number.String(), http.StatusSeeOther)
		return
	}
	if refused, ok := errors.AsType[*api.Refusal](err); ok && len(refused.Errors) > 0 {
		c.correct(w, r, p, f, refused.Errors)
		return
	}
	words := wordsFor(err)
	if fault.KindOf(err) == fault.Conflict {
		words = wordAlready
	}
	p.Problems = []problem{{Text: p.Say(words)}}
	c.show(w, r, api.ProblemOf(err).Status, apply(p, c.view(p, f.paper, f.values, nil)))
}

// view is a form with what was typed.
func (c *counter) view(p *page, sh paper, values url.Values, errs []api.FieldProblem) applyView {
	s := sheet{lang: p.Lang, values: values, errors: errs}
	v := applyView{
		Version: sh.version, Key: values.Get("key"), Channel: values.Get("channel"), Channels: c.channels(sh.version), Values: values,
		Form: s.questions(sh.form.Fields(), "form"), DocumentError: s.errorAt("documents"),
		PostmarkError: s.errorAt(fieldPosted),
	}
	v.Applicant = c.applicant(s, sh)
	for _, d := range sh.version.Documents {
		v.Papers = append(v.Papers, paperQuestion{
			Document: d, Ticked: values.Get("documents."+d.ID) != "", Scan: scanOf(values, d.ID), Error: s.errorAt("documents." + d.ID),
		})
	}
	for _, f := range sh.version.Fees {
		if f.When == nil && f.Rule == "" {
			v.BaseFees = append(v.BaseFees, protocol.Fee{Kind: string(f.Kind), Poisha: f.Poisha})
		}
	}
	return v
}

// applicant draws the person's fields: the area as a list of this district's
// unions, anonymity only where the service knows it.
func (c *counter) applicant(s sheet, sh paper) []question {
	list := s.questions(sh.intake.Applicant().Fields(), "applicant")
	list = slices.DeleteFunc(list, func(q question) bool { return q.Name == "anonymous" && !mayHide(sh.version) })
	for i := range list {
		q := &list[i]
		if !mayHide(sh.version) && slices.Contains([]string{"name_bn", "mobile", "gender", "village"}, q.Name) {
			q.Optional = false
		}
		if groups := c.areas(); q.Name == "area" && len(groups) > 0 {
			q.Widget, q.Groups, q.Label, q.Help = "select", groups, wordArea, place.Name{}
		}
	}
	return list
}

// mayHide reports whether a service may be asked for anonymously.
func mayHide(v *dcat.Version) bool {
	var root struct {
		Hints struct {
			Anonymous bool `json:"anonymous"`
		} `json:"x-kendro"`
	}
	return json.Unmarshal(v.Form, &root) == nil && root.Hints.Anonymous
}

// areas lists the unions and paurashavas of the centre's district under their
// upazilas, its own upazila first.
func (c *counter) areas() []group {
	dir := c.house.Set().Directory
	own, district := c.house.Centre.Upazila(), c.house.Centre.District()
	if c.house.Area != nil {
		district = c.house.Area()
	}
	var groups []group
	for _, up := range dir.Areas {
		if up.Parent != district || up.Parent == "" {
			continue
		}
		g := group{Label: up.Name}
		for _, a := range dir.Areas {
			if a.Parent == up.Code {
				g.Options = append(g.Options, catalogue.Option{Value: string(a.Code), Label: a.Name})
			}
		}
		if len(g.Options) == 0 {
			continue
		}
		if up.Code == own {
			groups = slices.Insert(groups, 0, g)
		} else {
			groups = append(groups, g)
		}
	}
	return groups
}
