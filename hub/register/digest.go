package register

import (
	"fmt"
	"slices"

	"kendro/domain/fault"
	"kendro/protocol"
)

// digests remembers the digests of the newest entries, so that a checkpoint that
// is a few entries old by the time it is applied can still be compared.
type digests struct {
	ring [4096]Checkpoint
	next int
}

func (d *digests) add(index uint64, digest protocol.Hash) {
	d.ring[d.next%len(d.ring)] = Checkpoint{Index: index, Digest: digest}
	d.next++
}

// compare returns [fault.Damaged] when a checkpoint names another digest than
// the one this server had. A checkpoint older than what is remembered, as after
// a restart, says nothing.
func (d *digests) compare(c *Checkpoint) error {
	if c == nil {
		return nil
	}
	i := slices.IndexFunc(d.ring[:min(d.next, len(d.ring))], func(x Checkpoint) bool { return x.Index == c.Index })
	if i < 0 || d.ring[i].Digest == c.Digest {
		return nil
	}
	return fault.New("register.Apply", fault.Damaged, fmt.Sprintf("entry %d", c.Index),
		"this server's register differs from the leader's: let it rejoin with an empty folder")
}
