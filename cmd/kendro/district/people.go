package district

import (
	"context"
	"crypto/rand"
	"net/http"

	"kendro/domain/fault"
	"kendro/web/api"
)

// A Login is a person who can sign in.
type Login struct{ User, Password string }

// AddEntrepreneurs gives each node a person who may file there, and waits until
// every node opens its counter and knows its person. The logins are in the
// order of d.Nodes.
func (d *District) AddEntrepreneurs(ctx context.Context) ([]Login, error) {
	logins := make([]Login, len(d.Nodes))
	for i, n := range d.Nodes {
		var err error
		if logins[i], err = d.AddUser(ctx, api.UserRequest{Name: "rahima." + n.Centre, Role: "entrepreneur", Centre: n.Centre, Gender: "f"}); err != nil {
			return nil, err
		}
	}
	for i, n := range d.Nodes {
		if err := n.open(ctx, logins[i]); err != nil {
			return nil, err
		}
	}
	return logins, nil
}

// AddUser gives somebody a login, with a password that is drawn.
func (d *District) AddUser(ctx context.Context, in api.UserRequest) (Login, error) {
	l := Login{User: in.Name, Password: rand.Text()}
	in.Password = l.Password
	return l, d.ask(ctx, api.Call{Path: "/v1/users", Key: api.NewKey(), In: in})
}

// open waits until the node takes applications from a person.
func (n *Node) open(ctx context.Context, l Login) error {
	var last error
	if err := Poll(ctx, func() bool {
		if last = n.takes(ctx); last == nil {
			_, last = n.SignIn(ctx, l)
		}
		return last == nil
	}); err != nil {
		return fault.Wrap("district.open", fault.Unavailable, n.Name, last)
	}
	return nil
}

// takes returns nil once the node says that it takes applications.
func (n *Node) takes(ctx context.Context) error {
	c := api.NewLocalClient(n.Dir)
	defer c.Close()
	return c.Do(ctx, api.Call{Path: "/readyz"})
}

// SignIn returns a person's bearer token at the daemon.
func (p *Process) SignIn(ctx context.Context, l Login) (string, error) {
	c, err := api.NewClient(p.URL(), "", nil)
	if err != nil {
		return "", err
	}
	defer c.Close()
	var a api.SessionAnswer
	in := api.SessionRequest{User: l.User, Password: l.Password}
	err = c.Do(ctx, api.Call{Method: http.MethodPost, Path: "/v1/sessions", Key: api.NewKey(), In: in, Out: &a})
	return a.Token, err
}

// Sync asks a node how far it is in sync.
func (n *Node) Sync(ctx context.Context) (api.SyncStatus, error) {
	c := api.NewLocalClient(n.Dir)
	defer c.Close()
	var s api.SyncStatus
	return s, c.Do(ctx, api.Call{Path: "/v1/sync", Out: &s})
}
