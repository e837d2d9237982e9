package desk

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"slices"
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

// agencyDesk serves agencies, which have a namespace of their own in the catalogue, and
// takes what their editors submit (R-SV7).
type agencyDesk struct {
	*Server
	tried   *api.Limiter // Calls without a login, by address …
	written *api.Limiter // … and what editors have signed, by agency.
}

func newAgencyDesk(s *Server) agencyDesk {
	const anHour = 30
	return agencyDesk{s, api.NewLimiter(20, time.Minute), api.NewLimiter(anHour, time.Hour)}
}

func (s agencyDesk) routes() {
	one := api.AgenciesPath + "/{agency}"
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: api.AgenciesPath, ID: "add-agency", Act: access.Publish,
		Summary: "Give an agency its namespace and its editors, or others than before",
	}, func(ctx context.Context, in *agencyInput) (*doneOutput, error) {
		_, err := s.do(ctx, command(ctx, register.AddAgency, register.AgencyTold{Signed: in.Body.Signed}))
		return &doneOutput{Body: api.Done{Done: err == nil}}, err
	})
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: api.AgenciesPath, ID: "agencies", Act: access.ReadStatus,
		Summary: "Agencies, what they have in force, and who submitted what",
	}, s.list)
	s.api.Raw(api.Route{
		Method: http.MethodPost, Path: one + "/submissions", ID: "submit-version", Public: true, MaxBody: maxSubmission,
		Summary: "Submit versions of an agency's services, under an editor's signature",
	}, api.SubmissionRequest{}, api.SubmissionAnswer{}, s.submit)
	s.api.Raw(api.Route{
		Method: http.MethodGet, Path: one + "/submissions/{id}", ID: "submission", Public: true,
		Summary: "What became of a submission, for whoever has its ID: the editor who made it",
	}, nil, api.Submission{}, s.fate)
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: one + "/waiting", ID: "waiting-submission", Act: access.ReadStatus,
		Summary: "What an agency submitted and nobody has decided",
	}, s.waiting)
	for name, m := range map[string]register.Method{"refuse": register.RefuseVersion, "revoke": register.RevokeAgency} {
		api.Register(s.api, api.Route{
			Method: http.MethodPost, Path: one + "/" + name, ID: name + "-agency", Act: access.Publish,
			Summary: map[string]string{"refuse": "Refuse what an agency submitted", "revoke": "Take an agency's namespace back"}[name],
		}, func(ctx context.Context, in *agencyWordInput) (*doneOutput, error) {
			_, err := s.do(ctx, command(ctx, m, register.AgencyWord{Code: in.Agency, Reason: in.Body.Reason}))
			return &doneOutput{Body: api.Done{Done: err == nil}}, err
		})
	}
}

type agencyInput struct {
	Body api.AgencyRequest
}

type agencyWordInput struct {
	Agency string `path:"agency" maxLength:"64"`
	Body   api.AgencyWord
}

type agencyListOutput struct {
	Body api.AgencyList
}

// maxSubmission bounds a call that anybody may make: versions of 128 KiB, as text.
const maxSubmission = 512 << 10

// shownSubmissions is how many submissions of an agency are listed.
const shownSubmissions = 20

func (s agencyDesk) list(ctx context.Context, _ *struct{}) (*agencyListOutput, error) {
	s.hub.Fresh(ctx)
	reg := s.hub.Register()
	all, err := reg.Agencies.Agencies()
	out := &agencyListOutput{Body: api.AgencyList{Agencies: make([]api.Agency, 0, len(all))}}
	for _, a := range all {
		subs, err := reg.Submissions(a.Code)
		if err != nil {
			return nil, err
		}
		out.Body.Agencies = append(out.Body.Agencies, agencyOf(reg.Set(), a, subs))
	}
	return out, err
}

func agencyOf(set *dcat.Set, a *register.Agency, subs []*register.Submission) api.Agency {
	out := api.Agency{
		Code: a.Code, Name: a.Name, Kind: string(a.Kind), Editors: []string{}, Serial: a.Serial, Until: api.DateOf(a.Until - 1),
		Reason: a.Reason, Services: []string{}, Submissions: []api.Submission{},
	}
	if a.RevokedAt != 0 {
		at := api.Millis(a.RevokedAt)
		out.Revoked = &at
	}
	for _, e := range a.Editors {
		out.Editors = append(out.Editors, e.Name)
	}
	if set != nil {
		for _, v := range set.Services() {
			if a.Owns(v.ID) {
				out.Services = append(out.Services, v.ID)
			}
		}
	}
	for _, x := range slices.Backward(subs) {
		if len(out.Submissions) == shownSubmissions {
			break
		}
		out.Submissions = append(out.Submissions, submissionOf(x))
	}
	return out
}

func submissionOf(x *register.Submission) api.Submission {
	return api.Submission{
		Number: x.Number, Editor: x.Editor, Came: api.Millis(x.Came), State: x.State.String(), Services: append([]dcat.Entry{}, x.Services...),
		Withdraw: x.Withdraw, Note: x.Note, By: x.By, Reason: x.Reason, Release: x.Release,
	}
}

// fate tells what became of a submission. Who knows its ID has made it, or was told by
// who did; whoever guesses has to wait as long as who submits too often.
func (s agencyDesk) fate(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	err := s.tried.Take(api.AddressOf(r, s.proxied), s.clock())
	var found *register.Submission
	if err == nil {
		s.hub.Fresh(r.Context())
		found, err = s.named(r.PathValue("agency"), r.PathValue("id"))
	}
	if err != nil {
		s.api.Fail(w, "submission", s.recast(err))
		return
	}
	api.WriteJSON(w, http.StatusOK, submissionOf(found))
}

