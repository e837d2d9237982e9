package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"kendro/cmd/kendro/bench"
	"kendro/domain/fault"
	"kendro/protocol"
)

func catalogueDictionaryCmd() *cobra.Command {
	var name string
	var number uint32
	var events int
	cmd := &cobra.Command{
		Use: "dictionary", Short: "Train a zstd dictionary on the services of this binary", Args: cobra.NoArgs,
		Long: `Trains a dictionary for the compression of blocks on applications to the services of the
embedded country pack, drawn from seeds that no benchmark uses. The same build makes
the same bytes. A dictionary that was released never changes: a new one is committed
beside it as protocol/dictionary/NUMBER.zdict and gets a codec of its own.`,
		Example: "  kendro catalogue dictionary --number 2 --out protocol/dictionary/2.zdict",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := trained(number, events)
			if err != nil {
				return err
			}
			if err := os.WriteFile(name, d, 0o644); err != nil { //nolint:gosec // It is published with the program.
				return fault.Wrap("kendro", fault.Stopped, name, err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d bytes, trained on %d events\n", name, len(d), events)
			return printed(err)
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "out", "", "file to write")
	f.Uint32Var(&number, "number", 1, "number of the dictionary")
	f.IntVar(&events, "events", 4000, "events to train on")
	_ = cmd.MarkFlagRequired("out") // The flag is there.
	return cmd
}

func trained(number uint32, events int) ([]byte, error) {
	const most = 100_000
	if events < 1 || events > most {
		return nil, fault.New("kendro", fault.Invalid, "events", fmt.Sprintf("want 1 to %d", most))
	}
	list, err := bench.Training(events)
	if err != nil {
		return nil, err
	}
	return protocol.TrainDictionary(number, list)
}
