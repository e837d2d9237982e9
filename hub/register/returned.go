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

// A register that began anew knows the district's authority and its catalogue. Its
// boxes come back one by one, each with certificates of that authority, and send
// again what they hold. Nothing here happens in a register that did not begin anew.

// A NodeReturn is the body of return-node: a box that an earlier register had
// enrolled, as the leader has verified it.
type NodeReturn struct {
	NodeKeys
	Logs   []protocol.Head `cbor:"20,keyasint,omitempty"` // As in [protocol.ReturnRequest].
	Former []string        `cbor:"21,keyasint,omitempty"`
	Before []protocol.Head `cbor:"22,keyasint,omitempty"`
	Users  []protocol.User `cbor:"23,keyasint,omitempty"`

	SealsElsewhere bool `cbor:"75,keyasint,omitempty"` // It seals to a key that is not the one in use here.
}

// returnNode takes a box back in, at its own slots. Its inbox begins with word of
// what has happened.
func (s fleet) returnNode(c *Command) Result {
	b, f := body[NodeReturn](c)
	if f != nil {
		return Result{Fault: f}
	}
	old := s.world.slots[b.Slot]
	if f := s.checkReturn(&b, old); f != nil {
		return Result{Fault: f}
	}
	if old != nil && !old.StandIn {
		return done(old)
	}
	n := &Node{NodeKeys: b.NodeKeys, EnrolledAt: s.meta.At}
	n.GossipKey = nil
	s.seat(n)
	for _, name := range b.Former {
		s.standIn(name, n)
	}
	if gk := key(tagGossip, []byte(n.Centre.Upazila())); !s.has(gk) {
		s.set(gk, b.GossipKey)
	}
	for _, h := range b.Logs {
		s.knewBefore(h, b.Centre)
	}
	s.assure(n.Centre, b.Before)
	s.settings(n.Centre.Upazila())
	erasures{courses(s)}.returned(n.Centre)
	if b.SealsElsewhere || len(s.world.sealing) > 0 {
		sealers(s).tell(n)
	}
	for i := range b.Users {
		staff(s).returned(&b.Users[i], n.Centre)
	}
	return done(n)
}

// checkReturn says why a box can't come back.
func (s fleet) checkReturn(b *NodeReturn, old *Node) *protocol.Failure {
	anew := s.world.founding.Anew
	slot := slotNumber(b.Slot)
	switch {
	case anew == nil:
		return refuse(fault.Conflict, string(b.Centre), "this register did not begin anew: its boxes are enrolled")
	case !b.sized() || len(b.Users) > protocol.MaxReturned || len(b.Logs) > protocol.MaxReturned ||
		len(b.Former) > protocol.MaxReturned || len(b.Before) > protocol.MaxReturned:
		return refuse(fault.Invalid, string(b.Centre), "keys, certificates, address or lists out of bounds")
	case slot < firstSlot || slot%2 != firstSlot%2 || b.Spare != slotName(slot+1):
		return refuse(fault.Invalid, clip(b.Slot, 8), "not the slots of a box")
	case slices.Contains(anew.Revoked, identity.IDOf(b.Signing)):
		return refuse(fault.Denied, b.Slot, "the box was revoked: enrol it again with a new token")
	case old != nil && !old.StandIn && !bytes.Equal(old.Signing, b.Signing):
		return refuse(fault.Conflict, b.Slot, "another box has this slot")
	}
	for _, other := range s.world.slots {
		if !other.StandIn && other.Slot != b.Slot && bytes.Equal(other.Signing, b.Signing) {
			return refuse(fault.Conflict, b.Slot, "this signing key is enrolled under another slot")
		}
	}
	return nil
}

func slotNumber(slot string) int {
	n, err := strconv.Atoi(slot)
	if err != nil || slotName(n) != slot {
		return 0
	}
	return n
}

// seat keeps a box at its slots, which are given to no other.
func (s fleet) seat(n *Node) {
	w := s.world.clone()
	w.addNode(n)
	s.world = w
	s.meta.NextSlot = max(s.meta.NextSlot, slotNumber(n.Slot)+2)
	s.put(key(tagSlot, []byte(n.Slot)), n)
}

// standIn lets a returned box bring the log of an earlier box of its centre, which
// it had fetched back from the hub, for as long as that box does not return itself.
func (s fleet) standIn(name string, by *Node) {
	district, slot, ok := strings.Cut(name, "-")
	n := slotNumber(slot)
	if !ok || district != s.world.founding.District || n < firstSlot || n%2 != firstSlot%2 || n >= slotNumber(by.Slot) || s.world.slots[slot] != nil {
		return
	}
	s.seat(&Node{
		NodeKeys: NodeKeys{
			Centre: by.Centre, Slot: slot, Spare: slotName(n + 1), Signing: by.Signing, TLS: by.TLS, Sealing: by.Sealing,
			TLSCert: by.TLSCert, SigningCert: by.SigningCert,
		},
		EnrolledAt: s.meta.At, StandIn: true,
	})
}

