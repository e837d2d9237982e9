package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/cabinet"
)

// An Inspection is what [Inspect] found.
type Inspection struct {
	Good   int      // Files that are as written.
	Damage []string // What is not, by name.
	Notes  []string // What another copy makes good.
}

// Inspect reads a server's keys, what it keeps of its founding, its marker and
// its votes, without changing anything. A server may have the folder open. The
// error is [fault.Stopped] for a disk that can't be read.
func Inspect(dir string) (Inspection, error) {
	in := Inspection{}
	k, err := loadKeys(dir)
	errs := []error{in.file(true, err)}
	if err == nil {
		if file, doubt := k.doubtful(dir); doubt != nil {
			in.Notes = append(in.Notes, file+" is not what was written; its other copy counts, and the next start writes it again")
		}
		errs = append(errs,
			in.key(filepath.Join(dir, releaseFile), func(b []byte) ([]byte, error) {
				s, err := identity.SignerFromSeed(b)
				if err != nil {
					return nil, err
				}
				return s.Public(), nil
			}, k.Catalogue),
			in.key(filepath.Join(dir, recoveryFile), func(b []byte) ([]byte, error) {
				s, err := identity.SealingKeyFromBytes(b)
				if err != nil {
					return nil, err
				}
				return s.Public(), nil
			}, k.Recipients[min(1, len(k.Recipients)):]...),
		)
	}
	var list []register.Command
	founding, err := readSummed(filepath.Join(dir, genesisFile), maxGenesis, &list)
	errs = append(errs, in.file(founding, err))
	joins, err := readSummed(filepath.Join(dir, joinFile), maxKeyring, &joining{})
	errs = append(errs, in.file(joins, err))
	m, err := readMarker(filepath.Join(dir, raftFolder))
	errs = append(errs, in.file(m != nil, err), in.votes(filepath.Join(dir, raftFolder, "votes")))
	return in, errors.Join(errs...)
}

// file notes how reading one file went.
func (in *Inspection) file(there bool, err error) error {
	switch {
	case err != nil && errors.Is(err, fault.Stopped):
		return err
	case err != nil:
		in.Damage = append(in.Damage, err.Error())
	case there:
		in.Good++
	}
	return nil
}

// key compares a file that is nothing but a key with the public keys it may
// belong to. Whoever took it away, as he should, left nothing to compare.
func (in *Inspection) key(name string, public func([]byte) ([]byte, error), known ...[]byte) error {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &fault.Error{Op: "hub.Inspect", Kind: fault.Stopped, Item: name, Err: err}
	}
	p, err := public(b)
	for _, k := range known {
		if err == nil && bytes.Equal(p, k) {
			in.Good++
			return nil
		}
	}
	in.Damage = append(in.Damage, name+": it is not the district's key; put back a copy")
	return nil
}

// votes looks at both copies of the votes.
func (in *Inspection) votes(name string) error {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &fault.Error{Op: "hub.Inspect", Kind: fault.Stopped, Item: name, Err: err}
	}
	var bad []string
	for place := range votesPlaces {
		from := min(place*votesStride, len(b))
		if _, _, ok := decodeVotes(b[from:min(from+votesSlot, len(b))]); !ok {
			bad = append(bad, fmt.Sprintf("%s: copy %d is not what was written", name, place+1))
		}
	}
	switch {
	case len(bad) == votesPlaces:
		in.Damage = append(in.Damage, bad...)
	case len(bad) > 0:
		in.Good++
		in.Notes = append(in.Notes, bad[0]+"; the other one counts")
	default:
		in.Good++
	}
	return nil
}

// InspectDocuments reads every document that the register of a folder says the
// servers hold, and this one has. It names those that are damaged, and says how many
// are not here; a running server fetches both from the others.
func (f Folder) InspectDocuments(ctx context.Context) (in Inspection, err error) {
	keys, err := loadKeys(f.Dir)
	if err != nil {
		return in, err
	}
	vault, err := store.OpenVaultKey(filepath.Join(f.Dir, vaultFolder), f.BoxKey)
	if err != nil {
		return in, err
	}
	secret := cabinetSecret(keys)
	documents, err := cabinet.Open(filepath.Join(f.Dir, documentsFolder), cabinet.Options{Vault: vault, Secret: secret[:]})
	if err != nil {
		return in, err
	}
	reg, err := f.open()
	if err != nil {
		return in, err
	}
	absent := 0
	err = heldDocuments(reg, func(h protocol.Hash) error {
		switch _, err := documents.Get(h); {
		case errors.Is(err, fault.NotFound):
			absent++
		case errors.Is(err, fault.Damaged):
			in.Damage = append(in.Damage, err.Error())
		case err != nil:
			return err
		default:
			in.Good++
		}
		return ctx.Err()
	})
	if absent > 0 {
		in.Notes = append(in.Notes, fmt.Sprintf("%d documents that the servers hold are not here; a running server fetches them", absent))
	}
	return in, errors.Join(err, reg.Close())
}

// cabinetSecret hides documents in the names of files.
func cabinetSecret(k *openKeys) [32]byte { return derive(k.TLSSeed, "kendro-cabinet-1") }
