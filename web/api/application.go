package api

import (
	"encoding/json"
	"strconv"
	"time"

	"kendro/domain/application"
	"kendro/domain/place"
	"kendro/protocol"
)

// Custody is how safe a record is, as the citizen sees it on the slip.
type Custody string

// The custody marks of the contract; see also [Replicated].
const (
	Local        Custody = "LOCAL"        // On the disk of the box that took it.
	Accepted     Custody = "ACCEPTED"     // Signed for by the district's hub.
	Seen         Custody = "SEEN"         // Opened by an officer.
	Quarantined  Custody = "QUARANTINED"  // Held aside by the hub.
	Transferring Custody = "TRANSFERRING" // On its way to another district.
	Erased       Custody = "ERASED"       // What told of the citizen was erased by order.
)

// Replicated is the custody of a record with sealed copies at k neighbours.
func Replicated(k int) Custody { return Custody("REPLICATED(" + strconv.Itoa(k) + ")") }

// A DocumentNote says of one document of the service that its original was seen
// at the counter, or that it was scanned.
type DocumentNote struct {
	ID                string `json:"id" maxLength:"128"`
	OriginalAtCounter bool   `json:"original_at_counter,omitempty"`
	SHA256            string `json:"sha256,omitempty" doc:"Of what is kept of the scan"`
	Size              uint32 `json:"size,omitempty" doc:"Bytes of what is kept"`
	Type              string `json:"type,omitempty" doc:"application/pdf, image/jpeg or image/png"`
	Missing           bool   `json:"missing,omitempty" doc:"The case names it, and it has not arrived here"`
}

// A DocumentRequest names one document of an application: its original was seen,
// or it was uploaded before.
type DocumentRequest struct {
	Kind              string `json:"kind,omitempty" maxLength:"128" doc:"As the service names it; id says the same"`
	ID                string `json:"id,omitempty" maxLength:"128"`
	OriginalAtCounter bool   `json:"original_at_counter,omitempty"`
	SHA256            string `json:"sha256,omitempty" doc:"Of an upload: as it was sent, or as it is kept"`
}

// ApplicationRequest is the body of POST /v1/applications.
type ApplicationRequest struct {
	Service   string            `json:"service" doc:"ID of the service, as in the catalogue"`
	Version   int               `json:"version,omitempty" doc:"Version that the form was made for; absent: the current one"`
	Form      json.RawMessage   `json:"form" doc:"Answers to the form of that version (JSON Schema in the catalogue)"`
	Channel   string            `json:"channel" doc:"How the application came: counter, post, online, phone, fax, uno_office or centre"`
	Applicant json.RawMessage   `json:"applicant" doc:"Who applies"`
	Documents []DocumentRequest `json:"documents,omitempty"`
	PostedOn  string            `json:"posted_on,omitempty" doc:"Postmark of what came by post, or day of a fax, 2026-11-20; the office's clock starts at its entry"`

	Elsewhere *protocol.Elsewhere `json:"elsewhere,omitempty" doc:"How another system knows it, where it is taken over from there; at a hub alone"`

	DuplicateReason string `json:"duplicate_reason,omitempty" maxLength:"1000" doc:"Why it is filed though one like it was taken; the officer reads it"`
}

// A Receipt is the node's signed promise that the event stands in its log.
type Receipt struct {
	Log       protocol.LogID `json:"log"`
	Seq       uint64         `json:"seq"`
	Hash      protocol.Hash  `json:"hash"`
	Signature Bytes          `json:"signature"`
	IssuedAt  Time           `json:"issued_at"`
}

// ReceiptOf puts a protocol receipt into JSON's words.
func ReceiptOf(r protocol.Receipt, issued time.Time) Receipt {
	return Receipt{Log: r.Log, Seq: r.At.Seq, Hash: r.At.Hash, Signature: r.Signature, IssuedAt: TimeOf(issued)}
}

