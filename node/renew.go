package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/replication/link"
)

// A renewer keeps the box's certificates alive: once half of their life is over
// any server certifies the same keys again, also when they have ended. What is
// open goes on, and what is dialled next shows the new ones.
type renewer struct {
	dir     string
	keys    *keyring
	servers func() []string
	clock   func() time.Time
	log     *slog.Logger
	use     func(tls.Certificate)
	box     *box.Box
	dial    dialer

	now atomic.Pointer[protocol.Enrolment] // With the certificates in use.
}

// How often the renewer looks at the clock, and how soon it asks again.
const (
	renewEvery = time.Hour
	renewAgain = 30 * time.Second
)

// renewMethod is the call of an enrolled machine over kendro-enrol/1.
const renewMethod = "renew"

// run renews until ctx ends.
func (r *renewer) run(ctx context.Context) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		next := renewEvery
		if r.due() {
			if err := r.renew(ctx); err != nil && ctx.Err() == nil {
				r.log.Warn("the certificates could not be renewed", "ends", r.ends(), "err", err)
				next = renewAgain
			}
		}
		wait.Reset(next)
	}
}

// ends is when the certificate for sessions ends; zero when it can't be read.
func (r *renewer) ends() time.Time {
	cert, err := x509.ParseCertificate(r.now.Load().TLSCert)
	if err != nil {
		return time.Time{}
	}
	return cert.NotAfter
}

func (r *renewer) due() bool { return r.clock().After(r.ends().Add(-identity.Lifetime / 2)) }

func (r *renewer) expired() bool { return r.clock().After(r.ends()) }

// certificate is what the box shows now.
func (r *renewer) certificate() *tls.Certificate {
	c := r.keys.certificate(r.now.Load())
	return &c
}

func (r *renewer) renew(ctx context.Context) error {
	e := r.now.Load()
	authority, err := identity.ParseAuthority(e.CA)
	if err != nil {
		return err
	}
	q := protocol.RenewRequest{Slot: e.Slot, Signing: r.keys.signer.Public(), TLS: r.keys.tls.Public(), TLSCert: e.TLSCert}
	q.Sign(r.keys.signer)
	err = fault.New("node.renew", fault.Unavailable, e.ID, "no server is known")
	for _, addr := range r.servers() {
		var answer protocol.Renewal
		one, cancel := context.WithTimeout(ctx, enrolTimeout)
		err = callOnce(one, target{addr, authority.Hash(), r.dial}, &protocol.Call{Method: renewMethod, Body: protocol.Marshal(&q)}, &answer)
		cancel()
		if err == nil {
			return r.take(&answer)
		}
	}
	return err
}

// take keeps new certificates, and has them used once they are on the disk.
func (r *renewer) take(answer *protocol.Renewal) error {
	next := *r.now.Load()
	next.TLSCert, next.SigningCert = answer.TLSCert, answer.SigningCert
	if err := r.keys.certifiedBy(&next); err != nil {
		return err
	}
	if err := writeKept(filepath.Join(r.dir, enrolmentFile), &next); err != nil {
		return err
	}
	r.now.Store(&next)
	r.use(*r.certificate())
	r.box.Blockers().Clear(box.CertificateOld)
	r.log.Info("the certificates are renewed", "ends", r.ends())
	return nil
}

// newRenewer is a renewer of the enrolment, which is not changed.
func (n *Node) newRenewer() *renewer {
	r := &renewer{dir: n.c.Dir, keys: n.keys, clock: n.c.Clock, log: n.c.Logger, box: n.box, dial: link.DialEnrol}
	kept := n.enrolment
	r.now.Store(&kept)
	return r
}
