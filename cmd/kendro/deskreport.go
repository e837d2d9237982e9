package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kendro/domain/measure"
	"kendro/web"
	"kendro/web/api"
)

func deskReportCmd() *cobra.Command {
	var r reach
	out := output{format: asTable}
	var area, from, to string
	var asCSV, looks bool
	cmd := &cobra.Command{
		Use: "report", Short: "Show what services, desks and officers have come to", Args: cobra.NoArgs,
		Long: `Show what an area's services, offices, desks and officers have come to over some
days (the last 30), and what came by each channel: received, disposed, pending by
age, overdue, and the median and 90th percentile of the time that officers took,
apart from what the network, the citizens, other registers and closed days took;
then what applications under former fees cost more or less, and what is owed and was
paid back. docs/cli.md says what counts for what. Every look is recorded. You see the desks below your own, and of your own
desk yourself; a supervisor sees his area.`,
		Example: "  kendro desk report --from 2026-11-01 --to 2026-11-30 --url http://127.0.0.1:8081 --session uno.session",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if looks {
				return printLooks(cmd, &r, &out)
			}
			q := url.Values{}
			for name, v := range map[string]string{"area": area, "from": from, "to": to} {
				if v != "" {
					q.Set(name, v)
				}
			}
			report := new(api.OfficeReport)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/report?" + q.Encode(), Out: report}); err != nil {
				return err
			}
			if asCSV {
				return printed(officeReportCSV(cmd.OutOrStdout(), report))
			}
			return out.print(cmd.OutOrStdout(), report, func() *table { return officeReportTable(report) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&area, "area", "", "code of an area (default: your own, or the district)")
	f.StringVar(&from, "from", "", "first day, such as 2026-11-01")
	f.StringVar(&to, "to", "", "last day (default: today)")
	f.BoolVar(&asCSV, "csv", false, "write comma-separated lines, times in seconds")
	f.BoolVar(&looks, "looks", false, "list who looked at reports, as an auditor")
	return cmd
}

func printLooks(cmd *cobra.Command, r *reach, out *output) error {
	list := new(api.ReportLooks)
	if err := r.call(cmd.Context(), api.Call{Path: "/v1/report/looks", Out: list}); err != nil {
		return err
	}
	return out.print(cmd.OutOrStdout(), list, func() *table {
		t := columns("WHEN", "USER", "AREA", "FROM", "TO")
		for _, l := range list.Looks {
			t.add(when(l.At), l.User, l.Area, l.From, l.To)
		}
		return t
	})
}

// A reportPart is one kind of line of a report.
type reportPart struct {
	name  string
	lines []*measure.Line
}

func reportParts(r *api.OfficeReport) []reportPart {
	return []reportPart{{"service", r.Services}, {"channel", r.Channels}, {"office", r.Offices}, {"desk", r.Desks}, {"officer", r.Officers}}
}

func officeReportTable(r *api.OfficeReport) *table {
	t := columns("", r.Area+" "+r.From+" to "+r.To, "RECEIVED", "DISPOSED", "PENDING", "≤1 d", "≤5 d", "≤15 d", "OLDER", "OVERDUE", "OFFICER MEDIAN", "P90",
		"NETWORK", "P90", "CITIZEN", "P90", "WHOLE", "P90", "VISITS", "PAID")
	for _, p := range reportParts(r) {
		for _, l := range p.lines {
			row := []string{p.name, l.Of}
			for _, n := range []int{l.Received, l.Disposed, l.Pending, l.Ages[0], l.Ages[1], l.Ages[2], l.Ages[3], l.Overdue} {
				row = append(row, strconv.Itoa(n))
			}
			row = append(row, took(l.Officer)...)
			if a := l.Account; a != nil {
				row = append(row, took(a.Network)...)
				row = append(row, took(a.Citizen)...)
				row = append(row, took(a.Whole)...)
				row = append(row, strconv.FormatInt(a.Visits.Median, 10), taka(a.Paid.Median))
			}
			t.add(row...)
		}
	}
	for _, l := range r.Services {
		if a := l.Account; a != nil && len(a.Further) > 0 {
			var list []string
			for _, f := range a.Further {
				list = append(list, f.Reason+" "+strconv.Itoa(f.Visits))
			}
			t.add("further visits", l.Of, strings.Join(list, ", "))
		}
		if l.Fees != nil && *l.Fees != (measure.Fees{}) {
			t.add("fees", l.Of, feesText(l.Fees))
		}
	}
	t.add("fees", "in all", feesText(&r.Fees))
	t.add("", r.Completeness.EN)
	if len(r.NoWoman) > 0 {
		t.add("", "no woman has a login at "+strings.Join(r.NoWoman, ", "))
	}
	if len(r.IdleWoman) > 0 {
		t.add("", "a woman has a login, and none has taken in an application for 30 days, at "+strings.Join(r.IdleWoman, ", "))
	}
	return t
}

func feesText(f *measure.Fees) string {
	return fmt.Sprintf("%d under former fees: %s by their receipts, %s by the fees in force, %s over, %s under, %s collected; %s owed back, %s paid back",
		f.Former, taka(f.Charged), taka(f.Due), taka(f.Over), taka(f.Under), taka(f.Collected), taka(f.OwedBack), taka(f.PaidBack))
}

func took(t measure.Took) []string { return []string{web.EN.Span(t.Median), web.EN.Span(t.P90)} }

func officeReportCSV(w io.Writer, r *api.OfficeReport) error {
	out := csv.NewWriter(w)
	rows := [][]string{{
		"kind", "of", "received", "disposed", "pending", "pending_1", "pending_5", "pending_15", "pending_older", "overdue", "late",
		"officer_median", "officer_p90", "network_median", "network_p90", "citizen_median", "citizen_p90", "outside_median", "outside_p90",
		"closed_median", "closed_p90", "whole_median", "whole_p90", "visits_median", "visits_p90", "paid_poisha_median", "paid_poisha_p90",
		"former", "charged_poisha", "due_poisha", "over_poisha", "under_poisha", "collected_poisha", "owed_back_poisha", "paid_back_poisha",
	}}
	for _, p := range reportParts(r) {
		for _, l := range p.lines {
			row := []string{p.name, l.Of}
			for _, n := range []int{l.Received, l.Disposed, l.Pending, l.Ages[0], l.Ages[1], l.Ages[2], l.Ages[3], l.Overdue, l.Late} {
				row = append(row, strconv.Itoa(n))
			}
			list := []measure.Took{l.Officer}
			if a := l.Account; a != nil {
				list = append(list, a.Network, a.Citizen, a.Outside, a.Closed, a.Whole, a.Visits, a.Paid)
			}
			for _, took := range list {
				row = append(row, strconv.FormatInt(took.Median, 10), strconv.FormatInt(took.P90, 10))
			}
			if f := l.Fees; f != nil {
				row = append(row, strconv.Itoa(f.Former))
				for _, n := range []int64{f.Charged, f.Due, f.Over, f.Under, f.Collected, f.OwedBack, f.PaidBack} {
					row = append(row, strconv.FormatInt(n, 10))
				}
			}
			for len(row) < len(rows[0]) {
				row = append(row, "")
			}
			rows = append(rows, row)
		}
	}
	return out.WriteAll(rows)
}
