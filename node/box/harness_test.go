package box

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/internal/nodetest"
	"kendro/protocol"
)

// A counter is a box under test with the district around it.
type counter struct {
	tb   testing.TB
	d    *nodetest.District
	dir  string
	o    Options
	free atomic.Uint64

	*Box
	cancel context.CancelFunc
	ended  chan error
}

// newCounter opens a box that has synced once.
func newCounter(tb testing.TB) *counter {
	c := freshCounter(tb)
	clerk{c}.synced()
	return c
}

// freshCounter makes a box that has never synced, and does not start it.
func freshCounter(tb testing.TB) *counter {
	tb.Helper()
	c := &counter{tb: tb, d: nodetest.New(tb), dir: tb.TempDir()}
	c.free.Store(1 << 40)
	signer, tls := identity.NewSigner(), identity.NewSigner()
	c.o = Options{
		Fill:      func(string) (int, error) { return 0, nil }, // However full the disk below the test is.
		Enrolment: c.d.Enrolment(tb, signer.Public(), tls.Public()), Signer: signer,
		Secret: bytes.Repeat([]byte{7}, 32), Clock: time.Now, Logger: slog.New(slog.DiscardHandler),
		Free: func(string) (uint64, error) { return c.free.Load(), nil },
	}
	tb.Cleanup(c.stop)
	return c
}

func (c *counter) start() {
	c.tb.Helper()
	b, err := Open(c.dir, c.o)
	if err != nil {
		c.tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.Box, c.cancel, c.ended = b, cancel, make(chan error, 1)
	go func() { c.ended <- b.Run(ctx) }()
}

// halt stops the box and returns how it ended.
func (c *counter) halt() error {
	if c.cancel == nil {
		return nil
	}
	c.cancel()
	c.cancel = nil
	return <-c.ended
}

func (c *counter) stop() {
	if err := c.halt(); err != nil && !errors.Is(err, fault.Stopped) {
		c.tb.Error(err)
	}
}

func (c *counter) restart() {
	c.tb.Helper()
	c.stop()
	c.start()
}

// deliver hands over what the box lacks of a log, as one run.
func (c *counter) deliver(l *nodetest.Log) {
	c.tb.Helper()
	from := c.Held()[l.ID].Seq
	if err := c.deliverRun(l.ID, l.Before(from+1), l.Items[from:]); err != nil {
		c.tb.Fatal(err)
	}
}

func (c *counter) deliverRun(log protocol.LogID, prev protocol.Hash, items []protocol.Item) error {
	done := make(chan error, 1)
	c.Deliver(context.Background(), log, prev, items, func(_ protocol.Position, err error) { done <- err })
	return <-done
}

// file takes the sample application of a seed, with that seed as its key.
func (c *counter) file(seed uint64) *Answer {
	c.tb.Helper()
	a, wrong, err := c.File(context.Background(), c.request(seed))
	if err != nil || len(wrong) > 0 {
		c.tb.Fatalf("file %d: %v %v", seed, err, wrong)
	}
	return a
}

func (c *counter) request(seed uint64) Request {
	return Request{User: nodetest.Person, Key: "key-" + strconv.FormatUint(seed, 10), Body: c.d.Body(c.tb, service, seed)}
}

// service is offered at a union centre without a hub.
const service = "citizenship-certificate"

func waitFor(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			tb.Fatalf("waited too long for %s", what)
		case <-tick.C:
		}
	}
}
