// Command kendro runs and looks after Kendro: the boxes in the centres, the
// hubs of the districts, and everything that an operator does with them.
//
// Each command stands in a file of its own; [root] lists them. A command parses
// its flags and calls a plain function that takes a context and a writer.
// Results go to standard output, everything else to standard error; the exit
// status says what the caller may do next (sysexits, see [exitCode]).
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // A box has no time zone files; offices keep Dhaka time.

	"github.com/spf13/cobra"

	"kendro/cmd/kendro/bench"
	"kendro/cmd/kendro/demo"
	"kendro/cmd/kendro/sim"
	"kendro/domain/fault"
)

// version is what the Makefile stamps.
var version = "unversioned"

func main() { os.Exit(run()) }

// run lives apart from main so that its deferred calls happen before the exit.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once. One that comes within a second is the
	// same wish, sent to the process and to its group.
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) })
	err := root().ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "kendro:", message(err))
	return exitCode(err)
}

// exitCode tells scripts what to do about a failure, in the numbers of
// sysexits.h. What fails before a command's own work has begun is a mistyped
// call.
func exitCode(err error) int {
	if _, ok := errors.AsType[*failed](err); !ok {
		return 64
	}
	switch fault.KindOf(err) {
	case fault.Invalid:
		return 64
	case fault.Damaged:
		return 65
	case fault.NotFound:
		return 66
	case fault.Stopped:
		return 74
	case fault.Conflict, fault.Unavailable, fault.Limited:
		return 75
	case fault.Denied:
		return 77
	case fault.Internal:
	}
	return 70
}

// failed is a failure of a command's own work.
type failed struct{ error }

func (f *failed) Unwrap() error { return f.error }

// root lists the commands.
func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "kendro",
		Short:         "Take applications with no network, and lose none",
		Args:          cobra.NoArgs,
		SilenceUsage:  true, // A failed call is no reason to print the manual.
		SilenceErrors: true, // main prints the error, once.
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.CompletionOptions.HiddenDefaultCmd = true
	cmd.AddCommand(
		hubCmd(), nodeCmd(), tokenCmd(), userCmd(), leaseCmd(),
		loginCmd(), applyCmd(), importCmd(), trackCmd(), verifyCmd(), deskCmd(), caseCmd(), catalogueCmd(), bundleCmd(),
		demo.Command(), bench.Command(), sim.Command(), auditCmd(), doctorCmd(), versionCmd(),
	)
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w (%s --help shows how)", err, cmd.CommandPath())
	})
	mark(cmd)
	return cmd
}

// mark makes the failures of every command's own work known as such.
func mark(cmd *cobra.Command) {
	if work := cmd.RunE; work != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if err := work(cmd, args); err != nil {
				return &failed{err}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		mark(sub)
	}
}

// group returns a command that only holds others: called alone it is mistyped.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			if err := cmd.Help(); err != nil {
				return err
			}
			return fault.New("kendro", fault.Invalid, cmd.Name(), "say which command")
		},
	}
	cmd.AddCommand(subs...)
	return cmd
}
