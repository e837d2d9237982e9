package register

import (
	"bytes"
	"fmt"

	"kendro/domain/fault"
	"kendro/protocol"
)

// VerifyLogs reads every event of every log, and calls fn with each place at which something
// else stands than the log was made of: the hash in the place of an erased event is held by
// the event behind it. It returns how many there are, and how many of them were erased.
func (r Logs) VerifyLogs(fn func(at protocol.Head, broken string)) (events, erased uint64, err error) {
	err = r.base.View(func(v View) error {
		var before protocol.Head
		return v.Scan(key(tagEvent), nil, func(k, stored []byte) (bool, error) {
			here := protocol.Head{}
			here.Log, here.At.Seq = placeIn(k)
			raw := stored[min(len(stored), copy(here.At.Hash[:], stored)):]
			if before.Log != here.Log {
				before = protocol.Head{Log: here.Log}
			}
			events++
			if _, gone := protocol.ErasedHash(raw); gone {
				erased++
			}
			joins := before.At.Seq+1 == here.At.Seq // Else a block lies between that nobody could open.
			if len(raw) > 0 && joins && protocol.LinkHash(here.Log, here.At.Seq, before.At.Hash, raw) != here.At.Hash {
				fn(here, "it is not the event, or the hash of an erased one, that the log was made of")
			}
			before = here
			return true, nil
		})
	})
	return events, erased, err
}

// VerifyErasures calls fn with what the register still has of a case that was erased by
// order, or has another hash of. It returns the orders that were carried out.
func (r Orders) VerifyErasures(fn func(n protocol.Number, broken string)) (done []*Erasure, err error) {
	all, err := r.Erasures()
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		if o.ErasedAt == 0 {
			continue
		}
		done = append(done, o)
		for _, list := range [][]Source{o.Places, o.Inboxes} {
			for i := range list {
				broken, err := r.remains(&list[i], o.Former)
				if err != nil {
					return nil, err
				}
				if broken != "" {
					fn(o.Number, broken)
				}
			}
		}
	}
	return done, nil
}

// remains says what is wrong with the place of an erased event; one that a register before
// this one erased need not have come back.
func (r Orders) remains(at *Source, former bool) (broken string, err error) {
	item := fmt.Sprintf("%s %d", at.Log, at.At.Seq)
	err = r.base.View(func(v View) error {
		stored, err := v.Get(eventKey(at.Log, at.At.Seq))
		if fault.KindOf(err) == fault.NotFound {
			if !former {
				broken = item + ": nothing stands in the place of an erased event"
			}
			return nil
		}
		if err == nil && !bytes.Equal(stored, append(bytes.Clone(at.At.Hash[:]), protocol.ErasedRaw(at.At.Hash)...)) && !former {
			broken = item + ": what stands there is not the hash of the event that was erased"
		}
		return err
	})
	return broken, err
}
