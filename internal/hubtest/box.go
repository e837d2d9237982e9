package hubtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
)

// A Box is an enrolled node as the hub sees one: it keeps its log in memory,
// seals real blocks of real applications, and speaks real sessions.
type Box struct {
	tb        testing.TB
	Enrolment protocol.Enrolment
	Log       protocol.LogID
	Batch     int                   // Events in a block at most; 0 is as many as the session asks for.
	Patience  time.Duration         // With one handshake; 0 is 3 s.
	Forge     func(*protocol.Block) // Changes a block after it was signed; for boxes that misbehave.
	Carries   *Box                  // A neighbour without a link, whose mail goes with this box's.

	signer    *identity.Signer
	tls       *identity.Signer
	sealing   *identity.SealingKey
	authority *identity.Authority
	packer    *protocol.Packer
	epoch     *identity.Epoch
	intro     protocol.Epoch
	sampler   *catalogue.Sampler
	intake    *catalogue.Intake
	set       *dcat.Set
	seed      uint64
	now       func() time.Time
	conn      net.PacketConn // Replaces a socket on loopback.
	held      atomic.Uint64  // How far a server said that it holds the log.

	mu      sync.Mutex // Guards what follows.
	events  [][]byte
	hashes  []protocol.Hash // hashes[i] is of event i; hashes[0] is zero.
	numbers []protocol.Number
	given   map[protocol.Number]bool
	acked   protocol.Position
	inbox   []protocol.Event
	shelf   map[uint64][]byte // Events of the catalogue.
	heads   map[protocol.LogID]protocol.Position
	keys    map[identity.EpochID]*identity.EpochKey
	grew    map[int]func(protocol.Head)
	next    int
	refused int
}

var _ replication.Host = (*Box)(nil)

// Enrol enrols a box for a centre.
func (g *Group) Enrol(centre place.Centre) *Box {
	g.tb.Helper()
	b := NewBox(g.tb)
	t := g.Token(centre)
	e, err := b.Ask(g.tb.Context(), t)
	if err != nil {
		g.tb.Fatal(err)
	}
	b.Take(e, g.Leader().Hub.Register().Set())
	return b
}

// NewBox draws the keys of a box.
func NewBox(tb testing.TB) *Box {
	tb.Helper()
	b := &Box{
		tb: tb, now: time.Now, signer: identity.NewSigner(), tls: identity.NewSigner(), sealing: identity.NewSealingKey(), packer: protocol.NewPacker(),
		hashes: make([]protocol.Hash, 1), heads: map[protocol.LogID]protocol.Position{}, given: map[protocol.Number]bool{},
		keys: map[identity.EpochID]*identity.EpochKey{}, grew: map[int]func(protocol.Head){}, shelf: map[uint64][]byte{},
	}
	tb.Cleanup(b.packer.Close)
	return b
}

// Ask sends a request to enrol to one server of the token after the other.
func (b *Box) Ask(ctx context.Context, t protocol.JoinToken) (protocol.Enrolment, error) {
	r := protocol.EnrolRequest{Token: t, Signing: b.signer.Public(), TLS: b.tls.Public(), Sealing: b.sealing.Public()}
	r.Sign(b.signer)
	var e protocol.Enrolment
	err := error(fault.New("hubtest.Ask", fault.Invalid, "token", "no servers"))
	for _, addr := range t.Servers {
		if e, err = askOne(ctx, addr, &r); !errors.Is(err, fault.Unavailable) {
			return e, err
		}
	}
	return e, err
}

