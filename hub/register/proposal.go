package register

import (
	"fmt"
	"strings"

	"kendro/catalogue"
	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// Offices propose changes of the catalogue, and whoever publishes it settles what does not
// merge by itself. Nothing here changes a version: what was accepted goes into the
// district's overlay, and a proposal is in force once a release has its value. All of it
// is since format 4.

// A ChangeAsked is the body of propose-change. Whoever takes it in has seen that the values
// are what the field holds, and written as [catalogue.FieldLike] writes them.
type ChangeAsked struct {
	Service string `cbor:"1,keyasint"`
	Field   string `cbor:"2,keyasint"`
	Was     string `cbor:"3,keyasint"` // As JSON, as the value is: what its maker saw …
	Value   string `cbor:"4,keyasint"`
	Reason  string `cbor:"5,keyasint"`
	Release int    `cbor:"6,keyasint"` // … in this release.
}

// A Choice is the body of settle-proposals: what comes of all that wait on one field.
type Choice struct {
	Service string `cbor:"1,keyasint"`
	Field   string `cbor:"2,keyasint"`
	Accept  string `cbor:"3,keyasint,omitempty"` // ID of the proposal; empty: none of them.
	Reason  string `cbor:"4,keyasint"`
}

// Bounds of proposals.
const (
	maxProposals = 500 // That wait.
	maxValue     = 2 << 10
	maxReason    = 1 << 10
)

// proposals keeps what offices propose.
type proposals struct{ *step }

// proposalKey puts those that wait apart from those that are settled.
func proposalKey(settled bool, index uint64, part uint32) []byte {
	return key(tagProposal, []byte{bit(settled)}, u64(index), u32(part))
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// settledKey is the key of a proposal once it is settled, of the key that it had before.
func settledKey(k []byte) []byte {
	settled := append([]byte{}, k...)
	settled[1] = bit(true)
	return settled
}

// A kept proposal is one that waits, with its key.
type kept struct {
	*dcat.Proposal
	at []byte
}

func (s proposals) waiting() (list []kept) {
	s.keep(s.tx.Scan(key(tagProposal, []byte{bit(false)}), nil, func(k, raw []byte) (bool, error) {
		p := &dcat.Proposal{}
		err := decodeState(k, raw, p)
		list = append(list, kept{p, append([]byte{}, k...)})
		return err == nil, err
	}))
	return list
}

// end moves a proposal to those that are settled.
func (s proposals) end(p kept, fate dcat.Fate) {
	p.Fate, p.SettledAt = fate, s.meta.At
	s.del(p.at)
	s.put(settledKey(p.at), p.Proposal)
}

func (s proposals) propose(c *Command, by access.Principal) Result {
	if err := access.May(by, access.Propose, access.Resource{Seat: by.Seat}); err != nil {
		return Result{Fault: failureOf(err)}
	}
	b, f := body[ChangeAsked](c)
	if f != nil {
		return Result{Fault: f}
	}
	if b.Reason = strings.TrimSpace(b.Reason); b.Reason == "" || len(b.Reason) > maxReason || len(b.Was) > maxValue || len(b.Value) > maxValue || len(b.Field) > protocol.MaxName {
		return failed(fault.Invalid, "reason", "want a reason of 1 to 1024 bytes, and values of 2048 at most")
	}
	if s.world.set == nil || len(s.world.set.VersionsOf(b.Service)) == 0 {
		return failed(fault.NotFound, clip(b.Service, 64), "no such service")
	}
	v, _ := s.world.set.Current(b.Service)
	switch has, ok := catalogue.FieldOf(v, b.Field); {
	case !ok:
		return failed(fault.Invalid, clip(b.Field, 64), "the service is not in force, and has no such field")
	case has == b.Value:
		return failed(fault.Conflict, clip(b.Field, 64), "this is in force already")
	}
	waiting := s.waiting()
	if len(waiting) >= maxProposals {
		return failed(fault.Unavailable, "proposals", "too many wait: have some of them settled first")
	}
	for _, old := range waiting {
		if old.By == by.User && old.Service == b.Service && old.Field == b.Field {
			old.SettledBy = by.User
			s.end(old, dcat.Replaced)
		}
	}
	s.part++
	p := &dcat.Proposal{
		ID: fmt.Sprintf("%d-%d", s.index, s.part), Service: b.Service, Field: b.Field, Was: b.Was, Value: b.Value, Reason: b.Reason, Release: b.Release,
		By: by.User, Office: by.Seat.Office, At: s.meta.At, Fate: dcat.Waiting,
	}
	s.put(proposalKey(false, s.index, s.part), p)
	return done(p)
}

// settle says what comes of all proposals that wait on one field.
func (s proposals) settle(c *Command) Result {
	b, f := body[Choice](c)
	if f != nil {
		return Result{Fault: f}
	}
	if b.Reason = strings.TrimSpace(b.Reason); b.Reason == "" || len(b.Reason) > maxReason {
		return failed(fault.Invalid, "reason", "want a reason of 1 to 1024 bytes: who proposed it reads it")
	}
	var on []kept
	var chosen *dcat.Proposal
	for _, p := range s.waiting() {
		if p.Service == b.Service && p.Field == b.Field {
			on = append(on, p)
			if p.ID == b.Accept {
				chosen = p.Proposal
			}
		}
	}
	switch {
	case len(on) == 0:
		return failed(fault.NotFound, clip(b.Field, 64), "no proposal waits on this field of the service")
	case b.Accept != "" && chosen == nil:
		return failed(fault.NotFound, clip(b.Accept, 64), "no such proposal waits on this field")
	}
	for _, p := range on {
		p.Words, p.SettledBy = b.Reason, c.Actor
		if chosen == nil || p.Value != chosen.Value {
			s.end(p, dcat.Declined)
			continue
		}
		p.Fate, p.SettledAt = dcat.Accepted, s.meta.At
		s.put(p.at, p.Proposal)
	}
	return Result{}
}

// enact closes the proposals that a release puts in force. Those whose value it does not
// have go on waiting.
func (s proposals) enact(set *dcat.Set) {
	for _, p := range s.waiting() {
		v, _ := set.Current(p.Service)
		if has, ok := catalogue.FieldOf(v, p.Field); ok && has == p.Value {
			p.Since = set.Release.Number
			s.end(p, dcat.InForce)
		}
	}
}

// Proposals returns those that wait, and the newest of those that are settled.
func (r Logs) Proposals(newest int) (waiting, settled []*dcat.Proposal, err error) {
	if waiting, err = list[dcat.Proposal](r.state, key(tagProposal, []byte{bit(false)})); err != nil {
		return nil, nil, err
	}
	settled, err = list[dcat.Proposal](r.state, key(tagProposal, []byte{bit(true)}))
	return waiting, settled[max(0, len(settled)-newest):], err
}

// Meetings returns what the proposals that wait come to over the release in force.
func (r Logs) Meetings() ([]dcat.Meeting, error) {
	waiting, _, err := r.Proposals(0)
	set := r.world.Load().set
	if err != nil || set == nil {
		return nil, err
	}
	return dcat.Merge(waiting, func(service, field string) (string, bool) {
		v, _ := set.Current(service)
		return catalogue.FieldOf(v, field)
	}), nil
}
