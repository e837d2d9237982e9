package counter

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/web/api"
)

// followups adds the calls on a case after its application.
type followups struct{ *counter }

func (c followups) routes() {
	route := func(path, id, summary string) api.Route {
		return api.Route{Method: http.MethodPost, Path: "/v1/applications/{number}/" + path, ID: id, Act: access.File, Status: http.StatusCreated, Summary: summary}
	}
	api.Register(c.api, route("payments", "pay", "Take money for a case of any centre; 201 only when it is on the disk"), c.pay)
	api.Register(c.api, route("supplement", "supply", "Bring what the applicant was asked for"), c.supply)
	api.Register(c.api, route("correction", "correct", "Put answers right that were taken down wrongly"), c.correct)
	api.Register(c.api, route("withdrawal", "withdraw", "Take the application back for its applicant"), c.withdraw)
	api.Register(c.api, route("appeal", "appeal", "Take an appeal against the decision; of a grievance, its words are sealed"), c.appeal)
	api.Register(c.api, route("void", "void", "Reverse a payment that this box took; whoever watches the centre reads why"), c.void)
	api.Register(c.api, route("hand-over", "hand-over", "Note that the applicant has what was issued"), c.handOver)
	api.Register(c.api, api.Route{
		Method: http.MethodGet, Path: "/v1/waiting", ID: "waiting", Act: access.File,
		Summary: "Cases that wait for their applicant, as far as this box knows",
	}, c.waiting)
	api.Register(c.api, api.Route{
		Method: http.MethodGet, Path: "/v1/applications/{number}/payments", ID: "bill", Act: access.File,
		Summary: "What is to be paid on a case of any centre, whose word that is, and what this box took for it",
	}, bills(c).bill)
}

type followupAnswer struct{ Body api.FollowupAnswer }

// VisitInput is a case to which somebody came once more.
type VisitInput struct {
	Number string `path:"number" maxLength:"128"`
	Visit  string `query:"visit" enum:"question,wrong-paper,payment,hand-over,other" doc:"Why the applicant had to come: the office had asked, what was brought before was wrong, to pay, to fetch it. Absent: by what the call is"`
}

// begin asks who may, on which case, and why the applicant came.
func (c followups) begin(ctx context.Context, in *VisitInput) (box.Followup, error) {
	who := api.CallerOf(ctx)
	if err := access.May(who.Principal, access.File, c.own()); err != nil {
		return box.Followup{}, err
	}
	n, err := protocol.ParseNumber(in.Number)
	if err != nil {
		return box.Followup{}, err
	}
	visit, err := protocol.ParseVisit(in.Visit)
	return box.Followup{User: who.User, Key: who.Key, Number: n, Visit: visit}, err
}

func followed(a *box.Answer, err error) (*followupAnswer, error) {
	if err != nil {
		return nil, explain(err)
	}
	out := &followupAnswer{api.FollowupAnswer{
		Number: a.Number, Receipt: api.ReceiptOf(a.Receipt, a.Issued), Custody: api.Local, Fees: a.Fees,
	}}
	if out.Body.Fees == nil {
		out.Body.Fees = []protocol.Fee{}
	}
	return out, nil
}

type payInput struct {
	VisitInput

	Body api.PaymentRequest
}

func (c followups) pay(ctx context.Context, in *payInput) (*followupAnswer, error) {
	f, err := c.begin(ctx, &in.VisitInput)
	if err != nil {
		return nil, err
	}
	p := protocol.Payment{Means: in.Body.Means, Fees: in.Body.Fees, Reference: in.Body.Reference}
	if in.Body.PaidOn != "" {
		day, err := time.ParseInLocation(time.DateOnly, in.Body.PaidOn, api.Dhaka())
		if err != nil || p.Means != protocol.MeansChallan {
			return nil, fault.New("counter.Pay", fault.Invalid, "paid_on", "want the bank's day of a challan, such as 2026-11-22")
		}
		p.PaidAt = day.UnixMilli()
	}
	return followed(c.Box.Followups().Pay(ctx, f, p))
}

type supplyInput struct {
	VisitInput

	Body api.SupplyRequest
}

