package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"pgregory.net/rapid"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
)

// fakeFuture is an entry that a test commits when it wants.
type fakeFuture struct {
	entry *register.Entry
	done  chan error
	out   *register.Outcome
}

func (f *fakeFuture) Error() error  { return <-f.done }
func (f *fakeFuture) Response() any { return f.out }
func (f *fakeFuture) Index() uint64 { return f.out.Index }

// fakeRaft takes entries and commits them on demand.
type fakeRaft struct {
	t       testing.TB
	mu      sync.Mutex // Guards next.
	next    uint64
	entries chan *fakeFuture
}

func (r *fakeRaft) apply(raw []byte) raft.ApplyFuture {
	e, err := register.DecodeEntry(raw)
	if err != nil {
		r.t.Errorf("an entry that no server can read: %v", err)
		e = &register.Entry{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	out := &register.Outcome{Index: r.next}
	for i := range e.Ingests {
		h := e.Ingests[i].Block.Header
		out.Ingests = append(out.Ingests, register.IngestResult{Log: h.Log, At: protocol.Position{Seq: h.Last}})
	}
	for i := range e.Commands {
		out.Results = append(out.Results, register.Result{Version: e.Commands[i].Expect})
	}
	f := &fakeFuture{entry: e, done: make(chan error, 1), out: out}
	r.entries <- f
	return f
}

func newFakeProposer(t testing.TB) (*proposer, *fakeRaft) {
	r := &fakeRaft{t: t, entries: make(chan *fakeFuture, 4096)}
	state := func() (uint64, protocol.Hash) { return 0, protocol.Hash{} }
	return newProposer(r.apply, state, func() time.Time { return time.Unix(1, 0) }), r
}

func (r *fakeRaft) expect() *fakeFuture {
	select {
	case f := <-r.entries:
		return f
	case <-time.After(5 * time.Second):
		r.t.Fatal("nothing was proposed")
		return nil
	}
}

func commandOf(n uint64, size int) *register.Command {
	c := register.NewCommand("c", "u", register.Look, nil)
	c.Expect, c.Body = n, protocol.Marshal(make([]byte, size))
	return &c
}

func TestProposerGathersWhileItsSlotsAreTaken(t *testing.T) {
	p, r := newFakeProposer(t)
	answers := make(chan uint64, 100)
	send := func(n uint64) {
		t.Helper()
		err := p.propose(t.Context(), &proposal{command: commandOf(n, 10), done: func(x proposed) { answers <- x.result.Version }})
		if err != nil {
			t.Fatal(err)
		}
	}
	var flying []*fakeFuture
	for n := range uint64(slots) {
		send(n)
		f := r.expect() // At once, alone.
		if len(f.entry.Commands) != 1 {
			t.Fatalf("entry %d holds %d commands; want 1", n, len(f.entry.Commands))
		}
		flying = append(flying, f)
	}
	for n := uint64(slots); n < 50; n++ {
		send(n)
	}
	select {
	case <-r.entries:
		t.Fatal("proposed beyond the slots")
	default:
	}
	flying[0].done <- nil
	gathered := r.expect()
	if got := len(gathered.entry.Commands); got < 40 {
		t.Errorf("the next entry holds %d commands; want what had gathered", got)
	}
	flying[1].done <- nil
	gathered.done <- nil
	for n := uint64(slots + len(gathered.entry.Commands)); n < 50; {
		f := r.expect()
		n += uint64(len(f.entry.Commands))
		f.done <- nil
	}
	for n := range uint64(50) {
		if got := <-answers; got != n {
			t.Errorf("answer %d came for %d", got, n)
		}
	}
	p.close()
}

func TestProposerKeepsOrderAndLimits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p, r := newFakeProposer(t)
		var wg sync.WaitGroup
		total := rapid.IntRange(1, 60).Draw(rt, "total")
		var got, commands, blocks []uint64
		wg.Go(func() {
			for len(got) < total {
				f := r.expect()
				for i := range f.entry.Commands {
					commands = append(commands, f.entry.Commands[i].Expect)
				}
				for i := range f.entry.Ingests {
					blocks = append(blocks, f.entry.Ingests[i].Block.Header.First)
				}
				got = append(slices.Clone(commands), blocks...)
				f.done <- nil
			}
		})
		answered := make(chan proposed, total)
		for n := range uint64(total) {
			x := &proposal{done: func(p proposed) { answered <- p }}
			if rapid.Bool().Draw(rt, "block") {
				log := protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 1}
				events := rapid.Uint64Range(1, 256).Draw(rt, "events")
				x.ingest = &register.Ingest{
					Block:    protocol.Block{Header: protocol.Header{Log: log, First: n + 1, Last: n + events}, Body: make([]byte, rapid.IntRange(0, protocol.MaxBlockBody).Draw(rt, "body"))},
					Verdicts: make([]register.Verdict, events),
				}
				x.plain = rapid.IntRange(0, protocol.MaxBlockPlain).Draw(rt, "plain")
			} else {
				x.command = commandOf(n+1, rapid.IntRange(0, 200<<10).Draw(rt, "size"))
			}
			if err := p.propose(context.Background(), x); err != nil {
				rt.Fatal(err)
			}
		}
		for range total {
			if a := <-answered; a.err != nil {
				rt.Errorf("a proposal failed: %v", a.err)
			}
		}
		wg.Wait()
		p.close()
		if len(got) != total {
			rt.Errorf("%d parts were proposed; want %d", len(got), total)
		}
		if !slices.IsSorted(commands) || !slices.IsSorted(blocks) {
			rt.Errorf("out of order: %v %v", commands, blocks)
		}
		slices.Sort(got)
		for i, n := range got {
			if n != uint64(i+1) {
				rt.Fatalf("part %d was proposed %d times or never", i+1, n)
			}
		}
	})
}

