package main

import (
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"kendro/web/api"
)

func deskCallsCmd() *cobra.Command {
	var r reach
	var out output
	var user, number string
	var limit int
	cmd := &cobra.Command{
		Use: "calls", Short: "List who told callers what at the phone desk", Args: cobra.NoArgs,
		Long: `Lists who told callers what at the phone desk of one server, the newest first: of the
officers of your area. Each server keeps its own calls, the last 2,000 and for 180 days.`,
		Example: "  kendro desk calls --user anna --url http://127.0.0.1:8081 --session uno.session",
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := url.Values{"limit": {strconv.Itoa(limit)}}
			for name, v := range map[string]string{"user": user, "number": number} {
				if v != "" {
					q.Set(name, v)
				}
			}
			var list api.CallList
			if err := r.call(cmd.Context(), api.Call{Path: api.CallsPath + "?" + q.Encode(), Out: &list}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), list, func() *table { return callsTable(&list) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&user, "user", "", "of one login alone (default: of everybody)")
	f.StringVar(&number, "number", "", "about one case alone (default: about any)")
	f.IntVar(&limit, "limit", 100, "at most so many, 1 to 500")
	return cmd
}

func callsTable(list *api.CallList) *table {
	t := columns("AT", "WHO", "DESK", "NUMBER", "TOLD")
	for i := range list.Calls {
		c := &list.Calls[i]
		number, told, desk := "-", c.Told, "-"
		if c.Number != 0 {
			number = c.Number.Spaced()
		}
		if c.Found != nil {
			told += ", found " + strconv.Itoa(*c.Found)
		}
		if c.Office != "" {
			desk = c.Post + "@" + c.Office
		}
		t.add(when(c.At), c.User, desk, number, told)
	}
	return t
}
