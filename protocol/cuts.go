package protocol

import (
	"slices"
	"sync"

	"kendro/identity"
)

// Cuts keeps blocks that were made lately, to be handed out again: whoever asks for
// the same run, sealed in the same epoch, gets the same bytes, which are compressed,
// sealed and signed once. That says nothing new to anybody: blocks are carriage. It
// may be used concurrently.
type Cuts struct {
	packer *Packer
	room   int // Bytes of bodies that are kept.

	mu   sync.Mutex // Guards what follows.
	list []made     // What was asked for last is at the end.
	size int
}

// keptBlocks bounds the blocks that are kept, since they are looked for one by one.
const keptBlocks = 64

// A made block, and what it was made of. The hash at its end stands for its events.
type made struct {
	log    LogID
	first  uint64
	end    Hash
	reads  Codecs
	epoch  identity.EpochID
	signer identity.KeyID
	block  Block
}

// NewCuts keeps so many bytes of blocks that the packer makes.
func NewCuts(p *Packer, room int) *Cuts { return &Cuts{packer: p, room: room} }

// Pack is [Packer.Pack] for a run that may have been packed before. lean says what
// the block leans on, and is asked only where it has to be made; nil leans on nothing.
func (c *Cuts) Pack(r Run, epoch *identity.Epoch, signer *identity.Signer, lean func() *Leaning) (Block, error) {
	m := made{log: r.Log, first: r.First, end: r.End, reads: r.Reads, signer: signer.ID()}
	if epoch != nil {
		m.epoch = epoch.ID()
	}
	if b, ok := c.find(&m); ok {
		return b, nil
	}
	if lean != nil {
		r.Leaning = lean()
	}
	var err error
	if m.block, err = c.packer.Pack(r, epoch, signer); err == nil {
		c.keep(m)
	}
	return m.block, err
}

// Forget lets go of all blocks: some of their events are no longer what they were.
func (c *Cuts) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list, c.size = nil, 0
}

func (c *Cuts) find(m *made) (Block, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.list {
		k := &c.list[i]
		if k.first == m.first && k.end == m.end && k.epoch == m.epoch && k.reads == m.reads && k.signer == m.signer && k.log == m.log {
			found := *k
			c.list = append(slices.Delete(c.list, i, i+1), found)
			return found.block, true
		}
	}
	return Block{}, false
}

// keep takes a block, and lets go of those that nobody has asked for longest.
func (c *Cuts) keep(m made) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, m)
	c.size += len(m.block.Body)
	drop := 0
	for ; len(c.list)-drop > keptBlocks || c.size > c.room; drop++ {
		c.size -= len(c.list[drop].block.Body)
	}
	c.list = slices.Delete(c.list, 0, drop)
}
