package desk

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/web/api"
)

func (s *Server) peopleRoutes() {
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/users", ID: "add-user", Summary: "Give a person a login", Act: access.ManageUsers, Status: http.StatusCreated,
	}, s.addUser)
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/users", ID: "users", Summary: "Who has a login", Act: access.ReadUsers,
	}, s.users)
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/users/{name}/disable", ID: "disable-user", Summary: "Take a login back", Act: access.ManageUsers,
	}, func(ctx context.Context, in *nameInput) (*doneOutput, error) {
		_, err := s.do(ctx, command(ctx, register.DisableUser, register.Name{Name: in.Name}))
		return &doneOutput{Body: api.Done{Done: true}}, err
	})
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/nodes/{centre}/revoke", ID: "revoke-node", Summary: "Shut a centre's box out", Act: access.ManageNodes,
	}, s.revoke)
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/upazilas/{upazila}/gossip-key", ID: "rotate-gossip", Summary: "Take the next step to a fresh gossip key", Act: access.ManageNodes,
	}, s.rotateGossip)
}

type nameInput struct {
	Name string `path:"name" maxLength:"128"`
}

type doneOutput struct {
	Body api.Done
}

type userInput struct {
	Body api.UserRequest
}

type userOutput struct {
	Body api.User
}

// addUser gives a person a login. A password's hash differs each time, so a
// repeat is known by its key and by what it asks for.
func (s *Server) addUser(ctx context.Context, in *userInput) (*userOutput, error) {
	u, err := s.newUser(in.Body)
	if err != nil {
		return nil, err
	}
	s.hub.Fresh(ctx)
	first, err := s.hub.Register().User(u.Name)
	switch {
	case err == nil:
		if err := s.repeated(ctx, in.Body, first, u); err != nil {
			return nil, err
		}
		return &userOutput{Body: userOf(first)}, nil
	case !errors.Is(err, fault.NotFound):
		return nil, err
	}
	if u.Hash, err = identity.HashPassword(in.Body.Password); err != nil {
		return nil, err
	}
	_, err = s.do(ctx, command(ctx, register.AddUser, u))
	return &userOutput{Body: userOf(u)}, err
}

// repeated returns nil if it was this very request that made the login: this
// caller used the key, and all that it says holds, the password included.
func (s *Server) repeated(ctx context.Context, in api.UserRequest, first, u *register.User) error {
	probe := command(ctx, register.AddUser, first)
	if _, used := s.hub.Register().Answer(&probe); !used {
		return fault.New("desk.addUser", fault.Conflict, u.Name, "the name is taken: choose another")
	}
	same := first.Role == u.Role && first.Seat == u.Seat && first.Centre == u.Centre && first.Gender == u.Gender && first.Until == u.Until && (first.Of != "") == (u.Of != "")
	if in.From != "" {
		same = same && first.From == u.From
	}
	if !same || !identity.CheckPassword(in.Password, first.Hash) {
		return api.KeyReused("desk.addUser")
	}
	return nil
}

// newUser reads a request for a login, but for its password.
func (s *Server) newUser(in api.UserRequest) (*register.User, error) {
	u := &register.User{Name: in.Name, Role: access.Role(in.Role), Gender: in.Gender, Of: in.SameAs}
	var err error
	if in.Post != "" {
		if u.Seat, err = place.ParseSeat(in.Post); err != nil {
			return nil, err
		}
	}
	if in.Centre != "" {
		if u.Centre, err = place.ParseCentre(in.Centre); err != nil {
			return nil, err
		}
	}
	if u.Role == "" {
		u.Role = access.Officer
		if in.Centre != "" {
			u.Role = access.Entrepreneur
		}
	}
	if u.From, err = s.day(in.From, "from", 0); err != nil {
		return nil, err
	}
	if u.From == 0 {
		now := s.clock().In(api.Dhaka())
		u.From = time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, api.Dhaka()).Unix()
	}
	u.Until, err = s.day(in.Until, "until", 24*time.Hour)
	return u, err
}

// day reads a civil day as the moment at which it begins, or later; 0 for none.
func (s *Server) day(text, name string, later time.Duration) (int64, error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, api.Dhaka())
	if err != nil {
		return 0, fault.New("desk.day", fault.Invalid, name, "want a day such as 2026-11-22")
	}
	return t.Add(later).Unix(), nil
}

