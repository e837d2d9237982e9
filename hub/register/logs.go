package register

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
)

// Cursor returns how far the register holds a log, an uplink or one of our own;
// the zero Position for a log it has nothing of. fork is set once the log is
// frozen.
func (r *Register) Cursor(id protocol.LogID) (at protocol.Position, fork *Fork, err error) {
	var l logState
	err = r.base.View(func(v View) error {
		_, err := readInto(v, logKey(tagLog, id), &l)
		return err
	})
	return l.At, l.Fork, err
}

// LogHead returns how far the register holds a log.
func (r *Register) LogHead(id protocol.LogID) (protocol.Position, error) {
	at, _, err := r.Cursor(id)
	return at, err
}

// Cursors returns the heads of every uplink of a slot, one for each incarnation.
func (r *Register) Cursors(slot string) ([]protocol.Head, error) {
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

// LogEvents returns the events of a log after the sequence from, at most limit
// and no more than a block carries, ready to be packed. No Events: there is
// nothing after from. [fault.Damaged]: an event that must be there is missing.
func (r *Register) LogEvents(id protocol.LogID, from uint64, limit int) (protocol.Run, error) {
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

// EpochOf returns the introduction of an epoch, or [fault.NotFound].
func (r *Register) EpochOf(id identity.EpochID) (*protocol.Epoch, error) {
	return find[protocol.Epoch](r, "EpochOf", key(tagEpoch, id[:]), id.String())
}

// Founding returns what the district was founded with, or nil before that. It
// must not be changed.
func (r *Register) Founding() *Founding { return r.world.Load().founding }

// Incarnation returns the number that every log of this hub carries; 0 before
// the district is founded.
func (r *Register) Incarnation() uint64 {
	if f := r.Founding(); f != nil {
		return f.Incarnation
	}
	return 0
}

// Inbox names the log of what a centre must know. The district must be founded.
func (r *Register) Inbox(c place.Centre) protocol.LogID { return r.world.Load().inbox(c) }

// Shelf names the log of the district's catalogue. The district must be founded.
func (r *Register) Shelf() protocol.LogID { return r.world.Load().shelf() }

// Set returns the current catalogue, or nil before the first release.
func (r *Register) Set() *dcat.Set { return r.world.Load().set }

// Release returns the number of the current release; 0 before the first.
func (r *Register) Release() int {
	if set := r.Set(); set != nil {
		return set.Release.Number
	}
	return 0
}

// SlotOwner returns the box that a slot was given to, revoked or not. It must
// not be changed.
func (r *Register) SlotOwner(slot string) (*Node, bool) {
	n, ok := r.world.Load().slots[slot]
	return n, ok
}

// NodeOf returns the newest box of a centre, revoked or not. It must not be
// changed.
func (r *Register) NodeOf(c place.Centre) (*Node, bool) {
	n, ok := r.world.Load().centres[c]
	return n, ok
}

// Nodes returns the newest box of every centre, by centre. They must not be
// changed.
func (r *Register) Nodes() []*Node {
	return slices.SortedFunc(maps.Values(r.world.Load().centres), byCentre)
}

// NextSlots returns the slots that the next box gets, for its certificates.
func (r *Register) NextSlots() (slot, spare string) {
	n := max(r.meta.Load().NextSlot, firstSlot)
	return slotName(n), slotName(n + 1)
}

// Servers returns the members of the group, removed ones left out, by ID. They
// must not be changed.
func (r *Register) Servers() []*Server { return r.world.Load().liveServers() }

// Server returns a server by its ID, removed or not. It must not be changed.
func (r *Register) Server(id string) (*Server, bool) {
	sv, ok := r.world.Load().servers[id]
	return sv, ok
}

// Addresses returns where the servers of the group listen for sessions.
func (r *Register) Addresses() []string { return r.world.Load().addresses() }

// Quarantined returns what waits for a person to look at it, oldest first, at
// most limit.
func (r *Register) Quarantined(limit int) ([]*Quarantine, error) {
	var out []*Quarantine
	err := r.base.View(func(v View) error {
		return v.Scan(key(tagQuarantine), nil, func(k, raw []byte) (bool, error) {
			if len(out) >= limit {
				return false, nil
			}
			q := &Quarantine{}
			err := decodeState(k, raw, q)
			out = append(out, q)
			return true, err
		})
	})
	return out, err
}

// Block returns the block of a quarantine as it was received, encoded, or
// [fault.NotFound] where it is none of a block.
func (r *Register) Block(q *Quarantine) ([]byte, error) {
	var out []byte
	err := r.base.View(func(v View) error {
		return v.Scan(key(tagChunk, u64(q.Index), u32(q.Place)), nil, func(_, raw []byte) (bool, error) {
			out = append(out, raw...)
			return true, nil
		})
	})
	if err == nil && (len(out) == 0 || len(out) != q.Size) {
		err = fault.New("register.Block", fault.NotFound, q.Log.String(), "no block is kept here")
	}
	return out, err
}

// Cells calls fn with the counters of the hours from … until, the latter left
// out, given in Unix time in hours.
func (r *Register) Cells(from, until int64, fn func(*Cell) error) error {
	return r.base.View(func(v View) error {
		return v.Scan(key(tagCell), key(tagCell, u32(uint32(max(from, 0)))), func(k, raw []byte) (bool, error) {
			c := &Cell{}
			if err := decodeState(k, raw, c); err != nil {
				return false, err
			}
			if c.Hour >= until {
				return false, nil
			}
			return true, fn(c)
		})
	})
}

// ForEachCase calls fn with every case, sorted by number.
func (r *Register) ForEachCase(fn func(*Case) error) error {
	return r.base.View(func(v View) error {
		return v.Scan(key(tagCase), nil, func(k, raw []byte) (bool, error) {
			c := &Case{}
			if err := decodeState(k, raw, c); err != nil {
				return false, err
			}
			return true, fn(c)
		})
	})
}
