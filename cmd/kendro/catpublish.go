package main

import (
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
	cmd := &cobra.Command{
		Use: "diff FOLDER", Short: "Say what publishing a folder would change", Args: cobra.ExactArgs(1),
		Example: "  kendro catalogue diff jashore-services --dir hub",
		RunE: func(cmd *cobra.Command, args []string) error {
			fsys, err := folder(args[0])
			if err != nil {
				return err
			}
			changes, err := difference(cmd.Context(), &r, fsys)
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), changes, func() *table { return changesTable(changes) })
		},
	}
	r.publicFlags(cmd)
	out.flag(cmd)
	return cmd
}

// difference returns what a release built from the folder would change; nothing
// where it equals the one in force.
func difference(ctx context.Context, r *reach, fsys fs.FS) ([]catalogue.Change, error) {
	prev, err := inForce(ctx, r)
	if err != nil {
		return nil, err
	}
	next, err := catalogue.Build(fsys, prev, time.Now())
	if fault.KindOf(err) == fault.Conflict {
		return []catalogue.Change{}, nil
	}
	if err != nil {
		return nil, err
	}
	return catalogue.Diff(prev, next), nil
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
}

func cataloguePublishCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	var key string
	cmd := &cobra.Command{
		Use: "publish FOLDER", Short: "Build, sign and publish the next release", Args: cobra.ExactArgs(1),
		Long: `Builds the next release from a folder on top of the one in force, signs it with the
catalogue's key and publishes it at the hub. A folder without pack.yaml changes and
adds the services that it holds and leaves the rest.`,
		Example: "  kendro catalogue publish jashore-services --dir hub",
		RunE: func(cmd *cobra.Command, args []string) error {
			fsys, err := folder(args[0])
			if err != nil {
				return err
			}
			signer, err := signingKey(&r, key)
			if err != nil {
				return err
			}
			done, err := publish(cmd.Context(), &r, id.key(), fsys, signer)
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
	return cmd
}

func publish(ctx context.Context, r *reach, key string, fsys fs.FS, signer ed25519.PrivateKey) (*published, error) {
	prev, err := inForce(ctx, r)
	if err != nil {
		return nil, err
	}
	next, err := catalogue.Build(fsys, prev, time.Now())
	if err != nil {
		return nil, err
	}
	in, err := parcel(prev, next, signer)
	if err != nil {
		return nil, err
	}
	done := &published{Changes: catalogue.Diff(prev, next)}
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
	if next.Release.Directory != prev.Release.Directory {
		in.Directory, err = catalogue.EncodeDirectory(next.Directory)
	}
	return in, err
}
