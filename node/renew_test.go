package node

import (
	"context"
	"testing"
	"time"

	"kendro/identity"
)

// TestRenewal: once half of the certificates' life is over the box gets others from
// its hub while it works, and they survive a restart. Its session goes on.
func TestRenewal(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.expires()
	if b.renewer.due() {
		t.Fatalf("certificates that end %v are due at once", before)
	}
	b.ahead.Store(int64(identity.Lifetime/2 + time.Hour))
	if !b.renewer.due() || b.renewer.expired() {
		t.Fatal("half of their life is over")
	}
	if err := b.renewer.renew(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !b.expires().After(before) {
		t.Fatalf("they end %v, as before", b.expires())
	}
	shown := b.renewer.certificate().Certificate[0]
	b.ahead.Store(0)
	b.file(1)
	b.await("the hub to accept", func() bool { return b.sync().Backlog == 0 })
	after := b.expires()
	b.stop()
	b.start()
	if !b.expires().Equal(after) || string(b.renewer.certificate().Certificate[0]) != string(shown) {
		t.Fatalf("after a restart they end %v; want %v", b.expires(), after)
	}
}

// TestRenewalAtAStart: a box that was away finds its certificates ended. It takes
// applications all the while, and is in sync again by itself.
func TestRenewalAtAStart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stop()
	ended, err := b.d.CA.Issue(b.subject(), b.keys.tls.Public(), identity.ForTLS, time.Now().Add(-identity.Lifetime-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	e, err := readEnrolment(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	e.TLSCert = ended
	if err := writeKept(b.dir+"/"+enrolmentFile, &e); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.file(1)
	b.await("the hub to accept", func() bool { return b.sync().Backlog == 0 })
	if b.renewer.expired() {
		t.Error("the certificates have ended still")
	}
}
