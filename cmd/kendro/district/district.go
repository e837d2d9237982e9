// Package district runs a whole district as real processes on this machine: the
// servers of a hub and the nodes of centres, each in a folder of its own, joined
// by real enrolment over loopback. The demo, the benchmarks and the fault
// campaigns stand on it.
//
// Enter at [Create] for a new district and at [Resume] for one whose folder was
// kept. It drives daemons by what the contract promises: their command lines,
// their ports files, their HTTP.
//
// It refuses to reach into a daemon: no package of node or hub is used here.
package district

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/web/api"
)

// Options say what to build.
type Options struct {
	Dir     string   // Absolute, exists, empty.
	Binary  string   // Absolute path of the kendro binary.
	Servers int      // Voters of the hub, 1 to 5.
	Centres []string // Codes of the centres that get a node.
	HubArgs []string // More flags for every server.
	Pack    string   // Folder of the country pack; empty is the embedded one.
}

// A District is a hub and its nodes. Its methods are used by one goroutine at a
// time; the processes run on their own.
type District struct {
	Dir     string
	Binary  string
	Servers []*Process
	Nodes   []*Node

	phrase string // Opens the recovery share, where this process founded the district.
	pack   string // Folder of the country pack; empty is the embedded one.
}

// A Node is the box of one centre.
type Node struct {
	*Process
	Centre string
}

// districtCode is the district that the embedded pack has complete.
const districtCode = "41"

const stateFile = "district.json"

// state is what a folder needs to be resumed.
type state struct {
	Servers []kept `json:"servers"`
	Nodes   []kept `json:"nodes"`
}

type kept struct {
	Name   string   `json:"name"`
	Centre string   `json:"centre,omitempty"`
	Args   []string `json:"args"`
}

// Create founds a district and waits until every server and node answers. On a
// failure the processes it started are gone again.
func Create(ctx context.Context, o Options) (d *District, err error) {
	d = &District{Dir: o.Dir, Binary: o.Binary, pack: o.Pack}
	defer func() {
		if err != nil {
			d.Kill()
		}
	}()
	for range o.Servers {
		if _, err := d.AddServer(ctx, o.HubArgs...); err != nil {
			return d, err
		}
	}
	if err := d.grouped(ctx); err != nil {
		return d, err
	}
	for _, centre := range o.Centres {
		if _, err := d.AddNode(ctx, centre); err != nil {
			return d, err
		}
	}
	return d, d.save()
}

// Exists reports whether dir holds a district that [Resume] can start.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, stateFile))
	return err == nil
}

// Resume starts the daemons of a district that was created in dir before.
func Resume(ctx context.Context, dir, binary string) (d *District, err error) {
	const op = "district.Resume"
	var s state
	b, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return nil, fault.Wrap(op, fault.NotFound, dir, err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fault.Wrap(op, fault.Damaged, dir, err)
	}
	d = &District{Dir: dir, Binary: binary}
	for _, k := range s.Servers {
		d.Servers = append(d.Servers, d.process(k.Name, k.Args))
	}
	for _, k := range s.Nodes {
		d.Nodes = append(d.Nodes, &Node{Process: d.process(k.Name, k.Args), Centre: k.Centre})
	}
	if err := d.Start(ctx); err != nil {
		d.Kill()
		return nil, err
	}
	return d, nil
}

// Start launches every process that doesn't run and waits for all of them.
func (d *District) Start(ctx context.Context) error {
	return StartAll(ctx, d.Processes())
}

