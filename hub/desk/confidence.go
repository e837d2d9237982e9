package desk

import (
	"encoding/json"
	"slices"
	"strings"

	"kendro/domain/access"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// A grievance is kept as its box sealed it. It is opened for one reader at a time, who is
// on its path and whose look is on record.

// confidence shows grievances to those who may read them.
type confidence struct{ *Server }

// withheld stands for an applicant whose name is for the deciding desk alone.
var withheld = json.RawMessage(`{"name_bn":"নাম গোপন রাখা হয়েছে","name_en":"Name withheld"}`)

// disclose adds to a grievance's record what was sealed at the counter, as it was at the
// record's version of the case. The caller has asked whether the reader may read it.
func (s confidence) disclose(reg *register.Register, c *register.Case, rec *api.Record, who access.Principal) error {
	if c.Accused == nil {
		return nil
	}
	rec.Confidential = true
	kept, err := reg.Confidence(c, rec.Until)
	if err != nil {
		return err
	}
	o, err := kept.Open(s.reveal)
	if err != nil {
		return err
	}
	rec.Form, rec.Applicant, rec.Despite = o.Form, o.Applicant, o.Text
	named := !c.Accused.Hidden || decides(reg, c, who)
	if !named {
		rec.Applicant = withheld
	}
	for i := range c.History {
		if err := s.discloseTurn(reg, &c.History[i], rec); err != nil {
			return err
		}
	}
	for i := range rec.History {
		if h := &rec.History[i]; o.Reasons[h.Version] != "" {
			h.Text, h.Change = o.Reasons[h.Version], changesOf(shown(o.Changes[h.Version], named))
		}
	}
	return s.discloseItems(reg, c, rec, reader{o, named, who})
}

// A reader is who reads a grievance, and what of it.
type reader struct {
	o     *register.Opened
	named bool // The applicant is shown to him.
	who   access.Principal
}

// discloseItems adds what sealed corrections want, to whom it is to decide about them: a
// desk that it may be about doesn't own its item.
func (s confidence) discloseItems(reg *register.Register, c *register.Case, rec *api.Record, to reader) error {
	items, err := reg.Items(c.Number)
	if err != nil {
		return err
	}
	for i := range rec.Items {
		at := slices.IndexFunc(items, func(it *register.Item) bool { return it.ID == rec.Items[i].ID })
		if at < 0 || items[at].Outcome != "" || items[at].Owner != to.who.Seat {
			continue
		}
		fix, err := reg.Asked(items[at])
		if err != nil || fix == nil {
			continue // Of something else, or gone: it can be refused.
		}
		secret, err := s.reveal(fix)
		if err != nil {
			s.log.Warn("a sealed correction can't be opened", "case", c.Number.String(), "err", err)
			continue
		}
		rec.Items[i].Changes, rec.Items[i].Reason = changesOf(shown(to.o.Wanted(secret, nil), to.named)), secret.Text
	}
	return nil
}

// shown are the changes that a reader may see: none of the applicant where his name is for
// the deciding desk alone.
func shown(list []register.Change, named bool) []register.Change {
	if named {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(c register.Change) bool { return strings.HasPrefix(c.Field, protocol.ApplicantField) })
}

// discloseTurn adds the words of an appeal.
func (s confidence) discloseTurn(reg *register.Register, t *register.Turn, rec *api.Record) error {
	sealed, err := reg.Words(t)
	if err != nil || sealed == nil {
		return err
	}
	secret, err := s.reveal(sealed)
	if err != nil {
		return err
	}
	for i := range rec.History {
		if rec.History[i].Version == t.Version {
			rec.History[i].Text = secret.Text
		}
	}
	return nil
}

// decides reports whether the reader's is the desk that may end the case now.
func decides(reg *register.Register, c *register.Case, who access.Principal) bool {
	set := reg.Set()
	if set == nil || who.Seat != c.State.Seat {
		return false
	}
	v, ok := set.ByHash(c.Pinned)
	if !ok {
		return false
	}
	step, within := v.Step(c.State.Step)
	return !within || step.MayFinalise // Behind all steps lies the appellate desk.
}
