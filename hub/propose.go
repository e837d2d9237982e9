package hub

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
)

// How proposals are gathered.
const (
	slots          = 2    // Entries in flight.
	maxWaiting     = 1024 // Proposals that wait; beyond, callers do.
	maxBatchSealed = register.MaxEntrySealed
	maxBatchPlain  = register.MaxEntryPlain
	maxBatchEvents = register.MaxEntryEvents
	maxBatchBytes  = register.MaxEntry - 16<<10
	maxBatchParts  = register.MaxEntryCommands
	checkEvery     = 1000 // Entries between two comparisons of digests.
)

// A proposal is one block or one command on its way into an entry. done is called
// once, with the index at which it was applied here, or with an error that is
// unknown in outcome.
type proposal struct {
	ingest  *register.Ingest
	epoch   *protocol.Epoch // Travels in front of the block, if the register lacks it.
	plain   int             // Bytes of the block's events.
	command *register.Command
	done    func(proposed)
}

// proposed is what became of a proposal.
type proposed struct {
	index  uint64
	ingest register.IngestResult
	result register.Result
	err    error
}

// size is what the proposal takes in an entry, and a little more: what is reckoned too short
// would have everything else in its entry refused with it.
func (p *proposal) size() int {
	n := 64
	if p.ingest != nil {
		n += sizeOf(p.ingest)
	}
	if p.epoch != nil {
		n += len(protocol.Marshal(p.epoch))
	}
	if p.command != nil {
		n += 512 + len(p.command.Body)
	}
	return n
}

// sizeOf is what a block takes in an entry, with what the leader found of it.
func sizeOf(in *register.Ingest) int {
	rest := *in
	rest.Block.Body = nil
	return len(in.Block.Body) + len(protocol.Marshal(&rest)) + 8
}

// A proposer gathers proposals into Raft entries. It proposes at once when a slot
// of the pipeline is free, and otherwise gathers until one is; there is no timer.
type proposer struct {
	raft  func(entry []byte) raft.ApplyFuture
	state func() (index uint64, digest protocol.Hash)
	clock func() time.Time

	queue  chan *proposal
	free   chan struct{} // Slots of the pipeline.
	flight chan flight
	quit   chan struct{} // Closed by close.
	enters sync.RWMutex  // Read by whoever puts something into the queue; close waits for them.
	dead   chan struct{} // Closed by abandon.
	ending sync.Once
	dying  sync.Once
	wg     sync.WaitGroup
	marked uint64 // Index of the last checkpoint; owned by gather.
}

// flight is one entry that was proposed.
type flight struct {
	future raft.ApplyFuture
	parts  []*proposal
}

func newProposer(apply func([]byte) raft.ApplyFuture, state func() (uint64, protocol.Hash), clock func() time.Time) *proposer {
	p := &proposer{
		raft: apply, state: state, clock: clock,
		queue: make(chan *proposal, maxWaiting), free: make(chan struct{}, slots),
		flight: make(chan flight, slots), quit: make(chan struct{}), dead: make(chan struct{}),
	}
	for range slots {
		p.free <- struct{}{}
	}
	p.wg.Go(p.gather)
	p.wg.Go(p.land)
	return p
}

// propose hands a proposal over; it may wait for room. A failure means that it
// was not proposed, and done will not be called.
func (p *proposer) propose(ctx context.Context, x *proposal) error {
	p.enters.RLock()
	defer p.enters.RUnlock()
	select {
	case <-p.quit:
		return errClosing
	default:
	}
	select {
	case p.queue <- x:
		return nil
	case <-ctx.Done():
		return fault.Wrap("hub.propose", fault.Unavailable, "", ctx.Err())
	case <-p.quit:
		return errClosing
	}
}

var errClosing = fault.New("hub.propose", fault.Unavailable, "", "this server is closing: ask another")

// inFlight says how many entries are on their way.
func (p *proposer) inFlight() int { return slots - len(p.free) }

// abandon gives up what is in flight: Raft won't answer any more.
func (p *proposer) abandon() { p.dying.Do(func() { close(p.dead) }) }

// close stops proposing, waits for what is in flight, and answers whoever still
// waits.
func (p *proposer) close() {
	p.ending.Do(func() { close(p.quit) })
	p.wg.Wait()
	for _, x := range p.leftOver() {
		x.done(proposed{err: errClosing})
	}
}

// leftOver empties the queue. Whoever comes after it finds the proposer closed.
func (p *proposer) leftOver() (list []*proposal) {
	p.enters.Lock()
	defer p.enters.Unlock()
	for len(p.queue) > 0 {
		list = append(list, <-p.queue)
	}
	return list
}

// batch is an entry in the making.
type batch struct {
	parts  []*proposal
	bytes  int
	sealed int
	plain  int
	events int
}

