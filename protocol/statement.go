package protocol

import (
	"slices"

	"kendro/domain/fault"
	"kendro/identity"
)

// A Receipt is what a node signs at the counter: this event stands in my log.
// Its hash binds the number, the time and every word of the application.
type Receipt struct {
	_         struct{} `cbor:",toarray"`
	Log       LogID
	At        Position
	Signature []byte
}

func receiptBytes(log LogID, at Position) []byte { return Marshal(&Head{Log: log, At: at}) }

// SignReceipt makes a receipt. The same event gets the same receipt again.
func SignReceipt(log LogID, at Position, s *identity.Signer) Receipt {
	return Receipt{Log: log, At: at, Signature: s.Sign(contextReceipt, receiptBytes(log, at))}
}

// Verify reports whether public signed the receipt.
func (r *Receipt) Verify(public []byte) bool {
	return identity.Verify(public, contextReceipt, receiptBytes(r.Log, r.At), r.Signature)
}

// An Ack is a hub's signed, portable statement that a log is in its register up
// to a position. Only an Ack releases a record at its node.
type Ack struct {
	_           struct{} `cbor:",toarray"`
	Log         LogID
	At          Position
	Index       uint64 // Raft index at which the register held it.
	Incarnation uint64 // Of the register.
	Signer      identity.KeyID
	Signature   []byte
}

func (a Ack) signed() []byte {
	a.Signature = nil
	return Marshal(&a)
}

// Sign completes the acknowledgement.
func (a *Ack) Sign(s *identity.Signer) {
	a.Signer = s.ID()
	a.Signature = s.Sign(contextAck, a.signed())
}

// Verify returns [fault.Denied] unless public signed the acknowledgement.
func (a *Ack) Verify(public []byte) error {
	if a.Signer != identity.IDOf(public) || !identity.Verify(public, contextAck, a.signed(), a.Signature) {
		return fault.New("protocol.Ack", fault.Denied, a.Log.String(), "signature does not verify")
	}
	return nil
}

// An Epoch is the statement that introduces a sealing epoch: its key, wrapped
// for each recipient, signed by who seals in it. Cert certifies the signer where
// the reader cannot know the key otherwise (a hub's servers).
type Epoch struct {
	_         struct{} `cbor:",toarray"`
	ID        identity.EpochID
	Wraps     []identity.Wrap
	Cert      []byte
	Signer    identity.KeyID
	Signature []byte
}

func (e Epoch) signed() []byte {
	e.Signature = nil
	return Marshal(&e)
}

// NewEpoch signs the introduction of an epoch.
func NewEpoch(e *identity.Epoch, cert []byte, s *identity.Signer) Epoch {
	out := Epoch{ID: e.ID(), Wraps: e.Wraps(), Cert: cert, Signer: s.ID()}
	out.Signature = s.Sign(contextEpoch, out.signed())
	return out
}

// Voucher introduces the signer of blocks that aren't sealed, to who reads them from
// somebody else than the signer. The authority's signature on the certificate is all
// there is to verify.
func Voucher(cert []byte) Epoch { return Epoch{Cert: cert} }

// Vouches reports whether an introduction is a voucher.
func (e *Epoch) Vouches() bool {
	return e.ID == identity.EpochID{} && len(e.Wraps) == 0 && len(e.Cert) > 0 && len(e.Cert) <= MaxCert
}

// WrapsTo reports whether the epoch is sealed to a key, be it among others.
func (e *Epoch) WrapsTo(key identity.KeyID) bool {
	return slices.ContainsFunc(e.Wraps, func(w identity.Wrap) bool { return w.Recipient == key })
}

// Check returns [fault.Invalid] for an introduction out of bounds.
func (e *Epoch) Check() error {
	if len(e.Wraps) == 0 || len(e.Wraps) > MaxWraps || len(e.Cert) > MaxCert {
		return fault.New("protocol.Epoch", fault.Invalid, e.ID.String(), "wraps or certificate out of bounds")
	}
	return nil
}

// Verify returns [fault.Denied] unless public signed the introduction.
func (e *Epoch) Verify(public []byte) error {
	if err := e.Check(); err != nil {
		return err
	}
	if e.Signer != identity.IDOf(public) || !identity.Verify(public, contextEpoch, e.signed(), e.Signature) {
		return fault.New("protocol.Epoch", fault.Denied, e.ID.String(), "signature does not verify")
	}
	return nil
}
