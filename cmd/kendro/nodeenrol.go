package main

import (
	"time"

	"github.com/spf13/cobra"

	"kendro/node"
	"kendro/protocol"
)

func nodeEnrolCmd() *cobra.Command {
	var out output
	var dir, token string
	o := node.EnrolOptions{Clock: time.Now}
	cmd := &cobra.Command{
		Use: "enrol", Short: "Make this machine the box of a centre", Args: cobra.NoArgs,
		Long: `Draws the box's keys in --dir and lets a server of the district certify them. The
token comes from kendro token create --centre. Should the answer be lost, the same
call again gets it; a folder that is enrolled already is left as it is, unless its
certificates have ended: then a new token has them issued again. A new box of a
centre gets back from the hub what the boxes before it had filed.`,
		Example: "  kendro node enrol --dir /var/lib/kendro/node --token TOKEN",
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := protocol.ParseJoinToken(token)
			if err != nil {
				return err
			}
			l := logFormat{format: "text"}
			o.Logger = l.logger(cmd.ErrOrStderr())
			done, err := node.Enrol(cmd.Context(), dir, t, o)
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), done, func() *table {
				return pairs("centre", done.Centre, "slot", done.Slot, "enrolled before", yesNo(done.Already))
			})
		},
	}
	out.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&dir, "dir", "", "folder of the node, made where it is missing")
	f.StringVar(&token, "token", "", "what kendro token create printed")
	f.StringVar(&o.Gossip, "gossip", "", "address at which neighbours will reach the box (default: none)")
	f.StringVar(&o.HTTP, "http", "", "address of the box's pages, for the hub's list (default: none)")
	require(cmd, "dir", "token")
	return cmd
}
