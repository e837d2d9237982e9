package box

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"kendro/catalogue"
	"kendro/document"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/cabinet"
)

// Papers are the documents that go with applications.
type Papers struct {
	*Shelf
	tray  *cabinet.Tray
	evict []byte // Where the last round of letting go ended; the scrub's own.

	mu  sync.Mutex      // Guards bad.
	bad []protocol.Hash // Documents that no hub holds and that can't be read here.
}

// How full the disk may be, in per cent (DOMAIN §7 row 26).
const (
	markSmaller = 70 // Pictures are made smaller.
	markRefused = 85 // No new document is taken; what the hub holds is let go of.
)

// unfinished is how long an upload may rest before it is thrown away.
const unfinished = 7 * 24 * time.Hour

// A pendingPaper is a document that a hub does not hold yet.
type pendingPaper struct {
	_    struct{} `cbor:",toarray"`
	Hash protocol.Hash
	Size uint32
	Seq  uint64 // Of the first event that names it.
}

// openCabinet opens the folder of documents. A simulated box has none.
func (b *Box) openCabinet() error {
	if b.o.Alone != nil {
		return nil
	}
	c, err := cabinet.Open(filepath.Join(b.dir, "documents"), cabinet.Options{Vault: b.vault, Secret: b.o.Secret})
	if err != nil {
		return err
	}
	b.tray = cabinet.NewTray(c, b.preset)
	return c.Sweep(b.o.Clock().Add(-unfinished))
}

// preset says how small pictures are made now, or that no document is taken.
func (b *Papers) preset() (document.Preset, error) {
	fill, err := b.o.Fill(b.dir)
	if err != nil {
		return document.Preset{}, err
	}
	free, err := b.o.Free(b.dir)
	switch {
	case err != nil:
		return document.Preset{}, err
	case fill >= markRefused || free < MinFree:
		b.blockers.Raise(DocumentsRefused, zeroTime)
		return document.Preset{}, fault.New("box.Upload", fault.Unavailable, string(DocumentsRefused), DocumentsRefused.Words().EN)
	case fill >= markSmaller:
		return document.Small, nil
	}
	return document.Normal, nil
}

// tend looks at the disk now and then: from the mark on, documents that the hub
// holds make room.
func (b *Papers) tend() {
	b.mourn()
	if _, err := b.preset(); err == nil {
		b.blockers.Clear(DocumentsRefused)
		return
	}
	if err := b.letGo(); err != nil {
		b.o.Logger.Warn("documents that the hub holds could not be let go of", "err", err)
	}
}

// readPapers reads every document that an application names, as far as it has to be
// here. What the hub holds as well is let go of where it is damaged; the others have
// to be uploaded again, and are named.
func (b *Papers) readPapers(ctx context.Context) error {
	if b.tray == nil {
		return nil
	}
	pending, held, err := papersNamed(b.view)
	if err != nil {
		return err
	}
	for _, h := range held {
		if _, err := b.tray.Get(h); errors.Is(err, fault.Damaged) {
			b.o.Logger.Warn("a document is damaged here; the hub holds it, so it is let go of", "err", err)
			if err := b.tray.Remove(h); err != nil {
				return err
			}
		}
		if err := rest(ctx, scrubPace); err != nil {
			return nil //nolint:nilerr // The box is stopping.
		}
	}
	for _, h := range pending {
		if _, err := b.tray.Get(h); errors.Is(err, fault.Damaged) || errors.Is(err, fault.NotFound) {
			b.Spoilt(h, err)
		}
		if err := rest(ctx, scrubPace); err != nil {
			return nil //nolint:nilerr // The box is stopping.
		}
	}
	return nil
}

// Spoilt notes that a document which no hub holds can't be read here. It is not sent
// until somebody has uploaded it again.
func (b *Papers) Spoilt(h protocol.Hash, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if slices.Contains(b.bad, h) {
		return
	}
	b.bad = append(b.bad, h)
	b.o.Logger.Error("a document that no hub holds can't be read here: upload it again", "err", why)
	b.blockers.Raise(DocumentsDamaged, zeroTime)
}

