package hub

import (
	"context"
	"log/slog"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
)

// An Alone is the part of a server that decides, without Raft, disk, network or
// goroutine: it serves sessions from a register, judges blocks as a leader does,
// and gathers them into entries. A simulator carries what it asks for.
//
// One goroutine owns it and every other Alone of its district.
type Alone struct {
	host  *host
	judge *judge
	keys  *openKeys
}

// NewShelf keeps a server's blocks of the catalogue from one life of it to the next.
func NewShelf(p *protocol.Packer) *protocol.Cuts { return protocol.NewCuts(p, keptCuts) }

// AloneOptions are what a server that is alone is told.
type AloneOptions struct {
	Keys     ServerKeys
	Register func() *register.Register
	Packer   *protocol.Packer
	Shelf    *protocol.Cuts // Blocks of the catalogue that this server has made; nil is none.
	Clock    func() time.Time
	Forms    func(*dcat.Set) (*catalogue.Intake, error) // Compiles a release's forms.
	Bring    func(*Crossing)                            // Carries a block to whoever leads.
	CatchUp  func() bool                                // Applies what the leader has applied; false without one.
	Eager    bool                                       // Offers a base of the catalogue also where it saves nothing.
	Logger   *slog.Logger
}

// ServerKeys are what one server is and holds.
type ServerKeys struct {
	Country, District, ID string
	CA                    *identity.CA
	Signing, TLS          *identity.Signer
	Sealing               *identity.SealingKey
	Districts             []*identity.SealingKey // The district's, the newest first.

	// The authority's certificates for the two keys.
	SigningCert, TLSCert []byte
}

// Certify has the authority certify the keys.
func (k *ServerKeys) Certify(at time.Time) error {
	ring := keyring{Country: k.Country, District: k.District, ID: k.ID}
	err := ring.certify(k.CA, k.Signing, k.TLS, at)
	k.SigningCert, k.TLSCert = ring.SigningCert, ring.TLSCert
	return err
}

// Server is what a register knows of the machine with these keys.
func (k *ServerKeys) Server() register.Server {
	return register.Server{
		ID: k.ID, Voter: true, Signing: k.Signing.Public(), TLS: k.TLS.Public(), Sealing: k.Sealing.Public(),
		SigningCert: k.SigningCert, TLSCert: k.TLSCert,
	}
}

func (k *ServerKeys) open() (*openKeys, error) {
	ring := keyring{
		Country: k.Country, District: k.District, ID: k.ID, Voter: true, Authority: k.CA.DER(), SealingKey: k.Sealing.Bytes(),
		SigningSeed: k.Signing.Seed(), SigningCert: k.SigningCert, TLSSeed: k.TLS.Seed(), TLSCert: k.TLSCert,
		Secrets: districtSecrets{AuthoritySeed: k.CA.Seed()},
	}
	for _, d := range k.Districts {
		ring.Secrets.SealingKeys = append(ring.Secrets.SealingKeys, d.Bytes())
	}
	open := &openKeys{keyring: ring}
	return open, open.open()
}

// NewAlone returns a server that is alone, and the opener that its register is to
// be opened with.
func NewAlone(o AloneOptions) (*Alone, register.Opener, error) {
	keys, err := o.Keys.open()
	if err != nil {
		return nil, nil, err
	}
	opener := newOpener(o.Packer, keys.district)
	a := &Alone{keys: keys, judge: &judge{register: o.Register, opener: opener, zone: time.UTC, forms: o.Forms}}
	g := &group{id: o.Keys.ID, register: o.Register, log: o.Logger}
	a.host = &host{
		group: g, keys: keys, notices: &notices{}, log: o.Logger, sessions: map[uint64]*intake{},
		caughtUp: o.CatchUp, eager: o.Eager,
		sealer: &sealer{packer: o.Packer, own: keys, clock: o.Clock, keys: map[identity.KeyID]*sealing{}},
		shelf:  newShelf(o.Register, o.Packer, keys, o.Shelf),
		bring: func(_ context.Context, _ *intake, c *ingestCall, answer func(ingestAnswer, error)) {
			o.Bring(&Crossing{call: *c, answer: answer})
		},
	}
	a.host.inquiries, a.host.words = newInquiries(a.host, o.Clock), &words{a.host.admit, a.host.group}
	return a, opener, nil
}

// Host is the server as nodes' sessions see it.
func (a *Alone) Host() replication.Host { return a.host }

// Applied tells the sessions of what an entry brought. A nil Outcome stands for
// another register: everything is read again.
func (a *Alone) Applied(out *register.Outcome) {
	if out == nil {
		a.host.notices.reread()
		return
	}
	a.host.notices.publish(out.Grew)
}

// A Crossing is a block on its way from the server that a session brought it to,
// to the leader. It is answered once; what comes later is as if it were lost.
type Crossing struct {
	call     ingestCall
	answer   func(ingestAnswer, error)
	answered bool
}

// Header says what is carried.
func (c *Crossing) Header() *protocol.Header { return &c.call.Block.Header }

// Lose answers that nobody knows what became of the block.
func (c *Crossing) Lose() {
	c.tell(ingestAnswer{}, fault.New("hub.forward", fault.Unavailable, "", "the leader was lost"))
}

func (c *Crossing) tell(a ingestAnswer, err error) {
	if !c.answered {
		c.answered = true
		c.answer(a, err)
	}
}

// A Proposal is a crossing that the leader judged, ready for an entry. It may be
// proposed more than once.
type Proposal struct {
	*proposal
	crossing *Crossing
}

// Judge judges a block as the leader. A block that is refused is answered, and
// no Proposal comes back.
func (a *Alone) Judge(c *Crossing, now time.Time) *Proposal {
	p, err := a.judge.judge(&c.call.Block, c.call.Epoch, now)
	if err != nil {
		c.tell(ingestAnswer{}, err)
		return nil
	}
	return &Proposal{proposal: p, crossing: c}
}

// Gather makes an entry of as many proposals as fit, and returns how many. The zone of now is the
// offices'.
func Gather(list []*Proposal, now time.Time) (entry []byte, n int, err error) {
	b := &batch{}
	for n < len(list) && b.takes(list[n].proposal) {
		n++
	}
	entry, err = register.EncodeEntry(b.entry(now))
	return entry, n, err
}

// Land answers the proposals of an entry that was applied here.
func (a *Alone) Land(list []*Proposal, out *register.Outcome) {
	incarnation := a.host.group.register().Incarnation()
	for i, p := range list {
		p.crossing.tell(answerOf(proposed{index: out.Index, ingest: out.Ingests[i]}, incarnation))
	}
}

// Lose answers the proposal as unknown in outcome: the entry may be committed yet.
func (p *Proposal) Lose() { p.crossing.Lose() }
