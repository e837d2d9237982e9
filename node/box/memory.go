package box

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// Memory keeps at hand what the hub has told, and tells whoever watches the own
// log.
type Memory struct {
	*Shelf
	people   people
	leases   leases
	contacts contacts
	watchers watchers

	opening sync.Mutex // Held while somebody looks whether intake may open, and acts on it.
}

// people are the centre's logins, as the inbox has them.
type people struct {
	mu    sync.RWMutex // Guards known.
	known map[string]protocol.User
}

// User returns a login of this centre. Whether it holds just now is
// [Active]'s to say.
func (b *Memory) User(name string) (protocol.User, bool) {
	b.people.mu.RLock()
	defer b.people.mu.RUnlock()
	u, ok := b.people.known[name]
	return u, ok
}

// Users returns the logins of this centre, sorted by name.
func (b *Memory) Users() []protocol.User {
	b.people.mu.RLock()
	defer b.people.mu.RUnlock()
	return slices.SortedFunc(maps.Values(b.people.known), func(x, y protocol.User) int {
		return cmpString(x.Name, y.Name)
	})
}

// Active reports whether a login holds at a time.
func Active(u protocol.User, now time.Time) bool {
	return !u.Disabled && u.From <= now.Unix() && (u.Until == 0 || now.Unix() < u.Until)
}

// contacts are where the hub and the neighbours are.
type contacts struct {
	mu   sync.Mutex // Guards what follows.
	last protocol.Contacts
	seal protocol.SealingTurn // Nothing before the district's key first turned.
}

// Contacts returns the servers and neighbours that the hub told of last. Before
// the first such word they are empty; the enrolment has servers too.
func (b *Memory) Contacts() protocol.Contacts {
	b.contacts.mu.Lock()
	defer b.contacts.mu.Unlock()
	return b.contacts.last
}

// SetBack answers when the hub's logs end earlier here than a session may have
// been told: one that is under way has to begin again.
func (b *Memory) SetBack() <-chan struct{} { return b.setBack }

// watchers are told when the own log grows.
type watchers struct {
	mu   sync.Mutex // Guards all below.
	next int
	told map[int]func(protocol.Head)
}

// Watch has grew called with every new head of the own log, after it is durable,
// until the returned function is called. grew must not block.
func (b *Memory) Watch(grew func(protocol.Head)) (stop func()) {
	w := &b.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told == nil {
		w.told = map[int]func(protocol.Head){}
	}
	id := w.next
	w.next++
	w.told[id] = grew
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.told, id)
	}
}

func (w *watchers) tell(h protocol.Head) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, grew := range w.told {
		grew(h)
	}
}

// settled takes over what a batch has made durable. The writer calls it.
func (b *Memory) settled(own protocol.Position, in []inEffect, c changed) {
	m, head := &b.mirror, b.index.parts.headOf(own)
	m.mu.Lock()
	m.moved(head, own.Seq)
	for i := range in {
		r := in[i].record
		m.seen = max(m.seen, r.Got)
		if r.What == inAck {
			b.noteAck(r)
			continue
		}
		if !r.ofInbox() {
			m.cursors[r.Log] = r.At
		}
		if r.What == inBase && r.Log.Channel == protocol.Catalogue {
			b.foundation.shelf.founded()
		}
		b.noteIndex(r)
	}
	m.mu.Unlock()
	b.settleAnew()
	if c == 0 {
		return
	}
	if err := b.refresh(c &^ changedCatalogue); err != nil {
		b.o.Logger.Error("memory could not be read again from the index", "err", err)
	}
	if c&changedCatalogue != 0 && b.o.Alone != nil {
		b.restocked()
	} else if c&changedCatalogue != 0 {
		select {
		case b.restock <- struct{}{}:
		default:
		}
	}
}

// grown tells whoever watches the own log, after whoever filed was told.
func (b *Memory) grown(own protocol.Position) {
	b.watchers.tell(b.index.parts.headOf(own))
}

// noteAck moves the acknowledged mark. The caller holds the mirror's lock.
func (b *Memory) noteAck(r *inRecord) {
	var a protocol.Ack
	if protocol.Unmarshal(r.Raw, maxRecord, "acknowledgement", &a) != nil || a.Log != b.index.parts.log() {
		return
	}
	if era := b.index.era.Load(); era != 0 && a.Incarnation != era {
		return
	}
	m := &b.mirror
	m.check = max(m.check, a.Index)
	if a.At.Seq >= m.acked.At.Seq {
		m.acked = ackedMark{At: a.At, Index: a.Index}
	}
}

// noteIndex remembers the newest Raft index that the hub told of. The caller
// holds the mirror's lock.
func (b *Memory) noteIndex(r *inRecord) {
	var head struct {
		Kind protocol.Kind `cbor:"1,keyasint"`
	}
	if r.What != inEvent || b.index.era.foreign(r.Log) || r.Log.Channel != protocol.Inbox && !r.state() || protocol.Unmarshal(r.Raw, maxRecord, "event", &head) != nil || head.Kind != protocol.Accepted {
		return
	}
	e, err := protocol.DecodeEvent(r.Raw)
	if err != nil {
		return
	}
	var a protocol.Acceptance
	if e.Decode(&a) == nil {
		b.mirror.check = max(b.mirror.check, a.Index)
	}
}

