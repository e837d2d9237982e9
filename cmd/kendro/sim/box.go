package sim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/node"
	nodebox "kendro/node/box"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
	"kendro/store"
)

// A machine is one box in one centre: its disk, the process on it, and the people
// before it.
type machine struct {
	w     *world
	nr    int
	name  string
	keys  *boxKeys
	disk  *disk
	rand  *rand.Rand // What the system's random source gives.
	index *store.Memory
	box   *nodebox.Box // Nil while it is off.
	alone *node.Alone
	skew  time.Duration // Of its clock.
	synth time.Duration // When HEAD is synced; 0: not planned.
	run   int           // Counts starts.

	online  bool // Its uplink carries.
	away    bool // It is to stay off for a while.
	wire    *wire
	end     *end
	backoff link.Backoff
	last    int // The server it spoke with last.
	relay   *relay
	upazilaPart

	requests  int
	unknown   []*request // Posted, and no answer came.
	receipts  []*receipt
	forked    bool // It was cloned or set back: what it says of itself may be true.
	twin      bool // It is the clone.
	refused   int
	lastStart error
}

// A request is an application as somebody posts it, perhaps again and again.
type request struct {
	key  string
	body []byte
}

// A receipt was printed.
type receipt struct {
	key    string
	number protocol.Number
	log    protocol.LogID
	at     protocol.Position
	by     *machine
	when   time.Duration
	lost   bool       // The disk was set back, or burnt, before anybody else had it.
	kept   []*machine // Who said that they hold it, when the box burnt.
}

// A backup is a copy of a box's disk.
type backup struct {
	files    map[string][]byte
	index    *store.Memory
	receipts int // That were printed by then.
}

func newMachine(w *world, nr int, keys *boxKeys) *machine {
	r := rand.New(rand.NewPCG(w.seed, uint64(nr)+1000)) //nolint:gosec // Simulated.
	m := &machine{
		w: w, nr: nr, name: "box " + keys.enrolment.Slot, keys: keys, rand: r, disk: newDisk(r), index: store.NewMemory(), online: true, last: -1,
		upazilaPart: upazilaPart{ends: map[int]*end{}},
	}
	m.backoff.Rand = r.Float64
	return m
}

func (m *machine) clock() time.Time { return dawn.Add(m.w.now + m.skew) }

// segment is small, so that a week has many.
const segment = 32 << 10

// start opens the box as its disk has it.
func (m *machine) start() {
	if m.box != nil || m.away {
		return
	}
	m.run++
	b, err := nodebox.Open("/kendro-sim", nodebox.Options{
		Enrolment: m.keys.enrolment, Signer: m.keys.signer, Secret: seedOf("blind", m.keys.enrolment.ID), Clock: m.clock, Logger: m.w.logger(m.name),
		Free: func(string) (uint64, error) { return 1 << 40, nil },
		Alone: &nodebox.Alone{
			Disk: m.disk, Segment: segment, Nonce: m.nonce, Incarnation: m.rand.Uint64, Forms: m.w.cast.forms.compile,
			Index: func(fresh bool) (*store.DB, error) {
				if fresh {
					m.index = store.NewMemory()
				}
				return store.OpenMemory(m.index), nil
			},
		},
	})
	if err != nil {
		m.w.tracef("%s does not open: %v", m.name, kind(err))
		m.lastStart = err
		if !m.disk.dead {
			m.w.violated("%s does not open: %v", m.name, err)
		}
		m.reboot(true)
		return
	}
	m.lastStart, m.box = nil, b
	m.alone, err = node.NewAlone(node.AloneOptions{
		Box: b, Enrolment: &m.keys.enrolment, Signer: m.keys.signer, Sealing: m.keys.sealing,
		Packer: m.w.cast.packer, Clock: m.clock, Logger: m.w.logger(m.name),
		Upazila: &node.Upazila{Dir: "/kendro-sim", Disk: m.disk, Held: segment, Peers: m.peers, Linked: m.linked, Call: m.call},
	})
	if err != nil {
		m.w.tracef("%s does not open its neighbours' copies: %v", m.name, kind(err))
		if !m.disk.dead {
			m.w.violated("%s does not open its neighbours' copies: %v", m.name, err)
		}
		m.reboot(true)
		return
	}
	m.stir()
	m.w.tracef("%s starts with %d of its own, %d acknowledged", m.name, b.Head().At.Seq, b.Acknowledged().Seq)
	m.after(time.Second, m.dial)
	for _, r := range m.unknown { // People ask again, most of them.
		if m.w.chance(0.8) {
			m.after(m.w.between(time.Second, time.Hour), func() { m.post(r) })
		}
	}
	m.unknown = nil
}

