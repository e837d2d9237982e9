package desk

import (
	"context"
	"net/http"
	"slices"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/web/api"
)

// Sealing is what a server does about the district's sealing keys, for an actor under the ID
// of his request; asked again it answers the same.
type Sealing struct {
	Turn    func(ctx context.Context, actor, id string) (*register.Generation, error)                     // Draws the next one. Nil: none is drawn here.
	Expire  func(ctx context.Context, actor, id string, key identity.KeyID) (*register.Generation, error) // Begins the end of one.
	Against func(ctx context.Context, key identity.KeyID) ([]register.Obstacle, error)                    // What stands against that.
}

// A sealingDesk turns the key that the district's boxes seal to.
type sealingDesk struct{ *Server }

func (s sealingDesk) routes() {
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/sealing-keys", ID: "sealing-keys", Summary: "The keys that boxes seal to, which servers hold them, and which boxes still seal to an earlier one", Act: access.ReadStatus,
	}, s.list)
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/sealing-keys", ID: "turn-sealing-key", Summary: "Draw the next sealing key; every server fetches it", Act: access.ManageMembers, Status: http.StatusCreated,
	}, s.draw)
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/sealing-keys/{key}/announce", ID: "announce-sealing-key", Summary: "Have boxes seal to a key that every server, and a recovery share, holds", Act: access.ManageMembers,
	}, s.announce)
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/sealing-keys/{key}/expiry", ID: "sealing-key-expiry", Summary: "What stands against the expiry of an earlier sealing key", Act: access.ManageMembers,
	}, s.against)
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/sealing-keys/{key}/expire", ID: "expire-sealing-key", Summary: "Let an earlier sealing key expire: every server throws it away once nothing needs it", Act: access.ManageMembers,
	}, s.expire)
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/sealing-keys/{key}/keep", ID: "keep-sealing-key", Summary: "Call the expiry of a sealing key off, as long as every server holds it", Act: access.ManageMembers,
	}, s.keep)
}

type sealingKeysOutput struct {
	Body api.SealingKeys
}

func (s sealingDesk) list(ctx context.Context, _ *struct{}) (*sealingKeysOutput, error) {
	s.hub.Fresh(ctx)
	reg := s.hub.Register()
	all := reg.Generations()
	out := &sealingKeysOutput{api.SealingKeys{Generations: []api.SealingKey{}}}
	to, _ := reg.Recipients()
	for _, g := range all {
		one := sealingKeyOf(g, reg.Lacking(g))
		one.Waits = waitsFor(reg, g)
		if slices.Equal(g.Public, to[0]) {
			one.State = api.SealingInUse
			for _, n := range reg.Behind(g.Number) {
				b, err := sealingBox(reg, n)
				if err != nil {
					return nil, err
				}
				one.Behind = append(one.Behind, b)
			}
		}
		out.Body.Generations = append(out.Body.Generations, one)
	}
	return out, nil
}

func sealingBox(reg *register.Register, n *register.Node) (api.SealingBox, error) {
	b := api.SealingBox{Centre: string(n.Centre), Slot: n.Slot}
	if n.SealsTo != (identity.KeyID{}) {
		b.Key = n.SealsTo.String()
	}
	logs, err := reg.Cursors(n.Slot)
	if len(logs) > 0 {
		b.Has = logs[len(logs)-1].At.Seq
	}
	return b, err
}

func sealingKeyOf(g *register.Generation, lacking []string) api.SealingKey {
	out := api.SealingKey{Generation: int(g.Number), Key: g.Key().String(), State: api.SealingUnderstood, Lacking: lacking}
	if g.DrawnAt != 0 {
		t := api.Millis(g.DrawnAt)
		out.Drawn = &t
	}
	switch {
	case g.AnnouncedAt == 0 && len(lacking) > 0:
		out.State = api.SealingSpreading
	case g.AnnouncedAt == 0:
		out.State = api.SealingWaiting
	case g.DrawnAt != 0:
		t := api.Millis(g.AnnouncedAt)
		out.Announced = &t
	}
	switch {
	case g.ExpiredAt != 0:
		t := api.Millis(g.ExpiredAt)
		out.State, out.Expired = api.SealingExpired, &t
	case g.ExpiringAt != 0:
		out.State = api.SealingExpiring
	}
	return out
}

