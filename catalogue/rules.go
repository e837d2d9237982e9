package catalogue

import (
	"encoding/json"
	"fmt"
	"time"

	"cel.dev/cel-go/cel"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
)

// Rules are the compiled conditions of one version. They may be used concurrently.
type Rules struct {
	version  *dcat.Version
	fields   []Field
	programs []cel.Program
}

// maxCost bounds one evaluation; a rule that needs more does not hold.
const maxCost = 10_000

// CompileRules compiles the conditions of a version, in the Common Expression
// Language. A rule sees the form's answers by their names and types, as in
// form.copies > 5, and comes to yes or no; an answer that was not given is "", 0 or
// false. It knows neither time nor anything outside of the application. A rule that
// is none of this is [fault.Invalid], with its ID and the place within it.
func CompileRules(v *dcat.Version, form *Form) (*Rules, error) {
	r := &Rules{version: v, fields: form.fields}
	if len(v.Rules) == 0 {
		return r, nil
	}
	env, err := environment(form.fields)
	if err != nil {
		return nil, fault.Wrap("catalogue.CompileRules", fault.Internal, v.ID, err)
	}
	for _, rule := range v.Rules {
		p, err := compileRule(env, rule)
		if err != nil {
			return nil, fault.Wrap("catalogue.CompileRules", fault.Invalid, rule.ID, err)
		}
		r.programs = append(r.programs, p)
	}
	return r, nil
}

// environment declares every answer under its name, with its type.
func environment(fields []Field) (*cel.Env, error) {
	options := []cel.EnvOption{cel.ClearMacros()}
	for _, f := range fields {
		options = append(options, cel.Variable("form."+f.Name, celType(f)))
	}
	return cel.NewEnv(options...)
}

func celType(f Field) *cel.Type {
	switch f.Type {
	case "integer":
		return cel.IntType
	case "boolean":
		return cel.BoolType
	case "array":
		return cel.ListType(cel.MapType(cel.StringType, cel.DynType))
	default:
		return cel.StringType
	}
}

func compileRule(env *cel.Env, rule dcat.Rule) (cel.Program, error) {
	tree, issues := env.Compile(rule.If)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	if !tree.OutputType().IsExactType(cel.BoolType) {
		return nil, fmt.Errorf("it comes to a %s, not to yes or no: want a comparison, such as form.copies > 5", tree.OutputType())
	}
	return env.Program(tree, cel.CostLimit(maxCost))
}

// Judge says which rules hold for a form's answers, as JSON.
func (r *Rules) Judge(form []byte) dcat.Bits {
	var bits dcat.Bits
	if len(r.programs) == 0 {
		return bits
	}
	given := map[string]any{}
	if json.Unmarshal(form, &given) != nil {
		return bits
	}
	vars := map[string]any{}
	for _, f := range r.fields {
		vars["form."+f.Name] = valueOf(f, given[f.Name])
	}
	for i, p := range r.programs {
		if out, _, err := p.Eval(vars); err == nil && out.Value() == true {
			bits = bits.With(i)
		}
	}
	return bits
}

// valueOf is an answer in the type that its rule was compiled for.
func valueOf(f Field, given any) any {
	switch f.Type {
	case "integer":
		n, _ := given.(float64)
		return int64(n)
	case "boolean":
		b, _ := given.(bool)
		return b
	case "array":
		rows, _ := given.([]any)
		return rows
	default:
		s, _ := given.(string)
		return s
	}
}

// Found says what an application comes to under the version that it pins: which
// rules hold, what is to be paid later, how it is handed over. It depends on
// nothing but its arguments.
func (in *Intake) Found(v *dcat.Version, form []byte, on time.Time) (*application.Found, error) {
	compiled, err := in.Form(v)
	if err != nil {
		return nil, err
	}
	rules, err := in.rulesOf(v, compiled)
	if err != nil {
		return nil, err
	}
	f := &application.Found{Rules: rules.Judge(form)}
	answer := Answers(form)
	f.Review = owed(v.Demanded(dcat.BeforeReview, f.Rules, answer, on))
	f.Issue = owed(v.Demanded(dcat.AfterApproval, f.Rules, answer, on))
	if p := v.Procedure; p != nil && p.Issue != nil {
		f.Mode = p.Issue.Modes[0]
		for _, m := range p.Issue.Modes {
			if p.Issue.ModeField != "" && answer(p.Issue.ModeField) == string(m) {
				f.Mode = m
			}
		}
	}
	f.Record, f.Fact, f.Complaint = recordOf(v, answer), factOf(v, answer), complaintOf(v, answer)
	return f, nil
}

// Cost is what an application with these answers costs its applicant in all under a
// version, when it is filed and later.
func (in *Intake) Cost(v *dcat.Version, form []byte, on time.Time) (int64, error) {
	f, err := in.Found(v, form, on)
	if err != nil {
		return 0, err
	}
	return dcat.Total(v.Charges(Answers(form), on)) + f.Review + f.Issue, nil
}

// owed adds up what an office demands: the centre's own charge is not its affair.
func owed(charges []dcat.Charge) (sum int64) {
	for _, c := range charges {
		if c.Kind != dcat.ServiceCharge {
			sum += c.Poisha
		}
	}
	return sum
}
