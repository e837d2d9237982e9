package box

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store/journal"
)

// Names beside journal/own: the one being put together, and the last damaged one.
const (
	ownFresh   = "own.mending"
	ownDamaged = "own.damaged"
)

// A gap is a run of records of journal/own that can't be read.
type gap struct {
	first, last uint64
	log         protocol.LogID
	place       uint64 // Of the first, in log.
	sure        bool   // That they stood in that log, and there.
	signed      bool   // A hub has signed for all of them.
}

func (g *gap) String() string {
	text := fmt.Sprintf("records %d to %d of journal/own", g.first, g.last)
	if g.signed {
		return text + ", which a hub has signed for"
	}
	return text + ", which no hub has signed for as far as this box knows"
}

// A mender puts journal/own together again while nobody has it open.
type mender struct{ *core }

// mendOwn puts journal/own together again from what can be read of it. A record that
// can't keeps its place as a hole, and comes back from the hub: so it is done only
// where a hub has signed for every one of them, or where somebody accepts the loss.
// The box then gives its log up, as it does whenever it doubts it. The damaged
// journal is kept beside it. Nobody has it open. It returns the gaps also beside an
// error.
func (b mender) mendOwn(in *journal.Journal, accept bool, cause error) ([]gap, error) {
	if b.o.Alone != nil {
		return nil, cause
	}
	fresh := b.journalDir(ownFresh)
	if err := os.RemoveAll(fresh); err != nil {
		return nil, &fault.Error{Op: "box.mend", Kind: fault.Stopped, Item: fresh, Err: err}
	}
	p, err := b.patch(fresh, in)
	if err != nil {
		return nil, err
	}
	unsigned := false
	for i := range p.gaps {
		unsigned = unsigned || !p.gaps[i].signed
	}
	if len(p.gaps) == 0 || unsigned && !accept {
		return p.gaps, errors.Join(cause, os.RemoveAll(fresh))
	}
	if err := errors.Join(b.missing.miss(p.lost()...), (forgetter{core: b.core}).remember()); err != nil {
		return p.gaps, err
	}
	if err := os.RemoveAll(filepath.Join(b.dir, "index")); err != nil { // It says of damaged records that they are here.
		return p.gaps, &fault.Error{Op: "box.mend", Kind: fault.Stopped, Item: "index", Err: err}
	}
	if err := exchange(b.journalDir("own"), fresh, b.journalDir(ownDamaged)); err != nil {
		return p.gaps, err
	}
	for i := range p.gaps {
		b.o.Logger.Error("records of journal/own are damaged and are asked for from the hub",
			"records", p.gaps[i].String(), "err", cause, "damaged_copy", b.journalDir(ownDamaged))
	}
	return p.gaps, nil
}

// ownDoubted is there when the scrub has found damage in journal/own: the next start
// reads all of it, and not its end alone.
const ownDoubted = "own.doubted"

