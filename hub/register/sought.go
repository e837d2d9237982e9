package register

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// While an entry erases, the register takes nothing else in, and what tells of a case may
// lie anywhere. So the leader looks for it before, beside the work, and puts what it found
// into the command. Apply reads that, and what has come since: it decides about every
// place by itself and trusts the leader in one thing, that up to its look nothing is missing.

// A Sought is where a leader found what tells of the cases of an order.
type Sought struct {
	Index  uint64        `cbor:"1,keyasint"` // The newest entry that was applied then.
	Cases  []SoughtCase  `cbor:"2,keyasint"` // In the order's order.
	Heads  []SoughtLog   `cbor:"3,keyasint"` // How far uplinks and inboxes were read.
	Keys   [][]byte      `cbor:"4,keyasint"` // Of events, documents kept, facts and answers; sorted.
	Papers []SoughtPaper `cbor:"5,keyasint"` // The documents that the cases name.
}

// A SoughtCase is a case as it stood.
type SoughtCase struct {
	_      struct{} `cbor:",toarray"`
	Number protocol.Number
	Hash   protocol.Hash // SHA-256 of what is kept of it.
}

// A SoughtLog is a log, and the last event of it that was read.
type SoughtLog struct {
	_   struct{} `cbor:",toarray"`
	Log protocol.LogID
	Seq uint64
}

// A SoughtPaper is a document, and the key of something else that names it; empty where
// nothing does.
type SoughtPaper struct {
	_    struct{} `cbor:",toarray"`
	Hash protocol.Hash
	By   []byte
}

// maxSought bounds what a command carries. What would be longer is read in the entry.
const maxSought = 128 << 10

// Seek returns what an erasure that the command confirms has to read, nil where the command
// will be refused or too much would have to be said. It reads every event that there is.
func (r Orders) Seek(ctx context.Context, c *Command) (out *Sought, err error) {
	err = r.base.View(func(v View) error {
		s := erasures{courses{&step{tx: looking{v, ctx}, world: r.world.Load(), format: entryFormat, logs: map[protocol.LogID]*logState{}}}}
		s.get(key(tagMeta), &s.meta)
		by, f := s.principal(c)
		if f == nil {
			f = s.right(by)
		}
		if f != nil {
			return s.err
		}
		list, f := s.confirmed(c, by)
		if f != nil || s.err != nil {
			return s.err
		}
		out = reading{newEraser(s, list)}.seek()
		if len(protocol.Marshal(out)) > maxSought {
			out = nil
		}
		return s.err
	})
	return out, err
}

// looking is a view for what also runs in an entry: it writes nothing.
type looking struct {
	View
	ctx context.Context //nolint:containedctx // It lives for one call, behind an interface that has none.
}

func (looking) Set(_, _ []byte) error { return errLooking }
func (looking) Delete(_ []byte) error { return errLooking }
func (looking) Writes() []store.Write { return nil }
func (looking) Mark() store.Mark      { return store.Mark{} }
func (looking) Back(store.Mark)       {}

var errLooking = fault.New("register.Seek", fault.Internal, "", "a look writes nothing")

// Scan ends with its call.
func (l looking) Scan(prefix, from []byte, fn func(k, v []byte) (bool, error)) error {
	n := 0
	return l.View.Scan(prefix, from, func(k, v []byte) (bool, error) {
		if n++; n%1024 == 0 && l.ctx.Err() != nil {
			return false, fault.Wrap("register.Seek", fault.Unavailable, "", l.ctx.Err())
		}
		return fn(k, v)
	})
}

// A reading is how an eraser comes by what it looks at: all that there is, or what a leader
// found and what has come since.
type reading struct{ *eraser }

