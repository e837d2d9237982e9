package main

import (
	"net/http"

	"github.com/spf13/cobra"

	"kendro/web/api"
)

func hubBackedUpCmd() *cobra.Command {
	var r reach
	var id repeat
	var in api.BackupRequest
	cmd := &cobra.Command{
		Use: "backed-up", Short: "Tell the boxes that a backup was put away", Args: cobra.NoArgs,
		Long: `Tells every box how far a backup goes that was put away from the district's servers,
documents included, and is kept for 90 days at least. The index is what kendro hub
export prints last for that backup. A box whose disk is full then lets go of documents
that lie in it; before, of none.`,
		Example: "  kendro hub backed-up --dir /var/lib/kendro/hub --index 48213 --until 2027-03-01",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return id.explain(r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: "/v1/backups", Key: id.key(), In: in}))
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	f := cmd.Flags()
	f.Uint64Var(&in.Index, "index", 0, "newest entry in the backup, as kendro hub export printed it")
	f.StringVar(&in.Until, "until", "", "day until which the backup is kept, such as 2027-03-01")
	require(cmd, "index", "until")
	return cmd
}
