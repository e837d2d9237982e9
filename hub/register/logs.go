package register

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
)

// Logs answers questions about the logs that meet in the register: the boxes'
// uplinks and the hub's own. Any goroutine may ask.
type Logs struct{ *state }

// Cursor returns how far the register holds a log, an uplink or one of our own;
// the zero Position for a log it has nothing of. fork is set once the log is
// frozen.
func (r Logs) Cursor(id protocol.LogID) (at protocol.Position, fork *Fork, err error) {
	var l logState
	err = r.base.View(func(v View) error {
		_, err := readInto(v, logKey(tagLog, id), &l)
		return err
	})
	return l.At, l.Fork, err
}

// LogHead returns how far the register holds a log.
func (r Logs) LogHead(id protocol.LogID) (protocol.Position, error) {
	at, _, err := r.Cursor(id)
	return at, err
}

// Cursors returns the heads of every uplink of a slot, one for each incarnation.
func (r Logs) Cursors(slot string) ([]protocol.Head, error) {
	f := r.world.Load().founding
	if f == nil {
		return nil, nil
	}
	name := f.District + "-" + slot
	prefix := logKey(tagLog, protocol.LogID{Channel: protocol.Uplink, Name: name})
	prefix = prefix[:len(prefix)-8]
	var heads []protocol.Head
	err := r.base.View(func(v View) error {
		return v.Scan(prefix, nil, func(k, raw []byte) (bool, error) {
			var l logState
			err := decodeState(k, raw, &l)
			id := protocol.LogID{Channel: protocol.Uplink, Name: name, Incarnation: binary.BigEndian.Uint64(k[len(k)-8:])}
			heads = append(heads, protocol.Head{Log: id, At: l.At})
			return true, err
		})
	})
	return heads, err
}

// Uplinks calls fn with the head of every uplink that the register holds, until fn
// fails.
func (r Logs) Uplinks(fn func(protocol.Head) error) error {
	return r.base.View(func(v View) error { return eachUplink(v, fn) })
}

func eachUplink(v View, fn func(protocol.Head) error) error {
	prefix := []byte{tagLog, byte(protocol.Uplink)}
	return v.Scan(prefix, nil, func(k, raw []byte) (bool, error) {
		var l logState
		if err := decodeState(k, raw, &l); err != nil {
			return false, err
		}
		name := k[len(prefix) : len(k)-9]
		id := protocol.LogID{Channel: protocol.Uplink, Name: string(name), Incarnation: binary.BigEndian.Uint64(k[len(k)-8:])}
		return true, fn(protocol.Head{Log: id, At: l.At})
	})
}

// Readable returns the events of a log after a sequence, at most limit, and the sequence up to
// which there is nothing more to read for them: of a block that nobody could open, no event is
// here but the hash at its end.
func (r Logs) Readable(id protocol.LogID, from uint64, limit int) (list []protocol.Item, last uint64, err error) {
	last = from
	err = r.base.View(func(v View) error {
		return v.Scan(logKey(tagEvent, id), eventKey(id, from+1), func(k, stored []byte) (bool, error) {
			var hash protocol.Hash
			if len(list) == limit {
				return false, nil
			}
			last = binary.BigEndian.Uint64(k[len(k)-8:])
			if len(stored) > copy(hash[:], stored) {
				list = append(list, protocol.Item{Seq: last, Hash: hash, Raw: slices.Clone(stored[len(hash):])})
			}
			return true, nil
		})
	})
	return list, last, err
}

// SilentDrops counts what boxes have sent and nothing came of (I9). One side is the
// places in their logs up to which the register holds their signed blocks; the
// other what it did with the events: a case, an event on a case that was applied or
// became an item, one that had come before, one that a person has to look at, or a
// block that nobody could open. Anything but 0 is a defect of the register's.
func (r Logs) SilentDrops() (int64, error) {
	var sent uint64
	m := &meta{}
	err := r.base.View(func(v View) error {
		if _, err := readInto(v, key(tagMeta), m); err != nil {
			return err
		}
		return v.Scan([]byte{tagLog, byte(protocol.Uplink)}, nil, func(k, raw []byte) (bool, error) {
			var l logState
			err := decodeState(k, raw, &l)
			sent += l.At.Seq
			return true, err
		})
	})
	x := &m.Stats
	return int64(sent) - int64(x.Cases+x.Followed+x.Again+x.Unreadable+x.Quarantined+x.Gone), err
}

