package cabinet

import (
	"context"
	"crypto/sha256"
	"strconv"

	"kendro/document"
	"kendro/domain/fault"
	"kendro/protocol"
)

// A Tray takes documents from people, piece by piece or at once, and puts what is
// kept of them into its cabinet. It may be used concurrently.
type Tray struct {
	*Cabinet
	// Preset says how small pictures are made now, or why no document is taken.
	Preset func() (document.Preset, error)

	turn chan struct{} // One picture at a time: each takes up to 150 MB.
}

// NewTray returns the tray of a cabinet.
func NewTray(c *Cabinet, preset func() (document.Preset, error)) *Tray {
	return &Tray{Cabinet: c, Preset: preset, turn: make(chan struct{}, 1)}
}

// A Piece is a run of bytes of a document that somebody sends.
type Piece struct {
	Hash  protocol.Hash // SHA-256 of the whole document as it is sent.
	Total int           // Its bytes.
	At    int           // Where the run begins.
	Bytes []byte        // None only asks how far the document is here.
}

// An Upload says how far a document has come.
type Upload struct {
	Received int                // Bytes here without a gap, of those that are sent.
	Document *protocol.Document // What is kept, once it is durable; its kind is empty.
	New      bool               // This piece completed it.
}

// Take takes a piece. Once the last one is there, the document is checked,
// shrunk and durable before Take returns. A document that came before, or is
// kept as it is sent, is answered at once.
//
// [fault.Invalid]: no document of ours, or not what its hash says. [fault.Conflict]:
// bytes before this piece are missing. [fault.Unavailable]: there is no room.
func (t *Tray) Take(ctx context.Context, p Piece) (Upload, error) {
	const op = "cabinet.Take"
	if kept, err := t.Find(p.Hash); err == nil {
		if d, _, err := t.Describe(kept); err == nil {
			if d.Hash, err = t.told(p.Hash, &d); err != nil {
				return Upload{}, err
			}
			return Upload{Received: max(p.Total, 0), Document: &d}, nil
		}
	}
	preset, err := t.Preset()
	if err != nil {
		return Upload{}, err
	}
	if p.Total <= 0 || p.Total > document.MaxOriginal {
		return Upload{}, fault.New(op, fault.Invalid, "document", strconv.Itoa(p.Total)+" bytes: want 1 byte to 12 MiB")
	}
	if p.At == 0 && len(p.Bytes) == p.Total {
		return t.complete(ctx, p, p.Bytes, preset)
	}
	part, err := t.Part("upload", p.Hash, p.Total)
	if err != nil {
		return Upload{}, err
	}
	if received := part.Received(); p.At > received {
		return Upload{}, fault.New(op, fault.Conflict, "Content-Range", "want the document from byte "+strconv.Itoa(received)+" on")
	}
	for at := 0; at < len(p.Bytes); at += maxPiece {
		if err := part.Write(p.At+at, p.Bytes[at:min(at+maxPiece, len(p.Bytes))]); err != nil {
			return Upload{}, err
		}
	}
	if !part.Whole() {
		return Upload{Received: part.Received()}, nil
	}
	content, err := part.Content()
	if err != nil {
		return Upload{}, err
	}
	up, err := t.complete(ctx, p, content, preset)
	if err == nil || fault.KindOf(err) == fault.Invalid {
		if gone := part.Discard(); err == nil {
			err = gone
		}
	}
	return up, err
}

// told is the name that whoever sends a document again heard for it before, also where it
// was sealed since.
func (t *Tray) told(sent protocol.Hash, kept *protocol.Document) (protocol.Hash, error) {
	if t.Has(sent) {
		return sent, nil
	}
	noted, err := t.noted(sent)
	if err == nil && noted == kept.Hash && document.Type(kept.Type) == document.Sealed {
		return sent, nil
	}
	return noted, err
}

// complete keeps a document of which every byte is there.
func (t *Tray) complete(ctx context.Context, p Piece, content []byte, preset document.Preset) (Upload, error) {
	const op = "cabinet.Take"
	if protocol.Hash(sha256.Sum256(content)) != p.Hash {
		return Upload{}, fault.New(op, fault.Invalid, "document", "the bytes that came are not those of the hash: send it again from the beginning")
	}
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return Upload{}, fault.Wrap(op, fault.Unavailable, "document", ctx.Err())
	}
	defer func() { <-t.turn }()
	kept, kind, err := document.Prepare(content, preset)
	if err != nil {
		return Upload{}, err
	}
	stored, err := t.Put(kept)
	if err != nil {
		return Upload{}, err
	}
	if err := t.Note(Kept{Original: p.Hash, Stored: stored}); err != nil {
		return Upload{}, err
	}
	return Upload{Received: p.Total, New: true, Document: &protocol.Document{Hash: stored, Size: uint32(len(kept)), Type: uint8(kind)}}, nil
}

// Describe returns a document with its size and type, its kind empty.
// [fault.NotFound] and [fault.Damaged] as [Cabinet.Get] has them.
func (c *Cabinet) Describe(h protocol.Hash) (protocol.Document, []byte, error) {
	content, err := c.Get(h)
	if err != nil {
		return protocol.Document{}, nil, err
	}
	kind, err := document.TypeOf(content)
	return protocol.Document{Hash: h, Size: uint32(len(content)), Type: uint8(kind)}, content, err
}
