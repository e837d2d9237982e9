package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kendro/document"
	"kendro/domain/fault"
	"kendro/web/api"
)

func applyCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	var form string
	var renew renewal
	var documents []string
	cmd := &cobra.Command{
		Use: "apply", Short: "File an application and print the receipt",
		Long: `Files an application at a node, or as a clerk at a hub, and prints its answer: the
receive number and the signed receipt. FILE is the body of POST /v1/applications, such as
kendro catalogue sample prints. Documents are uploaded first; one that broke off
goes on where it ended when the command is repeated. --renew takes form and applicant
from the application before: what FILE says of either counts instead.`,
		Example: `  kendro apply --url http://127.0.0.1:8080 --session rahima.session --form body.json
  kendro apply --url http://127.0.0.1:8080 --session rahima.session --form body.json --document nid=scan.jpg
  kendro apply --url http://127.0.0.1:8080 --session rahima.session --renew TL-41-09-17-000001 --form papers.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			body := []byte("{}")
			var err error
			if form != "" {
				if body, err = readFile(form, maxBody); err != nil {
					return err
				}
			}
			if body, err = renew.fill(cmd.Context(), &r, body); err != nil {
				return err
			}
			if body, err = upload(cmd.Context(), &r, body, documents); err != nil {
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
	cmd.Flags().StringArrayVar(&documents, "document", nil, "KIND=FILE: a PDF, JPEG or PNG that is uploaded first and named in the application; may be repeated")
	renew.flags(cmd)
	cmd.MarkFlagsOneRequired("form", "renew")
	return cmd
}

func apply(ctx context.Context, r *reach, key string, body []byte) (*api.ApplicationAnswer, error) {
	answer := new(api.ApplicationAnswer)
	err := r.call(ctx, api.Call{Method: http.MethodPost, Path: "/v1/applications", Key: key, In: body, Out: answer})
	return answer, err
}

// upload brings documents to the node and names them in the body, in place of
// what it said of their kinds.
func upload(ctx context.Context, r *reach, body []byte, documents []string) ([]byte, error) {
	const op = "kendro.apply"
	if len(documents) == 0 {
		return body, nil
	}
	var m map[string]any
	in := json.NewDecoder(bytes.NewReader(body))
	in.UseNumber() // A number stays as it was written.
	if err := in.Decode(&m); err != nil || m == nil {
		return nil, fault.Wrap(op, fault.Invalid, "form", cmp.Or(err, errors.New("want a JSON object")))
	}
	named, _ := m["documents"].([]any)
	client, err := r.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	for _, d := range documents {
		kind, file, ok := strings.Cut(d, "=")
		if !ok || kind == "" || file == "" {
			return nil, fault.New(op, fault.Invalid, d, "want KIND=FILE, such as nid=scan.jpg")
		}
		content, err := readFile(file, document.MaxOriginal)
		if err != nil {
			return nil, err
		}
		up, err := client.Upload(ctx, content)
		if err != nil {
			return nil, err
		}
		named = slices.DeleteFunc(named, func(x any) bool {
			m, _ := x.(map[string]any)
			return m["id"] == kind || m["kind"] == kind
		})
		named = append(named, map[string]any{"kind": kind, "sha256": cmp.Or(up.SHA256, &up.Original).String()})
	}
	m["documents"] = named
	return json.Marshal(m)
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
		"hash", a.Receipt.Hash.String(), "collection code", a.Code, "issued", when(a.Receipt.IssuedAt),
		"service version", strconv.Itoa(a.ServiceVersion),
	)
	for _, fee := range a.Fees {
		t.add("fee "+fee.Kind, taka(fee.Poisha))
	}
	return t
}
