package register

import (
	"time"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// A renewal takes the place of the certificate that its application names. One certificate
// is renewed once, and only while it holds: the second renewal, and that of a certificate
// that was taken back, come to nothing (DOMAIN §7 row 20).

// Why a renewal is refused, or stands aside.
const (
	whyRenewedAlready = "the certificate before it was renewed already: "
	whyBeforeGone     = "the certificate before it does not hold: "
	whyBeforeUnknown  = "the certificate before it is not known here, or ends otherwise than the box took it to"
)

// renewedBy reads which certificate an application asks to renew; nil where its version
// and its answers make it none.
func renewedBy(v *dcat.Version, found *application.Found, e *protocol.Event) *protocol.Renewed {
	if v == nil || found == nil || v.RenewalFor(found.Rules) == nil {
		return nil
	}
	var named struct {
		Renews *protocol.Renewed `cbor:"70,keyasint,omitempty"`
	}
	if e.Decode(&named) != nil || named.Renews == nil || len(named.Renews.Number) > protocol.MaxName {
		return nil
	}
	return named.Renews
}

// holder returns the case that has a certificate as its newest; false where none has.
func (s courses) holder(number string) (*Case, bool) {
	raw, ok := s.raw(certificateKey(number))
	c := &Case{}
	if !ok || len(raw) != 8 || !s.get(caseKey(numberOf(raw)), c) {
		return nil, false
	}
	return c, c.Certificate != nil && c.Certificate.Number == number
}

// predecessor returns the case with the certificate that a case asks to renew, and says why
// it can't be renewed. Without either the case renews none that is known here.
func (s courses) predecessor(c *Case) (*Case, *protocol.Failure) {
	if c.Succeeds == nil {
		return nil, nil
	}
	before, ok := s.holder(c.Succeeds.Number)
	if !ok {
		return nil, nil
	}
	switch k := before.Certificate; k.State {
	case protocol.CertificateConfirmed:
		return before, nil
	case protocol.CertificateRenewed:
		return nil, refuse(fault.Conflict, c.Number.String(), whyRenewedAlready+k.By)
	default:
		return nil, refuse(fault.Conflict, c.Number.String(), whyBeforeGone+k.State)
	}
}

// takePlace ends the certificate before, once another has its place.
func (s courses) takePlace(before *Case, k *protocol.Certificate) {
	if before == nil {
		return
	}
	old := *before.Certificate
	old.State, old.By, old.Ended = protocol.CertificateRenewed, k.Number, k.Issued
	before.Certificate = &old
	s.put(caseKey(before.Number), before)
	s.tell(before)
	renewals{refunds{withheld{s}}}.over(old.Number)
}

// follows returns the certificate whose place one takes that a union has issued, or says
// why its numbers or dates don't fit the one before.
func (f *follower) follows(k *protocol.Certificate, terms *dcat.Certificate) (*Case, *protocol.Failure) {
	before, fail := f.predecessor(f.c)
	if fail != nil {
		return nil, fail
	}
	end, named := int64(0), ""
	if r := f.c.Succeeds; r != nil {
		end, named = r.Expires, r.Number
		if end != 0 && (before == nil || before.Certificate.Expires != end) {
			return nil, refuse(fault.Conflict, clip(named, 64), whyBeforeUnknown)
		}
	}
	if k.Renews != named || !f.dated(k, terms, end) {
		return nil, refuse(fault.Conflict, clip(k.Number, 64), whyExpiry)
	}
	return before, nil
}

// dated reports whether a certificate ends when one may that is issued at the legal date,
// or a day from it.
func (f *follower) dated(k *protocol.Certificate, terms *dcat.Certificate, end int64) bool {
	const day = 24 * 3600
	for _, off := range []int64{0, -day, day} {
		last := application.CertificateTerm(terms, time.Unix(f.legal/1000+off, 0).In(f.zone), end)
		if off == 0 && k.Expires <= last+day && k.Expires >= last-day || k.Expires == last {
			return true
		}
	}
	return false
}