func askOne(ctx context.Context, addr string, r *protocol.EnrolRequest) (e protocol.Enrolment, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := link.DialEnrol(ctx, addr, r.Token.CAHash)
	if err != nil {
		return e, err
	}
	defer func() { _ = conn.Close() }()
	if err := protocol.WriteFrame(conn, protocol.Marshal(&protocol.Call{Method: "enrol", Body: protocol.Marshal(r)})); err != nil {
		return e, err
	}
	raw, err := protocol.ReadFrame(conn, protocol.MaxRPC)
	if err != nil {
		return e, fault.Wrap("hubtest.Ask", fault.Unavailable, addr, err)
	}
	var reply protocol.Reply
	if err := protocol.Unmarshal(raw, protocol.MaxRPC, "answer", &reply); err != nil {
		return e, err
	}
	if reply.Fault != nil {
		return e, reply.Fault.Err()
	}
	return e, protocol.Unmarshal(reply.Body, protocol.MaxRPC, "enrolment", &e)
}

// Take makes the box ready with the hub's answer.
func (b *Box) Take(e protocol.Enrolment, set *dcat.Set) {
	b.tb.Helper()
	var err error
	fail := func() {
		if err != nil {
			b.tb.Fatal(err)
		}
	}
	b.Enrolment, b.set = e, set
	b.authority, err = identity.ParseAuthority(e.CA)
	fail()
	b.epoch, err = identity.NewEpoch(e.Recipients...)
	fail()
	b.intro = protocol.NewEpoch(b.epoch, nil, b.signer)
	var inc [8]byte
	_, err = rand.Read(inc[:])
	fail()
	b.Log = protocol.LogID{Channel: protocol.Uplink, Name: e.District + "-" + e.Slot, Incarnation: binary.BigEndian.Uint64(inc[:])}
	b.sampler, err = catalogue.NewSampler(set)
	fail()
	b.intake, err = catalogue.NewIntake(set)
	fail()
}

// File takes n applications in, across all services that may be filed offline.
func (b *Box) File(n int) []protocol.Number {
	b.tb.Helper()
	var list []protocol.Number
	for range n {
		list = append(list, b.append(b.application()))
	}
	return list
}

// application makes the event of one plausible application.
func (b *Box) application() *protocol.Event {
	b.tb.Helper()
	services := b.set.Services()
	for try := 0; ; try++ {
		v := services[b.seed%uint64(len(services))]
		b.seed++
		if v.Offline != dcat.Intake && try < len(services) {
			continue
		}
		body, err := b.sampler.Body(v.ID, b.seed, place.Centre(b.Enrolment.ID))
		if err != nil {
			b.tb.Fatal(err)
		}
		app, fields, err := b.intake.Check(body, "", b.now())
		if err != nil || len(fields) > 0 {
			b.tb.Fatalf("a sample of %s is no application: %v %v", v.ID, err, fields)
		}
		return Submitted(app, b.now())
	}
}

// Submitted is the event of an application that was taken in at this time.
func Submitted(app *catalogue.Application, at time.Time) *protocol.Event {
	s := protocol.Submission{Channel: string(app.Channel), Form: app.Form, Applicant: app.Applicant}
	for _, p := range app.Documents {
		s.Originals = append(s.Originals, p.ID)
	}
	for _, c := range app.Charges {
		s.Fees = append(s.Fees, protocol.Fee{Kind: string(c.Kind), Poisha: c.Poisha})
	}
	return &protocol.Event{
		Kind: protocol.Submitted, At: at.UnixMilli(), Actor: "rahima", Nonce: drawNonce(), Payload: protocol.Marshal(&s),
		Pin: &protocol.Pin{Service: app.Version.ID, Version: uint32(app.Version.Number), Hash: [8]byte(app.Version.Hash[:8])},
	}
}

func drawNonce() []byte {
	nonce := make([]byte, protocol.NonceSize)
	if _, err := rand.Read(nonce); err != nil {
		panic(err)
	}
	return nonce
}

func (b *Box) gave(n protocol.Number) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.given[n]
}

