package hubtest

import (
	"slices"

	"kendro/hub"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
)

// DrawKey has a server draw the district's next sealing key under an ID, as soon as every
// other one answers.
func (g *Group) DrawKey(s *Server, id string) (drawn *register.Generation) {
	g.tb.Helper()
	g.Wait("the key to be drawn", func() bool {
		var err error
		drawn, err = hub.KeyTurner(s.Hub)(g.tb.Context(), register.ActorControl, id)
		return err == nil
	})
	return drawn
}

// TurnKey has the district's sealing key turn, and every box hear of it with its next mail.
func (g *Group) TurnKey(id string) identity.KeyID {
	g.tb.Helper()
	drawn := g.DrawKey(g.Leader(), id)
	g.Wait("every server to hold the key", func() bool {
		reg := g.Leader().Hub.Register()
		all := reg.Generations()
		return len(reg.Lacking(all[len(all)-1])) == 0
	})
	g.Do(g.Leader(), register.AnnounceSealing, register.SealingNamed{Key: drawn.Key()})
	return drawn.Key()
}

// Turn has a box seal to whom its inbox named last, and say so in its log, as a real one
// does when it hears; false where the inbox names nobody.
func Turn(b *Box) bool {
	b.tb.Helper()
	for _, e := range slices.Backward(b.Inbox()) {
		if e.Kind != protocol.SealingTold {
			continue
		}
		var told protocol.SealingTurn
		err := e.Decode(&told)
		if err == nil {
			err = told.Check()
		}
		var epoch *identity.Epoch
		if err == nil {
			epoch, err = identity.NewEpoch(told.Recipients...)
		}
		if err != nil {
			b.tb.Fatal(err)
		}
		b.mu.Lock()
		b.epoch, b.intro = epoch, protocol.NewEpoch(epoch, nil, b.signer)
		b.mu.Unlock()
		word := &protocol.SealingWord{Key: identity.IDOf(told.Recipients[0])}
		b.append(&protocol.Event{Kind: protocol.SealingHeard, At: b.now().UnixMilli(), Nonce: drawNonce(), Payload: protocol.Marshal(word)})
		return true
	}
	return false
}