// takes adds a proposal, or reports that it doesn't fit any more.
func (b *batch) takes(x *proposal) bool {
	size, sealed, events := x.size(), 0, 0
	if x.ingest != nil {
		sealed, events = len(x.ingest.Block.Body), x.ingest.Block.Header.Count()
	}
	full := b.bytes+size > maxBatchBytes || b.sealed+sealed > maxBatchSealed || b.plain+x.plain > maxBatchPlain ||
		b.events+events > maxBatchEvents || len(b.parts) >= maxBatchParts
	if len(b.parts) > 0 && full {
		return false
	}
	b.parts = append(b.parts, x)
	b.bytes, b.sealed, b.plain, b.events = b.bytes+size, b.sealed+sealed, b.plain+x.plain, b.events+events
	return true
}

// gather owns the batch that is being filled.
func (p *proposer) gather() {
	defer close(p.flight)
	var next *proposal // Did not fit into the batch before.
	for {
		b := &batch{}
		if next == nil {
			select {
			case next = <-p.queue:
			case <-p.quit:
				return
			}
		}
		b.takes(next)
		if next = p.fill(b); next == errQuit {
			b.fail(errClosing)
			return
		}
		raw, err := p.encode(b)
		if err != nil {
			p.refuse(b)
			p.free <- struct{}{}
			continue
		}
		p.flight <- flight{future: p.raft(raw), parts: b.parts}
	}
}

// errQuit stands for no proposal: the proposer closes.
var errQuit = &proposal{}

// fill adds what waits until a slot is free, and returns what did not fit.
func (p *proposer) fill(b *batch) *proposal {
	for {
		select {
		case x := <-p.queue:
			if !b.takes(x) {
				return p.wait(x)
			}
			continue
		default:
		}
		select {
		case <-p.free:
			return nil
		case <-p.quit:
			return errQuit
		case x := <-p.queue:
			if !b.takes(x) {
				return p.wait(x)
			}
		}
	}
}

// wait holds a full batch until a slot is free.
func (p *proposer) wait(next *proposal) *proposal {
	select {
	case <-p.free:
		return next
	case <-p.quit:
		next.done(proposed{err: errClosing})
		return errQuit
	}
}

func (b *batch) fail(err error) {
	for _, x := range b.parts {
		x.done(proposed{err: err})
	}
}

// encode returns the entry's bytes, or [fault.Invalid] for what no entry can hold.
func (p *proposer) encode(b *batch) ([]byte, error) {
	e := b.entry(p.clock())
	if index, digest := p.state(); index >= p.marked+checkEvery {
		e.Checkpoint = &register.Checkpoint{Index: index, Digest: digest}
		p.marked = index
	}
	return register.EncodeEntry(e)
}

// refuse answers the parts of a batch that no entry can hold: those that no entry could hold
// alone with why, the others to be sent again.
func (p *proposer) refuse(b *batch) {
	for _, x := range b.parts {
		alone := &batch{parts: []*proposal{x}}
		_, err := register.EncodeEntry(alone.entry(p.clock()))
		if err == nil {
			err = fault.New("hub.propose", fault.Unavailable, "", "it came together with what no server can keep: send again")
		}
		x.done(proposed{err: err})
	}
}

// entry is the batch as an entry, without a checkpoint. The zone of at is the
// offices'.
func (b *batch) entry(at time.Time) *register.Entry {
	_, offset := at.Zone()
	e := &register.Entry{At: at.UnixMilli(), Offset: int32(offset)}
	for _, x := range b.parts {
		if x.epoch != nil {
			e.Epochs = append(e.Epochs, *x.epoch)
		}
		if x.ingest != nil {
			e.Ingests = append(e.Ingests, *x.ingest)
		}
		if x.command != nil {
			e.Commands = append(e.Commands, *x.command)
		}
	}
	return e
}

// land waits for entries in their order, and answers.
func (p *proposer) land() {
	for f := range p.flight {
		out, err := p.await(f.future)
		p.free <- struct{}{}
		if err != nil {
			for _, x := range f.parts {
				x.done(proposed{err: unknown(err)})
			}
			continue
		}
		answer(f.parts, out)
	}
}

// await returns what an entry came to here. Raft may leave a future unanswered
// when it ends over a failed disk; abandon then ends the wait.
func (p *proposer) await(f raft.ApplyFuture) (*register.Outcome, error) {
	ended := make(chan error, 1)
	go func() { ended <- f.Error() }()
	select {
	case err := <-ended:
		if err != nil {
			return nil, err
		}
	case <-p.dead:
		return nil, errClosing
	}
	switch r := f.Response().(type) {
	case *register.Outcome:
		if !r.Already {
			return r, nil
		}
	case error:
		return nil, r
	}
	return nil, errHalted
}

// answer gives each part its share of the outcome.
func answer(parts []*proposal, out *register.Outcome) {
	ingests, results := 0, 0
	for _, x := range parts {
		r := proposed{index: out.Index}
		if x.ingest != nil {
			r.ingest = out.Ingests[ingests]
			ingests++
		}
		if x.command != nil {
			r.result = out.Results[results]
			results++
		}
		x.done(r)
	}
}

// unknown classifies what Raft says of an entry that it can't answer for: it may
// have been committed or not. Only [raft.ErrNotLeader] says that it was not.
func unknown(err error) error {
	return &fault.Error{Op: "hub.propose", Kind: fault.Unavailable, Err: err}
}
