package main

import (
	"bytes"
	"path/filepath"

	"kendro/hub"
	"kendro/store/journal"
)

// hub reads a server's Raft log, and in a copy its votes, marker and register.
func (a *auditor) hub(dir string) error {
	in, err := hub.Inspect(dir)
	if err == nil {
		in.Damage = append(in.Damage, authorityDamage(dir)...)
	}
	if err := a.add(audited{Part: "keys, marker and votes", Records: uint64(in.Good), Damage: in.Damage, Notes: in.Notes}, err); err != nil {
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
	a.say("register")
	copied := filepath.Join(a.scratch, "hub")
	if err := copyFolder(copied, dir); err != nil {
		return err
	}
	var lines lineCounter
	err = hub.Folder{Dir: copied, BoxKey: a.key}.Export(a.ctx, &lines)
	return a.add(audited{Part: "register", Records: uint64(max(0, lines-1))}, err) // Its last line is the digest.
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
	if !present(dir, authorityFile) {
		return nil // Only the first server publishes it.
	}
	papers, err := hub.Certificates(dir)
	if err != nil {
		return nil // Named with the server's keys.
	}
	text, err := readFile(filepath.Join(dir, authorityFile), maxLine)
	if err == nil && bytes.Equal(bytes.TrimSpace(text), bytes.TrimSpace(authorityText(papers[0]))) {
		return nil
	}
	return []string{authorityFile + " is not the district's certificate: nothing but clients reads it; put back a copy"}
}
