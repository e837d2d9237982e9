package hub

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"time"

	"kendro/document"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
	"kendro/store/cabinet"
)

// Papers are the documents of the district as this server holds them. They may be
// used concurrently.
type papers struct {
	*group
	admit  func(replication.Peer) (*register.Node, error)
	opener *opener
	tray   *cabinet.Tray
	erased erasedOf // Up to which their documents are gone here; of collect alone.

	mu      sync.Mutex // Guards what follows.
	keys    map[epochOf]*identity.EpochKey
	damaged []protocol.Hash // Found by the scrub, and not yet asked for.
}

var _ link.PaperTaker = (*papers)(nil)

// epochOf is an epoch of one box.
type epochOf struct {
	slot string
	id   identity.EpochID
}

// maxPaperKeys bounds the epochs that are remembered for documents: boxes
// introduce again what they use.
const maxPaperKeys = 4096

// OpenEpoch takes up an epoch that a box seals documents in.
func (p *papers) OpenEpoch(peer replication.Peer, e *protocol.Epoch) error {
	node, err := p.admit(peer)
	if err != nil {
		return err
	}
	if err := e.Verify(node.Signing); err != nil {
		return err
	}
	key, err := p.opener.key(e)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.keys) >= maxPaperKeys {
		clear(p.keys)
	}
	p.keys[epochOf{peer.Subject.Slot, e.ID}] = key
	return nil
}

// forgetEpochs lets go of the epochs that were opened: their keys may be gone.
func (p *papers) forgetEpochs() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.keys)
}

