package cabinet

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"kendro/domain/fault"
	"kendro/protocol"
)

// A Part is a document that is still arriving. Its file is a row of sealed
// pieces, each with its place, in the order in which they came; a piece that a
// kill cut in half is dropped with all behind it when the file is opened again.
// Nothing in it is promised to anybody, so nothing in it is synced.
type Part struct {
	c    *Cabinet
	name string
	hash protocol.Hash
	size int
	bind []byte

	asked uint64 // When it was last asked for; guarded by the cabinet's mu.

	turn chan struct{} // Held while the file is read or written; owns what follows.
	f    *os.File
	end  int64  // Of the pieces that are whole.
	have []span // Sorted, apart from each other.
	gone bool   // Discarded.
}

// A span is a run of bytes that is here.
type span struct{ from, to int }

// maxParts bounds the files that are open, maxPiece what is written at once.
const (
	maxParts = 64
	maxPiece = 256 << 10
)

// Part returns what has arrived so far of a document of this size, which goes by
// hash while it arrives; whole or not, it is the same for everybody who asks. what
// keeps different ways of arrival apart.
func (c *Cabinet) Part(what string, hash protocol.Hash, size int) (*Part, error) {
	const op = "cabinet.Part"
	if size <= 0 || size > maxFile {
		return nil, fault.New(op, fault.Invalid, "size", strconv.Itoa(size)+" bytes: want 1 byte to 12 MiB")
	}
	name := c.name(what+" "+strconv.Itoa(size), hash)
	c.mu.Lock()
	p := c.parts[name]
	if p == nil {
		for len(c.parts) >= maxParts {
			c.mu.Unlock()
			c.shelve()
			c.mu.Lock()
		}
		p = &Part{c: c, name: name, hash: hash, size: size, bind: label("part "+strconv.Itoa(size), hash), turn: make(chan struct{}, 1)}
		c.parts[name] = p
	}
	c.asks++
	p.asked = c.asks
	c.mu.Unlock()
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	if p.gone {
		return nil, errGone()
	}
	if p.f == nil {
		if err := p.load(); err != nil {
			p.forget()
			return nil, err
		}
	}
	return p, nil
}

func errGone() error {
	return fault.New("cabinet.Part", fault.Unavailable, "document", "it has just been completed or put off: ask again")
}

// shelve lets go of the part that nobody has asked for the longest. The caller
// doesn't hold mu.
func (c *Cabinet) shelve() {
	c.mu.Lock()
	var oldest *Part
	for _, p := range c.parts {
		if oldest == nil || p.asked < oldest.asked {
			oldest = p
		}
	}
	c.mu.Unlock()
	if oldest != nil {
		oldest.Close()
	}
}

func (p *Part) path() string { return filepath.Join(p.c.dir, partsFolder, p.name) }

// load opens the file and finds what is in it. The caller holds the turn.
func (p *Part) load() error {
	const op = "cabinet.Part"
	f, err := os.OpenFile(p.path(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return &fault.Error{Op: op, Kind: fault.Unavailable, Item: "document", Err: err}
	}
	p.f, p.end, p.have = f, 0, nil
	err = p.each(func(at int, piece []byte) { p.cover(at, at+len(piece)) })
	if err == nil {
		err = f.Truncate(p.end)
	}
	return fault.Wrap(op, fault.Unavailable, "document", err)
}

// each reads the pieces that are whole, in the order in which they came, and
// leaves end behind the last.
func (p *Part) each(fn func(at int, piece []byte)) error {
	if _, err := p.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	p.end = 0
	for {
		var head [4]byte
		if _, err := io.ReadFull(p.f, head[:]); err != nil {
			return ended(err)
		}
		n := binary.BigEndian.Uint32(head[:])
		if n > maxPiece+64 {
			return nil
		}
		sealed := make([]byte, n)
		if _, err := io.ReadFull(p.f, sealed); err != nil {
			return ended(err)
		}
		plain, err := p.c.o.Vault.Open(nil, sealed, p.bind)
		if err != nil || len(plain) < 4 {
			return nil //nolint:nilerr // Cut off by a kill, or not ours: it is asked for again.
		}
		at := int(binary.BigEndian.Uint32(plain))
		if at+len(plain)-4 > p.size {
			return nil
		}
		fn(at, plain[4:])
		p.end += int64(len(head) + len(sealed))
	}
}

func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// Write takes a piece. What is here already is passed over. A piece outside of
// the document is [fault.Invalid].
func (p *Part) Write(at int, piece []byte) error {
	const op = "cabinet.Write"
	if at < 0 || len(piece) == 0 || len(piece) > maxPiece || at > p.size-len(piece) {
		return fault.New(op, fault.Invalid, "piece", "lies outside of the document")
	}
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	if p.gone {
		return errGone()
	}
	if p.covers(at, at+len(piece)) {
		return nil
	}
	plain := append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(piece)), uint32(at)), piece...)
	sealed := p.c.o.Vault.Seal(make([]byte, 4, len(plain)+64), plain, p.bind)
	binary.BigEndian.PutUint32(sealed, uint32(len(sealed)-4))
	if _, err := p.f.WriteAt(sealed, p.end); err != nil {
		return &fault.Error{Op: op, Kind: fault.Unavailable, Item: "document", Err: err}
	}
	p.end += int64(len(sealed))
	p.cover(at, at+len(piece))
	return nil
}

