package register

import (
	"crypto/sha256"

	"github.com/fxamacker/cbor/v2"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
)

// Method names what a command does.
type Method string

// The commands. The comment names the type of the body and, after an arrow, of
// the answer's body.
const (
	// Of the hub itself, by [ActorHub].
	Genesis       Method = "genesis"        // Founding; the first command of all.
	EnrolNode     Method = "enrol-node"     // NodeKeys → Node.
	EnrolServer   Method = "enrol-server"   // Server → Server.
	ServerAddress Method = "server-address" // Server; ID, Address, HTTP and Voter count.
	NodeAddress   Method = "node-address"   // NodePlace.
	DocumentKept  Method = "document-kept"  // PaperKept.
	ReturnNode    Method = "return-node"    // NodeReturn → Node.

	// Of an operator.
	AddUser      Method = "add-user"      // User.
	DisableUser  Method = "disable-user"  // Name.
	CreateToken  Method = "create-token"  // Token; Nonce, Role, Centre and Expires count.
	RevokeToken  Method = "revoke-token"  // Name: Token.ID.
	RevokeNode   Method = "revoke-node"   // Revocation.
	RotateGossip Method = "rotate-gossip" // Rotation → KeyStep.
	RemoveServer Method = "remove-server"
	BackedUp     Method = "backed-up"    // Backup → protocol.Watermark.
	AddVersions  Method = "add-versions" // Parcel without a release: for what is too large for one entry.
	Publish      Method = "publish"      // Parcel.

	// Of an operator, since format 4.
	TryRelease     Method = "try-release"     // TrialOrder.
	PromoteRelease Method = "promote-release" // TrialWord.
	HaltRelease    Method = "halt-release"    // TrialWord.
	BlockBase      Method = "block-base"      // BlockedBase.

	ProposeChange   Method = "propose-change"   // Of an officer or a supervisor, since format 4. ChangeAsked → catalogue.Proposal.
	SettleProposals Method = "settle-proposals" // Of an operator, since format 4. Choice.

	ReleaseFared Method = "release-fared" // By ActorHub. FareTold.

	// Of an officer, on Command.Number with Command.Expect. Body: Act. A conflict
	// answers with a Difference.
	Take    Method = "take"
	Note    Method = "note"
	Decide  Method = "decide"
	Forward Method = "forward"
	Approve Method = "approve"
	Reject  Method = "reject"

	// The same, since format 3.
	RequestInfo Method = "request-info"
	Return      Method = "return"
	Check       Method = "check"
	Link        Method = "duplicate"
	Pay         Method = "pay"
	Prepare     Method = "prepare"
	Issue       Method = "issue"
	HandOver    Method = "hand-over"
	Dispatch    Method = "post"
	ComeBack    Method = "returned"
	Close       Method = "close"
	Appeal      Method = "appeal"

	// Of an officer, since format 4.
	Revoke    Method = "revoke"     // Act.
	HandBack  Method = "hand-back"  // Act.
	PrintCopy Method = "print-copy" // CopyAsked → Copy.

	// Of an operator, since format 4.
	AllowLease Method = "allow-lease" // LeaseOrder → Tenancy.
	EndLease   Method = "end-lease"   // LeaseOrder → Tenancy.

	// Of an operator, since format 4.
	AddAgency     Method = "add-agency"     // AgencyTold.
	RevokeAgency  Method = "revoke-agency"  // AgencyWord.
	RefuseVersion Method = "refuse-version" // AgencyWord: what the agency submitted last.

	SubmitVersion Method = "submit-version" // By ActorHub. Submitted; its signature is an editor's.

	Train Method = "train" // Whoever monitors a centre notes what an entrepreneur was trained in. Training; since format 4.

	// Of a clerk, since format 4: what reached his office itself. Entering → Entered.
	Enter Method = "enter"

	OrderErasure   Method = "order-erasure"   // An officer orders that cases be erased. ErasureOrder; since format 4.
	ConfirmErasure Method = "confirm-erasure" // Another one confirms it, and it is done. ErasureWord.
	DropErasure    Method = "drop-erasure"    // It won't be done. ErasureWord.
	KnowErasures   Method = "know-erasures"   // By ActorHub: what a register before this one erased. ErasuresKnown.
	GiveWarrants   Method = "give-warrants"   // By ActorHub: the authority's words on an order that was carried out. WarrantGiven.

	// The district's sealing keys, since format 4.
	DrawSealing     Method = "draw-sealing-key"     // Of an operator, by a server that has drawn it. SealingDrawn → Generation.
	HoldSealing     Method = "hold-sealing-key"     // By ActorHub: a server has it on its disk. SealingHeld.
	AnnounceSealing Method = "announce-sealing-key" // Of an operator: boxes seal to it from now on. SealingNamed → Generation.
	KnowSealing     Method = "know-sealing-keys"    // By ActorHub: those of the register before this one. SealingKnown.
	ExpireSealing   Method = "expire-sealing-key"   // Of an operator: nothing sealed to it is taken in any more. SealingNamed → Generation.
	KeepSealing     Method = "keep-sealing-key"     // Of an operator: it does not expire after all. SealingNamed → Generation.
	CutSealing      Method = "cut-sealing-key"      // By ActorHub: a server's log holds nothing for it. SealingCut.
	EndSealing      Method = "end-sealing-key"      // By ActorHub: no server needs it. SealingEnded.
	DropSealing     Method = "drop-sealing-key"     // By ActorHub: a server has thrown it away. SealingCut.
	KeepOpenings    Method = "keep-openings"        // By ActorHub: what opens what was sealed to a key that is to go. OpeningsKept.
	KnowOpenings    Method = "know-openings"        // By ActorHub: those of the register before this one. OpeningsKnown.

	// Who has carried erasures out, since format 4.
	ServerHasForgot Method = "server-has-forgot" // By ActorHub. ServerForgot.
	BoxHasForgot    Method = "box-has-forgot"    // By ActorHub. BoxForgot.
	CopiesAreGone   Method = "copies-are-gone"   // Of an operator. CopiesGone.

	Relate Method = "relate" // An officer says whether two applicants are one person. Likening; since format 4.
	Settle Method = "settle" // An officer says what comes of an item. Settlement.

	EndMatter Method = "end-matter" // An officer ends what stands on his desk and is no item. MatterEnd; since format 4.

	Tick  Method = "tick"  // The hub has what is due looked at. Due.
	Weigh Method = "weigh" // The hub has judged a correction, since format 4. Weighed.
	Hear  Method = "hear"  // The hub has asked another register, since format 4. Heard.

	// Of whoever reads a case: it records the look. No body.
	Look Method = "look"

	// Of whoever reads what desks and officers have come to, since format 4. ReportAsked.
	LookReport Method = "look-report"
)

