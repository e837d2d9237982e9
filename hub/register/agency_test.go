package register

import (
	"crypto/ed25519"
	"testing"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// A bureau is an agency in a test, with an editor who signs.
type bureau struct {
	*town
	code   string
	editor ed25519.PrivateKey
}

func newBureau(w *town, code string) *bureau {
	return &bureau{town: w, code: code, editor: ed25519.NewKeyFromSeed(seedOf("editor", code))}
}

// delegation is the catalogue's key's word on the agency; by another key where one is
// given.
func (b *bureau) delegation(serial uint64, until int64, by ...ed25519.PrivateKey) *AgencyTold {
	b.t.Helper()
	key := append(by, b.catalogue)[0]
	signed, err := catalogue.SignAgency(&dcat.Agency{
		Code: b.code, Name: place.Name{BN: "সংস্থা", EN: "Agency"}, Kind: dcat.Public, Serial: serial, Until: until,
		Editors: []dcat.Editor{{Name: "salma", Key: b.editor.Public().(ed25519.PublicKey)}},
	}, key)
	if err != nil {
		b.t.Fatal(err)
	}
	return &AgencyTold{Signed: protocol.Marshal(&signed)}
}

// submission is versions as the editor submits them; the code is that of the agency in
// whose name.
func (b *bureau) submission(key ed25519.PrivateKey, withdraw []string, versions ...*dcat.Version) *Submitted {
	b.t.Helper()
	told := &dcat.Submission{Agency: b.code, Withdraw: withdraw, At: b.at / 1000}
	out := &Submitted{Code: b.code}
	for _, v := range versions {
		told.Services = append(told.Services, dcat.Entry{ID: v.ID, Version: v.Number, Hash: v.Hash})
		raw, err := catalogue.EncodeVersion(v)
		if err != nil {
			b.t.Fatal(err)
		}
		out.Versions = append(out.Versions, raw)
	}
	signed, err := catalogue.SignSubmission(told, key)
	if err != nil {
		b.t.Fatal(err)
	}
	out.Signed = protocol.Marshal(&signed)
	return out
}

func (b *bureau) submit(s *Submitted) *protocol.Failure {
	b.t.Helper()
	return b.do(NewCommand("", ActorHub, SubmitVersion, s)).Fault
}

// last is what the agency submitted last.
func (b *bureau) last() *Submission {
	b.t.Helper()
	list, err := b.first().Submissions(b.code)
	if err != nil || len(list) == 0 {
		b.t.Fatalf("submissions of %s: %v, %v", b.code, list, err)
	}
	return list[len(list)-1]
}

// TestAgencyInItsNamespace: an editor submits versions of the agency's own and no
// others, a release names them under the catalogue's key, and the record says who edited.
func TestAgencyInItsNamespace(t *testing.T) {
	w, box := office(t)
	b := newBureau(w, "bmet")
	far := w.at/1000 + 365*86400
	demo := func(number int) *dcat.Version { return version(t, "bmet.demo", number, "secretary") }
	wantFault(t, "submitted by no agency", b.submit(b.submission(b.editor, nil, demo(1))), fault.NotFound)
	wantFault(t, "given by another key", w.do(NewCommand("", "root", AddAgency, b.delegation(1, far, b.editor))).Fault, fault.Denied)
	wantFault(t, "given by an officer", w.do(NewCommand("", "anna", AddAgency, b.delegation(1, far))).Fault, fault.Denied)
	wantFault(t, "over before it began", w.do(NewCommand("", "root", AddAgency, b.delegation(1, 5))).Fault, fault.Invalid)
	w.must(NewCommand("", "root", AddAgency, b.delegation(1, far)))
	wantFault(t, "the same again", w.do(NewCommand("", "root", AddAgency, b.delegation(1, far+1))).Fault, fault.Conflict)

	outside := version(t, "trade-licence", 2, "chairman")
	other := version(t, "brta.demo", 1, "secretary")
	bent := version(t, "bmet.demo", 1, "chairman")
	bent.Hash = demo(1).Hash // Named as what it is not.
	for what, c := range map[string]struct {
		s    *Submitted
		kind fault.Kind
	}{
		"the district's own service": {b.submission(b.editor, nil, outside), fault.Denied},
		"another agency's service":   {b.submission(b.editor, nil, other), fault.Denied},
		"one beside its own":         {b.submission(b.editor, nil, demo(1), outside), fault.Denied},
		"to withdraw the district's": {b.submission(b.editor, []string{"trade-licence"}, demo(1)), fault.Denied},
		"by nobody's key":            {b.submission(w.catalogue, nil, demo(1)), fault.Denied},
		"a number that isn't next":   {b.submission(b.editor, nil, demo(2)), fault.Conflict},
		"other bytes than it names":  {b.submission(b.editor, nil, bent), fault.Invalid},
		"nothing":                    {b.submission(b.editor, nil), fault.Denied},
	} {
		wantFault(t, what, b.submit(c.s), c.kind)
	}
	wantFault(t, "submitted by an operator", w.do(NewCommand("", "root", SubmitVersion, b.submission(b.editor, nil, demo(1)))).Fault, fault.Denied)
	wantFault(t, "a release of what nobody submitted", w.do(NewCommand("", "root", Publish, w.parcel(3, fullDirectory(), licence(t), demo(1)))).Fault, fault.Denied)

	if f := b.submit(b.submission(b.editor, nil, demo(1))); f != nil {
		t.Fatal(f.Err())
	}
	if _, known := w.first().Set().Current("bmet.demo"); known {
		t.Error("what is submitted is in force")
	}
	wantFault(t, "a release of other bytes", w.do(NewCommand("", "root", Publish, w.parcel(3, fullDirectory(), licence(t), version(t, "bmet.demo", 1, "chairman")))).Fault, fault.Denied)
	w.publish(3, fullDirectory(), licence(t), demo(1))
	sub := b.last()
	if sub.State != SubmissionAccepted || sub.Editor != "salma" || sub.By != "root" || sub.Release != 3 || sub.Versions != nil {
		t.Errorf("the record says %+v", sub)
	}
	n := box.submit(demo(1), 9)
	box.mustBring(1, 1)
	if c, err := w.first().Case(n); err != nil || c.Service != "bmet.demo" || c.Held != "" {
		t.Errorf("a case of the agency's service is %+v, %v", c, err)
	}

	// What it submits next takes the place of what waits; the district refuses it.
	for range 2 {
		if f := b.submit(b.submission(b.editor, nil, demo(2))); f != nil {
			t.Fatal(f.Err())
		}
	}
	list, err := w.first().Submissions("bmet")
	if err != nil || len(list) != 3 || list[1].State != SubmissionReplaced || list[2].State != SubmissionWaits {
		t.Fatalf("submissions %+v, %v", list, err)
	}
	w.must(NewCommand("", "root", RefuseVersion, &AgencyWord{Code: "bmet", Reason: "the fee is wrong"}))
	wantFault(t, "a release of what was refused", w.do(NewCommand("", "root", Publish, w.parcel(4, fullDirectory(), licence(t), demo(2)))).Fault, fault.Denied)
	wantFault(t, "refused twice", w.do(NewCommand("", "root", RefuseVersion, &AgencyWord{Code: "bmet", Reason: "again"})).Fault, fault.Conflict)

	// It withdraws its own, and what was in force before may come back.
	if f := b.submit(b.submission(b.editor, []string{"bmet.demo"})); f != nil {
		t.Fatal(f.Err())
	}
	w.publish(4, fullDirectory(), licence(t))
	if sub := b.last(); sub.State != SubmissionAccepted || sub.Release != 4 {
		t.Errorf("the withdrawal is %+v", sub)
	}
	w.publish(5, fullDirectory(), licence(t), demo(1))
	reopened(w)
	w.agree()
}

// TestAgencyIsTakenBack: after its last day, and once it is revoked, an agency's editors
// submit nothing; what is in force stays, and a statement of before does not bring it back.
func TestAgencyIsTakenBack(t *testing.T) {
	w, _ := office(t)
	b := newBureau(w, "bmet")
	demo := func(number int) *dcat.Version { return version(t, "bmet.demo", number, "secretary") }
	w.must(NewCommand("", "root", AddAgency, b.delegation(1, w.at/1000+86400)))
	if f := b.submit(b.submission(b.editor, nil, demo(1))); f != nil {
		t.Fatal(f.Err())
	}
	w.publish(3, fullDirectory(), licence(t), demo(1))
	if f := b.submit(b.submission(b.editor, nil, demo(2))); f != nil {
		t.Fatal(f.Err())
	}
	since(w, 2)
	wantFault(t, "after its last day", b.submit(b.submission(b.editor, nil, demo(2))), fault.Denied)
	wantFault(t, "a release of what waited then", w.do(NewCommand("", "root", Publish, w.parcel(4, fullDirectory(), licence(t), demo(2)))).Fault, fault.Denied)
	w.must(NewCommand("", "root", AddAgency, b.delegation(2, w.at/1000+86400)))
	wantFault(t, "without a reason", w.do(NewCommand("", "root", RevokeAgency, &AgencyWord{Code: "bmet"})).Fault, fault.Invalid)
	w.must(NewCommand("", "root", RevokeAgency, &AgencyWord{Code: "bmet", Reason: "its key was stolen"}))
	if sub := b.last(); sub.State != SubmissionRefused || sub.Reason != "its key was stolen" {
		t.Errorf("what waited is %+v", sub)
	}
	wantFault(t, "once it is revoked", b.submit(b.submission(b.editor, nil, demo(2))), fault.Denied)
	wantFault(t, "the statement of before", w.do(NewCommand("", "root", AddAgency, b.delegation(2, w.at/1000+86400))).Fault, fault.Conflict)
	w.publish(4, fullDirectory(), licence(t), demo(1)) // The district's next release leaves it in force.
	w.must(NewCommand("", "root", AddAgency, b.delegation(3, w.at/1000+86400)))
	if f := b.submit(b.submission(b.editor, nil, demo(2))); f != nil {
		t.Errorf("given again: %v", f.Err())
	}
	w.agree()
}