// ApplicationAnswer is the answer to POST /v1/applications: 201, and only when
// the application is on the disk.
type ApplicationAnswer struct {
	Number         protocol.Number `json:"number"`
	Receipt        Receipt         `json:"receipt"`
	Custody        Custody         `json:"custody"`
	Fees           []protocol.Fee  `json:"fees"`
	Code           string          `json:"collection_code,omitempty" doc:"Printed on the receipt alone: whoever knows it is handed what is issued"`
	ServiceVersion int             `json:"service_version"`
	ServiceHash    string          `json:"service_hash" doc:"Hash of the pinned version"`
	Before         bool            `json:"taken_before,omitempty" doc:"It was taken before, by this very request or out of the other system: nothing was done now"`
}

// A Named is a code with its words.
type Named struct {
	Code string `json:"code"`
	BN   string `json:"bn"`
	EN   string `json:"en"`
}

// NamedOf joins a code and its name.
func NamedOf(code string, n place.Name) *Named {
	if code == "" {
		return nil
	}
	return &Named{Code: code, BN: n.BN, EN: n.EN}
}

// Name returns the words.
func (n *Named) Name() place.Name {
	if n == nil {
		return place.Name{}
	}
	return place.Name{BN: n.BN, EN: n.EN}
}

// A Tracking is the answer to GET /v1/track/{number}: what anybody with the
// number may know.
type Tracking struct {
	Number   protocol.Number `json:"number"`
	Stage    string          `json:"stage"`
	Office   *Named          `json:"office" doc:"Where it lies; null when it is final or with the centre"`
	Since    Time            `json:"since" doc:"Start of the stage"`
	NextStep *Named          `json:"next_step"`
	Expected *Date           `json:"expected" doc:"Day by which the service promises a decision, or null"`
	Custody  Custody         `json:"custody"`
	AsOf     Time            `json:"as_of" doc:"When the answering machine last knew the stage"`
	Asking

	AskedUnder int `json:"asked_under,omitempty" doc:"The version of the service under which that is answered, where it is a newer one than the case's"`

	AskedNames []Named `json:"asked_names,omitempty" doc:"The same as asked, in words"`

	Demand *DemandNote `json:"demand,omitempty"`
	Mode   string      `json:"delivery_mode,omitempty"`
	Missed
	AppealBy *Date `json:"appeal_until,omitempty"`
	Rulings

	Refund *RefundNote `json:"refund,omitempty"`

	Source string `json:"source,omitempty" enum:"hub,memory" doc:"At a box, of another centre's case: the hub says so now, or said so when it was asked before; as_of tells when"`
	// Erased is set where what told of the citizen was erased by order.
	Erased *ErasureNote `json:"erased,omitempty"`
	// Also names further cases whose slips carry this number; seldom indeed.
	Also []protocol.Number `json:"also,omitempty" doc:"Further cases whose slips carry this number"`
}

// Rulings are what the district says of what the citizen holds, or has put right.
type Rulings struct {
	Paper   string `json:"certificate,omitempty" enum:"waits,confirmed,refused,renewed,revoked" doc:"What the certificate is to the district that was issued on it last"`
	Putting string `json:"correction,omitempty" enum:"waits,taken,refused" doc:"What has come of the newest correction of its answers"`
}

// RulingsOf puts what a standing says of it into JSON's words.
func RulingsOf(st *protocol.Standing) Rulings {
	r := Rulings{Putting: st.Correction}
	if k := st.Certificate; k != nil {
		r.Paper = k.State
	}
	return r
}

// An Asking is what an applicant is asked for and has not brought.
type Asking struct {
	Asked      []string `json:"asked,omitempty" doc:"What the applicant is asked for: form.NAME for an answer, the ID of a document"`
	Why        string   `json:"asked_why,omitempty"`
	AskedUntil *Date    `json:"asked_until,omitempty" doc:"The last day for it; absent: it is waited for"`
	AskedOver  bool     `json:"asked_over,omitempty" doc:"That day is over, and the desk goes on without: what is brought all the same is taken until the case is decided"`
}

// AskingOf is what a citizen is asked for, as somebody who reads the clock says.
func AskingOf(st *protocol.Standing, now time.Time) Asking {
	if len(st.Items) == 0 {
		return Asking{}
	}
	return Asking{
		Asked: st.Items, Why: st.Reason, AskedUntil: DateOf(st.SupplyBy),
		AskedOver: st.Unanswered || st.SupplyBy > 0 && now.Unix() > st.SupplyBy,
	}
}