// after does something unless the process has ended by then.
func (m *machine) after(d time.Duration, do func()) {
	run := m.run
	m.w.after(d, func() {
		if m.run == run && m.box != nil {
			do()
		}
	})
}

func (m *machine) nonce() ([]byte, error) {
	b := binary.BigEndian.AppendUint64(nil, m.rand.Uint64())
	for len(b) < protocol.NonceSize {
		b = append(b, byte(m.rand.Uint32()))
	}
	return b[:protocol.NonceSize], nil
}

// reboot ends the process, by a power cut or not, and starts it again later.
func (m *machine) reboot(power bool) {
	m.stop(power)
	m.w.after(m.w.between(20*time.Second, 10*time.Minute), m.start)
}

// stop ends the process without letting it say or write another word.
func (m *machine) stop(power bool) {
	m.disk.dead = true
	for _, nr := range sorted(m.ends) {
		e := m.ends[nr]
		e.sever()
		e.drop()
	}
	m.end, m.wire = nil, nil
	if m.alone != nil {
		_ = m.alone.Close() // The disk refuses what it would write.
		m.alone = nil
	}
	if m.box != nil {
		_ = m.box.Close()
		m.box = nil
	}
	m.run++
	m.synth = 0
	m.disk.reboot(power)
	if power && m.w.chance(0.3) {
		m.index = store.NewMemory() // Badger lost it, or would not open.
	}
	m.w.stats.Crashes++
	m.w.tracef("%s stops, power cut %v", m.name, power)
}

// look ends the process if its disk has gone, and plans what a running box does
// by itself.
func (m *machine) look() {
	if m.box == nil {
		return
	}
	if m.disk.dead {
		m.reboot(true)
		return
	}
	if m.mayBurn(); m.burnt {
		return
	}
	if m.synth == 0 {
		m.synth = m.w.now + time.Second
		m.after(time.Second, func() {
			m.synth = 0
			if err := errors.Join(m.box.Sync(), m.alone.Sync()); err != nil && !m.disk.dead {
				m.w.violated("%s cannot sync HEAD: %v", m.name, err)
			}
			if m.disk.dead {
				m.reboot(true)
			}
		})
	}
}

// serve is somebody coming to the counter.
func (m *machine) serve() {
	m.requests++
	body := m.w.cast.bodies[m.w.rand.IntN(len(m.w.cast.bodies))]
	r := &request{key: fmt.Sprint("request-", m.nr, "-", m.requests, m.twin), body: body}
	m.post(r)
	if m.w.chance(0.05) { // A double click.
		m.after(m.w.between(0, time.Minute), func() { m.post(r) })
	}
}

// post has the box file a request.
func (m *machine) post(r *request) {
	if m.box == nil {
		return
	}
	a, wrong, err := m.box.File(m.w.ctx, nodebox.Request{User: m.keys.user, Key: r.key, Body: r.body})
	switch {
	case err == nil && len(wrong) == 0:
		m.print(r, a)
	case len(wrong) > 0:
		m.w.violated("%s refuses an application: %s", m.name, wrong[0].Path)
	case m.disk.dead:
		m.unknown = append(m.unknown, r)
		m.w.stats.Unknown++
	case errors.Is(err, fault.Unavailable):
		m.refused++
		m.w.stats.Refused++
	default:
		m.w.violated("%s cannot file: %v", m.name, err)
	}
	m.look()
}

// print notes a receipt: from now on it has to be good.
func (m *machine) print(r *request, a *nodebox.Answer) {
	if !a.Receipt.Verify(m.keys.signer.Public()) {
		m.w.violated("%s printed a receipt that does not verify", m.name)
	}
	for _, old := range m.receipts {
		if old.key == r.key {
			if old.number != a.Number {
				m.w.violated("%s answered one request with two numbers, %v and %v", m.name, old.number, a.Number)
			}
			return
		}
	}
	m.receipts = append(m.receipts, &receipt{key: r.key, number: a.Number, log: a.Receipt.Log, at: a.Receipt.At, by: m, when: m.w.now})
	m.w.stats.Receipts++
	m.w.tracef("%s prints %v at %d", m.name, a.Number, a.Receipt.At.Seq)
	m.stir()
}

