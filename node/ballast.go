package node

import (
	"errors"
	"os"
	"path/filepath"

	"kendro/domain/fault"
)

// ballastSize is kept in a file that can be thrown away when the disk is full,
// so that there is room to work in.
const ballastSize = 32 << 20

// Ballast throws the ballast of a node's folder away, or takes it aboard again.
// It reports whether it is there afterwards.
func Ballast(dir string, fill bool) (bool, error) {
	if fill {
		err := fillBallast(dir)
		return err == nil, err
	}
	err := os.Remove(filepath.Join(dir, ballastFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return true, &fault.Error{Op: "node.Ballast", Kind: fault.Stopped, Item: dir, Err: err}
	}
	return false, nil
}

// aboard reports whether a folder holds its ballast.
func aboard(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, ballastFile))
	return err == nil && info.Size() == ballastSize
}

// fillBallast writes real bytes: a sparse file would hold no room.
func fillBallast(dir string) error {
	name := filepath.Join(dir, ballastFile)
	if aboard(dir) {
		return nil
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return &fault.Error{Op: "node.Ballast", Kind: fault.Stopped, Item: name, Err: err}
	}
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = byte(i*i>>3 + i) // A file system that compresses would drop zeroes.
	}
	for n := 0; n < ballastSize && err == nil; n += len(block) {
		_, err = f.Write(block)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(name) // A part of it is no use.
		return &fault.Error{Op: "node.Ballast", Kind: fault.Unavailable, Item: name, Err: err}
	}
	return nil
}
