package register

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
)

// Slots that boxes get. Those before are the hub's own intake's.
const (
	firstSlot = 10
	lastSlot  = 9999
)

// fleet carries out what concerns servers, boxes and their join tokens.
type fleet struct{ *step }

// maxKey bounds a public key or certificate that a command brings.
const maxKey = 4 << 10

// slotName returns a slot's four digits; empty behind the last.
func slotName(n int) string {
	if n > lastSlot {
		return ""
	}
	s := strconv.Itoa(n)
	return "0000"[:4-len(s)] + s
}

// genesis founds the district.
func (s fleet) genesis(c *Command) Result {
	b, f := body[Founding](c)
	if f != nil {
		return Result{Fault: f}
	}
	if s.world.founding != nil {
		return failed(fault.Conflict, s.world.founding.District, "the district is founded already")
	}
	_, numberErr := protocol.MintNumber(b.District, firstOwnSlot, make([]byte, protocol.NonceSize))
	switch {
	case numberErr != nil || b.Country == "" || len(b.Country) > 8 || b.Incarnation == 0:
		return failed(fault.Invalid, clip(b.District, 8), "want a district of two digits, a country and an incarnation")
	case len(b.Authority) == 0 || len(b.Authority) > maxKey || len(b.CatalogueKey) != 32 || len(b.Recipients) == 0 ||
		len(b.Recipients) > protocol.MaxWraps || slices.ContainsFunc(b.Recipients, func(k []byte) bool { return len(k) == 0 || len(k) > maxKey }):
		return failed(fault.Invalid, "keys", "want the authority, the catalogue's key and the recipients")
	}
	if a := b.Anew; a != nil && (a.Refounding.Incarnation != b.Incarnation || a.Refounding.District != b.District || a.FirstSlot < firstSlot ||
		a.FirstSlot > lastSlot || a.FirstSlot%2 != firstSlot%2 || len(a.Revoked) > maxRevoked) {
		return failed(fault.Invalid, b.District, "what is said of the register before is out of bounds")
	}
	operator := b.Operator
	if f := staff(s).checkUser(&operator); f != nil || operator.Role != access.Operator {
		return failed(fault.Invalid, "operator", "want a first operator with a password hash")
	}
	if f := checkServer(&b.Server); f != nil {
		return Result{Fault: f}
	}
	w := s.world.clone()
	w.founding = &b
	s.world = w
	b.Server.JoinedAt = s.meta.At
	w.servers[b.Server.ID] = &b.Server
	s.meta.NextSlot = firstSlot
	if b.Anew != nil {
		s.meta.NextSlot = b.Anew.FirstSlot
	}
	s.put(key(tagGenesis), w.founding)
	s.put(key(tagServer, []byte(b.Server.ID)), &b.Server)
	staff(s).saveUser(&operator)
	return done(nil)
}

// burn uses a join token up for a key. The same key may come again.
func (s fleet) burn(nonce protocol.Hash, role identity.Role, centre place.Centre, signing []byte) (again bool, f *protocol.Failure) {
	t := &Token{}
	switch {
	case !s.get(key(tagToken, nonce[:]), t) || t.Role != string(role) || t.Centre != centre:
		return false, refuse(fault.Denied, "token", "no such join token for this: ask the operator for one")
	case t.BurntAt != 0 && bytes.Equal(t.BurntBy, signing):
		return true, nil
	case t.BurntAt != 0:
		return false, refuse(fault.Denied, t.ID(), "the join token was used by another machine: ask for a new one")
	case t.RevokedAt != 0 || s.meta.At >= t.Expires*1000:
		return false, refuse(fault.Denied, t.ID(), "the join token has expired or was revoked: ask for a new one")
	}
	return false, nil
}

func (s fleet) burnt(nonce protocol.Hash, signing []byte) {
	t := &Token{}
	if s.get(key(tagToken, nonce[:]), t) {
		t.BurntAt, t.BurntBy = s.meta.At, signing
		s.put(key(tagToken, nonce[:]), t)
	}
}

// enrolNode takes a box in. A box that asks again with its token and its key
// gets its first answer, whatever slots and certificates the leader now brings.
func (s fleet) enrolNode(c *Command) Result {
	b, f := body[NodeKeys](c)
	if f != nil {
		return Result{Fault: f}
	}
	again, f := s.burn(b.Nonce, identity.RoleNode, b.Centre, b.Signing)
	if f != nil {
		return Result{Fault: f}
	}
	if again {
		for n := firstSlot; n < s.meta.NextSlot; n++ {
			if old := s.world.slots[slotName(n)]; old != nil && old.Nonce == b.Nonce {
				return done(old)
			}
		}
	}
	if f := s.checkNode(&b); f != nil {
		return Result{Fault: f}
	}
	if old := s.world.slots[b.Slot]; old != nil {
		return s.recertify(old, &b)
	}
	n := &Node{NodeKeys: b, EnrolledAt: s.meta.At}
	n.GossipKey = nil // It is the upazila's, not the node's.
	w := s.world.clone()
	w.addNode(n)
	s.world = w
	s.meta.NextSlot += 2
	s.burnt(b.Nonce, b.Signing)
	s.put(key(tagSlot, []byte(n.Slot)), n)
	if gk := key(tagGossip, []byte(n.Centre.Upazila())); !s.has(gk) {
		s.set(gk, b.GossipKey)
	}
	s.assure(n.Centre, nil)
	if s.format > 3 {
		s.revoked(n.Centre)
	}
	s.settings(n.Centre.Upazila())
	return done(n)
}

