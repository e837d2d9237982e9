package box

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io/fs"
	"slices"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/journal"
)

// A box gives its log up when records of it turn out to be missing here, or stand
// otherwise elsewhere: an older copy of the disk was put back, or a copy of it
// runs. It never guesses which. What no hub has signed for stands again, as
// recovered, at the beginning of a new log, with the receipts that were printed;
// the register takes each once. So intake goes on at once, and no place of a log
// is used twice.

// A lineage is the logs that a box has written, one after the other. Whoever owns
// journal and index calls it.
type lineage struct{ *core }

// An opening is the decision to write a log, in the file own.log. It is durable
// before the first record of that log.
type opening struct {
	_     struct{} `cbor:",toarray"`
	Log   protocol.LogID
	First uint64 // Its first record in journal/own.
	From  uint64 // The first record that has to stand again.
}

// againKey marks records that stand again. No request has such a key.
const againKey = "\x00again"

// maxAgain is how many records are written again at once.
const maxAgain = 64

func (b lineage) opened() (o opening, ok bool, err error) {
	raw, err := b.readFile(b.journalDir("own.log"))
	if errors.Is(err, fs.ErrNotExist) {
		return o, false, nil
	}
	if err != nil {
		return o, false, &fault.Error{Op: "box.Open", Kind: fault.Stopped, Item: "own.log", Err: err}
	}
	o, ok = readOpening(raw)
	return o, ok, nil
}

// newLog names a new log under a slot.
func (b lineage) newLog(slot string) (protocol.LogID, error) {
	log := protocol.LogID{Channel: protocol.Uplink, Name: b.o.Enrolment.District + "-" + slot}
	if b.o.Alone != nil {
		log.Incarnation = b.o.Alone.Incarnation()
		return log, nil
	}
	var random [8]byte
	_, err := rand.Read(random[:])
	log.Incarnation = binary.BigEndian.Uint64(random[:])
	return log, fault.Wrap("box.Open", fault.Internal, "incarnation", err)
}

// openLog makes sure that there is a log to write: the one that was decided on,
// or that of the journal's records, or a new one.
func (b lineage) openLog() error {
	o, ok, err := b.opened()
	if err != nil {
		return err
	}
	if !ok && b.own.Last() == 0 || ok && b.own.Last() == 0 && !b.mine(o.Log) {
		o = opening{First: 1, From: 1}
		if o.Log, err = b.newLog(b.o.Enrolment.Slot); err != nil {
			return err
		}
		ok = true
		if err := b.writeFile(b.journalDir("own.log"), protocol.Marshal(&o)); err != nil {
			return err
		}
	}
	b.pending = opening{}
	if ok && o.First > b.own.Last() || ok && o.From < o.First { // What follows is not in the journal, or not all of it.
		b.pending = o
	}
	return nil
}

// firstLog is that of the records that name none: of the note that was drawn with
// the journal, or of its first record.
func (b lineage) firstLog() protocol.LogID {
	log := protocol.LogID{Channel: protocol.Uplink, Name: b.o.Enrolment.District + "-" + b.o.Enrolment.Slot, Incarnation: b.pending.Log.Incarnation}
	if b.own.Last() == 0 {
		return log
	}
	raw, err := b.own.Read(1)
	if err != nil {
		return log // Whoever follows the journal says so.
	}
	if r, err := decodeOwn(1, raw); err == nil {
		log.Incarnation, log.Name = r.Incarnation, cmp.Or(r.Log, log.Name)
	}
	return log
}

// mine reports whether a log stands under one of this enrolment's slots.
func (b *core) mine(log protocol.LogID) bool {
	d := b.o.Enrolment.District + "-"
	return log.Name == d+b.o.Enrolment.Slot || log.Name == d+b.o.Enrolment.Spare
}

// resume finishes an opening that a power cut interrupted.
func (b lineage) resume() error {
	o := b.pending
	if o.First == 0 || o.First > b.own.Last()+1 {
		return nil // The journal is shorter than when it was decided: another decision follows.
	}
	if s := b.index.parts.all().of(o.First); b.own.Last() >= o.First && s.Log != o.Log {
		return nil // Something later was decided, and this note is old.
	}
	if b.own.Last() < o.First {
		b.index.parts.begin(section{First: o.First, Log: o.Log, From: o.From})
	}
	if err := b.own.Settle(); err != nil {
		return err
	}
	return b.again(o)
}

// again writes once more what no hub has signed for, from where it was left.
func (b lineage) again(o opening) error {
	var list []uint64
	for seq := o.From; seq < o.First; seq++ {
		if !b.index.parts.absent(seq) {
			list = append(list, seq)
		}
	}
	done := b.own.Last() + 1 - o.First
	for part := range slices.Chunk(list[min(done, uint64(len(list))):], maxAgain) {
		var records [][]byte
		for _, seq := range part {
			raw, err := b.againOf(seq)
			if err != nil {
				return err
			}
			records = append(records, raw)
		}
		if err := b.chain(o, records); err != nil {
			return err
		}
	}
	return nil
}