// userOf shows a login without its secret. Its last day is the one before the
// moment at which it ends.
func userOf(u *register.User) api.User {
	out := api.User{
		Name: u.Name, Role: string(u.Role), Centre: string(u.Centre), Gender: u.Gender,
		From: api.DateOf(u.From), Disabled: u.Disabled,
	}
	if u.Until != 0 {
		out.Until = api.DateOf(u.Until - 1)
	}
	if u.Seat != (place.Seat{}) {
		out.Post = u.Seat.String()
	}
	return out
}

type pageInput struct {
	Cursor string `query:"cursor" maxLength:"256" doc:"The answer's next"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}

// page cuts what follows the cursor from a list that is sorted by name.
func page[T any](list []T, name func(T) string, in *pageInput) (part []T, next string) {
	from, found := slices.BinarySearchFunc(list, in.Cursor, func(x T, cursor string) int { return cmp.Compare(name(x), cursor) })
	if found {
		from++
	}
	part = list[from:]
	if len(part) > in.Limit {
		part = part[:in.Limit]
		next = name(part[in.Limit-1])
	}
	return part, next
}

type usersOutput struct {
	Body api.UserList
}

func (s *Server) users(ctx context.Context, in *pageInput) (*usersOutput, error) {
	s.hub.Fresh(ctx)
	all, err := s.hub.Register().Users()
	if err != nil {
		return nil, err
	}
	name := func(u *register.User) string { return u.Name }
	slices.SortFunc(all, func(a, b *register.User) int { return cmp.Compare(a.Name, b.Name) })
	part, next := page(all, name, in)
	out := &usersOutput{Body: api.UserList{Users: make([]api.User, 0, len(part)), Next: next}}
	for _, u := range part {
		out.Body.Users = append(out.Body.Users, userOf(u))
	}
	return out, nil
}

type revokeInput struct {
	Centre string `path:"centre" maxLength:"64"`
	Body   *api.RevocationRequest
}

// revoke shuts a box out. The upazila's gossip key changes with it; the repeat
// of a revocation finds it done.
func (s *Server) revoke(ctx context.Context, in *revokeInput) (*doneOutput, error) {
	centre, err := place.ParseCentre(in.Centre)
	if err != nil {
		return nil, err
	}
	b := register.Revocation{Centre: centre, GossipKey: make([]byte, 32)}
	if in.Body != nil {
		b.Reason = in.Body.Reason
	}
	if _, err := rand.Read(b.GossipKey); err != nil {
		return nil, fault.Wrap("desk.revoke", fault.Internal, "", err)
	}
	_, err = s.do(ctx, command(ctx, register.RevokeNode, b))
	if errors.Is(err, fault.Conflict) {
		s.hub.Fresh(ctx)
		if n, ok := s.hub.Register().NodeOf(centre); ok && n.RevokedAt != 0 && n.Reason == b.Reason {
			err = nil
		}
	}
	return &doneOutput{Body: api.Done{Done: true}}, err
}

type upazilaInput struct {
	Upazila string `path:"upazila" maxLength:"16"`
}

type keyStepOutput struct {
	Body api.KeyStep
}

// rotateGossip announces an upazila's next gossip key, or puts the announced one to
// use. A repeat finds the step taken.
func (s *Server) rotateGossip(ctx context.Context, in *upazilaInput) (*keyStepOutput, error) {
	fresh := make([]byte, 32)
	if _, err := rand.Read(fresh); err != nil {
		return nil, fault.Wrap("desk.rotateGossip", fault.Internal, "", err)
	}
	cmd := command(ctx, register.RotateGossip, register.Rotation{Upazila: place.Code(in.Upazila), GossipKey: fresh})
	res, err := s.do(ctx, cmd)
	if err != nil {
		return nil, err
	}
	var step register.KeyStep
	if err := res.Decode(&step); err != nil {
		return nil, err
	}
	out := &keyStepOutput{Body: api.KeyStep{Step: "announced"}}
	if step.Used {
		out.Body.Step = "used"
	}
	return out, nil
}
