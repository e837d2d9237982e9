package node

import (
	"log/slog"
	"time"

	"kendro/identity"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/replication"
)

// An Alone is a box's end of its sessions without a network, for simulators: what
// it offers, wants, verifies and believes. It starts no goroutine.
type Alone struct{ host *host }

// AloneOptions are what it is told.
type AloneOptions struct {
	Box       *box.Box
	Enrolment *protocol.Enrolment
	Signer    *identity.Signer
	Sealing   *identity.SealingKey
	Packer    *protocol.Packer
	Clock     func() time.Time
	Logger    *slog.Logger
}

// NewAlone returns the end of one run of the box: a restart makes another, and
// with it another sealing epoch.
func NewAlone(o AloneOptions) (*Alone, error) {
	authority, err := identity.ParseAuthority(o.Enrolment.CA)
	if err != nil {
		return nil, err
	}
	h := &host{
		box: o.Box, enrolment: o.Enrolment, authority: authority, keys: &keyring{signer: o.Signer, sealing: o.Sealing},
		packer: o.Packer, log: o.Logger, greeted: func(replication.Peer) {},
		sealer: &sealer{recipients: o.Enrolment.Recipients, signer: o.Signer, clock: o.Clock},
		epochs: map[identity.EpochID]knownEpoch{},
	}
	return &Alone{host: h}, nil
}

// Host is the box as a session with the hub sees it.
func (a *Alone) Host() replication.Host { return a.host }

// Note takes what a session with the hub noticed.
func (a *Alone) Note(n replication.Note) { a.host.note(n) }