// Offered says how far each document is here. Only what a case of the box's own
// centre lacks is wanted.
func (p *papers) Offered(ctx context.Context, peer replication.Peer, docs []protocol.Offered) ([]protocol.Taken, error) {
	p.await(ctx, docs)
	out := make([]protocol.Taken, 0, len(docs))
	for _, d := range docs {
		t := protocol.Taken{Hash: d.Hash, State: protocol.TakenUnwanted}
		known, err := p.wanted(peer, d.Hash, d.Size)
		switch {
		case errors.Is(err, fault.NotFound) || errors.Is(err, fault.Denied):
		case err != nil:
			return nil, err
		case known.Held != 0:
			t.State = protocol.TakenHeld
		default:
			t.State = protocol.TakenPart
			if t.Pieces, err = p.pieces(d); err != nil {
				return nil, err
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// A document is offered the moment its application is filed, and the application
// is on its way on another stream: an offer waits for it a little.
const (
	awaitFor   = 3 * time.Second
	awaitEvery = 50 * time.Millisecond
)

// await waits until the register knows every document, for a while.
func (p *papers) await(ctx context.Context, docs []protocol.Offered) {
	ctx, cancel := context.WithTimeout(ctx, awaitFor)
	defer cancel()
	tick := time.NewTicker(awaitEvery)
	defer tick.Stop()
	for _, d := range docs {
		for {
			if _, err := p.register().Paper(d.Hash); !errors.Is(err, fault.NotFound) {
				break
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}
}

// wanted returns a document that a case of the peer's centre names.
func (p *papers) wanted(peer replication.Peer, h protocol.Hash, size uint32) (*register.Paper, error) {
	node, err := p.admit(peer)
	if err != nil {
		return nil, err
	}
	known, err := p.register().Paper(h)
	if err != nil {
		return nil, err
	}
	if known.Size != size || known.Held == 0 && !slices.Contains(known.Centres, node.Centre) {
		return nil, fault.New("hub.papers", fault.Denied, h.String(), "no case of this centre names such a document")
	}
	return known, nil
}

// onTheWire keeps what boxes send apart from what officers scan, while it arrives.
const onTheWire = "wire"

// pieces says what is here of a document. One that is whole and not yet safe
// lacks its last piece, so that the box sends it and hears the rest.
func (p *papers) pieces(d protocol.Offered) ([]byte, error) {
	n := protocol.Chunks(d.Size)
	if p.tray.Has(d.Hash) {
		all := make([]byte, (n+7)/8)
		for i := range n - 1 {
			all[i/8] |= 1 << (i % 8)
		}
		return all, nil
	}
	part, err := p.tray.Part(onTheWire, d.Hash, int(d.Size))
	if err != nil {
		return nil, err
	}
	return part.Pieces(protocol.DocumentChunk), nil
}

// Piece takes one piece; the last one makes the document safe before it returns.
func (p *papers) Piece(ctx context.Context, peer replication.Peer, c *protocol.Chunk) (*protocol.Taken, error) {
	const op = "hub.papers"
	known, err := p.wanted(peer, c.Hash, c.Size)
	if err != nil {
		return nil, err
	}
	if known.Held != 0 {
		return &protocol.Taken{Hash: c.Hash, State: protocol.TakenHeld}, nil
	}
	p.mu.Lock()
	key := p.keys[epochOf{peer.Subject.Slot, c.Epoch}]
	p.mu.Unlock()
	if key == nil {
		return nil, fault.New(op, fault.Unavailable, c.Epoch.String(), "the epoch was not introduced")
	}
	piece, err := c.Open(key)
	if err != nil {
		p.log.Warn("a piece of a document does not open", "centre", peer.Subject.Name, "piece", c.Index)
		left, err := p.pieces(protocol.Offered{Hash: c.Hash, Size: c.Size})
		return &protocol.Taken{Hash: c.Hash, State: protocol.TakenPart, Pieces: left}, err
	}
	if !p.tray.Has(c.Hash) {
		whole, err := p.gather(c, piece)
		if err != nil || !whole {
			return p.answer(c, err)
		}
	}
	if err := p.keep(ctx, register.PaperKept{Hash: c.Hash, Size: c.Size, Type: known.Type, Sent: true}); err != nil {
		p.log.Warn("a document is not safe yet", "centre", peer.Subject.Name, "err", err)
		return nil, err
	}
	return &protocol.Taken{Hash: c.Hash, State: protocol.TakenHeld}, nil
}

// errSpoilt says that the pieces came together and are not the document.
var errSpoilt = errors.New("the pieces are not what the hash names")

func (p *papers) answer(c *protocol.Chunk, err error) (*protocol.Taken, error) {
	if errors.Is(err, errSpoilt) {
		return &protocol.Taken{Hash: c.Hash, State: protocol.TakenPart}, nil
	}
	return nil, err
}

// gather keeps a piece and, once all are there, the document. It reports whether
// the document is whole.
func (p *papers) gather(c *protocol.Chunk, piece []byte) (bool, error) {
	part, err := p.tray.Part(onTheWire, c.Hash, int(c.Size))
	if err != nil {
		return false, err
	}
	from, _ := protocol.ChunkAt(c.Size, int(c.Index))
	if err := part.Write(from, piece); err != nil {
		return false, err
	}
	if !part.Whole() {
		return false, nil
	}
	content, err := part.Content()
	if err != nil {
		return false, err
	}
	if _, bad := document.Check(content); protocol.Hash(sha256.Sum256(content)) != c.Hash || bad != nil {
		return false, errors.Join(errSpoilt, part.Discard())
	}
	if _, err := p.tray.Put(content); err != nil {
		return false, err
	}
	return true, part.Discard()
}

// upload takes a piece of what an officer scans. A document that is complete is
// safe when it returns.
func (p *papers) upload(ctx context.Context, piece cabinet.Piece) (cabinet.Upload, error) {
	up, err := p.tray.Take(ctx, piece)
	if err != nil || up.Document == nil {
		return up, err
	}
	return up, p.keep(ctx, register.PaperKept{Hash: up.Document.Hash, Size: up.Document.Size, Type: up.Document.Type})
}

// document returns a document that the district holds. One that this server lost
// or never had comes from another.
func (p *papers) document(ctx context.Context, h protocol.Hash) (protocol.Document, []byte, error) {
	d, content, err := p.tray.Describe(h)
	if !errors.Is(err, fault.NotFound) && !errors.Is(err, fault.Damaged) {
		return d, content, err
	}
	if known, kerr := p.register().Paper(h); kerr != nil || known.Held == 0 {
		return d, nil, fault.New("hub.Document", fault.NotFound, h.String(), "it has not arrived here yet: its centre sends it")
	}
	if err := p.fetchAnywhere(ctx, h); err != nil {
		return d, nil, err
	}
	return p.tray.Describe(h)
}

// Documents are the documents that this server holds, for its desk.
type Documents struct{ papers *papers }

// Upload takes a piece of what an officer scans, see [cabinet.Tray.Take]. A
// document that is complete is held by a quorum of the servers when it returns.
func (d Documents) Upload(ctx context.Context, piece cabinet.Piece) (cabinet.Upload, error) {
	return d.papers.upload(ctx, piece)
}

// Document returns a document that the district holds, from another server if
// need be. [fault.NotFound]: it has not arrived.
// One that its box sealed is opened: who may read it, the caller has asked.
func (d Documents) Document(ctx context.Context, hash protocol.Hash) (protocol.Document, []byte, error) {
	doc, content, err := d.papers.document(ctx, hash)
	sealed, is := document.Enclosed(content)
	if err != nil || !is {
		return doc, content, err
	}
	return d.papers.opener.document(d.papers.register(), doc, sealed)
}

// Holds reports whether this server itself has a document.
func (d Documents) Holds(hash protocol.Hash) bool { return d.papers.tray.Has(hash) }
