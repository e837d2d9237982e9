package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"

	"kendro/domain/fault"
	"kendro/hub"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/journal"
)

// share reads the recovery share, where nobody has taken it away yet.
func (a *auditor) share(name string) error {
	p := audited{Part: shareFile}
	err := hub.CheckShare(name)
	if !errors.Is(err, fault.NotFound) {
		return a.add(p, err)
	}
	switch dir := filepath.Dir(name); {
	case present(dir, shareFile):
		p.Notes = []string{"its checksum is missing: whether it is whole shows when it is opened"}
	case present(dir, shareFile+".sha256"):
		p.Notes = []string{"it was taken away, as it should be; sha256sum -c " + shareFile + ".sha256 tries it there"}
	default:
		return nil
	}
	return a.add(p, nil)
}

// hub reads a server's Raft log, and in a copy its votes, marker and register.
func (a *auditor) hub(dir string) error {
	in, err := hub.Inspect(dir)
	if err == nil {
		in.Damage = append(in.Damage, authorityDamage(dir)...)
	}
	if err := a.add(audited{Part: "keys, marker and votes", Records: uint64(in.Good), Damage: in.Damage, Notes: in.Notes}, err); err != nil {
		return err
	}
	if err := a.share(filepath.Join(dir, shareFile)); err != nil {
		return err
	}
	if !present(dir, "raft") && !present(dir, "vault") {
		return a.add(audited{Part: "register", Notes: []string{"the server was never started: there is nothing to read yet"}}, nil)
	}
	vault, err := a.vault(filepath.Join(dir, "vault"))
	if err != nil {
		return a.add(audited{Part: "vault"}, err)
	}
	if err := a.keys("vault", filepath.Join(dir, "vault")); err != nil {
		return err
	}
	if err := a.journal("raft/log", filepath.Join(dir, "raft", "log"), journal.Options{Name: "raft", Cipher: vault}); err != nil {
		return err
	}
	if !present(dir, hubFile) {
		return a.add(audited{Part: "register", Notes: []string{"not read: the server's keys say which district's it is"}}, nil)
	}
	a.say("register")
	notes, err := registerNotes(filepath.Join(dir, "register"))
	if err != nil {
		return err
	}
	copied := filepath.Join(a.scratch, "hub")
	if err := store.CopyFolder(copied, dir, nil); err != nil {
		return err
	}
	var lines lineCounter
	folder := hub.Folder{Dir: copied, BoxKey: a.key}
	err = folder.Export(a.ctx, &lines)
	if err := a.add(audited{Part: "register", Records: uint64(max(0, lines-1)), Notes: notes}, err); err != nil { // Its last line is the digest.
		return err
	}
	if err == nil {
		v, err := folder.Verify()
		if err := a.add(audited{Part: "procedure", Records: v.Cases, Damage: v.Broken}, err); err != nil {
			return err
		}
		p := audited{Part: "logs", Records: v.Events, Damage: v.Unfitting}
		var cases []protocol.ErasedCase
		for _, o := range v.Orders {
			cases = append(cases, protocol.ErasedCase{Number: o.Number, At: o.ErasedAt, By: o.Seat, Basis: o.Basis})
		}
		p.Notes = erasedNotes(v.Erased, cases)
		if err := a.add(p, nil); err != nil {
			return err
		}
	}
	if !present(dir, "documents") {
		return nil
	}
	a.say("documents")
	docs, err := folder.InspectDocuments(a.ctx)
	return a.add(audited{Part: "documents", Records: uint64(docs.Good), Damage: docs.Damage, Notes: docs.Notes}, err)
}

// registerNotes looks at what a start would make anew in the folders of the
// register.
func registerNotes(dir string) (notes []string, err error) {
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fault.Wrap("kendro.audit", fault.Unavailable, dir, err)
	}
	for _, e := range list {
		found, err := store.Inspect(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			notes = append(notes, e.Name()+": "+f)
		}
	}
	return notes, nil
}

// lineCounter counts the lines written to it.
type lineCounter int

// Write never fails.
func (n *lineCounter) Write(p []byte) (int, error) {
	*n += lineCounter(bytes.Count(p, []byte{'\n'}))
	return len(p), nil
}

// authorityDamage compares the certificate that clients are given with the one
// that the server holds.
func authorityDamage(dir string) []string {
	der, ok, err := authorityAt(dir)
	switch {
	case err != nil || ok:
		return nil // What is wrong with the server's keys is named with them.
	case der != nil && !present(dir, authorityFile) && !present(dir, "raft"):
		return nil // A further server gets it with its first start.
	}
	return []string{authorityFile + " is not the district's certificate: nothing but clients reads it; the next start writes it again"}
}
