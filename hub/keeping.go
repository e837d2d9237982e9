package hub

import (
	"context"
	"crypto/sha256"
	"errors"
	"strconv"
	"sync"
	"time"

	"kendro/document"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/store"
)

// How servers keep documents among each other.
const (
	keepFor      = 30 * time.Second // Until a quorum holds a document, or it is tried again.
	collectEvery = time.Second
	collectRun   = 256
	lackingEvery = 30 // Rounds, until what nobody could give is asked for again.
	documentPart = 512 << 10
)

type holdCall struct {
	Hash protocol.Hash `cbor:"1,keyasint"`
	Size uint32        `cbor:"2,keyasint"`
}

type documentCall struct {
	Hash protocol.Hash `cbor:"1,keyasint"`
	At   uint32        `cbor:"2,keyasint"`
}

type documentAnswer struct {
	Size  uint32 `cbor:"1,keyasint"`
	Bytes []byte `cbor:"2,keyasint"`
}

// keep makes sure that a quorum of the voters holds a document of this server's,
// and then says so in the register. Whoever asked may go by it from then on.
func (p *papers) keep(ctx context.Context, k register.PaperKept) error {
	ctx, cancel := context.WithTimeout(ctx, keepFor)
	defer cancel()
	if err := p.spread(ctx, k); err != nil {
		return err
	}
	_, err := p.do(ctx, register.NewCommand(p.keptID(k), register.ActorHub, register.DocumentKept, &k))
	return err
}

// keptID names one keeping of a document, however often it is said. One that was erased and
// came again is kept another time, and what a box sent is not what an officer scanned: the
// register refuses two requests under one ID.
func (p *papers) keptID(k register.PaperKept) string {
	id := "document " + k.Hash.String()
	if k.Sent {
		id = "sent " + id
	}
	if known, err := p.register().Paper(k.Hash); err == nil && known.Erased != 0 {
		id += " " + strconv.FormatInt(known.Erased, 10)
	}
	return id
}

// spread has the other voters fetch a document until a quorum holds it.
func (p *papers) spread(ctx context.Context, k register.PaperKept) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	voters, held := 0, 0
	answers := make(chan error, len(p.register().Servers()))
	for _, s := range p.register().Servers() {
		if !s.Voter {
			continue
		}
		voters++
		if s.ID == p.id {
			held++
			continue
		}
		address := p.book.address(s.ID)
		wg.Go(func() {
			answers <- p.persist(ctx, func(ctx context.Context) error {
				one, cancel := context.WithTimeout(ctx, keepFor/2)
				defer cancel()
				return p.call(one, address, callHold, &holdCall{Hash: k.Hash, Size: k.Size}, nil)
			})
		})
	}
	var last error
	for asked := voters - held; held <= voters/2 && asked > 0; asked-- {
		if err := <-answers; err != nil {
			last = err
			continue
		}
		held++
	}
	if held <= voters/2 {
		return &fault.Error{Op: "hub.keep", Kind: fault.Unavailable, Item: k.Hash.String(), Err: errors.Join(errNoQuorum, last)}
	}
	return nil
}

var errNoQuorum = errors.New("no quorum of the servers holds the document yet")

// answerHold fetches a document from the server that asks.
func (p *papers) answerHold(from string, c *protocol.Call) answerFunc {
	var in holdCall
	if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "document", &in); err != nil {
		return failed(err)
	}
	return func(ctx context.Context) (any, error) {
		if p.tray.Has(in.Hash) {
			return nil, nil
		}
		return nil, p.fetch(ctx, p.book.address(from), in.Hash)
	}
}

// answerDocument gives a run of a document's bytes to another server.
func (p *papers) answerDocument(c *protocol.Call) answerFunc {
	var in documentCall
	if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "document", &in); err != nil {
		return failed(err)
	}
	return func(context.Context) (any, error) {
		content, err := p.tray.Get(in.Hash)
		if err != nil {
			return nil, err
		}
		at := min(int(in.At), len(content))
		return &documentAnswer{Size: uint32(len(content)), Bytes: content[at:min(at+documentPart, len(content))]}, nil
	}
}

// fetch brings a document from another server. What comes is judged by its hash.
func (p *papers) fetch(ctx context.Context, address string, h protocol.Hash) error {
	const op = "hub.fetch"
	if address == "" {
		return fault.New(op, fault.Unavailable, h.String(), "the server's address is not known")
	}
	var content []byte
	for {
		var a documentAnswer
		if err := p.call(ctx, address, callDocument, &documentCall{Hash: h, At: uint32(len(content))}, &a); err != nil {
			return err
		}
		content = append(content, a.Bytes...)
		if len(content) > document.MaxStored || len(a.Bytes) == 0 && len(content) < int(a.Size) {
			return fault.New(op, fault.Unavailable, h.String(), "another server gave something else")
		}
		if len(content) >= int(a.Size) {
			break
		}
	}
	if protocol.Hash(sha256.Sum256(content)) != h {
		return fault.New(op, fault.Unavailable, h.String(), "another server gave other bytes")
	}
	_, err := p.tray.Put(content)
	return err
}

// fetchAnywhere asks one server after the other.
func (p *papers) fetchAnywhere(ctx context.Context, h protocol.Hash) error {
	err := error(fault.New("hub.fetch", fault.Unavailable, h.String(), "there is no other server"))
	for _, s := range p.register().Servers() {
		if s.ID == p.id {
			continue
		}
		one, cancel := context.WithTimeout(ctx, keepFor/2)
		err = p.fetch(one, p.book.address(s.ID), h)
		cancel()
		if err == nil {
			return nil
		}
	}
	return err
}

