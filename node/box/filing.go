package box

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// Intake takes applications.
type Intake struct {
	*Shelf
	papers *Papers
	memory *Memory

	// renews reads which certificate an application asks to renew.
	renews func(*Goods, *catalogue.Application, time.Time) (*protocol.Renewed, []catalogue.FieldError, error)
}

// A Request is an application as somebody posted it.
type Request struct {
	User string
	Key  string // Idempotency key, drawn by whoever posts.
	Body []byte // JSON, as the contract has POST /v1/applications.

	// Render, where not nil, gets the answer while the disk is still at work, so
	// that it can be written down meanwhile. Nobody may see it before File returns.
	Render func(*Answer)
}

// An Answer is what the counter may print. It follows from the journal alone:
// the same request gets the same answer for as long as the record is kept.
type Answer struct {
	Number  protocol.Number
	Receipt protocol.Receipt
	Issued  time.Time
	Fees    []protocol.Fee
	Pin     protocol.Pin
	Code    string // By which whoever comes for what is issued is known; of an application.

	Confirmed bool // The hub has signed for it: known only of services that are online_only.
}

// File takes an application. When it returns an answer, the application is
// durable on this box. Field errors are the applicant's to correct and come
// without an error.
//
// A service that is online_only is taken while the box speaks with its hub, and
// answered when the hub has signed for it.
//
// [fault.Unavailable]: intake is closed, and the failure's item is the code of
// the blocker, or the service's; nothing was taken. Without an item the hub has
// not yet signed for it, and the same key asks again. [fault.Denied]: the user lacks a
// training that the service asks for. [fault.Conflict]: the key came before with another body. [fault.Stopped]: the disk failed, and nobody knows.
func (b *Intake) File(ctx context.Context, r Request) (*Answer, []catalogue.FieldError, error) {
	body := protocol.Hash(sha256.Sum256(r.Body))
	f := filing{user: r.User, key: r.Key, body: body, render: r.Render}
	earlier, err := b.lookAhead(&f)
	if err != nil {
		return nil, nil, err
	}
	if earlier > 0 {
		a, err := b.answerAgain(earlier, &f)
		if err == nil {
			a, err = b.confirm(ctx, a, &f)
		}
		return a, nil, err
	}
	goods, err := b.openCounter()
	if err != nil {
		return nil, nil, err
	}
	now := b.o.Clock()
	app, wrong, err := goods.Intake.Check(r.Body, goods.Centre.Type, now.In(dhaka))
	if err != nil || len(wrong) > 0 {
		b.tally.refused(goods, r.Body, wrong, err)
		return nil, wrong, err
	}
	if err := b.memory.trained(r.User, app.Version); err != nil {
		return nil, nil, err
	}
	if app.Version.Offline == dcat.OnlineOnly && (b.o.Online == nil || !b.o.Online()) {
		return nil, nil, fault.New("box.File", fault.Unavailable, app.Version.ID, app.Version.OfflineReason.EN)
	}
	papers, wrong, err := b.papersOf(app)
	if err != nil || len(wrong) > 0 {
		return nil, wrong, err
	}
	renews, wrong, err := b.renews(goods, app, now)
	if err != nil || len(wrong) > 0 {
		return nil, wrong, err
	}
	event, err := b.eventOf(r.User, app, protocol.Submission{Documents: papers, Renews: renews}, now)
	if err != nil {
		return nil, nil, err
	}
	event.Nonce = f.event.Nonce
	f.event = event
	a, err := b.submit(ctx, f)
	if err == nil {
		b.tally.filed(goods, app.Version.ID)
	}
	if err == nil && app.Version.Offline == dcat.OnlineOnly {
		a, err = b.confirm(ctx, a, &f)
	}
	return a, nil, err
}

// confirmIn is how long a counter waits for the hub to sign for an application of
// a service that is online_only.
const confirmIn = 15 * time.Second

