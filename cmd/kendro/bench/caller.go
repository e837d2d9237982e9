package bench

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
)

// sideBySide is how many blocks a caller has on their way where they are large.
const sideBySide = 2

// A caller is a node as far as the hub can see: enrolled, certified, speaking
// real sessions. It keeps nothing on disk. What it sends was sealed before the
// clock starts, since in a district that is the work of other machines; its inbox
// it takes unopened, for the same reason.
type caller struct {
	centre    string
	signer    *identity.Signer
	enrolment *protocol.Enrolment
	authority *identity.Authority
	tls       tls.Certificate
	endpoint  *link.Endpoint
	log       protocol.LogID
	epoch     protocol.Epoch
	blocks    []protocol.Block
	pause     time.Duration // Before each block.
	filed     []receipt     // Of the events in them.
	up, done  chan struct{} // Closed when connected, and when all is acknowledged.
	meet, end sync.Once
	closing   sync.Once

	tally
}

// A tally is what a session and the clock have to say of a caller.
type tally struct {
	mu       sync.Mutex // Guards all below.
	open     bool       // The clock runs.
	grew     func(protocol.Head)
	given    map[uint64]time.Time // When the block that ends there was handed over.
	acked    uint64
	inbox    map[protocol.LogID]protocol.Position
	took     []time.Duration
	sessions int
}

var _ replication.Host = (*caller)(nil)

// enrolCaller draws keys and has the hub certify them.
func enrolCaller(ctx context.Context, token string) (*caller, error) {
	t, err := protocol.ParseJoinToken(token)
	if err != nil {
		return nil, err
	}
	c := &caller{
		centre: t.Centre, signer: identity.NewSigner(), up: make(chan struct{}), done: make(chan struct{}),
		tally: tally{given: map[uint64]time.Time{}, inbox: map[protocol.LogID]protocol.Position{}},
	}
	session := identity.NewSigner()
	r := protocol.EnrolRequest{Token: t, Signing: c.signer.Public(), TLS: session.Public(), Sealing: identity.NewSealingKey().Public()}
	r.Sign(c.signer)
	if c.enrolment, err = enrol(ctx, &r); err != nil {
		return nil, err
	}
	if c.authority, err = identity.ParseAuthority(c.enrolment.CA); err != nil {
		return nil, err
	}
	c.tls = tls.Certificate{Certificate: [][]byte{c.enrolment.TLSCert, c.enrolment.CA}, PrivateKey: session.Private()}
	return c, c.bind()
}

// bind takes a port and draws a log.
func (c *caller) bind() (err error) {
	c.endpoint, err = link.Open(link.Options{
		Listen: "127.0.0.1:0", Authority: c.authority,
		Certificate: c.tls,
		Self: identity.Subject{
			Country: c.enrolment.Country, District: c.enrolment.District, Role: identity.RoleNode, Name: c.centre, Slot: c.enrolment.Slot,
		},
	})
	c.log = protocol.LogID{Channel: protocol.Uplink, Name: c.enrolment.District + "-" + c.enrolment.Slot, Incarnation: randomUint64()}
	return err
}

// twin is the same box at another port, with another log.
func (c *caller) twin() (*caller, error) {
	t := &caller{
		centre: c.centre, signer: c.signer, enrolment: c.enrolment, authority: c.authority, tls: c.tls,
		up: make(chan struct{}), done: make(chan struct{}),
		tally: tally{given: map[uint64]time.Time{}, inbox: map[protocol.LogID]protocol.Position{}},
	}
	return t, t.bind()
}

func randomUint64() (n uint64) {
	var b [8]byte
	_, _ = rand.Read(b[:]) // It never fails.
	for _, x := range b {
		n = n<<8 | uint64(x)
	}
	return n
}

// enrol asks one of the token's servers.
func enrol(ctx context.Context, r *protocol.EnrolRequest) (*protocol.Enrolment, error) {
	e := new(protocol.Enrolment)
	return e, callEnrol(ctx, r.Token.Servers[0], r.Token.CAHash, &protocol.Call{Method: "enrol", Body: protocol.Marshal(r)}, e)
}

