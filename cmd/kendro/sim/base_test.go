package sim

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/place"
	"kendro/hub"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/node"
	nodebox "kendro/node/box"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
	"kendro/store"
)

var baseCases = flag.Int("base-cases", 300, "cases in the inbox that a new box begins")

// years is a centre whose box has filed cases, most of which ended long ago.
type years struct {
	t     testing.TB
	cast  *cast
	reg   *register.Register
	alone *hub.Alone
	seats map[place.Seat]bool
	ids   int
	log   protocol.LogID

	service string // That people ask for.
	cases   []protocol.Number
}

func newYears(t testing.TB, cases int) *years {
	t.Helper()
	y := newCentre(t)
	y.file(cases)
	old := y.cases[:cases*19/20]
	y.decide(old, 0, register.Approve)
	y.decide(y.cases[len(old):], 150*24*time.Hour, register.Take) // Open, and the newest word by far.
	return y
}

// newCentre is a centre whose box has filed nothing.
func newCentre(t testing.TB) *years {
	t.Helper()
	c, err := newCast(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.packer.Close)
	y := &years{t: t, cast: c, service: services[0], seats: map[place.Seat]bool{}}
	var opener register.Opener
	y.alone, opener, err = hub.NewAlone(hub.AloneOptions{
		Keys: c.keys[0], Register: func() *register.Register { return y.reg }, Packer: c.packer, Clock: func() time.Time { return dawn },
		Forms: c.forms.compile, CatchUp: func() bool { return true }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if y.reg, err = register.Open("", register.Options{District: district, Opener: opener, DB: store.OpenMemory(c.morning())}); err != nil {
		t.Fatal(err)
	}
	y.log = protocol.LogID{Channel: protocol.Uplink, Name: district + "-" + c.boxes[0].enrolment.Slot, Incarnation: 7}
	return y
}

// apply carries out one entry.
func (y *years) apply(at time.Duration, e *register.Entry) *register.Outcome {
	y.t.Helper()
	stamp := entryOf(dawn.Add(at))
	e.At, e.Offset = stamp.At, stamp.Offset
	raw, err := register.EncodeEntry(e)
	if err != nil {
		y.t.Fatal(err)
	}
	o := y.reg.Apply(y.reg.Applied()+1, 1, raw)
	for _, r := range o.Ingests {
		if r.Fault != nil {
			y.t.Fatal(r.Fault.Err())
		}
	}
	for _, r := range o.Results {
		if r.Fault != nil {
			y.t.Fatal(r.Fault.Err())
		}
	}
	return o
}

// file brings applications in blocks of a few, as a centre sends them.
func (y *years) file(n int) {
	y.t.Helper()
	k := y.cast.boxes[0]
	epoch, err := identity.NewEpoch(k.enrolment.Recipients...)
	if err != nil {
		y.t.Fatal(err)
	}
	intro := protocol.NewEpoch(epoch, nil, k.signer)
	v, _ := y.cast.set.Current(y.service)
	const each = 2
	run := protocol.Run{Log: y.log, First: 1}
	for i := range n {
		nonce := binary.BigEndian.AppendUint64(nil, uint64(i))
		number, err := protocol.MintNumber(district, k.enrolment.Slot, nonce)
		if err != nil {
			y.t.Fatal(err)
		}
		y.cases = append(y.cases, number)
		e := protocol.Event{
			Kind: protocol.Submitted, At: dawn.UnixMilli(), Actor: k.user, Nonce: nonce,
			Pin:     &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
			Payload: protocol.Marshal(&protocol.Submission{Channel: "counter", Form: []byte(`{}`), Applicant: []byte(`{}`)}),
		}
		raw, err := e.Encode()
		if err != nil {
			y.t.Fatal(err)
		}
		run.Events = append(run.Events, raw)
		run.End = protocol.ChainHash(y.log, uint64(i)+1, run.End, raw)
		if len(run.Events) < each && i < n-1 {
			continue
		}
		b, err := y.cast.packer.Pack(run, epoch, k.signer)
		if err != nil {
			y.t.Fatal(err)
		}
		in := register.Ingest{Block: b, Verdicts: make([]register.Verdict, len(run.Events))}
		entry := &register.Entry{Ingests: []register.Ingest{in}}
		if b.Header.First == 1 {
			entry.Epochs = []protocol.Epoch{intro}
		}
		y.apply(0, entry)
		run = protocol.Run{Log: y.log, First: uint64(i) + 2, Prev: run.End, End: run.End}
	}
}

// decide has officers work on cases, up to an act.
func (y *years) decide(cases []protocol.Number, at time.Duration, last register.Method) {
	y.t.Helper()
	for len(cases) > 0 {
		some := cases[:min(60, len(cases))] // An entry has at most 256 commands.
		cases = cases[len(some):]
		for open := some; len(open) > 0; {
			open = y.step(open, at, last)
		}
	}
}

// step works on cases at the desks where they lie, and returns those that went on.
func (y *years) step(cases []protocol.Number, at time.Duration, last register.Method) (on []protocol.Number) {
	y.t.Helper()
	e := &register.Entry{}
	for _, n := range cases {
		c, err := y.reg.Case(n)
		if err != nil {
			y.t.Fatal(err)
		}
		seat, who := c.State.Seat, "officer."+strings.ReplaceAll(c.State.Seat.String(), "@", ".")
		if !y.seats[seat] {
			y.seats[seat] = true
			e.Commands = append(e.Commands, y.command(register.ActorControl, register.AddUser, 0, 0, register.User{
				Name: who, Role: access.Officer, Seat: seat, Gender: "f", Hash: passwordHash, From: 1,
			}))
		}
		version := c.State.Version
		act := func(m register.Method, a register.Act) {
			e.Commands = append(e.Commands, y.command(who, m, n, version, a))
			version++
		}
		act(register.Take, register.Act{})
		if last == register.Take {
			continue
		}
		act(register.Decide, register.Act{Opinion: application.ForApproval, Text: "in order"})
		v, _ := y.cast.set.Current(y.service)
		if c.State.Step == len(v.Steps)-1 {
			act(last, register.Act{Text: "in order"})
			continue
		}
		act(register.Forward, register.Act{})
		on = append(on, n)
	}
	y.apply(at, e)
	return on
}

func (y *years) command(who string, m register.Method, n protocol.Number, expect uint64, body any) register.Command {
	y.ids++
	c := register.NewCommand(fmt.Sprint("years ", y.ids), who, m, body)
	c.Number, c.Expect = n, expect
	return c
}

// A metered connection counts what it carries.
type metered struct {
	net.Conn
	bytes *atomic.Int64
}

func (m metered) Write(b []byte) (int, error) {
	n, err := m.Conn.Write(b)
	m.bytes.Add(int64(n))
	return n, err
}

// A reader of before is a host that says nothing of bases.
type readerOfBefore struct{ replication.Host }

// begin has a new box speak with the hub until it has the inbox, and returns it with
// the bytes both ways and the time that it took.
func (y *years) begin(t *testing.T, before bool) (*nodebox.Box, int64, time.Duration) {
	t.Helper()
	k := y.cast.boxes[0]
	b, err := nodebox.Open(t.TempDir(), nodebox.Options{
		Enrolment: k.enrolment, Signer: k.signer, Secret: seedOf("blind"), Clock: time.Now, Logger: slog.New(slog.DiscardHandler),
		Free: func(string) (uint64, error) { return 1 << 40, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	own, err := node.NewAlone(node.AloneOptions{
		Box: b, Enrolment: &k.enrolment, Signer: k.signer, Sealing: k.sealing, Packer: y.cast.packer, Clock: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	host := own.Host()
	if before {
		host = readerOfBefore{host}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 3)
	var bytes atomic.Int64
	one, other := net.Pipe()
	server := replication.Peer{Subject: identity.Subject{Country: country, District: district, Role: identity.RoleServer, Name: "s1"}}
	centre := replication.Peer{Subject: identity.Subject{Country: country, District: district, Role: identity.RoleNode, Name: k.enrolment.ID, Slot: k.enrolment.Slot}}
	began := time.Now()
	go func() { ended <- b.Run(ctx) }()
	go func() { ended <- link.RunSession(ctx, metered{one, &bytes}, server, host, link.OnNote(own.Note)) }()
	go func() { ended <- link.RunSession(ctx, metered{other, &bytes}, centre, y.alone.Host()) }()
	t.Cleanup(func() {
		cancel()
		for range cap(ended) {
			if err := <-ended; err != nil {
				t.Logf("an end of the session: %v", err) // The other was faster.
			}
		}
	})
	inbox := y.reg.Inbox(place.Centre(k.enrolment.ID))
	head, err := y.reg.LogHead(inbox)
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(5 * time.Minute); b.Held()[inbox] != head || b.Goods() == nil; {
		select {
		case <-tick.C:
		case err := <-ended:
			ended <- err
			t.Fatalf("the session ended: %v", err)
		case <-end:
			t.Fatalf("holds %v of the inbox; want %v", b.Held()[inbox].Seq, head.Seq)
		}
	}
	return b, bytes.Load(), time.Since(began)
}

// A new box that begins with a base answers as one that read every event, but for the
// day on which a case ended long ago; and it takes a part of the bytes.
func TestNewBoxBeginsWithBase(t *testing.T) {
	y := newYears(t, *baseCases)
	with, few, soon := y.begin(t, false)
	without, many, late := y.begin(t, true)
	inbox := y.reg.Inbox(place.Centre(y.cast.boxes[0].enrolment.ID))
	head, err := y.reg.LogHead(inbox)
	if err != nil {
		t.Fatal(err)
	}
	_, events, err := y.reg.InboxBase(place.Centre(y.cast.boxes[0].enrolment.ID))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("inbox of %d events, %d cases; base of %d events: %d bytes in %v; all events: %d bytes in %v",
		head.Seq, len(y.cases), len(events), few, soon.Round(time.Millisecond), many, late.Round(time.Millisecond))
	if few*3 > many*2 { // Both have the catalogue in them.
		t.Errorf("%d bytes with a base, %d without", few, many)
	}
	back := y.uplink(t)
	for _, b := range []*nodebox.Box{with, without} {
		deliver(t, b, y.log, back)
	}
	stages := map[string]int{}
	for _, n := range y.cases {
		a, errA := with.Track(n)
		b, errB := without.Track(n)
		stages[a.Stage]++
		if errA != nil || errB != nil || a.Stage != b.Stage || a.Accepted != b.Accepted || a.Seen != b.Seen ||
			a.Stage != "APPROVED" && (a.Office != b.Office || !a.Since.Equal(b.Since) || a.Expected != b.Expected || a.Edition != b.Edition) {
			t.Fatalf("%s: %+v, %v with the base; %+v, %v without", n, a, errA, b, errB)
		}
	}
	if len(stages) != 2 {
		t.Errorf("stages %v; want two, so that something is compared", stages)
	}
}

// uplink is what the box before had filed.
func (y *years) uplink(t *testing.T) (items []protocol.Item) {
	t.Helper()
	for {
		run, err := y.reg.LogEvents(y.log, uint64(len(items)), protocol.MaxBlockEvents)
		if err != nil {
			t.Fatal(err)
		}
		if len(run.Events) == 0 {
			return items
		}
		prev := run.Prev
		for _, raw := range run.Events {
			seq := uint64(len(items)) + 1
			prev = protocol.ChainHash(y.log, seq, prev, raw)
			items = append(items, protocol.Item{Seq: seq, Hash: prev, Raw: raw})
		}
	}
}

func deliver(t *testing.T, b *nodebox.Box, log protocol.LogID, items []protocol.Item) {
	t.Helper()
	done := make(chan error, 1)
	b.Deliver(t.Context(), log, protocol.Hash{}, items, func(_ protocol.Position, err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
