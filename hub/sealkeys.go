package hub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
)

// How often a server looks whether it holds every sealing key, and how long it waits where
// one could not be had.
const (
	sealkeepEvery = time.Second
	sealkeepPause = 10 * time.Second
)

// sealingPurpose binds a sealing key, sealed to one server, to its use.
const sealingPurpose = "kendro-sealing-generation-1"

// A sealingCall asks a server for a sealing key of the district's. Without a key it asks
// whether the server would know one.
type sealingCall struct {
	Key identity.KeyID `cbor:"1,keyasint"`
}

// A sealingAnswer is the key, sealed to the server that asked; nothing where it is not here.
type sealingAnswer struct {
	Sealed []byte `cbor:"1,keyasint,omitempty"`
}

// answerSealing hands a sealing key to another server of the group.
func (r *registrar) answerSealing(from string, c *protocol.Call) answerFunc {
	q := &sealingCall{}
	if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "sealing key", q); err != nil {
		return failed(err)
	}
	return func(context.Context) (any, error) {
		server, ok := r.register().Server(from)
		if !ok || server.RemovedAt != 0 {
			return nil, fault.New("hub.sealing", fault.Denied, from, "no server of this group")
		}
		key := r.keys.district.find(q.Key)
		if g := r.register().GenerationOf(q.Key); key == nil || g != nil && g.ExpiredAt != 0 {
			return &sealingAnswer{}, nil
		}
		sealed, err := identity.SealTo(server.Sealing, sealingPurpose, key.Bytes())
		return &sealingAnswer{Sealed: sealed}, err
	}
}

// A sealkeeper sees to it that this server holds every sealing key that the register names,
// and says so there.
type sealkeeper struct {
	*group
	keys *openKeys
	dir  string
}

// run looks again and again until ctx ends.
func (k *sealkeeper) run(ctx context.Context) {
	for pause := sealkeepEvery; rest(ctx, pause); {
		pause = sealkeepEvery
		for _, g := range k.register().Generations() {
			if g.ExpiredAt != 0 {
				continue
			}
			if err := k.keep(ctx, g); err != nil && ctx.Err() == nil {
				pause = sealkeepPause
				k.log.Warn("a sealing key of the district is not on this server yet", "generation", g.Number, "err", err)
			}
		}
	}
}

// keep fetches a key that this server lacks, and says that it is on its disk. Each step may
// be repeated.
func (k *sealkeeper) keep(ctx context.Context, g *register.Generation) error {
	id := g.Key()
	if k.keys.district.find(id) == nil {
		key, err := k.fetch(ctx, id)
		if err != nil {
			return err
		}
		if err := k.keys.admit(k.dir, key); err != nil {
			return err
		}
	}
	if g.DrawnAt == 0 || g.HeldBy(k.id) {
		return nil
	}
	held := &register.SealingHeld{Key: id, Server: k.id}
	_, err := k.do(ctx, register.NewCommand(fmt.Sprintf("holds %s %s", id, k.id), register.ActorHub, register.HoldSealing, held))
	if err == nil {
		k.log.Info("this server holds a sealing key of the district", "generation", g.Number, "key", id.String())
	}
	return err
}

// fetch asks the other servers for a key. [fault.NotFound]: all of them answered, and none
// holds it. [fault.Unavailable]: one that may hold it did not answer.
func (k *sealkeeper) fetch(ctx context.Context, id identity.KeyID) (*identity.SealingKey, error) {
	last := error(fault.New("hub.sealing", fault.NotFound, id.String(), "no server of the group holds this sealing key"))
	for _, s := range k.register().Servers() {
		if s.ID == k.id {
			continue
		}
		sealed, err := k.ask(ctx, s.ID, id)
		switch {
		case err != nil:
			last = err
			continue
		case len(sealed) == 0:
			continue
		}
		plain, err := k.keys.sealing.Unseal(sealingPurpose, sealed)
		if err != nil {
			return nil, err
		}
		key, err := identity.SealingKeyFromBytes(plain)
		if err == nil && key.ID() != id {
			err = fault.New("hub.sealing", fault.Damaged, s.ID, "it sent another sealing key than was asked for")
		}
		return key, err
	}
	return nil, last
}

// ask asks one server for a key. One of the version before knows no such call.
func (k *sealkeeper) ask(ctx context.Context, server string, id identity.KeyID) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	address := k.book.address(server)
	if address == "" {
		return nil, fault.New("hub.sealing", fault.Unavailable, server, "where this server listens is not known")
	}
	var out sealingAnswer
	err := k.call(ctx, address, callSealing, &sealingCall{Key: id}, &out)
	if errors.Is(err, fault.Invalid) {
		err = fault.New("hub.sealing", fault.Unavailable, server, "this server is of the version before and knows no turn of the sealing key: update it, and send again")
	}
	return out.Sealed, err
}

// KeyTurner returns what draws the next sealing key of the district on this server, for
// whoever asked, and has the register note it; the other servers fetch it and say so. Asked
// again under the same ID, or before that key was announced, it returns what was drawn.
//
// [fault.Unavailable]: a server of the group does not answer, or is of the version before.
func KeyTurner(h *Hub) func(ctx context.Context, actor, id string) (*register.Generation, error) {
	return (&sealkeeper{h.group, h.keys, h.o.Dir}).turn
}

func (k *sealkeeper) turn(ctx context.Context, actor, id string) (*register.Generation, error) {
	const op = "hub.KeyTurner"
	index, err := k.newest.ask(ctx, k.leaderIndex)
	if err != nil || !k.progress.wait(ctx, index) {
		return nil, fault.New(op, fault.Unavailable, k.id, "this server does not know what the others do: send again")
	}
	asked := actor + " " + id
	all := k.register().Generations()
	if len(all) == 0 {
		return nil, fault.New(op, fault.Unavailable, k.keys.District, "the district is not founded yet")
	}
	for _, g := range all {
		if g.Asked == asked {
			return g, nil
		}
	}
	body := &register.SealingDrawn{Asked: asked}
	if last := all[len(all)-1]; last.AnnouncedAt == 0 {
		if k.keys.district.find(last.Key()) != nil {
			return last, nil
		}
		if _, err := k.fetch(ctx, last.Key()); err == nil {
			return last, nil
		} else if !errors.Is(err, fault.NotFound) {
			return nil, err
		}
		body.Instead = last.Key() // Who drew it is gone, and nobody has ever sealed to it.
	}
	for _, s := range k.register().Servers() {
		if s.ID == k.id {
			continue
		}
		if _, err := k.ask(ctx, s.ID, identity.KeyID{}); err != nil {
			return nil, err
		}
	}
	key := k.spare(all)
	if err := k.keys.admit(k.dir, key); err != nil {
		return nil, err
	}
	body.Public = key.Public()
	res, err := k.do(ctx, register.NewCommand(id, actor, register.DrawSealing, body))
	if err != nil {
		return nil, err
	}
	g := &register.Generation{}
	return g, res.Decode(g)
}

// spare returns a key that was drawn here before and that the register does not know: its
// entry was lost. Else it draws one.
func (k *sealkeeper) spare(known []*register.Generation) *identity.SealingKey {
	for _, key := range k.keys.district.all() {
		used := false
		for _, g := range known {
			used = used || g.Key() == key.ID()
		}
		if !used {
			return key
		}
	}
	return identity.NewSealingKey()
}
