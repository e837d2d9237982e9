package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

func caseCmd() *cobra.Command {
	return group("case", "Serve an applicant at the centre after the application",
		caseWaitingCmd(), caseOwedCmd(), casePayCmd(), caseVoidCmd(), caseSupplyCmd(), caseCorrectCmd(), caseWithdrawCmd(), caseAppealCmd(), caseHandOverCmd(), casePrintCmd(), caseAsidesCmd(), caseReadCmd())
}

// casePrintCmd counts a copy of a certificate, at a node or at a hub.
func casePrintCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	in := api.PrintRequest{}
	cmd := &cobra.Command{
		Use: "print NUMBER", Short: "Count one more copy of the certificate of a case, before it is printed", Args: cobra.ExactArgs(1),
		Long: `Counts one more print of the certificate that was issued on a case: the first is the
original, each further one a numbered copy with its reason. The sheet itself is a page of
the counter and of the desk; it opens once its print is counted.`,
		Example: `  kendro case print 4100101234567890 --reason "the first was burnt" --url http://127.0.0.1:8080 --session rahima.session`,
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := receiveNumber(args[0])
			if err != nil {
				return err
			}
			answer := new(api.CopyNote)
			if err := r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: casePath(n) + "/copies", Key: id.key(), In: in, Out: answer}); err != nil {
				return id.explain(err)
			}
			return out.print(cmd.OutOrStdout(), answer, func() *table {
				return pairs("copy", count(uint64(answer.Copy)), "counted", when(answer.At), "by", answer.By, "reason", answer.Reason)
			})
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	cmd.Flags().StringVar(&in.Reason, "reason", "", "why a further copy; the original needs none")
	return cmd
}

// A call is what one command posts about a case at a node.
type call struct {
	use, short, example, path string
	body                      func() (any, error)
}

// withFiles is the body of a call for which files are uploaded first, KIND=FILE.
type withFiles struct {
	body  any
	files []string
}

func (w withFiles) upload(ctx context.Context, r *reach) (json.RawMessage, error) {
	raw, err := json.Marshal(w.body)
	if err != nil {
		return nil, fault.Wrap("kendro.case", fault.Internal, "body", err)
	}
	return upload(ctx, r, raw, w.files)
}

// followUp makes a command of a call: how it is made is the same for all.
func followUp(c call, flags func(*cobra.Command)) *cobra.Command {
	var r reach
	var id repeat
	var out output
	var visit string
	cmd := &cobra.Command{
		Use: c.use + " NUMBER", Short: c.short, Args: cobra.ExactArgs(1),
		Example: "  kendro case " + c.use + " 4100101234567890 " + c.example + " --url http://127.0.0.1:8080 --session rahima.session",
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := receiveNumber(args[0])
			if err != nil {
				return err
			}
			in, err := c.body()
			if w, ok := in.(withFiles); ok && err == nil {
				in, err = w.upload(cmd.Context(), &r)
			}
			if err != nil {
				return err
			}
			answer := new(api.FollowupAnswer)
			err = r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: casePath(n) + "/" + c.path + visited(visit), Key: id.key(), In: in, Out: answer})
			if err != nil {
				tellFields(cmd, err)
				return id.explain(err)
			}
			return out.print(cmd.OutOrStdout(), answer, func() *table {
				t := pairs("number", answer.Number.Spaced(), "custody", string(answer.Custody), "log", answer.Receipt.Log.String(),
					"seq", count(answer.Receipt.Seq), "hash", answer.Receipt.Hash.String(), "issued", when(answer.Receipt.IssuedAt))
				for _, fee := range answer.Fees {
					t.add("fee "+fee.Kind, taka(fee.Poisha))
				}
				return t
			})
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	if c.path != "void" {
		cmd.Flags().StringVar(&visit, "visit", "", "why the applicant came: "+strings.Join(protocol.VisitNames(), ", ")+" (default: by what it is)")
	}
	flags(cmd)
	return cmd
}

// visited says in a call why the applicant came.
func visited(visit string) string {
	if visit == "" {
		return ""
	}
	return "?" + url.Values{"visit": {visit}}.Encode()
}

func casePayCmd() *cobra.Command {
	var in api.PaymentRequest
	var government, charge, postage int64
	return followUp(call{
		"pay", "Take money for a case of any centre of the district", "--government 10000 --service-charge 500", "payments",
		func() (any, error) {
			for _, fee := range []protocol.Fee{{Kind: "government", Poisha: government}, {Kind: "postage", Poisha: postage}, {Kind: "service_charge", Poisha: charge}} {
				if fee.Poisha != 0 {
					in.Fees = append(in.Fees, fee)
				}
			}
			if len(in.Fees) == 0 {
				return nil, fault.New("kendro.case", fault.Invalid, "--government", "say how much was paid, in poisha")
			}
			return in, nil
		},
	}, func(cmd *cobra.Command) {
		f := cmd.Flags()
		f.StringVar(&in.Means, "means", protocol.MeansCash, "cash, challan or mobile")
		f.Int64Var(&government, "government", 0, "government fee, poisha")
		f.Int64Var(&postage, "postage", 0, "postage, poisha")
		f.Int64Var(&charge, "service-charge", 0, "the centre's own charge, poisha")
		f.StringVar(&in.Reference, "reference", "", "number of the challan or transfer")
		f.StringVar(&in.PaidOn, "paid-on", "", "the bank's day of a challan, 2026-11-22")
	})
}