func (b *Papers) spoilt() []protocol.Hash {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.bad)
}

// mourn looks whether what has to be uploaded again has been.
func (b *Papers) mourn() {
	for _, h := range b.spoilt() {
		if _, err := b.tray.Get(h); err != nil {
			continue
		}
		b.mu.Lock()
		b.bad = slices.DeleteFunc(b.bad, func(x protocol.Hash) bool { return x == h })
		if len(b.bad) == 0 {
			b.blockers.Clear(DocumentsDamaged)
		}
		b.mu.Unlock()
	}
}

// rest waits, or returns why not.
func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// papersNamed lists the documents of this box that no hub holds, and those that one
// does.
func papersNamed(view func(func(*store.Tx) error) error) (pending, held []protocol.Hash, err error) {
	err = view(func(tx *store.Tx) error {
		err := tx.Scan([]byte(keyPaper), []byte(keyPaper), func(_, value []byte) (bool, error) {
			var p pendingPaper
			if err := protocol.Unmarshal(value, store.MaxValue, "index", &p); err != nil {
				return false, damagedIndex(err)
			}
			pending = append(pending, p.Hash)
			return true, nil
		})
		if err != nil {
			return err
		}
		return tx.Scan([]byte(keyHeld), []byte(keyHeld), func(_, value []byte) (bool, error) {
			var p heldPaper
			if err := protocol.Unmarshal(value, store.MaxValue, "index", &p); err != nil {
				return false, damagedIndex(err)
			}
			held = append(held, p.Hash)
			return true, nil
		})
	})
	return pending, held, err
}

// InspectDocuments reads the documents of a box that nobody has open, given its
// index. It names those that can't be read and that no hub holds, and notes the
// others.
func InspectDocuments(dir string, index *store.DB, o cabinet.Options) (good int, damage, notes []string, err error) {
	folder := filepath.Join(dir, "documents")
	if _, err := os.Stat(folder); err != nil {
		return 0, nil, nil, nil //nolint:nilerr // A box of before there were any.
	}
	c, err := cabinet.Open(folder, o)
	if err != nil {
		return 0, nil, nil, err
	}
	pending, held, err := papersNamed(index.View)
	if err != nil {
		return 0, nil, nil, err
	}
	for _, h := range held {
		switch _, err := c.Get(h); {
		case err == nil:
			good++
		case errors.Is(err, fault.Damaged):
			notes = append(notes, err.Error()+"; the hub holds it")
		}
	}
	for _, h := range pending {
		if _, err := c.Get(h); err != nil {
			damage = append(damage, err.Error())
			continue
		}
		good++
	}
	return good, damage, notes, nil
}

// evictRun is how many documents are let go of at one look at the disk.
const evictRun = 64

// letGo removes some of the documents that a hub holds and has backed up. What a
// fire in the district's office would take with it is never touched.
func (b *Papers) letGo() error {
	from := b.evict
	if from == nil {
		from = []byte(keyHeld)
	}
	b.evict = nil
	var gone []protocol.Hash
	era := b.index.era.Load()
	err := b.view(func(tx *store.Tx) error {
		backed, err := registerIndex{b.index}.backed(tx)
		if err != nil {
			return err
		}
		return tx.Scan([]byte(keyHeld), from, func(key, value []byte) (bool, error) {
			if len(gone) == evictRun {
				b.evict = bytes.Clone(key)
				return false, nil
			}
			p, err := heldPaperOf(value)
			if err == nil && p.Era == era && p.Index <= backed && b.tray.Has(p.Hash) {
				gone = append(gone, p.Hash)
			}
			return err == nil, err
		})
	})
	for _, h := range gone {
		err = errors.Join(err, b.tray.Remove(h))
	}
	return err
}