// confirm holds back the answer on a service that is online_only until the hub
// has signed for it: only then may money go out.
func (b *Intake) confirm(ctx context.Context, a *Answer, f *filing) (*Answer, error) {
	goods := b.Goods()
	if goods == nil {
		return a, nil
	}
	v, ok := goods.Set.Numbered(a.Pin.Service, int(a.Pin.Version))
	if !ok || v.Offline != dcat.OnlineOnly {
		return a, nil
	}
	ctx, cancel := context.WithTimeout(ctx, confirmIn)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for b.mirror.acknowledged().At.Seq < a.Receipt.At.Seq {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fault.New("box.File", fault.Unavailable, "", "the hub has not yet signed for it: pay nothing out, and repeat it with the same key")
		}
	}
	a.Confirmed = true
	f.show(a)
	return a, nil
}

// dhaka is the civil calendar in which fees by date are reckoned: UTC+6 all year.
var dhaka = time.FixedZone("+06", 6*60*60)

func (b *Intake) openCounter() (*Goods, error) {
	if err := b.blockers.Closed(); err != nil {
		return nil, err
	}
	goods := b.Goods()
	if goods == nil {
		return nil, fault.New("box.File", fault.Unavailable, string(NotSynced), NotSynced.Words().EN)
	}
	return goods, nil
}

// eventOf writes down what the application says, beside what the box has made of it.
func (b *Intake) eventOf(user string, app *catalogue.Application, s protocol.Submission, now time.Time) (protocol.Event, error) {
	v := app.Version
	if len(app.Documents) > protocol.MaxDocuments {
		return protocol.Event{}, fault.New("box.File", fault.Invalid, "documents", "want at most 16 documents")
	}
	s.Channel, s.Form, s.Applicant, s.PostedOn, s.Despite = string(app.Channel), app.Form, app.Applicant, app.PostedOn, app.Despite
	if v.Confidential() {
		var err error
		if s.Secret, err = b.conceal(&protocol.Secret{Form: s.Form, Applicant: s.Applicant, Text: s.Despite}); err != nil {
			return protocol.Event{}, err
		}
		s.Form, s.Applicant, s.Despite = nil, nil, ""
	}
	for _, d := range app.Documents {
		if d.OriginalAtCounter {
			s.Originals = append(s.Originals, d.ID)
		}
	}
	for _, c := range app.Charges {
		s.Fees = append(s.Fees, protocol.Fee{Kind: string(c.Kind), Poisha: c.Poisha})
	}
	return protocol.Event{
		Kind: protocol.Submitted, At: now.UnixMilli(), Actor: user,
		Pin:        &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
		Checkpoint: b.mirror.checkpoint(), Payload: protocol.Marshal(&s),
	}, nil
}

// conceal seals what this box may not read again to the district.
func (b *Intake) conceal(s *protocol.Secret) (*protocol.Confidential, error) {
	to, err := b.memory.district()
	if err != nil {
		return nil, err
	}
	return protocol.Conceal(to, s)
}

// maxDraws is how often a number is drawn again before the random source must
// be at fault.
const maxDraws = 16

// draw gives a filing another number.
func (b *Intake) draw(f *filing) (err error) {
	if f.event.Nonce, err = b.o.nonce(); err != nil {
		return err
	}
	f.log = b.index.parts.log()
	f.number, err = mint(f.log, f.event.Nonce)
	return err
}

// lookAhead draws a number and asks the index, before the writer is at work,
// what the writer would ask: did the request come before, is the number taken?
// As long as the log has not grown since, the writer need not ask again.
func (b *Intake) lookAhead(f *filing) (earlier uint64, err error) {
	if err := b.draw(f); err != nil {
		return 0, err
	}
	tip := b.mirror.records()
	err = b.view(func(tx *store.Tx) (err error) {
		if earlier, err = lookup(tx, b.index.requestKey(f.user, f.key)); err != nil || earlier > 0 {
			return err
		}
		taken, err := tx.Has(b.index.caseKey(keyNumber, f.number))
		f.looked, f.asOf = err == nil && !taken, tip
		return err
	})
	return earlier, err
}

