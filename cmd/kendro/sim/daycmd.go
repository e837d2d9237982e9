package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/domain/measure"
)

// dayOp is what its refusals call the command.
const dayOp = "kendro sim day"

func dayCmd() *cobra.Command {
	p := dayPlan{Seed: 1, Centres: 83, Copies: 240, Others: 3600, Staff: 1, Days: 30}
	output, verbose := "table", false
	cmd := &cobra.Command{
		Use: "day", Short: "One district's day at the counters, worked on until nothing is left", Args: cobra.NoArgs,
		Long: `Simulates the applications of one day in a district, and the days until every one of
them is disposed of: people at the counters of all centres, officers at every desk
with their pace and office hours, applicants who pay, bring and fetch, links that are
gone for hours. The boxes, the sessions, the register and the procedures of the
country pack are those that ship.

It ends with 70 if a desk has a backlog (a case overdue, or more work in the day than
its officers have hours), if anything is left undone, or if an application was lost,
doubled or altered.`,
		Example: "  kendro sim day\n  kendro sim day --staff 0.5 --output json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := p.check(output); err != nil {
				return err
			}
			if verbose {
				p.Trace = cmd.ErrOrStderr()
			}
			debug.SetGCPercent(400)
			began := time.Now()
			r, err := simulateDay(p)
			if err != nil {
				return err
			}
			if err := r.print(cmd.OutOrStdout(), output, time.Since(began)); err != nil {
				return fault.Wrap(dayOp, fault.Stopped, "output", err)
			}
			return r.verdict()
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&p.Seed, "seed", p.Seed, "decides everything")
	f.IntVar(&p.Centres, "centres", p.Centres, "how many centres have a box")
	f.IntVar(&p.Copies, "copies", p.Copies, "applications for a certified copy of a land record")
	f.IntVar(&p.Others, "others", p.Others, "applications for everything else")
	f.Float64Var(&p.Staff, "staff", p.Staff, "share of its officers that each desk has; one at least")
	f.IntVar(&p.Days, "days", p.Days, "end after so many days, done or not")
	f.BoolVar(&verbose, "trace", false, "print everything that happens")
	f.StringVar(&output, "output", output, "table or json")
	return cmd
}

func (p *dayPlan) check(output string) error {
	bad := func(flag, want string) error { return fault.New(dayOp, fault.Invalid, "--"+flag, want) }
	switch {
	case p.Copies < 0 || p.Others < 0 || p.Copies+p.Others < 1 || p.Copies+p.Others > 100_000:
		return bad("others", "want 1 to 100,000 applications, copies included")
	case p.Staff <= 0 || p.Staff > 100:
		return bad("staff", "want a share above 0, at most 100")
	case p.Days < 1 || p.Days > 365:
		return bad("days", "want 1 to 365")
	case output != "table" && output != "json":
		return bad("output", "want table or json")
	}
	return nil
}

// verdict is what the day's exit status says.
func (r *dayResult) verdict() error {
	switch {
	case len(r.Violations) > 0:
		return fault.New(dayOp, fault.Internal, "district", r.Violations[0])
	case len(r.Backlog) > 0:
		return fault.New(dayOp, fault.Internal, "backlog", r.Backlog[0])
	}
	return nil
}

func (r *dayResult) print(w io.Writer, output string, took time.Duration) error {
	if output == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "seed %d: %d applications at %d centres, %d disposed of, nothing left after %d days (%.0f s; %d acts, %d entries, %d sessions, trace %s)\n\n",
		r.Seed, r.Filed, r.Centres, r.Disposed, r.Days, took.Seconds(), r.Acts, r.Entries, r.Sessions, r.Trace)
	fmt.Fprintln(t, "SERVICE\tRECEIVED\tDISPOSED\tLATE\tOFFICER\tP90\tNETWORK\tP90\tCITIZEN\tP90\tWHOLE\tP90\tVISITS")
	services := slices.SortedFunc(slices.Values(r.Report.Services), func(a, b *measure.Line) int { return cmp.Compare(b.Received, a.Received) })
	for _, l := range append([]*measure.Line{r.All}, services...) {
		if l == nil {
			continue
		}
		a := l.Account
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%d\n", l.Of, l.Received, l.Disposed, l.Late,
			took2(l.Officer), took2(a.Network), took2(a.Citizen), took2(a.Whole), a.Visits.Median)
	}
	fmt.Fprintln(t, "\nDESK\tOFFICERS\tCASES\tLOAD\tOVERDUE\tQUEUE AT THE END OF EACH DAY")
	busiest := slices.SortedFunc(slices.Values(r.Desks), func(a, b deskDay) int { return cmp.Or(cmp.Compare(b.Load, a.Load), cmp.Compare(a.Desk, b.Desk)) })
	for _, d := range busiest[:min(20, len(busiest))] {
		fmt.Fprintf(t, "%s\t%d\t%d\t%.2f\t%d\t%v\n", d.Desk, d.Officers, d.Cases, d.Load, d.Overdue, d.Queue)
	}
	fmt.Fprintf(t, "\nbacklog\t%d\nviolations\t%d\n", len(r.Backlog), len(r.Violations))
	for _, s := range slices.Concat(r.Backlog, r.Violations) {
		fmt.Fprintln(t, s)
	}
	return t.Flush()
}

// took2 is a median and a 90th percentile in two columns.
func took2(t measure.Took) string {
	s := func(n int64) string { return (time.Duration(n) * time.Second).String() }
	return s(t.Median) + "\t" + s(t.P90)
}
