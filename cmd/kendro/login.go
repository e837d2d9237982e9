package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
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
			return id.explain(login(cmd, &r, id.key(), in, session))
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

// login writes the session's token, one line, to a file that nobody else reads, and says
// what wrong passwords were tried before.
func login(cmd *cobra.Command, r *reach, key string, in api.SessionRequest, session string) error {
	if err := writable(session); err != nil {
		return err
	}
	var out api.SessionAnswer
	err := r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: "/v1/sessions", Key: key, In: in, Out: &out})
	if err != nil {
		return err
	}
	if err := store.WriteFileAtomic(session, []byte(out.Token+"\n"), 0o600); err != nil {
		return &fault.Error{Op: "kendro.login", Kind: fault.Stopped, Item: session, Err: err}
	}
	if w := out.Wrong; w != nil {
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%d tries with a wrong password since this login was used last, the last %s: if that was not you, tell the operator\n", w.Tries, when(w.Last))
	}
	return nil
}

// writable refuses a file that could not be written, before anybody signs in.
func writable(name string) error {
	const op = "kendro.login"
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return fault.New(op, fault.Invalid, name, "is no file: name the file that shall hold the session")
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".session-*")
	if err != nil {
		return fault.New(op, fault.Invalid, name, "can't be written ("+cause(err)+"): name a file in a folder that is there and yours to write")
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return &fault.Error{Op: op, Kind: fault.Stopped, Item: name, Err: err}
	}
	return nil
}

// cause is what the system said, without the name of the file.
func cause(err error) string {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		err = p.Err
	}
	return err.Error()
}

// require makes flags obligatory. A name that the command lacks is a defect.
func require(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic("kendro: " + err.Error())
		}
	}
}
