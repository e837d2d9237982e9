package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
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
	Recovery  string `json:"recovery_key,omitempty"`
	Authority string `json:"authority"`
	Share     string `json:"recovery_share,omitempty"`
	Phrase    string `json:"recovery_passphrase,omitempty"` // Of the share, where it was drawn here.
}

func (f *founded) table() *table {
	cells := []string{"district", f.District, "user", f.User, "password", f.Password}
	if f.Recovery != "" {
		cells = append(cells, "recovery key", f.Recovery+" (take it away)")
	}
	if f.Share != "" {
		cells = append(cells, "recovery share", f.Share+" (take it away)")
	}
	if f.Phrase != "" {
		cells = append(cells, "its passphrase", f.Phrase+" (shown once; keep it apart from the share)")
	}
	return pairs(append(cells, "authority", f.Authority)...)
}

func hubInitCmd() *cobra.Command {
	var out output
	var dir, packFolder string
	var seal sealing
	o := hub.InitOptions{Clock: time.Now}
	cmd := &cobra.Command{
		Use: "init", Short: "Found a district", Args: cobra.NoArgs,
		Long: `Founds a district: its authority and keys, release 1 of the country pack, and a first
operator. The operator's password is printed once and kept nowhere. recovery.key in
the folder opens the district's records without the hub: take it to a safe place.
recovery.share, with its passphrase, lets the district begin anew from its boxes after
every server was lost (kendro hub recover --from-nodes): keep a copy away from the
servers, and the passphrase away from the copy.`,
		Example: "  kendro hub init --dir /var/lib/kendro/hub --district 41",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Pack = bd.Pack()
			if packFolder != "" {
				var err error
				if o.Pack, err = folder(packFolder); err != nil {
					return err
				}
			}
			done, err := hubInit(dir, o, &seal)
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), done, done.table)
		},
	}
	out.flag(cmd)
	seal.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&dir, "dir", "", "folder of the first server, made where it is missing")
	f.StringVar(&o.District, "district", "", "code of the district, two digits")
	f.StringVar(&packFolder, "country-pack", "", "folder of a country pack (default: the one in this binary)")
	f.StringVar(&o.Operator, "operator", "operator", "login of the first operator")
	require(cmd, "dir", "district")
	return cmd
}

func hubInit(dir string, o hub.InitOptions, seal *sealing) (*founded, error) {
	if _, _, err := seal.to(); err != nil {
		return nil, err // Before anything is founded.
	}
	password, err := hub.Init(dir, o)
	if err != nil {
		return nil, err
	}
	done := &founded{
		District: o.District, User: o.Operator, Password: password,
		Recovery: filepath.Join(dir, recoveryKeyFile), Authority: filepath.Join(dir, authorityFile),
	}
	done.Share = filepath.Join(dir, shareFile)
	if done.Phrase, err = writeShare(hub.Folder{Dir: dir}, done.Share, seal); err != nil {
		return nil, err
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

// authorityAt returns the district's certificate as a server holds it, and whether
// clients are given that one.
func authorityAt(dir string) (der []byte, published bool, err error) {
	papers, err := hub.Certificates(dir)
	if err != nil {
		return nil, false, err
	}
	text, err := os.ReadFile(filepath.Join(dir, authorityFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, false, fault.Wrap("kendro.authority", fault.Unavailable, authorityFile, err)
	}
	return papers[0], bytes.Equal(bytes.TrimSpace(text), bytes.TrimSpace(authorityText(papers[0]))), nil
}

// republishAuthority has clients of a server find the district's certificate again,
// should it have been altered or lost.
func republishAuthority(dir string, log *slog.Logger) error {
	der, published, err := authorityAt(dir)
	if err != nil || published {
		return err
	}
	if present(dir, "raft") { // Not the first start of a further server.
		log.Warn("the certificate for clients was missing or altered and is written again", "file", authorityFile)
	}
	return publishAuthority(dir, der)
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