// Methods returns every command there is, in a fixed order.
func Methods() []Method {
	return []Method{
		Genesis, EnrolNode, EnrolServer, ServerAddress, NodeAddress, DocumentKept, ReturnNode, AddUser, DisableUser, CreateToken, RevokeToken, RevokeNode,
		RotateGossip, RemoveServer, BackedUp, AddVersions, Publish, Take, Note, Decide, Forward, Approve, Reject, Look, Weigh,
		OrderErasure, ConfirmErasure, DropErasure, KnowErasures, GiveWarrants, ServerHasForgot, BoxHasForgot, CopiesAreGone,
		DrawSealing, HoldSealing, AnnounceSealing, KnowSealing, ExpireSealing, KeepSealing, CutSealing, EndSealing, DropSealing, KeepOpenings, KnowOpenings,
		RequestInfo, Return, Check, Link, Pay, Prepare, Issue, HandOver, Dispatch, ComeBack, Close, Appeal, Settle, Tick, Relate, Hear,
		TryRelease, PromoteRelease, HaltRelease, ReleaseFared, LookReport, AllowLease, EndLease, Train, BlockBase, Enter,
		ProposeChange, SettleProposals,
		AddAgency, RevokeAgency, RefuseVersion, SubmitVersion, Revoke, HandBack, PrintCopy, EndMatter,
	}
}

