package desk

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"sync"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// intakeDesk takes in what reaches an office itself, as a box takes in what reaches its
// counter (R-CH6).
type intakeDesk struct {
	*Server
	forms *forms
}

// forms compiles the forms of a release once. They may be asked for concurrently.
type forms struct {
	mu     sync.Mutex // Guards what follows.
	of     *dcat.Set
	intake *catalogue.Intake
}

func (f *forms) compiled(set *dcat.Set) (*catalogue.Intake, error) {
	const op = "desk.intake"
	if set == nil {
		return nil, fault.New(op, fault.Unavailable, "catalogue", "the first release is not published yet")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of != set {
		in, err := catalogue.NewIntake(set)
		if err != nil {
			return nil, err
		}
		f.of, f.intake = set, in
	}
	return f.intake, nil
}

func (s intakeDesk) routes() {
	s.api.Raw(api.Route{
		Method: http.MethodPost, Path: "/v1/applications", ID: "file", Act: access.Enter, Status: http.StatusCreated, MaxBody: api.ApplicationBody,
		Summary: "Enter an application that reached an office by post, fax, telephone or at its door; 201 only when the district's register has it",
	}, api.ApplicationRequest{}, api.ApplicationAnswer{}, s.file)
	s.api.Raw(api.Route{
		Method: http.MethodPost, Path: "/v1/applications/check", ID: "check", Act: access.Enter, MaxBody: api.ApplicationBody,
		Summary: "Say what is wrong with an application that a clerk is about to enter; nothing is kept",
	}, api.ApplicationRequest{}, api.Done{}, s.check)
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/applications/{number}/supplement", ID: "supply", Act: access.Enter, Status: http.StatusCreated,
		Summary: "Enter what the applicant of a case that this office took in was asked for",
	}, s.supply)
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/applications/{number}/withdrawal", ID: "withdraw", Act: access.Enter, Status: http.StatusCreated,
		Summary: "Take an application that this office took in back for its applicant",
	}, s.withdraw)
}

// check judges as file would, and keeps nothing.
func (s intakeDesk) check(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	body, err := api.ReadBody(r)
	if err == nil {
		err = s.application(r.Context(), &register.Entering{}, body)
	}
	if err != nil {
		s.api.Fail(w, "check", err)
		return
	}
	api.WriteJSON(w, http.StatusOK, api.Done{Done: true})
}

// file answers a repeat by what the first try came to, whatever the catalogue says by
// then.
func (s intakeDesk) file(w http.ResponseWriter, r *http.Request, who api.Caller) {
	body, err := api.ReadBody(r)
	var out *api.ApplicationAnswer
	if err == nil {
		out, err = s.take(r.Context(), who, body)
	}
	if err != nil {
		s.api.Fail(w, "file", err)
		return
	}
	api.WriteJSON(w, http.StatusCreated, out)
}

