package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kendro/protocol"
	"kendro/web/api"
)

func deskCmd() *cobra.Command {
	return group("desk", "Work on cases as an officer",
		deskTasksCmd(), deskShowCmd(), deskFindCmd(), deskSimilarCmd(),
		actCmd("take", "Take a case that waits at your post", nil),
		actCmd("note", "Add a note to a case", actFlags{"text"}),
		actCmd("decide", "Record your preliminary decision", actFlags{"opinion", "text"}),
		actCmd("forward", "Forward a case to the next post, after your preliminary decision", actFlags{"to"}),
		actCmd("approve", "Approve a case", actFlags{"text"}),
		actCmd("reject", "Reject a case", actFlags{"reason-code", "text"}),
	)
}

func deskTasksCmd() *cobra.Command {
	var r reach
	var out output
	var scope string
	cmd := &cobra.Command{
		Use: "tasks", Short: "List the cases that wait", Args: cobra.NoArgs,
		Example: "  kendro desk tasks --scope office --url http://127.0.0.1:8081 --session officer.session",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := tasks(cmd.Context(), &r, scope)
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), list, func() *table { return tasksTable(list) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	cmd.Flags().StringVar(&scope, "scope", "mine", "mine: those of your post; office: those of your office")
	return cmd
}

// tasks reads every page of the list.
func tasks(ctx context.Context, r *reach, scope string) (*api.TaskList, error) {
	all := &api.TaskList{Tasks: []api.Task{}}
	return all, pages(ctx, r, "/v1/tasks", url.Values{"scope": {scope}}, func(page *api.TaskList) string {
		all.Tasks, all.AsOf = append(all.Tasks, page.Tasks...), page.AsOf
		return page.Next
	})
}

func tasksTable(list *api.TaskList) *table {
	t := columns("NUMBER", "SERVICE", "STAGE", "VERSION", "HOLDER", "DUE", "SEAT")
	for _, task := range list.Tasks {
		due := day(task.Due)
		if task.Overdue {
			due += " overdue"
		}
		t.add(task.Number.Spaced(), both(task.Service.Name), task.Stage, count(task.Version), task.Holder, due, task.Seat)
	}
	return t
}

func deskShowCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "show NUMBER", Short: "Show a whole case with its history", Args: cobra.ExactArgs(1),
		Example: "  kendro desk show 4100101234567890 --url http://127.0.0.1:8081 --session officer.session",
		RunE: func(cmd *cobra.Command, args []string) error {
			record, err := show(cmd.Context(), &r, args[0])
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), record, func() *table { return recordTable(record) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

func show(ctx context.Context, r *reach, number string) (*api.Record, error) {
	n, err := receiveNumber(number)
	if err != nil {
		return nil, err
	}
	record := new(api.Record)
	return record, r.call(ctx, api.Call{Path: casePath(n), Out: record})
}

func casePath(n protocol.Number) string { return "/v1/applications/" + n.String() }

func recordTable(c *api.Record) *table {
	t := pairs(
		"number", c.Number.Spaced(), "service", both(c.Service.Name), "service version", count(c.Service.Version),
		"stage", c.Stage, "custody", string(c.Custody), "version", count(c.Version), "centre", c.Centre,
		"submitted", when(c.SubmittedAt), "seat", c.Seat, "holder", c.Holder, "due", day(c.Due),
		"applicant", string(c.Applicant), "form", string(c.Form),
	)
	for _, d := range c.Documents {
		t.add("document", d.ID+", original seen: "+yesNo(d.OriginalAtCounter))
	}
	for _, fee := range c.Fees {
		t.add("fee "+fee.Kind, taka(fee.Poisha))
	}
	for _, h := range c.History {
		t.add("history "+strconv.FormatUint(h.Version, 10), historyLine(h))
	}
	return t
}

func historyLine(h api.HistoryEntry) string {
	parts := []string{fmt.Sprintf("%s %s %s", when(h.At), h.Action, h.Stage), h.Actor, h.Opinion, h.Reason, h.Text}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), " · ")
}

// actFlags names the members of an action's body that a command has flags for.
type actFlags []string

func actCmd(action, short string, has actFlags) *cobra.Command {
	var r reach
	var id repeat
	var out output
	var expect uint64
	in := api.ActionRequest{}
	cmd := &cobra.Command{
		Use: action + " NUMBER", Short: short, Args: cobra.ExactArgs(1),
		Example: fmt.Sprintf("  kendro desk %s 4100101234567890%s --url http://127.0.0.1:8081 --session officer.session", action, has.example()),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := act{action: action, number: args[0], expect: expect, key: id.key(), in: in}
			answer, err := a.do(cmd.Context(), &r)
			if err != nil {
				tellDifference(cmd, err)
				return id.explain(err, fmt.Sprintf("--version %d", a.expect))
			}
			return out.print(cmd.OutOrStdout(), answer, func() *table {
				return pairs("number", answer.Number.Spaced(), "stage", answer.Stage, "version", count(answer.Version),
					"seat", answer.Seat, "holder", answer.Holder)
			})
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	cmd.Flags().Uint64Var(&expect, "version", 0, "version of the case that you saw (default: the newest)")
	has.add(cmd, &in)
	return cmd
}

func (has actFlags) example() string {
	examples := map[string]string{
		"text": ` --text "seen and right"`, "opinion": " --opinion approve", "reason-code": " --reason-code incomplete",
	}
	var s strings.Builder
	for _, name := range has {
		s.WriteString(examples[name])
	}
	return s.String()
}

func (has actFlags) add(cmd *cobra.Command, in *api.ActionRequest) {
	f := cmd.Flags()
	for _, name := range has {
		switch name {
		case "text":
			f.StringVar(&in.Text, name, "", "what you write into the case")
		case "opinion":
			f.StringVar(&in.Opinion, name, "", "approve, reject or other")
		case "reason-code":
			f.StringVar(&in.ReasonCode, name, "", "code of the reason")
		case "to":
			f.StringVar(&in.To, name, "", "seat to forward to, post@office (default: the next step's)")
		}
	}
}

// An act is one action on one case.
type act struct {
	action, number, key string
	expect              uint64 // 0: look first; then the version that was seen.
	in                  api.ActionRequest
}

func (a *act) do(ctx context.Context, r *reach) (*api.ActionAnswer, error) {
	n, err := receiveNumber(a.number)
	if err != nil {
		return nil, err
	}
	client, err := r.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if a.expect == 0 {
		var record api.Record
		if err := client.Do(ctx, api.Call{Path: casePath(n), Out: &record}); err != nil {
			return nil, err
		}
		a.expect = record.Version
	}
	answer := new(api.ActionAnswer)
	return answer, client.Do(ctx, api.Call{
		Method: http.MethodPost, Path: "/v1/cases/" + n.String() + "/" + a.action,
		Key: a.key, Match: a.expect, In: a.in, Out: answer,
	})
}

// tellDifference says what somebody else has done to the case meanwhile.
func tellDifference(cmd *cobra.Command, err error) {
	d := api.DifferenceOf(err)
	if d == nil {
		return
	}
	cmd.PrintErrf("you saw version %d; it is %d now: %s, at %s, held by %q\n", d.Expected, d.Current, d.Stage, d.Seat, d.Holder)
	for _, h := range d.History {
		cmd.PrintErrln(historyLine(h))
	}
}