// waitsFor are the servers that the end of a key waits for.
func waitsFor(reg *register.Register, g *register.Generation) []string {
	switch {
	case g.ExpiredAt != 0:
		return reg.Holding(g)
	case g.ExpiringAt != 0:
		return reg.Uncut(g)
	}
	return nil
}

type sealingKeyOutput struct {
	Body api.SealingKey
}

func (s sealingDesk) draw(ctx context.Context, _ *struct{}) (*sealingKeyOutput, error) {
	if s.sealing.Turn == nil {
		return nil, fault.New("desk.turnSealing", fault.Unavailable, "sealing key", "this server draws none")
	}
	by := api.CallerOf(ctx)
	g, err := s.sealing.Turn(ctx, by.User, by.Key)
	if err != nil {
		return nil, err
	}
	return &sealingKeyOutput{sealingKeyOf(g, s.hub.Register().Lacking(g))}, nil
}

type sealingKeyInput struct {
	Key string `path:"key" maxLength:"16"`
}

func (s sealingDesk) announce(ctx context.Context, in *sealingKeyInput) (*sealingKeyOutput, error) {
	id, err := identity.ParseKeyID(in.Key)
	if err != nil {
		return nil, err
	}
	res, err := s.do(ctx, command(ctx, register.AnnounceSealing, register.SealingNamed{Key: id}))
	if err != nil {
		return nil, err
	}
	g := &register.Generation{}
	if err := res.Decode(g); err != nil {
		return nil, err
	}
	out := sealingKeyOf(g, nil)
	out.State = api.SealingInUse
	return &sealingKeyOutput{out}, nil
}

type sealingExpiryOutput struct {
	Body api.SealingExpiry
}

func (s sealingDesk) against(ctx context.Context, in *sealingKeyInput) (*sealingExpiryOutput, error) {
	id, err := s.expirable(in.Key)
	if err != nil {
		return nil, err
	}
	list, err := s.sealing.Against(ctx, id)
	if err != nil {
		return nil, err
	}
	reg := s.hub.Register()
	g := reg.GenerationOf(id)
	if g == nil {
		return nil, notHere(in.Key)
	}
	out := &sealingExpiryOutput{api.SealingExpiry{Key: sealingKeyOf(g, reg.Lacking(g)), Against: []api.SealingObstacle{}}}
	out.Body.Key.Waits = waitsFor(reg, g)
	for _, o := range list {
		out.Body.Against = append(out.Body.Against, api.SealingObstacle{Item: o.Item, Why: o.Why})
	}
	return out, nil
}

// expirable reads a key's name, where keys expire at all.
func (s sealingDesk) expirable(name string) (identity.KeyID, error) {
	if s.sealing.Expire == nil || s.sealing.Against == nil {
		return identity.KeyID{}, fault.New("desk.expireSealing", fault.Unavailable, "sealing key", "this server lets none expire")
	}
	return identity.ParseKeyID(name)
}

func (s sealingDesk) expire(ctx context.Context, in *sealingKeyInput) (*sealingKeyOutput, error) {
	id, err := s.expirable(in.Key)
	if err != nil {
		return nil, err
	}
	by := api.CallerOf(ctx)
	g, err := s.sealing.Expire(ctx, by.User, by.Key, id)
	if err != nil {
		return nil, err
	}
	out := sealingKeyOf(g, nil)
	out.Waits = waitsFor(s.hub.Register(), g)
	return &sealingKeyOutput{out}, nil
}

func (s sealingDesk) keep(ctx context.Context, in *sealingKeyInput) (*sealingKeyOutput, error) {
	id, err := identity.ParseKeyID(in.Key)
	if err != nil {
		return nil, err
	}
	res, err := s.do(ctx, command(ctx, register.KeepSealing, register.SealingNamed{Key: id}))
	if err != nil {
		return nil, err
	}
	g := &register.Generation{}
	if err := res.Decode(g); err != nil {
		return nil, err
	}
	return &sealingKeyOutput{sealingKeyOf(g, nil)}, nil
}
