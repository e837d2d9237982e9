package main

import (
	"github.com/spf13/cobra"

	"kendro/web/api"
)

func caseOwedCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "owed NUMBER", Short: "Say what is to be paid on a case of any centre, and what this centre took for it", Args: cobra.ExactArgs(1),
		Long: `Says what is to be paid on a case before money is taken for it: by the box's own word, or
of another centre's case by the hub's. Where nobody can be asked it says so; a payment is
taken all the same. It lists what this box took for the case already.`,
		Example: "  kendro case owed 4100101234567890 --url http://127.0.0.1:8080 --session rahima.session",
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := receiveNumber(args[0])
			if err != nil {
				return err
			}
			b := new(api.Bill)
			if err := r.call(cmd.Context(), api.Call{Path: casePath(n) + "/payments", Out: b}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), b, func() *table { return billTable(b) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

// saidBy says whose word a bill is.
var saidBy = map[string]string{
	api.FromBox: "this box", api.FromHub: "the hub, just now",
	api.FromMemory:  "the hub, when it was asked before: it can't be asked now",
	api.FromUnknown: "nobody: the hub can't be asked now. Take what the notice says, and compare the number",
	api.FromNobody:  "the hub: the district has no such number, or not yet. Compare it with the slip",
}

func billTable(b *api.Bill) *table {
	out := pairs("number", b.Number.Spaced(), "said by", saidBy[b.Source])
	if b.AsOf != nil {
		out.add("as of", when(*b.AsOf))
	}
	if b.Known() {
		out.add("stage", b.Stage)
		billRows(out, b.Demand, b.Lapsed)
		if b.Demand == nil && b.Lapsed == nil {
			out.add("to pay", "nothing: what is taken now has to be paid back")
		}
	}
	for _, t := range b.Taken {
		var sum int64
		for _, f := range t.Fees {
			sum += f.Poisha
		}
		words := taka(sum) + ", " + when(t.At) + ", " + t.Means + ", seq " + count(t.Seq)
		if t.Voided {
			words += ", voided"
		}
		out.add("taken here", words)
	}
	return out
}
