package main

import (
	"io"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/hub"
)

func hubRecoverCmd() *cobra.Command {
	var out output
	var dir, peers string
	var fromNodes bool
	var a anew
	cmd := &cobra.Command{
		Use: "recover", Short: "Bring back a group that has lost its majority, or all its servers, for good", Args: cobra.NoArgs,
		Long: `With --peers: makes a stopped server a member of the group that a file lists, and of no other, for
when most servers are lost for good. The folder is copied first. Run it on each
survivor with the same file, the one with the highest index first. The file is JSON:
[{"id": "s-...", "address": "10.0.0.5:7441", "non_voter": false}], with the IDs that
kendro hub members printed.

With --from-nodes: begins the district anew in an empty folder, after every server was
lost, from the recovery share that kendro hub init or kendro hub export --share wrote.
The boxes return with the certificates that they have, and send again all they hold:
receipts and numbers stay valid. Every server of before must stay off for good.`,
		Example: "  kendro hub recover --dir /var/lib/kendro/hub --peers peers.json\n" +
			"  kendro hub recover --dir /var/lib/kendro/hub --from-nodes --share recovery.share --passphrase-file passphrase",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if fromNodes {
				done, err := a.begin(dir)
				if err != nil {
					return err
				}
				return out.print(cmd.OutOrStdout(), done, done.table)
			}
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
	f.BoolVar(&fromNodes, "from-nodes", false, "begin the district anew, from its recovery share and its boxes")
	a.flags(cmd)
	require(cmd, "dir")
	cmd.MarkFlagsOneRequired("peers", "from-nodes")
	cmd.MarkFlagsMutuallyExclusive("peers", "from-nodes")
	return cmd
}

func hubExportCmd() *cobra.Command {
	var dir, share string
	var seal sealing
	cmd := &cobra.Command{
		Use: "export", Short: "Print the register of a stopped server, or of a copy", Args: cobra.NoArgs,
		Long: `Prints the register of a folder that no server has open, one line of JSON for each
application, sorted by number:
{"number", "log", "seq", "hash", "stage", "version"}
and last {"index", "digest"}, computed anew over everything. Equal index, equal
digest on every server.

With --share it writes the district's recovery share instead, and prints its passphrase.`,
		Example: "  kendro hub export --dir copy-of-hub\n  kendro hub export --dir copy-of-hub --share recovery.share",
		RunE: func(cmd *cobra.Command, _ []string) error {
			key, err := boxKey()
			if err != nil {
				return err
			}
			folder := hub.Folder{Dir: dir, BoxKey: key}
			if share == "" {
				return folder.Export(cmd.Context(), cmd.OutOrStdout())
			}
			phrase, err := writeShare(folder, share, &seal)
			if err != nil {
				return err
			}
			if phrase != "" {
				phrase += "\n"
			}
			_, err = io.WriteString(cmd.OutOrStdout(), phrase)
			return fault.Wrap("kendro", fault.Stopped, "output", err)
		},
	}
	seal.flags(cmd)
	cmd.Flags().StringVar(&share, "share", "", "new file for the district's recovery share")
	cmd.Flags().StringVar(&dir, "dir", "", "folder of a server that doesn't run, or a copy")
	require(cmd, "dir")
	return cmd
}
