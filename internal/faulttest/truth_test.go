//go:build fault

package faulttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

// read asks the node for everything it has on each application: the whole record
// and the proof of its receipt, as JSON.
func (v *victims) read(ctx context.Context) ([]string, error) {
	n := v.Nodes[0]
	token, err := n.SignIn(ctx, v.login)
	if err != nil {
		return nil, err
	}
	c, err := api.NewClient(n.URL(), token, nil)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var numbers []protocol.Number
	for number := range v.all.receipts {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	var all []string
	for _, number := range numbers {
		for _, path := range []string{"/v1/applications/" + number.String(), "/v1/receipts/" + number.String() + "/proof"} {
			var raw []byte
			if err := c.Do(ctx, api.Call{Path: path, Out: &raw}); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			all = append(all, string(raw))
		}
	}
	return all, nil
}

// accepted reports whether the node shows every application as ACCEPTED.
func (v *victims) accepted(ctx context.Context) bool {
	c := api.NewLocalClient(v.Nodes[0].Dir)
	defer c.Close()
	for number := range v.all.receipts {
		var t api.Tracking
		if err := c.Do(ctx, api.Call{Path: "/v1/track/" + number.String(), Out: &t}); err != nil || t.Custody != api.Accepted {
			return false
		}
	}
	return true
}

// A likeness is how what a daemon says compares with the truth.
type likeness int

const (
	equal     likeness = iota
	withheld           // It says that it can't tell, and why.
	different          // It says something else, or that there is no such thing.
)

// compare reads everything back from the daemon that was started on a changed
// folder.
func (v *victims) compare(ctx context.Context, of daemon) (likeness, string) {
	if of == aServer {
		return v.compareRegister(ctx)
	}
	now, err := v.read(ctx)
	if err != nil {
		return failed(err)
	}
	for i := range now {
		if now[i] != v.truth[i] {
			return different, fmt.Sprintf("got %.300s, want %.300s", now[i], v.truth[i])
		}
	}
	return equal, "all records and proofs as before"
}

// failed tells a failure that names damage from any other.
func failed(err error) (likeness, string) {
	if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Invalid) {
		return different, err.Error()
	}
	return withheld, err.Error()
}

// compareRegister asks for each case as the public does, stops the server and
// exports its register, which counts every pair of it against the set hash.
func (v *victims) compareRegister(ctx context.Context) (likeness, string) {
	p := v.Servers[0]
	c := api.NewLocalClient(p.Dir)
	defer c.Close()
	if !v.caughtUp(ctx, p) {
		return different, "the register does not come to where it was"
	}
	for _, one := range v.cases.Cases {
		var t api.Tracking
		if err := c.Do(ctx, api.Call{Path: "/v1/track/" + one.Number.String(), Out: &t}); err != nil {
			return failed(err)
		}
		if t.Stage != one.Stage || t.Number != one.Number {
			return different, fmt.Sprintf("%s is said to be %s", one.Number, t.Stage)
		}
	}
	p.Stop()
	now, err := v.Export(ctx, p)
	if err != nil {
		return failed(err)
	}
	if now.Digest != v.cases.Digest || !equalJSON(now.Cases, v.cases.Cases) {
		return different, fmt.Sprintf("register at %d with %s, want %d with %s", now.Index, now.Digest, v.cases.Index, v.cases.Digest)
	}
	return equal, "register as before, every pair counted"
}

// caughtUp waits until a server has applied again what its Raft log holds and its
// register has lost.
func (v *victims) caughtUp(ctx context.Context, p *district.Process) bool {
	const soon = 15 * time.Second
	ctx, stop := context.WithTimeout(ctx, soon)
	defer stop()
	return district.Poll(ctx, func() bool {
		s, err := p.Status(ctx)
		return err == nil && s.Register.Index >= v.cases.Index
	}) == nil
}

func equalJSON(a, b any) bool {
	x, err := json.Marshal(a)
	if err != nil {
		return false
	}
	y, err := json.Marshal(b)
	return err == nil && bytes.Equal(x, y)
}
