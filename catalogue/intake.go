package catalogue

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

//go:embed applicant.json
var applicantSchema []byte

// CompileApplicant compiles the form of the person who applies, one and the
// same for every service.
func CompileApplicant() (*Form, error) { return CompileForm(applicantSchema) }

// An Application is a checked body of POST /v1/applications: canonical, so that
// it may be stored and signed as it is.
type Application struct {
	Version   *dcat.Version
	Channel   dcat.Channel
	Area      place.Code // Where the applicant lives: routes the case.
	Anonymous bool
	Applicant json.RawMessage
	Form      json.RawMessage
	Documents []Paper
	Charges   []dcat.Charge
	PostedOn  string // The day on a paper that came by post or fax, 2026-11-20; empty for others.
	Despite   string // Why it is filed though one like it was taken; empty where nobody was asked.

	Elsewhere *Foreign // How another system knows it, where it is taken over from there.

	RenewalCode string // The text of the code on the certificate that it renews; empty where nobody had it.
}

// A Foreign is how another system knows an application. On is its day of it, 2026-11-20,
// or empty.
type Foreign struct{ System, Number, On string }

// A Paper is a document as the body names it.
type Paper struct {
	ID                string `cbor:"1,keyasint" json:"id"`
	OriginalAtCounter bool   `cbor:"2,keyasint" json:"original_at_counter"`
	SHA256            string `cbor:"3,keyasint,omitempty" json:"sha256,omitempty"` // Of an upload, lower hex.
}

// An Intake checks applications against one release. Forms are compiled when
// first used and kept. It may be used concurrently.
type Intake struct {
	set       *dcat.Set
	applicant *Form

	mu    sync.Mutex // Guards what follows.
	forms map[dcat.Hash]*Form
	rules map[dcat.Hash]*Rules
}

// NewIntake returns an intake for the set's services.
func NewIntake(set *dcat.Set) (*Intake, error) {
	applicant, err := CompileApplicant()
	if err != nil {
		return nil, err
	}
	return &Intake{set: set, applicant: applicant, forms: map[dcat.Hash]*Form{}, rules: map[dcat.Hash]*Rules{}}, nil
}

// Applicant returns the compiled form of the applicant.
func (in *Intake) Applicant() *Form { return in.applicant }

