package main

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"kendro/web/api"
)

func deskItemsCmd() *cobra.Command {
	var r reach
	var out output
	var scope string
	var ended bool
	cmd := &cobra.Command{
		Use: "items", Short: "List what waits for a decision beside the procedure", Args: cobra.NoArgs,
		Example: "  kendro desk items --scope office --url http://127.0.0.1:8081 --session officer.session",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := new(api.ItemList)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/items?" + url.Values{"scope": {scope}, "ended": {strconv.FormatBool(ended)}}.Encode(), Out: list}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), list, func() *table {
				if ended {
					return endedTable(list)
				}
				t := columns("ITEM", "KIND", "SUM", "DUE", "CENTRE", "LIABLE", "WHY", "WHAT TO DO")
				for _, it := range list.Items {
					due := day(it.Due)
					if it.Overdue {
						due += " overdue"
					}
					liable := ""
					if it.Charged {
						liable = "centre"
					}
					t.add(it.ID, it.Kind, taka(it.Poisha), due, it.Centre, liable, it.Text, it.Do.EN)
				}
				return t
			})
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	cmd.Flags().StringVar(&scope, "scope", "mine", "mine: those of your post; office: those of your office")
	cmd.Flags().BoolVar(&ended, "ended", false, "what was settled of what is no case's item, the newest first")
	return cmd
}

func endedTable(list *api.ItemList) *table {
	t := columns("ITEM", "KIND", "CENTRE", "WHY", "OUTCOME", "BY", "WORDS")
	for _, it := range list.Items {
		t.add(it.ID, it.Kind, it.Centre, it.Text, it.Outcome, it.SettledBy, it.Words)
	}
	return t
}

func deskSettleCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	in := api.SettleRequest{}
	cmd := &cobra.Command{
		Use: "settle ITEM", Short: "Say what comes of an item", Args: cobra.ExactArgs(1),
		Example: `  kendro desk settle 4100101234567890-412-1 --outcome refund --text "paid back at the centre" --url http://127.0.0.1:8081 --session officer.session`,
		RunE: func(cmd *cobra.Command, args []string) error {
			done := new(api.Done)
			err := r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: "/v1/items/" + url.PathEscape(args[0]), Key: id.key(), In: in, Out: done})
			if err != nil {
				return id.explain(err)
			}
			return out.print(cmd.OutOrStdout(), done, func() *table { return pairs("item", args[0], "outcome", in.Outcome) })
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	cmd.Flags().StringVar(&in.Outcome, "outcome", "", "refund, credit, applied, dismissed; again for what another register refused; revived for another term; accepted, honoured or refused for what was held; routed, put-right for what is no case's item")
	cmd.Flags().StringVar(&in.Text, "text", "", "what the citizen is told")
	cmd.Flags().Int64Var(&in.Poisha, "poisha", 0, "with refund: how much is to be paid back; 0 is what the item is about")
	cmd.Flags().StringVar(&in.Voucher, "voucher", "", "with refund, of refund-owed: the number of the voucher by which it was paid")
	cmd.Flags().StringVar(&in.PaidOn, "paid-on", "", "with --voucher: the day, 2026-11-22; empty is today")
	cmd.Flags().StringVar(&in.To, "to", "", "with routed: the desk to which the case goes, post@office")
	cmd.Flags().StringVar(&in.Number, "number", "", "with applied, of a payment for a case that is not here: the case that was meant")
	return cmd
}