// Missed are the terms that have run out on a case.
type Missed struct {
	Overdue bool        `json:"overdue,omitempty" doc:"The office's own: a superior was told"`
	Lapsed  *DemandNote `json:"lapsed,omitempty" doc:"A demand whose term is over: what was paid within it counts still"`
}

// Owes puts what is to be paid by the district's own word.
func (t *Tracking) Owes(d *protocol.Demand) {
	switch note := DemandOf(t.Number, d); {
	case d == nil: // Of a version before: the standing has said the sum.
	case d.Lapsed:
		t.Demand, t.Lapsed = nil, note
	default:
		t.Demand = note
	}
}

// The sources of a [Tracking] of another centre's case; [FromHub] is the other.
const FromMemory = "memory"

// A ServiceRef names the pinned version of a case.
type ServiceRef struct {
	ID      string     `json:"id"`
	Version int        `json:"version"`
	Hash    string     `json:"hash"`
	Name    place.Name `json:"name"`
}

// A Record is the answer to GET /v1/applications/{number}, for those entitled.
// Version is also its ETag.
type Record struct {
	Number      protocol.Number `json:"number"`
	Version     uint64          `json:"version"`
	Stage       string          `json:"stage"`
	Custody     Custody         `json:"custody"`
	Service     ServiceRef      `json:"service"`
	Centre      string          `json:"centre"`
	Channel     string          `json:"channel"`
	Form        json.RawMessage `json:"form"`
	Applicant   json.RawMessage `json:"applicant"`
	Documents   []DocumentNote  `json:"documents"`
	Fees        []protocol.Fee  `json:"fees"`
	Receipt     *Receipt        `json:"receipt,omitempty"`
	SubmittedAt Time            `json:"submitted_at"`
	Since       Time            `json:"since"`
	Office      *Named          `json:"office"`
	NextStep    *Named          `json:"next_step"`
	Due         *Date           `json:"due"`
	History     []HistoryEntry  `json:"history"`
	Assignment
	Course
}

// A Course is what a case goes through beyond its desks. Its members stand among
// the record's.
type Course struct {
	Asking
	Demand       *DemandNote      `json:"demand,omitempty" doc:"The open demand"`
	Delivery     *Date            `json:"delivery_date,omitempty"`
	DeliveryMode string           `json:"delivery_mode,omitempty"`
	Checks       []CheckNote      `json:"checks,omitempty"`
	Items        []Item           `json:"items,omitempty" doc:"What an officer has to decide, and has decided, beside the procedure"`
	Primary      protocol.Number  `json:"primary,omitempty" doc:"The case that this one is once more"`
	SeenBy       string           `json:"seen_by,omitempty" doc:"post@office of the superior to whom it went, overdue"`
	AppealUntil  *Date            `json:"appeal_until,omitempty"`
	Confidential bool             `json:"confidential,omitempty" doc:"A grievance: its answers and applicant are shown to the desks on its path alone, and at no box"`
	Acts         []ActNote        `json:"acts,omitempty" doc:"What the reader may do on the case now"`
	Article      string           `json:"article,omitempty" doc:"Number by which the post tracks what was sent"`
	Paper        *PaperNote       `json:"record,omitempty" doc:"The old paper that it asks for, such as a khatian"`
	PostedOn     string           `json:"posted_on,omitempty" doc:"Postmark of what came by post, or day of a fax"`
	Outside      *OutsideNote     `json:"outside,omitempty" doc:"What another authority's register has to say, or has said"`
	Certificate  *CertificateNote `json:"certificate,omitempty" doc:"What was issued under a number"`
	AtUnion      *Time            `json:"at_union_until,omitempty" doc:"The union decides it at its centre's box, under a lease that ends then"`
	Until        uint64           `json:"as_of_version,omitempty" doc:"The record is shown as it stood at this version"`
	Filing
}