func caseVoidCmd() *cobra.Command {
	var in api.VoidRequest
	return followUp(call{
		"void", "Reverse a payment that this centre took", `--seq 17 --reason "counted twice"`, "void",
		func() (any, error) { return in, nil },
	}, func(cmd *cobra.Command) {
		f := cmd.Flags()
		f.Uint64Var(&in.Seq, "seq", 0, "seq of the payment's receipt")
		f.StringVar(&in.Reason, "reason", "", "why; whoever watches the centre reads it")
		require(cmd, "seq")
		require(cmd, "reason")
	})
}

func caseSupplyCmd() *cobra.Command {
	var in api.SupplyRequest
	var answers, originals []string
	var file string
	return followUp(call{
		"supply", "Bring what the applicant was asked for", "--original nid", "supplement",
		func() (any, error) {
			for _, id := range originals {
				in.Documents = append(in.Documents, api.DocumentRequest{ID: id, OriginalAtCounter: true})
			}
			var files []string
			for _, d := range answers {
				kind, sum, _ := strings.Cut(d, "=")
				if (&protocol.Hash{}).UnmarshalText([]byte(sum)) != nil {
					files = append(files, d)
					continue
				}
				in.Documents = append(in.Documents, api.DocumentRequest{Kind: kind, SHA256: sum})
			}
			if file != "" {
				b, err := readFile(file, maxBody)
				if err != nil {
					return nil, err
				}
				in.Form = json.RawMessage(b)
			}
			return withFiles{in, files}, nil
		},
	}, func(cmd *cobra.Command) {
		f := cmd.Flags()
		f.StringArrayVar(&originals, "original", nil, "document whose original was seen (may be repeated)")
		f.StringArrayVar(&answers, "document", nil, "KIND=FILE that is uploaded first, or KIND=SHA256 of an upload (may be repeated)")
		f.StringVar(&file, "form", "", "file with the answers that were asked for, a JSON object")
		f.StringVar(&in.Text, "text", "", "what the applicant says to it")
	})
}

func caseWithdrawCmd() *cobra.Command {
	var in api.WithdrawRequest
	return followUp(call{
		"withdraw", "Take an application back for its applicant", `--reason "not needed any more"`, "withdrawal",
		func() (any, error) { return in, nil },
	},
		func(cmd *cobra.Command) { cmd.Flags().StringVar(&in.Reason, "reason", "", "why") })
}

func caseAppealCmd() *cobra.Command {
	var in api.AppealRequest
	return followUp(call{
		"appeal", "Take an appeal against a decision", `--text "nobody has asked me"`, "appeal",
		func() (any, error) { return in, nil },
	},
		func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&in.Text, "text", "", "what is wrong with the decision")
			require(cmd, "text")
		})
}

func caseHandOverCmd() *cobra.Command {
	var in api.HandOverRequest
	return followUp(call{
		"hand-over", "Note that the applicant has what was issued", "--proof nid", "hand-over",
		func() (any, error) { return in, nil },
	},
		func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&in.Proof, "proof", "", "how the person was known, such as nid")
			cmd.Flags().StringVar(&in.Code, "code", "", "the collection code on the receipt, in place of a proof")
			cmd.Flags().StringVar(&in.Text, "text", "", "such as who came for it")
			cmd.MarkFlagsOneRequired("proof", "code")
		})
}

func caseWaitingCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "waiting", Short: "List the cases that wait for their applicant, as far as the box knows", Args: cobra.NoArgs,
		Example: "  kendro case waiting --url http://127.0.0.1:8080 --session rahima.session",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := new(api.WaitingList)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/waiting", Out: list}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), list, func() *table {
				t := columns("NUMBER", "STAGE", "ASKED FOR", "TO BE PAID", "BY")
				for _, w := range list.Applications {
					sum, by := "", ""
					if w.Demand != nil {
						sum, by = taka(w.Demand.Poisha), day(w.Demand.Due)
					}
					if len(w.Asked) > 0 {
						by = askedBy(&w.Asking)
					}
					t.add(w.Number.Spaced(), w.Stage, strings.Join(w.Asked, ", "), sum, by)
				}
				return t
			})
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}
