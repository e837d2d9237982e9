// Package demo is kendro demo: a whole district on this machine, and the story
// of a bad day in it.
//
// Enter at [Command]. The daemons are the same binary, started as separate
// processes with real enrolment (package district); everything the demo does to
// them it does through their command lines and their HTTP, as people would. At
// the end of the story a table is computed from the hub's registers and the
// nodes' journals, and not from what the story believes it sent.
//
// It refuses to reach into a running daemon, and to touch a folder that it did
// not make.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
	"kendro/web/api"
)

const op = "kendro demo"

type options struct {
	dir       string
	servers   int
	centres   int
	exit      bool
	portsFile string
}

// Command returns kendro demo.
func Command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use: "demo", Short: "Run a whole district on this machine", Args: cobra.NoArgs,
		Long: `Runs the servers of a hub and the boxes of a few centres as separate processes
on loopback, enrols them, adds people, prints where the pages are and who can sign
in, and keeps running until it is interrupted.

With --exit it plays a day in which the hub is down, a box is killed while it
takes applications and the leader dies, and ends with a table computed from the
hub's registers and the boxes' journals. It exits with 70 if a line fails.`,
		Example: "  kendro demo\n  kendro demo --exit\n  kendro demo --dir district --ports-file ports.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "", "folder of the district; it is resumed when it exists (default: a temporary one)")
	f.IntVar(&o.servers, "servers", 3, "servers of the hub, 1 to 5")
	f.IntVar(&o.centres, "centres", 3, "centres with a box, 1 to 10")
	f.BoolVar(&o.exit, "exit", false, "play the story, print the table, and end")
	f.StringVar(&o.portsFile, "ports-file", "", "file that gets addresses, process IDs and logins, as JSON")
	return cmd
}

// A stage is the running demo.
type stage struct {
	*district.District
	town   *town
	say    *timeline
	logins []login
}

func run(ctx context.Context, out, progress io.Writer, o options) error {
	if o.servers < 1 || o.servers > 5 || o.centres < 1 || o.centres > 10 {
		return fault.New(op, fault.Invalid, "", "want 1 to 5 servers and 1 to 10 centres")
	}
	if o.exit && (o.servers < 3 || o.centres < 2) {
		return fault.New(op, fault.Invalid, "", "the story of --exit needs at least 3 servers and 2 centres")
	}
	dir, temporary, err := folder(o.dir)
	if err != nil {
		return err
	}
	if temporary && o.exit {
		defer os.RemoveAll(dir)
	}
	s := &stage{say: &timeline{w: progress, began: time.Now()}}
	if s.town, err = newTown(o.centres); err != nil {
		return err
	}
	release, err := s.takeOver(ctx, dir)
	if err != nil {
		return err
	}
	defer release()
	if err := s.open(ctx, dir, o); err != nil {
		return err
	}
	defer s.Stop()
	if err := s.ready(ctx); err != nil {
		return err
	}
	if o.portsFile != "" {
		if err := api.WriteFile(o.portsFile, s.portsFile()); err != nil {
			return err
		}
	}
	if o.exit {
		return s.story(ctx, out)
	}
	s.printPlaces(out)
	s.say.tell("everything is up; interrupt (Ctrl-C) to stop")
	<-ctx.Done()
	s.say.tell("stopping")
	return nil
}

// marker names the file that makes a folder the demo's own.
const marker = "demo.json"

// folder returns the absolute folder to use. One that holds something else than
// a demo is [fault.Invalid].
func folder(dir string) (path string, temporary bool, err error) {
	if dir == "" {
		path, err = os.MkdirTemp("", "kendro-demo-")
		return path, true, fault.Wrap(op, fault.Unavailable, "", err)
	}
	if path, err = filepath.Abs(dir); err != nil {
		return "", false, fault.Wrap(op, fault.Invalid, dir, err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", false, fault.Wrap(op, fault.Invalid, dir, err)
	}
	list, err := os.ReadDir(path)
	if err != nil {
		return "", false, fault.Wrap(op, fault.Invalid, dir, err)
	}
	list = slices.DeleteFunc(list, func(e os.DirEntry) bool { return e.Name() == district.LockFile })
	if _, err := os.Stat(filepath.Join(path, marker)); errors.Is(err, os.ErrNotExist) && len(list) > 0 {
		return "", false, fault.New(op, fault.Invalid, dir, "holds something else: want an empty folder, or one that kendro demo made")
	}
	return path, false, nil
}

// takeOver makes the folder ours until release is called. Daemons that outlived a
// demo which was killed are ended: the folder is resumed with new ones.
func (s *stage) takeOver(ctx context.Context, dir string) (release func(), err error) {
	release, err = district.Own(dir)
	if err != nil {
		return nil, err
	}
	n, err := district.EndOrphans(ctx, dir)
	if err != nil {
		release()
		return nil, err
	}
	if n > 0 {
		s.say.tell("ended %d daemons that an interrupted demo had left running", n)
	}
	return release, nil
}

// open resumes the district in dir, or founds one there.
func (s *stage) open(ctx context.Context, dir string, o options) error {
	binary, err := os.Executable()
	if err != nil {
		return fault.Wrap(op, fault.Internal, "", err)
	}
	if district.Exists(dir) {
		s.say.tell("resuming the district in %s", dir)
		if s.logins, err = readLogins(dir); err != nil {
			return err
		}
		s.District, err = district.Resume(ctx, dir, binary)
		return err
	}
	if err := clearOwn(dir); err != nil {
		return err
	}
	s.say.tell("founding a district in %s", dir)
	centres := make([]string, 0, len(s.town.centres))
	for _, c := range s.town.centres {
		centres = append(centres, string(c.Code))
	}
	s.District, err = district.Create(ctx, district.Options{Dir: dir, Binary: binary, Servers: o.servers, Centres: centres})
	if err != nil {
		return err
	}
	s.say.tell("%d servers and %d boxes are enrolled and run", len(s.Servers), len(s.Nodes))
	if err := s.settlePeople(ctx); err != nil {
		s.Kill()
		return err
	}
	return nil
}

// clearOwn empties a folder whose founding was interrupted, and marks it as
// ours.
func clearOwn(dir string) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return fault.Wrap(op, fault.Invalid, dir, err)
	}
	for _, e := range list {
		if e.Name() == district.LockFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return fault.Wrap(op, fault.Unavailable, dir, err)
		}
	}
	return writeLogins(dir, nil)
}

// A timeline tells what happens, and when.
type timeline struct {
	w     io.Writer
	began time.Time
}

func (t *timeline) tell(format string, args ...any) {
	// A progress line that can't be written is no reason to stop.
	_, _ = fmt.Fprintf(t.w, "%6.1f s  %s\n", time.Since(t.began).Seconds(), fmt.Sprintf(format, args...))
}
