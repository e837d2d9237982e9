package hub

import (
	"context"
	"errors"
	"time"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
)

// weighEvery is how often the leader looks whether corrections wait, and weighAtOnce how
// many it then judges.
const (
	weighEvery  = time.Second
	weighAtOnce = 64
)

// A weigher judges what centres put right: the answers as they are with it.
type weigher struct {
	*group
	judge *judge
	clock func() time.Time
}

// keep judges corrections while this server leads. Of two leaders the second is told
// that nothing waits, or that the case has moved on; either way nothing happens twice.
func (w *weigher) keep(ctx context.Context) {
	for rest(ctx, weighEvery) {
		if w.leads() {
			w.round(ctx)
		}
	}
}

func (w *weigher) round(ctx context.Context) {
	list, err := w.register().Unweighed(weighAtOnce)
	if err != nil {
		w.log.Warn("the list of corrections could not be read", "err", err)
		return
	}
	for i := range list {
		cmd := register.NewCommand(drawID(), register.ActorHub, register.Weigh, w.weigh(&list[i]))
		cmd.Number = list[i].Number
		if _, err := w.do(ctx, cmd); err != nil && !errors.Is(err, fault.Conflict) {
			if ctx.Err() == nil {
				w.log.Info("corrections wait for a leader", "cases", len(list), "err", err)
			}
			return
		}
	}
}

// weigh says whether the answers with a correction are as the pinned version wants them,
// and what they come to.
func (w *weigher) weigh(u *register.Unweighed) *register.Weighed {
	out := &register.Weighed{Of: u.Of}
	set, now := w.register().Set(), w.clock()
	var v *dcat.Version
	if set != nil {
		v, _ = set.ByHash(u.Pinned)
	}
	if v == nil {
		out.Refused = "the version of the service is not known here"
		return out
	}
	if u.Sealed() {
		if err := u.Open(w.opens); err != nil {
			w.log.Warn("a sealed correction can't be opened: an officer has its item", "case", u.Number.String(), "err", err)
			out.Refused = "what the box sealed cannot be opened"
			return out
		}
		out.Of, out.Changes = u.Of, u.Changes
		if whole := w.judge.find(set, 0, v, u.Whole, now); whole != nil {
			out.About = whole.Complaint
		}
	}
	form := u.Form
	if u.Moved { // Its former version may have known answers that this one does not.
		form = w.carried(set, v, form)
	}
	if verdict := w.judge.brought(w.register(), &bringing{version: v, form: form}, now); verdict.Refused != "" {
		out.Refused = verdict.Refused
		return out
	}
	if intake, err := w.judge.compiled(set); err != nil {
		out.Refused = "the release has no usable forms"
	} else if errs := intake.Applicant().Validate(u.Applicant); len(errs) > 0 {
		out.Refused = "applicant" + errs[0].Path + ": " + errs[0].Text.EN
	}
	if out.Refused != "" && u.Sealed() {
		out.Refused = "with it the sealed application is not as its service wants it" // Which answer, nobody else is to know.
	}
	if u.Answers && out.Refused == "" {
		out.Found = w.judge.find(set, 0, v, form, now)
	}
	return out
}

// opens opens what a box sealed to the district.
func (w *weigher) opens(c *protocol.Confidential) (*protocol.Secret, error) {
	return w.judge.opener.reveal(w.register(), c)
}

// carried are the answers that a version knows.
func (w *weigher) carried(set *dcat.Set, v *dcat.Version, form []byte) []byte {
	intake, err := w.judge.compiled(set)
	if err != nil {
		return form
	}
	compiled, err := intake.Form(v)
	if err != nil {
		return form
	}
	if known, err := compiled.Carry(form); err == nil {
		return known
	}
	return form
}
