package hub

import (
	"context"
	"slices"

	"kendro/identity"
	"kendro/store"
	"kendro/store/journal"
)

// What follows opens the package to its own tests.

// SetStep has fn called at every durable step of a snapshot.
func (c *Config) SetStep(fn func(point string)) { c.step = fn }

// SetLog has Raft's log kept in segments of a size, on a disk.
func (c *Config) SetLog(segment int64, d journal.Disk) {
	c.log = func(o *journal.Options) { o.SegmentBytes, o.Disk = segment, d }
}

// StepDue and TurnKeys are what a leader does about gossip keys every hour.
var StepDue = stepDue

// TurnKeys takes the steps that are due.
func TurnKeys(ctx context.Context, h *Hub) { (&keyTurner{h.group, h.o.Clock}).look(ctx) }

// Smuggle puts a document into a server's folder of which its register says nothing new.
func Smuggle(h *Hub, content []byte) error {
	_, err := h.papers.tray.Put(content)
	return err
}

// CopyFolder copies a server's folder as a kill at this moment would leave it.
func CopyFolder(to, from string) error {
	return store.CopyFolder(to, from, nil)
}

// SetClear has register, Raft's log and held blocks lie on the disk unencrypted.
func (c *Config) SetClear() { c.clear = true }

// Rewrite puts a register that was written anew in the place of a server's.
func Rewrite(ctx context.Context, h *Hub) error {
	return h.sweeper.rewrite(ctx, h.Register().Applied())
}

// WriteAnew writes a server's register into another folder, as the first step of a sweep, and
// throws that away.
func WriteAnew(ctx context.Context, h *Hub) error {
	f, err := h.disk.anew.rewrite(ctx)
	if err != nil {
		return err
	}
	return h.disk.anew.drop(f)
}

// Sweep rids a server's folder of what was erased, as it does by itself in its time.
func Sweep(ctx context.Context, h *Hub) error {
	upTo, err := Unswept(h)
	if err != nil || upTo == 0 {
		return err
	}
	return h.sweeper.sweep(ctx, upTo)
}

// Unswept is up to which entry a server's folder holds something of what was erased.
func Unswept(h *Hub) (upTo uint64, err error) {
	upTo, _, err = h.sweeper.due()
	return upTo, err
}

// OlderRegister is said of a register that was put back from a copy of before.
const OlderRegister = olderRegister

// SealingSeeds are the district's sealing keys that lie in a server's folder, as they are
// written there.
func SealingSeeds(dir string) (seeds [][]byte, err error) {
	k, err := loadKeys(dir)
	if err != nil {
		return nil, err
	}
	return k.Secrets.SealingKeys, nil
}

// Unlearn has a server lack a sealing key of the district's in memory, while fn runs.
func Unlearn(h *Hub, id identity.KeyID, fn func()) {
	all := h.keys.district.all()
	less := slices.DeleteFunc(slices.Clone(all), func(k *identity.SealingKey) bool { return k.ID() == id })
	h.keys.district.held.Store(&less)
	defer h.keys.district.held.Store(&all)
	fn()
}

// RaftOldest is the oldest entry that lies in a server's Raft log.
func RaftOldest(h *Hub) uint64 { return h.disk.log.journal.Oldest() }
