package hub

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"strconv"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/store"
)

// An exportLine is one case of an export.
type exportLine struct {
	Number  protocol.Number `json:"number"`
	Log     protocol.LogID  `json:"log"`
	Seq     uint64          `json:"seq"`
	Hash    protocol.Hash   `json:"hash"`
	Stage   string          `json:"stage"`
	Version uint64          `json:"version"`
}

// An exportEnd is the last line of an export.
type exportEnd struct {
	Index  uint64        `json:"index"`
	Digest protocol.Hash `json:"digest"`
}

// Export writes the register in dir, which no server may have open, as JSON
// lines: the cases by number, and last the index and the set hash, computed anew
// over everything. [fault.Damaged]: the register is not what was written.
// [fault.Conflict]: a server has it open; work on a copy.
func Export(ctx context.Context, dir string, w io.Writer) error {
	return Folder{Dir: dir}.Export(ctx, w)
}

// A Folder is a server that no process has open.
type Folder struct {
	Dir    string
	BoxKey []byte // As in [Config].
}

// Export is the function of that name, for a folder with a box key of its own.
func (f Folder) Export(ctx context.Context, w io.Writer) error {
	reg, err := f.open()
	if err != nil {
		return err
	}
	return errors.Join(export(ctx, reg, w), reg.Close())
}

func export(ctx context.Context, reg *register.Register, w io.Writer) error {
	const op = "hub.Export"
	if err := reg.Scrub(ctx); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	err := reg.ForEachCase(func(c *register.Case) error {
		if err := ctx.Err(); err != nil {
			return fault.Wrap(op, fault.Unavailable, "", err)
		}
		return enc.Encode(exportLine{
			Number: c.Number, Log: c.Log, Seq: c.At.Seq, Hash: c.At.Hash, Stage: c.State.Stage.String(), Version: c.State.Version,
		})
	})
	if err == nil {
		err = enc.Encode(exportEnd{Index: reg.Applied(), Digest: reg.SetHash()})
	}
	if err == nil {
		err = out.Flush()
	}
	return fault.Wrap(op, fault.Unavailable, "output", err)
}

// open opens the register that the marker in the folder names.
func (f Folder) open() (*register.Register, error) {
	dir := f.Dir
	keys, err := loadKeys(dir)
	if err != nil {
		return nil, err
	}
	vault, err := store.OpenVaultKey(filepath.Join(dir, vaultFolder), f.BoxKey)
	if err != nil {
		return nil, err
	}
	s := newSnapshots(diskOptions{dir: dir, district: keys.District}, vault)
	m, err := readMarker(s.dir)
	if err != nil {
		return nil, err
	}
	if m != nil {
		s.mark = *m
	}
	if s.current, err = s.open(s.generation(max(s.mark.Generation, 1))); err != nil {
		return nil, s.refuse(err)
	}
	if err := s.verify(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s.current, nil
}

// A Verified is what [Folder.Verify] found.
type Verified struct {
	Cases, Events uint64
	Broken        []string // What breaks an invariant of the procedure, by case.

	Erased    uint64              // Of the events.
	Orders    []*register.Erasure // To erase, that were carried out.
	Unfitting []string            // What does not fit into a log, or into its order to be erased.
}

// Verify goes through the history of every case of the register again, and through every
// log with what was erased of it.
func (f Folder) Verify() (v Verified, err error) {
	reg, err := f.open()
	if err != nil {
		return v, err
	}
	note := func(list *[]string) func(protocol.Number, string) {
		return func(n protocol.Number, what string) { *list = append(*list, n.String()+": "+what) }
	}
	v.Cases, err = reg.Verify(note(&v.Broken))
	if err == nil {
		v.Events, v.Erased, err = reg.VerifyLogs(func(at protocol.Head, what string) {
			v.Unfitting = append(v.Unfitting, at.Log.String()+" "+strconv.FormatUint(at.At.Seq, 10)+": "+what)
		})
	}
	if err == nil {
		v.Orders, err = reg.VerifyErasures(note(&v.Unfitting))
	}
	return v, errors.Join(err, reg.Close())
}
