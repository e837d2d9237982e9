package register

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"kendro/catalogue"
	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
)

// world is the small part of the state that every entry asks for, in memory. It
// is derived from the state at Open and never changed: an entry that changes
// something makes another, which readers see once the entry is kept.
type world struct {
	founding *Founding // Nil before genesis.
	set      *dcat.Set // Nil before the first release.
	over     endings
	slots    map[string]*Node
	centres  map[place.Centre]*Node // The newest box of each.
	servers  map[string]*Server
	logins   []login       // By their keys; never changed in place.
	sealing  []*Generation // The district's sealing keys, once there was another than the founding's; the newest last.
}

// A login is what every grievance asks of one: whose it is, where he sits and since when.
type login struct {
	key string
	User
}

func loginOf(k []byte, u *User) login {
	return login{key: string(k), User: User{
		Name: u.Name, Role: u.Role, Seat: u.Seat, Centre: u.Centre, From: u.From, Until: u.Until, Disabled: u.Disabled, Of: u.Of,
	}}
}

// addLogin makes a login the one of its key.
func (w *world) addLogin(k []byte, u *User) {
	at, known := slices.BinarySearchFunc(w.logins, string(k), func(l login, k string) int { return cmp.Compare(l.key, k) })
	l := loginOf(k, u)
	if w.logins = slices.Clone(w.logins); known {
		w.logins[at] = l
		return
	}
	w.logins = slices.Insert(w.logins, at, l)
}

func (w *world) clone() *world {
	c := *w
	c.slots, c.centres, c.servers = maps.Clone(w.slots), maps.Clone(w.centres), maps.Clone(w.servers)
	return &c
}

// addNode makes n the newest box of its centre.
func (w *world) addNode(n *Node) {
	w.slots[n.Slot], w.slots[n.Spare] = n, n
	if old := w.centres[n.Centre]; old == nil || old.Slot <= n.Slot {
		w.centres[n.Centre] = n
	}
}

// all returns every box there ever was, in the order of their slots.
func (w *world) all() []*Node {
	list := make([]*Node, 0, len(w.slots)/2)
	for slot, n := range w.slots {
		if slot == n.Slot {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b *Node) int { return cmp.Compare(a.Slot, b.Slot) })
	return list
}

// former returns the names of the uplinks that other boxes of a box's centre wrote.
func (w *world) former(n *Node) []string {
	var list []string
	for _, other := range w.all() {
		if other.Centre == n.Centre && other.Slot != n.Slot {
			list = append(list, w.founding.District+"-"+other.Slot, w.founding.District+"-"+other.Spare)
		}
	}
	return list[max(0, len(list)-maxFormer):]
}

// revoked returns the signing keys of an upazila's revoked boxes, in the order of
// their slots.
func (w *world) revoked(upazila place.Code) []identity.KeyID {
	var list []identity.KeyID
	for _, n := range w.all() {
		if n.RevokedAt != 0 && n.Centre.Upazila() == upazila && len(list) < maxRevoked {
			list = append(list, identity.IDOf(n.Signing))
		}
	}
	return list
}

// Bounds of what a Settings event lists.
const (
	maxFormer  = 64
	maxRevoked = 1024
)

// inbox is the log of what a centre must know.
func (w *world) inbox(c place.Centre) protocol.LogID {
	return protocol.LogID{Channel: protocol.Inbox, Name: string(c), Incarnation: w.founding.Incarnation}
}

// shelf is the log of the district's catalogue.
func (w *world) shelf() protocol.LogID {
	return protocol.LogID{Channel: protocol.Catalogue, Name: w.founding.District, Incarnation: w.founding.Incarnation}
}

// area is the area that a centre serves.
func (w *world) area(c place.Centre) place.Code {
	if w.set != nil {
		if info, ok := w.set.Directory.Centre(c); ok {
			return info.Area
		}
	}
	return c.Area()
}

// upazila is the upazila of a case.
func (w *world) upazila(c *Case) place.Code {
	if c.Centre != "" {
		return c.Centre.Upazila()
	}
	above := access.In(w.set.Directory, c.Area) // From it upwards.
	district := slices.Index(above, place.Code(w.founding.District))
	if district < 1 {
		return c.Area
	}
	return above[district-1]
}

// addresses returns where the servers of the group listen, in a fixed order.
func (w *world) addresses() []string {
	var list []string
	for _, sv := range w.liveServers() {
		if sv.Address != "" && len(list) < protocol.MaxAddresses {
			list = append(list, sv.Address)
		}
	}
	return list
}

func (w *world) liveServers() []*Server {
	var list []*Server
	for _, id := range slices.Sorted(maps.Keys(w.servers)) {
		if sv := w.servers[id]; sv.RemovedAt == 0 {
			list = append(list, sv)
		}
	}
	return list
}

// boxes returns the newest box of each centre that isn't revoked, by centre.
func (w *world) boxes() []*Node {
	var list []*Node
	for _, c := range slices.Sorted(maps.Keys(w.centres)) {
		if n := w.centres[c]; n.RevokedAt == 0 {
			list = append(list, n)
		}
	}
	return list
}

