package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
)

// How a check ended.
const (
	fine  = "ok"
	warns = "warning" // Works, and somebody should know.
	bad   = "bad"     // Doesn't work, or soon won't.
)

// A diagnosis is the outcome of one check: what is so and what to do about it.
type diagnosis struct {
	Check string `json:"check"`
	State string `json:"state"`
	Found string `json:"found"`
	Do    string `json:"do,omitempty"`
}

func doctorCmd() *cobra.Command {
	var out output
	var dir string
	cmd := &cobra.Command{
		Use: "doctor", Short: "Say what is wrong and what to do", Args: cobra.NoArgs,
		Long: `Looks at this machine and, with --dir, at the folder of a node or a hub: who may
read the keys, what the box key does and does not stop, free space, the clock, UDP
buffers, certificates, and what the running daemon says of itself. It changes
nothing. It ends with 70 if a check is bad.`,
		Example: "  kendro doctor --dir /var/lib/kendro/node",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := examine(cmd.Context(), dir, time.Now())
			if err := out.print(cmd.OutOrStdout(), list, func() *table { return diagnosesTable(list) }); err != nil {
				return err
			}
			n := 0
			for _, d := range list {
				if d.State == bad {
					n++
				}
			}
			if n > 0 {
				return fault.New("kendro.doctor", fault.Internal, "", fmt.Sprintf("%d checks are bad", n))
			}
			return nil
		},
	}
	out.flag(cmd)
	cmd.Flags().StringVar(&dir, "dir", "", "folder of a node or a hub on this machine")
	return cmd
}

// examine runs every check that applies.
func examine(ctx context.Context, dir string, now time.Time) []diagnosis {
	list := []diagnosis{udpBuffers(), clock()}
	if dir == "" {
		return list
	}
	list = append(list, disk(dir), room(dir), closed(dir), boxKeyCheck(dir), certificates(dir, now))
	return append(list, running(ctx, dir)...)
}

func diagnosesTable(list []diagnosis) *table {
	t := columns("CHECK", "STATE", "FOUND")
	for _, d := range list {
		t.add(d.Check, d.State, d.Found)
		if d.Do != "" {
			t.add("", "", "→ "+d.Do)
		}
	}
	return t
}
