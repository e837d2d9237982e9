package branches

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"kendro/node/box"
	"kendro/protocol"
)

// TestRestoredBoxes puts boxes back to older copies of their disks, with and
// without HEAD, before and after they filed on and met the hub: every receipt of
// which a record was left anywhere is valid and has one case, and nobody is taken
// for a copy.
func TestRestoredBoxes(t *testing.T) {
	w := newTown(t)
	receipts := 0
	for range w.runs() {
		u := w.enrol()
		log := u.log()
		printed := u.file(1 + w.dice.IntN(4))
		if w.dice.IntN(3) > 0 {
			u.sync("before the backup", printed)
		}
		old := t.TempDir()
		u.copyTo(old, "records")
		printed = append(printed, u.file(w.dice.IntN(4))...)
		u.sync("after the backup", printed) // What reached nobody but a disk that is gone is gone.
		u.restore(old, w.dice.IntN(3), w.dice.IntN(3) == 0)
		for range w.dice.IntN(3) {
			printed = append(printed, u.file(1+w.dice.IntN(3))...)
		}
		u.sync("after the backup was put back", printed)
		printed = append(printed, u.file(1)...)
		u.sync("and later", printed)
		u.answersAsPrinted(printed)
		w.counted(u.centre, u.signer(), printed)
		if forked, copied := w.accused(u, log); forked || copied {
			t.Errorf("%s: an honest box is accused: forked %v, copied %v", u.centre, forked, copied)
		}
		receipts += len(printed)
	}
	w.group.Agree()
	t.Logf("%d restored boxes: %d receipts, each valid and with one case; 0 boxes accused", w.runs(), receipts)
}

// TestCopiedBoxes runs two boxes with one disk: each files, then they meet the hub
// one after the other or at once. The copy is noticed when the second branch first
// meets the register, nothing is lost or doubled, and both go on.
func TestCopiedBoxes(t *testing.T) {
	w := newTown(t)
	receipts := 0
	for range w.runs() {
		a := w.enrol()
		log := a.log()
		printed := a.file(1 + w.dice.IntN(4))
		if w.dice.IntN(2) > 0 {
			a.sync("before the copy", printed)
		}
		twin := *a
		twin.dir = t.TempDir()
		for _, part := range []string{"records"} {
			a.copyTo(twin.dir, part)
		}
		for _, name := range []string{"keys.box", "enrolment.box"} {
			raw, err := os.ReadFile(filepath.Join(a.dir, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(twin.dir, name), raw, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		pair := []*unit{a, &twin}
		w.dice.Shuffle(2, func(i, j int) { pair[i], pair[j] = pair[j], pair[i] })
		var mine [2][]*box.Answer
		for i, u := range pair {
			mine[i] = u.file(1 + w.dice.IntN(3))
		}
		pair[0].sync("the first branch", mine[0])
		pair[1].sync("the second branch", mine[1])
		if !w.noticed(log) {
			t.Errorf("%s: the copy was not noticed when it first met the register", a.centre)
		}
		for i, u := range pair { // The first hears of it, and both go on.
			mine[i] = append(mine[i], u.file(1)...)
			u.sync("and later", mine[i])
			mine[i] = append(mine[i], u.file(1)...)
			u.sync("and later still", mine[i])
			u.answersAsPrinted(mine[i])
		}
		if _, copied := w.accused(a, log); !copied {
			t.Errorf("%s: two boxes go on, and nobody is told of a copy", a.centre)
		}
		printed = append(slices.Concat(printed, mine[0]), mine[1]...)
		w.counted(a.centre, a.signer(), printed)
		receipts += len(printed)
	}
	w.group.Agree()
	t.Logf("%d copied boxes: %d receipts, each valid and with one case; every copy noticed at first contact", w.runs(), receipts)
}

// restore puts the old records back. head: 0 as old as they, 1 lost, 2 kept as it
// was; in: what the hub said is kept too.
func (u *unit) restore(old string, head int, in bool) {
	u.t.Helper()
	records := filepath.Join(u.dir, "records")
	newer := filepath.Join(u.t.TempDir(), "newer")
	must := func(err error) {
		if err != nil {
			u.t.Fatal(err)
		}
	}
	must(os.Rename(records, newer))
	must(os.CopyFS(records, os.DirFS(filepath.Join(old, "records"))))
	own := filepath.Join("journal", "own", "HEAD")
	switch head {
	case 1:
		must(os.Remove(filepath.Join(records, own)))
	case 2:
		raw, err := os.ReadFile(filepath.Join(newer, own))
		must(err)
		must(os.WriteFile(filepath.Join(records, own), raw, 0o600))
	}
	if in {
		must(os.RemoveAll(filepath.Join(records, "journal", "in")))
		must(os.CopyFS(filepath.Join(records, "journal", "in"), os.DirFS(filepath.Join(newer, "journal", "in"))))
	}
}

// answersAsPrinted fails unless the box still shows each of its receipts as it was
// printed.
func (u *unit) answersAsPrinted(printed []*box.Answer) {
	u.t.Helper()
	u.offline(func(b *box.Box) {
		for _, a := range printed {
			k, err := b.Case(a.Number)
			if err != nil || k.Receipt.Log != a.Receipt.Log || k.Receipt.At != a.Receipt.At || string(k.Receipt.Signature) != string(a.Receipt.Signature) {
				u.t.Errorf("%s: %v is shown with receipt %+v, %v; want %+v", u.centre, a.Number, k, err, a.Receipt)
			}
		}
	})
}

func (u *unit) log() (log protocol.LogID) {
	u.offline(func(b *box.Box) { log = b.Log() })
	return log
}

// signer is the public key of the box's receipts.
func (u *unit) signer() []byte {
	n, ok := u.group.Leader().Hub.Register().NodeOf(u.centre)
	if !ok {
		u.t.Fatalf("%s has no box", u.centre)
	}
	return n.Signing
}

// accused says what the register holds against a box.
func (w *town) accused(u *unit, log protocol.LogID) (forked, copied bool) {
	w.t.Helper()
	reg := w.group.Leader().Hub.Register()
	_, fork, err := reg.Cursor(log)
	n, ok := reg.NodeOf(u.centre)
	if err != nil || !ok {
		w.t.Fatal(err, ok)
	}
	return fork != nil, n.CopiedAt != 0
}

// noticed reports whether the register knows that a log has two branches.
func (w *town) noticed(log protocol.LogID) bool {
	w.t.Helper()
	reg := w.group.Leader().Hub.Register()
	_, fork, err := reg.Cursor(log)
	if err != nil {
		w.t.Fatal(err)
	}
	left, err := reg.LeftLog(log)
	return fork != nil || err == nil && left.Contradicted != 0
}
