package main

import (
	"context"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"kendro/web/api"
)

func userCmd() *cobra.Command {
	return group("user", "Manage the logins of entrepreneurs and officers", userAddCmd(), userListCmd(), userDisableCmd(), userUnlockCmd(), userTrainCmd(), userTrainingCmd())
}

func userAddCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	var in api.UserRequest
	var passwordFile string
	cmd := &cobra.Command{
		Use: "add", Short: "Add a login", Args: cobra.NoArgs,
		Long: `Adds a login at the hub. With --post it is an officer of that seat, with --centre
an entrepreneur of that centre; other roles name themselves with --role.`,
		Example: `  kendro user add --dir hub --name rahima --centre 41-47-13 --gender f --from 2026-01-01 --password-file pw
  kendro user add --dir hub --name keeper --post record-keeper@dc-41 --from 2026-01-01 --password-file pw`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if in.Password, err = password(cmd, passwordFile); err != nil {
				return err
			}
			if err := userAdd(cmd.Context(), &r, id.key(), in); err != nil {
				return id.explain(err)
			}
			done := struct {
				Name string `json:"name"`
			}{in.Name}
			return out.print(cmd.OutOrStdout(), done, func() *table { return pairs("added", in.Name) })
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&in.Name, "name", "", "name to sign in with")
	f.StringVar(&in.Role, "role", "", "entrepreneur, clerk, officer, supervisor, operator or auditor")
	f.StringVar(&in.Post, "post", "", "seat of an officer, post@office")
	f.StringVar(&in.Centre, "centre", "", "centre of an entrepreneur, district-upazila-union")
	f.StringVar(&in.Area, "area", "", "area of a supervisor")
	f.StringVar(&in.Gender, "gender", "", "f or m")
	f.StringVar(&in.SameAs, "same-as", "", "another login of the same person, where this one is an acting charge")
	f.StringVar(&in.From, "from", "", "first day, such as 2026-01-01")
	f.StringVar(&in.Until, "until", "", "last day (default: open)")
	f.StringVar(&passwordFile, "password-file", "", "file whose first line is the password")
	require(cmd, "name", "from", "password-file")
	return cmd
}

func userAdd(ctx context.Context, r *reach, key string, in api.UserRequest) error {
	return r.call(ctx, api.Call{Method: http.MethodPost, Path: "/v1/users", Key: key, In: in})
}

func userListCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "list", Short: "List the logins", Args: cobra.NoArgs,
		Example: "  kendro user list --dir hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := users(cmd.Context(), &r)
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), list, func() *table { return usersTable(list) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

// users reads every page of the list.
func users(ctx context.Context, r *reach) (*api.UserList, error) {
	all := &api.UserList{Users: []api.User{}}
	return all, pages(ctx, r, "/v1/users", url.Values{}, func(page *api.UserList) string {
		all.Users = append(all.Users, page.Users...)
		return page.Next
	})
}

func usersTable(list *api.UserList) *table {
	t := columns("NAME", "ROLE", "POST", "CENTRE", "AREA", "FROM", "UNTIL", "DISABLED")
	for _, u := range list.Users {
		t.add(u.Name, u.Role, u.Post, u.Centre, u.Area, day(u.From), day(u.Until), yesNo(u.Disabled))
	}
	return t
}

func userUnlockCmd() *cobra.Command {
	var r reach
	var id repeat
	cmd := &cobra.Command{
		Use: "unlock NAME", Short: "Let a login that wrong passwords have slowed down begin anew", Args: cobra.ExactArgs(1),
		Long: `Takes away the delay that wrong passwords have put before a login. Each server keeps
its own: run it at the one at which the person signs in.`,
		Example: "  kendro user unlock dc --dir hub",
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "/v1/users/" + url.PathEscape(args[0]) + "/unlock"
			return id.explain(r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: path, Key: id.key()}))
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	return cmd
}

func userDisableCmd() *cobra.Command {
	var r reach
	var id repeat
	cmd := &cobra.Command{
		Use: "disable NAME", Short: "Shut a login", Args: cobra.ExactArgs(1),
		Example: "  kendro user disable rahima --dir hub",
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "/v1/users/" + url.PathEscape(args[0]) + "/disable"
			return id.explain(r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: path, Key: id.key()}))
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	return cmd
}