// named finds a submission by its ID.
func (s agencyDesk) named(agency, id string) (*register.Submission, error) {
	var want dcat.Hash
	if err := want.UnmarshalText([]byte(id)); err != nil {
		return nil, notHere(agency)
	}
	subs, err := s.hub.Register().Submissions(agency)
	for _, x := range slices.Backward(subs) {
		if sha256.Sum256(x.Signed) == want {
			return x, nil
		}
	}
	if err == nil {
		err = notHere(agency)
	}
	return nil, err
}

// submit takes what an editor wants in force. Nobody has a login for it: the signature is
// an editor's, or nothing happens. What lint has to say of the versions is said here, since
// it hangs on libraries; all else the register says too.
//
// Whoever wants to can call it, so an address may try only so often whatever it sends, and an
// agency be written to only so often whoever signs.
func (s agencyDesk) submit(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	out, err := s.submitted(r)
	if err != nil {
		s.api.Fail(w, "submit-version", err)
		return
	}
	api.WriteJSON(w, http.StatusOK, out)
}

func (s agencyDesk) submitted(r *http.Request) (*api.SubmissionAnswer, error) {
	if err := s.tried.Take(api.AddressOf(r, s.proxied), s.clock()); err != nil {
		return nil, err
	}
	body, err := api.ReadBody(r)
	if err != nil {
		return nil, err
	}
	in := new(api.SubmissionRequest)
	if err := json.Unmarshal(body, in); err != nil {
		return nil, fault.New("desk.submit", fault.Invalid, "body", "want {signed, versions}")
	}
	return s.take(r.Context(), r.PathValue("agency"), in)
}

// take hands what an editor has signed to the register.
func (s agencyDesk) take(ctx context.Context, agency string, in *api.SubmissionRequest) (*api.SubmissionAnswer, error) {
	const op = "desk.submit"
	reg := s.hub.Register()
	a, err := reg.Agency(agency)
	if err != nil {
		return nil, err
	}
	var signed catalogue.Signed
	if err := protocol.Unmarshal(in.Signed, api.SmallBody, "submission", &signed); err != nil {
		return nil, err
	}
	if _, _, err := catalogue.OpenSubmission(signed, &a.Agency); err != nil {
		return nil, err
	}
	if err := s.written.Take(a.Code, s.clock()); err != nil {
		return nil, err
	}
	body := register.Submitted{Code: agency, Signed: in.Signed}
	set := reg.Set()
	if set == nil {
		return nil, fault.New(op, fault.Unavailable, "catalogue", "the first release is not published yet")
	}
	for _, raw := range in.Versions {
		v, err := catalogue.DecodeVersion(raw)
		if err != nil {
			return nil, err
		}
		if found := catalogue.CheckVersion(v, set); len(found) > 0 {
			return nil, fault.New(op, fault.Invalid, v.ID, found[0].Text)
		}
		body.Versions = append(body.Versions, raw)
	}
	// What was signed once is submitted once, whoever brings it again.
	sum := dcat.Hash(sha256.Sum256(in.Signed))
	id := "submission/" + sum.String()
	res, err := s.do(ctx, register.NewCommand(id, register.ActorHub, register.SubmitVersion, body))
	return &api.SubmissionAnswer{Number: uint32(res.Version), ID: sum}, err
}

type waitingInput struct {
	Agency string `path:"agency" maxLength:"64"`
}

type waitingOutput struct {
	Body api.WaitingSubmission
}

func (s agencyDesk) waiting(ctx context.Context, in *waitingInput) (*waitingOutput, error) {
	s.hub.Fresh(ctx)
	reg := s.hub.Register()
	a, err := reg.Agency(in.Agency)
	if err != nil {
		return nil, err
	}
	subs, err := reg.Submissions(a.Code)
	if err != nil {
		return nil, err
	}
	if len(subs) == 0 || subs[len(subs)-1].State != register.SubmissionWaits {
		return nil, fault.New("desk.waiting", fault.NotFound, a.Code, "nothing of this agency waits")
	}
	sub := subs[len(subs)-1]
	out := &waitingOutput{Body: api.WaitingSubmission{Agency: a.Signed, Signed: sub.Signed, Versions: []api.Bytes{}, Number: sub.Number}}
	for _, raw := range sub.Versions {
		out.Body.Versions = append(out.Body.Versions, raw)
	}
	out.Body.Changes, err = wouldChange(reg.Set(), sub)
	return out, err
}

// wouldChange is what a release with a submission would have otherwise than the one in force.
func wouldChange(set *dcat.Set, sub *register.Submission) ([]api.ServiceChange, error) {
	var list []api.ServiceChange
	for _, raw := range sub.Versions {
		v, err := catalogue.DecodeVersion(raw)
		if err != nil {
			return nil, err
		}
		var old *dcat.Version
		if set != nil {
			old, _ = set.Current(v.ID)
		}
		c := catalogue.Changed(old, v)
		list = append(list, api.ServiceChange{Service: v.ID, Name: v.Name, From: c.From, To: c.To, Parts: c.Parts})
	}
	for _, id := range sub.Withdraw {
		c := api.ServiceChange{Service: id, Name: place.Name{BN: id, EN: id}}
		if set != nil {
			if old, ok := set.Current(id); ok {
				c.Name, c.From = old.Name, old.Number
			}
		}
		list = append(list, c)
	}
	return list, nil
}