// Actors that are no users. A hub vouches for who speaks as one of them.
const (
	ActorHub     = "@hub"     // A server, for itself.
	ActorControl = "@control" // The operator of a server's machine.
)

// A Command asks for one change. The same ID by the same actor gets the same
// answer, once and for all.
type Command struct {
	ID     string          `cbor:"1,keyasint"` // 1 to 128 bytes, picked by who asks.
	Actor  string          `cbor:"2,keyasint"` // A user, or one of the actors above.
	Method Method          `cbor:"3,keyasint"`
	Expect uint64          `cbor:"4,keyasint,omitempty"` // The version of the case that the actor saw.
	Number protocol.Number `cbor:"5,keyasint,omitempty"`
	Body   cbor.RawMessage `cbor:"6,keyasint,omitempty"`
}

// NewCommand returns a command with its body encoded; a nil body is none.
func NewCommand(id, actor string, m Method, body any) Command {
	c := Command{ID: id, Actor: actor, Method: m}
	if body != nil {
		c.Body = protocol.Marshal(body)
	}
	return c
}

// digest tells two commands of one ID apart.
func (c *Command) digest() protocol.Hash {
	body := []byte(c.Body)
	switch c.Method {
	case Enter:
		body = c.asked()
	case EndMatter:
		body = c.ending()
	case ConfirmErasure:
		body = c.confirming()
	default: // It is all that was asked for.
	}
	return sha256.Sum256(protocol.Marshal(struct {
		_      struct{} `cbor:",toarray"`
		Method Method
		Expect uint64
		Number protocol.Number
		Body   []byte
	}{Method: c.Method, Expect: c.Expect, Number: c.Number, Body: body}))
}

// A Founding is the body of genesis.
type Founding struct {
	District     string   `cbor:"1,keyasint"` // Two digits.
	Country      string   `cbor:"2,keyasint"` // Such as "bd".
	Incarnation  uint64   `cbor:"3,keyasint"` // Drawn at random; every log of the hub carries it.
	Authority    []byte   `cbor:"4,keyasint"` // The district's certificate authority, DER.
	CatalogueKey []byte   `cbor:"5,keyasint"` // Public key that signs releases.
	Recipients   [][]byte `cbor:"6,keyasint"` // Public sealing keys, the district's first.
	Operator     User     `cbor:"7,keyasint"` // The first operator.
	Server       Server   `cbor:"8,keyasint"` // The first server.

	Anew *Anew `cbor:"9,keyasint,omitempty"` // Where every server was lost before.
}

// Anew is what a register that begins anew is told of the one before.
type Anew struct {
	Refounding protocol.Refounding `cbor:"1,keyasint"`
	Revoked    []identity.KeyID    `cbor:"2,keyasint,omitempty"` // Signing keys of boxes that may not return.
	FirstSlot  int                 `cbor:"3,keyasint"`           // Of the boxes that are enrolled from now on: behind all that may have been given out.
}

// A User is a person with a login.
type User struct {
	Name     string       `cbor:"1,keyasint"`
	Role     access.Role  `cbor:"2,keyasint"`
	Seat     place.Seat   `cbor:"3,keyasint"`           // Of a clerk, an officer or a supervisor.
	Centre   place.Centre `cbor:"4,keyasint,omitempty"` // Of an entrepreneur.
	Gender   string       `cbor:"5,keyasint,omitempty"` // "f" or "m" (R-CE2).
	Hash     string       `cbor:"6,keyasint"`           // argon2id. An officer's never leaves the hub.
	From     int64        `cbor:"7,keyasint"`           // Unix seconds.
	Until    int64        `cbor:"8,keyasint,omitempty"` // Unix seconds; 0 is open.
	Disabled bool         `cbor:"9,keyasint,omitempty"`

	// Of is another login of the same person, such as that of the post that he has beside
	// an acting charge; the register keeps the first of them. Since format 4.
	Of string `cbor:"10,keyasint,omitempty"`

	DisabledAt int64 `cbor:"11,keyasint,omitempty"` // Unix seconds; of officers who act at boxes, whose acts come later.

	Training []Training `cbor:"60,keyasint,omitempty"` // Of an entrepreneur, as it was noted; the newest of a tag counts.
}

