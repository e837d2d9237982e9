package hub

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/replication/link"
)

// How long a server tries before it says that it doesn't know.
const (
	askFor   = 10 * time.Second // A command, through changes of the leader …
	lookFor  = 50 * time.Second // … and one for which the leader reads the whole register.
	freshFor = 2 * time.Second  // An answer as new as the leader's.
	attempt  = 5 * time.Second  // One call to one server.
	nudge    = 50 * time.Millisecond
)

type proposeAnswer struct {
	Index  uint64          `cbor:"1,keyasint"`
	Result register.Result `cbor:"2,keyasint"`
}

type indexAnswer struct {
	Index uint64 `cbor:"1,keyasint"`
}

// A group is this server's part in the group: it knows who leads, proposes while
// this server does, and asks the leader otherwise. It is safe for concurrent use.
type group struct {
	id       string // Of this server.
	register func() *register.Register
	endpoint *link.Endpoint
	raft     *raft.Raft
	proposer *proposer
	book     *addressBook
	progress *progress
	newest   *shared
	changes  changes
	levels   levels
	judged   func(context.Context, *register.Command) error // Has a command that hangs on more than the register judged before this leader proposes it.
	fatal    *fatal
	log      *slog.Logger
}

// leads reports whether this server is the leader.
func (g *group) leads() bool { return g.raft.State() == raft.Leader }

// leader returns the leader's ID and address, empty while nobody leads.
func (g *group) leader() (id, address string) {
	a, lid := g.raft.LeaderWithID()
	if lid == "" {
		return "", ""
	}
	if known := g.book.address(string(lid)); known != "" {
		return string(lid), known
	}
	return string(lid), string(a)
}

// knownAddress is where a server listens, as the register has it.
func (g *group) knownAddress(id string) string {
	if s, ok := g.register().Server(id); ok && s.RemovedAt == 0 {
		return s.Address
	}
	return ""
}

// Do asks the group for one change, whichever server leads, and returns its
// answer, which by then this server has applied. The error is the answer's fault;
// then the answer may still have a body, such as a register.Difference.
//
// Without an answer it is [fault.Unavailable]: the change may have happened or
// not; the same command may be sent again, here or elsewhere, and happens once.
func (h *Hub) Do(ctx context.Context, cmd register.Command) (register.Result, error) {
	return h.group.do(ctx, cmd)
}

func (g *group) do(ctx context.Context, cmd register.Command) (register.Result, error) {
	if !slices.Contains(register.Methods(), cmd.Method) {
		return register.Result{}, fault.New("hub.Do", fault.Invalid, string(cmd.Method), "no such command")
	}
	if !utf8.ValidString(cmd.ID) || !utf8.ValidString(cmd.Actor) { // An entry with it could be read by no server.
		return register.Result{}, fault.New("hub.Do", fault.Invalid, string(cmd.Method), "the ID and the login have to be UTF-8")
	}
	wait, _ := patience(cmd.Method)
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if res, ok := g.register().Answer(&cmd); ok {
		return plain(res), failure(res.Fault)
	}
	var out proposeAnswer
	err := g.persist(ctx, func(ctx context.Context) (err error) {
		out, err = g.proposeAnywhere(ctx, cmd)
		return err
	})
	if err != nil {
		return register.Result{}, err
	}
	g.progress.wait(ctx, out.Index)
	return plain(out.Result), failure(out.Result.Fault)
}

// plain takes away the null that stands for no body in what was encoded.
func plain(r register.Result) register.Result {
	if len(r.Body) == 1 && r.Body[0] == null[0] {
		r.Body = nil
	}
	return r
}

// failure is a typed nil's cure.
func failure(f *protocol.Failure) error {
	if f == nil {
		return nil
	}
	return f.Err()
}

