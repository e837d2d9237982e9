package node

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"kendro/identity"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/gossip"
	"kendro/store/held"
	"kendro/store/journal"
)

// An Alone is a box's end of its sessions without a network, for simulators: what
// it offers, wants, verifies and believes, with the hub and with neighbours. It
// starts no goroutine, and one goroutine owns it.
type Alone struct {
	host   *host
	copier *copier // Nil for a box without neighbours.
}

// AloneOptions are what it is told.
type AloneOptions struct {
	Box       *box.Box
	Enrolment *protocol.Enrolment
	Signer    *identity.Signer
	Sealing   *identity.SealingKey
	Packer    *protocol.Packer
	Clock     func() time.Time
	Logger    *slog.Logger
	Upazila   *Upazila // Nil is a box without neighbours.
}

// An Upazila is the ground that a simulator gives a box among neighbours.
type Upazila struct {
	Dir    string // The box's folder, as [box.Open] got it.
	Disk   journal.Disk
	Held   int64                // Bytes of a segment of the neighbours' copies, as in [held.Options].
	Peers  func() []gossip.Peer // What gossip tells: hints.
	Linked func() bool          // The box speaks with its hub.
	Call   func(Call) (hang func())
}

// A Call is a session that the box wants with a neighbour. Whoever carries it out
// calls Ended once: with why there is none, or none any more, or with nil after it
// was hung up.
type Call struct {
	Centre string
	Host   replication.Host
	Note   func(replication.Note)
	Ended  func(error)
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
		sealer: &sealer{recipients: o.Box.Recipients, signer: o.Signer, clock: o.Clock, cuts: protocol.NewCuts(o.Packer, keptCuts)},
		epochs: map[identity.EpochID]knownEpoch{},
	}
	a := &Alone{host: h}
	if o.Upazila == nil {
		return a, nil
	}
	x := makeExchange(h, newErrands(copyAfter, o.Clock), o.Logger)
	dir := filepath.Join(o.Upazila.Dir, recordsFolder, "journal", "held")
	if x.held, err = held.Open(dir, held.Options{Cipher: o.Box.Cipher(), Disk: o.Upazila.Disk, Alone: true, Segment: o.Upazila.Held}); err != nil {
		return nil, err
	}
	h.exchange = x
	a.copier = newCopier(x, nil, o.Upazila.Linked, o.Upazila.Peers, o.Clock)
	a.copier.alone = func(own *owner, s *dialled) { a.call(o.Upazila, own, s) }
	return a, nil
}

// call has the simulator carry out a session that the copier began.
func (a *Alone) call(u *Upazila, o *owner, s *dialled) {
	began, cancel := a.copier.clock(), s.cancel
	note := func(n replication.Note) { a.copier.note(o.centre, n) }
	hang := u.Call(Call{Centre: o.centre, Host: o, Note: note, Ended: func(err error) {
		close(s.done)
		cancel()
		if a.copier.verdict(began, err) != nil {
			a.copier.shun(o.centre)
		}
	}})
	s.cancel = func() { cancel(); hang() }
}

// Look begins and ends the sessions with neighbours that are due, which a running
// box does every second.
func (a *Alone) Look() {
	var none sync.WaitGroup // Nothing is begun that waits.
	a.copier.round(context.Background(), &none)
}

// Keeper is the box as a session that a neighbour began sees it.
func (a *Alone) Keeper() replication.Host { return &keeper{a.host.exchange} }

// KeeperNote takes what such a session noticed.
func (a *Alone) KeeperNote(n replication.Note) { a.host.exchange.note(n) }

// Sync makes durable what a running box does every second.
func (a *Alone) Sync() error { return a.host.exchange.held.Sync() }

// Close lets go of the neighbours' copies.
func (a *Alone) Close() error { return a.host.exchange.held.Close() }

// Host is the box as a session with the hub sees it.
func (a *Alone) Host() replication.Host { return a.host }

// Note takes what a session with the hub noticed.
func (a *Alone) Note(n replication.Note) { a.host.note(n) }
