package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/store"
	"kendro/store/cabinet"
	"kendro/store/held"
	"kendro/store/journal"
)

// The folders of a server, below its own.
const (
	raftFolder      = "raft"
	logFolder       = "raft/log"
	registerFolder  = "register"
	vaultFolder     = "vault"
	documentsFolder = "documents"
	heldFolder      = "held"
)

// A disk is what a server keeps: Raft's log, its votes, and the register with its
// marker.
type disk struct {
	log       *raftLog
	votes     *votes
	states    *snapshots
	anew      *rewriter
	documents *cabinet.Cabinet
	vault     *store.Vault
	held      *held.Store // Blocks that no leader has taken yet.
	report    journal.Report
	fresh     bool   // There were no votes yet.
	owed      uint64 // The newest entry for the register that the log held at the start.
}

// diskOptions say how a disk is opened.
type diskOptions struct {
	dir      string
	boxKey   []byte   // Nil: a file in the vault.
	secret   [32]byte // Hides documents in the names of files.
	district string
	opener   register.Opener
	fail     func(error)
	step     func(string)
	log      func(*journal.Options)
	logger   *slog.Logger
	clear    bool
}

// openDisk opens what lies in a server's folder and makes sure that its parts
// fit together. What doesn't is [fault.Damaged], with the remedy.
func openDisk(o diskOptions) (d *disk, err error) {
	if o.logger == nil {
		o.logger = slog.New(slog.DiscardHandler)
	}
	for _, name := range []string{logFolder, registerFolder, vaultFolder} {
		if err := os.MkdirAll(filepath.Join(o.dir, name), 0o700); err != nil {
			return nil, &fault.Error{Op: "hub.Open", Kind: fault.Stopped, Item: o.dir, Err: err}
		}
	}
	vault, err := store.OpenVaultKey(filepath.Join(o.dir, vaultFolder), o.boxKey)
	if err != nil {
		return nil, err
	}
	rest := vault
	if o.clear {
		rest = nil
	}
	d = &disk{states: newSnapshots(o, rest), vault: vault}
	if d.documents, err = cabinet.Open(filepath.Join(o.dir, documentsFolder), cabinet.Options{Vault: vault, Secret: o.secret[:]}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
			d = nil
		}
	}()
	if err := d.openPart(o, rest); err != nil {
		return d, asLost(err)
	}
	keep := held.Options{Logger: o.logger}
	if rest != nil {
		keep.Cipher = rest
	}
	d.held, err = held.Anew(filepath.Join(o.dir, heldFolder), keep)
	return d, err
}

// openPart opens this server's part in Raft: the log, the votes and the register.
func (d *disk) openPart(o diskOptions, vault *store.Vault) (err error) {
	if err := d.openLog(o, vault); err != nil {
		return err
	}
	if d.votes, d.fresh, err = openVotes(filepath.Join(o.dir, raftFolder), o.fail); err != nil {
		return err
	}
	_, err = os.Stat(filepath.Join(o.dir, serversFile))
	if ran := err == nil; ran && d.report.Created && d.fresh {
		return fault.New("hub.Open", fault.Damaged, raftFolder, "log and votes are gone, and this server was up with others before; "+rejoin)
	}
	d.mention(o.logger)
	if err := d.states.start(); err != nil {
		return err
	}
	if err := d.fit(); err != nil {
		return err
	}
	d.anew = &rewriter{states: d.states, entries: d.log}
	d.owed, err = d.log.newestCommand(d.log.journal.Last())
	return err
}

// mention logs what a second copy made good: it costs nothing yet, and may be the
// first word of a dying disk.
func (d *disk) mention(log *slog.Logger) {
	if d.report.HeadTorn {
		log.Warn("a slot of the raft log's HEAD was not as written, the other one counts")
	}
	if d.votes.torn {
		log.Warn("a copy of the votes was not as written, the other one counts")
	}
}

