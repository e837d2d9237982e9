package main

import (
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/hub"
	"kendro/pack/bd"
	"kendro/store"
)

// Files of a server's folder that commands look for.
const (
	hubFile          = "server.key"    // Without it no server lives here.
	catalogueKeyFile = "catalogue.key" // The seed of the key that signs releases.
	recoveryKeyFile  = "recovery.key"
	authorityFile    = "ca.crt" // The district's certificate, for https.
)

// A founded district is what kendro hub init prints.
type founded struct {
	District  string `json:"district"`
	User      string `json:"user"`
	Password  string `json:"password"`
	Recovery  string `json:"recovery_key"`
	Authority string `json:"authority"`
}

func hubInitCmd() *cobra.Command {
	var out output
	var dir, packFolder string
	o := hub.InitOptions{Clock: time.Now}
	cmd := &cobra.Command{
		Use: "init", Short: "Found a district", Args: cobra.NoArgs,
		Long: `Founds a district: its authority and keys, release 1 of the country pack, and a first
operator. The operator's password is printed once and kept nowhere. recovery.key in
the folder opens the district's records without the hub: take it to a safe place.`,
		Example: "  kendro hub init --dir /var/lib/kendro/hub --district 41",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Pack = bd.Pack()
			if packFolder != "" {
				var err error
				if o.Pack, err = folder(packFolder); err != nil {
					return err
				}
			}
			done, err := hubInit(dir, o)
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), done, func() *table {
				return pairs("district", done.District, "user", done.User, "password", done.Password,
					"recovery key", done.Recovery+" (take it away)", "authority", done.Authority)
			})
		},
	}
	out.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&dir, "dir", "", "folder of the first server, made where it is missing")
	f.StringVar(&o.District, "district", "", "code of the district, two digits")
	f.StringVar(&packFolder, "country-pack", "", "folder of a country pack (default: the one in this binary)")
	f.StringVar(&o.Operator, "operator", "operator", "login of the first operator")
	require(cmd, "dir", "district")
	return cmd
}

func hubInit(dir string, o hub.InitOptions) (*founded, error) {
	password, err := hub.Init(dir, o)
	if err != nil {
		return nil, err
	}
	done := &founded{
		District: o.District, User: o.Operator, Password: password,
		Recovery: filepath.Join(dir, recoveryKeyFile), Authority: filepath.Join(dir, authorityFile),
	}
	papers, err := hub.Certificates(dir)
	if err != nil {
		return nil, err
	}
	return done, publishAuthority(dir, papers[0])
}

// publishAuthority leaves the district's certificate where clients can be given
// it: it is no secret.
func publishAuthority(dir string, der []byte) error {
	const readable fs.FileMode = 0o644
	return store.WriteFileAtomic(filepath.Join(dir, authorityFile), authorityText(der), readable)
}

func authorityText(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// catalogueKey reads the key that signs releases.
func catalogueKey(name string) (ed25519.PrivateKey, error) {
	seed, err := readFile(name, maxLine)
	if err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fault.New("kendro", fault.Invalid, name, fmt.Sprintf("is %d bytes; the catalogue's key is %d, as kendro hub init wrote it", len(seed), ed25519.SeedSize))
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