// ActiveAt reports whether the user may sign in at the time, in Unix seconds.
func (u *User) ActiveAt(unix int64) bool {
	return !u.Disabled && unix >= u.From && (u.Until == 0 || unix < u.Until)
}

// A Name is the body of commands that need nothing else.
type Name struct {
	Name string `cbor:"1,keyasint"`
}

// NodeKeys is the body of enrol-node: what a new box showed and what the leader
// certified for it. Slot and Spare are those that [Machines.NextSlots] named;
// when another box took them in between, the command is refused as a conflict.
type NodeKeys struct {
	Nonce       protocol.Hash `cbor:"1,keyasint"` // SHA-256 of the join token's nonce.
	Centre      place.Centre  `cbor:"2,keyasint"`
	Slot        string        `cbor:"3,keyasint"`
	Spare       string        `cbor:"4,keyasint"`
	Signing     []byte        `cbor:"5,keyasint"` // Public keys.
	TLS         []byte        `cbor:"6,keyasint"`
	Sealing     []byte        `cbor:"7,keyasint"`
	TLSCert     []byte        `cbor:"8,keyasint"`
	SigningCert []byte        `cbor:"9,keyasint"`
	Gossip      string        `cbor:"10,keyasint,omitempty"` // host:port.
	GossipKey   []byte        `cbor:"11,keyasint"`           // 32 fresh random bytes; used if the upazila has none yet.
}

// NodePlace is the body of NodeAddress.
type NodePlace struct {
	Slot   string `cbor:"1,keyasint"`
	Gossip string `cbor:"2,keyasint"` // host:port.
}

// A Node is an enrolled box.
type Node struct {
	NodeKeys
	EnrolledAt int64          `cbor:"20,keyasint"`           // Unix milliseconds.
	RevokedAt  int64          `cbor:"21,keyasint,omitempty"` // Unix milliseconds; 0 is not.
	Reason     string         `cbor:"22,keyasint,omitempty"`
	CopiedAt   int64          `cbor:"23,keyasint,omitempty"` // Unix milliseconds; when a copy of this box was first seen, 0 is never.
	SealsTo    identity.KeyID `cbor:"75,keyasint,omitzero"`  // The district's key that it said last it seals to; zero: the first, or it never heard of another.
	StandIn    bool           `cbor:"24,keyasint,omitempty"` // The slot is an earlier box's: the keys are of the centre's box that brings its log.
}

// A Server is a member of the hub's group, voting or not.
type Server struct {
	ID          string        `cbor:"1,keyasint"`
	Address     string        `cbor:"2,keyasint"` // QUIC, host:port.
	HTTP        string        `cbor:"3,keyasint,omitempty"`
	Voter       bool          `cbor:"4,keyasint"`
	Nonce       protocol.Hash `cbor:"5,keyasint"` // SHA-256 of the join token's nonce; zero for the first.
	Signing     []byte        `cbor:"6,keyasint"`
	TLS         []byte        `cbor:"7,keyasint"`
	Sealing     []byte        `cbor:"8,keyasint"`
	TLSCert     []byte        `cbor:"9,keyasint"`
	SigningCert []byte        `cbor:"10,keyasint"`
	JoinedAt    int64         `cbor:"11,keyasint"`           // Unix milliseconds; set by the register.
	RemovedAt   int64         `cbor:"12,keyasint,omitempty"` // Unix milliseconds; 0 is not.
}

// A Token is a join token as the register knows it: it holds no secret.
type Token struct {
	Nonce     protocol.Hash `cbor:"1,keyasint"` // SHA-256 of the token's nonce.
	Role      string        `cbor:"2,keyasint"` // identity.RoleNode or RoleServer.
	Centre    place.Centre  `cbor:"3,keyasint,omitempty"`
	Expires   int64         `cbor:"4,keyasint"` // Unix seconds.
	By        string        `cbor:"5,keyasint"`
	CreatedAt int64         `cbor:"6,keyasint"`           // Unix milliseconds.
	BurntAt   int64         `cbor:"7,keyasint,omitempty"` // Unix milliseconds; 0 is not.
	BurntBy   []byte        `cbor:"8,keyasint,omitempty"` // The signing key that it enrolled.
	RevokedAt int64         `cbor:"9,keyasint,omitempty"`
}

