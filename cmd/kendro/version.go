package main

import (
	"runtime"

	"github.com/spf13/cobra"
)

func versionCmd() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use: "version", Short: "Say which Kendro this is", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
				OS      string `json:"os"`
				Arch    string `json:"arch"`
			}{version, runtime.Version(), runtime.GOOS, runtime.GOARCH}
			return out.print(cmd.OutOrStdout(), v, func() *table {
				return pairs("kendro", v.Version, "go", v.Go, "built for", v.OS+"/"+v.Arch)
			})
		},
	}
	out.flag(cmd)
	return cmd
}
