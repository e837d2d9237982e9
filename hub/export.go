package hub

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"

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
	reg, err := openOffline(dir)
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

// openOffline opens the register that the marker in dir names.
func openOffline(dir string) (*register.Register, error) {
	keys, err := loadKeys(dir)
	if err != nil {
		return nil, err
	}
	vault, err := store.OpenVault(filepath.Join(dir, vaultFolder))
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
