package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/store"
)

// What a server leaves in its folder on the way to another name.
const (
	rejoiningFile = "rejoining.key" // Its next keys, until the group has answered.
	rejoinedFile  = "rejoined.key"  // Its next keyring, until the folder is cleared.
	damagedFolder = "damaged"       // What it could not trust, for a person to look at.
	serversFile   = "servers"       // Where the others listened when it was last up; it was, if this is there.
)

// lostPart is what is wrong with a server's own part in Raft: its log, votes, marker or
// register. Another server has all of it.
type lostPart struct{ error }

// Unwrap returns what is wrong.
func (l lostPart) Unwrap() error { return l.error }

// asLost marks damage of that kind.
func asLost(err error) error {
	if errors.Is(err, fault.Damaged) {
		return lostPart{err}
	}
	return err
}

// How long a server asks the group to take it back, and how long it waits after a round.
const (
	rejoinFor   = time.Minute
	rejoinPause = 2 * time.Second
)

// Rejoin brings a server back whose folder c.Dir did not open because of cause: what
// it promised by its log and votes it may have forgotten, so it must not speak under its
// name again. The group takes in fresh keys in its place and removes the old name, and
// the server begins with an empty log and register, which the group fills. What was
// there lies in the folder damaged beside them. After nil, [Open] is to be called again.
//
// It returns cause where that is no damage of this kind, nobody else is in the group, or
// a folder damaged is there already: a disk that fails twice is for a person to look at.
// [fault.Unavailable]: no server answered, or none leads; nothing has changed, and the
// same call goes on. A kill at any moment is gone on from as well.
func Rejoin(ctx context.Context, c Config, cause error) error {
	var lost lostPart
	if !errors.As(cause, &lost) || c.complete() != nil {
		return cause
	}
	keys, err := loadKeys(c.Dir)
	if err != nil {
		return cause
	}
	set := filepath.Join(c.Dir, damagedFolder)
	if _, err := os.Stat(set); err == nil {
		return fault.New("hub.Rejoin", fault.Damaged, set,
			cause.Error()+"; this server came back from damage before: look at its disk, remove that folder, and start again")
	}
	servers := knownServers(c.Dir, keys)
	if len(servers) == 0 {
		return cause
	}
	c.Logger.Warn("this server can't trust its disk and asks the group to take it back under another name", "err", cause)
	next, err := askBack(ctx, &c, keys, servers)
	if errors.Is(err, fault.Unavailable) {
		return fault.New("hub.Rejoin", fault.Unavailable, c.Dir, "no server of the group takes this one back yet ("+err.Error()+"): "+cause.Error())
	}
	if err != nil {
		return fault.New("hub.Rejoin", fault.Damaged, c.Dir, cause.Error()+"; the group does not take it back: "+err.Error())
	}
	if err := writeSummed(filepath.Join(c.Dir, rejoinedFile), next); err != nil {
		return err
	}
	c.Logger.Warn("this server comes back under another name", "was", keys.ID, "is", next.ID, "kept", set)
	return finishRejoin(c.Dir)
}

// askBack has the group take in fresh keys in the place of this server's.
func askBack(ctx context.Context, c *Config, keys *openKeys, servers []string) (*keyring, error) {
	fresh, err := joiningKeys(c.Dir, rejoiningFile)
	if err != nil {
		return nil, err
	}
	nonce := derive(fresh.Signing, "kendro-replace-nonce-1")
	t := protocol.JoinToken{Servers: servers, CAHash: keys.authority.Hash(), Role: identity.RoleServer, Nonce: [16]byte(nonce[:16])}
	o := JoinOptions{Address: c.Advertise, HTTP: c.HTTP, Voter: keys.Voter}
	ctx, cancel := context.WithTimeout(ctx, rejoinFor)
	defer cancel()
	for {
		e, err := fresh.askFor(ctx, &t, o, func(r *protocol.EnrolRequest) (string, any) {
			x := &replacement{Old: keys.ID, Enrol: *r}
			x.Proof = keys.signer.Sign(contextReplace, x.signed())
			return callReplace, x
		})
		if err == nil {
			next, err := fresh.accept(e, &t)
			if err == nil {
				next.Voter = keys.Voter
			}
			return next, err
		}
		if !errors.Is(err, fault.Unavailable) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(rejoinPause):
		}
	}
}

// finishRejoin gives the folder to the name that the group has taken in, if there is
// one. The new keyring counts last, so that nothing old is ever opened under it and
// nothing new under the old.
func finishRejoin(dir string) error {
	const op = "hub.Rejoin"
	next, set := filepath.Join(dir, rejoinedFile), filepath.Join(dir, damagedFolder)
	var k keyring
	if ok, err := readSummed(next, maxKeyring, &k); err != nil || !ok {
		return err
	}
	if err := makeDir(set); err != nil {
		return err
	}
	for _, name := range []string{raftFolder, registerFolder} {
		err := os.Rename(filepath.Join(dir, name), filepath.Join(set, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &fault.Error{Op: op, Kind: fault.Stopped, Item: name, Err: err}
		}
	}
	for _, name := range []string{rejoiningFile, serversFile, secondFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &fault.Error{Op: op, Kind: fault.Stopped, Item: name, Err: err}
		}
	}
	if err := errors.Join(store.SyncFolder(set), store.SyncFolder(dir)); err != nil {
		return err
	}
	if err := os.Rename(next, filepath.Join(dir, keyringFile)); err != nil {
		return &fault.Error{Op: op, Kind: fault.Stopped, Item: keyringFile, Err: err}
	}
	return store.SyncFolder(dir)
}

// knownServers is where the group may listen.
func knownServers(dir string, keys *openKeys) []string {
	var told []string
	if _, err := readSummed(filepath.Join(dir, serversFile), maxKeyring, &told); err != nil {
		told = nil // The keyring's own are older.
	}
	told = append(told, keys.Servers...)
	slices.Sort(told)
	return slices.Compact(told)
}

// remember keeps where the others listen, for a day on which the register can't say.
func (m *membership) remember() error {
	var others []string
	for _, s := range m.register().Servers() {
		if s.ID != m.id && s.Address != "" {
			others = append(others, s.Address)
		}
	}
	if slices.Equal(others, m.kept) {
		return nil
	}
	if err := writeSummed(filepath.Join(m.dir, serversFile), others); err != nil {
		return fmt.Errorf("where the other servers listen could not be kept: %w", err)
	}
	m.kept = others
	return nil
}