// Upload takes a piece of a document, see [cabinet.Tray.Take].
func (b *Papers) Upload(ctx context.Context, p cabinet.Piece) (cabinet.Upload, error) {
	return b.tray.Take(ctx, p)
}

// Document returns a document that is here, with its type.
func (b *Papers) Document(h protocol.Hash) (protocol.Document, []byte, error) {
	return b.tray.Describe(h)
}

// papersOf finds the uploads that an application names. What is not here is the
// counter's to upload.
func (b *Intake) papersOf(app *catalogue.Application) (papers []protocol.Document, wrong []catalogue.FieldError, err error) {
	for i, p := range app.Documents {
		if p.SHA256 == "" {
			continue
		}
		d, err := b.papers.find(p.SHA256)
		if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Damaged) || errors.Is(err, fault.Invalid) {
			wrong = append(wrong, app.NotHere(i))
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if app.Version.Confidential() {
			if d, err = b.seal(d); err != nil {
				return nil, nil, err
			}
		}
		d.Kind = p.ID
		papers = append(papers, d)
	}
	return papers, wrong, nil
}

// find describes the document that was sent, or is kept, under a hash.
func (b *Papers) find(sum string) (protocol.Document, error) {
	raw, err := hex.DecodeString(sum)
	if err != nil || len(raw) != len(protocol.Hash{}) {
		return protocol.Document{}, fault.New("box.File", fault.Invalid, "sha256", "want 64 hexadecimal digits")
	}
	if b.tray == nil {
		return protocol.Document{}, fault.New("box.File", fault.NotFound, sum, "this box keeps no documents")
	}
	kept, err := b.tray.Find(protocol.Hash(raw))
	if err != nil {
		return protocol.Document{}, err
	}
	d, _, err := b.tray.Describe(kept)
	return d, err
}

// A Pending document waits to be sent.
type Pending struct {
	Hash protocol.Hash
	Size uint32
	Due  int64 // Unix seconds by which its case is due; what waits longest without one.
}

// maxPending bounds what one look returns: enough for hours of a slow link.
const maxPending = 4096

// Pending returns the documents of this box that no hub holds yet and that can be
// sent, those of the cases that are due first at the front.
func (b *Papers) Pending() ([]Pending, error) {
	var list []pendingPaper
	err := b.view(func(tx *store.Tx) error {
		return tx.Scan([]byte(keyPaper), []byte(keyPaper), func(_, value []byte) (bool, error) {
			var p pendingPaper
			if err := protocol.Unmarshal(value, store.MaxValue, "index", &p); err != nil {
				return false, damagedIndex(err)
			}
			list = append(list, p)
			return len(list) < maxPending, nil
		})
	})
	if err != nil {
		return nil, err
	}
	lost, err := b.lostPapers(maxPending - len(list))
	if err != nil {
		return nil, err
	}
	list = append(list, lost...)
	slices.SortFunc(list, func(x, y pendingPaper) int {
		return cmp.Or(cmp.Compare(x.Seq, y.Seq), bytes.Compare(x.Hash[:], y.Hash[:]))
	})
	bad := b.spoilt()
	list = slices.DeleteFunc(list, func(p pendingPaper) bool { return slices.Contains(bad, p.Hash) })
	out := make([]Pending, len(list))
	dues := map[uint64]int64{}
	for i, p := range list {
		if _, ok := dues[p.Seq]; !ok {
			dues[p.Seq] = b.dueOf(p.Seq)
		}
		out[i] = Pending{Hash: p.Hash, Size: p.Size, Due: dues[p.Seq]}
	}
	slices.SortStableFunc(out, func(x, y Pending) int { return cmp.Compare(x.Due, y.Due) })
	return out, nil
}

