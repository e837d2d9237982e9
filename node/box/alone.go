package box

import (
	"os"
	"path/filepath"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/store"
	"kendro/store/journal"
)

// Alone is the ground that a simulator gives a box, so that all it does follows
// from the calls it gets: no goroutine, no file of the operating system, no
// random source. [Box.Run] is not called; File, Deliver and Acknowledge do their
// work before they return, and what their done functions are told is told by
// then. Whoever calls does so from one goroutine.
type Alone struct {
	Disk        Files                                      // Holds the journals and the small files.
	Segment     int64                                      // Bytes of a journal's segment.
	Index       func(fresh bool) (*store.DB, error)        // Opens the index; fresh: an empty one in its place.
	Nonce       func() ([]byte, error)                     // Draws the nonce of a number.
	Incarnation func() uint64                              // Draws the incarnation of a new log.
	Forms       func(*dcat.Set) (*catalogue.Intake, error) // Compiles a release's forms.
}

// Files is a disk with folders, and with files that are written whole.
type Files interface {
	journal.Disk
	journal.Folders
	// ReadFile returns a file, or an error that is os.ErrNotExist.
	ReadFile(name string) ([]byte, error)
	// WriteFile writes a file whole and durably, or leaves what was there.
	WriteFile(name string, b []byte) error
}

// Sync makes what a box without goroutines only wrote durable: the HEAD of both
// journals. A running box does it every second.
func (b *Box) Sync() error {
	for _, j := range []*journal.Journal{b.own, b.in.Load()} {
		if err := j.SyncHead(); err != nil {
			return err
		}
	}
	return nil
}

// openVault opens the keys of the folder. A box that is alone has none: its disk
// is as simulated as what it would be encrypted with.
func (b *Box) openVault() (*store.Vault, error) {
	if b.o.Alone != nil {
		return nil, nil //nolint:nilnil // No vault is what values in clear are kept with.
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return nil, &fault.Error{Op: "box.Open", Kind: fault.Stopped, Item: b.dir, Err: err}
	}
	return store.OpenVaultKey(filepath.Join(b.dir, "vault"), b.o.BoxKey)
}

func (c *core) readFile(name string) ([]byte, error) {
	if c.o.Alone != nil {
		return c.o.Alone.Disk.ReadFile(name)
	}
	return os.ReadFile(name)
}

func (c *core) writeFile(name string, b []byte) error {
	if c.o.Alone != nil {
		return c.o.Alone.Disk.WriteFile(name, b)
	}
	return store.WriteFileAtomic(name, b, 0o600)
}

// restocked puts what arrived into force at once.
func (b *Memory) restocked() {
	if err := b.stockShelf(); err != nil {
		b.o.Logger.Error("catalogue could not be read", "err", err)
	}
	b.openForWork()
}

// alone puts the index where the simulator has it.
func (x *index) alone(a *Alone) {
	fresh := false
	x.open = func() (*store.DB, error) { return a.Index(fresh) }
	x.remove = func() error { fresh = true; return nil }
}