// chain appends events to journal/own behind one another.
func (b lineage) chain(o opening, events [][]byte) error {
	s := &section{First: o.First, Log: o.Log}
	at, err := endOf(b.own, s)
	if err != nil {
		return err
	}
	records := make([][]byte, len(events))
	for i, raw := range events {
		records[i] = protocol.Marshal(&ownRecord{Incarnation: o.Log.Incarnation, Prev: at.Hash, Key: againKey, Event: raw, Log: o.Log.Name})
		at = protocol.Position{Seq: at.Seq + 1, Hash: protocol.ChainHash(o.Log, s.place(at.Seq+1), at.Hash, raw)}
	}
	_, err = b.own.Append(records...)
	return err
}

// endOf is the last record of journal/own with its hash, which is zero where the
// section has none yet.
func endOf(own *journal.Journal, s *section) (protocol.Position, error) {
	at := protocol.Position{Seq: own.Last()}
	if at.Seq < s.First {
		return at, nil
	}
	raw, err := own.Read(at.Seq)
	if err != nil {
		return at, err
	}
	r, err := decodeOwn(at.Seq, raw)
	at.Hash = protocol.LinkHash(s.Log, s.place(at.Seq), r.Prev, r.Event)
	return at, err
}

// againOf is the event as it stands in the new log: an application as recovered,
// with its printed receipt; anything else as it is.
func (b lineage) againOf(seq uint64) ([]byte, error) {
	e, err := b.recordAt(seq)
	if err != nil {
		return nil, err
	}
	if e.receipt != nil || e.event.Kind != protocol.Submitted {
		return e.record.Event, nil // It holds the first receipt already.
	}
	r := &protocol.Recovery{Receipt: b.receiptOf(spotOf(e)), Prev: e.record.Prev, Event: e.record.Event}
	out := protocol.Event{
		Kind: protocol.Recovered, At: b.o.Clock().UnixMilli(), Actor: e.event.Actor, Checkpoint: b.mirror.checkpoint(), Payload: protocol.Marshal(r),
	}
	return out.Encode()
}

// giveUp begins a new log under slot, where the records from one on stand again.
// Whoever calls is the only one to change journal and index.
func (b lineage) giveUp(slot string, from uint64, why string) error {
	old := b.index.parts.all().current().Log
	log, err := b.newLog(slot)
	if err != nil {
		return err
	}
	o := opening{Log: log, First: b.own.Last() + 1, From: min(from, b.own.Last()+1)}
	if err := b.writeFile(b.journalDir("own.log"), protocol.Marshal(&o)); err != nil {
		return err
	}
	if err := b.own.Settle(); err != nil {
		return err
	}
	b.index.parts.begin(section{First: o.First, Log: log, From: o.From})
	b.o.Logger.Warn("the own log is given up and another begun", "why", why, "old", old.String(), "new", log.String(), "again", o.First-o.From)
	return b.again(o)
}

// unsigned is the first record of the current log that no hub has signed for here.
func (b lineage) unsigned() (uint64, error) {
	s := b.index.parts.all().current()
	acked := b.mirror.acknowledged().At
	if acked.Seq == 0 {
		return s.First, nil
	}
	record := s.First + acked.Seq - 1
	if record > b.own.Last() {
		return b.own.Last() + 1, nil
	}
	if b.index.parts.hole(record) {
		return record + 1, nil // The hub's signature is all that is left of it here.
	}
	e, err := b.placeAt(record)
	if err != nil {
		return 0, err
	}
	if e.hash != acked.Hash { // Another branch from somewhere before: all of it stands again, and is known by its receipts.
		return s.First, nil
	}
	return record + 1, nil
}

// doubts says why the log can't be written on at a start, "" if it can.
func (b lineage) doubts() (why string, err error) {
	log := b.index.parts.log()
	acked := b.mirror.acknowledged().At
	tip := b.index.parts.headOf(b.index.at.Own).At
	switch {
	case b.short:
		return "journal/own ends before its HEAD, or has none", nil
	case acked.Seq > tip.Seq:
		return "a hub has signed for records that journal/own lacks", nil
	case !b.mine(log):
		return "the box has other slots since", nil
	}
	if first := b.index.parts.all().current().First; b.index.parts.whole(first, b.own.Last()) < b.own.Last() {
		return whyDamaged, nil
	}
	if acked.Seq > 0 {
		from, err := b.unsigned()
		if err != nil || from <= b.index.parts.all().current().First {
			return "a hub has signed for another record than ours", err
		}
	}
	given, err := b.toldOff(log)
	if given != nil {
		why = "the hub says that a copy of this box writes it too"
	}
	return why, err
}

// whyDamaged is the doubt of a journal that was put together again.
const whyDamaged = "records of journal/own were damaged, and come back from the hub"

// lostTail notes what the current log had beyond its end here: what HEAD named, and
// what a hub has signed for.
func (b lineage) lostTail(upTo uint64) error {
	s := b.index.parts.all().current()
	if b.named >= s.First {
		upTo = max(upTo, s.place(b.named))
	}
	if at := b.index.parts.headOf(b.index.at.Own).At.Seq; upTo <= at {
		return nil
	}
	return b.missing.miss(protocol.Head{Log: s.Log, At: protocol.Position{Seq: upTo}})
}

