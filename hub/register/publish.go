package register

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"

	"kendro/catalogue"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// press carries out what concerns the catalogue.
type press struct{ *step }

// addVersions puts versions and a directory into the catalogue log. They mean
// nothing until a release names them.
func (s press) addVersions(c *Command) Result {
	p, f := body[Parcel](c)
	if f != nil {
		return Result{Fault: f}
	}
	if len(p.Signed) > 0 {
		return failed(fault.Invalid, "release", "a release is published, not added")
	}
	if _, f := s.unpack(&p); f != nil {
		return Result{Fault: f}
	}
	s.shelve(&p)
	return done(nil)
}

// parcel is a Parcel read.
type parcel struct {
	versions  map[dcat.Hash]*dcat.Version
	directory *place.Directory
	dirHash   dcat.Hash
}

// unpack reads what a parcel holds beside the release, and changes nothing.
func (s press) unpack(p *Parcel) (*parcel, *protocol.Failure) {
	out := &parcel{versions: map[dcat.Hash]*dcat.Version{}}
	for i, raw := range p.Versions {
		if len(raw) > catalogue.MaxVersion {
			return nil, refuse(fault.Invalid, "version "+strconv.Itoa(i), "longer than an event: shorten its form")
		}
		v, err := catalogue.DecodeVersion(raw)
		if err != nil {
			return nil, refuse(fault.Invalid, "version "+strconv.Itoa(i), "not the encoding of a service version")
		}
		if len(v.Steps) == 0 {
			return nil, refuse(fault.Invalid, clip(v.ID, 64), "a service needs a step")
		}
		out.versions[v.Hash] = v
	}
	if len(p.Origin) > catalogue.MaxOverlay {
		return nil, refuse(fault.Invalid, "origin", "longer than an event: shorten the overlay")
	}
	if len(p.Bounds) > 0 && s.format > 3 {
		if _, err := catalogue.DecodeBounds(p.Bounds); err != nil {
			return nil, refuse(fault.Invalid, "bounds", "not the encoding of what a base lets a district change")
		}
	}
	if len(p.Directory) > catalogue.MaxStored {
		return nil, refuse(fault.Invalid, "directory", "longer than a box keeps: publish the offices and centres of this district alone")
	}
	if len(p.Directory) > 0 {
		dir, hash, err := catalogue.DecodeDirectory(p.Directory)
		if err != nil || !plainCodes(dir) {
			return nil, refuse(fault.Invalid, "directory", "not the encoding of a sound directory")
		}
		out.directory, out.dirHash = dir, hash
	}
	return out, nil
}

// plainCodes reports whether the codes that become parts of keys are plain.
func plainCodes(d *place.Directory) bool {
	zero := func(s string) bool { return s == "" || len(s) > 64 || slices.Contains([]byte(s), 0) }
	return !slices.ContainsFunc(d.Offices, func(o place.Office) bool { return zero(o.Code) }) &&
		!slices.ContainsFunc(d.Posts, func(p place.Post) bool { return zero(p.Code) })
}

// shelve appends what a parcel holds to the catalogue log, each piece once. Bounds are the
// district's own business, so no box gets them.
func (s press) shelve(p *Parcel) {
	add := func(kind protocol.Kind, raw []byte) {
		hash := sha256.Sum256(raw)
		k := key(tagPiece, hash[:])
		if s.has(k) {
			return
		}
		at := s.append(s.world.shelf(), &protocol.Event{Kind: kind, Payload: raw})
		s.set(k, u64(at.Seq))
	}
	for _, raw := range p.Versions {
		add(protocol.ServiceAdded, raw)
	}
	switch {
	case len(p.Directory) > catalogue.MaxWhole && s.format > 2:
		s.shelveParts(p.Directory)
	case len(p.Directory) > 0:
		add(protocol.DirectoryAdded, p.Directory)
	}
	if len(p.Origin) > 0 && s.format > 3 {
		add(protocol.OriginAdded, p.Origin)
	}
	if len(p.Bounds) > 0 && s.format > 3 {
		hash := sha256.Sum256(p.Bounds)
		s.set(sideKey(sideBounds, hash[:]), p.Bounds)
	}
}