// seek reads everything, as an entry without a Sought would.
func (e reading) seek() *Sought {
	out := &Sought{Index: e.meta.Index}
	for _, k := range e.cases {
		raw, _ := e.raw(caseKey(k.Number))
		out.Cases = append(out.Cases, SoughtCase{Number: k.Number, Hash: sha256.Sum256(raw)})
	}
	e.heads(func(log protocol.LogID, last uint64) {
		out.Heads = append(out.Heads, SoughtLog{Log: log, Seq: last})
	})
	e.search()
	for _, f := range slices.Concat(e.uplinks, e.inboxes) {
		out.Keys = append(out.Keys, f.key)
	}
	out.Keys = slices.Concat(out.Keys, e.kept(e.goneDocuments()), e.facts(), e.answers())
	slices.SortFunc(out.Keys, bytes.Compare)
	for h := range e.papers {
		out.Papers = append(out.Papers, SoughtPaper{Hash: h, By: e.shared[h]})
	}
	slices.SortFunc(out.Papers, func(a, b SoughtPaper) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	return out
}

// heads calls fn with every uplink and inbox, and the last event of it that is here.
func (e reading) heads(fn func(log protocol.LogID, last uint64)) {
	for _, c := range []protocol.Channel{protocol.Uplink, protocol.Inbox} {
		e.keep(e.tx.Scan([]byte{tagLog, byte(c)}, nil, func(k, raw []byte) (bool, error) {
			var l logState
			err := decodeState(k, raw, &l)
			fn(protocol.LogID{Channel: c, Name: string(k[2 : len(k)-9]), Incarnation: binary.BigEndian.Uint64(k[len(k)-8:])}, l.At.Seq)
			return true, err
		}))
	}
	for _, id := range e.touched { // By what came in the same entry.
		if id.Channel == protocol.Uplink || id.Channel == protocol.Inbox {
			fn(id, e.logs[id].At.Seq)
		}
	}
}

// grown are the keys of the events that came since the leader looked.
func (e reading) grown() (keys [][]byte) {
	read := map[protocol.LogID]uint64{}
	for i := range e.sought.Heads {
		read[e.sought.Heads[i].Log] = e.sought.Heads[i].Seq
	}
	e.heads(func(log protocol.LogID, last uint64) {
		for seq := read[log] + 1; seq <= last; seq++ {
			keys = append(keys, eventKey(log, seq))
		}
		read[log] = max(read[log], last)
	})
	return keys
}

// stands reports whether the cases are as the leader saw them. Whatever came to one of
// them since, it has to look once more.
func (s *Sought) stands(e reading) bool {
	if len(s.Cases) != len(e.cases) {
		return false
	}
	for i, k := range e.cases {
		raw, _ := e.raw(caseKey(k.Number))
		if s.Cases[i].Number != k.Number || s.Cases[i].Hash != sha256.Sum256(raw) {
			return false
		}
	}
	return true
}

// events calls fn with every event that may tell of the cases, in the order of the keys.
func (e reading) events(fn func(k, stored []byte)) {
	look := func(k, stored []byte) {
		if len(stored) > len(protocol.Hash{}) {
			fn(k, stored)
		}
	}
	if e.sought == nil {
		e.keep(e.tx.Scan(key(tagEvent), nil, func(k, stored []byte) (bool, error) {
			look(k, stored)
			return true, nil
		}))
		return
	}
	keys := slices.Clone(e.fresh)
	for _, k := range e.sought.Keys {
		if len(k) > 2+16 && k[0] == tagEvent {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, bytes.Compare)
	for _, k := range slices.CompactFunc(keys, bytes.Equal) {
		if stored, ok := e.raw(k); ok {
			look(k, stored)
		}
	}
}

// those returns the keys of a kind whose pairs fit: of all of them, or of those that the
// leader found and that lie behind a key.
func (e reading) those(tag byte, behind []byte, fits func(k, raw []byte) bool) (keys [][]byte) {
	scan := func(from []byte) {
		e.keep(e.tx.Scan(key(tag), from, func(k, raw []byte) (bool, error) {
			if fits(k, raw) {
				keys = append(keys, bytes.Clone(k))
			}
			return true, nil
		}))
	}
	if e.sought == nil {
		scan(nil)
		return keys
	}
	for _, k := range e.sought.Keys {
		if len(k) == 0 || k[0] != tag {
			continue
		}
		if raw, ok := e.raw(k); ok && fits(k, raw) {
			keys = append(keys, k)
		}
	}
	if behind != nil {
		scan(behind)
	}
	return keys
}

// named finds out which of the documents something else names.
func (e reading) named() {
	if e.sought == nil {
		for _, prefix := range [][]byte{{tagEvent, byte(protocol.Uplink)}, {tagCase}, {tagRecord}} { // A scan of an old paper is the office's.
			e.keep(e.tx.Scan(prefix, nil, func(k, raw []byte) (bool, error) {
				e.share(k, raw)
				return true, nil
			}))
		}
		return
	}
	for h := range e.papers {
		i := slices.IndexFunc(e.sought.Papers, func(p SoughtPaper) bool { return p.Hash == h })
		if i < 0 {
			e.stale = true
			continue
		}
		if by := e.sought.Papers[i].By; len(by) > 0 {
			raw, _ := e.raw(by)
			e.share(by, raw)
			e.stale = e.stale || e.shared[h] == nil
		}
		for _, k := range e.under(sideKey(sideShown, h[:])) {
			if !e.ours(numberOf(k[len(k)-8:])) {
				e.shared[h] = k
			}
		}
	}
	for _, k := range e.fresh {
		if raw, ok := e.raw(k); ok && k[1] == byte(protocol.Uplink) {
			e.share(k, raw)
		}
	}
}

// share notes which documents something else names.
func (e reading) share(k, raw []byte) {
	ours := slices.ContainsFunc(e.uplinks, func(f found) bool { return bytes.Equal(f.key, k) }) ||
		slices.ContainsFunc(e.cases, func(c *Case) bool { return bytes.Equal(caseKey(c.Number), k) })
	if ours {
		return
	}
	for h := range e.papers {
		if e.shared[h] == nil && bytes.Contains(raw, h[:]) {
			e.shared[h] = bytes.Clone(k)
		}
	}
}

func waitingKey(n protocol.Number) []byte { return sideKey(sideWaiting, u64(uint64(n))) }

// waiting is what the register notes while orders wait for whoever confirms them.
type waiting struct{ erasures }

// begin notes that an order waits.
func (s waiting) begin(n protocol.Number) { s.set(waitingKey(n), []byte{}) }

// end notes that one doesn't. With the last, what officers showed meanwhile is of
// no use.
func (s waiting) end(n protocol.Number) {
	if s.has(waitingKey(n)) {
		s.del(waitingKey(n))
	}
	if len(s.under(sideKey(sideWaiting))) > 0 {
		return
	}
	for _, k := range s.under(sideKey(sideShown)) {
		s.del(k)
	}
}

// shown notes, while an order waits, that an officer showed a document on a case: a leader
// that has looked for whoever names it would miss that.
func (s waiting) shown(n protocol.Number, h protocol.Hash) {
	if len(s.under(sideKey(sideWaiting))) > 0 {
		s.set(sideKey(sideShown, h[:], u64(uint64(n))), []byte{})
	}
}

// under returns the keys under a prefix.
func (s erasures) under(prefix []byte) (keys [][]byte) {
	s.keep(s.tx.Scan(prefix, nil, func(k, _ []byte) (bool, error) {
		keys = append(keys, bytes.Clone(k))
		return true, nil
	}))
	return keys
}
