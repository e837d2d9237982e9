package demo

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"kendro/catalogue"
	"kendro/cmd/kendro/district"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/pack/bd"
	"kendro/protocol"
)

// The fee that the second release changes, in poisha.
const (
	feeService = "citizenship-certificate"
	oldFee     = 2000
	newFee     = 2500
)

// feeChanges publishes a second release while applications come in: one is made
// before and one after it.
func (d *drama) feeChanges(ctx context.Context) error {
	v := d.town.service(feeService)
	if v == nil {
		return fault.New(op, fault.Internal, feeService, "is not in the pack")
	}
	if err := d.fileNow(ctx, 0, v); err != nil {
		return err
	}
	d.seen.oldFee = len(d.filed) - 1
	folder, err := changedService(d.Dir)
	if err != nil {
		return err
	}
	// The catalogue's key lies with the server that founded the hub.
	if err := d.Run(ctx, "catalogue", "publish", folder, "--dir", d.Servers[0].Dir); err != nil {
		return err
	}
	d.say.tell("release 2 published: %s costs %s in place of %s poisha", feeService, strconv.Itoa(newFee), strconv.Itoa(oldFee))
	for _, n := range d.Nodes {
		if err := district.Poll(ctx, func() bool {
			c, err := release(ctx, n.Process)
			return err == nil && c.Release == 2
		}); err != nil {
			return fault.Wrap(op, fault.Internal, n.Name, err)
		}
	}
	if err := d.sampleFrom(folder); err != nil {
		return err
	}
	if err := d.fileNow(ctx, 0, v); err != nil {
		return err
	}
	d.seen.newFee = len(d.filed) - 1
	return d.awaitAccepted(ctx)
}

// sampleFrom fills in forms from now on for the release that a folder makes.
func (d *drama) sampleFrom(folder string) error {
	first, err := catalogue.Build(bd.Pack(), nil, time.Now())
	if err != nil {
		return err
	}
	second, err := catalogue.Build(os.DirFS(folder), first, time.Now())
	if err != nil {
		return err
	}
	d.samples, err = catalogue.NewSampler(second)
	return err
}

// changedService writes the one service whose fee changes into a folder.
func changedService(dir string) (string, error) {
	file := "services/" + feeService + ".yaml"
	text, err := fs.ReadFile(bd.Pack(), file)
	if err != nil {
		return "", fault.Wrap(op, fault.Internal, file, err)
	}
	was, is := "poisha: "+strconv.Itoa(oldFee)+"}", "poisha: "+strconv.Itoa(newFee)+"}"
	if bytes.Count(text, []byte(was)) != 1 {
		return "", fault.New(op, fault.Internal, file, "has not exactly one fee of that amount")
	}
	text = bytes.Replace(text, []byte(was), []byte(is), 1)
	folder := filepath.Join(dir, "release-2")
	if err := os.MkdirAll(filepath.Join(folder, "services"), 0o700); err != nil {
		return "", fault.Wrap(op, fault.Unavailable, folder, err)
	}
	err = os.WriteFile(filepath.Join(folder, file), text, 0o600)
	return folder, fault.Wrap(op, fault.Unavailable, folder, err)
}

// government returns the government's part of fees.
func government(fees []protocol.Fee) int64 {
	for _, f := range fees {
		if f.Kind == string(dcat.Government) {
			return f.Poisha
		}
	}
	return 0
}
