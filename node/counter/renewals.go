package counter

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"kendro/domain/access"
	"kendro/domain/digit"
	"kendro/domain/fault"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/web/api"
)

// renewals adds what the application for a renewal begins with.
type renewals struct{ *counter }

func (c renewals) routes() {
	api.Register(c.api, api.Route{
		Method: http.MethodGet, Path: "/v1/certificates/{number}/renewal", ID: "renewal", Act: access.File,
		Summary: "What the application to renew a certificate begins with: from this box, from the hub with the holder's mobile, or from its code",
	}, c.begin)
	api.Register(c.api, api.Route{
		Method: http.MethodGet, Path: "/v1/certificates", ID: "certificates", Act: access.File,
		Summary: "Certificates that were issued at this box, by words of the application or its applicant",
	}, c.search)
}

type renewalInput struct {
	Number string `path:"number" maxLength:"128"`
	Code   string `query:"code" maxLength:"5000" doc:"Text of the code on the certificate"`
	Mobile string `query:"mobile" maxLength:"32" doc:"Last four digits of the holder's mobile, or all: the hub asks for them"`
}

func (c renewals) begin(ctx context.Context, in *renewalInput) (*struct{ Body *api.RenewalAnswer }, error) {
	if err := access.May(api.CallerOf(ctx).Principal, access.File, c.own()); err != nil {
		return nil, err
	}
	number, err := protocol.ParseCertificateNumber(in.Number)
	if err != nil {
		return nil, err
	}
	k, err := c.Box.Predecessor(number, in.Code)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return nil, err
	}
	b := beginning{number: number, code: in.Code, source: api.FromCode}
	switch {
	case err == nil && k.Case != nil:
		b.source, b.form, b.applicant, b.code = api.FromBox, k.Case.Submission.Form, k.Case.Submission.Applicant, ""
	case strings.TrimSpace(in.Mobile) != "":
		k, err = c.ask(ctx, &b, in.Mobile)
	}
	if err != nil {
		return nil, err
	}
	if k.Gone != "" {
		return nil, fault.New("counter.Renewal", fault.Conflict, number, "it can't be renewed, it is "+strings.TrimSpace(k.Gone+" "+k.By))
	}
	answer, err := c.answer(k, &b)
	return &struct{ Body *api.RenewalAnswer }{answer}, err
}

// A beginning is what a renewal begins with.
type beginning struct {
	number, code, source string
	form, applicant      []byte
}

// ask gets the application before from the hub. Without a link, what the code says has to do.
func (c renewals) ask(ctx context.Context, b *beginning, mobile string) (*box.Predecessor, error) {
	digits := digit.Only(mobile)
	if len(digits) < protocol.MobileDigits {
		return nil, fault.New("counter.Renewal", fault.Invalid, "mobile", "want the last four digits of the holder's mobile")
	}
	told, err := c.Hub(ctx, b.number, digits[len(digits)-protocol.MobileDigits:])
	if errors.Is(err, fault.Unavailable) && b.code != "" {
		return c.Box.Predecessor(b.number, b.code)
	}
	if err != nil {
		return nil, err
	}
	b.source, b.form, b.applicant, b.code = api.FromHub, told.Form, told.Applicant, told.Code
	return c.Box.Predecessor(b.number, b.code)
}

// answer puts the answers before into the form as it is now.
func (c renewals) answer(k *box.Predecessor, b *beginning) (*api.RenewalAnswer, error) {
	goods := c.Box.Goods()
	if goods == nil {
		return nil, fault.New("counter.Renewal", fault.Unavailable, string(box.NotSynced), box.NotSynced.Words().EN)
	}
	v, ok := goods.Set.Current(k.Service)
	if !ok || v.Renewal() == nil {
		return nil, fault.New("counter.Renewal", fault.Conflict, k.Service, "the service knows no renewal: apply anew")
	}
	form, err := goods.Intake.Form(v)
	if err != nil {
		return nil, err
	}
	r := v.Renewal()
	out := &api.RenewalAnswer{Number: b.number, Service: v.ID, Applicant: json.RawMessage(b.applicant), Code: b.code, Source: b.source}
	if k.Expires != 0 {
		out.Expires, out.From, out.Until = api.DateOf(k.Expires), around(k.Expires, -r.Within), around(k.Expires, r.Within)
	}
	out.Form, err = form.Renewed(r, b.number, b.form)
	return out, err
}

func around(end int64, days int) *api.Date { return api.DateOf(end + int64(days)*24*3600) }

type heldInput struct {
	Text string `query:"q" maxLength:"200" doc:"Words that all stand in the application or its applicant: a name, a business, the end of a mobile"`
}

func (c renewals) search(ctx context.Context, in *heldInput) (*struct{ Body api.HeldList }, error) {
	if err := access.May(api.CallerOf(ctx).Principal, access.File, c.own()); err != nil {
		return nil, err
	}
	out := &struct{ Body api.HeldList }{api.HeldList{Certificates: []api.HeldCertificate{}}}
	words := strings.Fields(in.Text)
	if len(words) == 0 {
		return nil, fault.New("counter.Certificates", fault.Invalid, "q", "want a name, a business, or the end of a mobile")
	}
	found, err := c.Box.Certificates(words)
	if err != nil {
		return nil, err
	}
	for _, u := range found {
		i, err := issuedOf(c.counter, u)
		if err != nil {
			return nil, err
		}
		out.Body.Certificates = append(out.Body.Certificates, api.HeldCertificate{
			Number: i.Number, Service: i.Service, Holder: strings.Join(i.Holders, " · "), Expires: api.DateOf(i.Expires), State: i.State,
		})
	}
	return out, nil
}
