package main

import (
	"fmt"
	"path/filepath"

	"kendro/node"
	"kendro/node/box"
	"kendro/store"
	"kendro/store/journal"
)

// nodeFolder holds a node's records.
const nodeFolder = "records"

// node reads a node's journals and the index that follows from them.
func (a *auditor) node(dir string) error {
	good, damage, err := node.Inspect(dir)
	keys := len(damage) == 0
	if err := a.add(audited{Part: "keys and enrolment", Records: uint64(good), Damage: damage}, err); err != nil {
		return err
	}
	records := filepath.Join(dir, nodeFolder)
	if !present(records, "") {
		return a.add(audited{Part: "records", Notes: []string{"the node was never started: there is nothing to read yet"}}, nil)
	}
	vault, err := a.vault(filepath.Join(records, "vault"))
	if err != nil {
		return a.add(audited{Part: "vault"}, err)
	}
	if err := a.keys("vault", filepath.Join(records, "vault")); err != nil {
		return err
	}
	notes, err := box.Inspect(records, journal.Options{Name: "own", Cipher: vault})
	if err := a.add(audited{Part: "notes beside the journals", Notes: notes}, err); err != nil {
		return err
	}
	for _, name := range []string{"own", "in", "held"} {
		part := filepath.Join("journal", name)
		if name == "held" && !present(records, part) {
			continue // A box of before that kept nothing for its neighbours.
		}
		if err := a.journal(part, filepath.Join(records, part), journal.Options{Name: name, Cipher: vault}); err != nil {
			return err
		}
	}
	if err := a.erased(records, vault); err != nil {
		return err
	}
	index := filepath.Join(records, "index")
	if !present(index, "") {
		return nil // Never built: the next start builds it from the journals.
	}
	return a.database("index", index, store.Options{Preset: store.Box, Vault: vault}, func(db *store.DB) error {
		if !keys {
			return a.add(audited{Part: "documents", Notes: []string{"not read: the box's keys name their files"}}, nil)
		}
		good, damage, notes, err := node.InspectDocuments(dir, db, vault)
		return a.add(audited{Part: "documents", Records: uint64(good), Damage: damage, Notes: notes}, err)
	})
}

// erased looks whether what was erased by order fits into the logs, and is gone.
func (a *auditor) erased(records string, vault *store.Vault) error {
	a.say("what was erased by order")
	in, err := box.InspectErased(records, vault)
	p := audited{Part: "logs", Records: in.Events, Damage: in.Damage, Notes: erasedNotes(in.Erased, in.Cases)}
	if in.Waiting > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%d of these orders are not carried out here yet: the next start does it", in.Waiting))
	}
	return a.add(p, err)
}

// keys looks at the two copies of the keys that seal what lies on the disk.
func (a *auditor) keys(part, dir string) error {
	notes, err := store.InspectVault(dir)
	return a.add(audited{Part: part, Notes: notes}, err)
}

// vault opens a copy of the vault, since every opening draws a key.
func (a *auditor) vault(dir string) (*store.Vault, error) {
	copied := filepath.Join(a.scratch, "vault")
	if err := store.CopyFolder(copied, dir, nil); err != nil {
		return nil, err
	}
	return store.OpenVaultKey(copied, a.key)
}
