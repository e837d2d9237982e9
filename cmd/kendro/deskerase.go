package main

import (
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/web/api"
)

func deskEraseCmd() *cobra.Command {
	return group("erase", "Have what is known of a citizen erased, by two persons' word",
		eraseOrderCmd(), eraseWordCmd("confirm", "Confirm an order as the second person: it is carried out at once and can't be taken back"),
		eraseWordCmd("withdraw", "Withdraw an order that nobody has confirmed"), eraseListCmd(), eraseStatusCmd())
}

func eraseOrderCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	in := api.ErasureRequest{}
	cmd := &cobra.Command{
		Use: "order NUMBER...", Short: "Order that a case, or those of one person, be erased", Args: cobra.MinimumNArgs(1),
		Example: `  kendro desk erase order 4100101234567890 --basis "Data Protection Act, s. 13" --reason "the citizen asked" --url http://127.0.0.1:8081 --session dc.session`,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, a := range args {
				n, err := receiveNumber(a)
				if err != nil {
					return err
				}
				in.Numbers = append(in.Numbers, n)
			}
			list := new(api.ErasureList)
			err := r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: "/v1/erasures", Key: id.key(), In: in, Out: list})
			if err != nil {
				return id.explain(err)
			}
			return out.print(cmd.OutOrStdout(), list, func() *table { return erasuresTable(list) })
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	cmd.Flags().StringVar(&in.Basis, "basis", "", "the law; it stays, and the citizen reads it")
	cmd.Flags().StringVar(&in.Reason, "reason", "", "why; it stays, so it names nobody")
	return cmd
}

func eraseWordCmd(word, short string) *cobra.Command {
	var r reach
	var id repeat
	var out output
	cmd := &cobra.Command{
		Use: word + " NUMBER", Short: short, Args: cobra.ExactArgs(1),
		Example: "  kendro desk erase " + word + " 4100101234567890 --url http://127.0.0.1:8081 --session adc.session",
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := receiveNumber(args[0])
			if err != nil {
				return err
			}
			list := new(api.ErasureList)
			err = r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: "/v1/erasures/" + n.String() + "/" + word, Key: id.key(), In: struct{}{}, Out: list})
			if err != nil {
				return id.explain(err)
			}
			return out.print(cmd.OutOrStdout(), list, func() *table { return erasuresTable(list) })
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	return cmd
}

func eraseListCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "list", Short: "List the orders, and which of their steps are not done", Args: cobra.NoArgs,
		Example: "  kendro desk erase list --url http://127.0.0.1:8081 --session dc.session",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := new(api.ErasureList)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/erasures", Out: list}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), list, func() *table { return erasuresTable(list) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

func eraseStatusCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "status [NUMBER]", Short: "Say which servers and boxes have carried the orders out, and by when the rest is due", Args: cobra.MaximumNArgs(1),
		Example: "  kendro desk erase status 4100101234567890 --url http://127.0.0.1:8081 --session dc.session",
		RunE: func(cmd *cobra.Command, args []string) error {
			list := new(api.ErasureList)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/erasures", Out: list}); err != nil {
				return err
			}
			if len(args) > 0 {
				n, err := receiveNumber(args[0])
				if err != nil {
					return err
				}
				list.Erasures = slices.DeleteFunc(list.Erasures, func(e api.Erasure) bool { return e.Number != n })
				if len(list.Erasures) == 0 {
					return fault.New("kendro.erase", fault.NotFound, n.String(), "nobody has ordered that it be erased, or it is not in your area")
				}
			}
			return out.print(cmd.OutOrStdout(), list, func() *table { return eraseSteps(list) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

func eraseSteps(list *api.ErasureList) *table {
	t := columns("NUMBER", "STEP", "WHO", "DONE", "DUE")
	for i := range list.Erasures {
		e := &list.Erasures[i]
		if e.ErasedAt == nil {
			t.add(e.Number.Spaced(), "confirm", "", "no", "")
		}
		for j := range e.Steps {
			s := &e.Steps[j]
			done, due := "no", ""
			switch {
			case s.At != nil:
				done = when(*s.At)
			case s.Done:
				done = "yes"
			case s.Lost:
				done = "never: revoked"
			}
			if s.Due != nil {
				due = when(*s.Due)
			}
			t.add(e.Number.Spaced(), s.Step, s.Who, done, due)
		}
	}
	return t
}

func erasuresTable(list *api.ErasureList) *table {
	t := columns("NUMBER", "STAGE", "ORDERED", "BY", "ERASED", "CONFIRMED BY", "BASIS", "STILL TO DO")
	for i := range list.Erasures {
		e := &list.Erasures[i]
		erased := ""
		if e.ErasedAt != nil {
			erased = when(*e.ErasedAt)
		}
		t.add(e.Number.Spaced(), e.Stage, when(e.OrderedAt), e.OrderedSeat, erased, e.Confirmed, e.Basis, stillToDo(e))
	}
	return t
}

// stillToDo names the steps of an order that are not done.
func stillToDo(e *api.Erasure) string {
	if e.ErasedAt == nil {
		return "a second person has to confirm it"
	}
	var list []string
	for _, s := range e.Steps {
		if !s.Done {
			list = append(list, strings.TrimSpace(s.Step+" "+s.Who))
		}
	}
	return strings.Join(list, ", ")
}