// dueOf is when the case of an event is due, by this box's own count.
func (b *Papers) dueOf(seq uint64) int64 {
	const never = 1 << 62
	e, err := b.recordAt(seq)
	goods := b.Goods()
	if err != nil || goods == nil || e.event.Pin == nil {
		return never
	}
	if v := b.pinned(e.event.Pin); v != nil {
		if t := due(goods.Set.Directory.Calendar, v.SLADays, time.UnixMilli(e.event.At).In(dhaka)); t > 0 {
			return t
		}
	}
	return never
}

// A papersIndex is the part of the index that is about documents.
type papersIndex struct{ *index }

func (x papersIndex) paperKey(h protocol.Hash) []byte { return x.blind(keyPaper, string(h[:])) }
func (x papersIndex) heldKey(h protocol.Hash) []byte  { return x.blind(keyHeld, string(h[:])) }

// name notes the documents that an event names as still to be sent.
func (x papersIndex) name(tx *store.Tx, seq uint64, e *protocol.Event) error {
	for _, d := range papersIn(e) {
		_, held, err := x.heldPaper(tx, d.Hash)
		if err != nil {
			return err
		}
		waits, err := tx.Has(x.paperKey(d.Hash))
		if err != nil {
			return err
		}
		if held || waits {
			continue
		}
		if err := tx.Set(x.paperKey(d.Hash), protocol.Marshal(&pendingPaper{Hash: d.Hash, Size: d.Size, Seq: seq})); err != nil {
			return err
		}
	}
	return nil
}

// thrown notes that the hub has thrown a document away by order: it is held no more. Where
// another event here names it, it waits to be sent once more.
func (x papersIndex) thrown(tx *store.Tx, h protocol.Hash) error {
	var p heldPaper
	if held, err := read(tx, x.heldKey(h), &p); err != nil || !held {
		return err
	}
	if err := tx.Delete(x.heldKey(h)); err != nil || p.Size == 0 {
		return err
	}
	if gone, err := erasedIndex(x).meant(tx, p.Seq); err != nil || gone {
		return err // Where a later one names it too, the index is made anew once the order is carried out.
	}
	return tx.Set(x.paperKey(h), protocol.Marshal(&pendingPaper{Hash: h, Size: p.Size, Seq: p.Seq}))
}

// papersIn reads the documents that an event names. One that can't be read names
// none.
func papersIn(e *protocol.Event) []protocol.Document {
	switch e.Kind { //nolint:exhaustive // The others name no document.
	case protocol.Submitted:
		var s struct {
			Documents []protocol.Document `cbor:"6,keyasint,omitempty"`
		}
		if reads(e, &s) {
			return s.Documents
		}
	case protocol.Supplied:
		var s protocol.Supplement
		if reads(e, &s) {
			return s.Documents
		}
	case protocol.ActedAtUnion:
		var a protocol.UnionAct
		if reads(e, &a) && a.Document != nil {
			return []protocol.Document{*a.Document}
		}
	}
	return nil
}

// hold notes documents that the hub holds.
func (x papersIndex) hold(tx *store.Tx, e *protocol.Event) error {
	var held protocol.HeldDocuments
	if !reads(e, &held) {
		return nil
	}
	for _, h := range held.Hashes {
		p := pendingPaper{Hash: h}
		waits, err := read(tx, x.paperKey(h), &p)
		if err != nil {
			return err
		}
		old, _, err := x.heldPaper(tx, h)
		if err != nil {
			return err
		}
		if !waits { // Told once more, or by a register that began anew.
			p.Size, p.Seq = old.Size, old.Seq
		}
		now := heldPaper{Hash: h, Size: p.Size, Seq: p.Seq, Era: x.era.Load(), Index: e.Checkpoint}
		if err := tx.Set(x.heldKey(h), protocol.Marshal(&now)); err != nil {
			return err
		}
		if !waits {
			continue
		}
		if err := tx.Delete(x.paperKey(h)); err != nil {
			return err
		}
	}
	return nil
}
