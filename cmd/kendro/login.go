package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"kendro/store"
	"kendro/web/api"
)

func loginCmd() *cobra.Command {
	var r reach
	var id repeat
	var user, passwordFile, session string
	cmd := &cobra.Command{
		Use: "login", Short: "Sign in and keep the session in a file",
		Example: "  kendro login --url http://127.0.0.1:8080 --user rahima --password-file pw --session rahima.session",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			secret, err := password(cmd, passwordFile)
			if err != nil {
				return err
			}
			in := api.SessionRequest{User: user, Password: secret}
			return id.explain(login(cmd.Context(), &r, id.key(), in, session))
		},
	}
	r.publicFlags(cmd)
	id.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&user, "user", "", "who signs in")
	f.StringVar(&passwordFile, "password-file", "", "file whose first line is the password")
	f.StringVar(&session, "session", "", "file to keep the session in (0600)")
	require(cmd, "user", "password-file", "session")
	return cmd
}

// login writes the session's token, one line, to a file that nobody else reads.
func login(ctx context.Context, r *reach, key string, in api.SessionRequest, session string) error {
	var out api.SessionAnswer
	err := r.call(ctx, api.Call{Method: http.MethodPost, Path: "/v1/sessions", Key: key, In: in, Out: &out})
	if err != nil {
		return err
	}
	return store.WriteFileAtomic(session, []byte(out.Token+"\n"), 0o600)
}

// require makes flags obligatory. A name that the command lacks is a defect.
func require(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic("kendro: " + err.Error())
		}
	}
}
