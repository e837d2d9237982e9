package catalogue

import (
	"maps"
	"slices"

	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
)

// A procedureFile is what a service says of payment, issue and appeals.
type procedureFile struct {
	FeeDays int          `yaml:"fee_days"`
	Issue   *issueFile   `yaml:"issue"`
	Appeals []appealFile `yaml:"appeals"`
	Record  *recordFile  `yaml:"record"`
	Once    *onceFile    `yaml:"once"`

	Grievance *grievanceFile `yaml:"grievance"`

	DecideAt    dcat.DecideAt    `yaml:"decide_at"`
	Certificate *certificateFile `yaml:"certificate"`
}

type grievanceFile struct {
	Against string `yaml:"against"`
	Centre  string `yaml:"centre"`
	Officer string `yaml:"officer"`
	Receipt string `yaml:"receipt"`
	On      string `yaml:"on"`
	Hidden  string `yaml:"hidden"`
}

type certificateFile struct {
	Code      string `yaml:"code"`
	ValidDays int    `yaml:"valid_days"`
	Block     int    `yaml:"block"`
	LeaseDays int    `yaml:"lease_days"`

	Renewal *renewalFile `yaml:"renewal"`
}

type renewalFile struct {
	Rule   string            `yaml:"rule"`
	Answer string            `yaml:"answer"`
	Set    map[string]string `yaml:"set"`
	Within int               `yaml:"renew_within"`
}

type onceFile struct {
	By     []string `yaml:"by"`
	On     string   `yaml:"on"`
	Days   int      `yaml:"days"`
	Name   string   `yaml:"name"`
	Unless string   `yaml:"unless"`
}

type recordFile struct {
	Check string   `yaml:"check"`
	By    []string `yaml:"by"`
	Area  string   `yaml:"area"`
}

type issueFile struct {
	Post        string      `yaml:"post"`
	OfficeLevel string      `yaml:"office_level"`
	Name        place.Name  `yaml:"name"`
	Days        int         `yaml:"days"`
	Modes       []dcat.Mode `yaml:"modes"`
	ModeField   string      `yaml:"mode_field"`
	Checks      []string    `yaml:"checks"`
	CloseDays   int         `yaml:"close_days"`
	When        string      `yaml:"when"`
}

type appealFile struct {
	Post        string     `yaml:"post"`
	OfficeLevel string     `yaml:"office_level"`
	Name        place.Name `yaml:"name"`
	Days        int        `yaml:"days"`
	SLADays     int        `yaml:"sla_days"`
}

type checkFile struct {
	ID       string     `yaml:"id"`
	Name     place.Name `yaml:"name"`
	Document bool       `yaml:"document"`

	Connector string `yaml:"connector"`
}

type ruleFile struct {
	ID   string     `yaml:"id"`
	If   string     `yaml:"if"`
	Says place.Name `yaml:"says"`
}

// proceed writes what the file declares beyond the desks into the version.
func (f *serviceFile) proceed(v *dcat.Version) {
	for _, c := range f.Checks {
		v.Checks = append(v.Checks, dcat.Check{ID: c.ID, Name: nfcName(c.Name), Document: c.Document, Connector: c.Connector})
	}
	for _, r := range f.Rules {
		v.Rules = append(v.Rules, dcat.Rule{ID: r.ID, If: r.If, Says: nfcName(r.Says)})
	}
	if f.Procedure == nil {
		return
	}
	p := &dcat.Procedure{FeeDays: f.Procedure.FeeDays}
	if i := f.Procedure.Issue; i != nil {
		p.Issue = &dcat.Issue{
			Post: i.Post, OfficeLevel: i.OfficeLevel, Name: nfcName(i.Name), Days: i.Days,
			Modes: i.Modes, ModeField: i.ModeField, Checks: i.Checks, CloseDays: i.CloseDays, When: i.When,
		}
	}
	for _, a := range f.Procedure.Appeals {
		p.Appeals = append(p.Appeals, dcat.Appeal{Post: a.Post, OfficeLevel: a.OfficeLevel, Name: nfcName(a.Name), Days: a.Days, SLADays: a.SLADays})
	}
	if r := f.Procedure.Record; r != nil {
		p.Record = &dcat.Record{Check: r.Check, By: r.By, Area: r.Area}
	}
	if o := f.Procedure.Once; o != nil {
		p.Once = &dcat.Once{By: o.By, On: o.On, Days: o.Days, Name: o.Name, Unless: o.Unless}
	}
	if g := f.Procedure.Grievance; g != nil {
		p.Grievance = &dcat.Grievance{Against: g.Against, Centre: g.Centre, Officer: g.Officer, Receipt: g.Receipt, On: g.On, Hidden: g.Hidden}
	}
	p.DecideAt = f.Procedure.DecideAt
	if c := f.Procedure.Certificate; c != nil {
		p.Certificate = &dcat.Certificate{Code: c.Code, ValidDays: c.ValidDays, Block: c.Block, LeaseDays: c.LeaseDays}
		if r := c.Renewal; r != nil {
			p.Certificate.Renewal = &dcat.Renewal{Rule: r.Rule, Answer: r.Answer, Within: r.Within}
			for _, answer := range slices.Sorted(maps.Keys(r.Set)) {
				p.Certificate.Renewal.Set = append(p.Certificate.Renewal.Set, dcat.Preset{Answer: answer, Value: r.Set[answer]})
			}
		}
	}
	v.Procedure = p
}
