package replication

import (
	"context"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// A Peer is who stands at the other end of a session.
type Peer struct {
	// Subject is whom the peer's certificate names, verified by the district's
	// authority. It is zero for a machine that enrols.
	Subject identity.Subject
	Addr    string // host:port as seen from here.

	// Session tells two sessions of one subject apart. It is drawn at random when
	// a session begins, and zero outside one.
	Session uint64
	// Cert is the signing certificate that the peer said hello with, as it came:
	// whoever relies on it verifies it. It is nil until the hello, so in Open, and
	// for a peer that acknowledges nothing.
	Cert []byte
	// Gossip is where the peer said in its hello that its neighbours reach it, as it
	// came; empty before, and for a peer without gossip.
	Gossip string
	// Hello is all that the peer's hello said, nil before it came. It must not be
	// changed.
	Hello *protocol.Hello
}

// Reads returns the codecs that the peer said it opens.
func (p Peer) Reads() protocol.Codecs {
	if p.Hello == nil {
		return 0
	}
	return p.Hello.Reads
}

// A Greeter is a [Host] that wants to know of every hello. Met is called once a
// session, beside the host's other calls; the session waits for it to return.
type Greeter interface {
	Met(ctx context.Context, peer Peer)
}

// A Host is the store behind a session: a node or a hub. Calls for one session
// come from several goroutines; for each method is said which ones overlap.
type Host interface {
	// Open begins a session and returns what this host holds of the logs that
	// matter between it and the peer, which it wants to receive, and its signing
	// certificate if it acknowledges. A wanted log of incarnation 0 stands for every
	// incarnation of that channel and name. grew may be called by any goroutine
	// whenever a log of interest has grown, must be called for growth that happens
	// after Open has read the heads, never blocks, and does nothing once closed was
	// called. closed is called once, when the session is over.
	Open(peer Peer, grew func(protocol.Head)) (have []protocol.Head, want []protocol.LogID, cert []byte, closed func(), err error)

	// Load returns blocks of the log after from, in order, of at most limit events
	// in all, with the introductions of the epochs they are sealed in. The first
	// block may begin before from where it can't be cut again. Nothing after from
	// is no error. Load doesn't overlap itself for one log of a session.
	Load(ctx context.Context, peer Peer, log protocol.LogID, from protocol.Position, limit int) ([]protocol.Epoch, []protocol.Block, error)

	// Store takes one block, which follows what was stored or taken before; it may
	// begin earlier, then what is held already is compared and skipped, and another
	// event at one place is [fault.Conflict]. The caller has checked its bounds and
	// its body's hash and nothing else: signature and right are the host's to judge. done is called exactly once, by any goroutine, when the block
	// is durable here, with where the log then stands and the acknowledgement where
	// this host makes one, or when it is refused. [fault.Invalid], [fault.Denied] and
	// [fault.Conflict] end the log for this session; [fault.NotFound] asks for the
	// epoch's introduction; any other kind has the block sent again later. Store may
	// block for back-pressure. Store, Introduce and Acknowledged don't overlap each
	// other in one session.
	Store(ctx context.Context, peer Peer, b *protocol.Block, done func(at protocol.Position, ack *protocol.Ack, err error))

	// Introduce takes the introduction of an epoch, before the blocks sealed in it.
	// A failure ends the session.
	Introduce(ctx context.Context, peer Peer, e *protocol.Epoch) error

	// Acknowledged takes a statement about a log of this host, of the peer or passed
	// on by it; peer.Cert then certifies who signed. Signature and hash are the host's
	// to verify. A failure ends the session.
	Acknowledged(ctx context.Context, peer Peer, a *protocol.Ack) error
}

// A Finder is a [Host] that carries or wants logs which it does not name when a
// session begins. In what [Host.Open] wants, the name [protocol.Every] stands for
// all logs of a channel.
type Finder interface {
	// Find returns how far this host holds the log, or from where on it wants it, and
	// a signed statement of that where it makes one. claimed is where the peer's
	// hello said that it is, or where it asks to begin; zero where it said neither. An
	// error leaves the log alone for this session. Growth of the log is told from then
	// on. Find doesn't overlap Store, Introduce and Acknowledged.
	Find(ctx context.Context, peer Peer, log protocol.LogID, claimed protocol.Position) (protocol.Position, *protocol.Ack, error)
}

// A BaseWriter is a [Host] whose logs may be begun with a base.
type BaseWriter interface {
	// Base returns the signed base to offer to a reader that has nothing of the log, or
	// lacks much of a catalogue, or nil where it does as well to send the events. Until
	// the session ends, Load returns blocks of the base's state. Calls may overlap.
	Base(ctx context.Context, peer Peer, log protocol.LogID) (*protocol.Base, error)
}

// A BaseReader is a [Host] that may begin a log with a base.
type BaseReader interface {
	// TakesBases reports whether it begins inboxes so now, and what it says of
	// catalogues: 0, [protocol.TakesShelf] or [protocol.NeedsShelf].
	TakesBases() (inboxes bool, catalogues uint8)

	// TakeBase takes an offer, and returns how far the base's state was brought by
	// sessions before. Signature and right are the host's to judge; after an error the
	// peer is asked for the events. Blocks of the state then come by Store. Before done
	// is called for the last of them, or TakeBase returns the state's end, the whole
	// state is durable and the log stands where the base says; what Store says is
	// durable before, it may forget when it ends. TakeBase doesn't overlap Store.
	TakeBase(ctx context.Context, peer Peer, b *protocol.Base) (protocol.Position, error)
}

// A Witness is a [Host] that wants to hear what is durable at the peer of its own
// logs. Holds doesn't overlap Store, Introduce and Acknowledged.
type Witness interface {
	Holds(ctx context.Context, peer Peer, head protocol.Head)
}

// A Relay is a [Host] that carries for others. Join is called once a session,
// after Open; line may be used by any goroutine until Open's closed was called,
// and does nothing afterwards.
type Relay interface {
	Join(peer Peer, line Line)
}

// A Line is how a [Relay] speaks into a session. Its functions don't block.
type Line struct {
	Pass func(protocol.Passed)   // Hands an acknowledgement on to the peer.
	Wish func(protocol.Head)     // Asks the peer for a log after a position, again if need be.
	Tell func(*protocol.Fare)    // Tells how a release on trial fares; before the peer's hello it is lost.
	Ask  func(*protocol.Inquiry) // Asks where a case stands; before the peer's hello, and of who answers nobody, it is lost.

	Forgot func(*protocol.Forgotten) // Tells what is forgotten here by order; likewise.
}

// A Minder is a [Host] that wants to hear up to where a peer has carried out orders of
// erasure. Forgot doesn't overlap Store, Introduce and Acknowledged.
type Minder interface {
	Forgot(ctx context.Context, peer Peer, f *protocol.Forgotten)
}

// An Overseer is a [Host] that wants to hear how a release fares that is on trial at
// the peer. Fared doesn't overlap Store, Introduce and Acknowledged.
type Overseer interface {
	Fared(ctx context.Context, peer Peer, f *protocol.Fare)
}

// An Informant is a [Host] that says where cases stand, or hears what it asked about
// that. Inquired returns the answer to what was asked, or nil: it says nothing. Calls
// may overlap each other and all others.
type Informant interface {
	Inquired(ctx context.Context, peer Peer, q *protocol.Inquiry) *protocol.Inquiry
}

// An Action is what a [Session] asks its runner to do. It is one of [Send],
// [Load], [Deliver], [Introduce], [Acknowledged], [Find], [Holds], [FindBase],
// [TakeBase], [Fared], [Inquired], [Forgot], [Wait] and [Note].
type Action interface{ action() }

// Send asks for a message to be sent. Messages that carry blocks and epochs are
// sent in order; any other may overtake those.
type Send struct{ Message *protocol.Message }

// Load asks for blocks of a log after From, at most Limit events, to be answered
// by [Session.Loaded] or [Session.Unloaded].
type Load struct {
	Log   protocol.LogID
	From  protocol.Position
	Limit int
}

// Deliver asks for a block to be stored, to be answered by [Session.Stored] or
// [Session.Rejected]. Blocks of one log are delivered in its order.
type Deliver struct{ Block *protocol.Block }

// Introduce asks for an epoch to be taken up before what is delivered later.
type Introduce struct{ Epoch *protocol.Epoch }

// Acknowledged hands over an acknowledgement. Cert certifies who signed it where
// that was not the peer; nil is the certificate of the peer's hello.
type Acknowledged struct {
	Ack  *protocol.Ack
	Cert []byte
}

// Find asks where we stand with a log that nobody named when the session began,
// to be answered by [Session.Located]: the peer carries it and we may want it, or
// it asks for it. At is where the peer said in its hello, or asks to begin.
type Find struct {
	Log protocol.LogID
	At  protocol.Position
}

// Holds tells what is durable at the peer of a log that we don't read.
type Holds struct{ Head protocol.Head }

// FindBase asks for the base to offer of a log that the peer has nothing of, to be
// answered by [Basing.Based].
type FindBase struct{ Log protocol.LogID }

// TakeBase hands over the offer of a base, to be answered by [Basing.Taking].
type TakeBase struct{ Base *protocol.Base }

// Fared hands over what the peer tells of a release on trial.
type Fared struct{ Fare *protocol.Fare }

// Inquired hands over what the peer asks, or answers, about a case.
type Inquired struct{ Inquiry *protocol.Inquiry }

// Forgot hands over up to where the peer has carried out orders of erasure.
type Forgot struct{ Forgotten *protocol.Forgotten }

// Wait asks for [Session.Resume] after a while. A later Wait replaces it.
type Wait struct{ Millis uint32 }

// Note tells what an operator may want to know. The session goes on.
type Note struct {
	What NoteKind
	Log  protocol.LogID    // Zero for PeerBusy.
	At   protocol.Position // Where it happened: the peer's claim, or the block's first event without a hash.
	Kind fault.Kind        // Of PeerRefused and WeRefused.
	Text string
}

// NoteKind says what a [Note] is about.
type NoteKind uint8

// The kinds of note.
const (
	PeerBusy    NoteKind = iota + 1 // The peer asked us to hold our blocks.
	PeerRefused                     // The peer doesn't take this log from us, or doesn't continue it.
	WeRefused                       // We didn't take a block of the peer's.
	PeerAhead                       // The peer holds more of a log that we don't read: we may have lost its end.
	Forked                          // The peer holds another event at a position that we hold.
)

func (k NoteKind) String() string {
	return [...]string{"", "peer_busy", "peer_refused", "we_refused", "peer_ahead", "forked"}[k]
}

func (Send) action()         {}
func (Load) action()         {}
func (Deliver) action()      {}
func (Introduce) action()    {}
func (Acknowledged) action() {}
func (Find) action()         {}
func (Holds) action()        {}
func (FindBase) action()     {}
func (TakeBase) action()     {}
func (Fared) action()        {}
func (Inquired) action()     {}
func (Forgot) action()       {}
func (Wait) action()         {}
func (Note) action()         {}
