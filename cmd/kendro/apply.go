package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"kendro/web/api"
)

func applyCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	var form string
	cmd := &cobra.Command{
		Use: "apply", Short: "File an application and print the receipt",
		Long: `Files an application at a node and prints its answer: the receive number and
the signed receipt. FILE is the body of POST /v1/applications, such as
kendro catalogue sample prints.`,
		Example: "  kendro apply --url http://127.0.0.1:8080 --session rahima.session --form body.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			body, err := readFile(form, maxBody)
			if err != nil {
				return err
			}
			answer, err := apply(cmd.Context(), &r, id.key(), body)
			if err != nil {
				tellFields(cmd, err)
				return id.explain(err)
			}
			return out.print(cmd.OutOrStdout(), answer, func() *table { return receiptTable(answer) })
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flagDefault(cmd, asJSON)
	cmd.Flags().StringVar(&form, "form", "", "file with the body of the request (JSON)")
	require(cmd, "form")
	return cmd
}

func apply(ctx context.Context, r *reach, key string, body []byte) (*api.ApplicationAnswer, error) {
	answer := new(api.ApplicationAnswer)
	err := r.call(ctx, api.Call{Method: http.MethodPost, Path: "/v1/applications", Key: key, In: body, Out: answer})
	return answer, err
}

// tellFields says what to correct in a form, one field a line.
func tellFields(cmd *cobra.Command, err error) {
	refused, ok := errors.AsType[*api.Refusal](err)
	if !ok {
		return
	}
	for _, f := range refused.Errors {
		cmd.PrintErrf("%s: %s %s\n", f.Path, f.Text.EN, f.Text.BN)
	}
}

func receiptTable(a *api.ApplicationAnswer) *table {
	t := pairs(
		"number", a.Number.Spaced(), "", a.Number.Bangla(), "custody", string(a.Custody),
		"log", a.Receipt.Log.String(), "seq", strconv.FormatUint(a.Receipt.Seq, 10),
		"hash", a.Receipt.Hash.String(), "issued", when(a.Receipt.IssuedAt),
		"service version", strconv.Itoa(a.ServiceVersion),
	)
	for _, fee := range a.Fees {
		t.add("fee "+fee.Kind, taka(fee.Poisha))
	}
	return t
}
