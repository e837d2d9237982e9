package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/web/api"
)

// A wish is what the flags of catalogue propose say.
type wish struct {
	service, field, value, bn, en, was, reason string
}

func catalogueProposeCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	var w wish
	cmd := &cobra.Command{
		Use: "propose SERVICE", Short: "Propose another value for a field of a service", Args: cobra.ExactArgs(1),
		Long: `Proposes, for one's own office, that a field of a service be otherwise: one of those that
a district's overlay may change. It changes nothing by itself: whoever publishes the
catalogue puts what is accepted into the overlay, and catalogue proposals says what came of
it. Another proposal on the same field takes the place of the one before.`,
		Example: `  kendro catalogue propose land-record-copy --field sla_days --value 4 --reason "the desk is quick" --url http://127.0.0.1:8081 --session officer.session
  kendro catalogue propose land-record-copy --field form.mouza.help --bn "খতিয়ানে যেমন আছে" --en "As on the khatian" --reason "people ask" --url http://127.0.0.1:8081 --session officer.session`,
		RunE: func(cmd *cobra.Command, args []string) error {
			w.service = args[0]
			p, err := propose(cmd.Context(), &r, id.key(), &w)
			if err != nil {
				return id.explain(err)
			}
			return out.print(cmd.OutOrStdout(), p, func() *table { return pairs("proposal", p.ID, "state", p.State) })
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	cmd.Flags().StringVar(&w.field, "field", "", "which field, such as sla_days")
	cmd.Flags().StringVar(&w.value, "value", "", "what it should be: a number, the code of a post, true, or JSON")
	cmd.Flags().StringVar(&w.bn, "bn", "", "of words: in Bangla")
	cmd.Flags().StringVar(&w.en, "en", "", "of words: in English")
	cmd.Flags().StringVar(&w.was, "was", "", "what you saw there, where that was not now (default: what is in force)")
	cmd.Flags().StringVar(&w.reason, "reason", "", "why")
	for _, name := range []string{"field", "reason"} {
		_ = cmd.MarkFlagRequired(name) // The flag is there.
	}
	return cmd
}

// typedValue reads a value as a person types it.
func typedValue(text string) (string, error) {
	if json.Valid([]byte(text)) {
		return text, nil
	}
	b, err := json.Marshal(text)
	return string(b), err
}

func propose(ctx context.Context, r *reach, key string, w *wish) (*api.Proposal, error) {
	list, now := new(api.Catalogue), new(api.ServiceVersions)
	if err := r.call(ctx, api.Call{Path: "/v1/catalogue", Out: list}); err != nil {
		return nil, err
	}
	if err := r.call(ctx, api.Call{Path: "/v1/catalogue/" + w.service, Out: now}); err != nil {
		return nil, err
	}
	in := &api.ProposalRequest{Service: w.service, Field: w.field, Reason: w.reason, Release: list.Release}
	var err error
	if w.bn != "" || w.en != "" {
		var b []byte
		b, err = json.Marshal(place.Name{BN: w.bn, EN: w.en})
		in.Value = string(b)
	} else {
		in.Value, err = typedValue(w.value)
	}
	if err != nil {
		return nil, err
	}
	in.Was, _ = catalogue.FieldOf(now.Current, w.field) // Where there is none, the hub says which there are.
	if w.was != "" {
		if in.Was, err = typedValue(w.was); err != nil {
			return nil, err
		}
	}
	done := new(api.Proposal)
	err = r.call(ctx, api.Call{Method: http.MethodPost, Path: api.ProposalsPath, Key: key, In: in, Out: done})
	return done, err
}

func catalogueProposalsCmd() *cobra.Command {
	var r reach
	var out output
	var dir string
	var base int
	cmd := &cobra.Command{
		Use: "proposals", Short: "List what offices propose, and what came of it", Args: cobra.NoArgs,
		Long: `Lists the proposals of one's own office, or all for who publishes. Those on one field that
ask for one value merge by themselves; two values, or a field that has changed since, are a
conflict, which catalogue settle ends.

With --write what has merged or was accepted goes into the overlay in that folder, which is
made of the overlay in force, or anew over --base, where it is not there. Check it with
catalogue lint, and publish it with catalogue publish --overlay.`,
		Example: "  kendro catalogue proposals --dir hub --write jashore-overlay",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := new(api.ProposalList)
			if err := r.call(cmd.Context(), api.Call{Path: api.ProposalsPath, Out: list}); err != nil {
				return err
			}
			if dir != "" {
				if err := writeProposed(cmd.Context(), &r, list, dir, base); err != nil {
					return err
				}
			}
			return out.print(cmd.OutOrStdout(), list, func() *table { return proposalsTable(list) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	cmd.Flags().StringVar(&dir, "write", "", "folder of the overlay that takes what is agreed")
	cmd.Flags().IntVar(&base, "base", 1, "edition of the national base, where no overlay is in force")
	return cmd
}

func proposalsTable(list *api.ProposalList) *table {
	t := columns("PROPOSAL", "STATE", "SERVICE", "FIELD", "WAS", "VALUE", "OFFICE", "BY", "WHY")
	line := func(p api.Proposal, why string) {
		t.add(p.ID, p.State, p.Service, p.Field, p.Was, p.Value, p.Office, p.By, why)
	}
	for _, f := range list.Fields {
		for _, p := range f.Proposals {
			why := p.Reason
			if f.Conflict != "" {
				why = f.Conflict + ", in force is " + f.Has + ": " + why
			}
			line(p, why)
		}
	}
	for _, p := range list.Settled {
		why := p.Words
		if p.Since > 0 {
			why = "in force since release " + count(p.Since)
		}
		line(p, why)
	}
	return t
}

// writeProposed puts what is agreed into the overlay of a folder.
func writeProposed(ctx context.Context, r *reach, list *api.ProposalList, dir string, base int) error {
	var agreed []catalogue.Amendment
	for _, f := range list.Fields {
		if f.Conflict == "" {
			p := f.Proposals[0]
			agreed = append(agreed, catalogue.Amendment{Service: f.Service, Field: f.Field, Was: f.Has, Value: f.Value, Reason: p.Reason, Proposal: p.ID})
		}
	}
	if len(agreed) == 0 {
		return fault.New("catalogue.proposals", fault.NotFound, dir, "nothing is agreed that waits for a release: settle the conflicts first")
	}
	files, err := overlayAt(ctx, r, dir, base)
	if err != nil {
		return err
	}
	if files, err = catalogue.Amend(files, agreed); err != nil {
		return err
	}
	return putFiles(dir, files)
}

// overlayAt returns the files of the overlay in a folder; where there is none, those of the
// one in force, or of a new one.
func overlayAt(ctx context.Context, r *reach, dir string, base int) ([]dcat.File, error) {
	if _, err := os.Stat(dir); err == nil {
		files, found := catalogue.Files(os.DirFS(dir))
		return files, catalogue.FindingsError("catalogue.proposals", found)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap("catalogue.proposals", fault.Unavailable, "", err)
	}
	origin := new(api.Origin)
	if err := r.call(ctx, api.Call{Path: api.OriginPath, Out: origin}); err != nil {
		return nil, err
	}
	if origin.District != "" {
		return filesOf(origin), nil
	}
	status := new(api.HubStatus)
	err := r.call(ctx, api.Call{Path: "/v1/status", Out: status})
	return catalogue.NewOverlay(status.District, base), err
}

func catalogueSettleCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	in := api.ChoiceRequest{}
	decline := false
	cmd := &cobra.Command{
		Use: "settle", Short: "Say what comes of the proposals on a field", Args: cobra.NoArgs,
		Long: `Accepts one of the proposals that wait on a field of a service and declines those that ask
for another value, or declines all of them. Who proposed reads the reason. What is accepted
waits for catalogue proposals --write and the next release.`,
		Example: `  kendro catalogue settle --service land-record-copy --field sla_days --accept 412-1 --reason "as the DC decided" --dir hub`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if decline == (in.Accept != "") {
				return fault.New("catalogue.settle", fault.Invalid, in.Field, "want --accept PROPOSAL or --decline")
			}
			done := new(api.Done)
			err := r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: api.ProposalsPath + "/settle", Key: id.key(), In: in, Out: done})
			if err != nil {
				return id.explain(err)
			}
			return out.print(cmd.OutOrStdout(), done, func() *table { return pairs("settled", in.Service+" "+in.Field) })
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	cmd.Flags().StringVar(&in.Service, "service", "", "the service")
	cmd.Flags().StringVar(&in.Field, "field", "", "its field")
	cmd.Flags().StringVar(&in.Accept, "accept", "", "the proposal that counts")
	cmd.Flags().BoolVar(&decline, "decline", false, "none of them")
	cmd.Flags().StringVar(&in.Reason, "reason", "", "why, for those who proposed")
	for _, name := range []string{"service", "field", "reason"} {
		_ = cmd.MarkFlagRequired(name) // The flag is there.
	}
	return cmd
}
