package main

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"kendro/web/api"
)

func leaseCmd() *cobra.Command {
	return group("lease", "Let unions decide by themselves, at their box and offline", leaseAllowCmd(), leaseListCmd(), leaseEndCmd())
}

func leaseAllowCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	in := api.LeaseRequest{}
	cmd := &cobra.Command{
		Use: "allow", Short: "Let the box of a union decide a service by itself", Args: cobra.NoArgs,
		Long: `Lets the officers of a union decide cases of a service at the box of their centre, with
no hub. The box hears of it, asks for a lease with a block of certificate numbers, and
from then on asks for more before either ends. While the lease holds, the hub's desks
leave its cases to the union.`,
		Example: "  kendro lease allow --centre 41-47-13 --service trade-licence --dir hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			lease := new(api.Lease)
			if err := r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: "/v1/leases", Key: id.key(), In: in, Out: lease}); err != nil {
				return id.explain(err)
			}
			return out.print(cmd.OutOrStdout(), lease, func() *table { return leaseTable([]api.Lease{*lease}) })
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	leaseFlags(cmd, &in)
	return cmd
}

func leaseFlags(cmd *cobra.Command, in *api.LeaseRequest) {
	cmd.Flags().StringVar(&in.Centre, "centre", "", "centre whose box may decide, district-upazila-union")
	cmd.Flags().StringVar(&in.Service, "service", "", "service that says decide_at: node")
	require(cmd, "centre")
	require(cmd, "service")
}

func leaseListCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "list", Short: "List what unions may decide by themselves, and until when", Args: cobra.NoArgs,
		Example: "  kendro lease list --dir hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := new(api.LeaseList)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/leases", Out: list}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), list, func() *table { return leaseTable(list.Leases) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

func leaseTable(list []api.Lease) *table {
	t := columns("CENTRE", "SERVICE", "OFFICE", "ALLOWED", "TOKEN", "BOX", "UNTIL", "NUMBERS", "LEFT")
	for _, l := range list {
		until := ""
		if l.Until != nil {
			until = when(*l.Until)
		}
		left := ""
		if l.Left != nil {
			left = count(*l.Left)
		}
		t.add(l.Centre, l.Service, l.Office, yesNo(l.Allowed), count(l.Token), l.Slot, until, count(l.Numbers), left)
	}
	return t
}

func leaseEndCmd() *cobra.Command {
	var r reach
	var out output
	in := api.LeaseRequest{}
	cmd := &cobra.Command{
		Use: "end", Short: "Take back what a union decides by itself", Args: cobra.NoArgs,
		Example: "  kendro lease end --centre 41-47-13 --service trade-licence --dir hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			lease := new(api.Lease)
			path := "/v1/leases/" + url.PathEscape(in.Centre) + "/" + url.PathEscape(in.Service)
			if err := r.call(cmd.Context(), api.Call{Method: http.MethodDelete, Path: path, Out: lease}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), lease, func() *table { return leaseTable([]api.Lease{*lease}) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	leaseFlags(cmd, &in)
	return cmd
}
