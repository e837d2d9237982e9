package counter

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/web/api"
)

// applications adds the calls of those who work at the counter.
func (c *counter) applications() {
	c.api.Raw(api.Route{
		Method: http.MethodPost, Path: "/v1/applications", ID: "file", Act: access.File, Status: http.StatusCreated,
		MaxBody: api.ApplicationBody, Summary: "Take an application; 201 only when it is on the disk",
	}, api.ApplicationRequest{}, api.ApplicationAnswer{}, c.file)
	api.Register(c.api, api.Route{
		Method: http.MethodPost, Path: "/v1/applications/similar", ID: "alike", Act: access.File,
		Summary: "Applications that this box took in the last 90 days for the service, likely of the same person",
	}, c.alike)
	api.Register(c.api, api.Route{
		Method: http.MethodGet, Path: "/v1/applications", ID: "filed", Act: access.File,
		Summary: "Applications that this box took on a day, newest first",
	}, c.list)
	api.Register(c.api, api.Route{
		Method: http.MethodGet, Path: "/v1/applications/{number}", ID: "application", Act: access.ReadCase,
		Summary: "The whole record of an application of this centre",
	}, c.record)
	api.Register(c.api, api.Route{
		Method: http.MethodGet, Path: "/v1/receipts/{number}/proof", ID: "proof", Act: access.ReadCase,
		Summary: "What proves a receipt offline: the event, its place in the log, and the signature",
	}, c.proof)
}

// file is the hot path: the budget of the whole call is that of one sync.
func (c *counter) file(w http.ResponseWriter, r *http.Request, who api.Caller) {
	body, err := c.take(r, who)
	if err != nil {
		c.refused.WithLabelValues(fault.KindOf(err).Error()).Inc()
		c.api.Fail(w, "file", err)
		return
	}
	c.filed.Inc()
	api.WriteBody(w, http.StatusCreated, body)
}

// take returns the answer as JSON, written while the disk is at work.
func (c *counter) take(r *http.Request, who api.Caller) (answer []byte, err error) {
	if err := access.May(who.Principal, access.File, c.own()); err != nil {
		return nil, err
	}
	body, err := api.ReadBody(r)
	if err != nil {
		return nil, err
	}
	var encoding error
	_, wrong, err := c.Box.File(r.Context(), box.Request{User: who.User, Key: who.Key, Body: body, Render: func(a *box.Answer) {
		answer, encoding = json.Marshal(answerOf(c.Box, a))
	}})
	if len(wrong) > 0 {
		return nil, api.Correct("counter.File", wrong)
	}
	if err != nil {
		return nil, explain(err)
	}
	return answer, fault.Wrap("counter.File", fault.Internal, "", encoding)
}

// alike is for the counter to look at before it files; it keeps nothing.
func (c *counter) alike(ctx context.Context, in *struct{ Body api.AlikeRequest }) (*struct{ Body api.AlikeList }, error) {
	if err := access.May(api.CallerOf(ctx).Principal, access.File, c.own()); err != nil {
		return nil, err
	}
	likes, err := c.Box.Alike(in.Body.Service, in.Body.Applicant)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body api.AlikeList }{api.AlikeList{Found: []api.Found{}}}
	for _, l := range likes {
		out.Body.Found = append(out.Body.Found, likeOf(c.Box, &l))
	}
	return out, nil
}

// foundOf is an application of this box that somebody was looking for.
func foundOf(b *box.Box, k *box.Case, applicant place.Name, fit int) api.Found {
	stage := k.Stage
	if u, err := b.UnionCase(k.Number); err == nil {
		stage = u.Stage // As its union has brought it on here.
	}
	return api.Found{
		Number: k.Number, Service: serviceOf(k), Stage: stage, Applicant: applicant, Centre: b.Centre(),
		SubmittedAt: api.TimeOf(k.Issued), Fit: fit, Elsewhere: k.Submission.Elsewhere,
	}
}

// likeOf is an application that is likely of the person who is looked for.
func likeOf(b *box.Box, l *box.Like) api.Found {
	f := foundOf(b, l.Case, l.Name.Name, min(l.Score, 100))
	f.Grade = l.Grade.String()
	for _, r := range l.Because {
		f.Because = append(f.Because, string(r))
	}
	return f
}

func answerOf(b *box.Box, a *box.Answer) *api.ApplicationAnswer {
	out := &api.ApplicationAnswer{
		Number: a.Number, Receipt: api.ReceiptOf(a.Receipt, a.Issued), Custody: api.Local,
		Fees: a.Fees, Code: a.Code, ServiceVersion: int(a.Pin.Version), ServiceHash: b.HashOf(&a.Pin),
	}
	if a.Confirmed {
		out.Custody = api.Accepted
	}
	if out.Fees == nil {
		out.Fees = []protocol.Fee{}
	}
	return out
}

