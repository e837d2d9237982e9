package district

import (
	"bytes"
	"context"
	"encoding/json"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

// Status asks a server, as the operator of its machine, how it stands.
func (p *Process) Status(ctx context.Context) (api.HubStatus, error) {
	c := api.NewLocalClient(p.Dir)
	defer c.Close()
	var s api.HubStatus
	return s, c.Do(ctx, api.Call{Path: "/v1/status", Out: &s})
}

// Leader returns the server that leads just now, or nil.
func (d *District) Leader(ctx context.Context) *Process {
	for _, p := range d.Servers {
		if !p.Running() {
			continue
		}
		if s, err := p.Status(ctx); err == nil && s.State == "leader" {
			return p
		}
	}
	return nil
}

// Agree waits until the registers of all servers stand at one index, and returns
// it. Another hash at the same index is [fault.Internal] at once; servers that
// don't come together before ctx ends are [fault.Unavailable].
func (d *District) Agree(ctx context.Context) (api.RegisterMark, error) {
	const op = "district.Agree"
	var marks []api.RegisterMark
	differ := false
	err := Poll(ctx, func() bool {
		marks = marks[:0]
		for _, p := range d.Servers {
			s, err := p.Status(ctx)
			if err != nil {
				return false
			}
			marks = append(marks, s.Register)
		}
		equal := true
		for _, m := range marks[1:] {
			differ = differ || m.Index == marks[0].Index && m.Hash != marks[0].Hash
			equal = equal && m == marks[0]
		}
		return equal || differ
	})
	if differ {
		return api.RegisterMark{}, fault.New(op, fault.Internal, "register", "two servers have another hash at the same index")
	}
	if err != nil {
		return api.RegisterMark{}, err
	}
	return marks[0], nil
}

// A Case is one line of kendro hub export.
type Case struct {
	Number  protocol.Number `json:"number"`
	Log     string          `json:"log"`
	Seq     uint64          `json:"seq"`
	Hash    string          `json:"hash"`
	Stage   string          `json:"stage"`
	Version uint64          `json:"version"`
}

// An Export is a stopped server's register.
type Export struct {
	Cases  []Case
	Index  uint64
	Digest string
}

// Export reads the register of a server that doesn't run.
func (d *District) Export(ctx context.Context, p *Process) (Export, error) {
	out, err := d.Output(ctx, "hub", "export", "--dir", p.Dir)
	if err != nil {
		return Export{}, err
	}
	return parseExport(out)
}

func parseExport(out []byte) (Export, error) {
	const op = "district.Export"
	var e Export
	for l := range bytes.Lines(out) {
		var line struct {
			Case
			Index  uint64 `json:"index"`
			Digest string `json:"digest"`
		}
		if err := json.Unmarshal(l, &line); err != nil || e.Digest != "" {
			return e, &fault.Error{Op: op, Kind: fault.Internal, Item: "line of the export", Err: err}
		}
		if line.Digest != "" {
			e.Index, e.Digest = line.Index, line.Digest
			continue
		}
		e.Cases = append(e.Cases, line.Case)
	}
	if e.Digest == "" {
		return e, fault.New(op, fault.Internal, "export", "has no last line: it was cut off")
	}
	return e, nil
}
