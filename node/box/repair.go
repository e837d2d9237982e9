package box

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"kendro/domain/fault"
	"kendro/store"
	"kendro/store/journal"
)

// A Finding is what [Repair] found in one part of a folder.
type Finding struct {
	Part  string   `json:"part"`
	State string   `json:"state"` // "ok", "repaired" or "damaged".
	Found []string `json:"found"`
	Did   []string `json:"did"`
	Kept  string   `json:"kept,omitempty"` // Where what it replaced, or could save, lies.
}

// Repair mends what can be mended in the folder of a box that nobody has open, and
// keeps what it replaces. journal/in is put together from what can be read, and the
// hub sends the rest; an index that differs is set aside, and the next start builds
// another. Damaged records of journal/own that a hub has signed for are left to it to
// send back. Others are named, nothing is changed there, and the error is
// [fault.Damaged]; with Options.AcceptLoss they are given up too.
func Repair(ctx context.Context, dir string, o Options) ([]Finding, error) {
	if o.Free == nil {
		o.Free = store.FreeBytes
	}
	if _, err := os.Stat(filepath.Join(dir, "journal")); err != nil {
		return nil, fault.Wrap("box.Repair", fault.NotFound, dir, err)
	}
	c := &core{dir: dir, o: o}
	c.forgets.due = make(chan struct{}, 1)
	c.line, c.missing, c.blockers.clock = lineage{c}, &missing{core: c}, func() time.Time { return time.Time{} } // Nobody is told of blockers here.
	err := c.missing.recall()
	if err != nil {
		return nil, err
	}
	if c.vault, err = store.OpenVaultKey(filepath.Join(dir, "vault"), o.BoxKey); err != nil {
		return nil, err
	}
	var list []Finding
	for _, repair := range []func(context.Context) (Finding, error){c.repairIn, c.repairIndex, c.repairOwn} {
		f, err := repair(ctx)
		if err != nil {
			return list, err
		}
		list = append(list, f)
	}
	if own := list[len(list)-1]; own.State == damagedState {
		return list, fault.New("box.Repair", fault.Damaged, own.Part, fmt.Sprintf("%v: put the records back from a copy of the disk, or repair it with --accept-loss", own.Found))
	}
	return list, nil
}

// How a part is after a repair.
const (
	okState       = "ok"
	repairedState = "repaired"
	damagedState  = "damaged"
)

func finding(part string) Finding {
	return Finding{Part: part, State: okState, Found: []string{}, Did: []string{}}
}

// say names damaged records with their files.
func (f *Finding) say(damage []journal.Damage) {
	for _, d := range damage {
		f.Found = append(f.Found, fmt.Sprintf("records %d to %d in %s: %s", d.First, d.Last, d.File, d.What))
	}
}

func (b *core) repairIn(context.Context) (Finding, error) {
	f := finding("journal/in")
	found, err := journal.Verify(b.journalDir("in"), b.journalOptions("in"))
	if err == nil || !errors.Is(err, fault.Damaged) {
		return f, err
	}
	f.say(found.Damage)
	in, err := mender{b}.mendIn(inJournal("in", err))
	if err != nil {
		return f, err
	}
	f.State, f.Kept = repairedState, b.journalDir(inDamaged)
	f.Did = append(f.Did, fmt.Sprintf("kept the %d records up to the first gap of each log; the hub sends the rest again", in.Last()))
	return f, in.Close()
}

// repairIndex opens the index and counts every pair of it.
func (b *core) repairIndex(ctx context.Context) (Finding, error) {
	f := finding("index")
	folder := filepath.Join(b.dir, "index")
	if _, err := os.Stat(folder); err != nil {
		return f, nil //nolint:nilerr // The next start builds it.
	}
	db, err := store.Open(folder, store.Options{Preset: store.Box, Vault: b.vault})
	if err == nil {
		err = errors.Join(db.Scrub(ctx), db.Close())
	}
	if err == nil || !errors.Is(err, fault.Damaged) {
		return f, err
	}
	f.Found = append(f.Found, err.Error())
	f.State, f.Kept = repairedState, folder+".damaged"
	if err = os.RemoveAll(f.Kept); err == nil {
		err = os.Rename(folder, f.Kept)
	}
	f.Did = append(f.Did, "set it aside; the next start builds it again from the journals")
	return f, fault.Wrap("box.Repair", fault.Stopped, folder, errors.Join(err, store.SyncFolder(b.dir)))
}

// repairOwn puts journal/own together with holes for what is damaged, if a hub has
// signed for that or somebody accepts the loss. Otherwise it copies what can be read
// to where nothing touches it, and changes nothing.
func (b *core) repairOwn(context.Context) (Finding, error) {
	f := finding("journal/own")
	found, err := journal.Verify(b.journalDir("own"), b.journalOptions("own"))
	if err == nil || !errors.Is(err, fault.Damaged) {
		return f, err
	}
	f.say(found.Damage)
	in, _, inErr := journal.Open(b.journalDir("in"), b.journalOptions("in"))
	if inErr != nil {
		return f, inErr
	}
	gaps, err := mender{b}.mendOwn(in, b.o.AcceptLoss, inJournal("own", err))
	err = errors.Join(err, in.Close())
	for i := range gaps {
		f.Did = append(f.Did, gaps[i].String())
	}
	switch {
	case err == nil:
		f.State, f.Kept = repairedState, b.journalDir(ownDamaged)
		f.Did = append(f.Did, fmt.Sprintf("kept the %d others in their places; the next start begins another log and asks the hub for the rest", found.Records))
	case errors.Is(err, fault.Damaged):
		f.State, err = damagedState, nil
	}
	return f, err
}
