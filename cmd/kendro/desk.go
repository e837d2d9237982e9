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

	"kendro/document"
	"kendro/protocol"
	"kendro/web/api"
)

func deskCmd() *cobra.Command {
	return group("desk", "Work on cases as an officer",
		deskTasksCmd(), deskShowCmd(), deskFindCmd(), deskSimilarCmd(), deskRelateCmd(),
		actCmd("take", "Take a case that waits at your post", nil),
		actCmd("note", "Add a note to a case", actFlags{"text", "cites"}),
		actCmd("decide", "Record your preliminary decision", actFlags{"opinion", "text", "cites"}),
		actCmd("forward", "Forward a case to the next post, after your preliminary decision", actFlags{"to"}),
		actCmd("approve", "Approve a case", actFlags{"text"}),
		actCmd("reject", "Reject a case", actFlags{"reason-code", "text"}),
		actCmd("return", "Send a case back to the post before", actFlags{"reason"}),
		actCmd("hand-back", "Give an overdue case back to the desk from which it was taken", actFlags{"reason"}),
		actCmd("request-info", "Ask the applicant for answers or documents; the clock stops", actFlags{"item", "reason"}),
		actCmd("check", "Note that a required check was done", actFlags{"check", "file", "text"}),
		actCmd("duplicate", "Mark a case as another one once more", actFlags{"primary", "reason"}),
		actCmd("pay", "Book a payment on the open demand", actFlags{"poisha", "paid-on", "reference", "books"}),
		actCmd("prepare", "Move the delivery date", actFlags{"date", "text"}),
		actCmd("issue", "Sign and number what the case comes to", actFlags{"text"}),
		actCmd("hand-over", "Hand over what was issued", actFlags{"text", "code"}),
		actCmd("post", "Post what was issued", actFlags{"reference"}),
		actCmd("returned", "Note that the post brought it back", actFlags{"text"}),
		actCmd("close", "Close a delivered case", actFlags{"text"}),
		actCmd("appeal", "Take up a decided case as the appellate post", actFlags{"reason"}),
		actCmd("revoke", "Take back the certificate that was issued on a case", actFlags{"reason-code", "text"}),
		deskItemsCmd(), deskSettleCmd(), deskDoublesCmd(), deskCallsCmd(), deskRecordsCmd(), deskReportCmd(), deskEraseCmd(),
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
		if task.AskedUntil != nil {
			due += ", asked until " + day(task.AskedUntil)
		}
		t.add(task.Number.Spaced(), both(task.Service.Name), task.Stage, count(task.Version), task.Holder, due, task.Seat)
	}
	return t
}

func deskShowCmd() *cobra.Command {
	var r reach
	var out output
	var version uint64
	cmd := &cobra.Command{
		Use: "show NUMBER", Short: "Show a whole case with its history", Args: cobra.ExactArgs(1),
		Example: "  kendro desk show 4100101234567890 --url http://127.0.0.1:8081 --session officer.session",
		RunE: func(cmd *cobra.Command, args []string) error {
			record, err := show(cmd.Context(), &r, args[0], version)
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), record, func() *table { return recordTable(record) })
		},
	}
	cmd.Flags().Uint64Var(&version, "as-of", 0, "show it as it stood at this version (default: now)")
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

func show(ctx context.Context, r *reach, number string, version uint64) (*api.Record, error) {
	n, err := receiveNumber(number)
	if err != nil {
		return nil, err
	}
	path := casePath(n)
	if version > 0 {
		path += "?as_of_version=" + count(version)
	}
	record := new(api.Record)
	return record, r.call(ctx, api.Call{Path: path, Out: record})
}

// askedBy is the last day for what an applicant is asked for.
func askedBy(a *api.Asking) string {
	if a.AskedOver {
		return day(a.AskedUntil) + " (over)"
	}
	return day(a.AskedUntil)
}

func casePath(n protocol.Number) string { return "/v1/applications/" + n.String() }