// assure tells a centre that this register began anew: the first that its inbox
// says.
func (s fleet) assure(centre place.Centre, before []protocol.Head) {
	anew := s.world.founding.Anew
	if anew == nil {
		return
	}
	told := protocol.Assurance{Refounded: &anew.Refounding, Before: before}
	s.append(s.world.inbox(centre), &protocol.Event{Kind: protocol.Assured, Payload: protocol.Marshal(&told)})
}

// returned gives an entrepreneur his login again, as his centre's box knows it. A
// name that somebody has is left to an operator.
func (s staff) returned(u *protocol.User, centre place.Centre) {
	back := &User{
		Name: u.Name, Role: access.Entrepreneur, Centre: centre, Gender: u.Gender, Hash: u.Hash, From: u.From, Until: u.Until, Disabled: u.Disabled,
	}
	if u.Centre != string(centre) || u.Role != string(access.Entrepreneur) || s.checkUser(back) != nil || s.has(s.userKey(back.Name)) {
		return
	}
	for _, t := range u.Trained {
		back.Training = append(back.Training, Training{Tag: t.Tag, Until: t.Until, By: ActorHub, At: s.meta.At})
	}
	s.saveUser(back)
}

// knewBefore notes up to where a log names entries of the register before this
// one: such a number says nothing of a time here.
func (s fleet) knewBefore(h protocol.Head, centre place.Centre) {
	district, slot, ok := strings.Cut(h.Log.Name, "-")
	owner := s.world.slots[slot]
	if h.Log.Channel != protocol.Uplink || !ok || district != s.world.founding.District || owner == nil || owner.Centre != centre {
		return
	}
	if k := logKey(tagBefore, h.Log); h.At.Seq > beforeAnew(s.step, h.Log) {
		s.set(k, u64(h.At.Seq))
	}
}

// beforeAnew is the last place of a log at which its box knew the register before this
// one, 0 for none.
func beforeAnew(s *step, log protocol.LogID) uint64 {
	if s.world.founding.Anew == nil {
		return 0
	}
	v, ok := s.raw(logKey(tagBefore, log))
	if !ok || len(v) != 8 {
		return 0
	}
	return uint64(numberOf(v))
}

// seen is the newest entry of this register that the author of an event knew.
func seen(s *step, log protocol.LogID, seq, checkpoint uint64) uint64 {
	if checkpoint == 0 || seq <= beforeAnew(s, log) {
		return 0
	}
	return checkpoint
}

// backedUp notes that a backup was put away, and tells every centre.
func (s fleet) backedUp(c *Command) Result {
	b, f := body[Backup](c)
	if f != nil {
		return Result{Fault: f}
	}
	var old protocol.Watermark
	switch s.get(key(tagBackup), &old); {
	case b.Index == 0 || b.Index >= s.index:
		return failed(fault.Invalid, "index", "the register is not that far: give the index that kendro hub export printed for the backup")
	case b.Until < s.meta.At/1000+minKept:
		return failed(fault.Invalid, "until", "a backup counts when it is kept for 90 days at least")
	case b.Index <= old.Index:
		return failed(fault.Conflict, strconv.FormatUint(b.Index, 10), "a later backup was told already, of entry "+strconv.FormatUint(old.Index, 10))
	}
	mark := protocol.Watermark{Index: b.Index, At: s.meta.At, Until: b.Until}
	s.put(key(tagBackup), &mark)
	for _, n := range s.world.boxes() {
		s.append(s.world.inbox(n.Centre), &protocol.Event{Kind: protocol.Assured, Payload: protocol.Marshal(&protocol.Assurance{Backed: &mark})})
	}
	return done(&mark)
}

// minKept is how long a backup has to be kept to count, in seconds.
const minKept = 90 * 24 * 3600

// A Backup is the body of backed-up.
type Backup struct {
	Index uint64 `cbor:"1,keyasint"` // Of the newest entry in it.
	Until int64  `cbor:"2,keyasint"` // Unix seconds until which it is kept.
}

// RevokedKeys returns the signing keys of all boxes that were revoked, in the order
// of their slots.
func (r Machines) RevokedKeys() []identity.KeyID {
	w := r.world.Load()
	var list []identity.KeyID
	if w.founding != nil && w.founding.Anew != nil {
		list = append(list, w.founding.Anew.Revoked...)
	}
	for _, n := range w.all() {
		if n.RevokedAt != 0 && !n.StandIn {
			list = append(list, identity.IDOf(n.Signing))
		}
	}
	return list[max(0, len(list)-maxRevoked):]
}

// Backed returns the newest backup that was told, or [fault.NotFound].
func (r Machines) Backed() (*protocol.Watermark, error) {
	return find[protocol.Watermark](r.state, "Backed", key(tagBackup), "backup")
}
