package main

import (
	"github.com/spf13/cobra"

	"kendro/web/api"
)

func deskRecordsCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "records", Short: "Show how many of the records that were asked for are scanned", Args: cobra.NoArgs,
		Example: "  kendro desk records --url http://127.0.0.1:8081 --session officer.session",
		RunE: func(cmd *cobra.Command, _ []string) error {
			shares := new(api.RecordShares)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/records", Out: shares}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), shares, func() *table {
				t := columns("UPAZILA", "ASKED FOR", "SCANNED")
				for _, a := range shares.Areas {
					t.add(a.Area.Code+" "+a.Area.EN, count(a.Requested), count(a.Scanned))
				}
				t.add("all", count(shares.Requested), count(shares.Scanned))
				return t
			})
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}
