package box

import (
	"encoding/binary"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"kendro/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// The district's register may begin anew, after every server was lost. Its first
// word in the inbox carries the authority's own signature. From there on the index
// looks up what the register has said under keys of that incarnation: what the
// earlier one had accepted, moved and signed for no longer counts, and stays where
// it was. The box has lost nothing, so nothing of its log is given up; it is sent
// again from wherever the register now is.

// An era is the register's incarnation where it began anew since this box was
// enrolled, else 0.
type era struct{ atomic.Uint64 }

// now is a kind of key for what the present register has said.
func (e *era) now(kind string) string {
	incarnation := e.Load()
	if incarnation == 0 {
		return kind
	}
	return string(binary.BigEndian.AppendUint64([]byte(strings.ToUpper(kind)), incarnation))
}

// foreign reports whether a log of the hub's is of a register that is no more.
// Releases of a catalogue are known by their own signature, whoever sent them.
func (e *era) foreign(log protocol.LogID) bool {
	incarnation := e.Load()
	return incarnation != 0 && log.Channel == protocol.Inbox && log.Incarnation != incarnation
}

// A registerIndex is the part of the index that is about which register counts.
type registerIndex struct{ *index }

// recall reads which it is.
func (x registerIndex) recall(tx *store.Tx) error {
	var r protocol.Refounding
	_, err := read(tx, []byte(keyRegister), &r)
	x.era.Store(r.Incarnation)
	return err
}

// apply takes word of which register this is, or how far it is backed up.
// One that the district's authority did not sign, or of an earlier beginning, has
// no effect.
func (x registerIndex) apply(tx *store.Tx, e *protocol.Event, r *inRecord, at *marks) (changed, error) {
	var a protocol.Assurance
	if !reads(e, &a) {
		return 0, nil
	}
	c := changed(0)
	if n := a.Refounded; n != nil && (r.state() || n.Incarnation == r.Log.Incarnation) && n.Verify(x.roots) == nil {
		var old protocol.Refounding
		if _, err := read(tx, []byte(keyRegister), &old); err != nil {
			return 0, err
		}
		if n.At > old.At {
			c = changedRegister
			x.era.Store(n.Incarnation)
			at.Check = 0 // Its entries are counted anew.
			if err := tx.Set([]byte(keyRegister), protocol.Marshal(n)); err != nil {
				return 0, err
			}
		}
	}
	if a.Backed == nil || x.era.foreign(r.Log) {
		return c, nil
	}
	return c, tx.Set([]byte(x.era.now(keyBackup)), protocol.Marshal(a.Backed))
}

// backed is the newest entry of the present register that lies in a backup.
func (x registerIndex) backed(tx *store.Tx) (uint64, error) {
	var w protocol.Watermark
	_, err := read(tx, []byte(x.era.now(keyBackup)), &w)
	return w.Index, err
}

// rebegun forgets what counted in the register before, and has sessions begin
// again: the first of them repeats how far the new one is.
func (b *Memory) rebegun() error {
	b.o.Logger.Warn("the district's register began anew: what it lacks is sent again")
	_, err := b.recallPlaces()
	b.noteAnew()
	b.interrupt()
	return err
}

// noteAnew says at the counter that the register is being filled again, until it
// has all of the log.
func (b *Memory) noteAnew() {
	if b.index.era.Load() != 0 && b.mirror.acknowledged().At.Seq == 0 && b.mirror.head().At.Seq > 0 {
		b.blockers.Raise(RegisterAnew, zeroTime)
	}
}

func (b *Memory) settleAnew() {
	if b.blockers.Standing(RegisterAnew) && b.mirror.acknowledged().At.Seq >= b.mirror.head().At.Seq {
		b.blockers.Clear(RegisterAnew)
	}
}

// Anew reports whether the register began anew since this box was enrolled.
func (b *Feed) Anew() bool { return b.index.era.Load() != 0 }

// Counts reports whether an acknowledgement is of the register that counts.
func (b *Feed) Counts(a *protocol.Ack) bool {
	era := b.index.era.Load()
	return era == 0 || a.Incarnation == era
}

// A Homecoming is what a box can tell a register that began anew.
type Homecoming struct {
	Logs    []protocol.Head // Uplinks of the centre, as far as they can be sent again.
	Before  []protocol.Head // How far the hub's own logs are here.
	Release uint64          // Of the catalogue in force here.
	Based   bool            // The catalogue began with a base: earlier releases are not here.
}

// Homecoming returns what the box holds.
func (b *Box) Homecoming() (Homecoming, error) {
	var h Homecoming
	logs, err := b.Former()
	if err != nil {
		return h, err
	}
	h.Logs = append(h.Logs, logs...)
	h.Logs = append(h.Logs, b.Head())
	told := map[protocol.LogID]bool{}
	for _, l := range h.Logs {
		told[l.Log] = true
	}
	for log, at := range b.Held() {
		head := protocol.Head{Log: log, At: at}
		switch {
		case told[log]:
		case log.Channel == protocol.Uplink:
			h.Logs = append(h.Logs, head)
		default:
			h.Before = append(h.Before, head)
		}
	}
	if goods := b.Goods(); goods != nil {
		h.Release = uint64(goods.Set.Release.Number)
	}
	shelf, _ := b.mirror.catalogue()
	floor, err := b.floorOf(shelf)
	h.Based = floor.At.Seq > 0
	return h, err
}

// Catalogue calls fn with every event of the catalogue that the hub has sent, in
// its order.
func (b *Feed) Catalogue(fn func(*protocol.Event) error) error {
	return b.scanIn(func(_ uint64, r *inRecord) error {
		if r.Log.Channel != protocol.Catalogue && r.Log.Channel != protocol.CatalogueBase {
			return nil
		}
		e, err := protocol.DecodeEvent(r.Raw)
		if err != nil {
			return nil //nolint:nilerr // Of a newer program; the index passes over it as well.
		}
		return fn(&e)
	})
}

// ReleaseNumber reads which release an event of the catalogue publishes. Whether
// it is signed, it doesn't say.
func ReleaseNumber(e *protocol.Event) (uint64, error) {
	var s catalogue.Signed
	if err := e.Decode(&s); err != nil {
		return 0, err
	}
	r, err := catalogue.DecodeRelease(s.Body)
	if err != nil {
		return 0, err
	}
	return uint64(r.Number), nil
}

func (b *core) scanIn(fn func(seq uint64, r *inRecord) error) error {
	return scan("in", b.in.Load(), 1, func(seq uint64, raw []byte) error {
		r, err := decodeIn(seq, raw)
		if err != nil || r.What != inEvent {
			return err
		}
		return fn(seq, &r)
	})
}

// backs finds events of this centre's uplinks in journal/in: those of its own
// given-up logs that are not in journal/own, and the logs of its earlier boxes.
type backs struct {
	mu    sync.Mutex // Guards what follows.
	until uint64     // The record of journal/in up to which it was read.
	at    map[protocol.LogID]map[uint64]uint64
}

// find returns the record of journal/in that holds an event, 0 for none. What came
// since it was read last is read first.
func (k *backs) find(b *core, log protocol.LogID, seq uint64) (uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if in := b.in.Load(); k.at == nil || k.at[log][seq] == 0 && k.until < in.Last() {
		k.at, k.until = map[protocol.LogID]map[uint64]uint64{}, in.Last()
		err := b.scanIn(func(at uint64, r *inRecord) error {
			if r.Log.Channel != protocol.Uplink {
				return nil
			}
			if k.at[r.Log] == nil {
				k.at[r.Log] = map[uint64]uint64{}
			}
			k.at[r.Log][r.At.Seq] = at
			return nil
		})
		if err != nil {
			k.at = nil
			return 0, err
		}
	}
	return k.at[log][seq], nil
}

// again returns events of an uplink that once came back from the hub, for a
// register that began anew and may lack them. None is no error.
func (b *Feed) again(log protocol.LogID, after protocol.Position, limit int) (protocol.Run, error) {
	run := protocol.Run{Log: log, First: after.Seq + 1, Prev: after.Hash, End: after.Hash}
	if _, held := b.mirror.allCursors()[log]; !held || b.index.era.Load() == 0 {
		return run, nil
	}
	size := 0
	for seq := after.Seq + 1; len(run.Events) < min(limit, protocol.MaxBlockEvents); seq++ {
		at, err := b.backs.find(b.core, log, seq)
		if err != nil || at == 0 {
			return run, err
		}
		raw, err := b.in.Load().Read(at)
		if err != nil {
			return run, inJournal("in", err)
		}
		r, err := decodeIn(at, raw)
		if err != nil {
			return run, err
		}
		if _, gone := protocol.ErasedHash(r.Raw); len(run.Events) > 0 && gone != run.Erased() {
			return run, nil
		}
		if protocol.LinkHash(log, seq, run.End, r.Raw) != r.At.Hash {
			return run, fault.New("box.Tail", fault.Conflict, log.String(), "another event stands at "+strconv.FormatUint(seq-1, 10))
		}
		if size += len(r.Raw); len(run.Events) > 0 && size > protocol.MaxBlockBody-8<<10 {
			return run, nil
		}
		run.Events, run.End = append(run.Events, r.Raw), r.At.Hash
	}
	return run, nil
}

// A heldPaper is a document that the hub holds, or held.
type heldPaper struct {
	_     struct{} `cbor:",toarray"`
	Hash  protocol.Hash
	Size  uint32 // 0: named by no event that is here.
	Seq   uint64 // As in pendingPaper.
	Era   uint64 // Of the register that said so …
	Index uint64 // … and its entry.
}

// heldPaper reads what is known of a document.
func (x papersIndex) heldPaper(tx *store.Tx, h protocol.Hash) (p heldPaper, held bool, err error) {
	there, err := read(tx, x.heldKey(h), &p)
	return p, there && p.Era == x.era.Load(), err
}

func heldPaperOf(value []byte) (p heldPaper, err error) {
	if err := protocol.Unmarshal(value, store.MaxValue, "index", &p); err != nil {
		return p, damagedIndex(err)
	}
	return p, nil
}

// lostPapers are documents that an earlier register held and the present one does
// not, where they are still here.
func (b *Papers) lostPapers(most int) (list []pendingPaper, err error) {
	era := b.index.era.Load()
	if era == 0 || b.tray == nil {
		return nil, nil
	}
	err = b.view(func(tx *store.Tx) error {
		return tx.Scan([]byte(keyHeld), []byte(keyHeld), func(_, value []byte) (bool, error) {
			p, err := heldPaperOf(value)
			if err == nil && p.Era != era && p.Size > 0 && b.tray.Has(p.Hash) {
				list = append(list, pendingPaper{Hash: p.Hash, Size: p.Size, Seq: p.Seq})
			}
			return len(list) < most, err
		})
	})
	return list, err
}