// sameAs reports whether an enrolled box asks again with its key and its slots:
// its certificates had expired. One that was revoked needs another key.
func (n *Node) sameAs(b *NodeKeys, format uint8) bool {
	return format > 1 && n != nil && n.RevokedAt == 0 && bytes.Equal(n.Signing, b.Signing) && n.Centre == b.Centre &&
		n.Slot == b.Slot && n.Spare == b.Spare
}

// recertify keeps the new certificates of a box that was enrolled before.
func (s fleet) recertify(old *Node, b *NodeKeys) Result {
	n := *old
	n.Nonce, n.TLS, n.Sealing, n.TLSCert, n.SigningCert = b.Nonce, b.TLS, b.Sealing, b.TLSCert, b.SigningCert
	w := s.world.clone()
	w.addNode(&n)
	s.world = w
	s.burnt(b.Nonce, b.Signing)
	s.put(key(tagSlot, []byte(n.Slot)), &n)
	return done(&n)
}

// sized reports whether keys, certificates and address are within their bounds.
func (b *NodeKeys) sized() bool {
	return len(b.Signing) == 32 && len(b.TLS) == 32 && len(b.GossipKey) == 32 && len(b.Sealing) > 0 && len(b.Sealing) <= maxKey &&
		len(b.TLSCert) > 0 && len(b.TLSCert) <= maxKey && len(b.SigningCert) > 0 && len(b.SigningCert) <= maxKey && len(b.Gossip) <= protocol.MaxName
}

func (s fleet) checkNode(b *NodeKeys) *protocol.Failure {
	switch {
	case !b.sized():
		return refuse(fault.Invalid, string(b.Centre), "keys, certificates or address out of bounds")
	case s.meta.NextSlot+1 > lastSlot:
		return refuse(fault.Limited, "slots", "all slots of the district are given out")
	case s.world.slots[b.Slot].sameAs(b, s.format):
		return nil
	case b.Slot != slotName(s.meta.NextSlot) || b.Spare != slotName(s.meta.NextSlot+1):
		return refuse(fault.Unavailable, b.Slot, "another box took this slot: ask for the next and send again")
	}
	for _, other := range s.world.slots {
		if !other.StandIn && bytes.Equal(other.Signing, b.Signing) && !other.sameAs(b, s.format) {
			return refuse(fault.Conflict, string(b.Centre), "this signing key is enrolled already: draw new keys")
		}
	}
	return nil
}

// settings tells every box of an upazila, or all boxes for "", where it finds its
// hub and its neighbours.
func (s fleet) settings(upazila place.Code) {
	boxes, servers := s.world.boxes(), s.world.addresses()
	for _, n := range boxes {
		up := n.Centre.Upazila()
		if upazila != "" && up != upazila {
			continue
		}
		told := protocol.Contacts{Servers: servers}
		for _, other := range boxes {
			if other.Centre != n.Centre && other.Centre.Upazila() == up && len(told.Neighbours) < maxNeighbours {
				told.Neighbours = append(told.Neighbours, protocol.Neighbour{
					Centre: string(other.Centre), Gossip: other.Gossip, Signer: other.Signing,
				})
			}
		}
		if s.format > 1 {
			told.Former, told.Revoked = s.world.former(n), s.world.revoked(up)
		}
		if k, ok := s.raw(key(tagGossip, []byte(up))); ok {
			told.GossipKey = bytes.Clone(k)
		}
		s.tellKeys(&told, up)
		s.append(s.world.inbox(n.Centre), &protocol.Event{Kind: protocol.Settings, Payload: protocol.Marshal(&told)})
	}
}

// nodeAddress notes where a box says that its neighbours reach it, and tells them.
func (s fleet) nodeAddress(c *Command) Result {
	b, f := body[NodePlace](c)
	if f != nil {
		return Result{Fault: f}
	}
	old := s.world.slots[b.Slot]
	switch {
	case old == nil:
		return failed(fault.NotFound, clip(b.Slot, 8), "no box has this slot")
	case len(b.Gossip) > protocol.MaxName || strings.ContainsFunc(b.Gossip, unprintable):
		return failed(fault.Invalid, b.Slot, "address out of bounds")
	case old.RevokedAt != 0:
		return failed(fault.Denied, b.Slot, "the box was revoked")
	case old.Gossip == b.Gossip:
		return done(nil)
	}
	moved := *old
	moved.Gossip = b.Gossip
	w := s.world.clone()
	w.addNode(&moved)
	s.world = w
	s.put(key(tagSlot, []byte(moved.Slot)), &moved)
	s.settings(moved.Centre.Upazila())
	return done(nil)
}

