package main

import (
	"errors"

	"github.com/spf13/cobra"

	"kendro/node"
)

func nodeRepairCmd() *cobra.Command {
	var out output
	var dir string
	cmd := &cobra.Command{
		Use: "repair", Short: "Mend what can be mended in the folder of a stopped node", Args: cobra.NoArgs,
		Long: `Reads every record of a node that doesn't run, and mends what it can: journal/in is
put together from what can be read, and the hub sends the rest; a damaged index is
set aside and built again at the next start. What it replaces stays beside it. A
damaged record of journal/own is in no other place on this box: it is named, the
readable ones are copied, nothing is changed, and the command ends with 65.`,
		Example: "  kendro node repair --dir /var/lib/kendro/node",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := folder(dir); err != nil {
				return err
			}
			key, err := boxKey()
			if err != nil {
				return err
			}
			l := logFormat{format: "text"}
			list, failure := node.Repair(cmd.Context(), dir, key, l.logger(cmd.ErrOrStderr()))
			if len(list) == 0 {
				return failure
			}
			err = out.print(cmd.OutOrStdout(), list, func() *table {
				t := columns("PART", "STATE", "")
				for _, f := range list {
					t.add(f.Part, f.State)
					for _, text := range append(f.Found, f.Did...) {
						t.add("", "", text)
					}
					if f.Kept != "" {
						t.add("", "", "kept in "+f.Kept)
					}
				}
				return t
			})
			return errors.Join(failure, err)
		},
	}
	out.flag(cmd)
	cmd.Flags().StringVar(&dir, "dir", "", "folder of a node that isn't running")
	require(cmd, "dir")
	return cmd
}