// shelveParts appends a directory that one event has no room for. Its hash leads to
// the first part, and the others follow.
func (s press) shelveParts(encoded []byte) {
	hash := sha256.Sum256(encoded)
	k := key(tagPiece, hash[:])
	if s.has(k) {
		return
	}
	parts, err := catalogue.DirectoryParts(encoded)
	s.keep(err)
	for i, part := range parts {
		at := s.append(s.world.shelf(), &protocol.Event{Kind: protocol.DirectoryPart, Payload: part})
		if i == 0 {
			s.set(k, u64(at.Seq))
		}
	}
}

// publish makes a release the current one, with whatever it needs that isn't in
// the catalogue log yet: all of it or nothing.
func (s press) publish(c *Command) Result {
	p, f := body[Parcel](c)
	if f != nil {
		return Result{Fault: f}
	}
	next := 1
	if s.world.set != nil {
		next += s.world.set.Release.Number
	}
	if s.format > 3 {
		if t := s.trial(); t != nil && t.State == TrialRuns {
			return failed(fault.Conflict, strconv.Itoa(t.Release), "this release is on trial: promote or halt it first")
		}
		next = s.nextRelease()
	}
	// A register that begins anew gets the releases of the one before, in which the
	// number of a trial may have been left out.
	anew := s.format > 3 && (c.Actor == ActorHub || c.Actor == ActorControl && s.world.founding.Anew != nil)
	set, f := s.release(&p, next, !anew)
	if f != nil {
		return Result{Fault: f}
	}
	s.shelve(&p)
	s.enact(set, p.Signed)
	agencies{s}.accepted(&set.Release, c.Actor)
	return Result{Version: uint64(set.Release.Number)}
}

// enact puts a release in force for all.
func (s press) enact(set *dcat.Set, signed []byte) {
	s.append(s.world.shelf(), &protocol.Event{Kind: protocol.Released, Payload: signed})
	w := s.world.clone()
	var before *dcat.Release
	if w.set != nil {
		before = &w.set.Release
	}
	w.over = w.over.after(before, &set.Release, set.Versions(), ending{at: s.meta.At, index: s.index})
	w.set = set
	s.world = w
	s.unblock(&set.Release)
	if s.format > 3 {
		proposals(s).enact(set)
	}
	grievances{courses(s)}.keepAway()
	s.reroute()
}

// release checks a release in every respect and returns the catalogue that it
// makes. It carries the number next, or a later one where that need not be exact. It
// changes nothing.
func (s press) release(p *Parcel, next int, exact bool) (*dcat.Set, *protocol.Failure) {
	var signed catalogue.Signed
	if protocol.Unmarshal(p.Signed, protocol.MaxEvent-1<<10, "release", &signed) != nil {
		return nil, refuse(fault.Invalid, "release", "not a signed release")
	}
	r, err := signed.Open(s.world.founding.CatalogueKey)
	if err != nil {
		return nil, refuse(fault.Denied, "release", "not signed by the catalogue's key")
	}
	old := s.world.set
	if r.Number < next || exact && r.Number != next || r.Base != 0 && s.format < 4 {
		return nil, refuse(fault.Conflict, strconv.Itoa(r.Number), "the next release is "+strconv.Itoa(next)+", with no base")
	}
	in, f := s.unpack(p)
	if f == nil {
		f = s.whence(r, p.Origin, !exact)
	}
	if f == nil && exact && s.format > 3 {
		f = agencies{s}.unheard(r)
	}
	if f != nil {
		return nil, f
	}
	versions, f := s.gather(r, in)
	if f != nil {
		return nil, f
	}
	dir := in.directory
	switch {
	case dir != nil && in.dirHash == r.Directory:
	case old != nil && old.Release.Directory == r.Directory:
		dir = old.Directory
	default:
		if dir, f = s.shelvedDirectory(r.Directory); f != nil {
			return nil, f
		}
	}
	set, err := dcat.NewSet(*r, dir, versions)
	if err != nil {
		return nil, failureOf(err)
	}
	return set, nil
}

