// Package cabinet keeps documents: files that are named by what is in them and
// sealed under the vault of their machine.
//
// Enter at [Open]. [Cabinet.Put] keeps a document whole, durably and once,
// however many cases name it; [Cabinet.Part] gathers one that arrives in pieces,
// in any order and over several runs of the process.
//
// A file's name is a keyed hash: who has the disk and lacks the machine's secret
// can't ask whether a certain document lies here. The package refuses to judge
// what a document is or who may see it, and to remove one by itself.
package cabinet

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// Options are what a cabinet is made of.
type Options struct {
	Vault  *store.Vault
	Secret []byte // Of this machine alone, 32 bytes: hides the documents' hashes in the names of files.
}

// A Cabinet is an open folder of documents. All methods may be called
// concurrently.
type Cabinet struct {
	dir string
	o   Options

	mu    sync.Mutex // Guards what follows, never held across the disk.
	parts map[string]*Part
	asks  uint64
}

// The folders below a cabinet's own.
const (
	partsFolder = "parts" // Documents that are still arriving.
	sentFolder  = "sent"  // Original hash → what is kept of it.
)

// maxFile bounds what is read of one file.
const maxFile = 16 << 20

// Open opens the cabinet in dir, and makes it where there is none.
func Open(dir string, o Options) (*Cabinet, error) {
	for _, d := range []string{dir, filepath.Join(dir, partsFolder), filepath.Join(dir, sentFolder)} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, &fault.Error{Op: "cabinet.Open", Kind: fault.Stopped, Item: d, Err: err}
		}
	}
	return &Cabinet{dir: dir, o: o, parts: map[string]*Part{}}, nil
}

// name hides a hash; what for keeps the names of one use apart from another's.
func (c *Cabinet) name(what string, h protocol.Hash) string {
	m := hmac.New(sha256.New, c.o.Secret)
	m.Write([]byte("kendro-cabinet-1 " + what + "\x00"))
	m.Write(h[:])
	return hex.EncodeToString(m.Sum(nil)[:16])
}

func (c *Cabinet) path(h protocol.Hash) string { return filepath.Join(c.dir, c.name("document", h)) }

func label(what string, h protocol.Hash) []byte {
	return append([]byte("kendro-cabinet-1 "+what+"\x00"), h[:]...)
}

// Put keeps a document and returns its hash. When it returns, the document is
// durable. One that is here already is not written again.
func (c *Cabinet) Put(content []byte) (protocol.Hash, error) {
	h := protocol.Hash(sha256.Sum256(content))
	if old, err := c.Get(h); err == nil && bytes.Equal(old, content) {
		return h, nil
	}
	return h, store.WriteFileAtomic(c.path(h), c.o.Vault.Seal(nil, content, label("document", h)), 0o600)
}

// Get returns a document. [fault.NotFound]: it is not here. [fault.Damaged]: the
// file is not what was written; another copy of the document has to be fetched.
func (c *Cabinet) Get(h protocol.Hash) ([]byte, error) {
	const op = "cabinet.Get"
	sealed, err := c.readFile(op, c.path(h), h.String())
	if err != nil {
		return nil, err
	}
	content, err := c.o.Vault.Open(nil, sealed, label("document", h))
	if err != nil || protocol.Hash(sha256.Sum256(content)) != h {
		return nil, fault.New(op, fault.Damaged, "document "+h.String(), "its file is not what was written: fetch another copy")
	}
	return content, nil
}

// Has reports whether a document is here, without reading it.
func (c *Cabinet) Has(h protocol.Hash) bool {
	_, err := os.Stat(c.path(h))
	return err == nil
}

// Remove throws a document away. One that isn't here is no error.
func (c *Cabinet) Remove(h protocol.Hash) error {
	err := os.Remove(c.path(h))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return fault.Wrap("cabinet.Remove", fault.Unavailable, "document "+h.String(), err)
}

