package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/internal/nodetest"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/web/api"
)

// A bench is a node under test with its district's one server.
type bench struct {
	tb    testing.TB
	dir   string
	d     *nodetest.District
	hub   *nodetest.Hub
	addr  string
	ahead atomic.Int64 // Nanoseconds that the node's clock is ahead.

	*Node
	cancel context.CancelFunc
	ended  chan error
	token  string
}

const service = "citizenship-certificate"

// newBench enrols a node and runs it until it takes applications.
func newBench(tb testing.TB) *bench {
	tb.Helper()
	b := &bench{tb: tb, dir: tb.TempDir(), d: nodetest.New(tb)}
	b.hub = nodetest.NewHub(tb, b.d, protocol.Enrolment{}, nil, identity.NewSealingKey().Public())
	b.addr = b.hub.Start("")
	b.d.Publish(tb, b.d.Set, nil)
	b.d.AddUser(tb, nil)
	if _, err := Enrol(context.Background(), b.dir, b.joinToken(), b.enrolOptions()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.stop)
	b.start()
	b.await("intake to open", func() bool { return b.box.Blockers().Closed() == nil })
	b.signIn()
	return b
}

func (b *bench) joinToken() protocol.JoinToken {
	return protocol.JoinToken{
		Servers: []string{b.addr}, CAHash: b.d.CA.Hash(), Role: identity.RoleNode, Centre: nodetest.Centre,
		Nonce: [16]byte{1}, Expires: time.Now().Add(time.Hour).Unix(),
	}
}

func (b *bench) clock() time.Time { return time.Now().Add(time.Duration(b.ahead.Load())) }

func (b *bench) enrolOptions() EnrolOptions {
	return EnrolOptions{Clock: b.clock, Logger: slog.New(slog.DiscardHandler)}
}

func (b *bench) config() Config {
	return Config{
		Dir: b.dir, HTTP: "127.0.0.1:0", Listen: "127.0.0.1:0", Gossip: "127.0.0.1:0",
		Clock: b.clock, Logger: slog.New(slog.DiscardHandler),
	}
}

func (b *bench) start() {
	b.tb.Helper()
	n, err := Open(context.Background(), b.config())
	if err != nil {
		b.tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.Node, b.cancel, b.ended = n, cancel, make(chan error, 1)
	go func() { b.ended <- n.Run(ctx) }()
}

func (b *bench) stop() {
	if b.cancel == nil {
		return
	}
	b.cancel()
	b.cancel = nil
	if err := <-b.ended; err != nil {
		b.tb.Error(err)
	}
}

func (b *bench) await(what string, ok func() bool) {
	b.tb.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			b.tb.Fatalf("waited too long for %s; blockers %v", what, b.box.Blockers().List())
		case <-tick.C:
		}
	}
}

func (b *bench) signIn() {
	b.tb.Helper()
	var s api.SessionAnswer
	body := []byte(`{"user":"` + nodetest.Person + `","password":"` + nodetest.Password + `"}`)
	if status, _ := b.call(http.MethodPost, "/v1/sessions", "in", body, &s); status != http.StatusOK {
		b.tb.Fatalf("sign-in answered %d", status)
	}
	b.token = s.Token
}

// call makes a request as the signed-in person and returns status and body.
func (b *bench) call(method, path, key string, in []byte, out any) (int, []byte) {
	b.tb.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, "http://"+b.Addr().HTTP+path, bytes.NewReader(in))
	if err != nil {
		b.tb.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.tb.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(body, out); err != nil {
			b.tb.Fatalf("%s %s answered %d %s", method, path, resp.StatusCode, body)
		}
	}
	return resp.StatusCode, body
}

func (b *bench) file(seed uint64) api.ApplicationAnswer {
	b.tb.Helper()
	var a api.ApplicationAnswer
	status, body := b.call(http.MethodPost, "/v1/applications", "key-"+strconv.FormatUint(seed, 10), b.d.Body(b.tb, service, seed), &a)
	if status != http.StatusCreated {
		b.tb.Fatalf("filing answered %d %s", status, body)
	}
	return a
}

func (b *bench) track(n protocol.Number) (t api.Tracking) {
	b.tb.Helper()
	if status, body := b.call(http.MethodGet, "/v1/track/"+n.String(), "", nil, &t); status != http.StatusOK {
		b.tb.Fatalf("tracking answered %d %s", status, body)
	}
	return t
}

