package catalogue

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/text/unicode/norm"

	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
)

// A serviceFile is a service as people write it.
type serviceFile struct {
	ID            string             `yaml:"id"`
	Name          place.Name         `yaml:"name"`
	Category      string             `yaml:"category"`
	Kind          dcat.Kind          `yaml:"kind"`
	Channels      []dcat.Channel     `yaml:"channels"`
	CentreTypes   []place.CentreType `yaml:"centre_types"`
	Offline       dcat.Offline       `yaml:"offline"`
	OfflineReason place.Name         `yaml:"offline_reason"`
	SLADays       int                `yaml:"sla_days"`
	KeepDays      int                `yaml:"keep_days"`
	FeeAt         dcat.FeeAt         `yaml:"fee_at"`
	Fees          []feeFile          `yaml:"fees"`
	Documents     []documentFile     `yaml:"documents"`
	Steps         []stepFile         `yaml:"steps"`
	Form          map[string]any     `yaml:"form"`
	Procedure     *procedureFile     `yaml:"procedure"`
	Checks        []checkFile        `yaml:"checks"`
	Rules         []ruleFile         `yaml:"rules"`
	District      []bound            `yaml:"district"` // What a district may change of it.

	Readiness readinessFile `yaml:",inline"`
}

// A readinessFile is a [dcat.Readiness] as people write it.
type readinessFile struct {
	FreshnessDays int      `yaml:"freshness_days"`
	Training      []string `yaml:"training"`
	GraceDays     *int     `yaml:"grace_days"` // Nil: not said.
	InfoDays      int      `yaml:"info_days"`

	Refund *refundFile `yaml:"refund"` // Nil: not said.
}

type feeFile struct {
	Kind    dcat.FeeKind `yaml:"kind"`
	Poisha  int64        `yaml:"poisha"`
	Ceiling int64        `yaml:"ceiling"`
	Per     string       `yaml:"per"`
	At      dcat.FeeAt   `yaml:"at"`
	If      string       `yaml:"if"`
	When    *struct {
		Field string   `yaml:"field"`
		In    []string `yaml:"in"`
		From  int      `yaml:"from_days"`
		To    int      `yaml:"to_days"`
	} `yaml:"when"`
}

type documentFile struct {
	ID                string     `yaml:"id"`
	Name              place.Name `yaml:"name"`
	Required          bool       `yaml:"required"`
	OriginalAtCounter bool       `yaml:"original_at_counter"`
}

type stepFile struct {
	Post        string     `yaml:"post"`
	OfficeLevel string     `yaml:"office_level"`
	Name        place.Name `yaml:"name"`
	Mandatory   bool       `yaml:"mandatory"`
	Decision    bool       `yaml:"decision"`
	MayFinalise bool       `yaml:"may_finalise"`
	When        string     `yaml:"when"`
	Checks      []string   `yaml:"checks"`
	Requires    []string   `yaml:"requires"`
	Unscanned   bool       `yaml:"unless_scanned"`
}

// loadServices reads, converts and lints every service of a folder. What districts may
// change of them goes into bounds.
//
// A folder of the district's own has none in an agency's namespace: no release takes those but
// by an editor's signature. agency is "" for such a folder.
func loadServices(fsys fs.FS, dir *place.Directory, categories []dcat.Category, bounds *Bounds, agency string) ([]*dcat.Version, []Finding) {
	names, found := serviceFiles(fsys)
	var list []*dcat.Version
	seen, known := map[string]string{}, ways{}
	for _, name := range names {
		src, more := readSource(fsys, name)
		if len(more) > 0 {
			found = append(found, more...)
			continue
		}
		v, may, more := parseService(src, dir, categories, known)
		found = append(found, more...)
		if v == nil {
			continue
		}
		bounds.add(v, may)
		if code, foreign := dcat.NamespaceOf(v.ID); foreign && agency == "" {
			found = append(found, src.find(v.ID, 0, fmt.Sprintf("id %q is in the namespace of the agency %s: give it an id without a dot, or have an editor submit it (kendro catalogue agency submit %s)", v.ID, code, code)))
		}
		if first, ok := seen[v.ID]; ok {
			found = append(found, src.find(v.ID, 0, fmt.Sprintf("the ID %q is taken by %s", v.ID, first)))
			continue
		}
		seen[v.ID] = name
		list = append(list, v)
	}
	return list, found
}

