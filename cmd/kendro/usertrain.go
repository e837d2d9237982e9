package main

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kendro/web/api"
)

func userTrainCmd() *cobra.Command {
	var r reach
	var id repeat
	var in api.TrainingRequest
	cmd := &cobra.Command{
		Use: "train NAME", Short: "Note what an entrepreneur was trained in", Args: cobra.ExactArgs(1),
		Long: `Notes a training of an entrepreneur, as the supervisor or officer who monitors the
centre. A service that asks for it is locked at the counter for who lacks it.
--withdraw takes one back.`,
		Example: `  kendro user train rahima --tag bmet-demo --on 2026-11-20 --certificate B-1042 --url http://127.0.0.1:8081 --session uno.session`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return id.explain(train(cmd.Context(), &r, id.key(), args[0], in))
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&in.Tag, "tag", "", "the training, as the pack declares it")
	f.StringVar(&in.On, "on", "", "day of the training, such as 2026-11-20")
	f.StringVar(&in.Where, "where", "", "place of the training")
	f.StringVar(&in.Certificate, "certificate", "", "number of the certificate")
	f.StringVar(&in.Until, "until", "", "last day on which it counts (default: for good)")
	f.BoolVar(&in.Withdrawn, "withdraw", false, "take it back")
	require(cmd, "tag")
	return cmd
}

func train(ctx context.Context, r *reach, key, name string, in api.TrainingRequest) error {
	return r.call(ctx, api.Call{Method: http.MethodPost, Path: "/v1/users/" + url.PathEscape(name) + "/training", Key: key, In: in})
}

func userTrainingCmd() *cobra.Command {
	var r reach
	var out output
	var area string
	var lacking bool
	cmd := &cobra.Command{
		Use: "training", Short: "Say who is trained in what, and who lacks what", Args: cobra.NoArgs,
		Example: "  kendro user training --lacking --url http://127.0.0.1:8081 --session uno.session",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := training(cmd.Context(), &r, area)
			if err != nil {
				return err
			}
			if lacking {
				list.People = slices.DeleteFunc(list.People, func(p api.TrainedPerson) bool { return len(p.Lacks) == 0 })
			}
			return out.print(cmd.OutOrStdout(), list, func() *table { return trainingTable(list) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	cmd.Flags().StringVar(&area, "area", "", "code of an area (default: your own)")
	cmd.Flags().BoolVar(&lacking, "lacking", false, "only those who lack what a service of their centre asks for")
	return cmd
}

// training reads every page of the list.
func training(ctx context.Context, r *reach, area string) (*api.TrainingList, error) {
	all := &api.TrainingList{People: []api.TrainedPerson{}}
	return all, pages(ctx, r, "/v1/training", url.Values{"area": {area}}, func(page *api.TrainingList) string {
		all.People = append(all.People, page.People...)
		return page.Next
	})
}

func trainingTable(list *api.TrainingList) *table {
	t := columns("NAME", "CENTRE", "HOLDS", "LACKS", "FILED WITHOUT")
	for _, p := range list.People {
		var holds, lacks []string
		for i, n := range p.Noted {
			if n.Withdrawn || slices.ContainsFunc(p.Noted[i+1:], func(x api.TrainingNote) bool { return x.Tag == n.Tag }) {
				continue
			}
			until := ""
			if n.Until != nil {
				until = " until " + day(n.Until)
			}
			holds = append(holds, n.Tag+until)
		}
		for _, g := range p.Lacks {
			lacks = append(lacks, g.Tag+" ("+strings.Join(g.Services, ", ")+")")
		}
		t.add(p.User, p.Centre, strings.Join(holds, "; "), strings.Join(lacks, "; "), count(p.FiledWithout))
	}
	return t
}
