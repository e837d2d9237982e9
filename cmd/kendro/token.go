package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"kendro/web/api"
)

func tokenCmd() *cobra.Command {
	return group("token", "Manage the tokens that let a machine join once", tokenCreateCmd(), tokenListCmd(), tokenRevokeCmd())
}

func tokenCreateCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	var in api.TokenRequest
	var ttl time.Duration
	cmd := &cobra.Command{
		Use: "create", Short: "Print a token for kendro node enrol or kendro hub run --join", Args: cobra.NoArgs,
		Example: "  kendro token create --dir hub --centre 41-47-13 --ttl 24h",
		RunE: func(cmd *cobra.Command, _ []string) error {
			in.TTL = ttl.String()
			answer, err := tokenCreate(cmd.Context(), &r, id.key(), in)
			if err != nil {
				return id.explain(err)
			}
			if out.format == asJSON {
				return out.print(cmd.OutOrStdout(), answer, nil)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), answer.Token)
			return printed(err)
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&in.Centre, "centre", "", "centre that the box will serve, district-upazila-union")
	f.BoolVar(&in.Server, "server", false, "for a further server of the hub")
	f.DurationVar(&ttl, "ttl", 24*time.Hour, "how long it is good, 24h at most")
	cmd.MarkFlagsMutuallyExclusive("centre", "server")
	cmd.MarkFlagsOneRequired("centre", "server")
	return cmd
}

func tokenCreate(ctx context.Context, r *reach, key string, in api.TokenRequest) (*api.TokenAnswer, error) {
	answer := new(api.TokenAnswer)
	return answer, r.call(ctx, api.Call{Method: http.MethodPost, Path: "/v1/tokens", Key: key, In: in, Out: answer})
}

func tokenListCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "list", Short: "List the tokens, without their secrets", Args: cobra.NoArgs,
		Example: "  kendro token list --dir hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := tokens(cmd.Context(), &r)
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), list, func() *table {
				t := columns("ID", "FOR", "EXPIRES", "STATE")
				for _, token := range list.Tokens {
					machine := token.Centre
					if token.Server {
						machine = "server"
					}
					t.add(token.ID, machine, when(token.Expires), token.State)
				}
				return t
			})
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

// tokens reads every page of the list.
func tokens(ctx context.Context, r *reach) (*api.TokenList, error) {
	all := &api.TokenList{Tokens: []api.TokenInfo{}}
	return all, pages(ctx, r, "/v1/tokens", url.Values{}, func(page *api.TokenList) string {
		all.Tokens = append(all.Tokens, page.Tokens...)
		return page.Next
	})
}

func tokenRevokeCmd() *cobra.Command {
	var r reach
	cmd := &cobra.Command{
		Use: "revoke ID", Short: "Make a token useless", Args: cobra.ExactArgs(1),
		Example: "  kendro token revoke ID --dir hub",
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), api.Call{Method: http.MethodDelete, Path: "/v1/tokens/" + url.PathEscape(args[0])})
		},
	}
	r.flags(cmd)
	return cmd
}