func newSnapshots(o diskOptions, vault *store.Vault) *snapshots {
	ro := register.Options{District: o.district, Opener: o.opener, Vault: vault, Logger: o.logger}
	step := o.step
	if step == nil {
		step = func(string) {}
	}
	return &snapshots{
		log: o.logger,
		dir: filepath.Join(o.dir, raftFolder), folders: filepath.Join(o.dir, registerFolder), step: step, reading: map[uint64]int{},
		open: func(dir string) (*register.Register, error) { return register.Open(dir, ro) },
		load: func(dir string, r io.Reader) error {
			_, _, err := store.Import(context.Background(), dir, store.Options{Preset: store.Office, Vault: vault, Logger: o.logger}, r)
			return err
		},
	}
}

func (d *disk) openLog(o diskOptions, vault *store.Vault) error {
	jo := journal.Options{Name: "raft"}
	if vault != nil {
		jo.Cipher = vault
	}
	if o.log != nil {
		o.log(&jo)
	}
	j, report, err := journal.Open(filepath.Join(o.dir, logFolder), jo)
	d.report = report
	if errors.Is(err, fault.Damaged) {
		what := "raft log"
		if len(report.Damage) > 0 {
			x := report.Damage[0]
			what = fmt.Sprintf("raft entries %d-%d in %s", x.First, x.Last, x.File)
		}
		return &fault.Error{Op: "hub.Open", Kind: fault.Damaged, Item: what, Err: fmt.Errorf("%w; %s", err, rejoin)}
	}
	if err != nil {
		return err
	}
	d.log = &raftLog{journal: j, fail: o.fail, step: d.states.step}
	if report.Behind || report.HeadMissing {
		return fault.New("hub.Open", fault.Damaged, "raft log",
			fmt.Sprintf("it ends at %d, and entry %d was acknowledged: an older copy of the disk? %s", j.Last(), report.HeadSeq, rejoin))
	}
	return nil
}

// start opens the generation of the register that the marker names, or a
// complete snapshot that came before the last stop.
func (s *snapshots) start() error {
	const op = "hub.Open"
	if err := os.MkdirAll(s.spoolDir(), 0o700); err != nil {
		return &fault.Error{Op: op, Kind: fault.Stopped, Item: s.spoolDir(), Err: err}
	}
	m, err := readMarker(s.dir)
	if err != nil {
		return err
	}
	if m != nil {
		s.mark = *m
	}
	spool, err := s.spooled()
	if err != nil {
		spool = nil // The leader sends another; what is in force is judged below.
	}
	if spool != nil && spool.Index > s.mark.Index {
		err := s.install(*spool)
		if !errors.Is(err, fault.Damaged) {
			return err
		}
		s.log.Warn("another server's snapshot was damaged before it was installed: the leader sends another", "err", err)
	}
	if s.current, err = s.openSound(); err != nil {
		return s.refuse(err)
	}
	if err := s.verify(); err != nil {
		return err
	}
	s.discard()
	return s.sweep()
}

// damagedRegister keeps, beside the others, the register that was set aside last.
const damagedRegister = "register.damaged"

// doubt has the next start not trust the register that is there now.
func (s *snapshots) doubt() error {
	return doubt{s.dir}.raise(s.generation(max(s.marker().Generation, 1)))
}

// openSound opens the register. One that is damaged is set aside while the log still
// has every entry from the first on: they are applied again, and nobody can tell the
// difference. Otherwise a part of it is nowhere on this server.
func (s *snapshots) openSound() (*register.Register, error) {
	const op = "hub.Open"
	dir := s.generation(max(s.mark.Generation, 1))
	doubted, err := doubt{s.dir}.about(dir)
	if err != nil {
		return nil, err
	}
	if doubted {
		err = fault.New(op, fault.Damaged, "register", "it was found damaged before the last stop")
	} else {
		var reg *register.Register
		if reg, err = s.open(dir); err == nil {
			return reg, nil
		}
	}
	if !errors.Is(err, fault.Damaged) || s.mark.Index > 0 {
		return nil, err
	}
	if err := s.setAside(dir, err); err != nil {
		return nil, err
	}
	return s.open(dir)
}