// loadWorld builds the world from the state.
func loadWorld(v View) (*world, error) {
	w := &world{slots: map[string]*Node{}, centres: map[place.Centre]*Node{}, servers: map[string]*Server{}}
	f := &Founding{}
	switch ok, err := readInto(v, key(tagGenesis), f); {
	case err != nil:
		return nil, err
	case !ok:
		return w, nil
	}
	w.founding = f
	err := v.Scan(key(tagSlot), nil, func(k, raw []byte) (bool, error) {
		n := &Node{}
		err := decodeState(k, raw, n)
		w.addNode(n)
		return true, err
	})
	if err != nil {
		return nil, err
	}
	err = v.Scan(key(tagServer), nil, func(k, raw []byte) (bool, error) {
		sv := &Server{}
		err := decodeState(k, raw, sv)
		w.servers[sv.ID] = sv
		return true, err
	})
	if err != nil {
		return nil, err
	}
	err = v.Scan(key(tagUser), nil, func(k, raw []byte) (bool, error) { // In the order of their keys.
		u := &User{}
		err := decodeState(k, raw, u)
		w.logins = append(w.logins, loginOf(k, u))
		return true, err
	})
	if err != nil {
		return nil, err
	}
	err = v.Scan(sideKey(sideSealing), nil, func(k, raw []byte) (bool, error) { // In the order of their numbers.
		g := &Generation{}
		err := decodeState(k, raw, g)
		w.sealing = append(w.sealing, g)
		return true, err
	})
	if err != nil {
		return nil, err
	}
	w.set, w.over, err = loadSet(v, w.shelf())
	return w, err
}

// loadSet replays the catalogue log: every version that a release ever named, be it on trial, as
// of the newest release, and what went out of force meanwhile. It returns nil before the first.
func loadSet(v View, shelf protocol.LogID) (*dcat.Set, endings, error) {
	versions := map[dcat.Hash]*dcat.Version{}
	directories := map[dcat.Hash]*place.Directory{}
	var named []*dcat.Version
	var newest *dcat.Release
	var over endings
	var parts catalogue.Joiner
	err := v.Scan(logKey(tagEvent, shelf), nil, func(k, raw []byte) (bool, error) {
		e, err := eventOf(k, raw)
		if err != nil {
			return false, err
		}
		payload, kind, err := parts.Whole(&e)
		if err != nil || payload == nil {
			return err == nil, fault.Wrap("register.Open", fault.Damaged, "catalogue event", err)
		}
		switch kind {
		case protocol.ServiceAdded:
			var ver *dcat.Version
			if ver, err = catalogue.DecodeVersion(payload); err == nil {
				versions[ver.Hash] = ver
			}
		case protocol.DirectoryAdded:
			dir, hash, derr := catalogue.DecodeDirectory(payload)
			directories[hash], err = dir, derr
		case protocol.Released:
			before := newest
			if newest, err = releaseIn(e); err == nil {
				named = append(named, namedBy(newest, versions)...)
				over = over.after(before, newest, named, ending{at: e.At, index: e.Checkpoint})
			}
		case protocol.Tried:
			var tried *dcat.Release
			if tried, err = triedIn(e); err == nil {
				named = append(named, namedBy(tried, versions)...)
			}
		default: // Of another log, or of a newer program.
		}
		return true, fault.Wrap("register.Open", fault.Damaged, "catalogue event", err)
	})
	if err != nil || newest == nil {
		return nil, over, err
	}
	dir := directories[newest.Directory]
	if dir == nil {
		return nil, over, fault.New("register.Open", fault.Damaged, "release "+strconv.Itoa(newest.Number), "its directory is missing")
	}
	set, err := dcat.NewSet(*newest, dir, named)
	return set, over, fault.Wrap("register.Open", fault.Damaged, "catalogue", err)
}

// namedBy returns the versions that a release names.
func namedBy(r *dcat.Release, versions map[dcat.Hash]*dcat.Version) (list []*dcat.Version) {
	for _, entry := range r.Services {
		if v := versions[entry.Hash]; v != nil {
			list = append(list, v)
		}
	}
	return list
}

func releaseIn(e protocol.Event) (*dcat.Release, error) {
	var signed catalogue.Signed
	if err := e.Decode(&signed); err != nil {
		return nil, err
	}
	return catalogue.DecodeRelease(signed.Body)
}

// eventOf decodes an event of one of our own logs.
func eventOf(k, stored []byte) (protocol.Event, error) {
	if len(stored) < len(protocol.Hash{}) {
		return protocol.Event{}, fault.New("register.state", fault.Damaged, string(k[:1]), "an event is shorter than its hash")
	}
	e, err := protocol.DecodeEvent(stored[len(protocol.Hash{}):])
	return e, fault.Wrap("register.state", fault.Damaged, "event", err)
}

// byCentre sorts boxes.
func byCentre(a, b *Node) int { return cmp.Compare(a.Centre, b.Centre) }