// Form returns the compiled form of a version.
func (in *Intake) Form(v *dcat.Version) (*Form, error) {
	in.mu.Lock()
	form := in.forms[v.Hash]
	in.mu.Unlock()
	if form != nil {
		return form, nil
	}
	form, err := CompileForm(v.Form) // Twice, should two callers be first: harmless.
	if err != nil {
		return nil, fault.Wrap("catalogue.Form", fault.Invalid, v.ID, err)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.forms[v.Hash] = form
	return form, nil
}

// rulesOf returns the compiled rules of a version and its form.
func (in *Intake) rulesOf(v *dcat.Version, form *Form) (*Rules, error) {
	in.mu.Lock()
	rules := in.rules[v.Hash]
	in.mu.Unlock()
	if rules != nil {
		return rules, nil
	}
	rules, err := CompileRules(v, form) // As for a form.
	if err != nil {
		return nil, err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.rules[v.Hash] = rules
	return rules, nil
}

// Check reads one posted body that comes in at a centre of this type ("" for a
// hub's own desk, which may file everything) on this date. Field errors are the
// applicant's to correct and come without an error. The error is
// [fault.Invalid] for a body that is no application, [fault.NotFound] for an
// unknown service or version, [fault.Denied] for a service that this type of
// centre doesn't offer.
func (in *Intake) Check(body []byte, at place.CentreType, on time.Time) (*Application, []FieldError, error) {
	if app, ok := in.quick(body, at, on); ok {
		return app, nil, nil
	}
	return in.check(body, at, on)
}

// check is Check for any body, and says what is wrong with it.
func (in *Intake) check(body []byte, at place.CentreType, on time.Time) (*Application, []FieldError, error) {
	const op = "catalogue.Check"
	tree, err := parseTree(body)
	if err != nil {
		return nil, nil, fault.Wrap(op, fault.Invalid, "", err)
	}
	m, ok := tree.(map[string]any)
	if !ok {
		return nil, nil, fault.New(op, fault.Invalid, "", "want an object with service, form, channel and applicant")
	}
	for key := range m {
		if !slices.Contains([]string{"service", "version", "form", "channel", "applicant", "documents", "posted_on", "duplicate_reason", "elsewhere", "renewal_code"}, key) {
			return nil, nil, fault.New(op, fault.Invalid, clipText(key), "unknown key; want service, version, form, channel, applicant, documents, posted_on, duplicate_reason, elsewhere, renewal_code")
		}
	}
	v, err := in.version(m)
	if err != nil {
		return nil, nil, err
	}
	if !in.offered(v, at) {
		return nil, nil, fault.New(op, fault.Denied, v.ID, fmt.Sprintf("not offered at a centre of type %s", at))
	}
	form, err := in.Form(v)
	if err != nil {
		return nil, nil, err
	}
	app := &Application{Version: v}
	errs := in.fields(app, form, m, on)
	errs = append(errs, app.foreign(m["elsewhere"], at, on)...)
	if len(errs) > 0 {
		return nil, errs[:min(len(errs), MaxErrors)], nil
	}
	return app, nil, app.finish(m, on)
}

// offered reports whether a type of centre may file a version: both it and the one in
// force name the type, as nothing is taken under any version of a withdrawn service.
func (in *Intake) offered(v *dcat.Version, at place.CentreType) bool {
	now, ok := in.set.Current(v.ID)
	return at == "" || v.OfferedAt(at) && (!ok || now.OfferedAt(at))
}

func (in *Intake) version(m map[string]any) (*dcat.Version, error) {
	const op = "catalogue.Check"
	id, _ := m["service"].(string)
	v, ok := in.set.Current(id)
	if !ok && len(in.set.VersionsOf(id)) > 0 {
		return nil, fault.New(op, fault.NotFound, clipText(id), "the service was withdrawn: no application under any version of it is taken")
	}
	if raw, given := m["version"]; given && raw != nil {
		n, err := strconv.Atoi(fmt.Sprint(raw))
		if err != nil {
			return nil, fault.New(op, fault.Invalid, clipText(id), "version: want a whole number")
		}
		v, ok = in.set.Numbered(id, n)
	}
	if !ok {
		return nil, fault.New(op, fault.NotFound, clipText(id), "no such service or version in the catalogue")
	}
	return v, nil
}

// fields checks everything that the person at the counter can correct.
func (in *Intake) fields(app *Application, form *Form, m map[string]any, on time.Time) []FieldError {
	errs := under("/applicant", in.applicant.check(orEmpty(m["applicant"])))
	errs = append(errs, under("/form", form.checkOn(orEmpty(m["form"]), on))...)
	if len(errs) == 0 {
		errs = append(errs, in.person(app, form, answers(m["applicant"]))...)
	}
	channel, _ := m["channel"].(string)
	app.Channel = dcat.Channel(channel)
	if !app.Version.Allows(app.Channel) {
		errs = append(errs, FieldError{Path: "/channel", Field: place.Name{BN: "মাধ্যম", EN: "Channel"}, Text: place.Name{
			BN: "এই সেবার আবেদন এই মাধ্যমে নেওয়া হয় না।", EN: fmt.Sprintf("This service is not taken by %q: want one of %v.", clipText(channel), app.Version.Channels),
		}})
	}
	errs = append(errs, app.postmark(m["posted_on"], on)...)
	errs = append(errs, app.despite(m["duplicate_reason"])...)
	errs = append(errs, app.code(m["renewal_code"])...)
	return append(errs, app.papers(m["documents"])...)
}

// postmark reads the day on which a letter was posted or a fax was sent: what is on
// the paper, and not the day on which it is entered (R-CH6).
func (app *Application) postmark(raw any, on time.Time) []FieldError {
	if raw == nil {
		return nil
	}
	day, _ := raw.(string)
	at, err := time.Parse(time.DateOnly, day)
	byPaper := app.Channel == dcat.Post || app.Channel == dcat.Fax
	if err != nil || !byPaper || day > on.Format(time.DateOnly) || at.Year() < on.Year()-1 {
		return []FieldError{{Path: "/posted_on", Field: place.Name{BN: "ডাকের তারিখ", EN: "Postmark"}, Text: place.Name{
			BN: "ডাক বা ফ্যাক্সে আসা কাগজের তারিখ লিখুন, যেমন 2026-11-20; আজকের পরে নয়।", EN: "Want the day on a paper that came by post or fax, such as 2026-11-20, and not after today.",
		}}}
	}
	app.PostedOn = day
	return nil
}

// MaxDespite bounds the reason to file in spite of a likely duplicate, in bytes.
const MaxDespite = 1000

// despite reads why an application is filed though one like it was taken.
func (app *Application) despite(raw any) []FieldError {
	if raw == nil {
		return nil
	}
	reason, _ := raw.(string)
	if app.Despite = strings.TrimSpace(reason); app.Despite == "" || len(app.Despite) > MaxDespite {
		return []FieldError{{Path: "/duplicate_reason", Field: place.Name{BN: "আবার নেওয়ার কারণ", EN: "Reason to file again"}, Text: place.Name{
			BN: "কেন আবার আবেদন নেওয়া হচ্ছে, অল্প কথায় লিখুন।", EN: "Say in short why it is filed again: 1 to 1000 bytes.",
		}}}
	}
	return nil
}

// Bounds of what another system says of itself, in bytes.
const (
	maxSystem  = 64
	maxForeign = 128
)

// foreign reads how another system knows an application. Only a hub's desk takes one over.
func (app *Application) foreign(raw any, at place.CentreType, on time.Time) []FieldError {
	if raw == nil {
		return nil
	}
	m, _ := raw.(map[string]any)
	f := &Foreign{}
	f.System, _ = m["system"].(string)
	f.Number, _ = m["number"].(string)
	f.On, _ = m["filed_on"].(string)
	_, err := time.Parse(time.DateOnly, f.On)
	late := f.On != "" && (err != nil || f.On > on.Format(time.DateOnly))
	fits := func(s string, most int) bool { return s != "" && len(s) <= most && s == strings.TrimSpace(s) }
	if at != "" || len(m) > 3 || late || !fits(f.System, maxSystem) || !fits(f.Number, maxForeign) {
		return []FieldError{{Path: "/elsewhere", Field: place.Name{BN: "অন্য সিস্টেম", EN: "Other system"}, Text: place.Name{
			BN: "অন্য সিস্টেমের নাম, তার নম্বর ও তারিখ লিখুন; কেবল জেলা কার্যালয়ে।", EN: "Want system, number and filed_on of another system, a day such as 2026-11-20 and not after today; at a hub alone.",
		}}}
	}
	app.Elsewhere = f
	return nil
}

func (in *Intake) person(app *Application, form *Form, answer func(string) string) []FieldError {
	app.Area = place.Code(answer("area"))
	app.Anonymous = answer("anonymous") == "true"
	if _, ok := in.set.Directory.Area(app.Area); !ok {
		return []FieldError{in.applicantError("area", place.Name{BN: "এই এলাকার কোড পাওয়া যায়নি।", EN: "There is no area with this code."})}
	}
	for _, step := range app.Version.Steps {
		if _, ok := in.set.Directory.OfficeFor(app.Area, step.OfficeLevel); !ok {
			return []FieldError{in.applicantError("area", place.Name{BN: "এই এলাকায় সেবাটি দেওয়ার দপ্তর নেই; ইউনিয়ন বা পৌরসভার কোড লিখুন।", EN: "No office serves this area for the step " + step.Name.EN + ": write the code of the union or paurashava."})}
		}
	}
	if app.Anonymous && !form.anonymous {
		return []FieldError{in.applicantError("anonymous", place.Name{BN: "এই সেবায় নাম গোপন রাখা যায় না।", EN: "This service can't be asked for anonymously."})}
	}
	return nil
}

func (in *Intake) applicantError(name string, text place.Name) FieldError {
	fe := in.applicant.fieldError("/"+name, text)
	fe.Path = "/applicant/" + name
	return fe
}

func under(prefix string, errs []FieldError) []FieldError {
	for i := range errs {
		errs[i].Path = prefix + errs[i].Path
	}
	return errs
}

func orEmpty(v any) any {
	if v == nil {
		return map[string]any{}
	}
	return v
}

// papers reads the documents and checks them against the version.
func (app *Application) papers(raw any) []FieldError {
	list, ok := raw.([]any)
	if raw != nil && !ok {
		return []FieldError{{Path: "/documents", Text: wordsList}}
	}
	var errs []FieldError
	for i, x := range list {
		path := "/documents/" + strconv.Itoa(i)
		m, _ := x.(map[string]any)
		paper := paperOf(m)
		doc, ok := app.Version.Document(paper.ID)
		switch {
		case !ok || len(m) != 2 || app.names(paper.ID):
			errs = append(errs, FieldError{Path: path, Text: place.Name{BN: "এই সেবায় এমন দলিল নেই, অথবা দুইবার লেখা হয়েছে।", EN: "The service has no such document, or it is named twice: want kind and sha256, or id and original_at_counter."}})
		case paper.SHA256 != "":
			app.Documents = append(app.Documents, paper)
		case !paper.OriginalAtCounter || !doc.OriginalAtCounter:
			errs = append(errs, FieldError{Path: path, Field: doc.Name, Text: place.Name{BN: "মূল দলিল কাউন্টারে দেখান।", EN: "Show the original at the counter."}})
		default:
			app.Documents = append(app.Documents, paper)
		}
	}
	for _, d := range app.Version.Documents {
		if d.Required && len(errs) == 0 && !app.names(d.ID) {
			errs = append(errs, FieldError{Path: "/documents", Field: d.Name, Text: place.Name{BN: "এই দলিলটি প্রয়োজন।", EN: "This document is required."}})
		}
	}
	return errs
}

// NotHere is the field error of a document that names a scan which has not been uploaded.
func (app *Application) NotHere(i int) FieldError {
	doc, _ := app.Version.Document(app.Documents[i].ID)
	return FieldError{Path: "/documents/" + strconv.Itoa(i), Field: doc.Name, Text: place.Name{
		BN: "এই দলিলের স্ক্যান এখানে নেই। আবার সংযুক্ত করুন।", EN: "This document is not here: attach or upload it again.",
	}}
}

// paperOf reads one entry of the documents: kind, or id, and how it is shown.
func paperOf(m map[string]any) Paper {
	var p Paper
	p.ID, _ = m["kind"].(string)
	if id, ok := m["id"].(string); ok {
		p.ID = id
	}
	p.OriginalAtCounter, _ = m["original_at_counter"].(bool)
	p.SHA256, _ = m["sha256"].(string)
	return p
}

// finish writes the canonical parts and reckons the charges.
func (app *Application) finish(m map[string]any, on time.Time) error {
	var err error
	if app.Applicant, err = writeTree(m["applicant"]); err != nil {
		return err
	}
	if app.Form, err = writeTree(orEmpty(m["form"])); err != nil {
		return err
	}
	app.Charges = app.Version.Charges(answers(m["form"]), on)
	return nil
}
