package main

import (
	"io"
	"path/filepath"

	"kendro/hub"
	"kendro/store/journal"
)

// hub reads a server's Raft log, and in a copy its votes, marker and register.
func (a *auditor) hub(dir string) error {
	vault, err := a.vault(filepath.Join(dir, "vault"))
	if err != nil {
		return a.add(audited{Part: "vault"}, err)
	}
	if err := a.journal("raft/log", filepath.Join(dir, "raft", "log"), journal.Options{Name: "raft", Cipher: vault}); err != nil {
		return err
	}
	copied := filepath.Join(a.scratch, "hub")
	if err := copyFolder(copied, dir); err != nil {
		return err
	}
	return a.add(audited{Part: "register"}, hub.Export(a.ctx, copied, io.Discard))
}