// append puts an event into the log and tells the sessions. As at a real box, the
// number is one that this box has not given yet.
func (b *Box) append(e *protocol.Event) protocol.Number {
	b.tb.Helper()
	number, err := protocol.MintNumber(b.Enrolment.District, b.Enrolment.Slot, e.Nonce)
	for err == nil && b.gave(number) {
		e.Nonce = drawNonce()
		number, err = protocol.MintNumber(b.Enrolment.District, b.Enrolment.Slot, e.Nonce)
	}
	if err != nil {
		b.tb.Fatal(err)
	}
	raw, err := e.Encode()
	if err != nil {
		b.tb.Fatal(err)
	}
	b.mu.Lock()
	seq := uint64(len(b.events) + 1)
	b.events = append(b.events, raw)
	b.hashes = append(b.hashes, protocol.ChainHash(b.Log, seq, b.hashes[seq-1], raw))
	b.numbers, b.given[number] = append(b.numbers, number), true
	head := b.head()
	var tell []func(protocol.Head)
	for _, f := range b.grew {
		tell = append(tell, f)
	}
	b.mu.Unlock()
	for _, f := range tell {
		f(head)
	}
	return number
}

func (b *Box) head() protocol.Head {
	n := uint64(len(b.events))
	return protocol.Head{Log: b.Log, At: protocol.Position{Seq: n, Hash: b.hashes[n]}}
}

// Held is how far a server has said that it holds the log, without its register.
func Held(b *Box) uint64 { return b.held.Load() }

// Acked returns how far the hub has acknowledged the log.
func (b *Box) Acked() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.acked.Seq
}

// Unlearn has a box forget its acknowledgement, as if it had been lost with its
// session.
func Unlearn(b *Box) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acked = protocol.Position{}
}

// Inbox returns the events that have come from the hub so far.
func (b *Box) Inbox() []protocol.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]protocol.Event(nil), b.inbox...)
}

// Reaches returns how far the box has the logs of a channel.
func (b *Box) Reaches(c protocol.Channel) (seq uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for log, at := range b.heads {
		if log.Channel == c {
			seq = max(seq, at.Seq)
		}
	}
	return seq
}

// Open offers the uplink and wants inbox and catalogue.
func (b *Box) Open(_ replication.Peer, grew func(protocol.Head)) (have []protocol.Head, want []protocol.LogID, cert []byte, closed func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	id := b.next
	b.grew[id] = grew
	have = append(have, b.head())
	for log, at := range b.heads {
		have = append(have, protocol.Head{Log: log, At: at})
	}
	want = []protocol.LogID{{Channel: protocol.Inbox, Name: b.Enrolment.ID}, {Channel: protocol.Catalogue, Name: b.Enrolment.District}}
	return have, want, nil, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.grew, id)
	}, nil
}

// Load cuts a block of the log.
func (b *Box) Load(_ context.Context, peer replication.Peer, log protocol.LogID, from protocol.Position, limit int) ([]protocol.Epoch, []protocol.Block, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if log != b.Log {
		return nil, nil, fault.New("hubtest.Load", fault.NotFound, log.String(), "not mine")
	}
	if from.Seq >= uint64(len(b.events)) {
		return nil, nil, nil
	}
	if b.Batch > 0 {
		limit = min(limit, b.Batch)
	}
	rest := b.events[from.Seq:]
	rest = rest[:min(len(rest), limit)]
	rest = rest[:protocol.Fits(rest)]
	last := from.Seq + uint64(len(rest))
	block, err := b.pack(protocol.Run{Log: b.Log, First: from.Seq + 1, Prev: b.hashes[from.Seq], End: b.hashes[last], Events: rest, Reads: peer.Reads()})
	return []protocol.Epoch{b.intro}, []protocol.Block{block}, err
}

func (b *Box) pack(r protocol.Run) (protocol.Block, error) {
	block, err := b.packer.Pack(r, b.epoch, b.signer)
	if b.Forge != nil {
		b.Forge(&block)
	}
	return block, err
}

// Resign makes a forged block the box's own statement again.
func (b *Box) Resign(block *protocol.Block) {
	block.Header.Body = sha256.Sum256(block.Body)
	block.Signature = b.signer.Sign("kendro-block-1", protocol.Marshal(&block.Header))
}