func (c followups) supply(ctx context.Context, in *supplyInput) (*followupAnswer, error) {
	f, err := c.begin(ctx, &in.VisitInput)
	if err != nil {
		return nil, err
	}
	s := box.Supply{Form: in.Body.Form, Text: in.Body.Text}
	for _, d := range in.Body.Documents {
		if d.SHA256 == "" && !d.OriginalAtCounter {
			return nil, fault.New("counter.Supply", fault.Invalid, cmp.Or(d.Kind, d.ID), "want sha256 of an upload, or original_at_counter")
		}
		s.Documents = append(s.Documents, catalogue.Paper{ID: cmp.Or(d.Kind, d.ID), OriginalAtCounter: d.OriginalAtCounter, SHA256: d.SHA256})
	}
	a, wrong, err := c.Box.Followups().Supply(ctx, f, s)
	if len(wrong) > 0 {
		return nil, api.Correct("counter.File", wrong)
	}
	return followed(a, err)
}

type correctInput struct {
	VisitInput

	Body api.CorrectionRequest
}

func (c followups) correct(ctx context.Context, in *correctInput) (*followupAnswer, error) {
	f, err := c.begin(ctx, &in.VisitInput)
	if err != nil {
		return nil, err
	}
	b := &in.Body
	a, wrong, err := c.Box.Followups().Correct(ctx, f, box.Fix{
		Form: b.Form, Applicant: b.Applicant, Reason: b.Reason, FormSaw: b.FormSaw, ApplicantSaw: b.ApplicantSaw,
	})
	if len(wrong) > 0 {
		return nil, api.Correct("counter.File", wrong)
	}
	return followed(a, err)
}

type withdrawInput struct {
	VisitInput

	Body api.WithdrawRequest
}

func (c followups) withdraw(ctx context.Context, in *withdrawInput) (*followupAnswer, error) {
	f, err := c.begin(ctx, &in.VisitInput)
	if err != nil {
		return nil, err
	}
	return followed(c.Box.Followups().Withdraw(ctx, f, protocol.Withdrawal{Reason: in.Body.Reason}))
}

type appealInput struct {
	VisitInput

	Body api.AppealRequest
}

func (c followups) appeal(ctx context.Context, in *appealInput) (*followupAnswer, error) {
	f, err := c.begin(ctx, &in.VisitInput)
	if err != nil {
		return nil, err
	}
	return followed(c.Box.Followups().Appeal(ctx, f, in.Body.Text))
}

type voidInput struct {
	Number string `path:"number" maxLength:"128"`
	Body   api.VoidRequest
}

func (c followups) void(ctx context.Context, in *voidInput) (*followupAnswer, error) {
	f, err := c.begin(ctx, &VisitInput{Number: in.Number})
	if err != nil {
		return nil, err
	}
	return followed(c.Box.Followups().Void(ctx, f, in.Body.Seq, in.Body.Reason))
}

type handOverInput struct {
	VisitInput

	Body api.HandOverRequest
}

func (c followups) handOver(ctx context.Context, in *handOverInput) (*followupAnswer, error) {
	f, err := c.begin(ctx, &in.VisitInput)
	if err != nil {
		return nil, err
	}
	err = c.codes.Try(f.Number, in.Body.Code, c.Clock(), func() error { return c.Box.Followups().KnownBy(f.Number, in.Body.Code) })
	if err != nil {
		return nil, err
	}
	return followed(c.Box.Followups().HandOver(ctx, f, protocol.HandOver{Proof: in.Body.Proof, Text: in.Body.Text}, in.Body.Code))
}

func (c followups) waiting(ctx context.Context, _ *struct{}) (*struct{ Body api.WaitingList }, error) {
	if err := access.May(api.CallerOf(ctx).Principal, access.File, c.own()); err != nil {
		return nil, err
	}
	cases, err := c.Box.Waiting()
	if err != nil {
		return nil, err
	}
	out := &struct{ Body api.WaitingList }{api.WaitingList{Applications: []api.Waiting{}}}
	for _, k := range cases {
		out.Body.Applications = append(out.Body.Applications, api.Waiting{
			Filed: c.filedOf(k), Asking: api.AskingOf(&k.Said, c.Clock()), Demand: api.OwedOf(&k.Said), Mode: k.Said.Mode,
		})
	}
	return out, nil
}
