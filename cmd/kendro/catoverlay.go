package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/web/api"
)

// overlayFlag adds --overlay to a command that reads a national base.
func overlayFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "overlay", "", "folder of what the district has otherwise (default: the overlay in force)")
}

// readOverlay reads an overlay's folder; no name is no overlay.
func readOverlay(dir string) (*catalogue.Overlay, error) {
	if dir == "" {
		return nil, nil
	}
	fsys, err := folder(dir)
	if err != nil {
		return nil, err
	}
	files, found := catalogue.Files(fsys)
	if len(found) == 0 {
		var o *catalogue.Overlay
		if o, found = catalogue.ReadOverlay(files); len(found) == 0 {
			return o, nil
		}
	}
	return nil, catalogue.FindingsError("catalogue.overlay", found)
}

// originInForce returns what the release in force was composed of, and the overlay in it; nil
// where it was none.
func originInForce(ctx context.Context, r *reach, prev *dcat.Set) (*api.Origin, *catalogue.Overlay, error) {
	if len(prev.Release.Origin) == 0 {
		return nil, nil, nil
	}
	origin := new(api.Origin)
	if err := r.call(ctx, api.Call{Path: api.OriginPath, Out: origin}); err != nil {
		return nil, nil, err
	}
	if origin.District == "" {
		return nil, nil, fault.New("catalogue.publish", fault.Conflict, "overlay", "the release in force lies on a base, and this hub has lost the overlay with which it was composed: name it with --overlay")
	}
	o, found := catalogue.ReadOverlay(filesOf(origin))
	return origin, o, catalogue.FindingsError("catalogue.publish", found)
}

// A mixture is what a release is composed of.
type mixture struct {
	files   fs.FS
	overlay *catalogue.Overlay // Nil: the one in force, if any.
	signer  []byte
}

// A brew is the next release, and whence its values came: a nil origin without an overlay.
type brew struct {
	set    *dcat.Set
	origin *dcat.Origin

	// What the overlay that is in force may not say over this base; set is nil then.
	blocked *api.BlockedBase
}

// compose makes the next release of the files and the overlay.
func compose(ctx context.Context, r *reach, m *mixture, prev *dcat.Set) (*brew, error) {
	o := m.overlay
	var was *api.Origin
	if o == nil {
		var err error
		if was, o, err = originInForce(ctx, r, prev); err != nil {
			return nil, err
		}
	}
	if o == nil || o.Empty() {
		set, err := catalogue.Build(m.files, prev, time.Now())
		return &brew{set: set}, err
	}
	if was != nil && !catalogue.Whole(m.files) {
		return composePart(m, was, prev)
	}
	set, origin, found, err := catalogue.BuildOver(m.files, o, prev, m.signer, time.Now())
	if err != nil {
		return nil, err
	}
	if len(found) > 0 && was == nil {
		return nil, catalogue.FindingsError("catalogue.overlay", found)
	}
	if len(found) > 0 {
		source, err := catalogue.BaseOf(m.files)
		if err != nil {
			return nil, err
		}
		return &brew{blocked: blockedBy(source, found)}, nil
	}
	return &brew{set: set, origin: origin}, nil
}

// composePart makes the next release of services alone, below the overlay in force.
func composePart(m *mixture, was *api.Origin, prev *dcat.Set) (*brew, error) {
	const op = "catalogue.publish"
	sum := sha256.Sum256(was.Record)
	if !bytes.Equal(sum[:], prev.Release.Origin) {
		return nil, fault.New(op, fault.Conflict, "overlay", "an overlay is in force, and this hub does not hand out its whole record: update the hub, or publish the whole pack")
	}
	origin, err := catalogue.DecodeOrigin(was.Record)
	if err != nil {
		return nil, err
	}
	set, origin, found, err := catalogue.BuildPart(m.files, origin, prev, m.signer, time.Now())
	if err != nil {
		return nil, err
	}
	if len(found) > 0 {
		const what = "the district's overlay does not fit these services; nothing was published. Correct them, or the overlay, which goes with the whole pack:\n"
		return nil, fault.New(op, fault.Conflict, "overlay", what+catalogue.FindingsError(op, found).Error())
	}
	return &brew{set: set, origin: origin}, nil
}

// maxFindings is how many the hub keeps.
const maxFindings = 100

func blockedBy(base dcat.Source, found []catalogue.Finding) *api.BlockedBase {
	b := &api.BlockedBase{Edition: base.Edition, Hash: base.Hash.String()}
	for _, f := range found[:min(len(found), maxFindings)] {
		b.Findings = append(b.Findings, f.String())
	}
	return b
}

// tellBlocked leaves word at the hub that the district's overlay keeps a base out, and
// returns what the person is told.
func tellBlocked(ctx context.Context, r *reach, key string, b *api.BlockedBase) error {
	if err := r.call(ctx, api.Call{Method: http.MethodPost, Path: api.BlockedPath, Key: key + "/blocked", In: b, Out: new(api.Done)}); err != nil {
		return err
	}
	return blockedError(b)
}

