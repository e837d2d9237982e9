package box

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/store"
)

func cmpString(a, b string) int { return strings.Compare(a, b) }

// A Shelf holds the catalogue in force. It changes whole or not at all.
type Shelf struct {
	*core
	goods   atomic.Pointer[Goods]
	restock chan struct{} // The catalogue has parts that the shelf lacks.
	tally   tally         // Of a release on trial.
}

// Goods are one release, ready for intake.
type Goods struct {
	Set    *dcat.Set
	Intake *catalogue.Intake
	Centre place.CentreInfo // This centre, as the release's directory has it.
	Trial  map[string]bool  // The services that it changes, where the release is on trial; nil otherwise.
}

// Goods returns the catalogue in force, nil before the first.
func (b *Shelf) Goods() *Goods { return b.goods.Load() }

// Event returns the encoding of an event of a catalogue's log. One that the box does
// not hold yet is [fault.Unavailable].
func (b *Shelf) Event(log protocol.LogID, seq uint64) ([]byte, error) {
	r, err := b.shelved(log, seq)
	if err != nil {
		return nil, err
	}
	return r.Raw, nil
}

// Place returns where an event of a catalogue's log stands, with its hash; fails as
// Event does, and for one of which a base told no hash.
func (b *Shelf) Place(log protocol.LogID, seq uint64) (protocol.Position, error) {
	if seq == 0 {
		return protocol.Position{}, nil
	}
	r, err := b.shelved(log, seq)
	if err == nil && r.Log == log {
		return r.At, nil
	}
	floor, missing := b.floorOf(log)
	if missing == nil && floor.At.Seq == seq {
		return floor.At, nil
	}
	return protocol.Position{}, cmp.Or(err, missing, error(fault.New("box.Place", fault.Unavailable, log.String(), fmt.Sprintf("event %d came with a base", seq))))
}

// shelved reads an event of a catalogue's log.
func (b *Shelf) shelved(log protocol.LogID, seq uint64) (inRecord, error) {
	const op = "box.Event"
	var at uint64
	err := b.view(func(tx *store.Tx) (err error) {
		at, err = lookup(tx, shelvedKey(log, seq))
		return err
	})
	if err == nil && at == 0 {
		err = fault.New(op, fault.Unavailable, log.String(), fmt.Sprintf("event %d is not here", seq))
	}
	if err != nil {
		return inRecord{}, err
	}
	raw, err := b.in.Load().Read(at)
	if err != nil {
		return inRecord{}, err
	}
	r, err := decodeIn(at, raw)
	if err == nil && (r.Log != log || r.At.Seq != seq) && r.Log.Channel != protocol.CatalogueBase {
		err = differs("in", at, errors.New("another event stands there"))
	}
	return r, err
}

// stock keeps the shelf up with what arrives.
func (b *Memory) stock(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.restock:
			if err := b.stockShelf(); err != nil {
				b.o.Logger.Error("catalogue could not be read", "err", err)
			}
			b.openForWork()
		}
	}
}

// stockShelf puts the newest release that is complete into force.
func (b *Shelf) stockShelf() error {
	goods, tried, waiting, err := b.newestComplete()
	if err != nil {
		return err
	}
	if tried != nil && tried.goods != nil {
		goods = tried.goods
	}
	if tried != nil && tried.wrong != "" {
		b.o.Logger.Error("the release on trial cannot be put in force", "release", tried.release.Number, "err", tried.wrong)
	}
	if waiting {
		b.blockers.Raise(CatalogueLacks, zeroTime)
		b.LackShelf()
	} else {
		b.blockers.Clear(CatalogueLacks)
	}
	if goods == nil {
		return nil
	}
	if now := b.Goods(); now == nil || now.Set.Release.Hash != goods.Set.Release.Hash {
		b.goods.Store(goods)
		b.o.Logger.Info("catalogue in force", "release", goods.Set.Release.Number, "services", len(goods.Set.Release.Services), "trial", goods.Trial != nil)
	} else if now.Trial != nil && goods.Trial == nil {
		b.goods.Store(goods) // It is for all now.
	}
	b.tally.follow(tried, b.o.Clock())
	return nil
}

// newestComplete goes from the newest release down to the first of which
// everything is here, and finds the one that is on trial here. waiting says that it
// passed over one.
func (b *Shelf) newestComplete() (goods *Goods, tried *candidate, waiting bool, err error) {
	err = b.index.view(func(tx *store.Tx) error {
		versions, err := readVersions(tx)
		if err != nil {
			return err
		}
		from := binary.BigEndian.AppendUint64([]byte(keyRelease), 1<<63)
		err = tx.ScanBack([]byte(keyRelease), from, func(_, value []byte) (bool, error) {
			var err error
			goods, err = b.assemble(tx, value, versions)
			if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Conflict) {
				waiting = true
				return true, nil
			}
			return false, err
		})
		if err != nil {
			return err
		}
		tried, err = b.candidate(tx, goods, versions)
		return err
	})
	return goods, tried, waiting, err
}

// lookForAge says so when the hub was not heard of for longer than some service here
// may go without: a newer release may be in force. Intake goes on.
func (b *Shelf) lookForAge() {
	goods, heard := b.Goods(), b.mirror.lastSeen()
	if goods == nil || heard == 0 {
		return
	}
	days := 0
	for _, v := range goods.Set.OfferedTo(goods.Centre.Type) {
		if v.FreshnessDays > 0 && (days == 0 || v.FreshnessDays < days) {
			days = v.FreshnessDays
		}
	}
	if days > 0 && b.o.Clock().Sub(time.UnixMilli(heard)) > time.Duration(days)*24*time.Hour {
		b.blockers.Raise(CatalogueOld, zeroTime)
	} else {
		b.blockers.Clear(CatalogueOld)
	}
}

func readVersions(tx *store.Tx) ([]*dcat.Version, error) {
	list := []*dcat.Version{}
	err := tx.Scan([]byte(keyVersion), []byte(keyVersion), func(_, value []byte) (bool, error) {
		v, err := catalogue.DecodeVersion(value)
		if err != nil {
			return false, damagedIndex(err)
		}
		list = append(list, v)
		return true, nil
	})
	return list, err
}

// assemble makes one release ready. What is missing is [fault.NotFound].
func (b *Shelf) assemble(tx *store.Tx, signed []byte, versions []*dcat.Version) (*Goods, error) {
	release, err := openRelease(signed, b.o.Enrolment.Catalogue)
	if err != nil {
		return nil, err
	}
	raw, err := tx.Get(hashKey(keyDirectory, release.Directory))
	if err != nil {
		return nil, err
	}
	dir, _, err := catalogue.DecodeDirectory(raw)
	if err != nil {
		return nil, damagedIndex(err)
	}
	set, err := dcat.NewSet(*release, dir, versions)
	if err != nil {
		return nil, err
	}
	compile := catalogue.NewIntake
	if b.o.Alone != nil {
		compile = b.o.Alone.Forms
	}
	intake, err := compile(set)
	if err != nil {
		return nil, err
	}
	g := &Goods{Set: set, Intake: intake}
	info, ok := dir.Centre(b.centre)
	if !ok {
		info = place.CentreInfo{Code: b.centre, Area: b.centre.Area(), Name: place.Name{BN: string(b.centre), EN: string(b.centre)}}
	}
	g.Centre = info
	return g, nil
}