// openOwn opens journal/own, mended if need be.
func (b *Box) openOwn() error {
	_, begun, err := b.line.opened()
	if err != nil {
		return err
	}
	own, report, err := b.tryOwn()
	if err = inJournal("own", err); hurtIn("own", err) {
		if _, err = (mender{b.core}).mendOwn(b.in.Load(), false, err); err == nil {
			own, report, err = journal.Open(b.journalDir("own"), b.journalOptions("own"))
			err = inJournal("own", err)
		}
	}
	if err != nil {
		return err
	}
	b.own = own
	b.mention("own", &report)
	if report.Behind || report.HeadMissing || report.Emptied && begun {
		b.o.Logger.Error("journal/own ends before its HEAD", "head", report.HeadSeq, "last", own.Last())
		b.short, b.named = true, report.HeadSeq
	}
	if b.o.Alone != nil {
		return nil
	}
	if err = os.Remove(b.journalDir(ownDoubted)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fault.Wrap("box.Open", fault.Stopped, ownDoubted, err)
}

// tryOwn opens journal/own; where it is doubted, after it has read all of it.
func (b *Box) tryOwn() (*journal.Journal, journal.Report, error) {
	if _, err := os.Stat(b.journalDir(ownDoubted)); err == nil && b.o.Alone == nil {
		if _, err := journal.Verify(b.journalDir("own"), b.journalOptions("own")); err != nil {
			return nil, journal.Report{}, err
		}
	}
	return journal.Open(b.journalDir("own"), b.journalOptions("own"))
}

// renewOwn mends the open journal/own. Only Open calls it.
func (b *Box) renewOwn(cause error) error {
	b.index.close(b.o.Logger)
	if err := b.own.Close(); err != nil {
		return err
	}
	if _, err := (mender{b.core}).mendOwn(b.in.Load(), false, cause); err != nil {
		return err
	}
	b.index.parts.forget()
	if err := b.openOwn(); err != nil {
		return err
	}
	return b.line.openLog()
}

// A patcher copies a journal with holes where records are damaged.
type patcher struct {
	to     *journal.Journal
	parts  layout
	opened opening
	known  bool // opened was read.
	next   uint64
	prev   protocol.LogID // Of the record before next.
	gaps   []gap

	waiting [][]byte
	size    int
}

// patch copies journal/own to a folder, and judges every gap by what journal/in
// holds.
func (b mender) patch(dir string, in *journal.Journal) (*patcher, error) {
	o, known, err := b.line.opened()
	if err != nil {
		return nil, err
	}
	to, _, err := journal.Open(dir, b.journalOptions("own"))
	if err != nil {
		return nil, err
	}
	first := o.Log
	first.Channel, first.Name = protocol.Uplink, b.o.Enrolment.District+"-"+b.o.Enrolment.Slot
	p := &patcher{to: to, opened: o, known: known, next: 1, parts: layout{first: first}}
	p.parts.list.Store(&sections{{First: 1, Log: first, From: 1}})
	found, err := journal.Salvage(b.journalDir("own"), b.journalOptions("own"), p.take)
	if errors.Is(err, fault.Damaged) {
		err = nil
	}
	if err == nil && found.Last >= p.next {
		err = p.tail(found.Last)
	}
	if err == nil {
		err = p.flush()
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return nil, err
	}
	return p, p.judge(in)
}

// take copies a record, and digs holes for those between it and the one before.
func (p *patcher) take(seq uint64, raw []byte) error {
	r, err := decodeOwn(seq, raw)
	if err != nil {
		return err
	}
	if p.next == 1 && p.prev == (protocol.LogID{}) {
		p.parts.first.Incarnation = r.Incarnation
		p.parts.list.Store(&sections{{First: 1, Log: p.logOf(&r), From: 1}})
	}
	if log := p.logOf(&r); seq > p.next {
		if err := p.dig(seq-1, log); err != nil {
			return err
		}
	}
	p.parts.step(seq, &r)
	p.prev, p.next = p.logOf(&r), seq+1
	return p.write(raw)
}

func (p *patcher) logOf(r *ownRecord) protocol.LogID {
	log := p.parts.first
	log.Incarnation = r.Incarnation
	if r.Log != "" {
		log.Name = r.Log
	}
	return log
}

// tail digs holes for the records from next on to the end of the journal.
func (p *patcher) tail(last uint64) error {
	if last == math.MaxUint64 {
		return fault.New("box.mend", fault.Damaged, "journal/own", "how many records there were can't be said: its last segment and its HEAD are damaged")
	}
	log := p.prev
	if p.known && p.opened.First >= p.next && p.opened.First <= last || log == (protocol.LogID{}) {
		log = p.opened.Log
	}
	return p.dig(last, log)
}

// dig makes holes of the records from next to last, which stand between the log of
// the record before them and that of what follows. Only where a log that begins
// among them is known to begin there is it sure which is whose.
func (p *patcher) dig(last uint64, after protocol.LogID) error {
	none := protocol.LogID{}
	begins := p.known && p.opened.Log == after && p.opened.First >= p.next && p.opened.First <= last+1
	switch first := p.opened.First; {
	case p.prev == after:
		return p.hole(last, after, true)
	case begins && first == p.next:
		return p.hole(last, after, true)
	case begins && first == last+1:
		return p.hole(last, p.prev, p.prev != none)
	case begins && p.prev != none:
		if err := p.hole(first-1, p.prev, true); err != nil {
			return err
		}
		return p.hole(last, after, true)
	}
	return p.hole(last, after, false)
}

// hole writes the records from next to last as holes of one log.
func (p *patcher) hole(last uint64, log protocol.LogID, sure bool) error {
	raw := protocol.Marshal(&holeRecord{Incarnation: log.Incarnation, Log: log.Name})
	g := gap{first: p.next, last: last, log: log, sure: sure}
	for ; p.next <= last; p.next++ {
		p.parts.step(p.next, &ownRecord{Incarnation: log.Incarnation, Log: log.Name})
		if err := p.write(raw); err != nil {
			return err
		}
	}
	g.place = p.parts.all().of(g.first).place(g.first)
	p.gaps, p.prev = append(p.gaps, g), log
	return nil
}

func (p *patcher) write(record []byte) error {
	p.waiting = append(p.waiting, record)
	if p.size += len(record); len(p.waiting) == maxGather || p.size > maxGatherBytes {
		return p.flush()
	}
	return nil
}

func (p *patcher) flush() error {
	if len(p.waiting) == 0 {
		return nil
	}
	_, err := p.to.Append(p.waiting...)
	p.waiting, p.size = nil, 0
	return err
}

// judge looks which gaps a hub has signed for: then it gives them back, unless this
// box holds what follows them from the hub already, and does not ask again.
func (p *patcher) judge(in *journal.Journal) error {
	signed, fetched := map[protocol.LogID]uint64{}, map[protocol.LogID]bool{}
	err := in.Scan(in.First(), func(seq uint64, raw []byte) error {
		r, err := decodeIn(seq, raw)
		switch {
		case err != nil:
			return err
		case r.What == inAck:
			signed[r.Log] = max(signed[r.Log], r.At.Seq)
		case r.Log.Channel == protocol.Uplink:
			fetched[r.Log] = true
		}
		return nil
	})
	for i := range p.gaps {
		g := &p.gaps[i]
		g.signed = g.sure && !fetched[g.log] && g.place+g.last-g.first <= signed[g.log]
	}
	return inJournal("in", err)
}

// lost is up to where the hub is asked of each log.
func (p *patcher) lost() (list []protocol.Head) {
	for _, g := range p.gaps {
		list = append(list, protocol.Head{Log: g.log, At: protocol.Position{Seq: g.place + g.last - g.first}})
	}
	return list
}
