package main

import "github.com/spf13/cobra"

func hubCmd() *cobra.Command {
	return group("hub", "Run and look after the district office",
		hubInitCmd(), hubRunCmd(), hubStatusCmd(), hubMembersCmd(), hubRecoverCmd(), hubExportCmd(), hubBackedUpCmd(), hubCopiesGoneCmd(), hubKeyCmd())
}