func (s intakeDesk) take(ctx context.Context, who api.Caller, body []byte) (*api.ApplicationAnswer, error) {
	if err := access.May(who.Principal, access.Enter, access.Resource{Seat: who.Seat}); err != nil {
		return nil, err
	}
	b := &register.Entering{Request: sha256.Sum256(body)}
	cmd := register.NewCommand(who.Key, who.User, register.Enter, b)
	if a, known, err := s.earlier(&cmd); known {
		return a, err
	}
	err := s.application(ctx, b, body)
	if err != nil {
		s.hub.Fresh(ctx) // It may have been taken at another server, when it was still right.
		if a, known, err := s.earlier(&cmd); known {
			return a, err
		}
		return nil, err
	}
	cmd = register.NewCommand(who.Key, who.User, register.Enter, b)
	res, err := s.do(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return s.answer(&res)
}

// earlier is what the register answered to the request before, if it did.
func (s intakeDesk) earlier(cmd *register.Command) (*api.ApplicationAnswer, bool, error) {
	res, ok := s.hub.Register().Answer(cmd)
	if !ok {
		return nil, false, nil
	}
	if res.Fault != nil {
		return nil, true, res.Fault.Err()
	}
	a, err := s.answer(&res)
	if err == nil {
		a.Before = true
	}
	return a, true, err
}

func (s intakeDesk) answer(res *register.Result) (*api.ApplicationAnswer, error) {
	var e register.Entered
	if err := res.Decode(&e); err != nil {
		return nil, err
	}
	out := &api.ApplicationAnswer{
		Number: e.Number, Receipt: s.receipt(&e), Custody: api.Accepted, Fees: e.Fees, Before: e.Before,
	}
	if out.Fees == nil {
		out.Fees = []protocol.Fee{}
	}
	if c, err := s.hub.Register().Case(e.Number); err == nil { // Where this server is behind, the record has it.
		if submitted, _, err := s.hub.Register().Submission(c); err == nil {
			out.Code = protocol.CollectionCode(submitted.Nonce)
		}
	}
	if e.Pin != nil {
		out.ServiceVersion = int(e.Pin.Version)
		out.ServiceHash = serviceRef(s.hub.Register().Set(), e.Pin.Service, out.ServiceVersion).Hash
	}
	return out, nil
}

// slipCode adds to a record the collection code, for the clerk alone who entered the case and
// prints its receipt.
func slipCode(reg *register.Register, c *register.Case, rec *api.Record, reader string) error {
	if c.Centre != "" || c.By != reader || c.Erased != 0 || rec.Until != 0 {
		return nil
	}
	submitted, _, err := reg.Submission(c)
	if err == nil {
		rec.Code = protocol.CollectionCode(submitted.Nonce)
	}
	return err
}

// receipt is this server's word that the register has it.
func (s intakeDesk) receipt(e *register.Entered) api.Receipt {
	r := protocol.Receipt{Log: e.Log, At: e.At}
	if s.sign != nil {
		r = s.sign(e.Log, e.At)
	}
	return api.ReceiptOf(r, time.UnixMilli(e.Issued))
}

// application checks what was posted, and writes down what it says.
func (s intakeDesk) application(ctx context.Context, b *register.Entering, body []byte) error {
	reg := s.hub.Register()
	in, err := s.forms.compiled(reg.Set())
	if err != nil {
		return err
	}
	app, wrong, err := in.Check(body, "", s.clock().In(api.Dhaka()))
	if err != nil {
		return err
	}
	if len(wrong) == 0 && app.Channel == dcat.AtCentre {
		wrong = []catalogue.FieldError{{Path: "/channel", Field: place.Name{BN: "মাধ্যম", EN: "Channel"}, Text: wordsNoCentre}}
	}
	if len(wrong) > 0 {
		return api.Correct("desk.file", wrong)
	}
	s.hub.Fresh(ctx) // A scan may have come by another server.
	papers, err := s.papers(app)
	if err != nil {
		return err
	}
	sub, err := s.submission(app, papers)
	if err != nil {
		return err
	}
	b.Area = app.Area
	nonce := make([]byte, protocol.NonceSize)
	_, _ = rand.Read(nonce) // It never fails.
	b.Event = protocol.Event{
		Kind: protocol.Submitted, Nonce: nonce, Payload: protocol.Marshal(sub),
		Pin: &protocol.Pin{Service: app.Version.ID, Version: uint32(app.Version.Number), Hash: [8]byte(app.Version.Hash[:8])},
	}
	return nil
}

var wordsNoCentre = place.Name{
	BN: "কেন্দ্রের মাধ্যমে আসা আবেদন কেন্দ্রেই নেওয়া হয়।", EN: "What comes through a centre is taken there: want post, fax, phone, online, counter or uno_office.",
}

// submission is an application as it is kept. What nobody but its desks may read is
// sealed to the district, as at a box.
func (s intakeDesk) submission(app *catalogue.Application, papers []protocol.Document) (*protocol.Submission, error) {
	sub := &protocol.Submission{
		Channel: string(app.Channel), Form: app.Form, Applicant: app.Applicant, Documents: papers, PostedOn: app.PostedOn, Despite: app.Despite,
	}
	if f := app.Elsewhere; f != nil {
		sub.Elsewhere = &protocol.Elsewhere{System: f.System, Number: f.Number, On: f.On}
	}
	for _, d := range app.Documents {
		if d.OriginalAtCounter {
			sub.Originals = append(sub.Originals, d.ID)
		}
	}
	for _, c := range app.Charges {
		if c.Kind != dcat.ServiceCharge && app.Elsewhere == nil { // That is a centre's own; and what another system took is not in our hands.
			sub.Fees = append(sub.Fees, protocol.Fee{Kind: string(c.Kind), Poisha: c.Poisha})
		}
	}
	if !app.Version.Confidential() {
		return sub, nil
	}
	to, _ := s.hub.Register().Recipients()
	secret, err := protocol.Conceal(to[0], &protocol.Secret{Form: sub.Form, Applicant: sub.Applicant, Text: sub.Despite})
	sub.Secret, sub.Form, sub.Applicant, sub.Despite = secret, nil, nil, ""
	return sub, err
}

// papers finds the scans that were named: a quorum of the servers holds each.
func (s intakeDesk) papers(app *catalogue.Application) (list []protocol.Document, err error) {
	if len(app.Documents) > protocol.MaxDocuments {
		return nil, fault.New("desk.file", fault.Invalid, "documents", "want at most 16 documents")
	}
	var wrong []catalogue.FieldError
	for i, p := range app.Documents {
		if p.SHA256 == "" {
			continue
		}
		d, err := s.held(p.SHA256)
		if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Invalid) {
			wrong = append(wrong, app.NotHere(i))
			continue
		}
		if err != nil {
			return nil, err
		}
		d.Kind = p.ID
		list = append(list, d)
	}
	if len(wrong) > 0 {
		return nil, api.Correct("desk.file", wrong)
	}
	return list, nil
}

