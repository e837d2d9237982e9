package register

import (
	"slices"
	"strings"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// A certificate that holds may be taken back by the post that signs, or the one over its
// office. Every box of the upazila is told, and keeps it until the certificate would have
// ended: it verifies with no link (DOMAIN §7 row 21).

// maxRevocations bounds the revocations of one upazila that are kept for boxes that come later.
const maxRevocations = 2000

// revocable says why a case has no certificate that could be taken back.
func (c *Case) revocable() *protocol.Failure {
	switch k := c.Certificate; {
	case k == nil:
		return refuse(fault.Conflict, c.Number.String(), "no certificate was issued on it")
	case k.State != protocol.CertificateConfirmed:
		return refuse(fault.Conflict, c.Number.String(), "its certificate can't be revoked, it is "+k.State)
	}
	return nil
}

// revoke takes a case's certificate back, at a time in Unix seconds, and tells whoever
// verifies.
func (s courses) revoke(c *Case, reason string, unix int64) {
	old := *c.Certificate
	old.State, old.Ended, old.Reason = protocol.CertificateRevoked, unix, reason
	c.Certificate = &old
	told := protocol.RevokedCertificate{Number: old.Number, Service: c.Service, Issued: old.Issued, Expires: old.Expires, At: unix}
	up := c.Centre.Upazila()
	s.forgetRevoked(up)
	s.put(revokedKey(up, &told), &told)
	for _, n := range s.world.boxes() {
		if n.Centre.Upazila() == up {
			s.tellRevoked(n.Centre, &told)
		}
	}
}

func (s *step) tellRevoked(centre place.Centre, told *protocol.RevokedCertificate) {
	s.append(s.world.inbox(centre), &protocol.Event{Kind: protocol.RevocationTold, Payload: protocol.Marshal(told)})
}

// revokedKey sorts the revocations of an upazila by when their certificates end.
func revokedKey(upazila place.Code, r *protocol.RevokedCertificate) []byte {
	return key(tagRevoked, []byte(upazila), []byte{0}, u64(uint64(r.Expires)), []byte(r.Number))
}

// eachRevoked calls fn with the revocations of an upazila, those that end first before the
// others.
func (s *step) eachRevoked(upazila place.Code, fn func(k []byte, r *protocol.RevokedCertificate)) {
	s.keep(s.tx.Scan(key(tagRevoked, []byte(upazila), []byte{0}), nil, func(k, raw []byte) (bool, error) {
		r := &protocol.RevokedCertificate{}
		err := decodeState(k, raw, r)
		if err == nil {
			fn(slices.Clone(k), r)
		}
		return true, err
	}))
}

// forgetRevoked makes room: what would have ended by now needs no word, and of too many
// those that end first go.
func (s courses) forgetRevoked(upazila place.Code) {
	var keys [][]byte
	gone := 0
	s.eachRevoked(upazila, func(k []byte, r *protocol.RevokedCertificate) {
		keys = append(keys, k)
		if r.Expires < s.meta.At/1000 {
			gone++
		}
	})
	for _, k := range keys[:max(gone, len(keys)-maxRevocations+1)] {
		s.del(k)
	}
}

// revoked tells a new box of its upazila's revocations.
func (s fleet) revoked(centre place.Centre) {
	s.eachRevoked(centre.Upazila(), func(_ []byte, r *protocol.RevokedCertificate) {
		if r.Expires >= s.meta.At/1000 {
			s.tellRevoked(centre, r)
		}
	})
}

// replaced keeps a certificate whose case has another now, as an appeal may bring about.
func (c *Case) replaced() {
	if c.Certificate != nil && c.Certificate.State == protocol.CertificateRevoked {
		c.Former = append(slices.Clip(c.Former), *c.Certificate)
	}
}

// certified returns the certificate of this number that was issued on a case, nil for none.
func (c *Case) certified(number string) *Certificate {
	if c.Certificate != nil && c.Certificate.Number == number {
		return c.Certificate
	}
	for i := range c.Former {
		if c.Former[i].Number == number {
			return &c.Former[i]
		}
	}
	return nil
}

// Certified returns the certificate of this number that was issued on the case, nil for none.
func (c *Case) Certified(number string) *Certificate { return c.certified(number) }

// A Copy is one print of a certificate's sheet (DOMAIN §7 row 20).
type Copy struct {
	Certificate string       `cbor:"1,keyasint"`
	Copy        uint32       `cbor:"2,keyasint"` // 1 is the original. As it is printed; two places may have drawn one number.
	At          int64        `cbor:"3,keyasint"` // Unix milliseconds.
	By          string       `cbor:"4,keyasint"`
	Centre      place.Centre `cbor:"5,keyasint,omitempty"` // Whose box printed it; empty: the hub.
	Reason      string       `cbor:"6,keyasint,omitempty"`
}

// CopyAsked is the body of print-copy.
type CopyAsked struct {
	Certificate string `cbor:"1,keyasint"`
	Reason      string `cbor:"2,keyasint,omitempty"`
}

// copied is the highest copy of a certificate that is known.
func (c *Case) copied(number string) (n uint32) {
	for i := range c.Copies {
		if c.Copies[i].Certificate == number {
			n = max(n, c.Copies[i].Copy)
		}
	}
	return n
}

// keepCopy notes a print. What is printed is never lost from the case; beyond the bound the
// newest takes the place of the one before.
func (s courses) keepCopy(c *Case, x *Copy) {
	if len(c.Copies) >= 2*protocol.MaxCopies {
		c.Copies = c.Copies[:len(c.Copies)-1]
	}
	c.Copies = append(slices.Clip(c.Copies), *x)
	s.put(caseKey(c.Number), c)
}

// printed notes a print at a box.
func (f *follower) printed() {
	var x protocol.CertificateCopy
	if f.e.Decode(&x) != nil || x.Check() != nil {
		f.aside(whyUnreadable, 0)
		return
	}
	f.keepCopy(f.c, &Copy{Certificate: x.Certificate, Copy: x.Copy, At: f.legal, By: f.e.Actor, Centre: f.owner.Centre, Reason: x.Reason})
}

// printCopy numbers a print at the hub. What was issued at a box has its original there.
func (s desks) printCopy(cmd *Command, by access.Principal) Result {
	b, f := body[CopyAsked](cmd)
	if f != nil {
		return Result{Fault: f}
	}
	c := &Case{}
	if !s.get(caseKey(cmd.Number), c) {
		return failed(fault.NotFound, cmd.Number.String(), "no case has this number")
	}
	if err := access.May(by, access.PrintCopy, c.closed(c.resource(s.world, by.Seat, c.State.Version), grievances{courses(s)}.roster)); err != nil {
		return Result{Fault: failureOf(err)}
	}
	k := c.Certificate
	if k == nil || k.Number != b.Certificate || k.State != protocol.CertificateConfirmed {
		return failed(fault.Conflict, clip(b.Certificate, 64), "it is no certificate of this case, or holds no more: nothing is printed")
	}
	x := Copy{Certificate: k.Number, Copy: c.copied(k.Number) + 1, At: s.meta.At, By: by.User, Reason: strings.TrimSpace(b.Reason)}
	if x.Copy == 1 && issuedAtUnion(c) {
		x.Copy = 2
	}
	if err := (&protocol.CertificateCopy{Certificate: x.Certificate, Copy: x.Copy, Reason: x.Reason}).Check(); err != nil {
		return Result{Fault: failureOf(err)}
	}
	courses(s).keepCopy(c, &x)
	s.tell(c)
	return done(&x)
}

// issuedAtUnion reports whether a box has issued what was issued last.
func issuedAtUnion(c *Case) bool {
	for _, t := range slices.Backward(c.History) {
		if t.Action == application.Issue {
			return t.Event != nil
		}
	}
	return false
}
