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

// A TurnSealing draws the district's next sealing key, for an actor under the ID of his
// request; asked again it answers the same.
type TurnSealing func(ctx context.Context, actor, id string) (*register.Generation, error)

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
	return out
}

type sealingKeyOutput struct {
	Body api.SealingKey
}

func (s sealingDesk) draw(ctx context.Context, _ *struct{}) (*sealingKeyOutput, error) {
	if s.turn == nil {
		return nil, fault.New("desk.turnSealing", fault.Unavailable, "sealing key", "this server draws none")
	}
	by := api.CallerOf(ctx)
	g, err := s.turn(ctx, by.User, by.Key)
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
