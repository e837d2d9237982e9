package desk

import (
	"context"
	"errors"
	"net/http"
	"time"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

func (s *Server) caseRoutes() {
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/applications/{number}", ID: "read-case", Summary: "The whole record, for those entitled; the look is recorded", Act: access.ReadCase,
	}, s.readCase)
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/cases/{number}/{action}", ID: "act", Summary: "What an officer does to a case: take, decide, forward, ask, issue and the rest", Act: access.WorkCase,
	}, s.act)
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/tasks", ID: "tasks", Summary: "What waits at a desk, or in the whole office", Act: access.ListTasks,
	}, s.tasks)
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/stats", ID: "stats", Summary: "Counters of an area that add up", Act: access.ReadStats,
	}, s.stats)
}

type numberInput struct {
	Number string `path:"number" maxLength:"128" doc:"Receive number, Bangla or Latin digits"`
}

type readInput struct {
	Number string `path:"number" maxLength:"128" doc:"Receive number, Bangla or Latin digits"`
	AsOf   uint64 `query:"as_of_version" doc:"Show the case as it stood at this version: what the officer saw who acted on it"`
}

type recordOutput struct {
	ETag string `header:"ETag"`
	Body *api.Record
}

// readCase shows a case to those entitled. The look is a command, so it stands
// in the register; while no leader can be reached the case is shown all the same
// and the look is logged and counted (DOMAIN §7, row 14).
func (s *Server) readCase(ctx context.Context, in *readInput) (*recordOutput, error) {
	n, err := protocol.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	who := api.CallerOf(ctx)
	cmd := register.NewCommand(api.NewKey(), who.User, register.Look, nil)
	cmd.Number = n
	_, err = s.do(ctx, cmd)
	unrecorded := errors.Is(err, fault.Unavailable)
	if err != nil && !unrecorded {
		return nil, err
	}
	reg := s.hub.Register()
	asOf := time.UnixMilli(reg.At())
	if !unrecorded {
		asOf = certificateDesk{s}.fresh(ctx)
		reg = s.hub.Register()
	}
	c, err := reg.Case(n)
	if err != nil {
		return nil, err
	}
	if err := access.May(who.Principal, access.ReadCase, reg.Resource(c)); err != nil {
		return nil, err
	}
	if unrecorded {
		s.gauges.unrecorded.Inc()
		s.log.Warn("case read without a leader to record it", "case", n.String(), "user", who.User)
	}
	rec, err := record(reg, c, in.AsOf)
	if err != nil {
		return nil, err
	}
	if err := (confidence{s}).disclose(reg, c, rec, who.Principal); err != nil {
		return nil, err
	}
	certificateDesk{s}.attested(c, rec, asOf)
	if err := slipCode(reg, c, rec, who.User); err != nil {
		return nil, err
	}
	if rec.Until == 0 {
		if l := reg.AtUnion(c, s.clock().Unix()); l != nil {
			until := api.TimeOf(time.Unix(l.Until, 0))
			rec.AtUnion = &until
		}
		rec.Acts = api.ActNotes(reg.Offers(c, who.Principal, s.clock().Unix()))
	}
	return &recordOutput{ETag: api.ETag(rec.Version), Body: rec}, nil
}

type actInput struct {
	Number string `path:"number" maxLength:"128"`
	Action string `path:"action" enum:"take,note,decide,forward,approve,reject,request-info,return,check,duplicate,pay,prepare,issue,hand-over,post,returned,close,appeal,revoke,hand-back"`
	Match  string `header:"If-Match" required:"true" doc:"Version of the case that you saw"`
	Body   *api.ActionRequest
}

type actOutput struct {
	ETag string `header:"ETag"`
	Body api.ActionAnswer
}

// act does what an officer asks for. Whoever was overtaken learns what has
// changed (row 13).
func (s *Server) act(ctx context.Context, in *actInput) (*actOutput, error) {
	n, err := protocol.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	seen, err := api.ParseMatch(in.Match)
	if err != nil {
		return nil, err
	}
	b, err := actDesk{s}.actOf(n, in.Action, in.Body)
	if err != nil {
		return nil, err
	}
	cmd := command(ctx, register.Method(in.Action), b)
	cmd.Number, cmd.Expect = n, seen
	res, err := s.do(ctx, cmd)
	if err != nil {
		return nil, overtaken(res, err)
	}
	s.hub.Fresh(ctx)
	return &actOutput{ETag: api.ETag(res.Version), Body: s.answer(n, res.Version, in.Action, cmd.Actor)}, nil
}

// overtaken adds to a conflict what has changed.
func overtaken(res register.Result, err error) error {
	var d register.Difference
	if !errors.Is(err, fault.Conflict) || res.Decode(&d) != nil {
		return err
	}
	return &api.Refusal{Err: err, Difference: difference(d)}
}

// answer is the case as the action left it, read from its history so that a
// repeat says the same.
func (s *Server) answer(n protocol.Number, version uint64, action, actor string) api.ActionAnswer {
	out := api.ActionAnswer{Number: n, Version: version}
	c, err := s.hub.Register().Case(n)
	if err != nil {
		return out // This server is behind; the version is the leader's.
	}
	stage := application.None
	for _, t := range c.History {
		stage = stageOf(stage, t)
		if t.Version != version {
			continue
		}
		out.Stage = stage.String()
		if stage.Open() && t.Seat != (place.Seat{}) {
			out.Seat = t.Seat.String()
		}
		if stage.Open() && t.Actor == actor && action != application.Forward.String() && action != application.Return.String() && action != application.HandBack.String() {
			out.Holder = actor
		}
	}
	return out
}
