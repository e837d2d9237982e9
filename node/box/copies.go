package box

import (
	"maps"
	"sync"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store/journal"
)

// copies are how far others have said that they hold the own log, durably. Nothing
// is decided by them: they are what the citizen's slip shows until a hub has
// signed, and what a restart forgets until the keepers say it again.
type copies struct {
	mu  sync.Mutex // Guards all below.
	log protocol.LogID
	at  map[string]protocol.Position
}

// Witnessed takes a keeper's word that it holds the own log up to a position. Word
// of an event that is not ours is [fault.Conflict] and changes nothing.
func (b *Feed) Witnessed(keeper string, h protocol.Head) error {
	const op = "box.Witnessed"
	l := b.index.parts.all()
	s := l.current()
	if h.Log != s.Log {
		return nil // A log that was given up: what counts stands again.
	}
	if h.At.Seq == 0 || h.At.Seq > b.mirror.head().At.Seq {
		return fault.New(op, fault.Conflict, keeper, "names an event that this box has not written")
	}
	e, err := b.placeAt(s.First + h.At.Seq - 1)
	if err != nil {
		return err
	}
	if e.hash != h.At.Hash {
		return fault.New(op, fault.Conflict, keeper, "names another event than stands in this log")
	}
	c := &b.copies
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at == nil || c.log != h.Log {
		c.at, c.log = map[string]protocol.Position{}, h.Log
	}
	if h.At.Seq > c.at[keeper].Seq {
		c.at[keeper] = h.At
	}
	return nil
}

// Unwitness forgets what a keeper has said: its disk may have failed since.
func (b *Feed) Unwitness(keeper string) {
	b.copies.mu.Lock()
	defer b.copies.mu.Unlock()
	delete(b.copies.at, keeper)
}

// Keepers returns how far each keeper said that it holds the own log.
func (b *Feed) Keepers() map[string]protocol.Position {
	b.copies.mu.Lock()
	defer b.copies.mu.Unlock()
	return maps.Clone(b.copies.at)
}

// Copies returns how many keepers hold the own log to its end.
func (b *Feed) Copies() int {
	h := b.mirror.head()
	return b.copies.count(h.Log, h.At.Seq)
}

// count returns how many keepers hold an event.
func (c *copies) count(log protocol.LogID, seq uint64) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if log != c.log {
		return 0
	}
	for _, at := range c.at {
		if at.Seq >= seq {
			n++
		}
	}
	return n
}

// Cipher returns what encrypts journals on this disk, or nil for a box that keeps
// them in clear.
func (b *core) Cipher() journal.Cipher {
	if b.vault == nil {
		return nil
	}
	return b.vault
}
