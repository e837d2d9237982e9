package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/replication/bundle"
	"kendro/web/api"
)

func bundleCmd() *cobra.Command {
	return group("bundle", "Carry records on a USB stick where no link is", bundleExportCmd(), bundleImportCmd())
}

// exported is the result of an export. Its JSON is stable.
type exported struct {
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	Events uint64 `json:"events"`

	Documents int `json:"documents"` // Whole ones in the file.

	Logs map[string]int64 `json:"logs"` // Events of each log in the file.
}

func bundleExportCmd() *cobra.Command {
	var r reach
	var out output
	var centres []string
	var answerTo string
	cmd := &cobra.Command{
		Use: "export FILE", Short: "Write what the other side lacks to a file", Args: cobra.ExactArgs(1),
		Long: `At a node: writes what no hub has acknowledged, and the documents that no hub holds. At a hub: writes acknowledgements,
decisions and services for the centres of --answer-to, a bundle that was imported,
or of --centre. Everything in it is sealed and signed. A file that broke off, or
that is there already, is gone on with.`,
		Example: `  kendro bundle export /media/usb/rupdia.kendro --dir /var/lib/kendro/node
  kendro bundle export /media/usb/answer.kendro --dir /var/lib/kendro/hub --answer-to /media/usb/rupdia.kendro`,
		RunE: func(cmd *cobra.Command, args []string) error {
			orders, err := bundleOrders(centres, answerTo)
			if err != nil {
				return err
			}
			res, err := bundleExport(cmd, &r, args[0], orders)
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), res, func() *table {
				t := columns("LOG", "EVENTS")
				for _, log := range slices.Sorted(maps.Keys(res.Logs)) {
					t.add(log, strconv.FormatInt(res.Logs[log], 10))
				}
				if res.Documents > 0 {
					t.add("documents", strconv.Itoa(res.Documents))
				}
				return t
			})
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	cmd.Flags().StringArrayVar(&centres, "centre", nil, "at a hub: a centre to write for, from the beginning; may be repeated")
	cmd.Flags().StringVar(&answerTo, "answer-to", "", "at a hub: the bundle to answer, for the centres that it came from")
	cmd.MarkFlagsMutuallyExclusive("centre", "answer-to")
	return cmd
}

// bundleOrders says what to ask of the daemon: of a node one thing, of a hub one
// thing a centre.
func bundleOrders(centres []string, answerTo string) ([]api.BundleOrder, error) {
	var orders []api.BundleOrder
	for _, c := range centres {
		orders = append(orders, api.BundleOrder{For: c})
	}
	if answerTo == "" {
		if orders == nil {
			orders = []api.BundleOrder{{}}
		}
		return orders, nil
	}
	s, err := survey(answerTo)
	if err != nil {
		return nil, err
	}
	for _, h := range s.Stands {
		if h.Log.Channel == protocol.Inbox {
			orders = append(orders, api.BundleOrder{For: h.Log.Name, Has: s.Stands})
		}
	}
	if orders == nil {
		return nil, fault.New("kendro.bundle", fault.Invalid, answerTo, "says nothing of a centre: want a bundle that a node exported")
	}
	return orders, nil
}

func survey(name string) (*bundle.Survey, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fault.Wrap("kendro.bundle", missing(err), "", err)
	}
	defer func() { _ = f.Close() }() // Only read.
	return bundle.Look(f)
}

// bundleExport writes a bundle, or goes on with one. The daemon is asked piece by
// piece for what the file does not hold yet.
func bundleExport(cmd *cobra.Command, r *reach, name string, orders []api.BundleOrder) (_ *exported, err error) {
	const op = "kendro.bundle"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.Wrap(op, missing(err), "", err)
	}
	defer func() { err = errors.Join(err, fault.Wrap(op, fault.Stopped, name, f.Close())) }()
	s, err := beginBundle(f)
	if err != nil {
		return nil, err
	}
	has, papers := s.Holds, papersOf(s)
	for _, o := range orders {
		o.Has, o.Documents = append(slices.Clone(o.Has), has...), papers
		if has, err = exportOne(cmd, r, f, o); err != nil {
			return nil, err
		}
	}
	if s, err = survey(name); err != nil {
		return nil, err
	}
	res := &exported{File: name, Bytes: s.Size, Documents: s.Documents, Logs: map[string]int64{}}
	for log, n := range s.Events {
		res.Logs[log.String()] = int64(n)
		res.Events += n
	}
	return res, nil
}