// collect brings here what the register says that the group holds, so that a
// server that was away or rebuilt has every document again.
func (p *papers) collect(ctx context.Context) {
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	var mark []byte
	lacking := map[protocol.Hash]bool{}
	var of *register.Register
	for round := 0; ; round++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if reg := p.register(); reg != of { // A snapshot was installed: look at everything again.
			of, mark = reg, nil
		}
		mark = p.missing(mark, lacking)
		p.forget(lacking)
		p.mu.Lock()
		for _, h := range p.damaged {
			lacking[h] = true
		}
		p.damaged = nil
		p.mu.Unlock()
		for h := range lacking {
			if round%lackingEvery != 0 && !lacking[h] {
				continue
			}
			lacking[h] = false
			if err := p.fetchAnywhere(ctx, h); err == nil {
				delete(lacking, h)
			} else if ctx.Err() == nil {
				p.log.Warn("a document could not be fetched from the other servers yet", "err", err)
			}
		}
	}
}

// missing adds to lacking what became safe after a mark and is not here.
func (p *papers) missing(mark []byte, lacking map[protocol.Hash]bool) []byte {
	seen := 0
	next, err := p.register().PapersAfter(mark, func(k register.PaperKept) error {
		if seen++; seen > collectRun {
			return errEnough
		}
		if !p.tray.Has(k.Hash) {
			lacking[k.Hash] = true
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		p.log.Warn("the list of documents could not be read", "err", err)
	}
	return next
}

// forget throws away what was erased by order and no case names any more.
func (p *papers) forget(lacking map[protocol.Hash]bool) {
	reg := p.register()
	if n := reg.Stats().Erased; n == 0 || p.erased == (erasedOf{reg, n}) {
		return
	}
	err := eachErased(reg, func(k *register.Paper) error {
		delete(lacking, k.Hash)
		return p.throwAway(k)
	})
	if err != nil {
		p.log.Warn("a document that was erased by order is still here", "err", err)
		return
	}
	p.erased = erasedOf{reg, reg.Stats().Erased}
}

// throwAway removes a document, and what has arrived of it.
func (p *papers) throwAway(k *register.Paper) error {
	return errors.Join(p.tray.Remove(k.Hash), p.tray.Drop(onTheWire, k.Hash, int(k.Size)))
}

// erasedGone makes sure that no document is here that was erased by order, also none that
// was on its way here just then.
func (p *papers) erasedGone() error { return eachErased(p.register(), p.throwAway) }

// unfinished is how long what has arrived of a document is kept when nothing more comes.
const unfinished = 7 * 24 * time.Hour

// tidy throws away what was begun and never came to its end.
func (p *papers) tidy(now time.Time) {
	if err := p.tray.Sweep(now.Add(-unfinished)); err != nil {
		p.log.Warn("documents that never arrived whole are still here", "err", err)
	}
}

// eachErased calls fn with the documents that went with a case and that nothing has named
// since.
func eachErased(reg *register.Register, fn func(*register.Paper) error) error {
	all, err := reg.Erasures()
	if err != nil {
		return err
	}
	for _, e := range all {
		for _, h := range e.Documents {
			known, err := reg.Paper(h)
			if errors.Is(err, fault.NotFound) {
				continue
			}
			if err == nil && known.Erased != 0 && known.Held == 0 && len(known.Waiting) == 0 {
				err = fn(known)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// erasedOf is how many cases were erased, in which register.
type erasedOf struct {
	reg *register.Register
	n   uint64
}

// scrubPause lies between two documents of a scrub.
const scrubPause = 20 * time.Millisecond

// scrub reads every document that the group holds and this server has. A damaged one
// is fetched again; its file stays until another copy takes its place.
func (p *papers) scrub(ctx context.Context) {
	pace := time.NewTicker(scrubPause)
	defer pace.Stop()
	err := heldDocuments(p.register(), func(h protocol.Hash) error {
		if _, err := p.tray.Get(h); errors.Is(err, fault.Damaged) {
			p.log.Error("a document is damaged here and is fetched again", "err", err)
			p.mu.Lock()
			p.damaged = append(p.damaged, h)
			p.mu.Unlock()
		}
		select {
		case <-pace.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil && ctx.Err() == nil {
		p.log.Warn("the documents could not be read through", "err", err)
	}
}

// heldDocuments calls fn with each document that the servers hold, a run at a time.
func heldDocuments(reg *register.Register, fn func(protocol.Hash) error) error {
	var mark []byte
	for {
		var run []protocol.Hash
		next, err := reg.PapersAfter(mark, func(k register.PaperKept) error {
			if len(run) == collectRun {
				return errEnough
			}
			run = append(run, k.Hash)
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
		for _, h := range run {
			if err := fn(h); err != nil {
				return err
			}
		}
		if len(run) < collectRun {
			return nil
		}
		mark = next
	}
}

var errEnough = errors.New("enough for one round")

// full is how full the disk may be, in per cent, before officers' scans are
// refused; what boxes send is taken while there is any room.
const full = 85

// documentPreset says how small scans are made, or that there is no room.
func documentPreset(dir string) func() (document.Preset, error) {
	return func() (document.Preset, error) {
		fill, err := store.Fill(dir)
		if err == nil && fill >= full {
			err = fault.New("hub.Upload", fault.Unavailable, dir, "the server's disk is more than 85 % full: no document is taken; free some space")
		}
		return document.Normal, err
	}
}