// explain adds to a closed intake that nothing was done.
func explain(err error) error {
	e, ok := errors.AsType[*fault.Error](err)
	if ok && e.Kind == fault.Unavailable && e.Item != "" {
		return &api.Refusal{Err: err, Rejected: true, RetryAfter: closedFor}
	}
	return err
}

// closedFor is when a closed counter is worth another try.
const closedFor = 15 * time.Second

type numbered struct {
	Number string `path:"number" doc:"16 digits, Latin or Bangla, with or without spaces"`
}

type recordAnswer struct {
	ETag string `header:"ETag"`
	Body *api.Record
}

type readInput struct {
	Number string `path:"number" doc:"16 digits, Latin or Bangla, with or without spaces"`
	AsOf   uint64 `query:"as_of_version" doc:"Of a case that the union decides here: as it stood at this version, what the officer saw who acted on it"`
}

func (c *counter) record(ctx context.Context, in *readInput) (*recordAnswer, error) {
	g, err := erased{c}.of(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	if g != nil {
		return erased{c}.record(g), nil
	}
	who := api.CallerOf(ctx)
	n, err := protocol.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	r, err := (union{c}).recordAt(n, in.AsOf, who)
	if err != nil {
		return nil, err
	}
	return &recordAnswer{ETag: api.ETag(r.Version), Body: r}, nil
}

// caseOf returns a case of the caller's own centre.
func (c *counter) caseOf(ctx context.Context, number string) (*box.Case, error) {
	if err := access.May(api.CallerOf(ctx).Principal, access.ReadCase, c.readable()); err != nil {
		return nil, err
	}
	n, err := protocol.ParseNumber(number)
	if err != nil {
		return nil, err
	}
	return c.Box.Case(n)
}

func (c *counter) proof(ctx context.Context, in *numbered) (*struct{ Body *api.Proof }, error) {
	g, err := erased{c}.of(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	if g != nil {
		p, err := erased{c}.proof(g)
		return &struct{ Body *api.Proof }{p}, err
	}
	k, err := c.caseOf(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	return &struct{ Body *api.Proof }{&api.Proof{
		Number: k.Number, Log: k.Receipt.Log, Seq: k.Receipt.At.Seq, Prev: k.Prev, Hash: k.Receipt.At.Hash,
		Event: k.Raw, Signature: k.Receipt.Signature, Signer: c.Signer, Certificate: c.Certificate, Authority: c.Authority,
	}}, nil
}

type listRequest struct {
	Day    string `query:"day" doc:"Civil day, such as 2026-11-22; absent: today"`
	Cursor string `query:"cursor" doc:"From an earlier page"`
}

// pageSize is how many receipts are listed at once; farBack how many records
// are looked through for them.
const (
	pageSize = 50
	farBack  = 2000
)

func (c *counter) list(ctx context.Context, in *listRequest) (*struct{ Body *api.FiledList }, error) {
	if err := access.May(api.CallerOf(ctx).Principal, access.File, c.own()); err != nil {
		return nil, err
	}
	day, before, err := c.window(in)
	if err != nil {
		return nil, err
	}
	out := &api.FiledList{Applications: []api.Filed{}}
	for looked := 0; looked < farBack && before != 1; {
		cases, err := c.Box.Latest(before, pageSize)
		if err != nil {
			return nil, err
		}
		if len(cases) == 0 {
			break
		}
		for _, k := range cases {
			before = k.Receipt.At.Seq
			if k.Issued.Before(day.AddDate(0, 0, -1)) {
				return &struct{ Body *api.FiledList }{out}, nil // A clock set back by hours hides nothing.
			}
			if !k.Issued.Before(day) && k.Issued.Before(day.AddDate(0, 0, 1)) {
				out.Applications = append(out.Applications, c.filedOf(k))
			}
			if len(out.Applications) == pageSize {
				out.Next = strconv.FormatUint(before, 10)
				return &struct{ Body *api.FiledList }{out}, nil
			}
		}
		looked += len(cases)
	}
	return &struct{ Body *api.FiledList }{out}, nil
}

func (c *counter) window(in *listRequest) (day time.Time, before uint64, err error) {
	day = c.Clock().In(api.Dhaka())
	if in.Day != "" {
		if day, err = time.ParseInLocation(time.DateOnly, in.Day, api.Dhaka()); err != nil {
			return day, 0, fault.New("counter.List", fault.Invalid, "day", "want a day such as 2026-11-22")
		}
	}
	if in.Cursor != "" {
		if before, err = strconv.ParseUint(in.Cursor, 10, 64); err != nil || before == 0 {
			return day, 0, fault.New("counter.List", fault.Invalid, "cursor", "want the cursor of an earlier page")
		}
	}
	y, m, d := day.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, api.Dhaka()), before, nil
}
