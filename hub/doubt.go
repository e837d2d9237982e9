package hub

import (
	"errors"
	"os"
	"path/filepath"

	"kendro/domain/fault"
	"kendro/store"
)

// doubtedFile is there when a register was found damaged at work, and names its folder.
const doubtedFile = "register.doubted"

// A doubt is the note, beside Raft's files, that a register is not to be trusted.
type doubt struct{ dir string }

// raise has the next start not trust the register in a folder.
func (d doubt) raise(folder string) error {
	return store.WriteFileAtomic(filepath.Join(d.dir, doubtedFile), []byte(filepath.Base(folder)), 0o600)
}

// about reports whether it is that register which was found damaged: another server's may
// have taken its place. A note without a name is of a version that wrote none, and means
// the one that is there.
func (d doubt) about(folder string) (bool, error) {
	which, err := os.ReadFile(filepath.Join(d.dir, doubtedFile))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, &fault.Error{Op: "hub.Open", Kind: fault.Stopped, Item: doubtedFile, Err: err}
	}
	return len(which) == 0 || string(which) == filepath.Base(folder), nil
}

// lift takes the note away.
func (d doubt) lift() error {
	if err := os.Remove(filepath.Join(d.dir, doubtedFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return &fault.Error{Op: "hub.Open", Kind: fault.Stopped, Item: doubtedFile, Err: err}
	}
	return nil
}
