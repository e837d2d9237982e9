package main

import (
	"github.com/spf13/cobra"

	"kendro/hub"
)

func hubRecoverCmd() *cobra.Command {
	var out output
	var dir, peers string
	cmd := &cobra.Command{
		Use: "recover", Short: "Bring back a group that has lost its majority for good", Args: cobra.NoArgs,
		Long: `Makes a stopped server a member of the group that a file lists, and of no other, for
when most servers are lost for good. The folder is copied first. Run it on each
survivor with the same file, the one with the highest index first. The file is JSON:
[{"id": "s-...", "address": "10.0.0.5:7441", "non_voter": false}], with the IDs that
kendro hub members printed.`,
		Example: "  kendro hub recover --dir /var/lib/kendro/hub --peers peers.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := readFile(peers, maxLine)
			if err != nil {
				return err
			}
			key, err := boxKey()
			if err != nil {
				return err
			}
			backup, err := hub.Folder{Dir: dir, BoxKey: key}.Recover(list)
			if err != nil {
				return err
			}
			done := struct {
				Dir    string `json:"dir"`
				Backup string `json:"backup"`
			}{dir, backup}
			return out.print(cmd.OutOrStdout(), done, func() *table { return pairs("recovered", dir, "copy from before", backup) })
		},
	}
	out.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&dir, "dir", "", "folder of the server, which must not run")
	f.StringVar(&peers, "peers", "", "file with the servers of the new group (JSON)")
	require(cmd, "dir", "peers")
	return cmd
}

func hubExportCmd() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "export", Short: "Print the register of a stopped server, or of a copy", Args: cobra.NoArgs,
		Long: `Prints the register of a folder that no server has open, one line of JSON for each
application, sorted by number:
{"number", "log", "seq", "hash", "stage", "version"}
and last {"index", "digest"}, computed anew over everything. Equal index, equal
digest on every server.`,
		Example: "  kendro hub export --dir copy-of-hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := boxKey()
			if err != nil {
				return err
			}
			return hub.Folder{Dir: dir, BoxKey: key}.Export(cmd.Context(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "folder of a server that doesn't run, or a copy")
	require(cmd, "dir")
	return cmd
}