// A doubt is why a log of this box's may not be sent any more.
type doubt struct {
	log  protocol.LogID
	at   protocol.Position // What somebody else holds; zero: another event than ours, somewhere.
	why  string
	copy bool // Somebody else writes it too.
}

// Doubt has the box give up its log, if it still writes it, or have a former one
// stand again: records of it are missing here, or stand otherwise elsewhere. A
// word that comes while the box is at it is lost; the next session says it again.
func (b *Feed) Doubt(log protocol.LogID, at protocol.Position, why string) {
	b.writer.doubt(doubt{log: log, at: at, why: why})
}

// DoubtCopy does the same where a copy of this box was seen.
func (b *Feed) DoubtCopy(log protocol.LogID, why string) {
	b.writer.doubt(doubt{log: log, why: why, copy: true})
}

// unfounded reports whether the box holds the very event that gave rise to a
// doubt: a session may speak of it before it was told.
func (b lineage) unfounded(d doubt, s *section) bool {
	record := s.First + d.at.Seq - 1
	if d.at.Seq == 0 || record > b.own.Last() {
		return false
	}
	e, err := b.placeAt(record)
	return err == nil && e.log == d.log && e.hash == d.at.Hash
}

// resolve ends a doubt, and reports whether another log was begun.
func (b lineage) resolve(d doubt) (bool, error) {
	l := b.index.parts.all()
	s, end := l.named(d.log, b.own.Last())
	if s == nil || end < s.First && s != l.current() || b.unfounded(d, s) {
		return false, nil // All of it stands again already, or nothing is wrong.
	}
	if s != l.current() && (d.at.Seq == 0 || s.First+d.at.Seq-1 > end) {
		return false, nil // It is about what stands again anyway.
	}
	from := s.First
	if s == l.current() {
		var err error
		if from, err = b.unsigned(); err != nil {
			return false, err
		}
		if err := b.lostTail(d.at.Seq); err != nil {
			return false, err
		}
	}
	return true, b.leave(from, d.why, d.copy)
}

// leave gives the current log up and tells the people at the counter.
func (b lineage) leave(from uint64, why string, copied bool) error {
	slot := b.o.Enrolment.Slot
	if copied || b.index.parts.log().Name == b.o.Enrolment.District+"-"+b.o.Enrolment.Spare {
		slot = b.o.Enrolment.Spare
	}
	if err := errors.Join((forgetter{core: b.core}).remember(), b.giveUp(slot, from, why)); err != nil {
		return err
	}
	if why != whyDamaged { // RecordsMissing says that.
		b.blockers.Raise(JournalBehind, zeroTime)
	}
	b.alarm()
	return nil
}

// interrupt has sessions begin again: what they were told has changed.
func (b *core) interrupt() {
	select {
	case b.setBack <- struct{}{}:
	default:
	}
}

// alarm stands once a copy of this box was seen: it works under its spare slot, or
// the hub has frozen a log of its.
func (b lineage) alarm() {
	spare := b.o.Enrolment.District + "-" + b.o.Enrolment.Spare
	for _, s := range b.index.parts.all() {
		told, err := b.toldOff(s.Log)
		if err == nil && b.mine(s.Log) && (s.Log.Name == spare || told != nil && told.Why == protocol.GivenUpForked) {
			b.blockers.Raise(Forked, zeroTime)
		}
	}
}

// toldOff returns the hub's word that a log has two branches, or nil.
func (b lineage) toldOff(log protocol.LogID) (*protocol.GivenUp, error) {
	var g protocol.GivenUp
	there := false
	err := b.index.view(func(tx *store.Tx) (err error) {
		there, err = read(tx, []byte(keyGivenUp+log.String()), &g)
		return err
	})
	if err != nil || !there {
		return nil, err
	}
	return &g, nil
}

// reconsider ends at a start what was left open, and every doubt.
func (b lineage) reconsider() error {
	if err := b.resume(); err != nil {
		return err
	}
	if err := b.follow(); err != nil {
		return err
	}
	why, err := b.doubts()
	if err != nil || why == "" {
		b.alarm()
		return err
	}
	from, err := b.unsigned()
	if err != nil {
		return err
	}
	told, err := b.toldOff(b.index.parts.log())
	if err != nil {
		return err
	}
	if err := b.lostTail(b.mirror.acknowledged().At.Seq); err != nil {
		return err
	}
	if err := b.leave(from, why, told != nil); err != nil {
		return err
	}
	return b.follow()
}

// follow brings the index and the memory to where journal/own is now.
func (b lineage) follow() error {
	if err := b.index.follow(b.own, b.in.Load()); err != nil {
		return err
	}
	b.mirror.mu.Lock()
	defer b.mirror.mu.Unlock()
	b.mirror.moved(b.index.parts.headOf(b.index.at.Own), b.index.at.Own.Seq)
	return nil
}
