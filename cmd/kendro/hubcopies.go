package main

import (
	"net/http"

	"github.com/spf13/cobra"

	"kendro/web/api"
)

func hubCopiesGoneCmd() *cobra.Command {
	var r reach
	var id repeat
	var in api.CopiesGone
	cmd := &cobra.Command{
		Use: "copies-gone", Short: "Say that copies of the district's records made before a day are destroyed", Args: cobra.NoArgs,
		Long: `Says that every copy made before a day is destroyed: backups and exports of servers,
recovery shares, folders that were set aside, records on sticks. What was erased by
order before that day then counts as gone from there too. No machine can look.`,
		Example: "  kendro hub copies-gone --dir /var/lib/kendro/hub --before 2027-03-01",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return id.explain(r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: "/v1/erasures/copies", Key: id.key(), In: in}))
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	cmd.Flags().StringVar(&in.Before, "before", "", "day before which the copies were made, such as 2027-03-01")
	require(cmd, "before")
	return cmd
}
