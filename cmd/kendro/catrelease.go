package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

func catalogueStatusCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "status", Short: "Say which release is in force, and how one on trial fares", Args: cobra.NoArgs,
		Example: "  kendro catalogue status --dir hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := new(api.Releases)
			if err := r.call(cmd.Context(), api.Call{Path: api.ReleasesPath, Out: list}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), list, func() *table { return releasesTable(list) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

// shownReleases is how many releases a person is shown.
const shownReleases = 20

func releasesTable(list *api.Releases) *table {
	t := columns("RELEASE", "IN FORCE", "SERVICES", "BASE", "PUBLISHED", "NOTE", "HASH")
	for i, r := range list.Releases[:min(len(list.Releases), shownReleases)] {
		base := ""
		if r.Base > 0 {
			base = count(r.Base)
		}
		t.add(count(r.Release), yesNo(i == 0), count(r.Services), base, when(r.PublishedAt), r.Note, r.Hash)
	}
	if b := list.Blocked; b != nil {
		t.add(fmt.Sprintf("base edition %d was refused %s (%s): the district's overlay does not fit it, and the release in force stays", b.Edition, when(*b.At), b.By))
		for _, f := range b.Findings {
			t.add(f)
		}
	}
	if list.Trial != nil {
		trialLines(t, list.Trial)
	}
	return t
}

// trialLines says how the newest trial fares.
func trialLines(t *table, x *api.Trial) {
	say := func(format string, args ...any) { t.add(fmt.Sprintf(format, args...)) }
	say("release %d is on trial at %s since %s: it %s", x.Release, x.Centre, when(x.Began), x.State)
	switch {
	case x.State != "runs":
		say("ended %s by %s %s", when(*x.Ended), x.By, x.Reason)
	case x.Active == nil:
		say("the centre has not said yet that it is in force there")
	default:
		say("in force there since %s, last heard of %s; for all after %s if it goes well", when(*x.Active), when(*x.Heard), when(*x.Until))
	}
	for _, p := range x.Filed {
		say("%s: %d filed", p.Service, p.Count)
	}
	for _, p := range x.Refused {
		say("%s: %s refused %d", p.Service, p.Place, p.Count)
	}
}

func cataloguePromoteCmd() *cobra.Command {
	return trialWordCmd("promote", "Put the release on trial in force for all", `Puts the release on trial in force for all boxes without waiting for its time to end.`)
}

func catalogueHaltCmd() *cobra.Command {
	return trialWordCmd("halt", "Take the release on trial out of force", `Takes the release on trial out of force where it is tried. What was filed under it goes on
under it. Its number is not given out again.`)
}

// trialWordCmd ends the trial that runs.
func trialWordCmd(name, short, long string) *cobra.Command {
	var r reach
	var id repeat
	var out output
	var reason string
	var release int
	cmd := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs, Long: long,
		Example: "  kendro catalogue " + name + " --release 5 --dir hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			done := new(api.Done)
			err := r.call(cmd.Context(), api.Call{
				Method: http.MethodPost, Path: api.ReleasesPath + "/" + strconv.Itoa(release) + "/" + name, Key: id.key(),
				In: api.TrialWord{Reason: reason}, Out: done,
			})
			if err != nil {
				return id.explain(err)
			}
			return out.print(cmd.OutOrStdout(), done, func() *table { return pairs("release", count(release)) })
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	cmd.Flags().IntVar(&release, "release", 0, "number of the release on trial")
	if name == "halt" {
		cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	}
	_ = cmd.MarkFlagRequired("release") // The flag is there.
	return cmd
}

func catalogueRollbackCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	var key string
	var to int
	cmd := &cobra.Command{
		Use: "rollback", Short: "Put a former release in force again", Args: cobra.NoArgs,
		Long: `Signs and publishes a release that names the versions and the directory of a former
one. Boxes hold those already, so it costs them little; it takes effect at once and
whole, without a restart. A case goes on under the version that it was filed under.`,
		Example: "  kendro catalogue rollback --to 4 --dir hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			signer, err := signingKey(&r, key)
			if err != nil {
				return err
			}
			done, err := rollBack(cmd.Context(), &r, id.key(), to, signer)
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
	cmd.Flags().IntVar(&to, "to", 0, "number of the release (default: the one before the newest)")
	return cmd
}

// keyFlag adds --key to a command that signs a release.
func keyFlag(cmd *cobra.Command, key *string) {
	cmd.Flags().StringVar(key, "key", "", "file with the catalogue's key (default: catalogue.key in --dir)")
}

// signingKey reads the key that signs releases.
func signingKey(r *reach, key string) (ed25519.PrivateKey, error) {
	if key == "" && r.dir == "" {
		return nil, fault.New("kendro", fault.Invalid, "", "want --key FILE: the catalogue's key lies in the folder of the hub that made it")
	}
	if key == "" {
		key = filepath.Join(r.dir, catalogueKeyFile)
	}
	return catalogueKey(key)
}

func publishedTable(done *published) *table {
	t := changesTable(done.Changes)
	for _, line := range done.Moved {
		t.add(line)
	}
	t.add(fmt.Sprintf("release %d %s", done.Release, done.Hash))
	return t
}

// rollBack publishes what a former release put in force; 0 is the one before the
// newest.
func rollBack(ctx context.Context, r *reach, key string, to int, signer ed25519.PrivateKey) (*published, error) {
	prev, err := inForce(ctx, r)
	if err != nil {
		return nil, err
	}
	list := new(api.Releases)
	if err := r.call(ctx, api.Call{Path: api.ReleasesPath, Out: list}); err != nil {
		return nil, err
	}
	if to == 0 && len(list.Releases) < 2 {
		return nil, fault.New("catalogue.rollback", fault.NotFound, "", "there is no release before the one in force")
	}
	if to == 0 {
		to = list.Releases[1].Release
	}
	encoded := new(api.FormerRelease)
	if err := r.call(ctx, api.Call{Path: api.ReleasesPath + "/" + strconv.Itoa(to) + "?versions=true", Out: encoded}); err != nil {
		return nil, err
	}
	former, err := catalogue.DecodeRelease(encoded.Release)
	if err != nil {
		return nil, err
	}
	versions, err := api.DecodeVersions(encoded.Versions) // None from a hub of before: all of them came with prev.
	if err != nil {
		return nil, err
	}
	before := prev.Release
	before.Number = list.Next - 1 // That of a trial is not given out again.
	release, err := catalogue.Rollback(&before, former, time.Now())
	if err != nil {
		return nil, err
	}
	signed, err := catalogue.Sign(release, signer)
	if err != nil {
		return nil, err
	}
	next, err := dcat.NewSet(*release, prev.Directory, append(prev.Versions(), versions...))
	if err != nil {
		return nil, err
	}
	in := &api.PublishRequest{Signed: protocol.Marshal(&signed), Versions: []api.Bytes{}}
	done := &published{Changes: catalogue.Diff(prev, next)}
	err = r.call(ctx, api.Call{Method: http.MethodPost, Path: "/v1/catalogue", Key: key, In: in, Out: &done.PublishAnswer})
	return done, err
}
