package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/document"
	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/pack/bd"
	"kendro/protocol"
	"kendro/web/api"
)

const ours = place.Centre("41-09-17")

// noon is when every test begins.
func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, api.Dhaka()) }

// A centre is a node's API in memory: it checks applications as the real one
// does, and keeps them.
type centre struct {
	t      testing.TB
	set    *dcat.Set
	intake *catalogue.Intake
	api    *api.API

	mu     sync.Mutex // Guards all below.
	filed  []*api.Record
	bodies map[string][]byte // By key.
	byKey  map[string]*api.ApplicationAnswer
	down   error // What filing answers while there is no room.
	full   error // What uploading answers while there is none.
	scans  map[protocol.Hash][]byte
	asides api.AsideList                    // Of the union's acts.
	tracks map[protocol.Number]api.Tracking // What the district has said since.
	bills  map[protocol.Number]api.Bill     // What is to be paid on other centres' cases.
	asked  int                              // How often it was asked what is to be paid.
	taken  []string                         // What came to cases after they were filed: act and body.
	why    []string                         // Why the applicant came each time.
	alike  []api.Found                      // What is likely of the same person; nil: it can't be said.
	lacks  func(string, *dcat.Version) []place.Name
}

func newCentre(t testing.TB) *centre {
	t.Helper()
	set, err := catalogue.Build(bd.Pack(), nil, noon())
	if err != nil {
		t.Fatal(err)
	}
	intake, err := catalogue.NewIntake(set)
	if err != nil {
		t.Fatal(err)
	}
	c := &centre{t: t, set: set, intake: intake, bodies: map[string][]byte{}, byKey: map[string]*api.ApplicationAnswer{}, scans: map[protocol.Hash][]byte{}, tracks: map[protocol.Number]api.Tracking{}}
	c.api = api.New(api.Options{Title: "centre", Version: "test", Auth: c, Logger: slog.New(slog.DiscardHandler)})
	get := func(path, id string, public bool, h func(http.ResponseWriter, *http.Request, api.Caller)) {
		c.api.Raw(api.Route{Method: http.MethodGet, Path: path, ID: id, Public: public, Act: access.ReadCase}, nil, nil, h)
	}
	c.api.Raw(api.Route{Method: http.MethodPost, Path: "/v1/sessions", ID: "sign-in", Public: true}, nil, nil, c.signIn)
	c.api.Raw(api.Route{Method: http.MethodPost, Path: "/v1/applications", ID: "file", Act: access.File}, nil, nil, c.file)
	c.api.Raw(api.Route{Method: http.MethodPost, Path: "/v1/applications/similar", ID: "alike", Act: access.File}, nil, nil, c.similar)
	get("/v1/applications", "filed", false, c.list)
	get("/v1/applications/{number}", "record", false, c.record)
	api.ServeUploads(c.api, access.File, access.Scan, c.upload)
	get("/v1/documents/{sha256}", "document", false, c.document)
	get("/v1/track/{number}", "track", true, c.track)
	get("/v1/waiting", "waiting", false, c.waiting)
	get("/v1/applications/{number}/payments", "bill", false, c.bill)
	for _, act := range []string{"payments", "supplement", "correction", "withdrawal", "hand-over", "void", "appeal"} {
		c.api.Raw(api.Route{Method: http.MethodPost, Path: "/v1/applications/{number}/" + act, ID: act, Act: access.File}, nil, nil, c.follow)
	}
	house := House{Set: func() *dcat.Set { return c.set }, Centre: ours, Clock: noon, Lacks: func(user string, v *dcat.Version) []place.Name {
		if c.lacks == nil {
			return nil
		}
		return c.lacks(user, v)
	}}
	if err := Counter(c.api, house); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *centre) Check(token string) (access.Principal, error) {
	if token == "chairman's token" {
		return access.Principal{User: "chairman", Role: access.Officer, Centre: ours, Seat: place.Seat{Post: "chairman", Office: "local-41-09-17"}}, nil
	}
	if token != "rahima's token" {
		return access.Principal{}, fault.New("centre.Check", fault.Denied, "", "sign in again")
	}
	return access.Principal{User: "rahima", Role: access.Entrepreneur, Centre: ours}, nil
}

// similar answers with what a test says is alike.
func (c *centre) similar(w http.ResponseWriter, _ *http.Request, _ api.Caller) {
	if c.alike == nil {
		c.api.Fail(w, "alike", fault.New("centre.similar", fault.Unavailable, "", "the index is being rebuilt"))
		return
	}
	api.WriteJSON(w, http.StatusOK, api.AlikeList{Found: c.alike})
}