// A Filing is what there is to say of how a case was filed. Its members stand among the
// record's.
type Filing struct {
	Elsewhere *protocol.Elsewhere `json:"elsewhere,omitempty" doc:"How another system knows it, from which it was taken over"`
	PutRight  []PutRight          `json:"corrections,omitempty" doc:"At a box: what it has put right"`

	Code     string `json:"collection_code,omitempty" doc:"At a box, and at a hub for the clerk who entered the case: printed on the receipt alone"`
	Despite  string `json:"duplicate_reason,omitempty" doc:"Why it was filed though one like it had been taken"`
	Variance int64  `json:"fee_variance,omitempty" doc:"By how many poisha it costs more than by the version in force when it came; below 0: less. What the receipt says stands"`

	Refund *RefundNote `json:"refund,omitempty" doc:"What is paid back"`

	Erased *ErasureNote `json:"erased,omitempty" doc:"What told of the citizen was erased by order: dates, desks and money are left"`
}

// An OutsideNote is where a case stands towards another authority's register.
type OutsideNote struct {
	Number   string `json:"number,omitempty" doc:"That the register gave"`
	Refused  string `json:"refused,omitempty" doc:"Why it gave none"`
	Since    *Time  `json:"since,omitempty" doc:"Since when the case waits for it"`
	Position int    `json:"position,omitempty" doc:"In the queue, from 1"`
}

// A PaperNote is an old paper that applications ask for, and its scan, if there is one.
type PaperNote struct {
	Area     string          `json:"area"`
	Text     string          `json:"text"`
	Requests uint64          `json:"requests"`
	SHA256   *protocol.Hash  `json:"sha256,omitempty" doc:"Of the scan; absent while there is none"`
	Number   protocol.Number `json:"scanned_for,omitempty"`
	Scanned  *Time           `json:"scanned_at,omitempty"`
}

// RecordShares is the answer to GET /v1/records: how far the records that were asked
// for are scanned, by upazila and together (R-LR7).
type RecordShares struct {
	Areas     []RecordShare `json:"areas"`
	Requested uint64        `json:"requested"`
	Scanned   uint64        `json:"scanned"`
	AsOf      Time          `json:"as_of"`
}

// A RecordShare is one upazila's.
type RecordShare struct {
	Area      *Named `json:"area"`
	Requested uint64 `json:"requested"`
	Scanned   uint64 `json:"scanned"`
}

// A DemandNote is what is to be paid, and until when.
type DemandNote struct {
	Poisha int64  `json:"poisha"`
	Due    *Date  `json:"due"`
	For    string `json:"for,omitempty" enum:"review,issue" doc:"Paid before the review, or after the approval; at a box, said of another centre's case alone"`
	ID     string `json:"id,omitempty" doc:"Tells the demand from the case's others"`
}

// A RefundNote is what is paid back on a case.
type RefundNote struct {
	Owed int64 `json:"owed_poisha" doc:"To be paid back still"`
	Paid int64 `json:"paid_poisha" doc:"Paid back so far"`
}

// RefundOf is what a standing says of money that is paid back, nil for nothing.
func RefundOf(r *protocol.RefundWord) *RefundNote {
	if r == nil {
		return nil
	}
	return &RefundNote{Owed: r.Due, Paid: r.Paid}
}

// DemandOf is what is to be paid on a case, nil for nothing.
func DemandOf(n protocol.Number, d *protocol.Demand) *DemandNote {
	if d == nil {
		return nil
	}
	return &DemandNote{Poisha: d.Owed, Due: DateOf(d.PayBy), For: d.For, ID: n.String() + "-" + strconv.FormatUint(d.Version, 10)}
}

// An ActNote is an act that the reader of a record may do. One with a bar is his
// only once that is out of its way.
type ActNote struct {
	Action string `json:"action"`
	Bar    string `json:"bar,omitempty" enum:"decision,check,rule,mandatory,desk,likely,numbers" doc:"What has to come before: his own preliminary decision, a check, a rule of the service, a mandatory desk, an office for the next post, a word on an earlier case that looks like this one; at a union's box, numbers of certificates from the hub"`
	Item   string `json:"item,omitempty" doc:"The check, the rule, the post or the earlier case"`
	To     string `json:"to,omitempty" doc:"post@office to which it leads; forward without it has to name one of further"`

	Further []string `json:"further,omitempty" doc:"Forward: desks behind the next one, post@office, to which it leads where their post is named"`
}