func TestProposerAnswersEverybodyWhenItCloses(t *testing.T) {
	p, r := newFakeProposer(t)
	const total = 200
	answers := make(chan error, total)
	for n := range uint64(total) {
		if err := p.propose(t.Context(), &proposal{command: commandOf(n, 1), done: func(x proposed) { answers <- x.err }}); err != nil {
			t.Fatal(err)
		}
	}
	first := r.expect()
	first.done <- raft.ErrLeadershipLost
	if err := <-answers; !errors.Is(err, fault.Unavailable) {
		t.Errorf("leadership lost: got %v; want unavailable", err)
	}
	p.abandon() // The rest is never answered by Raft.
	p.close()
	for range total - 1 {
		if err := <-answers; !errors.Is(err, fault.Unavailable) {
			t.Errorf("at the close: got %v; want unavailable", err)
		}
	}
	if err := p.propose(t.Context(), &proposal{}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("after the close: got %v; want unavailable", err)
	}
}

func TestWhatNoEntryHoldsIsRefused(t *testing.T) {
	p, r := newFakeProposer(t)
	answer := make(chan error, 1)
	tooLarge := commandOf(1, register.MaxEntry)
	if err := p.propose(t.Context(), &proposal{command: tooLarge, done: func(x proposed) { answer <- x.err }}); err != nil {
		t.Fatal(err)
	}
	if err := <-answer; !errors.Is(err, fault.Invalid) {
		t.Errorf("got %v; want invalid", err)
	}
	if err := p.propose(t.Context(), &proposal{command: commandOf(2, 1), done: func(x proposed) { answer <- x.err }}); err != nil {
		t.Fatal(err)
	}
	r.expect().done <- nil // The slot is free again.
	if err := <-answer; err != nil {
		t.Error(err)
	}
	p.close()
}

// askedOf is a full block, of each application of which the version in force asks for so many
// answers more.
func askedOf(body, items int) *register.Ingest {
	log := protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 1}
	in := &register.Ingest{
		Block:    protocol.Block{Header: protocol.Header{Log: log, First: 1, Last: protocol.MaxBlockEvents}, Body: make([]byte, body)},
		Verdicts: make([]register.Verdict, protocol.MaxBlockEvents),
	}
	asked := &register.AskedAnew{Edition: 2}
	for i := range items {
		asked.Items = append(asked.Items, fmt.Sprintf("form.answer_no_%d", i))
	}
	for i := range in.Verdicts {
		in.Findings = append(in.Findings, register.Finding{Seq: uint64(i + 1), AskedAnew: asked})
	}
	return in
}

// TestLongFindingsFitIntoEntries: blocks of which the leader has found much are proposed in as
// many entries as it takes; one that is too long by itself is not asked for what is new.
func TestLongFindingsFitIntoEntries(t *testing.T) {
	p, r := newFakeProposer(t)
	answers := make(chan error, 8)
	send := func(in *register.Ingest) {
		t.Helper()
		e := &protocol.Epoch{Wraps: make([]identity.Wrap, protocol.MaxWraps)}
		for i := range e.Wraps {
			e.Wraps[i].Sealed = make([]byte, 1<<10)
		}
		if err := p.propose(t.Context(), &proposal{ingest: in, epoch: e, done: func(x proposed) { answers <- x.err }}); err != nil {
			t.Fatal(err)
		}
	}
	var flying []*fakeFuture
	for range slots {
		send(askedOf(1, 1))
		flying = append(flying, r.expect())
	}
	for range 4 {
		send(askedOf(56<<10, 8))
	}
	long := askedOf(200<<10, 32)
	fitted(long)
	send(long)
	for _, f := range flying {
		f.done <- nil
	}
	blocks := 0
	for blocks < 5 {
		f := r.expect()
		blocks += len(f.entry.Ingests)
		f.done <- nil
	}
	for range slots + 5 {
		if err := <-answers; err != nil {
			t.Errorf("a block was refused for the company in which it came: %v", err)
		}
	}
	p.close()
}

