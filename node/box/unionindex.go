package box

import (
	"encoding/binary"
	"maps"
	"slices"
	"sync"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// unionIndex keeps what a union's decisions at this box need.
type unionIndex struct{ *index }

// turn notes that an event was about a case, and which number of a certificate it used.
func (x unionIndex) turn(tx *store.Tx, seq uint64, e *protocol.Event) error {
	switch e.Kind {
	case protocol.CopyPrinted:
		return x.printing(tx, seq, e.Number)
	case protocol.AsideRead:
		return x.read(tx, e)
	case protocol.ActedAtUnion, protocol.PaymentTaken, protocol.PaymentVoided, protocol.Withdrawn, protocol.HandedOver, protocol.Supplied, protocol.Corrected, protocol.Appealed:
	default:
		return nil
	}
	if err := tx.Set(binary.BigEndian.AppendUint64(x.caseKey(keyTurn, e.Number), seq), nil); err != nil {
		return err
	}
	var said protocol.UnionAct
	if e.Kind != protocol.ActedAtUnion || !reads(e, &said) || said.Certificate == nil {
		return nil
	}
	c := said.Certificate
	if err := tx.Set(x.blind(keyIssued, c.Number), binary.BigEndian.AppendUint64(nil, uint64(e.Number))); err != nil {
		return err
	}
	if err := x.renewed(tx, e.Number, c); err != nil {
		return err
	}
	tail := protocol.CertificateNumber("", c.Serial)
	if len(c.Number) <= len(tail) {
		return nil
	}
	k := serialKey(c.Number[:len(c.Number)-len(tail)])
	old, err := lookup(tx, k)
	if err != nil || old >= c.Serial {
		return err
	}
	return tx.Set(k, binary.BigEndian.AppendUint64(nil, c.Serial))
}

// CertificateCase returns the case on which a certificate of this number was issued here,
// or [fault.NotFound].
func (b *Union) CertificateCase(number string) (*UnionCase, error) {
	var n uint64
	err := b.intake.view(func(tx *store.Tx) (err error) {
		n, err = lookup(tx, b.intake.index.blind(keyIssued, number))
		return err
	})
	if err != nil {
		return nil, err
	}
	if n != 0 {
		u, err := b.UnionCase(protocol.Number(n))
		if err != nil || u.Certificate != nil && u.Certificate.Number == number {
			return u, err
		}
	}
	return nil, fault.New("box.CertificateCase", fault.NotFound, number, "no such certificate was issued at this box")
}

func serialKey(prefix string) []byte { return []byte(keySerial + prefix) }

// A deskEntry is an application that may wait at a desk of this box's union.
type deskEntry struct {
	_       struct{} `cbor:",toarray"`
	Number  protocol.Number
	Service string
}

// filed notes an application of this box's, or of one before it of its centre. Whether its
// union may decide it can be said at any time later.
func (x unionIndex) filed(tx *store.Tx, e *ownEffect) error {
	if e.event.Pin == nil {
		return nil
	}
	return tx.Set(x.caseKey(keyDesk, e.number), protocol.Marshal(&deskEntry{Number: e.number, Service: e.event.Pin.Service}))
}

// moved keeps the lists of cases by where the hub says that one stands.
func (x unionIndex) moved(tx *store.Tx, s *protocol.Standing) error {
	if err := x.ended(tx, s); err != nil {
		return err
	}
	return keepWaiting(x.index, tx, s)
}

// ended takes an application off the desks once the hub says that it is over: what is left
// is an appeal, and that is no matter of the union's.
func (x unionIndex) ended(tx *store.Tx, s *protocol.Standing) error {
	switch s.Stage {
	case application.Rejected.String(), application.Closed.String(), application.Withdrawn.String(), application.Duplicate.String():
	default:
		return nil
	}
	k := x.caseKey(keyDesk, s.Number)
	there, err := tx.Has(k)
	if err != nil || !there {
		return err
	}
	return tx.Delete(k)
}

// lease keeps the newest word on a lease.
func (x unionIndex) lease(tx *store.Tx, e *protocol.Event) (changed, error) {
	var l protocol.Lease
	if !reads(e, &l) || l.Service == "" || l.Token != 0 && len(l.Numbers) == 0 {
		return 0, nil // What this version can't use has no effect.
	}
	return changedLeases, tx.Set([]byte(x.era.now(keyLease)+l.Service), e.Payload)
}

// leases are what this box may decide by itself, as the inbox has them.
type leases struct {
	mu    sync.RWMutex // Guards known.
	known map[string]protocol.Lease
}

func (l *leases) of(service string) (protocol.Lease, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	x, ok := l.known[service]
	return x, ok
}

func (l *leases) all() (list []protocol.Lease) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, service := range slices.Sorted(maps.Keys(l.known)) {
		list = append(list, l.known[service])
	}
	return list
}

func (b *Memory) refreshLeases() error {
	known := map[string]protocol.Lease{}
	err := b.index.view(func(tx *store.Tx) error {
		prefix := []byte(b.index.era.now(keyLease))
		return tx.Scan(prefix, nil, func(_, value []byte) (bool, error) {
			var l protocol.Lease
			if err := protocol.Unmarshal(value, maxRecord, "lease", &l); err != nil {
				return false, damagedIndex(err)
			}
			known[l.Service] = l
			return true, nil
		})
	})
	if err != nil {
		return err
	}
	b.leases.mu.Lock()
	b.leases.known = known
	b.leases.mu.Unlock()
	return nil
}
