package desk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"slices"
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
	"kendro/web/api"
)

// maxTokenLife bounds a join token.
const maxTokenLife = 24 * time.Hour

// A tokenDesk hands out join tokens.
type tokenDesk struct{ server *Server }

func (o tokenDesk) routes() {
	s := o.server
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/tokens", ID: "create-token", Summary: "A join token for one machine, shown once", Act: access.ManageTokens, Status: http.StatusCreated,
	}, o.createToken)
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/tokens", ID: "tokens", Summary: "Join tokens, without their secrets", Act: access.ManageTokens,
	}, o.tokens)
	api.Register(s.api, api.Route{
		Method: http.MethodDelete, Path: "/v1/tokens/{name}", ID: "revoke-token", Summary: "Take a join token back", Act: access.ManageTokens,
	}, func(ctx context.Context, in *nameInput) (*doneOutput, error) {
		cmd := command(ctx, register.RevokeToken, register.Name{Name: in.Name})
		cmd.ID = api.NewKey() // A DELETE has no key; a second one finds it done.
		_, err := o.server.do(ctx, cmd)
		return &doneOutput{Body: api.Done{Done: true}}, err
	})
}

type tokenInput struct {
	Body api.TokenRequest
}

type tokenOutput struct {
	Body api.TokenAnswer
}

// createToken makes a join token. Its secret follows from the request's key and
// the district's key, so that every server answers a repeat with the same token.
func (o tokenDesk) createToken(ctx context.Context, in *tokenInput) (*tokenOutput, error) {
	t, err := o.newToken(in.Body)
	if err != nil {
		return nil, err
	}
	c := api.CallerOf(ctx)
	secret, _ := o.server.hub.Sessions().Issue("@token/"+c.User+"/"+c.Key, time.Unix(0, 0)) // Long expired as a session.
	sum := sha256.Sum256([]byte("kendro-join-nonce-1\x00" + secret))
	copy(t.Nonce[:], sum[:])
	hash := protocol.Hash(sha256.Sum256(t.Nonce[:]))

	first, err := o.token(ctx, hash)
	if err != nil {
		return nil, err
	}
	if first == nil {
		first = &register.Token{Nonce: hash, Role: string(t.Role), Centre: place.Centre(t.Centre), Expires: t.Expires}
		if _, err = o.server.do(ctx, command(ctx, register.CreateToken, first)); err != nil {
			return nil, err
		}
	}
	if first.Role != string(t.Role) || string(first.Centre) != t.Centre {
		return nil, api.KeyReused("desk.createToken")
	}
	t.Expires = first.Expires
	reg := o.server.hub.Register()
	t.Servers, t.CAHash = o.addresses(ctx), sha256.Sum256(reg.Founding().Authority)
	if len(t.Servers) == 0 {
		return nil, fault.New("desk.createToken", fault.Unavailable, "", "no server has told its address yet: try again in a moment")
	}
	return &tokenOutput{Body: api.TokenAnswer{
		Token: t.Encode(), ID: first.ID(), Expires: api.TimeOf(time.Unix(t.Expires, 0)),
	}}, nil
}

// addresses returns where the servers are. A district that was founded this moment
// has none for some tenths of a second, so it waits a little for the first.
func (o tokenDesk) addresses(ctx context.Context) []string {
	const patience = 3 * time.Second
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	tick := time.NewTicker(patience / 60)
	defer tick.Stop()
	for {
		list := o.server.hub.Register().Addresses()
		if len(list) > 0 {
			return list
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// newToken reads a request for a join token.
func (o tokenDesk) newToken(in api.TokenRequest) (*protocol.JoinToken, error) {
	const op = "desk.newToken"
	t := &protocol.JoinToken{Role: identity.RoleServer}
	if in.Server == (in.Centre != "") {
		return nil, fault.New(op, fault.Invalid, "body", "want a centre, or server: true")
	}
	if in.Centre != "" {
		centre, err := place.ParseCentre(in.Centre)
		if err != nil {
			return nil, err
		}
		t.Role, t.Centre = identity.RoleNode, string(centre)
	}
	life := maxTokenLife
	if in.TTL != "" {
		var err error
		if life, err = time.ParseDuration(in.TTL); err != nil {
			return nil, fault.New(op, fault.Invalid, "ttl", "want a duration such as 24h")
		}
	}
	if life < time.Second || life > maxTokenLife {
		return nil, fault.New(op, fault.Invalid, "ttl", "want up to 24h")
	}
	t.Expires = o.server.clock().Add(life).Unix()
	return t, nil
}

// token finds a token that an earlier try may have made; nil if there is none.
func (o tokenDesk) token(ctx context.Context, nonce protocol.Hash) (*register.Token, error) {
	o.server.hub.Fresh(ctx)
	t, err := o.server.hub.Register().Token(nonce)
	if errors.Is(err, fault.NotFound) {
		return nil, nil
	}
	return t, err
}

type tokensOutput struct {
	Body api.TokenList
}

func (o tokenDesk) tokens(ctx context.Context, in *pageInput) (*tokensOutput, error) {
	o.server.hub.Fresh(ctx)
	all, err := o.server.hub.Register().Tokens()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b *register.Token) int { return cmp.Compare(a.ID(), b.ID()) })
	part, next := page(all, (*register.Token).ID, in)
	out := &tokensOutput{Body: api.TokenList{Tokens: make([]api.TokenInfo, 0, len(part)), Next: next}}
	for _, t := range part {
		out.Body.Tokens = append(out.Body.Tokens, api.TokenInfo{
			ID: t.ID(), Centre: string(t.Centre), Server: t.Role == string(identity.RoleServer),
			Expires: api.TimeOf(time.Unix(t.Expires, 0)), State: o.state(t),
		})
	}
	return out, nil
}

func (o tokenDesk) state(t *register.Token) string {
	switch {
	case t.BurntAt != 0:
		return "used"
	case t.RevokedAt != 0:
		return "revoked"
	case t.Expires <= o.server.clock().Unix():
		return "expired"
	}
	return "open"
}