// TestWhatComesWithWhatNoEntryHolds: of what was gathered with a text that no server could read,
// that alone is refused for good.
func TestWhatComesWithWhatNoEntryHolds(t *testing.T) {
	p, r := newFakeProposer(t)
	answers := map[uint64]chan error{}
	send := func(c *register.Command) {
		t.Helper()
		answer := make(chan error, 1)
		answers[c.Expect] = answer
		if err := p.propose(t.Context(), &proposal{command: c, done: func(x proposed) { answer <- x.err }}); err != nil {
			t.Fatal(err)
		}
	}
	var flying []*fakeFuture
	for n := range uint64(slots) {
		send(commandOf(n, 10))
		flying = append(flying, r.expect())
	}
	bad := commandOf(101, 10)
	bad.ID = "\xff"
	send(commandOf(100, 10))
	send(bad)
	flying[0].done <- nil
	if err := <-answers[101]; !errors.Is(err, fault.Invalid) {
		t.Errorf("the text: %v; want invalid", err)
	}
	if err := <-answers[100]; !errors.Is(err, fault.Unavailable) {
		t.Errorf("what came with it: %v; want that it is sent again", err)
	}
	for _, f := range flying[1:] {
		f.done <- nil
	}
	p.close()
}

// TestCallsAreAnsweredInTheirOrder lets later calls finish first.
func TestCallsAreAnsweredInTheirOrder(t *testing.T) {
	client, server := net.Pipe()
	const total = 20
	gates := make([]chan struct{}, total)
	for i := range gates {
		gates[i] = make(chan struct{})
	}
	begun := make(chan int, total)
	var wg sync.WaitGroup
	wg.Go(func() {
		err := serveCalls(t.Context(), server, func(_ context.Context, c *protocol.Call) answerFunc {
			var n int
			if err := protocol.Unmarshal(c.Body, 100, "n", &n); err != nil {
				return failed(err)
			}
			begun <- n
			return func(context.Context) (any, error) {
				<-gates[n]
				if n%5 == 4 {
					return nil, fault.New("test", fault.Conflict, "x", "no")
				}
				return n, nil
			}
		})
		if err != nil {
			t.Errorf("serveCalls: %v", err)
		}
	})
	for n := range total {
		if err := writeCall(client, "m", n); err != nil {
			t.Fatal(err)
		}
		if got := <-begun; got != n {
			t.Fatalf("call %d began; want %d", got, n)
		}
	}
	for n := total - 1; n >= 0; n-- {
		close(gates[n])
	}
	for n := range total {
		reply, err := readReply(client)
		if err != nil {
			t.Fatal(err)
		}
		var got int
		err = decodeReply(reply, &got)
		if n%5 == 4 && !errors.Is(err, fault.Conflict) || n%5 != 4 && (err != nil || got != n) {
			t.Errorf("answer %d: %d, %v", n, got, err)
		}
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}

func FuzzCalls(f *testing.F) {
	var b bytes.Buffer
	if err := writeCall(&b, callIngest, &ingestCall{}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte{0, 0, 0, 1, 0xa0})
	f.Fuzz(func(t *testing.T, b []byte) {
		err := readCalls(t.Context(), &onlyReads{r: bytes.NewReader(b)}, func(c *protocol.Call) {
			var in ingestCall
			_ = protocol.Unmarshal(c.Body, protocol.MaxRPC, "block", &in)
			_ = in.Block.Check()
		})
		if err != nil && fault.KindOf(err) == fault.Damaged {
			t.Error(err)
		}
		_, _ = readReply(bytes.NewReader(b))
	})
}

// onlyReads is a connection that only reads.
type onlyReads struct {
	net.Conn
	r *bytes.Reader
}

func (c *onlyReads) Read(b []byte) (int, error) { return c.r.Read(b) }

// Whatever was taken up is answered, also what comes while the proposer closes.
func TestWhatComesWhileClosingIsAnswered(t *testing.T) {
	t.Parallel()
	for range 2000 {
		p, _ := newFakeProposer(t)
		var wg sync.WaitGroup
		var taken, answered atomic.Int64
		for n := range uint64(8) {
			wg.Go(func() {
				for p.propose(t.Context(), &proposal{command: commandOf(n, 10), done: func(proposed) { answered.Add(1) }}) == nil {
					taken.Add(1)
				}
			})
		}
		for taken.Load() == 0 {
			runtime.Gosched()
		}
		p.abandon()
		p.close()
		wg.Wait()
		if taken.Load() != answered.Load() {
			t.Fatalf("%d of %d proposals were answered", answered.Load(), taken.Load())
		}
	}
}