// dial looks for a server to speak with.
func (m *machine) dial() {
	if m.end != nil {
		return
	}
	again := func() { m.after(m.backoff.Next(), m.dial) }
	g := m.w.group
	pick := m.w.rand.IntN(len(g.servers))
	if pick == m.last {
		pick = (pick + 1) % len(g.servers)
	}
	m.last = pick
	s := g.servers[pick]
	if !m.online || !s.up {
		m.after(8*time.Second, m.dial) // The dial times out.
		return
	}
	if err := m.connect(s); err != nil {
		m.w.tracef("%s is not let in by %s: %v", m.name, s.name, kind(err))
		again()
	}
}

func (m *machine) connect(s *server) error {
	w := m.w
	x := w.newWire(w.between(2*time.Millisecond, 400*time.Millisecond), float64(w.between(5_000, 500_000)))
	x.relay = m.relay
	us := &end{
		wire: x, side: 0, name: fmt.Sprintf("%s→%s", m.name, s.name), host: m.alone.Host(), note: m.alone.Note, after: m.look, heard: m.settled, home: m.ends,
		peer: replication.Peer{Addr: s.name + ":1", Session: w.rand.Uint64(), Subject: identity.Subject{Country: country, District: district, Role: identity.RoleServer, Name: s.name, Slot: "0"}},
	}
	them := &end{
		wire: x, side: 1, name: fmt.Sprintf("%s→%s", s.name, m.name), host: s.alone.Host(), note: func(replication.Note) {}, after: func() {}, heard: func() {}, home: s.wires,
		peer: replication.Peer{Addr: m.name, Session: w.rand.Uint64(), Subject: m.subject()}, ended: func(error) {},
	}
	began := w.now
	us.ended = func(error) {
		if m.end == us {
			m.end, m.wire = nil, nil
			if w.now-began > 3*time.Second {
				m.backoff.Reset()
			}
			m.stir()
			m.after(m.backoff.Next(), m.dial)
		}
	}
	if err := x.begin(us, them); err != nil {
		return err
	}
	m.end, m.wire = us, x
	m.stir()
	w.tracef("%s speaks with %s, %v one way", m.name, s.name, x.delay)
	w.stats.Sessions++
	return nil
}

// settled looks at what the box believes now.
func (m *machine) settled() {
	m.w.oracle.believed(m)
	if m.box != nil && m.box.Acknowledged() != m.acked {
		m.acked = m.box.Acknowledged()
		m.stir()
	}
}

// copyDisk is what a backup, or a clone, has.
func (m *machine) copyDisk() *backup {
	return &backup{files: m.disk.image(), index: m.index.Clone(), receipts: len(m.receipts)}
}

// setBack puts an older image in place of the disk.
func (m *machine) setBack(b *backup) {
	m.stop(false)
	m.disk.restore(b.files)
	m.index = b.index.Clone()
	m.forked = true
	for _, r := range m.receipts[b.receipts:] {
		r.lost = true // Unless it reached the hub, which the register says in the end.
		if m.w.oracle.durable[r.log].Seq >= r.at.Seq {
			r.lost = false
		}
	}
	m.w.stats.Rollbacks++
	m.w.tracef("%s is set back to an older image", m.name)
	m.w.after(m.w.between(time.Minute, time.Hour), m.start)
}

// clone copies the disk into another box, which runs beside this one.
func (m *machine) clone() *machine {
	b := m.copyDisk()
	c := newMachine(m.w, m.nr+1000, m.keys)
	c.name, c.twin, c.forked, m.forked = m.name+" (copy)", true, true, true
	c.disk.restore(b.files)
	c.index = b.index
	m.w.machines = append(m.w.machines, c)
	m.w.stats.Clones++
	m.w.tracef("%s is copied", m.name)
	c.start()
	return c
}

// blockers names what the box says stands in its way.
func (m *machine) blockers() (list []nodebox.Code) {
	for _, b := range m.box.Blockers().List() {
		list = append(list, b.Code)
	}
	return list
}

func (m *machine) accused() bool {
	return slices.ContainsFunc(m.blockers(), func(c nodebox.Code) bool { return c == nodebox.Forked || c == nodebox.JournalBehind })
}

func (m *machine) centre() place.Centre { return place.Centre(m.keys.enrolment.ID) }