// TestWayOfAnApplication follows applications from the counter into the hub and
// the hub's words back, up to the order to erase one.
func TestWayOfAnApplication(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.file(1)
	b.await("the hub to accept", func() bool { return b.track(a.Number).Custody == api.Accepted })
	tr := b.track(a.Number)
	if tr.Stage != "RECEIVED" || tr.Office == nil || tr.NextStep == nil || !tr.Since.Equal(nodetest.Start) {
		t.Fatalf("tracking is %+v", tr)
	}
	b.hub.Do(func(d *nodetest.District) {
		d.Say(t, protocol.CaseMoved, &protocol.Standing{Number: a.Number, Stage: "UNDER_REVIEW", Since: 5, Version: 2, Office: tr.Office.Code})
	})
	b.await("the case to move", func() bool { return b.track(a.Number).Stage == "UNDER_REVIEW" })
	b.await("the acknowledgement", func() bool { return b.sync().Backlog == 0 })

	b.hub.Stop()
	for seed := uint64(2); seed <= 30; seed++ {
		if got := b.track(b.file(seed).Number); got.Custody != api.Local || got.Stage != "SUBMITTED" {
			t.Fatalf("without a hub, tracking is %+v", got)
		}
	}
	if s := b.sync(); s.Backlog != 29 {
		t.Fatalf("backlog %d; want 29", s.Backlog)
	}
	b.stop()
	b.start()
	b.signIn()
	if s := b.sync(); s.Backlog != 29 || s.Acknowledged[b.box.Log().String()].Seq != 1 {
		t.Fatalf("after a restart: %+v", s)
	}
	b.hub.Start(b.addr)
	b.await("everything to be accepted", func() bool { return b.sync().Backlog == 0 })
	if got := len(b.hub.Uplink(b.box.Log())); got != 30 {
		t.Fatalf("the register holds %d events; want 30", got)
	}
	b.erases(a)
}

func TestEnrolTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	again, err := Enrol(context.Background(), b.dir, b.joinToken(), b.enrolOptions())
	if err != nil || !again.Already || again.Centre != nodetest.Centre || again.Slot != "0010" {
		t.Fatalf("enrolling again: %+v, %v", again, err)
	}
	other := b.joinToken()
	other.Centre = "41-09-18"
	if _, err := Enrol(context.Background(), b.dir, other, b.enrolOptions()); !errors.Is(err, fault.Conflict) {
		t.Fatalf("another centre in the same folder: %v; want conflict", err)
	}
}

// TestOnlineOnly: a service that pays out is taken while the hub is there, and
// answered when the hub has signed for it; without the hub it is refused.
func TestOnlineOnly(t *testing.T) {
	t.Parallel()
	const payout = "agent-cash-out"
	b := newBench(t)
	body := b.d.Body(t, payout, 1)
	ask := func(key string, out any) int {
		t.Helper()
		status, _ := b.call(http.MethodPost, "/v1/applications", key, body, out)
		return status
	}
	var a api.ApplicationAnswer
	b.await("the session", func() bool { return b.sync().Hub != nil })
	if status := ask("one", &a); status != http.StatusCreated || a.Custody != api.Accepted || len(b.hub.Uplink(a.Receipt.Log)) != 1 {
		t.Fatalf("with the hub: %d %+v", status, a)
	}

	b.hub.Mute(true) // It takes, and signs for nothing.
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, _, err := b.box.File(ctx, box.Request{User: nodetest.Person, Key: "two", Body: body})
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Kind != fault.Unavailable || e.Item != "" {
		t.Fatalf("without an acknowledgement: %v; want unavailable and its outcome open", err)
	}
	b.hub.Mute(false)
	b.await("the same key to be answered", func() bool { return ask("two", &a) == http.StatusCreated })
	if a.Custody != api.Accepted || len(b.hub.Uplink(a.Receipt.Log)) != 2 {
		t.Errorf("repeated: %+v; want it accepted, once", a)
	}

	b.hub.Stop()
	b.await("the session to end", func() bool { return b.sync().Hub == nil })
	var p api.Problem
	if status := ask("three", &p); status != http.StatusServiceUnavailable || p.Outcome != api.Rejected || !strings.Contains(p.Detail, payout) {
		t.Errorf("without the hub: %d %+v; want it refused for certain, with the reason", status, p)
	}
	if n := b.sync().Backlog; n != 0 {
		t.Errorf("%d applications were taken all the same", n)
	}
}