// held describes a document that the servers hold.
func (s intakeDesk) held(sum string) (protocol.Document, error) {
	var h protocol.Hash
	if err := h.UnmarshalText([]byte(sum)); err != nil {
		return protocol.Document{}, err
	}
	p, err := s.hub.Register().Paper(h)
	if err == nil && p.Held == 0 {
		err = fault.New("desk.file", fault.NotFound, sum, "it has not arrived here")
	}
	if err != nil {
		return protocol.Document{}, err
	}
	return protocol.Document{Hash: p.Hash, Size: p.Size, Type: p.Type}, nil
}

type supplyInput struct {
	Number string `path:"number" maxLength:"128"`
	Body   api.SupplyRequest
}

type followupOutput struct{ Body api.FollowupAnswer }

// supply brings what was asked for. The register refuses what was not.
func (s intakeDesk) supply(ctx context.Context, in *supplyInput) (*followupOutput, error) {
	app := &catalogue.Application{}
	sup := protocol.Supplement{Text: in.Body.Text}
	for _, d := range in.Body.Documents {
		p := catalogue.Paper{ID: cmp.Or(d.Kind, d.ID), OriginalAtCounter: d.OriginalAtCounter, SHA256: d.SHA256}
		switch {
		case p.ID == "" || p.SHA256 == "" && !p.OriginalAtCounter:
			return nil, fault.New("desk.supply", fault.Invalid, p.ID, "want kind, and sha256 of an upload or original_at_counter")
		case p.SHA256 == "":
			sup.Originals = append(sup.Originals, p.ID)
		}
		app.Documents = append(app.Documents, p)
	}
	n, err := protocol.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	s.hub.Fresh(ctx)
	reg := s.hub.Register()
	c, err := reg.Case(n)
	if err != nil {
		return nil, err
	}
	if set := reg.Set(); set != nil {
		if v, ok := set.ByHash(c.Pinned); ok {
			app.Version = v
		}
	}
	if app.Version == nil {
		return nil, fault.New("desk.supply", fault.Conflict, n.String(), "the version of the service is not known here")
	}
	if sup.Documents, err = s.papers(app); err != nil {
		return nil, err
	}
	if len(in.Body.Form) > 0 {
		_, before, err := reg.AsOf(c, 0)
		if err == nil {
			_, _, sup.Form, err = catalogue.MergeAnswers(before.Form, in.Body.Form)
		}
		if err != nil {
			return nil, err
		}
	}
	return s.onCase(ctx, n, protocol.Supplied, in.Body, &sup)
}

type withdrawInput struct {
	Number string `path:"number" maxLength:"128"`
	Body   api.WithdrawRequest
}

func (s intakeDesk) withdraw(ctx context.Context, in *withdrawInput) (*followupOutput, error) {
	n, err := protocol.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	return s.onCase(ctx, n, protocol.Withdrawn, in.Body, &protocol.Withdrawal{Reason: in.Body.Reason})
}

// onCase enters something on a case. asked is what makes two requests one.
func (s intakeDesk) onCase(ctx context.Context, n protocol.Number, kind protocol.Kind, asked, payload any) (*followupOutput, error) {
	b := &register.Entering{
		Request: sha256.Sum256(protocol.Marshal([]any{uint64(n), kind, asked})),
		Event:   protocol.Event{Kind: kind, Number: n, Payload: protocol.Marshal(payload)},
	}
	cmd := command(ctx, register.Enter, b)
	res, err := s.do(ctx, cmd)
	if err != nil {
		return nil, err
	}
	var e register.Entered
	if err := res.Decode(&e); err != nil {
		return nil, err
	}
	s.hub.Fresh(ctx)
	return &followupOutput{api.FollowupAnswer{Number: e.Number, Receipt: s.receipt(&e), Custody: api.Accepted, Fees: []protocol.Fee{}}}, nil
}
