package main

import (
	"context"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

func trackCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "track NUMBER", Short: "Say where an application stands",
		Long: `Says where an application stands, as anybody with the number may know. The
number may be written in Latin or Bangla digits, with spaces or without. A centre's
box asks the hub about what another centre took; with no link it says what it was
told when it asked before, or that it can't tell.`,
		Example: "  kendro track 4100101234567890 --url http://127.0.0.1:8080",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := track(cmd.Context(), &r, args[0])
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), t, func() *table { return trackTable(t) })
		},
	}
	r.publicFlags(cmd)
	out.flag(cmd)
	return cmd
}

func track(ctx context.Context, r *reach, number string) (*api.Tracking, error) {
	n, err := receiveNumber(number)
	if err != nil {
		return nil, err
	}
	t := new(api.Tracking)
	return t, r.call(ctx, api.Call{Path: "/v1/track/" + n.String(), Out: t})
}

func receiveNumber(text string) (protocol.Number, error) {
	n, err := protocol.ParseNumber(text)
	return n, fault.Wrap("kendro", fault.Invalid, text, err)
}

// billRows say what is to be paid.
func billRows(out *table, demand, lapsed *api.DemandNote) {
	for _, d := range []*api.DemandNote{demand, lapsed} {
		if d == nil {
			continue
		}
		out.add("to pay", taka(d.Poisha))
		if d.For != "" {
			out.add("paid for", map[string]string{protocol.ForReview: "the review", protocol.ForIssue: "what is issued"}[d.For])
		}
		if d.ID != "" {
			out.add("demand", d.ID)
		}
		if d.Due != nil {
			out.add("last day", d.Due.Format(dateOnly))
		}
		if d == lapsed {
			out.add("", "the term is over: only what was paid by then counts")
		}
	}
}

// refundRows say what is paid back.
func refundRows(out *table, r *api.RefundNote) {
	if r == nil {
		return
	}
	if r.Owed != 0 {
		out.add("owed back", taka(r.Owed))
	}
	if r.Paid != 0 {
		out.add("paid back", taka(r.Paid))
	}
}

func trackTable(t *api.Tracking) *table {
	out := pairs("number", t.Number.Spaced(), "stage", t.Stage, "since", when(t.Since), "custody", string(t.Custody))
	if t.Office != nil {
		out.add("office", bothNames(t.Office))
	}
	if t.NextStep != nil {
		out.add("next step", bothNames(t.NextStep))
	}
	if t.Expected != nil {
		out.add("expected by", t.Expected.Format(dateOnly))
	}
	billRows(out, t.Demand, t.Lapsed)
	refundRows(out, t.Refund)
	switch t.Source {
	case api.FromHub:
		out.add("said by", "the hub, just now")
	case api.FromMemory:
		out.add("said by", "the hub, when it was asked before: it can't be asked now")
	}
	out.add("as of", when(t.AsOf))
	return out
}
