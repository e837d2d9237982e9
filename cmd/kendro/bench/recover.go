package bench

import (
	"context"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication/link"
)

// runRecover fills a district, destroys every server with its folder, begins the
// district anew from its recovery share, and measures how long it takes until all
// that was acknowledged before is acknowledged again.
func runRecover(ctx context.Context, o options, site string) (*result, error) {
	f, err := o.settle(ctx, site)
	if err != nil {
		return nil, err
	}
	d := f.District
	defer d.Kill()
	safe := filepath.Join(site, "offline")
	if err := os.MkdirAll(safe, 0o700); err != nil {
		return nil, fault.Wrap(op, fault.Stopped, safe, err)
	}
	offline, err := d.TakeOffline(safe)
	if err != nil {
		return nil, err
	}
	callers, size, err := f.gather(ctx, o)
	if err != nil {
		return nil, err
	}
	defer closeAll(callers)
	if _, err := play(ctx, d, callers, o); err != nil {
		return nil, err
	}
	before, err := receipts(callers)
	if err != nil {
		return nil, err
	}
	if err := d.Burn(); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := d.BeginAnew(ctx, offline); err != nil {
		return nil, err
	}
	serving := time.Since(began)
	if err := together(len(callers), func(i int) error {
		return callers[i].comeBack(ctx, d.Servers[i%len(d.Servers)].Ports.QUIC)
	}); err != nil {
		return nil, err
	}
	r, err := play(ctx, d, callers, o)
	if err != nil {
		return nil, err
	}
	r.Seconds, r.Payload, r.Serving = time.Since(began).Seconds(), size, round(serving.Seconds())
	closeAll(callers)
	cases, err := registers(ctx, d, o.records, r)
	if err != nil {
		return nil, err
	}
	r.Back, err = back(before, cases)
	return r, err
}

// A receipt is what a counter had printed and a hub had signed for.
type receipt struct {
	number protocol.Number
	hash   string
}

// receipts lists what was acknowledged, by its place.
func receipts(callers []*caller) (map[string]receipt, error) {
	list := map[string]receipt{}
	for _, c := range callers {
		if c.acked != uint64(len(c.filed)) {
			return nil, fault.New(op, fault.Internal, c.centre, "not everything was acknowledged before the fire")
		}
		for i, r := range c.filed {
			list[c.log.String()+" "+strconv.Itoa(i+1)] = r
		}
	}
	return list, nil
}

// back counts the receipts that stand in a register once, at the same place, with
// the same number and hash: all of them, or it fails.
func back(before map[string]receipt, cases []district.Case) (int, error) {
	found := 0
	for _, k := range cases {
		place := k.Log + " " + strconv.FormatUint(k.Seq, 10)
		if r, ok := before[place]; !ok || r.number != k.Number || r.hash != k.Hash {
			return found, fault.New(op, fault.Internal, k.Number.String(), "is in the register and was not receipted so")
		}
		found++
	}
	if found != len(before) {
		return found, miscount("the register that began anew", found, len(before))
	}
	return found, nil
}

// comeBack shows the caller's papers to a hub that began anew, and makes it ready
// to send everything again.
func (c *caller) comeBack(ctx context.Context, addr string) error {
	session, ok := c.tls.PrivateKey.(ed25519.PrivateKey)
	if !ok {
		return fault.New(op, fault.Internal, c.centre, "its key for sessions is none of ours")
	}
	public, ok := session.Public().(ed25519.PublicKey)
	if !ok {
		return fault.New(op, fault.Internal, c.centre, "its key for sessions is none of ours")
	}
	e := c.enrolment
	q := protocol.ReturnRequest{
		Slot: e.Slot, Spare: e.Spare, TLS: public, Sealing: identity.NewSealingKey().Public(), SigningCert: e.SigningCert, TLSCert: e.TLSCert,
		Logs: []protocol.Head{c.head()},
	}
	q.Sign(c.signer)
	var answer protocol.Returned
	if err := c.call(ctx, addr, "return", &q, &answer); err != nil {
		return err
	}
	if answer.Refounded == nil || answer.Refounded.Verify(c.authority) != nil {
		return fault.New(op, fault.Internal, c.centre, "the hub does not prove that its register began anew")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.up, c.done, c.meet, c.end = make(chan struct{}), make(chan struct{}), sync.Once{}, sync.Once{}
	c.open, c.acked, c.sessions, c.took = false, 0, 0, nil
	c.given, c.inbox = map[uint64]time.Time{}, map[protocol.LogID]protocol.Position{}
	return nil
}

// call makes one call over kendro-enrol/1.
func (c *caller) call(ctx context.Context, addr, method string, in, out any) error {
	return callEnrol(ctx, addr, c.authority.Hash(), &protocol.Call{Method: method, Body: protocol.Marshal(in)}, out)
}

func callEnrol(ctx context.Context, addr string, caHash protocol.Hash, call *protocol.Call, out any) error {
	const answerIn = 20 * time.Second
	ctx, stop := context.WithTimeout(ctx, answerIn)
	defer stop()
	conn, err := link.DialEnrol(ctx, addr, caHash)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // The answer has been read by then.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if err := protocol.WriteFrame(conn, protocol.Marshal(call)); err != nil {
		return err
	}
	raw, err := protocol.ReadFrame(conn, protocol.MaxRPC)
	if err != nil {
		return fault.Wrap(op, fault.Unavailable, addr, err)
	}
	var reply protocol.Reply
	if err := protocol.Unmarshal(raw, protocol.MaxRPC, "answer", &reply); err != nil {
		return err
	}
	if reply.Fault != nil {
		return reply.Fault.Err()
	}
	return protocol.Unmarshal(reply.Body, protocol.MaxRPC, "answer", out)
}
