package desk

import (
	"context"
	"net/http"
	"slices"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/web/api"
)

// A proposalDesk takes what offices propose to change in the catalogue, and what comes of it.
type proposalDesk struct{ *Server }

func (s proposalDesk) routes() {
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: api.ProposalsPath, ID: "propose", Summary: "Propose another value for a field of a service", Act: access.Propose, Status: http.StatusCreated,
	}, s.propose)
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: api.ProposalsPath, ID: "proposals", Summary: "What is proposed, field by field, and what became of it", Act: access.ReadProposals,
	}, s.list)
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: api.ProposalsPath + "/settle", ID: "settle-proposals", Summary: "Say what comes of the proposals on a field", Act: access.Publish,
	}, s.settle)
}

type proposalInput struct {
	Body api.ProposalRequest
}

type proposalOutput struct {
	Body api.Proposal
}

// propose hands a proposal to the register, its values written the one way in which they
// can be compared.
func (s proposalDesk) propose(ctx context.Context, in *proposalInput) (*proposalOutput, error) {
	s.hub.Fresh(ctx)
	b := &in.Body
	set := s.hub.Register().Set()
	if set == nil {
		return nil, fault.New("desk.propose", fault.Unavailable, "catalogue", "the first release is not published yet")
	}
	all := set.VersionsOf(b.Service)
	if len(all) == 0 {
		return nil, notHere(b.Service)
	}
	like := all[len(all)-1]
	if now, ok := set.Current(b.Service); ok {
		like = now
	}
	was, err := catalogue.FieldLike(like, b.Field, b.Was)
	if err != nil {
		return nil, err
	}
	value, err := catalogue.FieldLike(like, b.Field, b.Value)
	if err != nil {
		return nil, err
	}
	if err := s.admit(set, like, b.Field, value); err != nil {
		return nil, err
	}
	res, err := s.do(ctx, command(ctx, register.ProposeChange, &register.ChangeAsked{
		Service: b.Service, Field: b.Field, Was: was, Value: value, Reason: b.Reason, Release: b.Release,
	}))
	if err != nil {
		return nil, err
	}
	var p dcat.Proposal
	if err := res.Decode(&p); err != nil {
		return nil, err
	}
	s.hub.Fresh(ctx)
	return &proposalOutput{Body: s.state(&p)}, nil
}

// admit refuses a value out of the bounds of the base below the release in force. Where those are
// not known, whoever publishes the overlay finds it.
func (s proposalDesk) admit(set *dcat.Set, like *dcat.Version, field, value string) error {
	raw, err := s.hub.Register().Bounds(&set.Release)
	if err != nil || len(raw) == 0 {
		return err
	}
	bounds, err := catalogue.DecodeBounds(raw)
	if err != nil {
		return err
	}
	base, err := s.below(like, field)
	if err != nil {
		return err
	}
	return bounds.Admit(like, field, base, value)
}

// below is what the base has at a field that the district may have otherwise.
func (s proposalDesk) below(like *dcat.Version, field string) (string, error) {
	origin, err := s.hub.Register().Origin()
	if err != nil {
		return "", err
	}
	if origin != nil {
		for _, f := range origin.Of(like.ID) {
			if f.Field == field {
				return f.Base, nil
			}
		}
	}
	base, _ := catalogue.FieldOf(like, field) // It is there: the value was put in its place.
	return base, nil
}

// state is a proposal with what it comes to now.
func (s proposalDesk) state(p *dcat.Proposal) api.Proposal {
	list, err := s.hub.Register().Meetings()
	if err == nil {
		for _, m := range list {
			for _, x := range m.Proposals {
				if x.ID == p.ID {
					return proposalOf(x, m.Conflict)
				}
			}
		}
	}
	return proposalOf(p, "")
}

// proposalOf puts a proposal into the API's words; conflict is that of its field.
func proposalOf(p *dcat.Proposal, conflict string) api.Proposal {
	out := api.Proposal{
		ID: p.ID, Service: p.Service, Field: p.Field, Was: p.Was, Value: p.Value, Reason: p.Reason, Release: p.Release, By: p.By, Office: p.Office,
		At: api.TimeOf(time.UnixMilli(p.At)), State: p.Fate.String(), Words: p.Words, SettledBy: p.SettledBy, Since: p.Since,
	}
	switch {
	case p.Fate == dcat.Waiting && conflict == "":
		out.State = "merged"
	case p.Fate == dcat.Waiting:
		out.State = "conflict"
	}
	if p.SettledAt != 0 {
		at := api.TimeOf(time.UnixMilli(p.SettledAt))
		out.SettledAt = &at
	}
	return out
}

// mostSettled bounds the list of those of which something came.
const mostSettled = 200

func (s proposalDesk) list(ctx context.Context, _ *struct{}) (*struct{ Body api.ProposalList }, error) {
	s.hub.Fresh(ctx)
	reg, who := s.hub.Register(), api.CallerOf(ctx).Principal
	sees := func(p *dcat.Proposal) bool {
		return access.May(who, access.ReadProposals, access.Resource{Seat: place.Seat{Office: p.Office}}) == nil
	}
	meetings, err := reg.Meetings()
	if err != nil {
		return nil, err
	}
	out := &struct{ Body api.ProposalList }{api.ProposalList{Fields: []api.ProposedField{}, Settled: []api.Proposal{}}}
	for _, m := range meetings {
		f := api.ProposedField{Service: m.Service, Field: m.Field, Has: m.Has, Conflict: m.Conflict, Value: m.Value}
		for _, p := range m.Proposals {
			if sees(p) {
				f.Proposals = append(f.Proposals, proposalOf(p, m.Conflict))
			}
		}
		if len(f.Proposals) > 0 {
			out.Body.Fields = append(out.Body.Fields, f)
		}
	}
	_, settled, err := reg.Proposals(mostSettled)
	for _, p := range slices.Backward(settled) {
		if sees(p) {
			out.Body.Settled = append(out.Body.Settled, proposalOf(p, ""))
		}
	}
	return out, err
}

type choiceInput struct {
	Body api.ChoiceRequest
}

func (s proposalDesk) settle(ctx context.Context, in *choiceInput) (*doneOutput, error) {
	_, err := s.do(ctx, command(ctx, register.SettleProposals, &register.Choice{
		Service: in.Body.Service, Field: in.Body.Field, Accept: in.Body.Accept, Reason: in.Body.Reason,
	}))
	s.hub.Fresh(ctx)
	return &doneOutput{Body: api.Done{Done: err == nil}}, err
}