// persist repeats fn while it fails as unknown and ctx allows.
func (g *group) persist(ctx context.Context, fn func(context.Context) error) error {
	for {
		err := fn(ctx)
		if err == nil || !errors.Is(err, fault.Unavailable) {
			return err
		}
		select {
		case <-time.After(nudge):
		case <-ctx.Done():
			return err
		case <-g.fatal.happened:
			return err
		}
	}
}

func (g *group) proposeAnywhere(ctx context.Context, cmd register.Command) (proposeAnswer, error) {
	if g.leads() {
		return g.propose(ctx, cmd)
	}
	var out proposeAnswer
	_, once := patience(cmd.Method)
	err := g.askLeaderFor(ctx, once, callPropose, &cmd, &out)
	return out, err
}

// patience is how long a command is tried, and how long once.
func patience(m register.Method) (all, once time.Duration) {
	if m == register.ConfirmErasure {
		return lookFor, lookFor
	}
	return askFor, attempt
}

// propose proposes as the leader and waits for the answer.
func (g *group) propose(ctx context.Context, cmd register.Command) (proposeAnswer, error) {
	switch cmd.Method { //nolint:exhaustive // The others hang on the register alone.
	case register.Enter, register.EndMatter, register.ConfirmErasure:
		if err := g.level(ctx); err != nil { // As for a block: it would be judged by an older release.
			return proposeAnswer{}, err
		}
		if err := g.judged(ctx, &cmd); err != nil {
			return proposeAnswer{}, err
		}
	}
	answers := make(chan proposed, 1)
	err := g.proposer.propose(ctx, &proposal{command: &cmd, done: func(p proposed) { answers <- p }})
	if err != nil {
		return proposeAnswer{}, err
	}
	select {
	case p := <-answers:
		return proposeAnswer{Index: p.index, Result: p.result}, p.err
	case <-ctx.Done():
		return proposeAnswer{}, fault.Wrap("hub.Do", fault.Unavailable, string(cmd.Method), ctx.Err())
	}
}

// askLeader makes one call to the leader.
func (g *group) askLeader(ctx context.Context, method string, in, out any) error {
	return g.askLeaderFor(ctx, attempt, method, in, out)
}

func (g *group) askLeaderFor(ctx context.Context, wait time.Duration, method string, in, out any) error {
	_, address := g.leader()
	if address == "" || g.leads() {
		return fault.New("hub.askLeader", fault.Unavailable, method, "no server leads now: try again")
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	defer g.changes.watch(cancel)()
	return g.call(ctx, address, method, in, out)
}

// changes ends what waits for a leader when another one leads. It may be used
// concurrently.
type changes struct {
	mu      sync.Mutex // Guards waiting.
	waiting map[*context.CancelFunc]struct{}
}

// watch has cancel called at the next change, until the returned function is
// called.
func (c *changes) watch(cancel context.CancelFunc) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.waiting = map[*context.CancelFunc]struct{}{}
	}
	c.waiting[&cancel] = struct{}{}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, &cancel)
	}
}

func (c *changes) happen() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for cancel := range c.waiting {
		(*cancel)()
	}
	clear(c.waiting)
}

