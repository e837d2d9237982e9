package sim

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"kendro/domain/fault"
	"kendro/hub/register"
)

// A Plan says what is simulated.
type Plan struct {
	Seed  uint64
	Nodes int
	Days  int
	Trace io.Writer // Gets every line of the trace; nil gets none.

	lie bool // A planted fault: disks answer a sync that they did not do.
}

// Stats count what happened to one district.
type Stats struct {
	Receipts  int `json:"receipts"`
	Unknown   int `json:"unknown"` // Posts that got no answer.
	Refused   int `json:"refused"` // Posts while intake was closed.
	Entries   int `json:"entries"`
	Doubled   int `json:"doubled"` // Blocks proposed twice.
	Sessions  int `json:"sessions"`
	Messages  int `json:"messages"`
	Crashes   int `json:"crashes"`
	Leaders   int `json:"leader_changes"`
	Cuts      int `json:"cuts"`
	Tampered  int `json:"tampered"`
	Replayed  int `json:"replayed"`
	Rollbacks int `json:"rollbacks"`
	Clones    int `json:"clones"`

	Among
}

// Among counts what happened among neighbours and at desks.
type Among struct {
	Visits    int `json:"visits"`               // Sessions with neighbours.
	Dropped   int `json:"dropped"`              // Blocks that a neighbour said it holds, and threw away.
	Forged    int `json:"forged"`               // Words of servers that a neighbour made up.
	Slowest   int `json:"slowest_path_seconds"` // Of deliveries beside neighbours that drop everything.
	Acts      int `json:"acts"`                 // Of officers.
	Overtaken int `json:"overtaken"`            // Officers whose colleague was faster.
	Burnt     int `json:"burnt"`                // Boxes destroyed with records that only neighbours held.
}

// A Result is what became of one seed.
type Result struct {
	Seed       uint64   `json:"seed"`
	Trace      string   `json:"trace"` // Hash of the trace: the same seed gives the same.
	Violations []string `json:"violations,omitempty"`
	Tail       []string `json:"tail,omitempty"` // What happened before the first violation.
	Stats
}

// A world is one district in one seed.
type world struct {
	queue
	ctx      context.Context
	plan     Plan
	seed     uint64
	cast     *cast
	mood     mood
	group    *group
	machines []*machine
	oracle   *oracle
	offices  *offices
	stats    Stats
	wires    int
	rushed   []*end // Ends that have growth to tell.
	calm     bool   // The faults are over.
	trace
}

// A trace is what happened, in words.
type trace struct {
	hash       hash.Hash
	out        io.Writer
	last       []string
	next       int
	violations []string
	tail       []string
}

// tailLines are kept for whoever wants to know what came before a violation.
const tailLines = 60

// maxViolations ends a seed early: one is enough, and the next ones follow from it.
const maxViolations = 5

func (w *world) tracef(format string, args ...any) {
	line := fmt.Sprintf("%12.6f  ", w.now.Seconds()) + fmt.Sprintf(format, args...)
	_, _ = io.WriteString(w.hash, line+"\n") // A hash never fails to write.
	if w.out != nil {
		_, _ = fmt.Fprintln(w.out, line)
	}
	if len(w.last) < tailLines {
		w.last = append(w.last, line)
		return
	}
	w.last[w.next%tailLines] = line
	w.next++
}

// violated notes that something which has to be true is not.
func (w *world) violated(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.tracef("VIOLATION %s", text)
	if len(w.violations) == 0 {
		at := w.next % max(len(w.last), 1)
		w.tail = slices.Concat(w.last[at:], w.last[:at])
	}
	if len(w.violations) < maxViolations {
		w.violations = append(w.violations, text)
	}
}

// kind is what of a failure is the same in every run: its words may quote what was
// drawn at random.
func kind(err error) string {
	if err == nil {
		return "ok"
	}
	return fault.KindOf(err).Error()
}