// beginBundle writes the first line of a new file, or cuts an old one to what is
// whole.
func beginBundle(f *os.File) (*bundle.Survey, error) {
	const op = "kendro.bundle"
	s, err := bundle.Look(f)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(s.Size); err != nil {
		return nil, fault.Wrap(op, fault.Stopped, f.Name(), err)
	}
	if _, err := f.Seek(s.Size, io.SeekStart); err != nil {
		return nil, fault.Wrap(op, fault.Stopped, f.Name(), err)
	}
	if s.Size == 0 {
		_, err = f.WriteString(bundle.Magic)
	}
	return s, fault.Wrap(op, fault.Stopped, f.Name(), err)
}

// papersOf says how much of which documents a bundle holds.
func papersOf(s *bundle.Survey) []api.BundlePaper {
	list := make([]api.BundlePaper, 0, len(s.Papers))
	for h, n := range s.Papers {
		list = append(list, api.BundlePaper{SHA256: h, Pieces: n})
	}
	return list
}

// exportOne writes what one order asks for and returns what the reader then has.
func exportOne(cmd *cobra.Command, r *reach, f *os.File, o api.BundleOrder) ([]protocol.Head, error) {
	const op = "kendro.bundle"
	o.Bytes = api.BundlePiece
	for n := 0; ; n++ {
		var piece []byte
		if err := r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: "/v1/bundle/export", In: o, Out: &piece}); err != nil {
			return nil, err
		}
		had := o.Papers()
		s, err := bundle.LookAfter(io.MultiReader(strings.NewReader(bundle.Magic), bytes.NewReader(piece)), had)
		if err != nil {
			return nil, err
		}
		if !s.Whole {
			return nil, fault.New(op, fault.Unavailable, r.url, "the answer broke off: run the command again")
		}
		over := len(s.Holds) == 0 && maps.Equal(s.Papers, had)
		if over && n > 0 {
			return o.Has, nil // A hello and no more.
		}
		if _, err := f.Write(piece); err != nil {
			return nil, fault.Wrap(op, fault.Stopped, f.Name(), err)
		}
		if err := f.Sync(); err != nil {
			return nil, fault.Wrap(op, fault.Stopped, f.Name(), err)
		}
		if over {
			return o.Has, nil
		}
		o.Documents = papersOf(s)
		o.Has = append(o.Has, s.Holds...)
		_, _ = fmt.Fprintf(progress(cmd.ErrOrStderr()), "\r%d pieces", n+1)
	}
}

func bundleImportCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Take in what a bundle brings", Args: cobra.ExactArgs(1),
		Long: `At a hub: takes in what nodes exported, exactly once however often it is repeated.
At a node: takes in the hub's answer. Everything is verified as over a link; what
this machine will not take is listed, and the rest counts.`,
		Example: "  kendro bundle import /media/usb/rupdia.kendro --dir /var/lib/kendro/hub",
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := bundleImport(cmd.Context(), &r, args[0])
			if report != nil {
				if err := out.print(cmd.OutOrStdout(), report, func() *table { return reportTable(report) }); err != nil {
					return err
				}
			}
			return err
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

func bundleImport(ctx context.Context, r *reach, name string) (*bundle.Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fault.Wrap("kendro.bundle", missing(err), "", err)
	}
	defer func() { _ = f.Close() }() // Only read.
	var sum *bundle.Report
	for piece, err := range bundle.Pieces(f, api.BundlePiece) {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			if sum == nil {
				return nil, fault.New("kendro.bundle", fault.Invalid, name, "it breaks off before its first record: copy it again")
			}
			sum.Broken = true
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
		one := new(bundle.Report)
		if err := r.call(ctx, api.Call{Method: http.MethodPost, Path: "/v1/bundle/import", In: piece, Out: one}); err != nil {
			return sum, err
		}
		sum = sum.Add(one)
	}
	if sum == nil {
		return nil, fault.New("kendro.bundle", fault.Invalid, name, "it is empty")
	}
	return sum, nil
}

func reportTable(r *bundle.Report) *table {
	t := columns("LOG", "STANDS AT", "REFUSED")
	for _, log := range slices.Sorted(maps.Keys(r.Stored)) {
		t.add(log, strconv.FormatUint(r.Stored[log], 10), "")
	}
	for _, f := range r.Refused {
		t.add(f.Log.String(), strconv.FormatUint(f.Seq, 10), f.Reason)
	}
	for _, d := range r.RefusedDocuments {
		t.add("document "+d.SHA256.String(), "", d.Reason)
	}
	rest := ""
	if r.Broken {
		rest = "the file breaks off: copy it again for the rest"
	}
	t.add(fmt.Sprintf("%d new, %d known, %d acknowledgements, %d documents", r.Events, r.Known, r.Acks, r.Documents), "", rest)
	return t
}
