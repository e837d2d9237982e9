package desk

import (
	"encoding/json"

	"kendro/domain/access"
	"kendro/hub/register"
	"kendro/web/api"
)

// A grievance is kept as its box sealed it. It is opened for one reader at a time, who is
// on its path and whose look is on record.

// confidence shows grievances to those who may read them.
type confidence struct{ *Server }

// withheld stands for an applicant whose name is for the deciding desk alone.
var withheld = json.RawMessage(`{"name_bn":"নাম গোপন রাখা হয়েছে","name_en":"Name withheld"}`)

// disclose adds to a grievance's record what was sealed at the counter. The caller has
// asked whether the reader may read it.
func (s confidence) disclose(reg *register.Register, c *register.Case, rec *api.Record, who access.Principal) error {
	if c.Accused == nil {
		return nil
	}
	rec.Confidential = true
	_, sub, err := reg.Submission(c)
	if err != nil {
		return err
	}
	if sub.Secret != nil {
		secret, err := s.reveal(sub.Secret)
		if err != nil {
			return err
		}
		rec.Form, rec.Applicant, rec.Despite = secret.Form, secret.Applicant, secret.Text
	}
	if c.Accused.Hidden && !decides(reg, c, who) {
		rec.Applicant = withheld
	}
	for i := range c.History {
		if err := s.discloseTurn(reg, &c.History[i], rec); err != nil {
			return err
		}
	}
	return nil
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
