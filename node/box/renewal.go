package box

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"kendro/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/store"
)

// A Predecessor is what this box knows of a certificate that is to be renewed.
type Predecessor struct {
	Number  string
	Service string
	Expires int64      // Its last second; 0: not known for sure.
	Gone    string     // Why it can't be renewed: a state of the protocol's; empty: it can.
	By      string     // Renewed: the number of the one that has its place.
	Case    *UnionCase // On which it was issued here; nil: elsewhere.
}

// Predecessor returns what is known of a certificate: of this box's own, all; of another's,
// what the text of its code says, where a machine of the district has signed it.
// [fault.NotFound]: neither. [fault.Denied]: the code is nobody's of the district's.
func (b *Union) Predecessor(number, code string) (*Predecessor, error) {
	u, err := b.CertificateCase(number)
	if err == nil {
		p := &Predecessor{Number: number, Service: u.Pin.Service, Expires: u.Certificate.Expires, Case: u}
		w, err := b.Worth(u)
		switch w.State {
		case protocol.CertificateRefused, protocol.CertificateRenewed, protocol.CertificateRevoked:
			p.Gone, p.By = w.State, w.By
		}
		return p, err
	}
	if !errors.Is(err, fault.NotFound) || code == "" {
		return nil, err
	}
	a, err := protocol.ParseAttestation(code)
	if err != nil {
		return nil, err
	}
	if _, err := a.Verify(b.intake.o.Enrolment.CA); err != nil {
		return nil, err
	}
	if a.Number != number {
		return nil, fault.New("box.Predecessor", fault.Invalid, number, "the code is of another certificate: "+a.Number)
	}
	p := &Predecessor{Number: number, Service: a.Service}
	if !a.Provisional {
		p.Expires = a.Expires
	}
	_, gone, err := b.Revoked(number)
	if gone {
		p.Gone = protocol.CertificateRevoked
	}
	return p, err
}

// successor returns the certificate that was issued here in the place of another; nil for
// none, or one that the hub refused.
func (b *Union) successor(number string) (*protocol.Certificate, error) {
	var n uint64
	err := b.intake.view(func(tx *store.Tx) (err error) {
		n, err = lookup(tx, b.intake.index.blind(keyRenewed, number))
		return err
	})
	if err != nil || n == 0 {
		return nil, err
	}
	u, err := b.UnionCase(protocol.Number(n))
	if err != nil || u.Certificate == nil || u.Certificate.Renews != number {
		return nil, err
	}
	if w := u.Said.Certificate; w != nil && w.Number == u.Certificate.Number && w.State == protocol.CertificateRefused {
		return nil, nil //nolint:nilnil // As it says.
	}
	return u.Certificate, nil
}

// renewed notes whose place a certificate takes.
func (x unionIndex) renewed(tx *store.Tx, n protocol.Number, c *protocol.Certificate) error {
	if c.Renews == "" {
		return nil
	}
	return tx.Set(x.blind(keyRenewed, c.Renews), binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// renews reads which certificate an application asks to renew; nil for none of ours. One
// that can't be renewed is the applicant's to correct.
func (b *Union) renews(goods *Goods, app *catalogue.Application, now time.Time) (*protocol.Renewed, []catalogue.FieldError, error) {
	if app.Version.Renewal() == nil {
		return nil, nil, nil
	}
	found, err := goods.Intake.Found(app.Version, app.Form, now.In(dhaka))
	if err != nil {
		return nil, nil, err
	}
	r := app.Version.RenewalFor(found.Rules)
	if r == nil {
		return nil, nil, nil
	}
	number, err := protocol.ParseCertificateNumber(catalogue.Answers(app.Form)(r.Answer))
	if err != nil || !strings.HasPrefix(number, app.Version.Procedure.Certificate.Code+"-") {
		return nil, nil, nil //nolint:nilerr // From before there were such numbers: it is on paper alone.
	}
	k, err := b.Predecessor(number, app.RenewalCode)
	if errors.Is(err, fault.NotFound) {
		return &protocol.Renewed{Number: number}, nil, nil
	}
	var wrong place.Name
	switch {
	case errors.Is(err, fault.Denied), errors.Is(err, fault.Invalid):
		wrong = place.Name{BN: "সনদের সংকেতটি এই সনদের নয়, বা আসল নয়।", EN: "The code is not this certificate's, or not genuine."}
	case err != nil:
		return nil, nil, err
	case k.Service != app.Version.ID:
		wrong = place.Name{BN: "এই নম্বরের সনদ অন্য সেবার।", EN: "The certificate of this number is another service's."}
	case k.Gone == protocol.CertificateRenewed:
		wrong = place.Name{BN: "এটি আগেই নবায়ন হয়েছে: " + k.By, EN: "It was renewed already: " + k.By}
	case k.Gone != "":
		wrong = place.Name{BN: "এই সনদ আর বৈধ নয়: নতুন আবেদন করুন।", EN: "This certificate holds no more: apply for a new one."}
	default:
		return &protocol.Renewed{Number: number, Expires: k.Expires}, nil, nil
	}
	form, err := goods.Intake.Form(app.Version)
	if err != nil {
		return nil, nil, err
	}
	return nil, form.Refused(r.Answer, wrong), nil
}

// maxHeld bounds the certificates that are looked through, and those that are found.
const (
	maxHeld  = 20_000
	maxFound = 50
)

// Certificates returns the cases on which certificates were issued here whose application or
// applicant has all of these words, at most 50: those that end first before the others.
func (b *Union) Certificates(words []string) ([]*UnionCase, error) {
	var numbers []protocol.Number
	err := b.intake.view(func(tx *store.Tx) error {
		return tx.Scan([]byte(keyIssued), nil, func(_, value []byte) (bool, error) {
			if len(value) == 8 {
				numbers = append(numbers, protocol.Number(binary.BigEndian.Uint64(value)))
			}
			return len(numbers) < maxHeld, nil
		})
	})
	if err != nil {
		return nil, err
	}
	var list []*UnionCase
	for _, n := range numbers {
		c, err := b.cases.Case(n)
		if err != nil {
			return nil, err
		}
		if !has(&c.Submission, words) {
			continue
		}
		u, err := b.UnionCase(n)
		if err != nil {
			return nil, err
		}
		if u.Certificate != nil {
			list = append(list, u)
		}
	}
	slices.SortFunc(list, func(x, y *UnionCase) int {
		return cmp.Or(cmp.Compare(x.Certificate.Expires, y.Certificate.Expires), cmp.Compare(x.Certificate.Number, y.Certificate.Number))
	})
	return list[:min(len(list), maxFound)], nil
}

// has reports whether every word stands in an application.
func has(s *protocol.Submission, words []string) bool {
	text := strings.ToLower(norm.NFC.String(string(s.Form) + " " + string(s.Applicant)))
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, strings.ToLower(norm.NFC.String(word))) })
}
