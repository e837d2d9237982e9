package hubtest

import (
	"cmp"
	"context"
	"crypto/tls"
	"sync"
	"time"

	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
)

// Sync runs sessions with the servers at the addresses, one after the other,
// until ctx ends. The returned function waits for that.
func (b *Box) Sync(ctx context.Context, addrs ...string) (wait func()) {
	b.tb.Helper()
	e, err := link.Open(b.options())
	if err != nil {
		b.tb.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		back := link.Backoff{Min: 20 * time.Millisecond, Max: 500 * time.Millisecond}
		knocks := e.Knocker(func() []string { return addrs })
		next := ""
		for i := 0; ctx.Err() == nil; i++ {
			addr := cmp.Or(next, addrs[i%len(addrs)])
			next = ""
			err := b.session(ctx, e, addr, knocks)
			if err == nil {
				back.Reset()
			}
			waiting, cancel := context.WithTimeout(ctx, back.Next())
			if link.Silent(err) {
				next, _ = knocks.Wait(waiting)
			} else {
				<-waiting.Done()
			}
			cancel()
		}
		if err := e.Close(); err != nil {
			b.tb.Error(err)
		}
	}()
	return func() { <-done }
}

func (b *Box) session(ctx context.Context, e *link.Endpoint, addr string, knocks *link.Knocker) error {
	dialing, cancel := context.WithTimeout(ctx, cmp.Or(b.Patience, 3*time.Second))
	defer cancel()
	conn, err := e.Dial(dialing, addr, link.ALPNSync)
	if err != nil {
		b.note(err)
		return err
	}
	peer := conn.(*link.Conn).Peer()
	var host replication.Host = &witness{b}
	if b.Carries != nil {
		host = &carrier{b}
	}
	ctx, end := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { b.watch(ctx, end) })
	wg.Go(func() { knocks.Meet(ctx, addr) })
	err = link.RunSession(ctx, conn, peer, host, link.Endure(link.Patience{Knock: func(ctx context.Context) bool { return knocks.Here(ctx, addr) }}))
	end()
	wg.Wait()
	b.note(err)
	return err
}

// watch ends a session in which nothing is acknowledged, as a node does.
func (b *Box) watch(ctx context.Context, end func()) {
	const stuck, held, every = 30 * time.Second, 10 * time.Second, 5 * time.Second
	tick := time.NewTicker(every)
	defer tick.Stop()
	acked, idle := b.Acked(), time.Duration(0)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := b.Acked(); now != acked || now == b.Filed() {
			acked, idle = now, 0
			continue
		}
		if idle += every; idle >= stuck || idle >= held && b.held.Load() > acked {
			end()
		}
	}
}

// A witness is a box that hears what a server holds and has not signed for.
type witness struct{ *Box }

var _ replication.Witness = (*witness)(nil)

// Holds takes a server's word that it holds the box's log.
func (w *witness) Holds(_ context.Context, _ replication.Peer, h protocol.Head) {
	if h.Log == w.Log {
		w.held.Store(h.At.Seq)
	}
}

func (b *Box) options() link.Options {
	return link.Options{
		Listen: "127.0.0.1:0", Conn: b.conn, Authority: b.authority, Clock: b.now,
		Certificate: tls.Certificate{Certificate: [][]byte{b.Enrolment.TLSCert}, PrivateKey: b.tls.Private()},
		Self: identity.Subject{
			Country: b.Enrolment.Country, District: b.Enrolment.District, Role: identity.RoleNode, Name: b.Enrolment.ID, Slot: b.Enrolment.Slot,
		},
	}
}
