package box

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/store"
)

// A Worth is what this box knows of a certificate that its union issued here.
type Worth struct {
	State  string // One of the protocol's; empty before the hub has said anything.
	By     string // Renewed: the number of the one that has its place.
	Ended  int64  // Renewed, revoked: since when, Unix seconds.
	Reason string // Revoked: the code of the reason.
}

// Worth adds up what the hub has said of the certificate of a case and what was done here
// since: what is taken back here, or renewed, counts at once.
func (b *Union) Worth(u *UnionCase) (Worth, error) {
	k := u.Certificate
	var w Worth
	switch said := u.Said.Certificate; {
	case said == nil:
		w.State = u.disputed(k.Number)
	case said.Number == k.Number:
		w = Worth{State: said.State, By: said.By, Ended: said.Ended, Reason: said.Reason}
	case said.State == protocol.CertificateConfirmed: // The hub's own desk has issued another.
		w.State = protocol.CertificateRefused
	}
	switch w.State {
	case protocol.CertificateRefused, protocol.CertificateRenewed, protocol.CertificateRevoked:
		return w, nil
	}
	if t := u.revoked(); t != nil && (!u.heard || w.State != protocol.CertificateConfirmed) {
		return Worth{State: protocol.CertificateRevoked, Ended: t.At.Unix(), Reason: t.Said.Reason}, nil
	}
	if r, ok, err := b.Revoked(k.Number); err != nil || ok {
		return Worth{State: protocol.CertificateRevoked, Ended: r.At}, err
	}
	by, err := b.successor(k.Number)
	if err != nil || by == nil {
		return w, err
	}
	return Worth{State: protocol.CertificateRenewed, By: by.Number, Ended: by.Issued}, nil
}

// revoked is the turn in which the case's certificate was taken back here, nil for none.
func (u *UnionCase) revoked() *Turn {
	for i := len(u.Turns) - 1; i >= 0 && u.State.Revoked; i-- {
		if u.Turns[i].Action == application.Revoke {
			return &u.Turns[i]
		}
	}
	return nil
}

// Revoked returns what the hub has told of a certificate of the upazila that was taken back.
func (b *Union) Revoked(number string) (r protocol.RevokedCertificate, ok bool, err error) {
	err = b.intake.view(func(tx *store.Tx) (err error) {
		ok, err = read(tx, revokedKey(b.intake.index, number), &r)
		return err
	})
	return r, ok, err
}

func revokedKey(x *index, number string) []byte {
	return append([]byte(x.era.now(keyRevoked)), number...)
}

// maxRevoked bounds the revocations that a box keeps. Beyond it those go first whose
// certificates end first.
const maxRevoked = 4096

// revoke keeps what the hub tells of a certificate that was taken back.
func (x unionIndex) revoke(tx *store.Tx, e *protocol.Event) error {
	var r protocol.RevokedCertificate
	if !reads(e, &r) || r.Number == "" || len(r.Number) > protocol.MaxName || r.At <= 0 {
		return nil // What this version can't use has no effect.
	}
	var kept []protocol.RevokedCertificate
	err := tx.Scan([]byte(x.era.now(keyRevoked)), nil, func(_, value []byte) (bool, error) {
		var old protocol.RevokedCertificate
		if err := protocol.Unmarshal(value, maxRecord, "revocation", &old); err != nil {
			return false, damagedIndex(err)
		}
		kept = append(kept, old)
		return true, nil
	})
	if err != nil {
		return err
	}
	if len(kept) >= maxRevoked {
		first := slices.MinFunc(kept, func(a, b protocol.RevokedCertificate) int { return int(a.Expires/86400 - b.Expires/86400) })
		if err := tx.Delete(revokedKey(x.index, first.Number)); err != nil {
			return err
		}
	}
	return tx.Set(revokedKey(x.index, r.Number), e.Payload)
}

// A Print is one copy of a certificate that was printed here.
type Print struct {
	protocol.CertificateCopy
	At time.Time
	By string
}