// Run simulates one district and says what it came to. The error is a defect of
// the simulator itself.
func Run(p Plan) (Result, error) {
	c, err := newCast(p.Nodes)
	if err != nil {
		return Result{}, err
	}
	return run(p, c)
}

func run(p Plan, c *cast) (Result, error) {
	w := &world{
		ctx: context.Background(), plan: p, seed: p.Seed, cast: c,
		queue: queue{rand: rand.New(rand.NewPCG(p.Seed, 7))}, //nolint:gosec // Simulated.
		trace: trace{hash: sha256.New(), out: p.Trace},
	}
	w.mood = w.drawMood()
	if err := populate(w); err != nil {
		return Result{}, err
	}
	w.live()
	return Result{
		Seed: p.Seed, Trace: hex.EncodeToString(w.hash.Sum(nil)[:16]), Violations: w.violations, Tail: w.tail, Stats: w.stats,
	}, nil
}

// populate puts servers and boxes into the world.
func populate(w *world) (err error) {
	w.oracle, w.offices = newOracle(w), newOffices(w)
	if w.group, err = newGroup(w); err != nil {
		return err
	}
	for i := range w.cast.boxes {
		m := newMachine(w, i, &w.cast.boxes[i])
		m.disk.lie = w.plan.lie
		w.machines = append(w.machines, m)
	}
	return nil
}

// live runs the days, ends the faults, and judges.
func (w *world) live() {
	defer func() { leave(w, recover()) }()
	end := time.Duration(w.plan.Days) * 24 * time.Hour
	w.schedule(end)
	w.until(end)
	w.heal()
	w.rest("by its neighbours", w.oracle.reached)
	w.trial()
	w.reunite()
	if w.rest("after the last fault", w.oracle.settled) {
		w.oracle.judge()
		w.offices.judge(w.group.servers[0].reg)
	}
}

// leave ends the boxes. A register that could not apply an entry is a violation;
// whatever else broke goes on breaking.
func leave(w *world, broke any) {
	if broke != nil {
		d, ok := broke.(*register.Defect)
		if !ok {
			panic(broke)
		}
		w.violated("a committed entry cannot be applied: %v", d)
	}
	for _, m := range w.machines {
		if m.box != nil {
			_ = m.box.Close() // What it says no longer matters.
		}
	}
}

// rest lets time pass until there is nothing to say against the district, and no
// longer than twenty hours.
func (w *world) rest(when string, ready func() error) bool {
	for range 40 {
		w.until(w.now + 30*time.Minute)
		if len(w.violations) > 0 {
			return false
		}
		if ready() == nil {
			return true
		}
	}
	w.violated("convergence: twenty hours %s, and %v", when, ready())
	return false
}

// until lets time pass.
func (w *world) until(when time.Duration) {
	for len(w.violations) == 0 && w.step(when) {
		for len(w.rushed) > 0 {
			list := w.rushed
			w.rushed = nil
			slices.SortFunc(list, func(a, b *end) int { return cmp.Or(cmp.Compare(a.nr, b.nr), cmp.Compare(a.side, b.side)) })
			for _, e := range list {
				e.tell()
			}
		}
	}
}

func (w *world) anyForked() bool {
	return slices.ContainsFunc(w.machines, func(m *machine) bool { return m.forked })
}

// logger has a part's log in the trace that is printed. It is not part of what
// the hash covers: words may change.
func (w *world) logger(name string) *slog.Logger {
	if w.out == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(&lines{w: w, name: name})
}

// lines is a log handler.
type lines struct {
	slog.Handler
	w    *world
	name string
}

func (l *lines) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (l *lines) Handle(_ context.Context, r slog.Record) error {
	text := fmt.Sprintf("%12.6f  | %s: %s", l.w.now.Seconds(), l.name, r.Message)
	r.Attrs(func(a slog.Attr) bool {
		text += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		return true
	})
	_, err := fmt.Fprintln(l.w.out, text)
	return err
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