// Received returns how many bytes are here from the beginning without a gap.
func (p *Part) Received() int {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	if len(p.have) == 0 || p.have[0].from > 0 {
		return 0
	}
	return p.have[0].to
}

// Whole reports whether nothing is missing.
func (p *Part) Whole() bool { return p.Received() == p.size }

// Pieces says of each piece of a length whether it is here: bit i of byte i/8,
// the lowest first.
func (p *Part) Pieces(length int) []byte {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	n := (p.size + length - 1) / length
	bits := make([]byte, (n+7)/8)
	for i := range n {
		if p.covers(i*length, min((i+1)*length, p.size)) {
			bits[i/8] |= 1 << (i % 8)
		}
	}
	return bits
}

// Content puts the pieces together. It says nothing about whether they are what
// the hash names. A gap is [fault.NotFound].
func (p *Part) Content() ([]byte, error) {
	const op = "cabinet.Content"
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	if p.gone || !p.covers(0, p.size) {
		return nil, fault.New(op, fault.NotFound, "document", "pieces are missing")
	}
	out := make([]byte, p.size)
	p.have = nil
	err := p.each(func(at int, piece []byte) {
		copy(out[at:], piece)
		p.cover(at, at+len(piece))
	})
	if err == nil && !p.covers(0, p.size) {
		err = errors.New("pieces that were written can't be read")
	}
	return out, fault.Wrap(op, fault.Unavailable, "document", err)
}

// Close lets go of the file; what has arrived stays.
func (p *Part) Close() {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	p.forget()
}

// Discard throws away what has arrived.
func (p *Part) Discard() error {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	p.forget()
	err := os.Remove(p.path())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return fault.Wrap("cabinet.Discard", fault.Unavailable, "document", err)
}

// Drop throws away what has arrived of a document so far. One of which nothing has is no
// error.
func (c *Cabinet) Drop(what string, hash protocol.Hash, size int) error {
	name := c.name(what+" "+strconv.Itoa(size), hash)
	c.mu.Lock()
	p := c.parts[name]
	if p == nil {
		p = &Part{c: c, name: name, turn: make(chan struct{}, 1)}
	}
	c.mu.Unlock()
	return p.Discard()
}

// forget ends this value; who asks for the part later gets another. The caller
// holds the turn.
func (p *Part) forget() {
	p.gone = true
	if p.f != nil {
		_ = p.f.Close() // Nothing in it was promised.
	}
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	if p.c.parts[p.name] == p {
		delete(p.c.parts, p.name)
	}
}

func (p *Part) covers(from, to int) bool {
	return slices.ContainsFunc(p.have, func(s span) bool { return s.from <= from && to <= s.to })
}

// cover adds a run to what is here.
func (p *Part) cover(from, to int) {
	p.have = append(p.have, span{from, to})
	slices.SortFunc(p.have, func(a, b span) int { return a.from - b.from })
	merged := p.have[:1]
	for _, s := range p.have[1:] {
		if last := &merged[len(merged)-1]; s.from <= last.to {
			last.to = max(last.to, s.to)
		} else {
			merged = append(merged, s)
		}
	}
	p.have = merged
}
