package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
	"kendro/web/api"
)

// readyWithin is how long the district may take until everything works.
const readyWithin = 60 * time.Second

// ready waits until every page answers, every box holds the catalogue of the hub
// and its people, and every login works.
func (s *stage) ready(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, readyWithin)
	defer stop()
	s.placeLogins()
	for _, p := range s.Processes() {
		if err := district.Poll(ctx, func() bool { return page(ctx, p.URL()+"/") }); err != nil {
			return fault.Wrap(op, fault.Unavailable, p.Name, err)
		}
	}
	if err := s.sameCatalogue(ctx); err != nil {
		return err
	}
	for _, l := range s.logins {
		var err error
		if waited := district.Poll(ctx, func() bool {
			_, err = signIn(ctx, l)
			return err == nil
		}); waited != nil {
			return fault.Wrap(op, fault.Unavailable, l.User, err)
		}
	}
	s.say.tell("every page answers, every box has the catalogue, every login works")
	return nil
}

func (s *stage) sameCatalogue(ctx context.Context) error {
	hub, err := release(ctx, s.Servers[0])
	if err != nil {
		return err
	}
	for _, n := range s.Nodes {
		if err := district.Poll(ctx, func() bool {
			here, err := release(ctx, n.Process)
			return err == nil && here.Release == hub.Release && len(here.Services) > 0
		}); err != nil {
			return fault.New(op, fault.Unavailable, n.Name, fmt.Sprintf("does not get release %d of the catalogue; its log is %s", hub.Release, n.LogFile()))
		}
	}
	return nil
}

func release(ctx context.Context, p *district.Process) (*api.Catalogue, error) {
	c, err := api.NewClient(p.URL(), "", nil)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	out := &api.Catalogue{}
	return out, c.Do(ctx, api.Call{Path: "/v1/catalogue", Out: out})
}

// page reports whether a page answers, redirects followed.
func page(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, res.Body) // Only that it answers.
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// signIn returns a client that speaks for a person.
func signIn(ctx context.Context, l login) (*api.Client, error) {
	c, err := api.NewClient(l.URL, "", nil)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var a api.SessionAnswer
	in := api.SessionRequest{User: l.User, Password: l.Password}
	if err := c.Do(ctx, api.Call{Method: http.MethodPost, Path: "/v1/sessions", Key: api.NewKey(), In: in, Out: &a}); err != nil {
		return nil, err
	}
	return api.NewClient(l.URL, a.Token, nil)
}

// hubPorts, nodePorts and ports are the ports file of the contract.
type hubPorts struct {
	HTTP string `json:"http"`
	QUIC string `json:"quic"`
	Dir  string `json:"dir"`
	PID  int    `json:"pid"`
}

type nodePorts struct {
	Centre string `json:"centre"`
	hubPorts
}

type ports struct {
	Hubs   []hubPorts  `json:"hubs"`
	Nodes  []nodePorts `json:"nodes"`
	Logins []login     `json:"logins"`
}

func portsOf(p *district.Process) hubPorts {
	return hubPorts{HTTP: p.Ports.HTTP, QUIC: p.Ports.QUIC, Dir: p.Dir, PID: p.PID()}
}

func (s *stage) portsFile() ports {
	out := ports{Logins: make([]login, 0, len(s.logins))}
	for _, p := range s.Servers {
		out.Hubs = append(out.Hubs, portsOf(p))
	}
	for _, n := range s.Nodes {
		out.Nodes = append(out.Nodes, nodePorts{Centre: n.Centre, hubPorts: portsOf(n.Process)})
	}
	for _, l := range s.logins {
		l.Place = ""
		out.Logins = append(out.Logins, l)
	}
	return out
}

// printPlaces says where the pages are and who can sign in.
func (s *stage) printPlaces(w io.Writer) {
	t := &table{head: []string{"where", "page", "data"}}
	for _, p := range s.Servers {
		t.add("hub, "+p.Name, p.URL()+"/", p.Dir)
	}
	for i, n := range s.Nodes {
		name := s.town.centres[min(i, len(s.town.centres)-1)].Name
		t.add("counter of "+name.BN+" ("+n.Centre+")", n.URL()+"/", n.Dir)
	}
	t.print(w)
	people := &table{head: []string{"role", "user", "password", "page"}}
	for _, l := range s.logins {
		people.add(l.Role, l.User, l.Password, l.URL+"/")
	}
	people.print(w)
}
