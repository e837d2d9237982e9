package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"kendro/domain/place"
	"kendro/web/api"
)

func deskDoublesCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "doubles", Short: "List open cases that are likely one person's twice", Args: cobra.NoArgs,
		Long: `List open cases of one service that are likely one person's twice, of your
office or area, the strongest first, with what agrees and what does not. A pair
leaves the list when an officer has said of the two what he found (desk relate),
or when either ends. Where not all open cases are compared yet, stderr says so.`,
		Example: "  kendro desk doubles --url http://127.0.0.1:8081 --session officer.session",
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := &api.DoubleList{Doubles: []api.Double{}}
			err := pages(cmd.Context(), &r, api.DoublesPath, url.Values{}, func(page *api.DoubleList) string {
				next := page.Next
				page.Doubles, page.Next = append(all.Doubles, page.Doubles...), ""
				*all = *page
				return next
			})
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), all, func() *table {
				if !all.Complete { // Nobody is told of a closed stderr.
					_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "not all are compared yet: %d of %d open cases, %d applications in the server's index; ask again\n", all.Compared, all.Open, all.Indexed)
				}
				return doublesTable(all)
			})
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

func doublesTable(list *api.DoubleList) *table {
	t := columns("LATER", "EARLIER", "SERVICE", "APPLICANT", "OF THE EARLIER", "LIKE", "DESK")
	for _, d := range list.Doubles {
		like := d.Grade + ": " + strings.Join(d.Because, ", ")
		if len(d.Identifiers) > 0 {
			like += " (" + strings.Join(d.Identifiers, ", ") + ")"
		}
		t.add(d.Later.Number.Spaced(), d.Earlier.Number.Spaced(), both(d.Service.Name), applicantName(d.Later.Applicant), applicantName(d.Earlier.Applicant), like, d.Later.Seat)
	}
	return t
}

// applicantName is an applicant's name, and a dash for one that is not shown.
func applicantName(n *place.Name) string {
	if n == nil {
		return "-"
	}
	return both(*n)
}