// recallPlaces reads cursors, the newest acknowledgement and the newest Raft
// index from the index, and returns the cursors.
func (b *Memory) recallPlaces() (map[protocol.LogID]protocol.Position, error) {
	cursors, acked, check := map[protocol.LogID]protocol.Position{}, ackedMark{}, uint64(0)
	err := b.index.view(func(tx *store.Tx) error {
		if _, err := read(tx, []byte(b.index.era.now(keyAck)+b.index.parts.log().String()), &acked); err != nil {
			return err
		}
		check = max(acked.Index, b.index.at.Check)
		return tx.Scan([]byte(keyCursor), []byte(keyCursor), func(key, value []byte) (bool, error) {
			log, err := protocol.ParseLogID(string(key[len(keyCursor):]))
			if err != nil {
				return false, damagedIndex(err)
			}
			var at protocol.Position
			if err := protocol.Unmarshal(value, maxRecord, "index", &at); err != nil {
				return false, damagedIndex(err)
			}
			cursors[log] = at
			return true, nil
		})
	})
	if err != nil {
		return nil, err
	}
	m := &b.mirror
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cursors, m.acked, m.check = cursors, acked, check
	return maps.Clone(cursors), nil
}

// refresh reads again from the index what has changed in it.
func (b *Memory) refresh(c changed) error {
	var errs []error
	if c&changedPeople != 0 {
		errs = append(errs, b.refreshPeople())
	}
	if c&changedLeases != 0 {
		errs = append(errs, b.refreshLeases())
	}
	if c&changedContacts != 0 {
		errs = append(errs, b.refreshContacts())
	}
	if c&changedAlarms != 0 {
		errs = append(errs, b.refreshAlarms())
	}
	if c&changedErased != 0 {
		b.forgets.look()
	}
	if c&changedLog != 0 {
		errs = append(errs, b.listen())
	}
	if c&changedRegister != 0 {
		errs = append(errs, b.rebegun())
	}
	if c&changedCatalogue != 0 {
		errs = append(errs, b.stockShelf())
	}
	b.openForWork()
	return errors.Join(errs...)
}

func (b *Memory) refreshPeople() error {
	known := map[string]protocol.User{}
	err := b.index.view(func(tx *store.Tx) error {
		return tx.Scan([]byte(keyUser), []byte(keyUser), func(_, value []byte) (bool, error) {
			var u protocol.User
			if err := protocol.Unmarshal(value, maxRecord, "user", &u); err != nil {
				return false, damagedIndex(err)
			}
			if u.Centre == string(b.centre) {
				known[u.Name] = u
			}
			return true, nil
		})
	})
	if err != nil {
		return err
	}
	b.people.mu.Lock()
	b.people.known = known
	b.people.mu.Unlock()
	return nil
}

// listen gives the own log up when the hub has said that it has two branches.
func (b *Memory) listen() error {
	log := b.index.parts.log()
	b.line.alarm()
	told, err := b.line.toldOff(log)
	if told != nil && b.writer != nil {
		(&Feed{b.core}).DoubtCopy(log, "the hub says that a copy of this box writes it too")
	}
	return err
}

func (b *Memory) refreshContacts() error {
	var c protocol.Contacts
	var seal protocol.SealingTurn
	err := b.index.view(func(tx *store.Tx) error {
		if _, err := read(tx, []byte(keyContacts), &c); err != nil {
			return err
		}
		_, err := read(tx, []byte(keySealing), &seal)
		return err
	})
	if err != nil {
		return err
	}
	b.contacts.mu.Lock()
	b.contacts.last, b.contacts.seal = c, seal
	b.contacts.mu.Unlock()
	return nil
}

func (b *Memory) refreshAlarms() error {
	standing := map[Code]bool{}
	err := b.index.view(func(tx *store.Tx) error {
		return tx.Scan([]byte(keyAlarm), []byte(keyAlarm), func(key, value []byte) (bool, error) {
			if len(value) == 8 && binary.BigEndian.Uint64(value) > 0 {
				standing[Code(key[len(keyAlarm):])] = true
			}
			return true, nil
		})
	})
	for code := range standing {
		b.blockers.Raise(code, zeroTime)
	}
	return err
}

// openForWork opens intake once users and a catalogue are here. They arrive by
// different goroutines: whoever comes last sees both, and nobody acts on what he
// saw before.
func (b *Memory) openForWork() {
	b.opening.Lock()
	defer b.opening.Unlock()
	b.people.mu.RLock()
	someone := len(b.people.known) > 0
	b.people.mu.RUnlock()
	if someone && b.Goods() != nil {
		b.blockers.Clear(NotSynced)
	} else {
		b.blockers.Raise(NotSynced, zeroTime)
	}
}

func damagedIndex(err error) error {
	return &fault.Error{Op: "box.read", Kind: fault.Damaged, Item: "index", Err: err}
}