// FileEvent puts any event into the log.
func (b *Box) FileEvent(e *protocol.Event) protocol.Number { b.tb.Helper(); return b.append(e) }

// Application makes the event of one plausible application, for a test to spoil.
func (b *Box) Application() *protocol.Event { b.tb.Helper(); return b.application() }

// Store verifies and keeps what the hub sends.
func (b *Box) Store(_ context.Context, peer replication.Peer, x *protocol.Block, done func(protocol.Position, *protocol.Ack, error)) {
	done(b.store(peer, x))
}

func (b *Box) store(peer replication.Peer, x *protocol.Block) (protocol.Position, *protocol.Ack, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	public, _, err := b.authority.Signer(peer.Cert)
	if err != nil {
		return protocol.Position{}, nil, err
	}
	if err := x.Verify(public); err != nil {
		return protocol.Position{}, nil, err
	}
	var items []protocol.Item
	if x.Header.Sealed() {
		items, err = b.packer.Open(x, b.keys[x.Header.Epoch])
	} else {
		items, err = b.packer.OpenLeaning(x, func(seq uint64) ([]byte, error) { return b.shelf[seq], nil })
	}
	if err != nil {
		return protocol.Position{}, nil, err
	}
	at := b.heads[x.Header.Log]
	if x.Header.First == at.Seq+1 && x.Header.Prev != at.Hash {
		return at, nil, fault.New("hubtest.Store", fault.Conflict, x.Header.Log.String(), "it follows another event than mine")
	}
	for _, it := range items {
		if it.Seq <= at.Seq {
			continue
		}
		if it.Seq != at.Seq+1 {
			return at, nil, fault.New("hubtest.Store", fault.Invalid, strconv.FormatUint(it.Seq, 10), "a gap")
		}
		at = protocol.Position{Seq: it.Seq, Hash: it.Hash}
		e, err := protocol.DecodeEvent(it.Raw)
		if err != nil {
			return at, nil, err
		}
		switch x.Header.Log.Channel {
		case protocol.Inbox:
			b.inbox = append(b.inbox, e)
		case protocol.Catalogue:
			b.shelf[it.Seq] = it.Raw
		case protocol.Uplink, protocol.InboxBase, protocol.CatalogueBase: // No box reads the one here, and none asks for the other.
		}
	}
	b.heads[x.Header.Log] = at
	return at, nil, nil
}

// Introduce takes up an epoch of a server.
func (b *Box) Introduce(_ context.Context, _ replication.Peer, e *protocol.Epoch) error {
	public, _, err := b.authority.Signer(e.Cert)
	if err != nil {
		return err
	}
	if err := e.Verify(public); err != nil {
		return err
	}
	key, err := identity.OpenWrap(b.sealing, e.ID, e.Wraps)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys[e.ID] = key
	return nil
}

// Acknowledged verifies and keeps the hub's acknowledgement.
func (b *Box) Acknowledged(_ context.Context, peer replication.Peer, a *protocol.Ack) error {
	public, _, err := b.authority.Signer(peer.Cert)
	if err != nil {
		return err
	}
	if err := a.Verify(public); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.At.Seq > uint64(len(b.events)) || a.At.Hash != b.hashes[a.At.Seq] {
		return fault.New("hubtest.Acknowledged", fault.Invalid, a.Log.String(), "not what stands in my log")
	}
	if a.At.Seq > b.acked.Seq {
		b.acked = a.At
	}
	return nil
}

// Filed returns how many events stand in the log.
func (b *Box) Filed() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return uint64(len(b.events))
}

// Sessions returns how many sessions are open.
func (b *Box) Sessions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.grew)
}

// Refused returns how often a server would not speak with the box.
func (b *Box) Refused() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refused
}

func (b *Box) note(err error) {
	if errors.Is(err, fault.Denied) {
		b.mu.Lock()
		b.refused++
		b.mu.Unlock()
	}
}