// setAside keeps a damaged register where a person finds it. It may be repeated: a kill
// may come before the note is gone, when the folder is.
func (s *snapshots) setAside(dir string, why error) error {
	aside := filepath.Join(filepath.Dir(s.dir), damagedRegister)
	s.log.Warn("the register is damaged and is made again from the log, which holds every entry", "err", why, "kept", aside)
	_, err := os.Stat(dir)
	if err == nil {
		err = errors.Join(os.RemoveAll(aside), os.Rename(dir, aside))
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err := errors.Join(err, store.SyncFolder(s.folders)); err != nil {
		return &fault.Error{Op: "hub.Open", Kind: fault.Stopped, Item: dir, Err: err}
	}
	return doubt{s.dir}.lift()
}

// verify compares the register with the marker.
func (s *snapshots) verify() error {
	const op = "hub.Open"
	if s.mark.Index == 0 {
		return nil
	}
	if applied := s.current.Applied(); applied < s.mark.Applied {
		return fault.New(op, fault.Damaged, "register",
			fmt.Sprintf("it has applied %d, and %d was durable: an older copy of the disk? %s", applied, s.mark.Applied, rejoin))
	}
	digest, err := s.current.DigestAt(s.mark.Applied)
	if err != nil {
		return s.refuse(err)
	}
	if digest != s.mark.Digest {
		return fault.New(op, fault.Damaged, "register",
			fmt.Sprintf("its digest at entry %d is not the one that was durable; %s", s.mark.Applied, rejoin))
	}
	return nil
}

// refuse adds the remedy to what is damaged.
func (s *snapshots) refuse(err error) error {
	if !errors.Is(err, fault.Damaged) {
		return err
	}
	return &fault.Error{Op: "hub.Open", Kind: fault.Damaged, Item: "register", Err: fmt.Errorf("%w; %s", err, rejoin)}
}

// fit makes sure that log, votes, marker and register belong together.
func (d *disk) fit() error {
	m, applied := d.states.marker(), d.states.register().Applied()
	first, last := d.log.journal.First(), d.log.journal.Last()
	lost := func(text string) error { return fault.New("hub.Open", fault.Damaged, "raft log", text+"; "+rejoin) }
	switch {
	case d.report.Created && (!d.fresh || m.Index > 0 || applied > 0):
		return lost("it is gone, and this server has voted or applied entries before")
	case d.fresh && !d.report.Created && (first <= last || m.Index > 0):
		return fault.New("hub.Open", fault.Damaged, "votes", "they are gone, and the log is not; "+rejoin)
	case m.Index == 0 && first > 1:
		return lost(fmt.Sprintf("it begins at %d, and no marker covers what came before", first))
	case m.Index > 0 && first > m.Index+1:
		return lost(fmt.Sprintf("it begins at %d, and the marker stands at %d", first, m.Index))
	case applied > max(m.Index, last):
		return lost(fmt.Sprintf("it ends at %d, and the register has applied %d", last, applied))
	}
	return d.align(m, first, last)
}

// align empties a log that a snapshot from another server has overtaken: all of
// it lies before the marker, or belongs to another history.
func (d *disk) align(m marker, first, last uint64) error {
	if m.Index == 0 || first == m.Index+1 {
		return nil
	}
	if last >= m.Index {
		var e raft.Log
		if err := d.log.GetLog(m.Index, &e); err != nil {
			return err
		}
		if e.Term == m.Term {
			return nil
		}
	}
	return d.log.refuse(d.log.journal.Reset(m.Index + 1))
}

// found writes the first entry of the group's history, if there is none: the
// configuration whose one member is this server. It may be repeated.
func (d *disk) found(id, address string) error {
	last, err := d.log.LastIndex()
	if err != nil || last > 0 || d.states.marker().Index > 0 {
		return err
	}
	if err := d.votes.SetUint64([]byte("CurrentTerm"), 1); err != nil {
		return err
	}
	members := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(id), Address: raft.ServerAddress(address)}}}
	return d.log.StoreLog(&raft.Log{Index: 1, Term: 1, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(members)})
}

func (d *disk) close() error {
	var errs []error
	errs = append(errs, d.states.close())
	if d.log != nil {
		errs = append(errs, d.log.journal.Close())
	}
	if d.votes != nil {
		errs = append(errs, d.votes.close())
	}
	if d.held != nil {
		errs = append(errs, d.held.Close())
	}
	return errors.Join(errs...)
}