// ID is the short name by which an operator revokes a token.
func (t *Token) ID() string { return t.Nonce.String()[:16] }

// A Revocation is the body of revoke-node.
type Revocation struct {
	Centre    place.Centre `cbor:"1,keyasint"`
	Reason    string       `cbor:"2,keyasint,omitempty"`
	GossipKey []byte       `cbor:"3,keyasint"` // 32 fresh random bytes: the upazila's key from now on.
}

// A Parcel is the body of publish: encodings as package catalogue makes them.
type Parcel struct {
	Versions  [][]byte `cbor:"1,keyasint,omitempty"`
	Directory []byte   `cbor:"2,keyasint,omitempty"`
	Signed    []byte   `cbor:"3,keyasint,omitempty"` // The CBOR of a catalogue.Signed.

	Origin []byte `cbor:"55,keyasint,omitempty"` // The encoding of the release's origin. Since format 4.

	Bounds []byte `cbor:"100,keyasint,omitempty"` // That of what its base lets a district change. Since format 4.
}

// An Act is the body of what officers do. Which parts count, the method says.
type Act struct {
	Opinion application.Opinion `cbor:"1,keyasint,omitempty"` // Decide.
	Text    string              `cbor:"2,keyasint,omitempty"`
	Reason  string              `cbor:"3,keyasint,omitempty"` // Reject, revoke: a reason code.
	To      string              `cbor:"4,keyasint,omitempty"` // Forward: the post of a later step; empty is the next.

	Items    []string           `cbor:"5,keyasint,omitempty"`   // Request-info: answers ("form.mouza") and documents.
	Check    string             `cbor:"6,keyasint,omitempty"`   // Check: its ID.
	Document *protocol.Document `cbor:"7,keyasint,omitempty"`   // Check: what shows it.
	Amount   int64              `cbor:"8,keyasint,omitempty"`   // Pay: poisha.
	At       int64              `cbor:"9,keyasint,omitempty"`   // Pay: when it was paid, Unix seconds; 0 is now.
	Until    int64              `cbor:"10,keyasint,omitempty"`  // Prepare: the delivery date's last second, Unix seconds.
	Primary  protocol.Number    `cbor:"11,keyasint,omitempty"`  // Duplicate: the other case.
	Books    string             `cbor:"110,keyasint,omitempty"` // Pay: the item whose payment counts.
	Cites    []string           `cbor:"50,keyasint,omitempty"`  // Note, decide: answers that it rests on, as form.NAME or applicant.NAME.
}

// Due is the body of tick.
type Due struct {
	Numbers []protocol.Number `cbor:"1,keyasint"`
}

// A Settlement is the body of settle: what came of an item of the command's case.
type Settlement struct {
	Item    string `cbor:"1,keyasint"` // Its ID.
	Outcome string `cbor:"2,keyasint"` // One of Outcomes.
	Text    string `cbor:"3,keyasint"`

	Payout       // Of a refund that is owed and was paid. Since format 4.
	Poisha int64 `cbor:"107,keyasint,omitempty"` // How much is to be paid back; 0: what the item is about.
	Owes   bool  `cbor:"108,keyasint,omitempty"` // Refund: what is to be paid back is an item, and ends with a voucher.
}

// A Difference answers an officer who was overtaken: what the case is now and
// what happened since the version he saw.
type Difference struct {
	Expected uint64     `cbor:"1,keyasint"`
	Current  uint64     `cbor:"2,keyasint"`
	Stage    string     `cbor:"3,keyasint"`
	Seat     place.Seat `cbor:"4,keyasint"`
	Holder   string     `cbor:"5,keyasint,omitempty"`
	Since    []Turn     `cbor:"6,keyasint,omitempty"` // The newest ten at most.
}
