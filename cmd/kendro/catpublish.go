package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"io/fs"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

func catalogueDiffCmd() *cobra.Command {
	var r reach
	var out output
	var overlay string
	cmd := &cobra.Command{
		Use: "diff FOLDER", Short: "Say what publishing a folder would change", Args: cobra.ExactArgs(1),
		Example: "  kendro catalogue diff jashore-services --dir hub",
		RunE: func(cmd *cobra.Command, args []string) error {
			fsys, err := folder(args[0])
			if err != nil {
				return err
			}
			o, err := readOverlay(overlay)
			if err != nil {
				return err
			}
			changes, err := difference(cmd.Context(), &r, &mixture{files: fsys, overlay: o})
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), changes, func() *table { return changesTable(changes) })
		},
	}
	r.publicFlags(cmd)
	out.flag(cmd)
	overlayFlag(cmd, &overlay)
	return cmd
}

// difference returns what a release built from the folder would change; nothing
// where it equals the one in force.
func difference(ctx context.Context, r *reach, m *mixture) ([]catalogue.Change, error) {
	prev, err := inForce(ctx, r)
	if err != nil {
		return nil, err
	}
	next, err := compose(ctx, r, m, prev)
	if fault.KindOf(err) == fault.Conflict {
		return []catalogue.Change{}, nil
	}
	if err != nil {
		return nil, err
	}
	if next.blocked != nil {
		return nil, blockedError(next.blocked)
	}
	return catalogue.Diff(prev, next.set), nil
}

func changesTable(changes []catalogue.Change) *table {
	t := &table{}
	for _, c := range changes {
		t.add(c.String())
	}
	if len(changes) == 0 {
		t.add("nothing differs")
	}
	return t
}

// A published release is what kendro catalogue publish prints.
type published struct {
	api.PublishAnswer
	Changes []catalogue.Change `json:"changes"`

	// Moved are fields that the base has changed since the overlay was written.
	Moved []string `json:"moved,omitempty"`
}

func cataloguePublishCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	var key, overlay string
	var trial trialFlags
	cmd := &cobra.Command{
		Use: "publish FOLDER", Short: "Build, sign and publish the next release", Args: cobra.ExactArgs(1),
		Long: `Builds the next release from a folder on top of the one in force, signs it with the
catalogue's key and publishes it at the hub. A folder without pack.yaml changes and
adds the services that it holds and leaves the rest.

With --trial it is in force at one centre alone. Once it has gone well there for the
time of --for, it is for all; where the box can't work with it, or one field or rule
of a service that it changes has refused more than --errors attempts, and more than
were filed, it is halted and hub status says so.

With --overlay the folder is a national base, and what the district has otherwise comes
on it within the bounds that the base declares. A later base is published without naming
the overlay: the one in force comes on it, or, where it no longer fits, nothing is
published and catalogue status says what has to change.`,
		Example: `  kendro catalogue publish jashore-services --dir hub
  kendro catalogue publish jashore-services --trial 41-09-17 --for 24h --dir hub`,
		RunE: func(cmd *cobra.Command, args []string) error {
			fsys, err := folder(args[0])
			if err != nil {
				return err
			}
			signer, err := signingKey(&r, key)
			if err != nil {
				return err
			}
			order, err := trial.order()
			if err != nil {
				return err
			}
			o, err := readOverlay(overlay)
			if err != nil {
				return err
			}
			done, err := publish(cmd.Context(), &r, id.key(), &edition{fsys, o, signer, order})
			if err != nil {
				return id.explain(err)
			}
			return out.print(cmd.OutOrStdout(), done, func() *table { return publishedTable(done) })
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	keyFlag(cmd, &key)
	overlayFlag(cmd, &overlay)
	trial.flags(cmd)
	return cmd
}

// trialFlags are those of a trial.
type trialFlags struct {
	centre string
	wait   time.Duration
	errors uint64
}

func (t *trialFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&t.centre, "trial", "", "centre at which the release is in force before all others")
	cmd.Flags().DurationVar(&t.wait, "for", 24*time.Hour, "how long it has to go well there")
	cmd.Flags().Uint64Var(&t.errors, "errors", 10, "attempts that one place of a service may refuse there")
}

// order is nil without a trial.
func (t *trialFlags) order() (*api.TrialOrder, error) {
	if t.centre == "" {
		return nil, nil
	}
	if t.wait < time.Second || t.errors < 1 {
		return nil, fault.New("catalogue.publish", fault.Invalid, t.wait.String(), "want --for of a second or more, such as 24h, and --errors of 1 or more")
	}
	return &api.TrialOrder{Centre: t.centre, Seconds: int64(t.wait / time.Second), Errors: t.errors}, nil
}

// An edition is what a release is made of.
type edition struct {
	files   fs.FS
	overlay *catalogue.Overlay // Nil: the one in force, if any.
	signer  ed25519.PrivateKey
	trial   *api.TrialOrder // Nil for all boxes at once.
}

func publish(ctx context.Context, r *reach, key string, e *edition) (*published, error) {
	prev, err := forNext(ctx, r)
	if err != nil {
		return nil, err
	}
	public, ok := e.signer.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fault.New("catalogue.publish", fault.Internal, "", "the key has no public half")
	}
	next, err := compose(ctx, r, &mixture{files: e.files, overlay: e.overlay, signer: public}, prev)
	if err != nil {
		return nil, err
	}
	if next.blocked != nil {
		return nil, tellBlocked(ctx, r, key, next.blocked)
	}
	in, err := parcel(prev, next.set, e.signer)
	if err != nil {
		return nil, err
	}
	in.Trial = e.trial
	done := &published{Changes: catalogue.Diff(prev, next.set)}
	if next.origin != nil {
		if in.Origin, err = catalogue.EncodeOrigin(next.origin); err != nil {
			return nil, err
		}
		done.Moved = catalogue.Moved(next.origin.Fields)
	}
	err = r.call(ctx, api.Call{Method: http.MethodPost, Path: "/v1/catalogue", Key: key, In: in, Out: &done.PublishAnswer})
	return done, err
}

// parcel is what the hub lacks of the next release, and the release, signed.
func parcel(prev, next *dcat.Set, signer ed25519.PrivateKey) (*api.PublishRequest, error) {
	signed, err := catalogue.Sign(&next.Release, signer)
	if err != nil {
		return nil, err
	}
	in := &api.PublishRequest{Signed: protocol.Marshal(&signed), Versions: []api.Bytes{}}
	versions, err := catalogue.Kindred(next.Since(prev))
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		b, err := catalogue.EncodeVersion(v)
		if err != nil {
			return nil, err
		}
		in.Versions = append(in.Versions, b)
	}
	if len(prev.Bounds) == 0 || !bytes.Equal(next.Release.Bounds, prev.Release.Bounds) {
		in.Bounds = next.Bounds
	}
	if next.Release.Directory != prev.Release.Directory {
		in.Directory, err = catalogue.EncodeDirectory(next.Directory)
	}
	return in, err
}