// maxNeighbours keeps a Settings event far below its limit.
const maxNeighbours = 200

func (s fleet) revokeNode(c *Command) Result {
	b, f := body[Revocation](c)
	if f != nil {
		return Result{Fault: f}
	}
	if len(b.GossipKey) != 32 || len(b.Reason) > 256 {
		return failed(fault.Invalid, clip(string(b.Centre), 64), "want a new gossip key of 32 bytes, and a reason of 256 bytes at most")
	}
	w := s.world.clone()
	found := false
	for slot := firstSlot; slot < s.meta.NextSlot; slot += 2 { // Every box that the centre ever had.
		n := w.slots[slotName(slot)]
		if n == nil || n.Centre != b.Centre {
			continue
		}
		found = true
		if n.RevokedAt == 0 {
			gone := *n
			gone.RevokedAt, gone.Reason = s.meta.At, b.Reason
			w.addNode(&gone)
			s.put(key(tagSlot, []byte(gone.Slot)), &gone)
		}
	}
	if !found {
		return failed(fault.NotFound, clip(string(b.Centre), 64), "no box was enrolled for this centre")
	}
	s.world = w
	if s.format > 3 {
		leases(s).revoked(b.Centre)
	}
	s.set(key(tagGossip, []byte(b.Centre.Upazila())), b.GossipKey)
	s.endKeyTurn(b.Centre.Upazila())
	s.settings(b.Centre.Upazila())
	return done(nil)
}

func checkServer(b *Server) *protocol.Failure {
	fits := func(n, most int) bool { return n > 0 && n <= most }
	if !fits(len(b.ID), 64) || strings.ContainsFunc(b.ID, unprintable) || len(b.Address) > protocol.MaxName || len(b.HTTP) > protocol.MaxName ||
		len(b.Signing) != 32 || len(b.TLS) != 32 || !fits(len(b.Sealing), maxKey) || !fits(len(b.TLSCert), maxKey) || !fits(len(b.SigningCert), maxKey) {
		return refuse(fault.Invalid, clip(b.ID, 64), "ID, address, keys or certificates out of bounds")
	}
	return nil
}

// enrolServer takes a server in. Like a box, one that asks again gets its first
// answer.
func (s fleet) enrolServer(c *Command) Result {
	b, f := body[Server](c)
	if f != nil {
		return Result{Fault: f}
	}
	again, f := s.burn(b.Nonce, identity.RoleServer, "", b.Signing)
	if f != nil {
		return Result{Fault: f}
	}
	if again {
		for _, old := range s.world.servers {
			if old.Nonce == b.Nonce {
				return done(old)
			}
		}
	}
	if f := checkServer(&b); f != nil {
		return Result{Fault: f}
	}
	if s.world.servers[b.ID] != nil {
		return failed(fault.Conflict, b.ID, "a server has or had this ID: take a new one")
	}
	b.JoinedAt, b.RemovedAt = s.meta.At, 0
	s.burnt(b.Nonce, b.Signing)
	s.saveServer(&b)
	return done(&b)
}

func (s fleet) saveServer(sv *Server) {
	w := s.world.clone()
	w.servers[sv.ID] = sv
	s.world = w
	s.put(key(tagServer, []byte(sv.ID)), sv)
	s.settings("")
}

// serverAddress notes where a server listens now, and whether it votes.
func (s fleet) serverAddress(c *Command) Result {
	b, f := body[Server](c)
	if f != nil {
		return Result{Fault: f}
	}
	old := s.world.servers[b.ID]
	if old == nil || old.RemovedAt != 0 {
		return failed(fault.NotFound, clip(b.ID, 64), "no such server in the group")
	}
	if len(b.Address) > protocol.MaxName || len(b.HTTP) > protocol.MaxName {
		return failed(fault.Invalid, b.ID, "address out of bounds")
	}
	sv := *old
	sv.Address, sv.HTTP, sv.Voter = b.Address, b.HTTP, b.Voter
	if sv.Address == old.Address && sv.HTTP == old.HTTP && sv.Voter == old.Voter {
		return done(&sv)
	}
	s.saveServer(&sv)
	return done(&sv)
}

func (s fleet) removeServer(c *Command) Result {
	b, f := body[Name](c)
	if f != nil {
		return Result{Fault: f}
	}
	old := s.world.servers[b.Name]
	switch {
	case old == nil:
		return failed(fault.NotFound, clip(b.Name, 64), "no such server")
	case old.RemovedAt != 0:
		return done(nil)
	case len(s.world.liveServers()) == 1:
		return failed(fault.Conflict, clip(b.Name, 64), "it is the last server of the group")
	}
	sv := *old
	sv.RemovedAt = s.meta.At
	s.saveServer(&sv)
	return done(nil)
}
