package hubtest

import (
	"errors"
	"strconv"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
)

// Erase has one officer order that some cases be erased, and another confirm it.
func (g *Group) Erase(n ...protocol.Number) {
	g.tb.Helper()
	leader := g.Leader()
	do := func(who string, m register.Method, body any) {
		g.tb.Helper()
		res, err := leader.Hub.Do(g.tb.Context(), register.NewCommand("erase-"+n[0].String()+string(m), who, m, body))
		if err != nil || res.Fault != nil {
			g.tb.Fatalf("%s: %v %v", m, err, res.Fault)
		}
	}
	for who, post := range map[string]string{"dc": "dc", "adc": "adc-general"} {
		seat, ok := leader.Hub.Register().Set().Directory.SeatFor(post, District)
		if !ok {
			g.tb.Fatalf("no seat of the post %s", post)
		}
		if _, err := leader.Hub.Register().User(who); errors.Is(err, fault.NotFound) {
			g.Do(leader, register.AddUser, register.User{Name: who, Role: access.Officer, Seat: seat, From: 1, Hash: nobodys})
		}
	}
	for _, one := range n {
		g.Dismiss(one)
	}
	do("dc", register.OrderErasure, register.ErasureOrder{Numbers: n, Basis: "the law", Reason: "the citizen asked"})
	do("adc", register.ConfirmErasure, register.ErasureWord{Number: n[0]})
}

// Dismiss has the owners of a case's open items dismiss them.
func (g *Group) Dismiss(n protocol.Number) {
	g.tb.Helper()
	leader := g.Leader()
	items, err := leader.Hub.Register().Items(n)
	if err != nil {
		g.tb.Fatal(err)
	}
	for i, it := range items {
		if it.Outcome != "" {
			continue
		}
		who := "owner-" + n.String() + "-" + strconv.Itoa(i)
		g.Do(leader, register.AddUser, register.User{Name: who, Role: access.Officer, Seat: it.Owner, From: 1, Hash: nobodys})
		c := register.NewCommand("dismiss-"+it.ID, who, register.Settle, register.Settlement{Item: it.ID, Outcome: "dismissed", Text: "nothing is owed back"})
		c.Number = n
		if res, err := leader.Hub.Do(g.tb.Context(), c); err != nil || res.Fault != nil {
			g.tb.Fatalf("dismiss %s: %v %v", it.ID, err, res.Fault)
		}
	}
}
