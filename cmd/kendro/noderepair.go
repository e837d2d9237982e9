package main

import (
	"errors"

	"github.com/spf13/cobra"

	"kendro/node"
)

func nodeRepairCmd() *cobra.Command {
	var out output
	var dir string
	var acceptLoss bool
	cmd := &cobra.Command{
		Use: "repair", Short: "Mend what can be mended in the folder of a stopped node", Args: cobra.NoArgs,
		Long: `Reads every record of a node that doesn't run, and mends what it can: journal/in is
put together from what can be read, and the hub sends the rest; a damaged index is
set aside and built again at the next start. What it replaces stays beside it.
Damaged records of journal/own that the hub has signed for come back from it; a start
does the same by itself. Those that no hub has signed for are in no other place on
this box, unless a neighbour keeps a copy: they are named, nothing is changed there,
and the command ends with 65. Put the records back from a copy of the disk; where
there is none, --accept-loss lets the box go on with all others.`,
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
			list, failure := node.Repair(cmd.Context(), dir, key, acceptLoss, l.logger(cmd.ErrOrStderr()))
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
	cmd.Flags().BoolVar(&acceptLoss, "accept-loss", false, "go on without damaged records that no hub has signed for")
	require(cmd, "dir")
	return cmd
}
