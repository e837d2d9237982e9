package hub

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/store"
)

// A RecoveryPeer is one line of the peers file.
type RecoveryPeer struct {
	ID       string `json:"id"`
	Address  string `json:"address"`
	NonVoter bool   `json:"non_voter,omitempty"`
}

// maxPeers bounds the peers file.
const maxPeers = 64 << 10

// Recover makes the server in dir, which must not be running, a member of the
// group that the peers file lists, and of no other: for when most servers are
// lost for good. The file is JSON, [{"id", "address", "non_voter"}]. Every entry
// in this server's log then counts as committed, also one that was not.
//
// Whatever lies in dir is first copied to dir.before-recovery, whose path is
// returned. Run it on each survivor with the same file, the one with the highest
// index first. [fault.Invalid]: the file makes no sense for this server.
func Recover(dir string, peersJSON []byte) (backup string, err error) {
	return Folder{Dir: dir}.Recover(peersJSON)
}

// Recover is the function of that name, for a folder with a box key of its own.
func (f Folder) Recover(peersJSON []byte) (backup string, err error) {
	dir := f.Dir
	const op = "hub.Recover"
	keys, err := loadKeys(dir)
	if err != nil {
		return "", err
	}
	peers, err := parsePeers(peersJSON, keys.ID)
	if err != nil {
		return "", err
	}
	backup = filepath.Clean(dir) + ".before-recovery"
	if err := store.CopyFolder(backup, dir, (*os.File).Sync); err != nil {
		return "", err
	}
	packer := protocol.NewPacker()
	defer packer.Close()
	stop := &fatal{log: slog.New(slog.DiscardHandler), happened: make(chan struct{})}
	d, err := openDisk(diskOptions{dir: dir, boxKey: f.BoxKey, district: keys.District, opener: newOpener(packer, keys.district), fail: stop.set})
	if err != nil {
		return backup, err
	}
	err = checkPeers(peers, d.states.register())
	if err == nil {
		err = recoverRaft(keys, d, peers, stop)
	}
	return backup, errors.Join(fault.Wrap(op, fault.Internal, dir, err), stop.get(), d.close())
}

func recoverRaft(keys *openKeys, d *disk, peers []RecoveryPeer, stop *fatal) error {
	var members raft.Configuration
	for _, p := range peers {
		s := raft.Server{ID: raft.ServerID(p.ID), Address: raft.ServerAddress(p.Address)}
		if p.NonVoter {
			s.Suffrage = raft.Nonvoter
		}
		members.Servers = append(members.Servers, s)
	}
	c := &Config{Dir: ".", Clock: func() time.Time { return time.Time{} }}
	if err := c.complete(); err != nil {
		return err
	}
	m := &machine{states: d.states, anew: d.anew, grown: func(*register.Outcome) {}, fail: stop.set, log: c.Logger}
	_, wire := raft.NewInmemTransport("recovery")
	return raft.RecoverCluster(c.raftConfig(keys.ID), inPlace{m}, d.log, d.votes, inPlaceStore{d.states}, wire, members)
}

// inPlace is the state machine of a recovery: the register is there already, so
// restoring a snapshot of it is done.
type inPlace struct{ *machine }

// Restore does nothing.
func (inPlace) Restore(r io.ReadCloser) error { return r.Close() }

type inPlaceStore struct{ *snapshots }

// Open returns the snapshot without its content.
func (s inPlaceStore) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	m := s.marker()
	return m.meta(0), io.NopCloser(strings.NewReader("")), nil
}

func parsePeers(raw []byte, self string) ([]RecoveryPeer, error) {
	bad := func(item, text string) error { return fault.New("hub.Recover", fault.Invalid, item, text) }
	if len(raw) > maxPeers {
		return nil, bad("peers file", "longer than 64 KiB")
	}
	var peers []RecoveryPeer
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&peers); err != nil {
		return nil, bad("peers file", `want [{"id": "s-…", "address": "host:port"}]: `+err.Error())
	}
	voters, here := 0, false
	ids, addresses := map[string]bool{}, map[string]bool{}
	for _, p := range peers {
		switch {
		case p.ID == "" || p.Address == "":
			return nil, bad(p.ID, "a peer needs an id and an address")
		case ids[p.ID] || addresses[p.Address]:
			return nil, bad(p.ID, "an id or address stands there twice")
		}
		ids[p.ID], addresses[p.Address] = true, true
		if !p.NonVoter {
			voters++
		}
		here = here || p.ID == self
	}
	switch {
	case voters == 0:
		return nil, bad("peers file", "nobody in it may vote")
	case !here:
		return nil, bad(self, "this server is not in it")
	}
	return peers, nil
}

// checkPeers refuses servers that the district never enrolled or has removed.
func checkPeers(peers []RecoveryPeer, reg *register.Register) error {
	for _, p := range peers {
		s, ok := reg.Server(p.ID)
		if !ok || s.RemovedAt != 0 {
			return fault.New("hub.Recover", fault.Invalid, p.ID, "the district has no such server: compare with kendro hub members")
		}
	}
	return nil
}