// gather returns every version that a release ever named, this one included.
func (s press) gather(r *dcat.Release, in *parcel) ([]*dcat.Version, *protocol.Failure) {
	var list []*dcat.Version
	if s.world.set != nil {
		list = s.world.set.Versions()
	}
	for _, e := range r.Services {
		if v, ok := s.world.version(e.Hash); ok && v != nil {
			continue
		}
		v := in.versions[e.Hash]
		if v == nil {
			raw, ok := s.shelved(e.Hash)
			if !ok {
				return nil, refuse(fault.NotFound, clip(e.ID, 64), "the release names a version that is not here: send it along")
			}
			var err error
			if v, err = catalogue.DecodeVersion(raw); err != nil {
				s.keep(fault.Wrap("register.Apply", fault.Damaged, e.Hash.String(), err))
				return nil, refuse(fault.Unavailable, clip(e.ID, 64), "no version")
			}
		}
		list = append(list, v)
	}
	return list, nil
}

// shelved returns the encoding of a version in the catalogue log.
func (s press) shelved(h dcat.Hash) ([]byte, bool) {
	e, _, ok := s.shelvedAt(h)
	return e.Payload, ok && sha256.Sum256(e.Payload) == h
}

// shelvedAt returns the event in which a version or a directory begins.
func (s press) shelvedAt(h dcat.Hash) (e protocol.Event, seq uint64, ok bool) {
	raw, ok := s.raw(key(tagPiece, h[:]))
	if !ok || len(raw) != 8 {
		return e, 0, false
	}
	seq = binary.BigEndian.Uint64(raw)
	e, ok = s.shelfEvent(seq)
	return e, seq, ok
}

func (s press) shelfEvent(seq uint64) (protocol.Event, bool) {
	k := eventKey(s.world.shelf(), seq)
	stored, ok := s.raw(k)
	if !ok {
		return protocol.Event{}, false
	}
	e, err := eventOf(k, stored)
	s.keep(err)
	return e, err == nil
}

func (s press) shelvedDirectory(h dcat.Hash) (*place.Directory, *protocol.Failure) {
	missing := refuse(fault.NotFound, "directory", "the release names a directory that is not here: send it along")
	var joiner catalogue.Joiner
	var whole []byte
	e, seq, ok := s.shelvedAt(h)
	for ; ok && whole == nil; seq++ {
		var err error
		if whole, _, err = joiner.Whole(&e); err != nil {
			return nil, missing
		}
		if whole == nil {
			e, ok = s.shelfEvent(seq + 1)
		}
	}
	if sha256.Sum256(whole) != h {
		return nil, missing
	}
	dir, _, err := catalogue.DecodeDirectory(whole)
	if err != nil {
		return nil, missing
	}
	return dir, nil
}

// maxReroute bounds how many waiting cases one release sends to their desks.
const maxReroute = 500

// reroute sends cases that found no desk to the one that the new directory has.
func (s press) reroute() {
	var waiting []protocol.Number
	s.keep(s.tx.Scan(seatPrefix(Unrouted()), nil, func(k, _ []byte) (bool, error) {
		waiting = append(waiting, protocol.Number(binary.BigEndian.Uint64(k[len(k)-8:])))
		return len(waiting) < maxReroute, nil
	}))
	for _, n := range waiting {
		c := &Case{}
		if !s.get(caseKey(n), c) {
			continue
		}
		v, ok := s.world.version(c.Pinned)
		if !ok {
			continue
		}
		step, _ := v.Step(c.State.Step)
		w := s.world.way(c)
		if c.Accused != nil {
			w = s.world.guarded(w, c, grievances{courses(s)}.roster)
		}
		seat, ok := w.Seat(step.Post)
		if !ok {
			continue
		}
		one := newAttempt(s.step)
		err := s.change(c, application.Event{Action: application.Route, Desk: application.Desk{Step: c.State.Step, Seat: seat}})
		if err != nil {
			s.keep(fault.Wrap("register.Apply", fault.Internal, n.String(), err))
			return
		}
		s.tell(c)
		if one.over() != nil { // It waits on, as do those behind it.
			return
		}
	}
}
