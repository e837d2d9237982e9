package register

import (
	"strconv"
	"testing"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// revocations are what a centre was told.
func (w *town) revocations(centre place.Centre) (list []protocol.RevokedCertificate) {
	w.t.Helper()
	for _, e := range w.inboxOf(centre) {
		var r protocol.RevokedCertificate
		if e.Kind == protocol.RevocationTold && e.Decode(&r) == nil {
			list = append(list, r)
		}
	}
	return list
}

// TestRow21RevokedAtTheHub: the UNO takes a licence back while the union has its lease, and
// nobody else above or beside; every box of the upazila hears of it, one that comes later as
// well, and the holder may appeal.
func TestRow21RevokedAtTheHub(t *testing.T) {
	w, u := newUnion(t)
	n, k := u.licensed(1)
	w.enrol("41-09-23")
	why := Act{Reason: "incomplete", Text: "the shop is a bridge"}
	wantFault(t, "without a reason", w.officer(n, "uno-officer", Revoke, Act{Text: "x"}).Fault, fault.Invalid)
	wantFault(t, "by another union", w.officer(n, "far", Revoke, why).Fault, fault.Denied)
	wantFault(t, "by the secretary", w.officer(n, "anna", Revoke, why).Fault, fault.Denied)
	w.worked(n, "uno-officer", Revoke, why)
	at := w.at / 1000
	u.certificate(n, k.Number, protocol.CertificateRevoked)
	w.stage(n, application.Closed)
	wantFault(t, "twice", w.officer(n, "uno-officer", Revoke, why).Fault, fault.Conflict)
	w.enrol("41-09-23") // Another box, which begins with nothing.
	want := protocol.RevokedCertificate{Number: k.Number, Service: u.v.ID, Issued: k.Issued, Expires: k.Expires, At: at}
	for centre, times := range map[place.Centre]int{"41-09-17": 1, "41-09-23": 2} {
		got := w.revocations(centre)
		if len(got) != times || got[0] != want || got[times-1] != want {
			t.Errorf("%s was told %+v; want %+v", centre, got, want)
		}
	}
	verified(w)
	w.agree()
}

// TestRow21RevokedAtTheUnion: the chairman takes one back at his box under the lease; after
// its end the UNO has to confirm that.
func TestRow21RevokedAtTheUnion(t *testing.T) {
	w, u := newUnion(t)
	n, k := u.licensed(1)
	other, _ := u.licensed(2)
	revokes := func(n protocol.Number) {
		u.by("chair", protocol.ActedAtUnion, n, &protocol.UnionAct{Action: "revoke", Reason: "incomplete", Text: "moved away", Token: u.lease().Token})
	}
	revokes(n)
	u.certificate(n, k.Number, protocol.CertificateRevoked)
	since(w, 20)
	revokes(other)
	kinds, it := u.items(other)
	if len(kinds) != 1 || it.Kind != ItemConfirm || len(w.revocations("41-09-17")) != 1 {
		t.Fatalf("a late one has items %v, and the centre was told %v", kinds, w.revocations("41-09-17"))
	}
	if res := u.settles("uno-officer", it, outcomeConfirmed); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	if len(w.revocations("41-09-17")) != 2 {
		t.Error("a confirmed revocation is not told")
	}
	verified(w)
	w.agree()
}

// TestRow21RevocationsAreBounded: a box that comes later hears of what still matters, and
// the register keeps no more than it may.
func TestRow21RevocationsAreBounded(t *testing.T) {
	w, u := newUnion(t)
	n, k := u.licensed(1)
	w.worked(n, "uno-officer", Revoke, Act{Reason: "incomplete", Text: "moved away"})
	since(w, 400) // Past its end.
	w.enrol("41-09-23")
	if got := w.revocations("41-09-23"); len(got) != 0 {
		t.Errorf("a new box was told of %v, which ended %d", got, k.Expires)
	}
	w.agree()
}

// TestRow20CopiesAreNumbered: prints at the box and at the hub stand in the case, each with
// its number and why; a revoked certificate is not printed.
func TestRow20CopiesAreNumbered(t *testing.T) {
	w, u := newUnion(t)
	n, k := u.licensed(1)
	copies := func(want ...string) {
		t.Helper()
		c, err := w.first().Case(n)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range c.Copies {
			got = append(got, strconv.Itoa(int(x.Copy))+" "+x.By+" "+string(x.Centre)+" "+x.Reason)
		}
		if len(got) != len(want) {
			t.Fatalf("copies %q; want %q", got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("copies %q; want %q", got, want)
			}
		}
	}
	u.by("rahima", protocol.CopyPrinted, n, &protocol.CertificateCopy{Certificate: k.Number, Copy: 1})
	print := func(who, reason string) Result {
		c := NewCommand("", who, PrintCopy, &CopyAsked{Certificate: k.Number, Reason: reason})
		c.Number = n
		return entry(w, c)
	}
	wantFault(t, "a copy without a reason", print("chair", " ").Fault, fault.Invalid)
	wantFault(t, "by somebody far", print("far", "lost").Fault, fault.Denied)
	if res := print("chair", "lost"); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	u.by("rahima", protocol.CopyPrinted, n, &protocol.CertificateCopy{Certificate: k.Number, Copy: 2, Reason: "burnt"})
	copies("1 rahima 41-09-17 ", "2 chair  lost", "2 rahima 41-09-17 burnt")
	u.by("rahima", protocol.CopyPrinted, n, &protocol.CertificateCopy{Certificate: k.Number, Copy: 3})
	if kinds, it := u.items(n); len(kinds) != 1 || it.Text != whyUnreadable {
		t.Errorf("a copy without a reason has items %v", kinds)
	}
	var told uint32
	for _, e := range w.inboxOf("41-09-17") {
		var st protocol.Standing
		if e.Kind == protocol.CaseMoved && e.Decode(&st) == nil && st.Certificate != nil {
			told = st.Certificate.Copies
		}
	}
	if told != 2 {
		t.Errorf("the box was told of %d copies; want 2", told)
	}
	w.worked(n, "uno-officer", Revoke, Act{Reason: "incomplete", Text: "moved away"})
	wantFault(t, "a copy of what was revoked", print("chair", "lost").Fault, fault.Conflict)
	w.agree()
}
