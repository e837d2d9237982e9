package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/web/api"
)

// reach is how a command gets to a daemon: over HTTP with a session, or by the
// socket in its folder as the operator of this machine.
type reach struct {
	url, session, dir, ca string
}

// flags adds --url, --session, --ca and --dir.
func (r *reach) flags(cmd *cobra.Command) {
	r.publicFlags(cmd)
	cmd.Flags().StringVar(&r.session, "session", "", "file that kendro login wrote")
}

// publicFlags are those of a call that needs no session.
func (r *reach) publicFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&r.url, "url", "", "daemon to ask, such as http://127.0.0.1:8080")
	f.StringVar(&r.ca, "ca", "", "certificate of the district's authority, for https")
	f.StringVar(&r.dir, "dir", "", "folder of a daemon on this machine, in place of --url")
}

// client opens the way. Nothing is sent yet.
func (r *reach) client() (*api.Client, error) {
	const op = "kendro"
	switch {
	case r.url == "" && r.dir == "":
		return nil, fault.New(op, fault.Invalid, "", "want --url URL, or --dir D of a daemon on this machine")
	case r.url != "" && r.dir != "":
		return nil, fault.New(op, fault.Invalid, "", "want --url or --dir, not both")
	case r.dir != "":
		if _, err := os.Stat(r.dir); err != nil {
			return nil, fault.Wrap(op, fault.NotFound, r.dir, err)
		}
		return api.NewLocalClient(r.dir), nil
	}
	var token string
	if r.session != "" {
		var err error
		if token, err = firstLine(r.session); err != nil {
			return nil, err
		}
	}
	authority, err := authority(r.ca)
	if err != nil {
		return nil, err
	}
	return api.NewClient(r.url, token, authority)
}

// call makes one call and closes the way again.
func (r *reach) call(ctx context.Context, c api.Call) error {
	client, err := r.client()
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Do(ctx, c)
}

// authority reads a certificate, PEM or DER; no name is no certificate.
func authority(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	b, err := readFile(name, maxLine)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(b); block != nil {
		b = block.Bytes
	}
	if _, err := x509.ParseCertificate(b); err != nil {
		return nil, fault.New("kendro", fault.Invalid, name, "no certificate: want the ca.crt that kendro hub init wrote")
	}
	return b, nil
}

// repeat is the --id of a command that changes something.
type repeat struct{ id string }

func (r *repeat) flag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.id, "id", "", "ID of the request, to repeat one whose outcome is unknown (default: a new one)")
}

// key returns the ID to send.
func (r *repeat) key() string {
	if r.id == "" {
		r.id = api.NewKey()
	}
	return r.id
}

// explain tells how to repeat a request of which nobody knows whether it was
// done. More flags may be needed to make it the same request.
func (r *repeat) explain(err error, more ...string) error {
	if err == nil || !errors.Is(err, fault.Unavailable) {
		return err
	}
	if refused, ok := errors.AsType[*api.Refusal](err); ok && refused.Rejected {
		return err
	}
	return &unknown{err: err, flags: strings.Join(append([]string{"--id " + r.id}, more...), " ")}
}

// Limits of what a command reads.
const (
	maxLine = 64 << 10
	maxBody = 4 << 20
)

// readFile reads a whole file of at most limit bytes; "-" is not special.
func readFile(name string, limit int64) ([]byte, error) {
	const op = "kendro.read"
	info, err := os.Stat(name)
	if err != nil {
		return nil, fault.Wrap(op, missing(err), "", err)
	}
	if info.Size() > limit {
		return nil, fault.New(op, fault.Invalid, name, fmt.Sprintf("is %d bytes; want at most %d", info.Size(), limit))
	}
	b, err := os.ReadFile(name)
	return b, fault.Wrap(op, missing(err), "", err)
}

// missing is the kind of a failure to open a file that the caller named.
func missing(err error) fault.Kind {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.NotFound
	}
	return fault.Invalid
}

// firstLine reads a secret from a file: its first line.
func firstLine(name string) (string, error) {
	b, err := readFile(name, maxLine)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", fault.New("kendro.read", fault.Invalid, name, "its first line is empty")
	}
	return line, nil
}

// password reads a password file, and warns where others can read it too.
func password(cmd *cobra.Command, name string) (string, error) {
	line, err := firstLine(name)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		cmd.PrintErrf("kendro: %s: others on this machine can read it; chmod 600 closes it\n", name)
	}
	return line, nil
}