// parseService reads one service, and what districts may change of it. It returns nil
// when the file can't be read, and findings beside a version that isn't fit for release.
// known are the ways of the services before it, in this directory.
func parseService(src *source, dir *place.Directory, categories []dcat.Category, known ways) (*dcat.Version, []bound, []Finding) {
	var f serviceFile
	if found := src.decode(&f); len(found) > 0 {
		return nil, nil, found
	}
	form, err := json.Marshal(nfcTree(f.Form))
	if err != nil {
		return nil, nil, []Finding{src.find("form", 0, "form: "+err.Error())}
	}
	v := f.version(form)
	i := slices.IndexFunc(categories, func(c dcat.Category) bool { return c.Code == f.Category })
	l := linter{src: src, dir: dir, v: v, ways: known}
	if i < 0 {
		l.bad(f.Category, 0, "category %q is not in %s", f.Category, categoriesFile)
	} else {
		v.Category = categories[i]
	}
	l.all()
	lintGrace(&l, f.Readiness.GraceDays)
	f.Readiness.Refund.lint(&l)
	l.bounds(f.District)
	return v, f.District, l.found
}

func (f *serviceFile) version(form []byte) *dcat.Version {
	v := &dcat.Version{
		ID: f.ID, Name: nfcName(f.Name), Kind: f.Kind,
		Channels: f.Channels, CentreTypes: f.CentreTypes,
		Offline: f.Offline, OfflineReason: nfcName(f.OfflineReason),
		Readiness: dcat.Readiness{FreshnessDays: f.Readiness.FreshnessDays, Training: f.Readiness.Training}, SLADays: f.SLADays, FeeAt: f.FeeAt, Form: form,
		Documents: []dcat.Document{}, Fees: []dcat.Fee{}, Steps: []dcat.Step{},
	}
	v.KeepDays, v.InfoDays = f.KeepDays, f.Readiness.InfoDays
	v.Refund = f.Readiness.Refund.rule()
	for _, d := range f.Documents {
		v.Documents = append(v.Documents, dcat.Document{ID: d.ID, Name: nfcName(d.Name), Required: d.Required, OriginalAtCounter: d.OriginalAtCounter})
	}
	for _, s := range f.Steps {
		v.Steps = append(v.Steps, dcat.Step{
			Post: s.Post, OfficeLevel: s.OfficeLevel, Name: nfcName(s.Name),
			Mandatory: s.Mandatory, Decision: s.Decision, MayFinalise: s.MayFinalise,
			When: s.When, Checks: s.Checks, Needs: s.Requires, Unscanned: s.Unscanned,
		})
	}
	for _, x := range f.Fees {
		fee := dcat.Fee{Kind: x.Kind, Poisha: x.Poisha, Ceiling: x.Ceiling, Per: x.Per, At: x.At, Rule: x.If}
		if w := x.When; w != nil {
			fee.When = &dcat.Condition{Field: w.Field, In: w.In, From: w.From, To: w.To}
		}
		v.Fees = append(v.Fees, fee)
	}
	if f.Readiness.GraceDays != nil {
		v.GraceDays = *f.Readiness.GraceDays
	}
	f.proceed(v)
	return v
}

// nfcTree normalises every string of a decoded tree, keys included.
func nfcTree(v any) any {
	switch x := v.(type) {
	case string:
		return norm.NFC.String(x)
	case []any:
		for i := range x {
			x[i] = nfcTree(x[i])
		}
		return x
	case map[string]any:
		m := make(map[string]any, len(x))
		for k, e := range x {
			m[norm.NFC.String(k)] = nfcTree(e)
		}
		return m
	default:
		return v
	}
}