func blockedError(b *api.BlockedBase) error {
	const what = "the district's overlay does not fit this base; nothing was published, and the release in force stays. Correct the overlay and publish with --overlay:\n"
	return fault.New("catalogue.publish", fault.Conflict, "base edition "+count(b.Edition), what+strings.Join(b.Findings, "\n"))
}

func catalogueOverlayCmd() *cobra.Command {
	var r reach
	var out output
	var dir string
	cmd := &cobra.Command{
		Use: "overlay", Short: "Show what the district has otherwise than the national base", Args: cobra.NoArgs,
		Long: `Shows each field that the release in force has otherwise than the national base below it:
the base's value, the district's, and why. With --write it writes the overlay's files into a
folder, to be changed there and published with catalogue publish --overlay.`,
		Example: "  kendro catalogue overlay --dir hub --write jashore-overlay",
		RunE: func(cmd *cobra.Command, _ []string) error {
			origin := new(api.Origin)
			if err := r.call(cmd.Context(), api.Call{Path: api.OriginPath, Out: origin}); err != nil {
				return err
			}
			if dir != "" {
				if err := writeFiles(dir, origin); err != nil {
					return err
				}
			}
			return out.print(cmd.OutOrStdout(), origin, func() *table { return originTable(origin) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	cmd.Flags().StringVar(&dir, "write", "", "folder that does not exist yet, for the overlay's files")
	return cmd
}

func originTable(o *api.Origin) *table {
	if o.District == "" {
		t := &table{}
		t.add("no overlay is in force")
		return t
	}
	t := columns("SERVICE", "FIELD", "BASE", "DISTRICT", "REASON")
	for _, f := range o.Fields {
		t.add(f.Service, f.Field, f.Base, f.Value, f.Reason)
	}
	t.add("base edition "+count(o.Base.Edition), answered(o.Base))
	for _, p := range o.Parts {
		t.add("since then "+strings.Join(p.Services, ", "), answered(p.Source))
	}
	t.add("overlay of "+o.District, answered(o.Overlay))
	return t
}

func answered(s api.Source) string {
	how := "signed with the release by"
	if s.Sealed {
		how = "sealed by"
	}
	return fmt.Sprintf("%.16s %s %.16s", s.Hash, how, s.Signer)
}

// writeFiles writes the files of the overlay in force into a new folder.
func writeFiles(dir string, o *api.Origin) error {
	const op = "catalogue.overlay"
	if len(o.Files) == 0 {
		return fault.New(op, fault.NotFound, "overlay", "no overlay is in force: begin one with an overlay.yaml")
	}
	if _, err := os.Lstat(dir); err == nil {
		return fault.New(op, fault.Conflict, dir, "is there already: name another folder")
	}
	return putFiles(dir, filesOf(o))
}

// filesOf are the files of the overlay in force.
func filesOf(o *api.Origin) []dcat.File {
	files := make([]dcat.File, len(o.Files))
	for i, f := range o.Files {
		files[i] = dcat.File{Name: f.Name, Text: f.Text}
	}
	return files
}

// putFiles writes an overlay's files into a folder, and takes a seal away that is not among
// them: it fits no more.
func putFiles(dir string, files []dcat.File) error {
	const op = "catalogue.overlay"
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if !fs.ValidPath(f.Name) {
			return fault.New(op, fault.Damaged, f.Name, "not the name of a file in a folder")
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // Sources of a catalogue are no secret.
			return fault.Wrap(op, fault.Unavailable, "", err)
		}
		if err := os.WriteFile(name, f.Text, 0o644); err != nil { //nolint:gosec // As above.
			return fault.Wrap(op, fault.Unavailable, "", err)
		}
	}
	if slices.ContainsFunc(files, func(f dcat.File) bool { return f.Name == catalogue.SealFile }) {
		return nil
	}
	err := os.Remove(filepath.Join(dir, catalogue.SealFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(op, fault.Unavailable, "", err)
	}
	return nil
}

func catalogueSealCmd() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use: "seal FOLDER", Short: "Sign a pack or an overlay as it is", Args: cobra.ExactArgs(1),
		Long: `Writes the file SEAL into a folder: the signature of a key over all its files. Whoever
publishes the folder with one file changed since is refused, and the release keeps who
sealed the base and who the overlay.`,
		Example: "  kendro catalogue seal bd-pack --key national.key",
		RunE: func(_ *cobra.Command, args []string) error {
			fsys, err := folder(args[0])
			if err != nil {
				return err
			}
			signer, err := signingKey(&reach{}, key)
			if err != nil {
				return err
			}
			return seal(args[0], fsys, signer)
		},
	}
	keyFlag(cmd, &key)
	_ = cmd.MarkFlagRequired("key") // The flag is there.
	return cmd
}

func seal(dir string, fsys fs.FS, signer ed25519.PrivateKey) error {
	text, err := catalogue.Seal(fsys, signer)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, catalogue.SealFile)
	if err := os.WriteFile(name, text, 0o644); err != nil { //nolint:gosec // It is as public as what it seals.
		return fault.Wrap("catalogue.seal", fault.Unavailable, "", err)
	}
	return nil
}