// prepare draws n applications, the first with number start, seals them in blocks of batch, and returns their
// size in all. The first block has no more events than a session asks for before
// it knows their size.
func (c *caller) prepare(from *corpus, start, n, batch int) (size int, err error) {
	const first = 64
	packer := protocol.NewPacker()
	defer packer.Close()
	epoch, err := identity.NewEpoch(c.enrolment.Recipients...)
	if err != nil {
		return 0, err
	}
	c.epoch = protocol.NewEpoch(epoch, nil, c.signer)
	taken := map[protocol.Number]bool{}
	run := protocol.Run{Log: c.log, First: 1, Reads: protocol.ReadableCodecs}
	for i := range n {
		raw, number, err := c.event(from, start+i, taken)
		if err != nil {
			return 0, err
		}
		size += len(raw)
		run.Events = append(run.Events, raw)
		run.End = protocol.ChainHash(c.log, uint64(i)+1, run.End, raw)
		c.filed = append(c.filed, receipt{number, run.End.String()})
		full := len(run.Events) == batch || i == n-1 || len(c.blocks) == 0 && len(run.Events) == first
		if !full {
			continue
		}
		b, err := packer.Pack(run, epoch, c.signer)
		if err != nil {
			return 0, err
		}
		c.blocks = append(c.blocks, b)
		run = protocol.Run{Log: c.log, First: b.Header.Last + 1, Prev: b.Header.End, End: b.Header.End, Reads: run.Reads}
	}
	return size, nil
}

// event returns one application as a box writes it, with a number that is not
// taken.
func (c *caller) event(from *corpus, i int, taken map[protocol.Number]bool) (raw []byte, number protocol.Number, err error) {
	a, err := from.draw(c.centre, i)
	for err == nil && (number == 0 || taken[number]) {
		_, _ = rand.Read(a.event.Nonce) // It never fails.
		number, err = protocol.MintNumber(c.enrolment.District, c.enrolment.Slot, a.event.Nonce)
	}
	if err != nil {
		return nil, 0, err
	}
	taken[number] = true
	raw, err = a.event.Encode()
	return raw, number, err
}

func (c *caller) close() {
	c.closing.Do(func() {
		if c.endpoint != nil {
			_ = c.endpoint.Close()
		}
	})
} // Nothing is on its way.

func (c *caller) connected() <-chan struct{} { return c.up }
func (c *caller) finished() <-chan struct{}  { return c.done }

// run keeps a session with a server until ctx ends.
func (c *caller) run(ctx context.Context, addr string, o ...link.SessionOption) error {
	var backoff link.Backoff
	for ctx.Err() == nil {
		err := c.session(ctx, addr, o)
		if err != nil && !errors.Is(err, fault.Unavailable) {
			return err
		}
		late := time.NewTimer(backoff.Next())
		select {
		case <-ctx.Done():
			late.Stop()
		case <-late.C:
		}
	}
	return nil
}

func (c *caller) session(ctx context.Context, addr string, o []link.SessionOption) error {
	return c.speak(ctx, addr, c, o)
}

// speak holds one session in which the caller stands as host says.
func (c *caller) speak(ctx context.Context, addr string, host replication.Host, o []link.SessionOption) error {
	const dialIn = 10 * time.Second
	dialling, stop := context.WithTimeout(ctx, dialIn)
	defer stop()
	conn, err := c.endpoint.Dial(dialling, addr, link.ALPNSync)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.sessions++
	c.mu.Unlock()
	refused := make(chan error, 1)
	o = append(o, link.OnNote(func(n replication.Note) {
		if n.What == replication.PeerRefused || n.What == replication.Forked {
			select {
			case refused <- fault.New(op, fault.Internal, c.centre, "the hub refuses its blocks: "+n.Text):
				_ = conn.Close() // Ends the session.
			default:
			}
		}
	}))
	err = link.RunSession(ctx, conn, peerOf(conn), host, o...)
	select {
	case err = <-refused:
	default:
	}
	return err
}

func peerOf(conn net.Conn) replication.Peer {
	if c, ok := conn.(*link.Conn); ok {
		return c.Peer()
	}
	return replication.Peer{}
}

// begin lets the session send.
func (c *caller) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = true
	if c.grew != nil {
		c.grew(c.head())
	}
}

// head is how far the log is to be sent.
func (c *caller) head() protocol.Head {
	if !c.open || len(c.blocks) == 0 {
		return protocol.Head{Log: c.log}
	}
	h := &c.blocks[len(c.blocks)-1].Header
	return protocol.Head{Log: c.log, At: protocol.Position{Seq: h.Last, Hash: h.End}}
}
