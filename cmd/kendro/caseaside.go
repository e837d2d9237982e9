package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"kendro/web/api"
)

func caseAsidesCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "asides", Short: "List what an officer's union did at this box and the district did not take", Args: cobra.NoArgs,
		Long: `Lists the acts of the union's officers at this box that do not fit the case at the hub, that the
office above has yet to confirm, or that were overturned since, with what is to be done next. What
nobody of the union has read comes first. It needs no link: it is what the box was last told.`,
		Example: "  kendro case asides --url http://127.0.0.1:8080 --session salma.session",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := new(api.AsideList)
			if err := r.call(cmd.Context(), api.Call{Path: api.AsidesPath + "?limit=200", Out: list}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), list, func() *table {
				t := columns("ID", "NUMBER", "ACT", "BY", "STATE", "SINCE", "WHOSE", "WHY", "NEXT", "OUTCOME", "WORDS", "READ BY")
				for i := range list.Asides {
					a := &list.Asides[i]
					t.add(a.ID, a.Number.Spaced(), a.Action, a.Actor, a.State, when(a.Since), a.Owner, a.Text, a.Next, a.Outcome, a.Words, a.ReadBy)
				}
				return t
			})
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

func caseReadCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	cmd := &cobra.Command{
		Use: "read ID", Short: "Note that an officer of the union has read what became of an act", Args: cobra.ExactArgs(1),
		Example: "  kendro case read 2f1c…e0 --url http://127.0.0.1:8080 --session salma.session",
		RunE: func(cmd *cobra.Command, args []string) error {
			a := new(api.Aside)
			err := r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: api.AsidesPath + "/" + url.PathEscape(args[0]) + "/read", Key: id.key(), Out: a})
			if err != nil {
				return id.explain(err)
			}
			return out.print(cmd.OutOrStdout(), a, func() *table {
				return pairs("number", a.Number.Spaced(), "act", a.Action, "state", a.State, "next", a.Next, "read by", a.ReadBy)
			})
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	return cmd
}
