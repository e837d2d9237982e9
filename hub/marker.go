package hub

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// rejoin is what an operator does with a server whose state can't be trusted.
const rejoin = "remove this server (kendro hub members) and join again with an empty folder and a new token (kendro token create --server)"

// A marker says up to where the register on this disk is durable, and which
// folder it lies in. It stands outside the register's own files, and only when
// it is synced may Raft drop the entries before it: it is this server's
// snapshot, though nothing was copied.
type marker struct {
	Index      uint64        `cbor:"1,keyasint"` // Of the last entry, of whatever kind.
	Term       uint64        `cbor:"2,keyasint"`
	Members    []byte        `cbor:"3,keyasint"` // Raft's configuration, as Raft encodes it.
	MembersAt  uint64        `cbor:"4,keyasint"`
	Applied    uint64        `cbor:"5,keyasint"` // The last entry that reached the register.
	Digest     protocol.Hash `cbor:"6,keyasint"` // The register's running digest after it.
	Generation uint64        `cbor:"7,keyasint"` // Names the register's folder.
	Installs   uint64        `cbor:"8,keyasint"` // Snapshots received from other servers so far,
	InstalledX uint64        `cbor:"9,keyasint"` // and the index of the newest of them.
}

const maxMarker = 1 << 20

func markerName(dir string) string { return filepath.Join(dir, "marker") }

// readMarker returns nil where there is none yet. Altered bytes are
// [fault.Damaged].
func readMarker(dir string) (*marker, error) {
	m := &marker{}
	ok, err := readSummed(markerName(dir), maxMarker, m)
	if err != nil || !ok {
		return nil, err
	}
	if m.Index == 0 || m.Term == 0 || m.Generation == 0 || m.Applied > m.Index {
		return nil, fault.New("hub.readMarker", fault.Damaged, markerName(dir), "the marker contradicts itself; "+rejoin)
	}
	return m, nil
}

// configuration returns the servers as Raft knew them at the marker.
func (m *marker) configuration() raft.Configuration { return raft.DecodeConfiguration(m.Members) }

// writeSummed writes v behind its SHA-256, whole and durable.
func writeSummed(name string, v any) error { return writeSummedInSteps(name, v, func(string) {}) }

// writeSummedInSteps passes each moment at which a kill would leave something else.
func writeSummedInSteps(name string, v any, step func(string)) error {
	body := protocol.Marshal(v)
	sum := sha256.Sum256(body)
	return store.WriteFileInSteps(name, append(sum[:], body...), 0o600, step)
}

// readSummed reads what writeSummed wrote; false means that there is no such
// file. Other bytes are [fault.Damaged].
func readSummed(name string, limit int64, v any) (bool, error) {
	const op = "hub.readFile"
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, &fault.Error{Op: op, Kind: fault.Stopped, Item: name, Err: err}
	}
	if info.Size() < sha256.Size || info.Size() > limit+sha256.Size {
		return false, fault.New(op, fault.Damaged, name, "the file has another length than was written; "+rejoin)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return false, &fault.Error{Op: op, Kind: fault.Stopped, Item: name, Err: err}
	}
	if len(b) < sha256.Size || sha256.Sum256(b[sha256.Size:]) != [sha256.Size]byte(b[:sha256.Size]) {
		return false, fault.New(op, fault.Damaged, name, "the file was altered; "+rejoin)
	}
	if err := protocol.Unmarshal(b[sha256.Size:], int(limit), name, v); err != nil {
		return false, &fault.Error{Op: op, Kind: fault.Damaged, Item: name, Err: err}
	}
	return true, nil
}