// submit takes a turn of the writer, or hands the filing to it, with another number while the one it
// has is taken.
func (b *Intake) submit(ctx context.Context, f filing) (*Answer, error) {
	const op = "box.File"
	f.sealedTo = sealedTo(&f.event)
	for range maxDraws {
		var err error
		if f.raw, err = f.event.Encode(); err != nil {
			return nil, err
		}
		f.verdict = make(chan verdict, 2)
		if !b.writer.lead(f) {
			if err := b.writer.queue(ctx, f); err != nil {
				return nil, err
			}
		}
		a, redraw, err := b.await(&f)
		if !redraw {
			return a, err
		}
		f.looked = false
		if err := b.draw(&f); err != nil {
			return nil, err
		}
	}
	return nil, fault.New(op, fault.Internal, "number", "sixteen numbers in a row were taken")
}

// await follows a filing that the writer has, and signs the receipt while the
// disk is at work. It isn't left alone, since the writer answers soon: what was
// written must be told.
func (b *Intake) await(f *filing) (a *Answer, redraw bool, err error) {
	v, err := b.verdict(f)
	switch {
	case err != nil || v.redraw:
		return nil, v.redraw, err
	case v.earlier > 0:
		a, err := b.answerAgain(v.earlier, f)
		return a, false, err
	case v.answer != nil:
		return v.answer, false, nil
	}
	a, err = b.answerOf(f.number, v.spot, &f.event)
	if err != nil {
		return nil, false, err
	}
	f.show(a)
	_, err = b.verdict(f)
	return a, false, err
}

// sign makes the answer to a filing that leads a turn.
func (b *core) sign(f *filing) {
	if f.answer, f.failed = b.answerOf(f.number, f.spot, &f.event); f.failed == nil {
		f.show(f.answer)
	}
}

// verdict waits for the writer's next word.
func (b *Intake) verdict(f *filing) (verdict, error) {
	select {
	case v := <-f.verdict:
		return v, v.err
	case <-b.writer.gone:
	}
	select { // It may have answered before it went.
	case v := <-f.verdict:
		return v, v.err
	default:
		return verdict{}, fault.New("box.File", fault.Unavailable, "", "the box stopped; repeat it with the same key")
	}
}

// answerOf makes the answer to an event at its place, receipt signed.
func (b *core) answerOf(n protocol.Number, at spot, e *protocol.Event) (*Answer, error) {
	a := &Answer{Number: n, Receipt: b.receiptOf(at), Issued: time.UnixMilli(e.At)}
	var err error
	switch e.Kind { //nolint:exhaustive // The others print no money.
	case protocol.Submitted:
		var s protocol.Submission
		err = e.Decode(&s)
		a.Fees, a.Pin, a.Code = s.Fees, *e.Pin, protocol.CollectionCode(e.Nonce)
	case protocol.PaymentTaken:
		var p protocol.Payment
		err = e.Decode(&p)
		a.Fees = p.Fees
	case protocol.PaymentVoided:
		var v protocol.Voiding
		err = e.Decode(&v)
		a.Fees = v.Fees
	}
	if err != nil {
		return nil, &fault.Error{Op: "box.File", Kind: fault.Damaged, Item: recordName("own", at.seq), Err: err}
	}
	return a, nil
}

// receiptOf returns the receipt of an event, as it was printed.
func (b *core) receiptOf(at spot) protocol.Receipt {
	if at.receipt != nil {
		return *at.receipt
	}
	return protocol.SignReceipt(at.log, protocol.Position{Seq: at.place, Hash: at.hash}, b.o.Signer)
}

// answerAgain gives the answer that an earlier request with this key got.
func (b *Intake) answerAgain(seq uint64, f *filing) (*Answer, error) {
	e, err := b.recordAt(seq)
	if err != nil {
		return nil, err
	}
	if e.record.Body != f.body {
		return nil, fault.New("box.File", fault.Conflict, "Idempotency-Key", "this key came before with another application: draw a new key for a new one")
	}
	a, err := b.answerOf(cmp.Or(e.number, e.event.Number), spotOf(e), e.event)
	if err == nil {
		f.show(a)
	}
	return a, err
}

