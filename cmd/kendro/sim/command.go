package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
)

// options are the flags of kendro sim district.
type options struct {
	seeds, days, nodes, workers int
	failures                    int
	seed                        uint64
	output                      string
	trace                       bool
}

// Command returns kendro sim.
func Command() *cobra.Command {
	cmd := &cobra.Command{
		Use: "sim", Short: "Simulate a district, with everything that can go wrong", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			if err := cmd.Help(); err != nil {
				return err
			}
			return fault.New("kendro sim", fault.Invalid, "sim", "say what: district or day")
		},
	}
	cmd.AddCommand(districtCmd(), dayCmd())
	return cmd
}

func districtCmd() *cobra.Command {
	o := options{seeds: 100, days: 7, nodes: 8, workers: min(runtime.NumCPU(), 8), output: "table", failures: 10}
	cmd := &cobra.Command{
		Use: "district", Short: "Days of one district for each seed, judged in the end", Args: cobra.NoArgs,
		Long: `Simulates a district for some days and judges it, once for each seed. The boxes,
their journals, the sync sessions, the leader's judgement and the register are those
that ship; the disk, the links, the order that Raft gives and the clocks are
simulated, and so is what goes wrong with them. docs/simulator.md says what must
hold in the end.

A seed that fails prints what was violated, what came before, and the line that
replays it. The exit status is then 70.`,
		Example: "  kendro sim district --seeds 500\n  kendro sim district --seed 42 --trace",
		RunE: func(cmd *cobra.Command, _ []string) error {
			single := cmd.Flags().Changed("seed")
			if single && !cmd.Flags().Changed("seeds") {
				o.seeds = 1
			}
			return districts(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.seeds, "seeds", o.seeds, "how many seeds")
	f.Uint64Var(&o.seed, "seed", 1, "the first seed; alone: the only one")
	f.IntVar(&o.days, "days", o.days, "simulated days before the faults end")
	f.IntVar(&o.nodes, "nodes", o.nodes, "boxes")
	f.IntVar(&o.workers, "workers", o.workers, "seeds that are simulated at once")
	f.IntVar(&o.failures, "failures", o.failures, "end after so many seeds that failed")
	f.BoolVar(&o.trace, "trace", false, "print everything that happens, of one seed")
	f.StringVar(&o.output, "output", o.output, "table or json")
	return cmd
}

func (o *options) check() error {
	bad := func(flag, want string) error { return fault.New("kendro sim district", fault.Invalid, "--"+flag, want) }
	switch {
	case o.seeds < 1 || o.seeds > 1_000_000:
		return bad("seeds", "want 1 to 1,000,000")
	case o.days < 1 || o.days > 365:
		return bad("days", "want 1 to 365")
	case o.workers < 1 || o.workers > 256:
		return bad("workers", "want 1 to 256")
	case o.failures < 1:
		return bad("failures", "want 1 or more")
	case o.output != "table" && o.output != "json":
		return bad("output", "want table or json")
	case o.trace && o.seeds != 1:
		return bad("trace", "want one seed: give --seed and no --seeds")
	}
	return nil
}

// summary is what many seeds came to.
type summary struct {
	Seeds      int      `json:"seeds"`
	Days       int      `json:"days"`
	Nodes      int      `json:"nodes"`
	Workers    int      `json:"workers"`
	Seconds    float64  `json:"seconds"`
	PerMinute  float64  `json:"seeds_per_minute"`
	Violations int      `json:"violations"`
	Failed     []Result `json:"failed"`
	Stats
}

func districts(ctx context.Context, out, errOut io.Writer, o options) error {
	if err := o.check(); err != nil {
		return err
	}
	debug.SetGCPercent(400) // A seed lives for a second: collect less, and use 200 MB more.
	c, err := newCast(o.nodes)
	if err != nil {
		return err
	}
	plans := make([]Plan, o.seeds)
	for i := range plans {
		plans[i] = Plan{Seed: o.seed + uint64(i), Nodes: o.nodes, Days: o.days}
		if o.trace {
			plans[i].Trace = errOut
		}
	}
	began := time.Now()
	s := summary{Days: o.days, Nodes: o.nodes, Workers: o.workers, Failed: []Result{}}
	err = many(ctx, c, plans, o.workers, func(r Result) bool {
		s.Seeds++
		s.add(&r.Stats)
		if len(r.Violations) > 0 {
			s.Violations += len(r.Violations)
			s.Failed = append(s.Failed, r)
			complain(errOut, &r, &o)
		}
		return len(s.Failed) < o.failures
	})
	if err != nil {
		return fault.Wrap("kendro sim district", fault.Unavailable, "seeds", err)
	}
	s.Seconds = time.Since(began).Seconds()
	s.PerMinute = float64(s.Seeds) / s.Seconds * 60
	if err := s.print(out, o.output); err != nil {
		return fault.Wrap("kendro sim district", fault.Stopped, "output", err)
	}
	if len(s.Failed) > 0 {
		return fault.New("kendro sim district", fault.Internal, fmt.Sprintf("%d of %d seeds", len(s.Failed), s.Seeds), "something that must hold did not; the lines above replay it")
	}
	return nil
}

// complain tells of a seed that failed.
func complain(w io.Writer, r *Result, o *options) {
	var b strings.Builder
	for _, line := range r.Tail {
		fmt.Fprintln(&b, line)
	}
	for _, v := range r.Violations {
		fmt.Fprintf(&b, "seed %d: %s\n", r.Seed, v)
	}
	fmt.Fprintf(&b, "replay: kendro sim district --seed %d --days %d --nodes %d --trace\n\n", r.Seed, o.days, o.nodes)
	_, _ = io.WriteString(w, b.String()) // Whoever can't be told reads the exit status.
}

func (s *summary) print(w io.Writer, output string) error {
	if output == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(s)
	}
	_, err := fmt.Fprintf(w, `seeds                %d × %d days, %d boxes
violations           %d
seeds a minute       %.0f (%d workers, %.1f s)
receipts printed     %d
posts without answer %d, while closed %d
sessions             %d, %d messages
link cuts            %d
power cuts and kills %d
leader changes       %d, %d blocks proposed twice, %d entries
tampered, replayed   %d, %d
set back, cloned     %d, %d
neighbours' sessions %d, %d blocks dropped, %d words of servers made up
boxes destroyed      %d
slowest other path   %d s
officers' acts       %d, %d were overtaken
`, s.Seeds, s.Days, s.Nodes, s.Violations, s.PerMinute, s.Workers, s.Seconds, s.Receipts, s.Unknown, s.Refused, s.Sessions, s.Messages,
		s.Cuts, s.Crashes, s.Leaders, s.Doubled, s.Entries, s.Tampered, s.Replayed, s.Rollbacks, s.Clones,
		s.Visits, s.Dropped, s.Forged, s.Burnt, s.Slowest, s.Acts, s.Overtaken)
	return err
}

func (s *Stats) add(o *Stats) {
	s.Receipts += o.Receipts
	s.Unknown += o.Unknown
	s.Refused += o.Refused
	s.Entries += o.Entries
	s.Doubled += o.Doubled
	s.Sessions += o.Sessions
	s.Messages += o.Messages
	s.Crashes += o.Crashes
	s.Leaders += o.Leaders
	s.Cuts += o.Cuts
	s.Tampered += o.Tampered
	s.Replayed += o.Replayed
	s.Rollbacks += o.Rollbacks
	s.Clones += o.Clones
	s.Visits += o.Visits
	s.Dropped += o.Dropped
	s.Forged += o.Forged
	s.Burnt += o.Burnt
	s.Slowest = max(s.Slowest, o.Slowest)
	s.Acts += o.Acts
	s.Overtaken += o.Overtaken
}