// Kept is what a cabinet keeps of a document that was sent.
type Kept struct {
	_        struct{}      `cbor:",toarray"`
	Original protocol.Hash // As it was sent.
	Stored   protocol.Hash // As it is kept.
}

// Note remembers what is kept of an original, durably.
func (c *Cabinet) Note(k Kept) error {
	if k.Original == k.Stored {
		return nil
	}
	sealed := c.o.Vault.Seal(nil, protocol.Marshal(&k), label("sent", k.Original))
	return store.WriteFileAtomic(filepath.Join(c.dir, sentFolder, c.name("sent", k.Original)), sealed, 0o600)
}

// maxNotes bounds how many notes lead from what was sent to what is kept: one where a
// picture was made smaller, one more where the document was sealed since.
const maxNotes = 2

// Find returns the hash under which a document is kept that was sent as h, or is or was
// kept as h: [fault.NotFound] if neither is here.
func (c *Cabinet) Find(h protocol.Hash) (protocol.Hash, error) {
	const op = "cabinet.Find"
	kept := h
	for range maxNotes {
		if c.Has(kept) {
			return kept, nil
		}
		next, err := c.noted(kept)
		if err != nil {
			return protocol.Hash{}, err
		}
		kept = next
	}
	if !c.Has(kept) {
		return protocol.Hash{}, fault.New(op, fault.NotFound, "document "+h.String(), "is not here: upload it first")
	}
	return kept, nil
}

// noted is what a note says is kept of a document.
func (c *Cabinet) noted(h protocol.Hash) (protocol.Hash, error) {
	const op = "cabinet.Find"
	sealed, err := c.readFile(op, filepath.Join(c.dir, sentFolder, c.name("sent", h)), h.String())
	if err != nil {
		return protocol.Hash{}, err
	}
	var k Kept
	plain, err := c.o.Vault.Open(nil, sealed, label("sent", h))
	if err != nil || protocol.Unmarshal(plain, 1<<10, "note", &k) != nil {
		return protocol.Hash{}, fault.New(op, fault.NotFound, "document "+h.String(), "is not here: upload it first")
	}
	return k.Stored, nil
}

func (c *Cabinet) readFile(op, path, item string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Size() > maxFile {
		return nil, fault.New(op, fault.Damaged, "document "+item, "its file has an impossible length: fetch another copy")
	}
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fault.New(op, fault.NotFound, "document "+item, "is not here: upload it first")
	case err != nil:
		return nil, &fault.Error{Op: op, Kind: fault.Unavailable, Item: "document " + item, Err: err}
	}
	return b, nil
}

// Usage returns how many documents are here and their bytes on the disk.
func (c *Cabinet) Usage() (documents int, size int64, err error) {
	list, err := os.ReadDir(c.dir)
	if err != nil {
		return 0, 0, &fault.Error{Op: "cabinet.Usage", Kind: fault.Unavailable, Item: c.dir, Err: err}
	}
	for _, e := range list {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			documents++
			size += info.Size()
		}
	}
	return documents, size, nil
}

// Sweep throws away what was begun and not gone on with since a time, and what a
// killed process left half written.
func (c *Cabinet) Sweep(before time.Time) error {
	for _, dir := range []string{filepath.Join(c.dir, partsFolder), c.dir} {
		list, err := os.ReadDir(dir)
		if err != nil {
			return &fault.Error{Op: "cabinet.Sweep", Kind: fault.Unavailable, Item: dir, Err: err}
		}
		for _, e := range list {
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() || info.ModTime().After(before) || dir == c.dir && len(e.Name()) == 32 {
				continue
			}
			if c.open(e.Name()) {
				continue
			}
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return &fault.Error{Op: "cabinet.Sweep", Kind: fault.Unavailable, Item: dir, Err: err}
			}
		}
	}
	return nil
}

func (c *Cabinet) open(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.parts[name] != nil
}
