package hub

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
)

// callWarrants is the call of a box that is about to return to a register which began anew
// (link.ALPNEnrol): protocol.Warrants → protocol.Returned.
const callWarrants = "warrants"

// A notary signs orders of erasure that were carried out, with the authority's key: so they
// outlive the register, in the inboxes of the centres concerned.
type notary struct {
	*group
	keys *openKeys
	upTo uint64 // The newest entry of the register that it has found nothing left to sign at.
}

// notaryEvery is how often the leader looks for orders that were carried out.
const notaryEvery = 3 * time.Second

// run looks again and again until ctx ends.
func (n *notary) run(ctx context.Context) {
	for rest(ctx, notaryEvery) {
		n.look(ctx)
	}
}

// look signs what is not signed yet, while this server leads. Who repeats it changes
// nothing: its ID says of which state of the order it is.
func (n *notary) look(ctx context.Context) {
	reg := n.register()
	applied := reg.Applied()
	if !n.leads() || applied == n.upTo || reg.Stats().Erased == 0 && (reg.Founding() == nil || reg.Founding().Anew == nil) {
		return
	}
	list, err := reg.Unwarranted()
	if err != nil {
		n.log.Warn("orders of erasure are not signed", "err", err)
		return
	}
	all := true
	for _, o := range list {
		held, _ := o.Held()
		given := &register.WarrantGiven{Number: o.Number, Held: held, List: n.warrants(o)}
		if _, err := n.do(ctx, register.NewCommand(signing(o), register.ActorHub, register.GiveWarrants, given)); err != nil {
			n.log.Info("an order of erasure is not signed yet", "case", o.Number.String(), "err", err)
			if all = false; errors.Is(err, fault.Unavailable) {
				return
			}
		}
	}
	if all {
		n.upTo = applied
	}
}

// signing is the ID under which an order is signed as it stands: one that names more since, be
// it a document alone, is signed once more.
func signing(o *register.Erasure) string {
	held, _ := o.Held()
	stands := sha256.Sum256(protocol.Marshal([]any{o.Words(), o.Told}))
	return fmt.Sprintf("warrants %s %d %x", o.Number, held, stands[:8])
}

func (n *notary) warrants(o *register.Erasure) (list []protocol.Warrant) {
	var centres []string
	for _, h := range o.Told {
		centres = append(centres, h.Log.Name)
	}
	for _, said := range o.Words() {
		w := protocol.Warrant{District: n.keys.District, Centres: centres, Erasure: said}
		w.Sign(n.keys.ca)
		list = append(list, w)
	}
	return list
}

// takeWarrants takes the authority's words on orders of the register before this one from a
// box that is about to return. They prove themselves, so the box need not.
func (r *registrar) takeWarrants(ctx context.Context, q *protocol.Warrants) error {
	const op = "hub.warrants"
	if len(q.List) > protocol.MaxWarrants {
		return fault.New(op, fault.Invalid, "warrants", "too many in one call")
	}
	reg := r.register()
	switch f := reg.Founding(); {
	case f == nil:
		return fault.New(op, fault.Unavailable, r.keys.District, "this server is not that far yet: ask again")
	case f.Anew == nil:
		return fault.New(op, fault.Unavailable, r.keys.District, "this register did not begin anew: it knows its orders")
	}
	var fresh []register.Erasure
	strange := 0
	for i := range q.List {
		if q.List[i].Verify(r.keys.authority, r.keys.District) != nil {
			strange++
		} else if e := register.Warranted(&q.List[i]); !reg.Knows(&e) {
			fresh = append(fresh, e)
		}
	}
	if strange > 0 { // Once a call: anybody may make it.
		r.log.Warn("a box brought orders of erasure that the authority has not signed", "orders", strange)
	}
	for _, cmd := range knowing(fresh) {
		if _, err := r.do(ctx, cmd); err != nil {
			return err
		}
	}
	if len(fresh) > 0 {
		r.log.Info("a box brought orders of erasure of the register before this one", "orders", len(fresh))
	}
	return nil
}

// knowing are the commands by which the register takes orders in. One word names at most 512 places
// and as many documents: four of the longest fit into an entry.
func knowing(list []register.Erasure) (cmds []register.Command) {
	for some := range slices.Chunk(list, 4) {
		cmds = append(cmds, register.NewCommand(drawID(), register.ActorHub, register.KnowErasures, &register.ErasuresKnown{List: some}))
	}
	return cmds
}

func (s *switchboard) answerWarrants(c *protocol.Call) answerFunc {
	q := &protocol.Warrants{}
	if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "warrants", q); err != nil {
		return failed(err)
	}
	return func(ctx context.Context) (any, error) { return &protocol.Returned{}, s.registrar.takeWarrants(ctx, q) }
}
