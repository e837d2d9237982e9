package protocol

import (
	"kendro/domain/fault"
	"kendro/identity"
)

// A SealingTurn is the payload of SealingTold: the district's sealing key has turned. From
// the time that it is heard, a box seals its epochs to these recipients and what it may not
// read again to the first of them. The latest word counts, whichever way it came.
type SealingTurn struct {
	_          struct{} `cbor:",toarray"`
	Recipients [][]byte // Public sealing keys, the district's first.
	At         int64    // By the register, Unix milliseconds.
}

// Check returns [fault.Invalid] for recipients that nobody could seal to.
func (t *SealingTurn) Check() error {
	const op = "protocol.SealingTurn"
	if len(t.Recipients) == 0 || len(t.Recipients) > MaxWraps || t.At <= 0 {
		return fault.New(op, fault.Invalid, "recipients", "none, or more than an epoch may have")
	}
	for _, public := range t.Recipients {
		if err := identity.CheckSealing(public); err != nil {
			return err
		}
	}
	return nil
}

// A SealingWord is the payload of SealingHeard. What the box writes behind it, and whatever
// it seals once it has written it, is sealed to this key of the district's, or to a later one.
type SealingWord struct {
	_   struct{} `cbor:",toarray"`
	Key identity.KeyID
}
