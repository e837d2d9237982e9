package replication

import (
	"slices"

	"kendro/identity"
	"kendro/protocol"
)

// maxVouchers bounds the servers whose certificates one session remembers.
const maxVouchers = 64

// courtesy is what a session does for third parties: acknowledgements that it
// hands on, and logs that it fetches for somebody else.
type courtesy struct {
	wishes  []protocol.Head           // Made before the peer's hello.
	passed  map[protocol.LogID]uint64 // How far the peer was told.
	shown   map[identity.KeyID]bool   // Certificates that the peer has from us.
	learned map[identity.KeyID][]byte // Certificates that we have from the peer.
}

func (c *courtesy) begin(s *Session) (out []Action) {
	for _, h := range c.wishes {
		out = append(out, s.Wish(h)...)
	}
	c.wishes = nil
	return out
}

// tell says how far we carry a log to a peer that may want any of its channel and
// has not asked for this one.
func (f *flow) tell(s *Session) []Action {
	if !s.met || f.told >= f.mine.Seq || f.in.wanted || f.out.wanted || !slices.Contains(s.peerEvery, f.log.Channel) {
		return nil
	}
	f.told = f.mine.Seq
	return []Action{Send{headsMessage(f)}}
}

// discover opens the flow of a log that the peer says it holds and that nobody
// has named: one that we may want, or that the peer itself reads. Only in its hello
// does a head say where to begin; later ones say how far there is to go.
func discover(s *Session, h protocol.Head, hello bool) (*flow, []Action) {
	switch {
	case s.reads(h.Log):
		return s.open(h.Log), nil
	case slices.Contains(s.cfg.Every, h.Log.Channel) && s.cfg.Finds && h.At.Seq > 0:
		f := s.open(h.Log)
		if f == nil {
			return nil, nil
		}
		f.looking, f.third = true, true
		find := Find{Log: h.Log}
		if hello {
			find.At = h.At
		}
		return f, []Action{find}
	case slices.ContainsFunc(s.peerWants, func(w protocol.LogID) bool { return matches(w, h.Log) }):
		f := s.open(h.Log) // From here on, if it comes our way.
		if f != nil {
			f.third = true
		}
		return f, nil
	}
	return nil, nil
}

// Located answers a [Find]: we stand there with the log. ack is the statement of
// that to send, nil where this end makes none. After an error the log is nothing
// to us for this session.
func (s *Session) Located(log protocol.LogID, at protocol.Position, ack *protocol.Ack, err error) []Action {
	f := s.flows[log]
	if f == nil || !f.looking {
		return nil
	}
	f.looking = false
	if err != nil {
		f.out.stopped, f.in.stopped = true, true
		return nil
	}
	if at.Seq >= f.mine.Seq {
		f.mine, f.in.got = at, at
	}
	f.in.wanted = slices.Contains(s.cfg.Every, log.Channel)
	var out []Action
	switch {
	case ack != nil:
		out = append(out, Send{&protocol.Message{Ack: ack}})
	case f.in.wanted && at.Seq > 0:
		out = append(out, Send{headsMessage(f)}) // The owner may have forgotten that we hold it.
	}
	out = append(out, s.compare(f, f.out.theirs)...)
	out = append(out, f.fetch()...)
	return append(out, s.pump()...)
}

// fetch asks once for a log that the peer carries and that we found we lack. From
// then on the peer sends what comes.
func (f *flow) fetch() []Action {
	if f.looking || !f.third || !f.in.wanted || f.in.stopped || f.in.begun || f.out.theirs.Seq <= f.in.got.Seq {
		return nil
	}
	f.in.begun, f.in.asked = true, true
	return []Action{Send{&protocol.Message{Want: &protocol.Want{Log: f.log, From: f.in.got}}}}
}

// witness tells what the peer holds of a log that we write or carry. More than we
// have of a log that we read is not that.
func (f *flow) witness(s *Session, at protocol.Position) []Action {
	if !s.cfg.Holds || f.in.wanted && at.Seq > f.mine.Seq || f.looking || at.Seq == 0 {
		return nil
	}
	return []Action{Holds{protocol.Head{Log: f.log, At: at}}}
}

// Wish asks the peer for a log after a position, for somebody who reads it
// elsewhere. Repeated, it begins there again.
func (s *Session) Wish(h protocol.Head) []Action {
	if !s.met {
		if len(s.courtesy.wishes) < protocol.MaxHeads {
			s.courtesy.wishes = append(s.courtesy.wishes, h)
		}
		return nil
	}
	f := s.open(h.Log)
	if f == nil {
		return nil
	}
	f.third, f.in.wanted, f.in.begun, f.in.asked = true, true, true, true
	f.in.stopped, f.in.failed = f.out.forked, nil
	f.mine, f.in.got = h.At, h.At
	return []Action{Send{&protocol.Message{Want: &protocol.Want{Log: h.Log, From: h.At}}}}
}

// Pass hands an acknowledgement on to the peer, unless it has had one as far. Our
// own goes as it is; another server's with its certificate, once.
func (s *Session) Pass(p protocol.Passed) []Action {
	c := &s.courtesy
	if p.Ack.At.Seq <= c.passed[p.Ack.Log] {
		return nil
	}
	if c.passed == nil {
		c.passed, c.shown = map[protocol.LogID]uint64{}, map[identity.KeyID]bool{}
	}
	if len(c.passed) >= maxFlows {
		clear(c.passed)
	}
	c.passed[p.Ack.Log] = p.Ack.At.Seq
	if s.cfg.Cert != nil && slices.Equal(p.Cert, s.cfg.Cert) {
		return []Action{Send{&protocol.Message{Ack: &p.Ack}}}
	}
	if c.shown[p.Ack.Signer] {
		p.Cert = nil
	} else if len(c.shown) < maxVouchers {
		c.shown[p.Ack.Signer] = true
	}
	return []Action{Send{&protocol.Message{Passed: &p}}}
}

// Tell says how a release on trial fares. What is said before the peer's hello is lost.
func Tell(s *Session, f *protocol.Fare) []Action {
	if !s.met {
		return nil
	}
	return []Action{Send{&protocol.Message{Fare: f}}}
}

// Inquire asks the peer where a case stands, if it answers such questions, or answers it.
func Inquire(s *Session, q *protocol.Inquiry) []Action {
	if !s.met || !q.Answers() && !s.peerHello.Answers {
		return nil
	}
	return []Action{Send{&protocol.Message{Inquiry: q}}}
}

// Forget says up to where orders of erasure are carried out here, to a peer that has said
// that it hears it; before its hello the word is lost.
func Forget(s *Session, f *protocol.Forgotten) []Action {
	if !s.met || !s.peerHello.Forgets {
		return nil
	}
	return []Action{Send{&protocol.Message{Forgotten: f}}}
}

// certificate returns the one that a passed acknowledgement comes with, now or
// earlier in this session, or nil.
func (c *courtesy) certificate(p *protocol.Passed) []byte {
	if p.Cert == nil {
		return c.learned[p.Ack.Signer]
	}
	if len(c.learned) < maxVouchers {
		if c.learned == nil {
			c.learned = map[identity.KeyID][]byte{}
		}
		c.learned[p.Ack.Signer] = p.Cert
	}
	return p.Cert
}
