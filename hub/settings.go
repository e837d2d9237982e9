package hub

import (
	"log/slog"
	"net"
	"time"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/store/journal"
)

// Preset is a set of timings for one kind of network.
type Preset uint8

// The presets. Lan is for voters in one office, Spread for a voter elsewhere.
const (
	Lan Preset = iota
	Spread
)

// ParsePreset reads "lan" or "spread", else [fault.Invalid].
func ParsePreset(s string) (Preset, error) {
	switch s {
	case "", "lan":
		return Lan, nil
	case "spread":
		return Spread, nil
	}
	return 0, fault.New("hub.ParsePreset", fault.Invalid, s, "want lan (all voters in one office) or spread")
}

// Config is what a server needs beside its folder.
type Config struct {
	Dir       string
	Listen    string // UDP address to bind; port 0 is the one used before, or any.
	Advertise string // host:port under which others reach it; empty or port 0: as bound.
	HTTP      string // Where people reach it, for the list of members.
	Preset    Preset
	Logger    *slog.Logger     // Nil discards.
	Clock     func() time.Time // Required.

	// BoxKey opens what lies on the disk, 32 bytes; nil is a file in the folder.
	BoxKey []byte

	TrailingLogs  uint64 // Entries that are kept behind a marker; 0 is 10,240.
	SnapshotEvery uint64 // Entries between two markers; 0 is 8,192.

	// EraseWithin is how long after an erasure nothing of it is to lie in this server's
	// folder any more; 0 is 24 hours.
	EraseWithin time.Duration

	// Connectors are the other authorities' registers that services hand off to, by the
	// name that services use.
	Connectors map[string]Connector

	// Conn replaces the socket that Listen names. The server closes it.
	Conn net.PacketConn

	// For tests: passed at every durable step of a snapshot, and what changes how
	// Raft's log is kept.
	step  func(point string)
	log   func(*journal.Options)
	clear bool // Register, Raft's log and held blocks lie on the disk unencrypted.
}

func (c *Config) complete() error {
	if c.Dir == "" || c.Clock == nil {
		return fault.New("hub.Open", fault.Internal, c.Dir, "a server needs a folder and a clock")
	}
	for name, o := range c.Connectors {
		if _, err := newConnector(name, o); err != nil {
			return err
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.TrailingLogs == 0 {
		c.TrailingLogs = 10_240
	}
	if c.SnapshotEvery == 0 {
		c.SnapshotEvery = 8_192
	}
	if c.EraseWithin == 0 {
		c.EraseWithin = 24 * time.Hour
	}
	return nil
}

// rpcTimeout is how long Raft waits for another server's answer.
func (c *Config) rpcTimeout() time.Duration {
	if c.Preset == Spread {
		return 10 * time.Second
	}
	return 2 * time.Second
}

// raftConfig returns Raft's settings.
func (c *Config) raftConfig(id string) *raft.Config {
	r := raft.DefaultConfig()
	r.LocalID = raft.ServerID(id)
	r.Logger = newRaftLogger(c.Logger)
	r.MaxAppendEntries = 256
	r.TrailingLogs = c.TrailingLogs
	r.SnapshotThreshold = c.SnapshotEvery
	r.SnapshotInterval = 10 * time.Second
	r.NoSnapshotRestoreOnStart = true // The register is its own snapshot.
	r.NoLegacyTelemetry = true
	r.ShutdownOnRemove = false
	r.HeartbeatTimeout, r.ElectionTimeout, r.LeaderLeaseTimeout = 500*time.Millisecond, 500*time.Millisecond, 400*time.Millisecond
	r.CommitTimeout = 25 * time.Millisecond
	if c.Preset == Spread {
		r.HeartbeatTimeout, r.ElectionTimeout, r.LeaderLeaseTimeout = 5*time.Second, 5*time.Second, 3*time.Second
		r.CommitTimeout = 200 * time.Millisecond
	}
	return r
}
