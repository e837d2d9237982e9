package main

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

// A renewal is the certificate whose application a new one begins with.
type renewal struct{ number, mobile string }

func (n *renewal) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&n.number, "renew", "", "number of a certificate, or the text of its code: begin with the application before")
	cmd.Flags().StringVar(&n.mobile, "mobile", "", "last four digits of its holder's mobile: the hub is asked about another centre's certificate")
}

// fill puts what the body says over what the renewal begins with.
func (n *renewal) fill(ctx context.Context, r *reach, body []byte) ([]byte, error) {
	const op = "kendro.apply"
	if n.number == "" {
		return body, nil
	}
	begins, err := n.begins(ctx, r)
	if err != nil {
		return nil, err
	}
	all := map[string]any{"channel": "centre"}
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fault.Wrap(op, fault.Invalid, "form", err)
	}
	for name, before := range map[string]json.RawMessage{"form": begins.Form, "applicant": begins.Applicant} {
		answers := map[string]any{}
		if len(before) > 0 {
			if err := json.Unmarshal(before, &answers); err != nil {
				return nil, fault.Wrap(op, fault.Invalid, name, err)
			}
		}
		if said, ok := all[name].(map[string]any); ok {
			maps.Copy(answers, said)
		}
		all[name] = answers
	}
	all["service"] = begins.Service
	if begins.Code != "" {
		all["renewal_code"] = begins.Code
	}
	out, err := json.Marshal(all)
	return out, fault.Wrap(op, fault.Internal, "form", err)
}

// begins asks the node what the renewal begins with.
func (n *renewal) begins(ctx context.Context, r *reach) (*api.RenewalAnswer, error) {
	q, number := url.Values{}, strings.TrimSpace(n.number)
	if protocol.IsAttestation(number) {
		a, err := protocol.ParseAttestation(number)
		if err != nil {
			return nil, err
		}
		q.Set("code", number)
		number = a.Number
	}
	if n.mobile != "" {
		q.Set("mobile", n.mobile)
	}
	out := &api.RenewalAnswer{}
	return out, r.call(ctx, api.Call{Path: "/v1/certificates/" + url.PathEscape(number) + "/renewal?" + q.Encode(), Out: out})
}
