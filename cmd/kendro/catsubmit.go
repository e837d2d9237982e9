package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

func agencyKeyCmd() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use: "key FILE", Short: "Make the key of an editor", Args: cobra.ExactArgs(1),
		Long: `Writes a fresh key to a file that only you can read, and prints its public half for
whoever adds the agency. The file never leaves the editor.`,
		Example: "  kendro catalogue agency key salma.key",
		RunE: func(cmd *cobra.Command, args []string) error {
			public, err := editorKey(args[0])
			if err != nil {
				return err
			}
			done := struct {
				Key string `json:"key"`
			}{public}
			return out.print(cmd.OutOrStdout(), done, func() *table { return pairs("key", public) })
		},
	}
	out.flag(cmd)
	return cmd
}

// editorKey writes a fresh key to a file that isn't there, and returns its public half.
func editorKey(file string) (string, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", fault.Wrap("catalogue.agency", fault.Internal, "key", err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fault.Wrap("catalogue.agency", fault.Invalid, file, err)
	}
	_, err = f.Write(private.Seed())
	if done := f.Close(); err == nil {
		err = done
	}
	return base64.RawURLEncoding.EncodeToString(public), fault.Wrap("catalogue.agency", fault.Stopped, file, err)
}

func agencySubmitCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	var key, note string
	var withdraw []string
	cmd := &cobra.Command{
		Use: "submit CODE [FOLDER]", Short: "Submit an agency's services, as one of its editors", Args: cobra.RangeArgs(1, 2),
		Long: `Lints the services of a folder (without pack.yaml) against the catalogue in force,
numbers those that differ, signs them with the editor's key and hands them to the hub,
where they wait until the district accepts or refuses them. All of them have to be in the
agency's namespace: their IDs begin with CODE and a dot. It needs no login. What is
submitted next takes the place of what still waits.`,
		Example: "  kendro catalogue agency submit bmet bmet-services --key salma.key --url http://127.0.0.1:8081",
		RunE: func(cmd *cobra.Command, args []string) error {
			signer, err := catalogueKey(key)
			if err != nil {
				return err
			}
			sub := &dcat.Submission{Agency: args[0], Withdraw: withdraw, At: time.Now().Unix(), Note: note}
			var fsys fs.FS
			if len(args) > 1 {
				if fsys, err = folder(args[1]); err != nil {
					return err
				}
			}
			done, err := submit(cmd.Context(), &r, id.key(), sub, &edition{files: fsys, signer: signer})
			if err != nil {
				return id.explain(err)
			}
			return out.print(cmd.OutOrStdout(), done, func() *table {
				t := pairs("submitted", args[0]+" "+strconv.Itoa(int(done.Number)), "id", done.ID.String())
				for _, e := range sub.Services {
					t.add(e.ID, "version "+strconv.Itoa(e.Version))
				}
				return t
			})
		},
	}
	r.publicFlags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	cmd.Flags().StringVar(&key, "key", "", "file with the editor's key")
	cmd.Flags().StringVar(&note, "note", "", "what it is about, for the district")
	cmd.Flags().StringArrayVar(&withdraw, "withdraw", nil, "ID of a service of the agency that is no longer offered")
	require(cmd, "key")
	return cmd
}

func agencyStatusCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "status CODE ID", Short: "Say what became of a submission, to who made it", Args: cobra.ExactArgs(2),
		Long: `Says whether a submission waits, or was accepted, refused or replaced, by whom and why. ID
is what kendro catalogue agency submit printed; who has it needs no login.`,
		Example: "  kendro catalogue agency status bmet ID --url http://127.0.0.1:8081",
		RunE: func(cmd *cobra.Command, args []string) error {
			sub := new(api.Submission)
			path := api.AgenciesPath + "/" + url.PathEscape(args[0]) + "/submissions/" + url.PathEscape(args[1])
			if err := r.call(cmd.Context(), api.Call{Path: path, Out: sub}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), sub, func() *table {
				t := pairs("submission", args[0]+" "+strconv.Itoa(int(sub.Number)), "state", sub.State, "came", when(sub.Came), "by", sub.By, "reason", sub.Reason)
				if sub.Release > 0 {
					t.add("release", strconv.Itoa(sub.Release))
				}
				return t
			})
		},
	}
	r.publicFlags(cmd)
	out.flag(cmd)
	return cmd
}

