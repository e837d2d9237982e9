package catalogue

import (
	"regexp"
	"slices"

	dcat "kendro/domain/catalogue"
)

// Bounds of what a service may declare about its certificates and leases.
const (
	maxValidDays = 3660
	maxLeaseDays = 60
	maxBlock     = 10_000
)

// certificateCode begins the numbers of a service's certificates.
var certificateCode = regexp.MustCompile(`^[A-Z]{2,8}$`)

// certificate checks what a service's certificates are numbered by and how long they hold.
func (l *linter) certificate(p *dcat.Procedure) {
	c := p.Certificate
	if c == nil {
		return
	}
	if p.Issue == nil {
		l.bad("certificate", 0, "certificate: the procedure declares no issue, so nobody signs one")
	}
	if !certificateCode.MatchString(c.Code) || c.ValidDays < 1 || c.ValidDays > maxValidDays {
		l.bad("certificate", 0, "certificate: want a code of 2 to 8 capital letters, such as TL, and valid_days of 1 to %d", maxValidDays)
	}
	l.renewal(c)
	if p.DecideAt == dcat.AtHub && (c.Block != 0 || c.LeaseDays != 0) {
		l.bad("certificate", 0, "certificate: block and lease_days belong to a service with decide_at: node")
	}
}

// renewal checks that a renewal can name what it renews, and begins with answers that the
// form has.
func (l *linter) renewal(c *dcat.Certificate) {
	r := c.Renewal
	if r == nil {
		return
	}
	if r.Rule == "" {
		l.bad("renewal", 0, "renewal: want the rule that holds for an application that renews, such as rule: renewal")
	}
	if r.Within < 1 || r.Within >= c.ValidDays {
		l.bad("renewal", 0, "renewal: renew_within %d: want 1 to %d calendar days about the end of the one before, fewer than its valid_days", r.Within, c.ValidDays-1)
	}
	if l.form == nil {
		return
	}
	if f, ok := l.form.Field(r.Answer); !ok || f.Type != "string" || f.Required {
		l.bad(r.Answer, 0, "renewal: the form has no string field %q, left empty by who asks for the first time, for the number of the one before", r.Answer)
	}
	for _, s := range r.Set {
		f, ok := l.form.Field(s.Answer)
		if s.Answer == r.Answer || !ok || len(f.Options) > 0 && !slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == s.Value }) {
			l.bad(s.Answer, 0, "renewal: set %s: %q: the form has no such field beside the number's, or not this answer to it", s.Answer, s.Value)
		}
	}
}

// decidedAt checks that a box can do by itself all that a lease lets it do: its desks are
// its own union's, and nothing on the way needs the hub.
func (l *linter) decidedAt(p *dcat.Procedure) {
	switch p.DecideAt {
	case dcat.AtHub:
		return
	case dcat.AtNode:
	default:
		l.bad("decide_at", 0, "decide_at %q: want node, or leave it out", p.DecideAt)
		return
	}
	bad := func(format string, args ...any) { l.bad("decide_at", 0, "decide_at: node: "+format, args...) }
	if l.v.Offline != dcat.Intake {
		bad("the service is %s: a box without a hub would have nothing to decide", l.v.Offline)
	}
	if c := p.Certificate; c == nil || c.Block < 1 || c.Block > maxBlock || c.LeaseDays < 1 || c.LeaseDays > maxLeaseDays {
		bad("want a certificate with a block of 1 to %d numbers and lease_days of 1 to %d", maxBlock, maxLeaseDays)
	}
	if p.Issue != nil && p.Issue.OfficeLevel != dcat.LocalLevel {
		bad("the post %q, which signs, sits at %q and not at the centre's own office", p.Issue.Post, p.Issue.OfficeLevel)
	}
	for _, s := range l.v.Steps {
		if s.OfficeLevel != dcat.LocalLevel {
			bad("the desk of %q is at %q and not at the centre's own office", s.Post, s.OfficeLevel)
		}
	}
	if p.Record != nil || p.Once != nil || p.Grievance != nil {
		bad("only the hub knows what was scanned or told before, and who may read a grievance: take record, once and grievance away")
	}
	for _, c := range l.v.Checks {
		if c.Connector != "" {
			bad("the check %q wants another register, which only the hub's desks have", c.ID)
		}
	}
}