// follow tells sessions and callers of every change of the leader.
func (g *group) follow(ctx context.Context, told func(address string)) {
	seen := make(chan raft.Observation, 16)
	o := raft.NewObserver(seen, false, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	g.raft.RegisterObserver(o)
	defer g.raft.DeregisterObserver(o)
	for {
		select {
		case <-ctx.Done():
			return
		case <-seen:
			_, address := g.leader()
			told(address)
			g.changes.happen()
		}
	}
}

// Fresh waits, two seconds at most, until this server has applied what the leader
// had applied when it was asked. It returns the time of the newest entry applied
// here; behind says that the leader did not answer or this server didn't keep up.
func (h *Hub) Fresh(ctx context.Context) (asOf time.Time, behind bool) {
	ctx, cancel := context.WithTimeout(ctx, freshFor)
	defer cancel()
	index, err := h.group.newest.ask(ctx, h.group.leaderIndex)
	behind = err != nil || !h.progress.wait(ctx, index)
	return time.UnixMilli(h.Register().At()), behind
}

// leaderIndex returns the newest entry that the leader has applied, and that it
// still leads.
func (g *group) leaderIndex(ctx context.Context) (uint64, error) {
	if g.leads() {
		return g.leadingIndex(ctx)
	}
	var out indexAnswer
	err := g.askLeader(ctx, callIndex, nil, &out)
	return out.Index, err
}

func (g *group) leadingIndex(ctx context.Context) (uint64, error) {
	if err := g.level(ctx); err != nil {
		return 0, err
	}
	index := g.register().Applied()
	if err := g.raft.VerifyLeader().Error(); err != nil {
		return 0, &fault.Error{Op: "hub.Fresh", Kind: fault.Unavailable, Err: err}
	}
	return index, nil
}

// levels remembers in which term this leader's register was level.
type levels struct {
	turn chan struct{} // Whoever finds out holds it. No mutex: others wait here only as long as they wish.
	term atomic.Uint64 // The newest in which it was.
}

// level returns when this leader's register has every entry that was committed
// before its term. Until then a server that was just elected, or started, knows
// less than others have answered for. [fault.Unavailable]: it does not lead.
func (g *group) level(ctx context.Context) error {
	const op = "hub.level"
	if g.levels.term.Load() == g.raft.CurrentTerm() {
		return nil
	}
	select {
	case g.levels.turn <- struct{}{}:
		defer func() { <-g.levels.turn }()
	case <-ctx.Done():
		return &fault.Error{Op: op, Kind: fault.Unavailable, Err: ctx.Err()}
	}
	term := g.raft.CurrentTerm()
	if g.levels.term.Load() == term {
		return nil
	}
	ended := make(chan error, 1)
	go func() { ended <- g.raft.Barrier(freshFor).Error() }()
	select {
	case err := <-ended:
		if err != nil {
			return &fault.Error{Op: op, Kind: fault.Unavailable, Err: err}
		}
	case <-ctx.Done():
		return &fault.Error{Op: op, Kind: fault.Unavailable, Err: ctx.Err()}
	case <-g.fatal.happened: // Raft may leave it unanswered then.
		return fault.New(op, fault.Unavailable, "", "this server is closing: ask another")
	}
	g.levels.term.Store(term)
	return nil
}

// A shared call answers everybody who asked before it began. It may be used
// concurrently.
type shared struct {
	turn chan struct{} // Holds a token while no call is under way.
	next chan *sharedCall
}

type sharedCall struct {
	done  chan struct{}
	index uint64
	err   error
}

func newShared() *shared {
	s := &shared{turn: make(chan struct{}, 1), next: make(chan *sharedCall, 1)}
	s.turn <- struct{}{}
	s.next <- &sharedCall{done: make(chan struct{})}
	return s
}

// ask joins the next call to begin, and makes it when it is its turn.
func (s *shared) ask(ctx context.Context, fn func(context.Context) (uint64, error)) (uint64, error) {
	c := <-s.next
	s.next <- c
	select {
	case <-c.done:
		return c.index, c.err
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-s.turn:
	}
	defer func() { s.turn <- struct{}{} }()
	select {
	case <-c.done: // Made by another while we waited.
		return c.index, c.err
	default:
	}
	<-s.next
	s.next <- &sharedCall{done: make(chan struct{})} // Whoever asks from now on joins the one after.
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), freshFor)
	defer cancel()
	c.index, c.err = fn(own)
	close(c.done)
	return c.index, c.err
}

// handOver passes leadership on before a planned stop, so that the others need
// not miss this server first.
func (g *group) handOver() {
	if g.raft.State() != raft.Leader || len(g.raft.GetConfiguration().Configuration().Servers) < 2 {
		return
	}
	if err := g.raft.LeadershipTransfer().Error(); err != nil {
		g.log.Info("leadership could not be handed over", "err", err)
	}
}
