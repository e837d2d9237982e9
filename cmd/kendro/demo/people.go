package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/pack/bd"
	"kendro/web/api"
)

// upazila is where the demo's centres stand: Bagherpara of Jashore.
const upazila = "41-09"

// A town is the part of the country that the demo plays in.
type town struct {
	pack     *catalogue.Pack
	centres  []place.CentreInfo
	services []*dcat.Version // What a union centre files offline.
	seats    []place.Seat    // Every desk that these services lead to.
}

func newTown(centres int) (*town, error) {
	pack, found := catalogue.LoadPack(bd.Pack())
	if len(found) > 0 {
		return nil, fault.New(op, fault.Internal, "country pack", found[0].Text)
	}
	t := &town{pack: pack}
	for _, c := range pack.Directory.Centres {
		if c.Type == place.Union && strings.HasPrefix(string(c.Code), upazila+"-") && len(t.centres) < centres {
			t.centres = append(t.centres, c)
		}
	}
	if len(t.centres) < centres {
		return nil, fault.New(op, fault.Invalid, "", "the upazila has fewer union centres than that")
	}
	for _, v := range pack.Services {
		if v.Offline == dcat.Intake && v.OfferedAt(place.Union) {
			t.services = append(t.services, v)
		}
	}
	return t, t.findSeats()
}

// service returns the service with this ID, or nil.
func (t *town) service(id string) *dcat.Version {
	for _, v := range t.services {
		if v.ID == id {
			return v
		}
	}
	return nil
}

// findSeats lists the desks, each once, in the order in which services name them.
func (t *town) findSeats() error {
	for _, v := range t.services {
		for _, c := range t.centres {
			for _, step := range v.Steps {
				seat, ok := t.pack.Directory.SeatFor(step.Post, c.Area)
				if !ok {
					return fault.New(op, fault.Internal, v.ID, "no office has the post "+step.Post+" for "+string(c.Code))
				}
				if !slices.Contains(t.seats, seat) {
					t.seats = append(t.seats, seat)
				}
			}
		}
	}
	return nil
}

// A login is one person who can sign in.
type login struct {
	URL      string `json:"url"`
	User     string `json:"user"`
	Password string `json:"password"`
	Role     string `json:"role"`
	Place    string `json:"place,omitempty"` // Centre, seat or area.
}

const (
	entrepreneur = "entrepreneur"
	officer      = "officer"
)

// settlePeople adds everybody who works in the town and keeps their passwords in
// the demo's folder, for its owner alone.
func (s *stage) settlePeople(ctx context.Context) error {
	c, err := s.Operator()
	if err != nil {
		return err
	}
	defer c.Close()
	for _, r := range s.town.people() {
		r.Password = rand.Text()[:16]
		if err := c.Do(ctx, api.Call{Method: "POST", Path: "/v1/users", Key: api.NewKey(), In: r}); err != nil {
			return err
		}
		s.logins = append(s.logins, login{User: r.Name, Password: r.Password, Role: r.Role, Place: r.Centre + r.Post + r.Area})
	}
	s.say.tell("%d people can sign in", len(s.logins))
	return writeLogins(s.Dir, s.logins)
}

// people lists everybody: a woman and a man at each centre (R-CE2), an officer at
// each desk, and those who look on.
func (t *town) people() []api.UserRequest {
	var list []api.UserRequest
	for _, c := range t.centres {
		list = append(list,
			api.UserRequest{Name: "rahima." + string(c.Code), Role: entrepreneur, Centre: string(c.Code), Gender: "f"},
			api.UserRequest{Name: "karim." + string(c.Code), Role: entrepreneur, Centre: string(c.Code), Gender: "m"})
	}
	for _, seat := range t.seats {
		list = append(list, api.UserRequest{Name: strings.ReplaceAll(seat.String(), "@", "."), Role: officer, Post: seat.String()})
	}
	if seat, ok := t.pack.Directory.SeatFor("dc", t.centres[0].Area); ok {
		list = append(list, api.UserRequest{Name: "dc.jashore", Role: "supervisor", Post: seat.String()})
	}
	return append(list,
		api.UserRequest{Name: "auditor", Role: "auditor", Area: "41"},
		api.UserRequest{Name: "jashore.operator", Role: "operator"})
}

// placeLogins fills in where each person signs in, now that ports are known.
func (s *stage) placeLogins() {
	for i := range s.logins {
		l := &s.logins[i]
		l.URL = s.Servers[0].URL()
		for _, n := range s.Nodes {
			if l.Role == entrepreneur && l.Place == n.Centre {
				l.URL = n.URL()
			}
		}
	}
}

func (s *stage) find(match func(login) bool) (login, error) {
	if i := slices.IndexFunc(s.logins, match); i >= 0 {
		return s.logins[i], nil
	}
	return login{}, fault.New(op, fault.Internal, "", "nobody has that place")
}

func readLogins(dir string) (list []login, err error) {
	b, err := os.ReadFile(filepath.Join(dir, marker))
	if err != nil {
		return nil, fault.Wrap(op, fault.Damaged, dir, err)
	}
	return list, fault.Wrap(op, fault.Damaged, dir, json.Unmarshal(b, &list))
}

// writeLogins also marks the folder as the demo's.
func writeLogins(dir string, list []login) error {
	return api.WriteFile(filepath.Join(dir, marker), list)
}
