package box

import (
	"context"

	"kendro/domain/fault"
	"kendro/protocol"
)

// A filing that comes while nobody is at work takes the turn itself: on a box
// with few processors every goroutine that must wake first costs as much as a
// part of the sync. Whoever comes meanwhile waits for the goroutine of run,
// which then takes all of them at once.

// An update is work that runs beside the disk's: the leader's receipt, from the
// moment its place is known; later, in another update, the index.
type update struct {
	leader *filing // Whose turn it is.
	signed chan struct{}

	own  []ownEffect
	in   []inEffect
	done chan updated
}

type updated struct {
	changed changed
	err     error
}

// run works until ctx ends or the disk fails. It returns the failure.
func (w *writer) run(ctx context.Context) error {
	helper := make(chan struct{})
	go func() {
		defer close(helper)
		w.help()
	}()
	<-w.turn // Nobody's before.
	err := w.serve(ctx)
	if err == nil {
		err = w.begin() // Whoever is at work ends; nobody begins any more.
	}
	close(w.gone)
	close(w.updates)
	<-helper
	w.turnAway()
	return err
}

// help does what runs beside the disk's work.
func (w *writer) help() {
	for u := range w.updates {
		w.assist(u)
	}
}

func (w *writer) assist(u update) {
	if u.leader != nil {
		w.answer(u.leader)
		close(u.signed)
		return
	}
	c, err := w.index.commit(u.own, u.in)
	w.index.caughtUp()
	u.done <- updated{c, err}
	if err != nil {
		select {
		case w.late <- struct{}{}:
		default:
		}
	}
}

// deliverAlone does a delivery's turn at once, for a box that is alone.
func (w *writer) deliverAlone(d *delivery) {
	b := &batch{}
	b.part(d)
	err := w.begin()
	if err == nil {
		err = w.work(b, nil)
	} else {
		b.turnAway()
	}
	if err != nil {
		w.broken <- err
		return
	}
	<-w.turn
}

// serve takes a turn for whoever can't take his own.
func (w *writer) serve(ctx context.Context) error {
	for {
		b := &batch{}
		var rebuilt chan error
		select {
		case <-ctx.Done():
			return nil
		case err := <-w.broken:
			return err
		case <-w.late: // The turn begins with it.
		case rebuilt = <-w.mend:
		case d := <-w.leave:
			if err := w.begin(); err != nil {
				return err
			}
			if err := w.begun(d); err != nil {
				return err
			}
			<-w.turn
			continue
		case f := <-w.in:
			b.file(f)
		case d := <-w.parts:
			b.part(d)
		}
		if err := w.begin(); err != nil {
			b.turnAway()
			if rebuilt != nil {
				rebuilt <- errStopping()
			}
			return err
		}
		if err := w.work(b, rebuilt); err != nil {
			return err
		}
		<-w.turn
	}
}

// begin waits for the turn. Its error is why there will be none.
func (w *writer) begin() error {
	select {
	case w.turn <- struct{}{}:
		return nil
	case err := <-w.broken:
		return err
	}
}

// queue leaves a filing to the goroutine of run.
func (w *writer) queue(ctx context.Context, f filing) error {
	select {
	case w.in <- f:
		return nil
	case <-w.gone:
		return errStopping()
	case <-ctx.Done():
		return fault.New("box.File", fault.Unavailable, "", "given up while waiting; repeat it with the same key")
	}
}

// lead takes the turn for a filing if nobody has it, and reports whether it did:
// then the filing has its verdict.
func (w *writer) lead(f filing) bool {
	select {
	case w.turn <- struct{}{}:
	default:
		return false
	}
	err := error(fault.New("box.write", fault.Internal, "", "a turn was not finished"))
	defer func() { // Also when it panics: then nobody writes any more.
		if err != nil {
			w.broken <- err
			return
		}
		<-w.turn
	}()
	f.leads = true
	b := &batch{}
	b.file(f)
	err = w.work(b, nil)
	return true
}

// work is one turn.
func (w *writer) work(b *batch, rebuilt chan error) error {
	c, err := w.collect()
	if err != nil {
		b.turnAway()
		return err
	}
	if c != 0 {
		w.settled(w.head, nil, c)
	}
	if rebuilt != nil {
		err := w.rebuild()
		rebuilt <- err
		return err
	}
	w.gather(b)
	w.catchUp()
	return w.commit(b)
}

// doubt leaves a doubt to whoever takes the next turn; one that finds eight before
// it is said again by the next session.
func (w *writer) doubt(d doubt) {
	if w.alone {
		if err := w.begun(d); err != nil {
			w.logger.Error("the own log could not be given up", "err", err)
		}
		return
	}
	select {
	case w.leave <- d:
	default:
	}
}

// begun is a turn in which the own log is given up, if it still has to be.
func (w *writer) begun(d doubt) error {
	c, err := w.collect()
	if err != nil {
		return err
	}
	begun, err := w.giveUp(d)
	if err != nil || !begun {
		w.settled(w.head, nil, c)
		return err
	}
	if w.head, err = endOf(w.own, w.index.parts.all().current()); err != nil {
		return err
	}
	w.lagging, w.stale = true, w.head.Seq // The index lacks the records that stand again.
	w.catchUp()
	w.settled(w.head, nil, c)
	w.interrupt()
	return nil
}

// delegate hands on what runs beside the disk's work.
func (w *writer) delegate(u update) {
	if w.alone {
		w.assist(u)
	} else {
		w.updates <- u
	}
}

// sign has the leader's receipt signed, if somebody leads. Its place is known, but
// not yet written: nobody may see the answer before it is durable.
func (w *writer) sign(b *batch) {
	for _, f := range b.placed {
		if f.leads {
			b.signed = make(chan struct{})
			w.delegate(update{leader: f, signed: b.signed})
		}
	}
}

// awaitSigned returns when nobody is at work on an answer.
func (b *batch) awaitSigned() {
	if b.signed != nil {
		<-b.signed
	}
}

// follow has the index follow. What it says is owed.
func (w *writer) follow(b *batch) {
	done := make(chan updated, 1)
	w.index.fallBehind()
	w.owed = done
	w.delegate(update{own: b.effects, in: b.in, done: done})
}

func errStopping() error {
	return fault.New("box.write", fault.Unavailable, "", "the box is stopping; repeat it with the same key")
}

// turnAway answers whoever came too late.
func (w *writer) turnAway() {
	for {
		select {
		case f := <-w.in:
			f.verdict <- verdict{err: errStopping()}
		case d := <-w.parts:
			d.finish(protocol.Position{}, errStopping())
		case done := <-w.mend:
			done <- errStopping()
		default:
			return
		}
	}
}

// turnAway answers everybody in a batch of which nothing was written.
func (b *batch) turnAway() {
	b.refuseFiles(errStopping())
	b.refuseParts(errStopping())
}
