package register

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// A ShelfState is what a catalogue's log adds up to at a release.
type ShelfState struct {
	At   protocol.Position // The newest release's; zero before the first.
	Keep []uint64          // The places up to there of what a reader needs of it, rising.
}

// ShelfBase returns what the district's catalogue adds up to: its newest release with
// all that it names, the versions of the release before, and of up to two before that
// which were in force within 90 days, a trial that goes on, and the versions that cases on a desk
// have pinned. All but the last follows from the log, so servers mostly return the same.
func (r Logs) ShelfBase() (s ShelfState, err error) {
	w := r.world.Load()
	if w.founding == nil || w.set == nil {
		return s, nil
	}
	err = r.base.View(func(v View) error {
		h, err := readShelf(v, w.shelf())
		if err != nil || len(h.releases) == 0 {
			return err
		}
		g := gathering{view: v, log: w.shelf(), keep: map[uint64]bool{}}
		err = errors.Join(g.history(h), g.pins(w.set))
		s = ShelfState{At: h.newest().at, Keep: slices.Sorted(maps.Keys(g.keep))}
		return err
	})
	return s, err
}

// Alive returns the places up to a release's in the catalogue's log that every base at
// a release from there on has, until another release names others: the release itself
// and what it names. What is not a release has none.
func (r Logs) Alive(log protocol.LogID, seq uint64) (map[uint64]bool, error) {
	g := gathering{log: log, keep: map[uint64]bool{}}
	err := r.base.View(func(v View) error {
		g.view = v
		e, err := g.event(seq)
		if err != nil || e.Kind != protocol.Released {
			return err
		}
		release, err := releaseIn(e)
		if err != nil {
			return err
		}
		g.keep[seq] = true
		return g.named(release)
	})
	return g.keep, err
}

// heldBack is how many releases before the newest a base remembers at most.
const heldBack = 3

// A shelfHistory is the releases of a catalogue's log.
type shelfHistory struct {
	releases []shelfRelease
	trials   map[uint64]shelfRelease // By number; those that did not end.
}

type shelfRelease struct {
	at   protocol.Position
	when int64
	*dcat.Release
}

func (h *shelfHistory) newest() *shelfRelease { return &h.releases[len(h.releases)-1] }

func readShelf(v View, log protocol.LogID) (*shelfHistory, error) {
	h := &shelfHistory{trials: map[uint64]shelfRelease{}}
	err := v.Scan(logKey(tagEvent, log), nil, func(k, stored []byte) (bool, error) {
		e, err := eventOf(k, stored)
		if err != nil {
			return false, err
		}
		r := shelfRelease{at: protocol.Position{Seq: binary.BigEndian.Uint64(k[len(k)-8:]), Hash: protocol.Hash(stored[:len(protocol.Hash{})])}, when: e.At}
		switch e.Kind { //nolint:exhaustive // The others are found by their hashes.
		case protocol.Released:
			r.Release, err = releaseIn(e)
			h.releases = append(h.releases, r)
		case protocol.Tried:
			if r.Release, err = triedIn(e); err == nil {
				h.trials[uint64(r.Number)] = r
			}
		case protocol.TrialEnded:
			var over protocol.TrialOver
			if err = e.Decode(&over); err == nil {
				delete(h.trials, over.Release)
			}
		}
		return err == nil, fault.Wrap("register.ShelfBase", fault.Damaged, "catalogue event", err)
	})
	return h, err
}

// A gathering finds the places of what is kept of a catalogue.
type gathering struct {
	view View
	log  protocol.LogID
	keep map[uint64]bool
}

// history keeps what the releases call for.
func (g *gathering) history(h *shelfHistory) error {
	newest := h.newest()
	g.keep[newest.at.Seq] = true
	if err := g.named(newest.Release); err != nil {
		return err
	}
	last := len(h.releases) - 1
	for i := last - 1; i >= max(0, last-heldBack); i-- {
		if i < last-1 && h.releases[i+1].when < newest.when-lately.Milliseconds() {
			break
		}
		if err := g.versions(h.releases[i].Release); err != nil {
			return err
		}
	}
	for number, t := range h.trials {
		if number <= uint64(newest.Number) || t.at.Seq > newest.at.Seq {
			continue
		}
		g.keep[t.at.Seq] = true
		if err := g.named(t.Release); err != nil {
			return err
		}
	}
	return nil
}

// named keeps the versions and the directory that a release names, and its origin.
func (g *gathering) named(r *dcat.Release) error {
	if err := g.versions(r); err != nil {
		return err
	}
	if len(r.Origin) == len(dcat.Hash{}) {
		seq, err := g.place(dcat.Hash(r.Origin))
		if err != nil && !errors.Is(err, fault.NotFound) { // A register that began anew may do without.
			return err
		}
		if err == nil {
			g.keep[seq] = true
		}
	}
	first, err := g.place(r.Directory)
	if err != nil {
		return err
	}
	e, err := g.event(first)
	if err != nil {
		return err
	}
	parts := uint64(1)
	if e.Kind == protocol.DirectoryPart {
		parcel, err := catalogue.DecodeParcel(e.Payload)
		if err != nil {
			return fault.Wrap("register.ShelfBase", fault.Damaged, "directory", err)
		}
		parts = uint64(parcel.Parts)
	}
	for seq := first; seq < first+parts; seq++ {
		g.keep[seq] = true
	}
	return nil
}

func (g *gathering) versions(r *dcat.Release) error {
	for _, s := range r.Services {
		seq, err := g.place(s.Hash)
		if err != nil {
			return err
		}
		g.keep[seq] = true
	}
	return nil
}

// pins keeps the versions that cases on a desk were made under.
func (g *gathering) pins(set *dcat.Set) error {
	type edition struct {
		service string
		number  uint32
	}
	pinned := map[edition]bool{}
	err := g.view.Scan(key(tagTask), nil, func(k, raw []byte) (bool, error) {
		var t taskState
		err := decodeState(k, raw, &t)
		pinned[edition{t.Service, t.Edition}] = true
		return true, err
	})
	if err != nil {
		return err
	}
	for p := range pinned {
		for _, v := range set.VersionsOf(p.service) {
			if uint32(v.Number) != p.number {
				continue
			}
			seq, err := g.place(v.Hash)
			if err != nil {
				return err
			}
			g.keep[seq] = true
		}
	}
	return nil
}

// place returns where a version or a directory begins.
func (g *gathering) place(h dcat.Hash) (uint64, error) {
	b, err := g.view.Get(key(tagPiece, h[:]))
	if err == nil && len(b) != 8 {
		err = fault.Wrap("register.ShelfBase", fault.Damaged, h.String(), errShort)
	}
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(b), nil
}

func (g *gathering) event(seq uint64) (protocol.Event, error) {
	k := eventKey(g.log, seq)
	stored, err := g.view.Get(k)
	if err != nil {
		return protocol.Event{}, err
	}
	return eventOf(k, stored)
}
