package box

import (
	"fmt"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// A spot is where an event came to stand in the own log.
type spot struct {
	seq     uint64 // In journal/own.
	log     protocol.LogID
	place   uint64 // In the log.
	hash    protocol.Hash
	receipt *protocol.Receipt // Printed before, if the event stands again.
}

// A verdict is what the writer tells a filing: first its place, then, in another
// verdict, that it is durable. One that names an earlier sequence, or an error,
// is the only one.
type verdict struct {
	placed  bool
	spot    spot
	answer  *Answer // To a filing that took its own turn, in the last verdict.
	earlier uint64  // Sequence that answered the same request before.
	redraw  bool    // The number is taken.
	err     error
}

// A filing is an application on its way into journal/own.
type filing struct {
	user, key string
	body      protocol.Hash
	number    protocol.Number
	log       protocol.LogID // That the number was drawn for.
	event     protocol.Event
	raw       []byte
	verdict   chan verdict // Holds two, so that the writer never waits.
	render    func(*Answer)
	looked    bool           // Neither request nor number was there when the log ended at asOf.
	asOf      uint64         //
	sealedTo  identity.KeyID // Whom what nobody here may read is sealed to; zero where there is nothing of it.
	leads     bool           // It took the turn itself, so that somebody else signs its receipt.

	spot   spot    // Set by the writer.
	answer *Answer // Set beside the sync, if it leads.
	failed error   // Why there is no answer.
}

// show gives the answer to whoever writes it down.
func (f *filing) show(a *Answer) {
	if f.render != nil {
		f.render(a)
	}
}

// A delivery is a run of a hub's log, verified, the whole state behind a base, or
// one acknowledgement, on its way into journal/in.
type delivery struct {
	log   protocol.LogID
	prev  protocol.Hash // Before the first item.
	got   int64
	items []protocol.Item
	ack   *protocol.Ack
	base  *protocol.Base // The items are the state behind it.
	shelf *protocol.Base // The items are a run of the state behind it.
	done  func(protocol.Position, error)

	at protocol.Position // Set by the writer: where the log stands afterwards.
}

func (d *delivery) finish(at protocol.Position, err error) {
	if d.done != nil {
		d.done(at, err)
	}
	d.done = nil
}

func (d *delivery) size() (n int) {
	for i := range d.items {
		n += len(d.items[i].Raw)
	}
	return n
}

// A batch is what one turn of the writer carries.
type batch struct {
	files []filing
	parts []*delivery
	size  int

	placed  []*filing
	signed  chan struct{} // Closed when the leader's receipt is; nil: nobody leads.
	again   []repeat
	effects []ownEffect

	in        []inEffect
	inRecords [][]byte
	cursors   map[protocol.LogID]protocol.Position
	said      identity.KeyID     // The key of the district's that the log has said last, in this run, that the box seals to.
	requests  map[string]*filing // By user and key.
	numbers   map[protocol.Number]bool
}

func (b *batch) part(d *delivery) {
	b.parts = append(b.parts, d)
	b.size += d.size()
}

// A repeat waits for another filing of the same batch with the same key.
type repeat struct{ late, first *filing }

func (b *batch) file(f filing) {
	b.files = append(b.files, f)
	b.size += len(f.raw)
}

// judgeOne decides about one filing, given what the index has under its request
// and number.
func (b *batch) judgeOne(f *filing, earlier uint64, taken bool) {
	if earlier != 0 {
		f.verdict <- verdict{earlier: earlier}
		return
	}
	if !b.sealsRight(f) {
		f.verdict <- verdict{err: fault.New("box.File", fault.Unavailable, "", "the district's key has turned this moment; repeat it with the same key")}
		return
	}
	if len(b.files) > 1 {
		if b.requests == nil {
			b.requests, b.numbers = map[string]*filing{}, map[protocol.Number]bool{}
		}
		request := f.user + "\x00" + f.key
		if first := b.requests[request]; first != nil {
			b.again = append(b.again, repeat{late: f, first: first})
			return
		}
		taken = taken || f.mints() && b.numbers[f.number]
		if !taken {
			b.requests[request], b.numbers[f.number] = f, true
		}
	}
	if taken {
		f.verdict <- verdict{redraw: true}
		return
	}
	b.placed = append(b.placed, f)
}

// sealsRight reports whether a filing may stand where the log ends. Once the log says which
// key of the district's the box seals to, the hub may let the one before expire: what
// somebody had sealed to it just then has to be sealed again.
func (b *batch) sealsRight(f *filing) bool {
	if f.sealedTo != (identity.KeyID{}) && b.said != (identity.KeyID{}) && f.sealedTo != b.said {
		return false
	}
	var word protocol.SealingWord
	if f.event.Kind == protocol.SealingHeard && f.event.Decode(&word) == nil {
		b.said = word.Key
	}
	return true
}

// refuseFiles answers every filing that nobody has answered.
func (b *batch) refuseFiles(err error) {
	b.placed, b.again = nil, nil
	for i := range b.files {
		b.files[i].tell(verdict{err: err})
	}
}

// refusePlaced answers the filings that found no place.
func (b *batch) refusePlaced(err error) {
	for _, f := range b.placed {
		f.tell(verdict{err: err})
	}
	for _, r := range b.again {
		r.late.tell(verdict{err: err})
	}
	b.placed, b.again, b.effects = nil, nil, nil
}

// tell answers a filing unless it has been told everything.
func (f *filing) tell(v verdict) {
	select {
	case f.verdict <- v:
	default:
	}
}

func (b *batch) refuseParts(err error) {
	for _, d := range b.parts {
		d.finish(protocol.Position{}, err)
	}
	b.parts, b.in, b.inRecords, b.cursors = nil, nil, nil, nil
}

// failAll answers everybody after the disk failed: nobody knows what was kept.
func (b *batch) failAll(err error) {
	b.refusePlaced(err)
	b.refuseParts(err)
}

// finish answers everybody after all of it is durable.
func (b *batch) finish() {
	for _, f := range b.placed {
		f.verdict <- verdict{spot: f.spot, answer: f.answer, err: f.failed}
	}
	for _, r := range b.again {
		r.late.verdict <- verdict{earlier: r.first.spot.seq}
	}
	for _, d := range b.parts {
		d.finish(d.at, nil)
	}
}

// takeParts places what was delivered behind what is here. A run that begins
// behind a gap, or contradicts what is here, is refused.
func (w *writer) takeParts(b *batch) {
	b.cursors = map[protocol.LogID]protocol.Position{}
	taken := b.parts[:0]
	for _, d := range b.parts {
		if d.ack != nil {
			w.take(b, inRecord{What: inAck, Got: d.got, Log: d.ack.Log, At: d.ack.At, Raw: protocol.Marshal(d.ack)})
			taken = append(taken, d)
			continue
		}
		if d.base != nil {
			placeState(w, b, d)
			taken = append(taken, d)
			continue
		}
		if err := takeItems(w, b, d); err != nil {
			d.finish(protocol.Position{}, err)
			continue
		}
		taken = append(taken, d)
	}
	b.parts = taken
}

// standing is how far a log is here, the batch included.
func (w *writer) standing(b *batch, log protocol.LogID) protocol.Position {
	if at, ok := b.cursors[log]; ok {
		return at
	}
	if at, ok := w.cursors[log]; ok {
		return at
	}
	return w.begins(log)
}

// takeItems places a run of a log, or of the state behind a catalogue's base.
func takeItems(w *writer, b *batch, d *delivery) error {
	d.at = w.standing(b, d.log)
	if d.shelf == nil || len(d.items) > 0 {
		if err := w.takeRun(b, d, d.at); err != nil {
			return err
		}
	}
	if d.shelf == nil {
		return nil
	}
	return foundShelf(w, b, d, d.at)
}

func (w *writer) takeRun(b *batch, d *delivery, at protocol.Position) error {
	const op = "box.Deliver"
	if len(d.items) == 0 {
		return fault.New(op, fault.Internal, d.log.String(), "an empty run")
	}
	if first := d.items[0].Seq; first > at.Seq+1 {
		return fault.New(op, fault.Unavailable, d.log.String(), fmt.Sprintf("have up to %d, got %d: send what lies between", at.Seq, first))
	}
	if d.items[0].Seq == at.Seq+1 && d.prev != at.Hash {
		return fault.New(op, fault.Conflict, d.log.String(), fmt.Sprintf("the run at %d follows another event than ours", at.Seq+1))
	}
	gone, err := erasedIndex{w.index}.among(d)
	if err != nil {
		return err
	}
	for i := range d.items {
		item := &d.items[i]
		if item.Seq < at.Seq {
			continue
		}
		if item.Seq == at.Seq {
			if item.Hash != at.Hash {
				return fault.New(op, fault.Conflict, d.log.String(), fmt.Sprintf("another event stands at %d", item.Seq))
			}
			continue
		}
		at = protocol.Position{Seq: item.Seq, Hash: item.Hash}
		raw := item.Raw
		if gone[item.Seq] {
			raw = protocol.ErasedRaw(item.Hash)
		}
		w.take(b, inRecord{What: inEvent, Got: d.got, Log: d.log, At: at, Raw: raw})
	}
	b.cursors[d.log], d.at = at, at
	return nil
}

func (w *writer) take(b *batch, r inRecord) {
	prev := w.hubHead.Hash
	if n := len(b.in); n > 0 {
		prev = b.in[n-1].running
	}
	r.Prev = prev
	record := protocol.Marshal(&r)
	b.inRecords = append(b.inRecords, record)
	b.in = append(b.in, inEffect{record: &r, running: running(prev, record)})
}