// submit signs what differs in a folder, nil for none, and hands it in.
func submit(ctx context.Context, r *reach, key string, sub *dcat.Submission, e *edition) (*api.SubmissionAnswer, error) {
	in := api.SubmissionRequest{Versions: []api.Bytes{}}
	if e.files != nil {
		prev, err := inForce(ctx, r)
		if err != nil {
			return nil, err
		}
		versions, err := catalogue.Submit(e.files, sub.Agency, prev)
		if err != nil {
			return nil, err
		}
		for _, v := range versions {
			raw, err := catalogue.EncodeVersion(v)
			if err != nil {
				return nil, err
			}
			in.Versions = append(in.Versions, raw)
			sub.Services = append(sub.Services, dcat.Entry{ID: v.ID, Version: v.Number, Hash: v.Hash})
		}
	}
	signed, err := catalogue.SignSubmission(sub, e.signer)
	if err != nil {
		return nil, err
	}
	in.Signed = protocol.Marshal(&signed)
	done := new(api.SubmissionAnswer)
	return done, r.call(ctx, api.Call{Method: http.MethodPost, Path: api.AgenciesPath + "/" + sub.Agency + "/submissions", Key: key, In: in, Out: done})
}

func agencyAcceptCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	var key string
	var trial trialFlags
	cmd := &cobra.Command{
		Use: "accept CODE", Short: "Publish what an agency submitted", Args: cobra.ExactArgs(1),
		Long: `Checks the signatures of what an agency submitted, builds the next release from it on
top of the one in force, signs it with the catalogue's key and publishes it. With
--trial it is in force at one centre first, as with kendro catalogue publish.`,
		Example: "  kendro catalogue agency accept bmet --dir hub",
		RunE: func(cmd *cobra.Command, args []string) error {
			signer, err := signingKey(&r, key)
			if err != nil {
				return err
			}
			order, err := trial.order()
			if err != nil {
				return err
			}
			done, err := accept(cmd.Context(), &r, id.key(), args[0], &edition{signer: signer, trial: order})
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
	trial.flags(cmd)
	return cmd
}

// accept publishes what waits of an agency. It believes the hub nothing: the catalogue's
// key has to have given the agency its namespace, and an editor's the versions.
func accept(ctx context.Context, r *reach, key, code string, e *edition) (*published, error) {
	const op = "catalogue.accept"
	waits := new(api.WaitingSubmission)
	if err := r.call(ctx, api.Call{Path: api.AgenciesPath + "/" + code + "/waiting", Out: waits}); err != nil {
		return nil, err
	}
	sub, editor, err := waitingOf(waits, e.signer)
	if err != nil {
		return nil, err
	}
	prev, err := forNext(ctx, r)
	if err != nil {
		return nil, err
	}
	var versions []*dcat.Version
	for _, entry := range sub.Services {
		v, err := versionOf(waits, entry)
		if err != nil {
			return nil, err
		}
		if found := catalogue.CheckVersion(v, prev); len(found) > 0 {
			return nil, fault.New(op, fault.Invalid, v.ID, found[0].Text)
		}
		versions = append(versions, v)
	}
	next, err := catalogue.Accept(sub, versions, prev, time.Now(), "submitted by "+editor+" for "+code)
	if err != nil {
		return nil, err
	}
	in, err := parcel(prev, next, e.signer)
	if err != nil {
		return nil, err
	}
	in.Trial = e.trial
	done := &published{Changes: catalogue.Diff(prev, next)}
	return done, r.call(ctx, api.Call{Method: http.MethodPost, Path: "/v1/catalogue", Key: key, In: in, Out: &done.PublishAnswer})
}

// waitingOf checks both signatures of a submission and returns it with its editor's name.
func waitingOf(w *api.WaitingSubmission, signer ed25519.PrivateKey) (*dcat.Submission, string, error) {
	trusted, _ := signer.Public().(ed25519.PublicKey)
	var told, signed catalogue.Signed
	if err := protocol.Unmarshal(w.Agency, api.SmallBody, "agency", &told); err != nil {
		return nil, "", err
	}
	a, err := catalogue.OpenAgency(told, trusted)
	if err != nil {
		return nil, "", err
	}
	if err := protocol.Unmarshal(w.Signed, api.SmallBody, "submission", &signed); err != nil {
		return nil, "", err
	}
	sub, editor, err := catalogue.OpenSubmission(signed, a)
	return sub, editor.Name, err
}

// versionOf is the version that a submission names, among those that came with it.
func versionOf(w *api.WaitingSubmission, e dcat.Entry) (*dcat.Version, error) {
	for _, raw := range w.Versions {
		if v, err := catalogue.DecodeVersion(raw); err == nil && v.Hash == e.Hash && v.ID == e.ID && v.Number == e.Version {
			return v, nil
		}
	}
	return nil, fault.New("catalogue.accept", fault.Damaged, e.ID, "the hub doesn't hold the version that the editor signed")
}
