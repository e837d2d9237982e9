package district

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"kendro/domain/fault"
	"kendro/web/api"
)

// An Offline is what an operator keeps away from the servers: the recovery share
// and, in another file, its passphrase.
type Offline struct{ Share, Passphrase string }

// found runs hub init and remembers the passphrase that it prints.
func (d *District) found(ctx context.Context, p *Process) error {
	args := []string{"hub", "init", "--dir", p.Dir, "--district", districtCode, "--output", "json"}
	if d.pack != "" {
		args = append(args, "--country-pack", d.pack)
	}
	out, err := d.Output(ctx, args...)
	if err != nil {
		return err
	}
	var told struct {
		Phrase string `json:"recovery_passphrase"`
	}
	err = json.Unmarshal(out, &told)
	d.phrase = told.Phrase
	return fault.Wrap("district.found", fault.Internal, "output", err)
}

// TakeOffline copies the recovery share of a district that was created here, and
// its passphrase, into a folder.
func (d *District) TakeOffline(dir string) (Offline, error) {
	const op = "district.TakeOffline"
	o := Offline{Share: filepath.Join(dir, "recovery.share"), Passphrase: filepath.Join(dir, "passphrase")}
	sealed, err := os.ReadFile(filepath.Join(d.Servers[0].Dir, "recovery.share"))
	if err == nil {
		err = os.WriteFile(o.Share, sealed, 0o600) //nolint:gosec // The caller's own folder.
	}
	return o, fault.Wrap(op, fault.Internal, dir, errors.Join(err, os.WriteFile(o.Passphrase, []byte(d.phrase+"\n"), 0o600)))
}

// Burn kills every server and removes its folder.
func (d *District) Burn() error {
	var errs []error
	for _, p := range d.Servers {
		p.Kill()
		errs = append(errs, os.RemoveAll(p.Dir))
	}
	return fault.Wrap("district.Burn", fault.Internal, d.Dir, errors.Join(errs...))
}

// BeginAnew begins the hub of a burned district anew from what was kept offline,
// with as many servers at the same addresses.
func (d *District) BeginAnew(ctx context.Context, o Offline) error {
	first := d.Servers[0]
	err := d.Run(ctx, "hub", "recover", "--dir", first.Dir, "--from-nodes", "--share", o.Share, "--passphrase-file", o.Passphrase)
	if err != nil {
		return err
	}
	if err := first.Start(ctx); err != nil {
		return err
	}
	for _, p := range d.Servers[1:] {
		token, err := d.Token(ctx, api.TokenRequest{Server: true, TTL: "1h"})
		if err != nil {
			return err
		}
		p.Args[slices.Index(p.Args, "--token")+1] = token
		if err := p.Start(ctx); err != nil {
			return err
		}
	}
	return d.grouped(ctx)
}
