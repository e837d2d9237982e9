package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"kendro/domain/fault"
)

// CopyFolder copies regular files, holes left out, into a folder that must not
// exist ([fault.Conflict]); keep, where it is not nil, is
// called with each before it is closed, to make it durable.
func CopyFolder(to, from string, keep func(*os.File) error) error {
	const op = "store.CopyFolder"
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		return fault.New(op, fault.Conflict, to, "a copy from before lies there: move it away first")
	}
	err := filepath.WalkDir(from, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		switch {
		case e.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		case e.Type().IsRegular():
			return copyFile(filepath.Join(to, rel), name, keep)
		}
		return nil // A socket that a killed server left.
	})
	if err != nil {
		return &fault.Error{Op: op, Kind: fault.Unavailable, Item: to, Err: err}
	}
	return nil
}

func copyFile(to, from string, keep func(*os.File) error) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	block, blank := make([]byte, 64<<10), make([]byte, 64<<10)
	size := int64(0)
	for {
		n, rerr := io.ReadFull(in, block)
		if n > 0 && !bytes.Equal(block[:n], blank[:n]) {
			if _, err := out.WriteAt(block[:n], size); err != nil {
				return err
			}
		}
		size += int64(n)
		if errors.Is(rerr, io.EOF) || errors.Is(rerr, io.ErrUnexpectedEOF) {
			if err := out.Truncate(size); err != nil || keep == nil {
				return err
			}
			return keep(out)
		}
		if rerr != nil {
			return fmt.Errorf("%s: %w", from, rerr)
		}
	}
}
