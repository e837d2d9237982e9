package main

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/base32"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/hub"
	"kendro/identity"
)

// shareFile is the recovery share as kendro hub init leaves it in the folder.
const shareFile = "recovery.share"

// A sealing says for whom a recovery share is encrypted.
type sealing struct {
	recipient string // An age recipient.
	phrase    string // File with a passphrase.
}

func (s *sealing) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.recipient, "share-recipient", "", "age recipient (age1...) that opens the recovery share (default: a passphrase that is printed once)")
	f.StringVar(&s.phrase, "share-passphrase-file", "", "file with a passphrase for the recovery share, in place of a printed one")
	cmd.MarkFlagsMutuallyExclusive("share-recipient", "share-passphrase-file")
}

// drawnWork is the work factor for a passphrase of 130 random bits, which nobody
// can guess however quick a guess is.
const drawnWork = 10

// to returns for whom to encrypt, and the passphrase that was drawn, which
// is empty where the operator named his own way.
func (s *sealing) to() (to age.Recipient, drawn string, err error) {
	const op = "kendro"
	if s.recipient != "" {
		r, err := age.ParseX25519Recipient(s.recipient)
		if err != nil {
			return nil, "", &fault.Error{Op: op, Kind: fault.Invalid, Item: "--share-recipient", Err: err}
		}
		return r, "", nil
	}
	var phrase string
	if s.phrase != "" {
		if phrase, err = passphrase(s.phrase); err != nil {
			return nil, "", err
		}
	} else {
		drawn = drawPhrase()
		phrase = drawn
	}
	r, err := age.NewScryptRecipient(phrase)
	if err != nil {
		return nil, "", &fault.Error{Op: op, Kind: fault.Invalid, Item: "--share-passphrase-file", Err: err}
	}
	if drawn != "" {
		r.SetWorkFactor(drawnWork)
	}
	return r, drawn, nil
}

// minPhrase is the shortest passphrase that is taken.
const minPhrase = 16

func passphrase(file string) (string, error) {
	phrase, err := firstLine(file)
	if err != nil {
		return "", err
	}
	if len(phrase) < minPhrase {
		return "", fault.New("kendro", fault.Invalid, file, "want a passphrase of 16 characters at least: this share opens a whole district")
	}
	return phrase, nil
}

// drawPhrase draws 26 letters and digits in groups that can be read aloud.
func drawPhrase() string {
	b := make([]byte, 17)
	_, _ = rand.Read(b) // It never fails.
	text := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))[:26]
	var parts []string
	for len(text) > 0 {
		n := min(len(text), 5)
		parts, text = append(parts, text[:n]), text[n:]
	}
	return strings.Join(parts, "-")
}

// writeShare writes a recovery share and returns the passphrase that was drawn.
func writeShare(folder hub.Folder, name string, s *sealing) (drawn string, err error) {
	to, drawn, err := s.to()
	if err != nil {
		return "", err
	}
	return drawn, folder.WriteShare(name, to, time.Now())
}

// An anew is what kendro hub recover --from-nodes takes and prints.
type anew struct {
	share    string
	phrase   string
	identity string
	operator string
}

func (a *anew) flags(cmd *cobra.Command) {
	const when = "with --from-nodes: "
	a.shareFlags(cmd, when)
	cmd.Flags().StringVar(&a.operator, "operator", "operator", when+"login of the first operator")
}

// shareFlags are those that name a share and what opens it.
func (a *anew) shareFlags(cmd *cobra.Command, when string) {
	f := cmd.Flags()
	f.StringVar(&a.share, "share", "", when+"the district's recovery share")
	f.StringVar(&a.phrase, "passphrase-file", "", when+"file with the share's passphrase")
	f.StringVar(&a.identity, "identity-file", "", when+"file with the age identity that opens the share")
	cmd.MarkFlagsMutuallyExclusive("passphrase-file", "identity-file")
}

// opener returns what opens the share.
func (a *anew) opener() (age.Identity, error) {
	const op = "kendro"
	switch {
	case a.phrase != "":
		phrase, err := passphrase(a.phrase)
		if err != nil {
			return nil, err
		}
		return age.NewScryptIdentity(phrase)
	case a.identity != "":
		raw, err := readFile(a.identity, maxLine)
		if err != nil {
			return nil, err
		}
		list, err := age.ParseIdentities(bytes.NewReader(raw))
		if err != nil || len(list) != 1 {
			return nil, &fault.Error{Op: op, Kind: fault.Invalid, Item: a.identity, Err: errors.Join(err, errors.New("want one age identity (AGE-SECRET-KEY-1...)"))}
		}
		return list[0], nil
	}
	return nil, fault.New(op, fault.Invalid, "--passphrase-file", "say what opens the share: --passphrase-file or --identity-file")
}

// begin begins the district anew in dir.
func (a *anew) begin(dir string) (*founded, error) {
	if a.share == "" {
		return nil, fault.New("kendro", fault.Invalid, "--share", "want the district's recovery share, which kendro hub init wrote")
	}
	by, err := a.opener()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(a.share)
	if err != nil {
		return nil, &fault.Error{Op: "kendro", Kind: fault.NotFound, Item: a.share, Err: err}
	}
	password, err := hub.RecoverFromNodes(dir, f, hub.RecoverOptions{Identity: by, Operator: a.operator, Clock: time.Now})
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	papers, err := hub.Certificates(dir)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(papers[2])
	if err != nil {
		return nil, err
	}
	who, err := identity.SubjectOf(cert)
	if err != nil {
		return nil, err
	}
	done := &founded{District: who.District, User: a.operator, Password: password, Authority: filepath.Join(dir, authorityFile)}
	return done, publishAuthority(dir, papers[0])
}