// LogEvents returns the events of a log after the sequence from, at most limit
// and no more than a block carries, ready to be packed. A run ends where erased
// events begin, or is of these alone. No Events: there is
// nothing after from. [fault.Damaged]: an event that must be there is missing.
func (r Logs) LogEvents(id protocol.LogID, from uint64, limit int) (protocol.Run, error) {
	const op = "register.LogEvents"
	run := protocol.Run{Log: id, First: from + 1}
	damaged := fault.New(op, fault.Damaged, id.String(), "events after "+strconv.FormatUint(from, 10)+" are not as they were written")
	size, want := 0, from+1
	err := r.base.View(func(v View) error {
		if from > 0 {
			stored, err := v.Get(eventKey(id, from))
			if err != nil {
				return fault.Wrap(op, fault.NotFound, id.String(), err)
			}
			if len(stored) < len(run.Prev) {
				return damaged
			}
			run.Prev = protocol.Hash(stored[:len(run.Prev)])
		}
		run.End = run.Prev
		return v.Scan(logKey(tagEvent, id), eventKey(id, from+1), func(k, stored []byte) (bool, error) {
			if len(stored) <= len(run.End) || binary.BigEndian.Uint64(k[len(k)-8:]) != want {
				return false, damaged
			}
			raw := stored[len(run.End):]
			size += len(raw)
			if _, gone := protocol.ErasedHash(raw); len(run.Events) > 0 && gone != run.Erased() {
				return false, nil
			}
			if len(run.Events) > 0 && size > protocol.MaxBlockBody-8<<10 || len(run.Events) == min(limit, protocol.MaxBlockEvents) {
				return false, nil
			}
			run.End = protocol.Hash(stored[:len(run.End)])
			run.Events = append(run.Events, bytes.Clone(raw))
			want++
			return true, nil
		})
	})
	return run, err
}

// LogEvent returns one event of a log, or [fault.NotFound].
func (r Logs) LogEvent(id protocol.LogID, seq uint64) (raw []byte, err error) {
	const op = "register.LogEvent"
	err = r.base.View(func(v View) error {
		stored, err := v.Get(eventKey(id, seq))
		if err == nil && len(stored) > len(protocol.Hash{}) {
			raw = bytes.Clone(stored[len(protocol.Hash{}):])
			return nil
		}
		return fault.Wrap(op, fault.NotFound, id.String()+" "+strconv.FormatUint(seq, 10), cmp.Or(err, errShort))
	})
	return raw, err
}

// HashAt returns the hash of an event of a log, which stays where the event was erased or
// could not be opened, or [fault.NotFound].
func (r Logs) HashAt(id protocol.LogID, seq uint64) (h protocol.Hash, err error) {
	const op = "register.HashAt"
	err = r.base.View(func(v View) error {
		stored, err := v.Get(eventKey(id, seq))
		if err == nil && copy(h[:], stored) == len(h) {
			return nil
		}
		return fault.Wrap(op, fault.NotFound, id.String()+" "+strconv.FormatUint(seq, 10), cmp.Or(err, errShort))
	})
	return h, err
}

var errShort = errors.New("shorter than its hash")

// Shelved returns where in the catalogue's log a version or directory stands whose
// encoding has this hash.
func (r Logs) Shelved(h protocol.Hash) (seq uint64, ok bool) {
	err := r.base.View(func(v View) error {
		b, err := v.Get(key(tagPiece, h[:]))
		if err == nil && len(b) == 8 {
			seq, ok = binary.BigEndian.Uint64(b), true
		}
		return err
	})
	return seq, ok && err == nil
}

// EpochOf returns the introduction of an epoch, or [fault.NotFound].
func (r Logs) EpochOf(id identity.EpochID) (*protocol.Epoch, error) {
	return find[protocol.Epoch](r.state, "EpochOf", key(tagEpoch, id[:]), id.String())
}

// Inbox names the log of what a centre must know. The district must be founded.
func (r Logs) Inbox(c place.Centre) protocol.LogID { return r.world.Load().inbox(c) }

// Shelf names the log of the district's catalogue. The district must be founded.
func (r Logs) Shelf() protocol.LogID { return r.world.Load().shelf() }
