package node

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"kendro/catalogue"
	"kendro/domain/fault"
	"kendro/identity"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/replication/link"
)

// A returner shows the box's papers to a hub that does not know it: one whose
// register began anew, after every server of the district was lost. What the hub
// answers is told to people alone; the box believes the authority's own word, which
// comes in its inbox.
type returner struct {
	box       *box.Box
	enrolment func() *protocol.Enrolment
	keys      *keyring
	gossip    string
	dial      dialer
	log       *slog.Logger

	clock func() time.Time
	asked atomic.Int64 // When a register that began anew was asked first in this run, Unix milliseconds.

	told atomic.Bool // In this run a register that began anew has got what it lacked of the catalogue.
}

// owes reports whether the register began anew and was not asked in this run
// whether it has the box's release: an earlier offer may have ended half way.
func (r *returner) owes() bool { return r.box.Anew() && !r.told.Load() }

// The calls of a returning box over kendro-enrol/1.
const (
	returnMethod = "return"
	ordersMethod = "warrants"
	shelveMethod = "shelve"
)

// maxShelved is how many bytes of the catalogue go into one call.
const maxShelved = 192 << 10

// ask offers to return, at a server that let the box in by its certificate and
// then spoke no word. A hub that never lost its register refuses, which is no news.
func (r *returner) ask(ctx context.Context, addr string) {
	err := r.comeBack(ctx, addr)
	switch {
	case err == nil:
	case errors.Is(err, fault.Unavailable), errors.Is(err, fault.Invalid): // No answer, or a hub of an older version.
		r.log.Debug("the box could not offer to return", "addr", addr, "err", err)
	default:
		r.log.Warn("the hub does not take this box back", "addr", addr, "err", err)
	}
}

func (r *returner) comeBack(ctx context.Context, addr string) error {
	e := r.enrolment()
	authority, err := identity.ParseAuthority(e.CA)
	if err != nil {
		return err
	}
	to := target{addr, authority.Hash(), r.dial}
	home, err := r.box.Homecoming()
	if err != nil {
		return err
	}
	if err := r.handOrders(ctx, to); err != nil {
		return err
	}
	contacts := r.box.Contacts()
	q := &protocol.ReturnRequest{
		Slot: e.Slot, Spare: e.Spare, TLS: r.keys.tls.Public(), Sealing: r.keys.sealing.Public(), SigningCert: e.SigningCert, TLSCert: e.TLSCert,
		Logs: newest(home.Logs), Former: contacts.Former, Before: newest(home.Before), Users: newest(r.box.Users()), GossipKey: contacts.GossipKey, Gossip: r.gossip,
		SealsTo: r.box.Turned(),
	}
	q.Sign(r.keys.signer)
	var answer protocol.Returned
	if err := r.call(ctx, to, returnMethod, q, &answer); err != nil {
		return err
	}
	if answer.Refounded == nil {
		return nil
	}
	r.log.Info("the hub's register began anew and knows this box", "addr", addr)
	if home.Release > answer.Release && r.yields(home) {
		return nil
	}
	if home.Release > answer.Release {
		if err := r.shelve(ctx, to, answer.Release); err != nil {
			return err
		}
	}
	r.told.Store(true)
	return nil
}

// handOrders hands over what this box was told to forget under the authority's hand, before
// anything else of it can come: the register may have lost these orders. A hub of the
// version before knows no such call.
func (r *returner) handOrders(ctx context.Context, to target) error {
	list, err := r.box.Warrants()
	if err != nil {
		return err
	}
	next, size := &protocol.Warrants{}, 0
	send := func() error {
		if len(next.List) == 0 {
			return nil
		}
		err := r.call(ctx, to, ordersMethod, next, &protocol.Returned{})
		next, size = &protocol.Warrants{}, 0
		if err != nil && !errors.Is(err, fault.Unavailable) { // The box's own records come first.
			r.log.Warn("the hub does not take orders of erasure from this box: update it", "err", err)
			return nil
		}
		return err
	}
	for i := range list {
		n := len(protocol.Marshal(&list[i]))
		if len(next.List) == protocol.MaxWarrants || size+n > maxShelved {
			if err := send(); err != nil {
				return err
			}
		}
		next.List, size = append(next.List, list[i]), size+n
	}
	return send()
}

// yieldFor is how long a box whose catalogue began with a base leaves it to others to
// tell a register that began anew of releases.
const yieldFor = time.Hour

// yields reports whether others come first: this box lacks the releases before its base,
// and a register takes none before one that it has.
func (r *returner) yields(home box.Homecoming) bool {
	now := r.clock().UnixMilli()
	if r.asked.CompareAndSwap(0, now) && home.Based {
		r.log.Info("the catalogue here begins with a base: other boxes may tell the register of earlier releases first", "for", yieldFor.String())
	}
	return home.Based && now-r.asked.Load() < yieldFor.Milliseconds()
}

// newest bounds a list to what a request takes.
func newest[T any](list []T) []T { return list[max(0, len(list)-protocol.MaxReturned):] }

func (r *returner) call(ctx context.Context, to target, method string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, enrolTimeout)
	defer cancel()
	return callOnce(ctx, to, &protocol.Call{Method: method, Body: protocol.Marshal(in)}, out)
}

// shelve hands over the releases after one, in their order, each behind the
// versions and directories that it names.
func (r *returner) shelve(ctx context.Context, to target, after uint64) error {
	next, size := &protocol.Shelved{}, 0
	send := func() error {
		next.Slot = r.enrolment().Slot
		next.Sign(r.keys.signer)
		err := r.call(ctx, to, shelveMethod, next, &protocol.Returned{})
		next, size = &protocol.Shelved{}, 0
		return err
	}
	var parts catalogue.Joiner
	return r.box.Catalogue(func(e *protocol.Event) error {
		payload, kind, err := parts.Whole(e)
		if err != nil || payload == nil {
			return err
		}
		if size > 0 && (size+len(payload) > maxShelved || next.Directory != nil && kind == protocol.DirectoryAdded) {
			if err := send(); err != nil {
				return err
			}
		}
		size += len(payload)
		switch kind { //nolint:exhaustive // What a later version adds, a hub of this one does not take.
		case protocol.ServiceAdded:
			next.Versions = append(next.Versions, payload)
		case protocol.DirectoryAdded:
			next.Directory = payload
		case protocol.OriginAdded:
			next.Origin = payload
		case protocol.Released:
			number, err := box.ReleaseNumber(e)
			if err != nil || number <= after {
				next, size = &protocol.Shelved{}, 0 // The hub has it, and all that it names.
				return err
			}
			next.Signed, after = e.Payload, number
			return send()
		}
		return nil
	})
}

func (n *Node) newReturner() *returner {
	return &returner{
		box: n.box, enrolment: n.renewer.now.Load, keys: n.keys, gossip: n.courier.gossip, dial: link.DialEnrol, log: n.c.Logger, clock: n.c.Clock,
	}
}
