package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kendro/web/api"
)

func deskFindCmd() *cobra.Command {
	var r reach
	var out output
	var fields []string
	var limit int
	cmd := &cobra.Command{
		Use: "find [TEXT]", Short: "Find applications by number, mobile, identifier, name or a field of the form", Args: cobra.MaximumNArgs(1),
		Example: "  kendro desk find karim --field khatian_no:123 --url http://127.0.0.1:8081 --session officer.session",
		RunE: func(cmd *cobra.Command, args []string) error {
			q := url.Values{"field": fields, "limit": {strconv.Itoa(limit)}}
			if len(args) == 1 {
				q.Set("q", args[0])
			}
			return printFound(cmd, &r, &out, "/v1/search?"+q.Encode())
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	cmd.Flags().StringArrayVar(&fields, "field", nil, "a field of the form and what it says, such as khatian_no:123; may be repeated")
	cmd.Flags().IntVar(&limit, "limit", 20, "at most so many, to 100")
	return cmd
}

func deskSimilarCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "similar NUMBER", Short: "List cases of people who may be the applicant of this one", Args: cobra.ExactArgs(1),
		Example: "  kendro desk similar 4100101234567890 --url http://127.0.0.1:8081 --session officer.session",
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := receiveNumber(args[0])
			if err != nil {
				return err
			}
			return printFound(cmd, &r, &out, "/v1/cases/"+n.String()+"/similar")
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

func deskRelateCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	var in api.TieRequest
	cmd := &cobra.Command{
		Use: "relate NUMBER OTHER", Short: "Say whether the applicants of two cases are one person", Args: cobra.ExactArgs(2),
		Long: `Say whether the applicants of two cases are one person, different people, or,
with open, take back what was said. Neither case changes; what was said before
stays readable in desk similar.`,
		Example: `  kendro desk relate 4100101234567890 4100121234567855 --verdict same --text "one card, two spellings" --url http://127.0.0.1:8081 --session officer.session`,
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := receiveNumber(args[0])
			if err != nil {
				return err
			}
			if in.Other, err = receiveNumber(args[1]); err != nil {
				return err
			}
			done := new(api.Done)
			if err := r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: "/v1/cases/" + n.String() + "/ties", Key: id.key(), In: in, Out: done}); err != nil {
				return id.explain(err)
			}
			return out.print(cmd.OutOrStdout(), done, func() *table {
				return pairs("number", n.Spaced(), "other", in.Other.Spaced(), "verdict", in.Verdict)
			})
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	cmd.Flags().StringVar(&in.Verdict, "verdict", "", "same, different or open")
	cmd.Flags().StringVar(&in.Text, "text", "", "what was seen")
	cmd.Flags().IntVar(&in.Saw, "saw", 0, "how many opinions on the two there were when you looked")
	return cmd
}

func printFound(cmd *cobra.Command, r *reach, out *output, path string) error {
	list := new(api.FoundList)
	if err := r.call(cmd.Context(), api.Call{Path: path, Out: list}); err != nil {
		return err
	}
	return out.print(cmd.OutOrStdout(), list, func() *table {
		explain(cmd.ErrOrStderr(), list)
		return foundTable(list)
	})
}

// explain says what a list leaves out.
func explain(w io.Writer, list *api.FoundList) {
	if list.More {
		_, _ = fmt.Fprintln(w, "there are more: add a word, a mobile or a field") // Nobody is told of a closed stderr.
	}
	if !list.Complete {
		_, _ = fmt.Fprintf(w, "the server's index is being built: it holds %d applications so far\n", list.Indexed)
	}
}

func foundTable(list *api.FoundList) *table {
	t := columns("NUMBER", "APPLICANT", "SERVICE", "STAGE", "SUBMITTED", "CENTRE", "LIKE")
	for _, f := range list.Found {
		like := strconv.Itoa(f.Fit)
		if f.Grade != "" {
			like = f.Grade + ": " + strings.Join(f.Because, ", ")
		}
		if v := f.Verdict(); v != "" {
			like = fmt.Sprintf("%s (an officer: %s, %d said)", like, v, len(f.Said))
		}
		t.add(f.Number.Spaced(), both(f.Applicant), both(f.Service.Name), f.Stage, when(f.SubmittedAt), f.Centre, like)
	}
	return t
}