func (c *centre) signIn(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	var in api.SessionRequest
	body, err := api.ReadBody(r)
	if err != nil || json.Unmarshal(body, &in) != nil || in.User != "rahima" && in.User != "chairman" || in.Password != "correct horse" {
		api.WriteProblem(w, &api.Refusal{SignIn: true, Err: fault.New("centre.signIn", fault.Denied, "", "wrong")})
		return
	}
	api.WriteJSON(w, http.StatusCreated, api.SessionAnswer{Token: in.User + "'s token", Expires: api.TimeOf(time.Now().Add(time.Hour))})
}

func (c *centre) file(w http.ResponseWriter, r *http.Request, who api.Caller) {
	body, err := api.ReadBody(r)
	if err != nil {
		api.WriteProblem(w, err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down != nil {
		api.WriteProblem(w, c.down)
		return
	}
	if first, ok := c.byKey[who.Key]; ok {
		if string(c.bodies[who.Key]) != string(body) {
			api.WriteProblem(w, api.KeyReused("centre.file"))
			return
		}
		api.WriteJSON(w, http.StatusCreated, first)
		return
	}
	app, wrong, err := c.intake.Check(body, place.Union, noon())
	if err != nil || len(wrong) > 0 {
		refusal := &api.Refusal{Err: fault.New("centre.file", fault.Invalid, "form", "not complete")}
		for _, e := range wrong {
			refusal.Errors = append(refusal.Errors, api.FieldProblem(e))
		}
		api.WriteProblem(w, refusal)
		return
	}
	rec := c.keep(app)
	answer := &api.ApplicationAnswer{
		Number: rec.Number, Receipt: *rec.Receipt, Custody: rec.Custody, Fees: rec.Fees, ServiceVersion: rec.Service.Version,
	}
	c.byKey[who.Key], c.bodies[who.Key] = answer, body
	api.WriteJSON(w, http.StatusCreated, answer)
}

// upload keeps what document.Prepare makes of it, as a box does.
func (c *centre) upload(_ context.Context, _ api.Caller, p api.UploadPart) (*api.Uploaded, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.full != nil {
		return nil, c.full
	}
	kept, _, err := document.Prepare(p.Bytes, document.Normal)
	if err != nil {
		return nil, err
	}
	h := protocol.Hash(sha256.Sum256(kept))
	c.scans[h] = kept
	return &api.Uploaded{Original: p.Hash, Received: p.Total, Complete: true, SHA256: &h, New: true}, nil
}

func (c *centre) document(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	var h protocol.Hash
	err := h.UnmarshalText([]byte(r.PathValue("sha256")))
	c.mu.Lock()
	defer c.mu.Unlock()
	content, ok := c.scans[h]
	if err != nil || !ok {
		api.WriteProblem(w, fault.New("centre.document", fault.NotFound, h.String(), "not here"))
		return
	}
	t, err := document.TypeOf(content)
	if err != nil {
		c.t.Error(err)
	}
	api.ServeDocument(w, &protocol.Document{Hash: h, Type: uint8(t)}, content)
}

// keep makes the record of an application.
func (c *centre) keep(app *catalogue.Application) *api.Record {
	nonce := make([]byte, protocol.NonceSize)
	if _, err := rand.Read(nonce); err != nil {
		c.t.Error(err)
	}
	n, err := protocol.MintNumber("41", "0010", nonce)
	if err != nil {
		c.t.Error(err)
	}
	rec := &api.Record{
		Number: n, Version: 1, Stage: "SUBMITTED", Custody: api.Local, Centre: string(ours), Channel: string(app.Channel),
		Service:     api.ServiceRef{ID: app.Version.ID, Version: app.Version.Number, Name: app.Version.Name},
		Form:        app.Form,
		Applicant:   app.Applicant,
		SubmittedAt: api.TimeOf(noon()),
		Course:      api.Course{PostedOn: app.PostedOn},
		Receipt: &api.Receipt{
			Log: protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 0xc0ffee}, Seq: uint64(len(c.filed) + 1),
			Hash: protocol.Hash{0xab, 0xcd}, IssuedAt: api.TimeOf(noon()),
		},
	}
	for _, d := range app.Documents {
		rec.Documents = append(rec.Documents, api.DocumentNote{ID: d.ID, OriginalAtCounter: d.OriginalAtCounter, SHA256: d.SHA256})
	}
	for _, ch := range app.Charges {
		rec.Fees = append(rec.Fees, protocol.Fee{Kind: string(ch.Kind), Poisha: ch.Poisha})
	}
	c.filed = append(c.filed, rec)
	return rec
}

func (c *centre) list(w http.ResponseWriter, _ *http.Request, _ api.Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := api.FiledList{Applications: []api.Filed{}}
	for _, r := range c.filed {
		out.Applications = append(out.Applications, api.Filed{Number: r.Number, Service: r.Service, At: r.SubmittedAt, Stage: r.Stage, Custody: r.Custody})
	}
	api.WriteJSON(w, http.StatusOK, out)
}

func (c *centre) find(r *http.Request) (*api.Record, error) {
	n, err := protocol.ParseNumber(r.PathValue("number"))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.filed {
		if x.Number == n {
			return x, nil
		}
	}
	return nil, fault.New("centre.find", fault.NotFound, n.String(), "no such application")
}

func (c *centre) record(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	rec, err := c.find(r)
	if err != nil {
		api.WriteProblem(w, err)
		return
	}
	api.WriteJSON(w, http.StatusOK, rec)
}

func (c *centre) track(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	rec, err := c.find(r)
	if err != nil {
		api.WriteProblem(w, err)
		return
	}
	c.mu.Lock()
	t, moved := c.tracks[rec.Number]
	c.mu.Unlock()
	if moved {
		api.WriteJSON(w, http.StatusOK, t)
		return
	}
	api.WriteJSON(w, http.StatusOK, api.Tracking{
		Number: rec.Number, Stage: rec.Stage, Since: rec.SubmittedAt, Custody: rec.Custody, AsOf: api.TimeOf(noon()),
		NextStep: &api.Named{Code: "secretary", BN: "ইউপি সচিব", EN: "UP secretary"},
	})
}

// bill says what is to be paid: of a case of its own what tracking does.
func (c *centre) bill(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	n, err := protocol.ParseNumber(r.PathValue("number"))
	if err != nil {
		api.WriteProblem(w, err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	b, ok := c.bills[n]
	if t, own := c.tracks[n]; own && !ok {
		b = api.Bill{Source: api.FromBox, Stage: t.Stage, AsOf: &t.AsOf, Demand: t.Demand, Lapsed: t.Lapsed}
	}
	if b.Source == "" {
		b.Source = api.FromUnknown
	}
	b.Number = n
	api.WriteJSON(w, http.StatusOK, b)
}

// moved lets the district say where a case stands.
func (c *centre) moved(n protocol.Number, t api.Tracking) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.Number, t.Since, t.AsOf, t.Custody = n, api.TimeOf(noon()), api.TimeOf(noon()), api.Seen
	c.tracks[n] = t
}

func (c *centre) waiting(w http.ResponseWriter, _ *http.Request, _ api.Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := api.WaitingList{Applications: []api.Waiting{}}
	for _, r := range c.filed {
		if t, ok := c.tracks[r.Number]; ok {
			out.Applications = append(out.Applications, api.Waiting{
				Filed: api.Filed{Number: r.Number, Service: r.Service, At: r.SubmittedAt, Stage: t.Stage, Custody: t.Custody}, Demand: t.Demand,
			})
		}
	}
	api.WriteJSON(w, http.StatusOK, out)
}

// follow takes what comes to a case after it was filed, as a box does.
func (c *centre) follow(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	body, err := api.ReadBody(r)
	n, wrong := protocol.ParseNumber(r.PathValue("number"))
	c.mu.Lock()
	defer c.mu.Unlock()
	if err = errors.Join(err, wrong, c.down); err != nil {
		api.WriteProblem(w, err)
		return
	}
	_, act, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/applications/"), "/")
	c.taken, c.why = append(c.taken, act+" "+string(body)), append(c.why, r.URL.Query().Get("visit"))
	var paid api.PaymentRequest
	if json.Unmarshal(body, &paid) != nil {
		c.t.Errorf("%s: %s", act, body)
	}
	api.WriteJSON(w, http.StatusCreated, api.FollowupAnswer{
		Number: n, Custody: api.Local, Fees: paid.Fees,
		Receipt: api.Receipt{Log: protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 0xc0ffee}, Seq: 77, IssuedAt: api.TimeOf(noon())},
	})
}

// count is how many applications are kept.
func (c *centre) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.filed)
}

// get fetches a page, signed in unless told otherwise.
func (c *centre) get(path string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	return c.send(httptest.NewRequest(http.MethodGet, path, nil), cookies...)
}

func (c *centre) post(path, form string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.send(r, cookies...)
}

func (c *centre) send(r *http.Request, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	if cookies == nil {
		cookies = []*http.Cookie{session()}
	}
	for _, k := range cookies {
		r.AddCookie(k)
	}
	w := httptest.NewRecorder()
	c.api.ServeHTTP(w, r)
	return w
}

func session() *http.Cookie { return &http.Cookie{Name: api.SessionCookie, Value: "rahima's token"} }

// nobody is a browser without a session.
func nobody() *http.Cookie { return &http.Cookie{Name: "other", Value: "x"} }