// ActNotes are offers as the API has them.
func ActNotes(list []application.Offer) []ActNote {
	notes := make([]ActNote, 0, len(list))
	for _, o := range list {
		n := ActNote{Action: o.Action.String(), Bar: string(o.Bar), Item: o.Item}
		if o.To != (place.Seat{}) {
			n.To = o.To.String()
		}
		for _, s := range o.Further {
			n.Further = append(n.Further, s.String())
		}
		notes = append(notes, n)
	}
	return notes
}

// A CheckNote is a check that the service wants, and whether it was done.
type CheckNote struct {
	ID       string     `json:"id"`
	Name     place.Name `json:"name"`
	Done     bool       `json:"done"`
	Document bool       `json:"document,omitempty" doc:"It is shown by a document"`
}

// An Assignment is whose work a case is. Its members stand among the record's.
type Assignment struct {
	Step      int    `json:"step" doc:"Index of the step of the service's procedure"`
	Seat      string `json:"seat,omitempty" doc:"post@office whose task it is"`
	Holder    string `json:"holder,omitempty" doc:"Officer who took it"`
	DecidedBy string `json:"decided_by,omitempty" doc:"Who stated a preliminary decision since it lies here"`

	Union *UnionNote `json:"union,omitempty" doc:"At a box whose union decides it"`
}

// A Filed is one line of a centre's receipts.
type Filed struct {
	Number  protocol.Number `json:"number"`
	Service ServiceRef      `json:"service"`
	At      Time            `json:"at"`
	Actor   string          `json:"actor"`
	Stage   string          `json:"stage"`
	Custody Custody         `json:"custody"`
}

// FiledList is the answer to GET /v1/applications?day=2026-11-22 of a node, the
// newest first. Next is the cursor of the following page, absent on the last.
type FiledList struct {
	Applications []Filed `json:"applications"`
	Next         string  `json:"next,omitempty"`
}

// A HistoryEntry is one thing that happened to a case.
type HistoryEntry struct {
	Version uint64 `json:"version" doc:"Version of the case after it"`
	At      Time   `json:"at"`
	Action  string `json:"action"`
	Actor   string `json:"actor,omitempty"`
	Post    string `json:"post,omitempty"`
	Office  string `json:"office,omitempty"`
	Opinion string `json:"opinion,omitempty"`
	Reason  string `json:"reason_code,omitempty"`
	Text    string `json:"text,omitempty"`
	Stage   string `json:"stage" doc:"Stage after it"`

	Items  []string `json:"items,omitempty" doc:"What was asked for, brought or put right"`
	Cites  []string `json:"cites,omitempty" doc:"Answers that it rests on"`
	Change []Change `json:"changes,omitempty" doc:"What a correction put right"`
	Check  string   `json:"check,omitempty"`
	Poisha int64    `json:"poisha,omitempty" doc:"Demanded or paid"`
	Day    *Date    `json:"day,omitempty" doc:"Of a payment; the last of a demand, or for what is asked for; of the delivery; on which that was brought"`
	Late   bool     `json:"late,omitempty" doc:"Supply: it was brought after the last day"`
}

// A Proof is the answer to GET /v1/receipts/{number}/proof. With it anybody can
// check a printed receipt offline: the event hashes, with log, seq and prev, to
// the receipt's hash, and the signature over (log, seq, hash) is the signer's.
type Proof struct {
	Number      protocol.Number `json:"number"`
	Log         protocol.LogID  `json:"log"`
	Seq         uint64          `json:"seq"`
	Prev        protocol.Hash   `json:"prev"`
	Hash        protocol.Hash   `json:"hash"`
	Event       Bytes           `json:"event" doc:"The event as it was hashed (CBOR); of one that was erased by order, its hash as a CBOR byte string"`
	Signature   Bytes           `json:"signature"`
	Signer      Bytes           `json:"signer" doc:"Ed25519 public key"`
	Certificate Bytes           `json:"certificate,omitempty" doc:"Certifies the signer (X.509, DER)"`
	Authority   Bytes           `json:"authority,omitempty" doc:"The district's authority (X.509, DER)"`
}
