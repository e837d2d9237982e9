package desk

import (
	"strings"
	"time"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// actDesk reads what officers post.
type actDesk struct{ *Server }

// actOf reads what an officer posts into what the register takes. Names that only
// the catalogue and the clock can tell right from wrong are asked for here.
func (s actDesk) actOf(n protocol.Number, action string, in *api.ActionRequest) (register.Act, error) {
	if in == nil {
		return register.Act{}, nil
	}
	b := register.Act{
		Opinion: application.Opinion(in.Opinion), Text: in.Text, Reason: in.ReasonCode, To: in.To,
		Items: in.Items, Check: in.Check, Amount: in.Poisha, Cites: in.Cites,
	}
	err := s.cites(n, in.Cites)
	if err != nil {
		return b, err
	}
	switch action {
	case application.Return.String(), application.HandBack.String(), application.RequestInfo.String(), application.Link.String(), application.Appeal.String():
		b.Text = orText(in.Reason, in.Text)
	case application.Dispatch.String(), application.Pay.String():
		b.Text = strings.TrimSpace(orText(in.Reference, in.Text))
	}
	switch action {
	case application.RequestInfo.String():
		err = s.asks(n, in.Items)
	case application.Check.String():
		b.Document, err = s.shown(in.Check, in.SHA256)
	case application.Pay.String():
		b.Books = in.Books
		b.At, err = s.endOf(in.PaidOn, "paid_on")
	case application.HandOver.String():
		b.Text, err = s.known(n, in)
	case application.Prepare.String():
		b.Until, err = s.endOf(in.Date, "date")
	case application.Link.String():
		b.Primary, err = protocol.ParseNumber(in.Primary)
	}
	return b, err
}

func orText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// known is what a case says of how the person was known to whom it is handed over: by the
// code on the receipt, where one is given, and by what the officer writes.
func (s actDesk) known(n protocol.Number, in *api.ActionRequest) (string, error) {
	if in.Code == "" {
		return in.Text, nil
	}
	c, err := s.hub.Register().Case(n)
	if err != nil {
		return "", err
	}
	e, _, err := s.hub.Register().Submission(c)
	if err == nil {
		err = s.codes.Try(n, in.Code, s.clock(), func() error { return protocol.CheckCollectionCode(e.Nonce, in.Code) })
	}
	return strings.TrimSpace(protocol.ByCode + " " + in.Text), err
}

// endOf is the last second of a day, 0 for none.
func (s actDesk) endOf(day, what string) (int64, error) {
	if day == "" {
		return 0, nil
	}
	d, err := time.ParseInLocation(time.DateOnly, day, api.Dhaka())
	if err != nil {
		return 0, fault.New("desk.act", fault.Invalid, what, "want a day such as 2026-11-22")
	}
	return application.Term(d, 0), nil
}

// version is what a case pins, nil where it isn't known here.
func (s actDesk) version(n protocol.Number) (*dcat.Version, error) {
	reg := s.hub.Register()
	c, err := reg.Case(n)
	set := reg.Set()
	if err != nil || set == nil {
		return nil, err
	}
	v, _ := set.ByHash(c.Pinned)
	return v, nil
}

// cites refuses answers that neither the service nor the applicant has.
func (s actDesk) cites(n protocol.Number, fields []string) error {
	if len(fields) == 0 {
		return nil
	}
	v, err := s.version(n)
	if err != nil || v == nil {
		return err
	}
	known := api.Citable(v)
	for _, f := range fields {
		if _, ok := known[f]; !ok {
			return fault.New("desk.act", fault.Invalid, f, "the service has no such answer: want form.NAME, or applicant.NAME")
		}
	}
	return nil
}

// asks refuses to ask for what the service knows no answer and no document of.
func (s actDesk) asks(n protocol.Number, items []string) error {
	v, err := s.version(n)
	if err != nil || v == nil {
		return err
	}
	known := api.Askable(v)
	for _, it := range items {
		if _, ok := known[it]; !ok {
			return fault.New("desk.act", fault.Invalid, it, "the service has no such answer or document: want form.NAME, or a document's ID")
		}
	}
	return nil
}

// shown is an upload that shows a check.
func (s actDesk) shown(check, sum string) (*protocol.Document, error) {
	if sum == "" {
		return nil, nil
	}
	var h protocol.Hash
	if err := h.UnmarshalText([]byte(sum)); err != nil {
		return nil, err
	}
	p, err := s.hub.Register().Paper(h)
	if err != nil {
		return nil, err
	}
	return &protocol.Document{Kind: check, Hash: p.Hash, Size: p.Size, Type: p.Type}, nil
}
