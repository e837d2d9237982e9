package hub

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"kendro/domain/fault"
	"kendro/store"
)

// A Drawer keeps one small file in a server's folder, sealed as everything there is. What lies
// in it is this server's own: no other has it, and the register does not know it.
type Drawer struct {
	path  string
	vault *store.Vault
}

// NewDrawer returns the drawer of that name. A name is one file's for ever.
func NewDrawer(h *Hub, name string) *Drawer {
	return &Drawer{filepath.Join(h.o.Dir, name), h.disk.vault}
}

// Load returns what was saved last, nil for nothing. [fault.Damaged]: it is not what was saved.
func (d *Drawer) Load() ([]byte, error) {
	sealed, err := os.ReadFile(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &fault.Error{Op: "hub.Drawer", Kind: fault.Stopped, Item: d.path, Err: err}
	}
	return d.vault.Open(nil, sealed, []byte(filepath.Base(d.path)))
}

// Save replaces what is there; it is on the disk when it returns.
func (d *Drawer) Save(b []byte) error {
	return store.WriteFileAtomic(d.path, d.vault.Seal(nil, b, []byte(filepath.Base(d.path))), 0o600)
}
