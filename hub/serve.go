package hub

import (
	"context"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/replication/link"
)

// A switchboard answers the calls of other servers, and of machines that enrol.
// It is safe for concurrent use.
type switchboard struct {
	*group
	members   *membership
	registrar *registrar
	ingester  *ingester
	papers    *papers
	holding   *holding
}

// serveHub answers another server's calls.
func (s *switchboard) serveHub(ctx context.Context, conn *link.Conn) {
	from := conn.Peer().Subject.Name
	err := serveCalls(ctx, conn, func(ctx context.Context, c *protocol.Call) answerFunc {
		return s.start(ctx, from, c)
	})
	if err != nil {
		s.log.Debug("a server's stream ended", "server", from, "err", err)
	}
}

// start begins with a call. What depends on order begins before it returns; the
// rest happens when the answer is waited for.
func (s *switchboard) start(ctx context.Context, from string, c *protocol.Call) answerFunc {
	switch c.Method {
	case callIngest:
		return s.ingester.start(ctx, c)
	case callPropose:
		return s.answerPropose(c)
	case callIndex:
		return func(ctx context.Context) (any, error) {
			if !s.leads() {
				return nil, fault.New("hub.index", fault.Unavailable, "", "this server does not lead")
			}
			index, err := s.leadingIndex(ctx)
			return &indexAnswer{Index: index}, err
		}
	case callAnnounce:
		return s.members.answerAnnounce(from, c)
	case callProbe:
		return func(context.Context) (any, error) { return s.members.probe(), nil }
	case callHold:
		return s.papers.answerHold(from, c)
	case callSealing:
		return s.registrar.answerSealing(from, c)
	case callExpiring:
		return s.holding.answerExpiring(c)
	case callDocument:
		return s.papers.answerDocument(c)
	case callReplace:
		return s.answerReplace(c, func(ctx context.Context, r *replacement) (*protocol.Enrolment, error) {
			if !s.leads() {
				return nil, fault.New("hub.replace", fault.Unavailable, "", "this server does not lead")
			}
			return s.registrar.replaceHere(ctx, r)
		})
	case callEnrol:
		return func(ctx context.Context) (any, error) {
			r := &protocol.EnrolRequest{}
			if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "enrolment", r); err != nil {
				return nil, err
			}
			if !s.leads() {
				return nil, fault.New("hub.enrol", fault.Unavailable, "", "this server does not lead")
			}
			return s.registrar.here(ctx, r)
		}
	}
	return failed(fault.New("hub.serve", fault.Invalid, c.Method, "no such call"))
}

func (s *switchboard) answerPropose(c *protocol.Call) answerFunc {
	cmd := register.Command{}
	if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "command", &cmd); err != nil {
		return failed(err)
	}
	return func(ctx context.Context) (any, error) {
		if !s.leads() {
			return nil, fault.New("hub.propose", fault.Unavailable, "", "this server does not lead")
		}
		out, err := s.propose(ctx, cmd)
		return &out, err
	}
}

// serveEnrol takes one machine's request to be enrolled.
func (s *switchboard) serveEnrol(ctx context.Context, conn *link.Conn) {
	ctx, cancel := context.WithTimeout(ctx, enrolFor)
	defer cancel()
	err := serveCalls(ctx, conn, func(_ context.Context, c *protocol.Call) answerFunc {
		switch c.Method {
		case callRenew:
			return s.answerRenew(c)
		case callReturn:
			return s.answerReturn(c)
		case callWarrants:
			return s.answerWarrants(c)
		case callCertificate:
			return s.answerCertificate(c)
		case callShelve:
			return s.answerShelve(c)
		case callReplace:
			return s.answerReplace(c, s.registrar.replace)
		}
		r := &protocol.EnrolRequest{}
		if c.Method != callEnrol {
			return failed(fault.New("hub.serve", fault.Invalid, c.Method, "no such call"))
		}
		if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "enrolment", r); err != nil {
			return failed(err)
		}
		return func(ctx context.Context) (any, error) { return s.registrar.enrol(ctx, r) }
	})
	if err != nil {
		s.log.Debug("an enrolment's stream ended", "err", err)
	}
}