// StartAll launches those of the processes that don't run, side by side, and
// waits for all.
func StartAll(ctx context.Context, list []*Process) error {
	for _, p := range list {
		if !p.Running() {
			if err := p.Launch(); err != nil {
				return err
			}
		}
	}
	for _, p := range list {
		if err := p.Ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Processes lists all daemons, servers first.
func (d *District) Processes() []*Process {
	list := slices.Clone(d.Servers)
	for _, n := range d.Nodes {
		list = append(list, n.Process)
	}
	return list
}

// Stop drains all processes, the nodes before the servers.
func (d *District) Stop() {
	var nodes sync.WaitGroup
	for _, n := range d.Nodes {
		nodes.Go(n.Stop)
	}
	nodes.Wait()
	var servers sync.WaitGroup
	for _, p := range d.Servers {
		servers.Go(p.Stop)
	}
	servers.Wait()
}

// Kill ends all processes at once.
func (d *District) Kill() {
	for _, p := range d.Processes() {
		p.Kill()
	}
}

// Operator speaks to the first server that runs as the operator of its machine.
// Close the client.
func (d *District) Operator() (*api.Client, error) {
	for _, p := range d.Servers {
		if p.Running() {
			return api.NewLocalClient(p.Dir), nil
		}
	}
	return nil, fault.New("district.Operator", fault.Unavailable, "", "no server runs")
}

func (d *District) process(name string, args []string) *Process {
	return &Process{Name: name, Dir: filepath.Join(d.Dir, name), Args: args, binary: d.Binary}
}

func (d *District) save() error {
	var s state
	for _, p := range d.Servers {
		s.Servers = append(s.Servers, kept{Name: p.Name, Args: p.Args})
	}
	for _, n := range d.Nodes {
		s.Nodes = append(s.Nodes, kept{Name: n.Name, Centre: n.Centre, Args: n.Args})
	}
	return api.WriteFile(filepath.Join(d.Dir, stateFile), s)
}

// AddServer founds the hub with its first server, or joins another to it, with
// further flags.
func (d *District) AddServer(ctx context.Context, flags ...string) (*Process, error) {
	i := len(d.Servers)
	p := d.process(fmt.Sprintf("server-%d", i+1), nil)
	joined := d.Servers
	d.Servers = append(d.Servers, p)
	if i == 0 {
		if err := d.found(ctx, p); err != nil {
			return p, err
		}
	}
	return p, startOnFreePorts(ctx, p, func(http, quic, _ string) ([]string, error) {
		args := append([]string{"hub", "run", "--dir", p.Dir, "--http", http, "--listen", quic, "--advertise", quic}, flags...)
		if i == 0 {
			return args, nil
		}
		token, err := d.Token(ctx, api.TokenRequest{Server: true, TTL: "1h"})
		return append(args, "--join", joined[0].Ports.QUIC, "--token", token), err
	})
}

// AddNode enrols a box for a centre and starts it.
func (d *District) AddNode(ctx context.Context, centre string) (*Node, error) {
	n := &Node{Process: d.process("node-"+centre, nil), Centre: centre}
	token, err := d.Token(ctx, api.TokenRequest{Centre: centre, TTL: "24h"})
	if err != nil {
		return nil, err
	}
	if err := d.Run(ctx, "node", "enrol", "--dir", n.Dir, "--token", token); err != nil {
		return nil, err
	}
	d.Nodes = append(d.Nodes, n)
	return n, startOnFreePorts(ctx, n.Process, func(http, quic, gossip string) ([]string, error) {
		return []string{"node", "run", "--dir", n.Dir, "--http", http, "--listen", quic, "--advertise", quic, "--gossip", gossip}, nil
	})
}

// grouped waits until every server votes and knows who leads, so that the group
// can lose one.
func (d *District) grouped(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, askedFor)
	defer stop()
	for _, p := range d.Servers {
		if err := Poll(ctx, func() bool {
			s, err := p.Status(ctx)
			voters := slices.DeleteFunc(s.Members, func(m api.Member) bool { return !m.Voter })
			return err == nil && s.Leader != "" && len(voters) == len(d.Servers)
		}); err != nil {
			return fault.Wrap("district.Create", fault.Unavailable, p.Name+" does not see every server vote; its log is "+p.LogFile(), err)
		}
	}
	return nil
}

// startOnFreePorts chooses ports and starts the daemon; should somebody have
// taken one meanwhile, it chooses again.
func startOnFreePorts(ctx context.Context, p *Process, args func(http, quic, gossip string) ([]string, error)) error {
	const tries = 3
	var err error
	for range tries {
		var ports [3]string
		for i := range ports {
			if ports[i], err = freePort(ctx); err != nil {
				return err
			}
		}
		if p.Args, err = args(ports[0], ports[1], ports[2]); err != nil {
			return err
		}
		if err = p.Start(ctx); err == nil || ctx.Err() != nil {
			return err
		}
		p.Kill()
	}
	return err
}

// Token makes a join token.
func (d *District) Token(ctx context.Context, r api.TokenRequest) (string, error) {
	var a api.TokenAnswer
	err := d.ask(ctx, api.Call{Path: "/v1/tokens", Key: api.NewKey(), In: r, Out: &a})
	return a.Token, err
}

// askedFor is how long a hub that is just coming up is asked again.
const askedFor = 30 * time.Second

// ask makes a call as the operator, and repeats it with the same key while the
// outcome is unknown.
func (d *District) ask(ctx context.Context, call api.Call) error {
	c, err := d.Operator()
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, stop := context.WithTimeout(ctx, askedFor)
	defer stop()
	var last error
	if err := Poll(ctx, func() bool {
		last = c.Do(ctx, call)
		return !errors.Is(last, fault.Unavailable)
	}); err != nil && last == nil {
		return err
	}
	return last
}