// recordAt reads one record of journal/own back. One that was erased by order is
// [fault.NotFound].
func (b *core) recordAt(seq uint64) (*ownEffect, error) {
	e, err := b.placeAt(seq)
	if err == nil && e.record.gone != nil {
		return nil, erasedFault(e.number)
	}
	return e, err
}

// placeAt is recordAt for whoever needs no more than place and hash: of an event that was
// erased that is all there is.
func (b *core) placeAt(seq uint64) (*ownEffect, error) {
	raw, err := b.own.Read(seq)
	if err != nil {
		return nil, err
	}
	e, err := b.index.effectOf(seq, raw)
	if err == nil && e.record.hole() {
		return nil, fault.New("box.read", fault.Unavailable, recordName("own", seq), "was damaged on this disk, and comes back from the hub")
	}
	return &e, err
}

// effectFor returns the application with this number, or [fault.NotFound]: as it
// stands in journal/own, or as it was fetched back from the hub.
func (b *core) effectFor(n protocol.Number) (*ownEffect, error) {
	var seq, back uint64
	err := b.view(func(tx *store.Tx) (err error) {
		if seq, err = lookup(tx, b.index.caseKey(keyNumber, n)); err == nil && seq == 0 {
			back, err = lookup(tx, b.index.caseKey(keyBack, n))
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case seq > 0:
		return b.recordAt(seq)
	case back > 0:
		return b.fetchedAt(back)
	}
	return nil, b.missing.notHere(n)
}

// newest returns the event as it stands in the log that it was sent by, if it had
// to stand again.
func (b *core) newest(e *ownEffect) (*ownEffect, error) {
	if e.record == nil || e.record.Key == againKey {
		return e, nil
	}
	var seq uint64
	err := b.view(func(tx *store.Tx) (err error) {
		seq, err = lookup(tx, b.index.caseKey(keyNumber, e.number))
		return err
	})
	if err != nil || seq <= e.seq {
		return e, err
	}
	return b.recordAt(seq)
}

// fetchedAt reads an application of this centre's that came back from the hub. A
// receipt that this box did not sign has no signature here.
func (b *core) fetchedAt(seq uint64) (*ownEffect, error) {
	raw, err := b.in.Load().Read(seq)
	if err != nil {
		return nil, err
	}
	r, err := decodeIn(seq, raw)
	if err != nil {
		return nil, err
	}
	e := &ownEffect{seq: seq, log: r.Log, place: r.At.Seq, hash: r.At.Hash, raw: r.Raw}
	if e.before, err = b.beforeFetched(seq, r.Log, r.At.Seq); err != nil {
		return nil, err
	}
	if err := e.read(seq); err != nil {
		return nil, err
	}
	if !b.mine(r.Log) && e.receipt == nil {
		e.receipt = &protocol.Receipt{Log: r.Log, At: r.At}
	}
	return e, nil
}

// beforeFetched is the hash of the event before one that was fetched back and is
// record seq of journal/in: it came just before it, or stands in journal/own.
func (b *core) beforeFetched(seq uint64, log protocol.LogID, place uint64) (protocol.Hash, error) {
	if place == 1 {
		return protocol.Hash{}, nil
	}
	if at := b.begins(log); at.Seq == place-1 {
		return at.Hash, nil
	}
	in := b.in.Load()
	for before := seq - 1; before > 0; before-- {
		raw, err := in.Read(before)
		if err != nil {
			return protocol.Hash{}, err
		}
		if r, err := decodeIn(before, raw); err == nil && r.What == inEvent && r.Log == log {
			return r.At.Hash, nil
		}
	}
	return protocol.Hash{}, damagedRecord("in", seq, errors.New("what comes before it is not here"))
}

// view reads the index. When it turns out damaged, it is built again in the
// background, and the reader may come back.
func (b *core) view(fn func(*store.Tx) error) error {
	err := b.index.view(fn)
	if !errors.Is(err, fault.Damaged) {
		return err
	}
	select {
	case b.doubt <- struct{}{}:
	default:
	}
	b.o.Logger.Error("index is damaged and will be built again", "err", err)
	return fault.New("box.view", fault.Unavailable, "", "the index is being built again; repeat it in a moment")
}
