package register

import (
	"maps"
	"slices"

	"kendro/domain/place"
	"kendro/protocol"
)

// Machines answers questions about servers, boxes and join tokens, as of the
// newest entry. Any goroutine may ask.
type Machines struct{ *state }

// SlotOwner returns the box that a slot was given to, revoked or not. It must
// not be changed.
func (r Machines) SlotOwner(slot string) (*Node, bool) {
	n, ok := r.world.Load().slots[slot]
	return n, ok
}

// NodeOf returns the newest box of a centre, revoked or not. It must not be
// changed.
func (r Machines) NodeOf(c place.Centre) (*Node, bool) {
	n, ok := r.world.Load().centres[c]
	return n, ok
}

// Former returns the names of the uplinks that earlier boxes of a box's centre
// wrote, the oldest first.
func (r Machines) Former(n *Node) []string { return r.world.Load().former(n) }

// Nodes returns the newest box of every centre, by centre. They must not be
// changed.
func (r Machines) Nodes() []*Node {
	return slices.SortedFunc(maps.Values(r.world.Load().centres), byCentre)
}

// NextSlots returns the slots that the next box gets, for its certificates.
func (r Machines) NextSlots() (slot, spare string) {
	n := max(r.meta.Load().NextSlot, firstSlot)
	return slotName(n), slotName(n + 1)
}

// Servers returns the members of the group, removed ones left out, by ID. They
// must not be changed.
func (r Machines) Servers() []*Server { return r.world.Load().liveServers() }

// Server returns a server by its ID, removed or not. It must not be changed.
func (r Machines) Server(id string) (*Server, bool) {
	sv, ok := r.world.Load().servers[id]
	return sv, ok
}

// Addresses returns where the servers of the group listen for sessions.
func (r Machines) Addresses() []string { return r.world.Load().addresses() }

// Tokens returns every join token ever made.
func (r Machines) Tokens() ([]*Token, error) { return list[Token](r.state, key(tagToken)) }

// Token returns the join token with this hash of its nonce, or [fault.NotFound].
func (r Machines) Token(nonce protocol.Hash) (*Token, error) {
	return find[Token](r.state, "Token", key(tagToken, nonce[:]), "token")
}