func recordTable(c *api.Record) *table {
	t := pairs(
		"number", c.Number.Spaced(), "service", both(c.Service.Name), "service version", count(c.Service.Version),
		"stage", c.Stage, "custody", string(c.Custody), "version", count(c.Version), "centre", c.Centre,
		"submitted", when(c.SubmittedAt), "seat", c.Seat, "holder", c.Holder, "due", day(c.Due),
		"applicant", string(c.Applicant), "form", string(c.Form),
	)
	if c.Demand != nil {
		t.add("to be paid", taka(c.Demand.Poisha)+" by "+day(c.Demand.Due))
	}
	for _, item := range c.Asked {
		t.add("asked for", item)
	}
	if c.AskedUntil != nil {
		t.add("to be brought by", askedBy(&c.Asking))
	}
	for _, k := range c.Checks {
		t.add("check "+k.ID, yesNo(k.Done))
	}
	if c.Delivery != nil {
		t.add("delivery", day(c.Delivery)+" "+c.DeliveryMode)
	}
	if c.Article != "" {
		t.add("article", c.Article)
	}
	refundRows(t, c.Refund)
	if c.Variance != 0 {
		t.add("against the fees in force", taka(c.Variance))
	}
	if c.Despite != "" {
		t.add("filed again because", c.Despite)
	}
	if p := c.Paper; p != nil {
		t.add("record", p.Text)
		t.add("scanned", yesNo(p.SHA256 != nil))
	}
	for _, it := range c.Items {
		t.add("item "+it.ID, strings.TrimSpace(it.Kind+" "+it.Text+" "+it.Outcome))
		for _, ch := range it.Changes {
			t.add("to be put right", changeLine(ch)+" ("+it.Reason+")")
		}
	}
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

// changeLine says what an answer was, and what it is or is to be.
func changeLine(c api.Change) string {
	value := func(raw []byte) string {
		if raw == nil {
			return "nothing"
		}
		return string(raw)
	}
	return c.Field + ": " + value(c.Was) + " → " + value(c.Is)
}

func historyLine(h api.HistoryEntry) string {
	parts := []string{fmt.Sprintf("%s %s %s", when(h.At), h.Action, h.Stage), h.Actor, h.Opinion, h.Reason, h.Text}
	for _, c := range h.Change {
		parts = append(parts, changeLine(c))
	}
	if len(h.Cites) > 0 {
		parts = append(parts, "rests on "+strings.Join(h.Cites, ", "))
	}
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
			if f := cmd.Flags().Lookup("file"); f != nil {
				a.file = f.Value.String()
			}
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
		"reason": ` --reason "the photograph can't be read"`, "item": " --item nid", "check": " --check record-scan", "poisha": " --poisha 14000",
		"date": " --date 2026-12-10", "primary": " --primary 4100101234567891", "reference": " --reference RR123456789BD",
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
		case "reason":
			f.StringVar(&in.Reason, name, "", "why; what is asked for the citizen reads")
		case "item":
			f.StringArrayVar(&in.Items, name, nil, "form.NAME of an answer, or a document's ID (may be repeated)")
		case "cites":
			f.StringArrayVar(&in.Cites, name, nil, "form.NAME or applicant.NAME of an answer that it rests on (may be repeated)")
		case "check":
			f.StringVar(&in.Check, name, "", "ID of the check, as the service declares it")
		case "file":
			f.String(name, "", "PDF, JPEG or PNG that shows it; it is uploaded first")
		case "poisha":
			f.Int64Var(&in.Poisha, name, 0, "what was paid, in poisha")
		case "code":
			f.StringVar(&in.Code, name, "", "the collection code on the receipt, as proof of who it is")
		case "paid-on":
			f.StringVar(&in.PaidOn, name, "", "day of the payment, 2026-11-22 (default: now)")
		case "books":
			f.StringVar(&in.Books, name, "", "ID of the item that a late payment became: its sum counts, and the item ends")
		case "reference":
			f.StringVar(&in.Reference, name, "", "number of the challan, or of the article")
		case "date":
			f.StringVar(&in.Date, name, "", "delivery date, 2026-12-10")
		case "primary":
			f.StringVar(&in.Primary, name, "", "receive number of the other case")
		case "to":
			f.StringVar(&in.To, name, "", "seat to forward to, post@office (default: the next step's)")
		}
	}
}

// An act is one action on one case.
type act struct {
	action, number, key string
	expect              uint64 // 0: look first; then the version that was seen.
	file                string // What shows a check.
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
	if a.file != "" {
		content, err := readFile(a.file, document.MaxOriginal)
		if err != nil {
			return nil, err
		}
		up, err := client.Upload(ctx, content)
		if err != nil {
			return nil, err
		}
		a.in.SHA256 = up.SHA256.String()
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
