package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/journal"
	"kendro/web/api"
)

func auditCmd() *cobra.Command {
	return group("audit", "Check what a daemon keeps, without the daemon", auditVerifyCmd())
}

// An audited part of a folder: one journal, one database, one file.
type audited struct {
	Part    string   `json:"part"`
	Records uint64   `json:"records"`
	State   string   `json:"state"` // "ok" or "damaged".
	Damage  []string `json:"damage"`
	Notes   []string `json:"notes"`
}

// An audit is what kendro audit verify prints.
type audit struct {
	Dir   string    `json:"dir"`
	Parts []audited `json:"parts"`
}

func auditVerifyCmd() *cobra.Command {
	var out output
	var dir string
	cmd := &cobra.Command{
		Use: "verify", Short: "Read every record of a stopped daemon's folder, or of a copy", Args: cobra.NoArgs,
		Long: `Reads the folder of a node or a hub that no daemon has open, or a copy of it, and
changes nothing: keys, enrolment, marker and votes, every record of the journals
against its checksum and chain, HEAD, every pair of the database against its set hash,
the register against its digest, every log against the hashes it was made of, every document
against its hash. It says what was erased by order, and names what of that is still whole.
It names what is damaged and ends with 65. The database is opened in a temporary
copy (in $TMPDIR), which needs as much room.`,
		Example: "  kendro audit verify --dir copy-of-node",
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := verify(cmd.Context(), progress(cmd.ErrOrStderr()), dir)
			if err != nil {
				return err
			}
			if err := out.print(cmd.OutOrStdout(), a, func() *table { return auditTable(a) }); err != nil {
				return err
			}
			return a.verdict()
		},
	}
	out.flag(cmd)
	cmd.Flags().StringVar(&dir, "dir", "", "folder of a node or a hub that isn't running, or a copy")
	require(cmd, "dir")
	return cmd
}

func (a *audit) verdict() error {
	n := 0
	for _, p := range a.Parts {
		n += len(p.Damage)
	}
	if n == 0 {
		return nil
	}
	return fault.New("kendro.audit", fault.Damaged, a.Dir, fmt.Sprintf("%d findings; each is named above", n))
}

func auditTable(a *audit) *table {
	t := columns("PART", "RECORDS", "STATE")
	for _, p := range a.Parts {
		t.add(p.Part, count(p.Records), p.State)
		for _, d := range p.Damage {
			t.add("", "", d)
		}
		for _, n := range p.Notes {
			t.add("", "", "note: "+n)
		}
	}
	return t
}

// verify reads everything in the folder of a node or a hub.
func verify(ctx context.Context, told io.Writer, dir string) (*audit, error) {
	const op = "kendro.audit"
	if _, err := folder(dir); err != nil {
		return nil, err
	}
	key, err := boxKey()
	if err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "kendro-audit-")
	if err != nil {
		return nil, fault.Wrap(op, fault.Unavailable, "", err)
	}
	a := &auditor{audit: audit{Dir: dir, Parts: []audited{}}, ctx: ctx, told: told, key: key, scratch: scratch}
	switch {
	case present(dir, nodeFolder), present(dir, "enrolment.box"), present(dir, "keys.box"):
		err = a.node(dir)
	case present(dir, hubFile), present(dir, "raft"):
		err = a.hub(dir)
	default:
		err = fault.New(op, fault.NotFound, dir, "neither a node nor a hub keeps its records here")
	}
	return &a.audit, errors.Join(err, fault.Wrap(op, fault.Unavailable, scratch, os.RemoveAll(scratch)))
}

func present(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}

// An auditor collects findings. It lives for one call.
type auditor struct {
	audit
	ctx     context.Context //nolint:containedctx // Of the one call that the auditor lives for.
	told    io.Writer       // Hears which part is being read.
	key     []byte          // The box key, nil for the one in the folder.
	scratch string          // A folder for what has to be opened for writing.
}

// say tells a person at a terminal what takes so long.
func (a *auditor) say(part string) { _, _ = fmt.Fprintf(a.told, "reading %s\n", part) }

// add files a part. Err may be nil, or Damaged; any other failure ends the audit.
func (a *auditor) add(p audited, err error) error {
	p.State = fine
	if err != nil && !errors.Is(err, fault.Damaged) {
		return fault.Wrap("kendro.audit", fault.Unavailable, p.Part, err)
	}
	if err != nil && len(p.Damage) == 0 {
		p.Damage = append(p.Damage, err.Error())
	}
	if len(p.Damage) > 0 {
		p.State = "damaged"
	}
	p.Damage, p.Notes = append([]string{}, p.Damage...), append([]string{}, p.Notes...)
	a.Parts = append(a.Parts, p)
	return nil
}

// journal reads a journal record by record.
func (a *auditor) journal(part, dir string, o journal.Options) error {
	a.say(part)
	f, err := journal.Verify(dir, o)
	p := audited{Part: part, Records: f.Records, Notes: f.Notes}
	for _, d := range f.Damage {
		p.Damage = append(p.Damage, fmt.Sprintf("records %d to %d in %s: %s", d.First, d.Last, d.File, d.What))
	}
	if f.Behind {
		p.Damage = append(p.Damage, fmt.Sprintf("ends before record %d, which HEAD names: an old copy of the disk, or a lost tail", f.HeadSeq))
	}
	if f.HeadMissing {
		p.Notes = append(p.Notes, "HEAD is missing or not readable: whether the tail is whole can't be said")
	}
	if f.TornBytes > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%d bytes at the end were never acknowledged; the next start cuts them", f.TornBytes))
	}
	return a.add(p, err)
}

// erasedNotes say what was erased by order, and by whose.
func erasedNotes(events uint64, cases []protocol.ErasedCase) (notes []string) {
	if events > 0 {
		notes = append(notes, fmt.Sprintf("of %d events that were erased by order the hash alone stands here", events))
	}
	for i := range cases {
		c := &cases[i]
		notes = append(notes, fmt.Sprintf("case %s was erased on %s by order of %s: %s",
			c.Number, time.UnixMilli(c.At).In(api.Dhaka()).Format(dateOnly), c.By, c.Basis))
	}
	return notes
}

// database counts every pair of a database against its set hash, in a copy, and has
// more look at one that is whole.
func (a *auditor) database(part, dir string, o store.Options, more func(*store.DB) error) error {
	a.say(part)
	notes, err := store.Inspect(dir)
	if err != nil {
		return err
	}
	copied := filepath.Join(a.scratch, filepath.Base(dir))
	if err := store.CopyFolder(copied, dir, nil); err != nil {
		return err
	}
	db, err := store.Open(copied, o)
	if err != nil {
		return a.add(audited{Part: part, Notes: notes}, err)
	}
	p := audited{Part: part, Records: db.Applied(), Notes: notes}
	err = db.Scrub(a.ctx)
	whole := err == nil
	if err = a.add(p, err); err == nil && whole {
		err = more(db)
	}
	return errors.Join(err, db.Close())
}