// Prints returns the copies of a case's certificates that were printed here, in order.
func (b *Union) Prints(n protocol.Number) ([]Print, error) {
	list, err := eventsOf(b.intake.core, keyPrinted, n)
	if err != nil {
		return nil, err
	}
	prints := []Print{}
	for _, e := range list {
		p := Print{At: time.UnixMilli(e.event.At), By: e.event.Actor}
		if err := e.event.Decode(&p.CertificateCopy); err != nil {
			return nil, damagedRecord("own", e.seq, err)
		}
		prints = append(prints, p)
	}
	return prints, nil
}

// Print counts one more copy of what was issued on a case, before it is printed: 1 is the
// original, and each further one wants a reason. The same request gets the same copy.
// [fault.Conflict]: nothing was issued here, it holds no more, or the copies are used up.
func (b *Union) Print(ctx context.Context, f Followup, reason string) (Print, error) {
	const op = "box.Print"
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return Print{}, fault.Wrap(op, fault.Unavailable, "", ctx.Err())
	}
	u, err := b.UnionCase(f.Number)
	if err != nil {
		return Print{}, err
	}
	again, err := (Followups{b.intake, b}).requested(f)
	if err != nil {
		return Print{}, err
	}
	if again > 0 {
		return b.printed(again, f.Number)
	}
	if u.Certificate == nil {
		return Print{}, fault.New(op, fault.Conflict, f.Number.String(), "no certificate was issued on it here")
	}
	w, err := b.Worth(u)
	if err != nil {
		return Print{}, err
	}
	switch w.State {
	case protocol.CertificateRefused, protocol.CertificateRenewed, protocol.CertificateRevoked:
		return Print{}, fault.New(op, fault.Conflict, u.Certificate.Number, "it holds no more, it is "+w.State+": nothing is printed")
	}
	copies, err := b.Prints(f.Number)
	if err != nil {
		return Print{}, err
	}
	next := uint32(0)
	if said := u.Said.Certificate; said != nil && said.Number == u.Certificate.Number {
		next = said.Copies
	}
	for _, p := range copies {
		if p.Certificate == u.Certificate.Number {
			next = max(next, p.Copy)
		}
	}
	p := protocol.CertificateCopy{Certificate: u.Certificate.Number, Copy: next + 1, Reason: strings.TrimSpace(reason)}
	if err := p.Check(); err != nil {
		return Print{}, err
	}
	a, err := (Followups{b.intake, b}).add(ctx, f, protocol.CopyPrinted, &p)
	if err != nil {
		return Print{}, err
	}
	return Print{p, a.Issued, f.User}, nil
}

// printed is the copy that a request has counted before.
func (b *Union) printed(seq uint64, n protocol.Number) (Print, error) {
	e, err := b.intake.recordAt(seq)
	if err != nil {
		return Print{}, err
	}
	p := Print{At: time.UnixMilli(e.event.At), By: e.event.Actor}
	if e.event.Kind != protocol.CopyPrinted || e.event.Number != n || e.event.Decode(&p.CertificateCopy) != nil {
		return p, fault.New("box.Print", fault.Conflict, "Idempotency-Key", "this key came before with another request: draw a new key for a new one")
	}
	return p, nil
}

// Upazila reports whether a certificate's number is of this box's upazila: then the hub tells
// it where the certificate is taken back.
func (b *Union) Upazila(number string) bool {
	_, rest, _ := strings.Cut(number, "-")
	area, _, ok := cutLast(rest)
	return ok && place.Code(area).Upazila() == b.intake.centre.Upazila()
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '-')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// Known is when this box last knew anything of the district.
func (b *Union) Known() time.Time { return time.UnixMilli(b.intake.mirror.lastSeen()) }

// printing notes that a copy was printed of what was issued on a case.
func (x unionIndex) printing(tx *store.Tx, seq uint64, n protocol.Number) error {
	return tx.Set(binary.BigEndian.AppendUint64(x.caseKey(keyPrinted, n), seq), nil)
}
