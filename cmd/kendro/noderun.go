package main

import (
	"context"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"kendro/node"
	"kendro/web/api"
)

// The memory of a node: it shares 512 MiB with everything else on its box. Below
// the limit, collecting more often would save 10 MiB and cost every application a
// tenth of its time.
const (
	nodeMemory  = 48 << 20
	nodeGarbage = 200
)

// beaconPort is where boxes on one LAN call.
const beaconPort = 7447

func nodeRunCmd() *cobra.Command {
	var file string
	var logs logFormat
	c := node.Config{Clock: time.Now, Version: version}
	var advertise string
	cmd := &cobra.Command{
		Use: "run", Short: "Run the box of a centre", Args: cobra.NoArgs,
		Long: `Runs the box of a centre. It takes applications with or without a hub, and finds the
hub by what it was told at enrolment and since. docs/settings.md explains the settings.`,
		Example: "  kendro node run --dir /var/lib/kendro/node --http 127.0.0.1:8080",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settings(cmd, file); err != nil {
				return err
			}
			if err := given(cmd, "dir", "http", "listen"); err != nil {
				return err
			}
			c.Logger = logs.logger(cmd.ErrOrStderr())
			c.GossipAdvertise, c.Advertise = reachable(c.Gossip, advertise), advertise
			return nodeRun(cmd.Context(), c)
		},
	}
	logs.flag(cmd)
	configFlag(cmd, &file)
	f := cmd.Flags()
	f.StringVar(&c.Dir, "dir", "", "folder of the node; it writes nowhere else")
	addressFlag(f, &c.HTTP, "http", "", "address of the counter's pages and the API")
	f.BoolVar(&c.HTTPPlain, "http-plain", false, "plain HTTP on any address, behind a proxy that speaks TLS")
	addressFlag(f, &c.Listen, "listen", "0.0.0.0:7441", "UDP address to the hub and to neighbours")
	addressFlag(f, &advertise, "advertise", "", "address by which others reach --listen (default: the same)")
	addressFlag(f, &c.Gossip, "gossip", "", "address where boxes of the upazila find each other (default: off)")
	f.Uint16Var(&c.Beacon, "beacon", beaconPort, "UDP port on which boxes of one LAN find each other, the same at all of them; 0 is off")
	f.DurationVar(&c.CertificateAge, "certificate-age", api.CertificateAge, "how old what is known of a certificate may be where it is verified")
	f.StringVar(&c.PortsFile, "ports-file", "", "file that gets the ports in use, as JSON")
	return cmd
}

// nodeRun serves until ctx ends.
func nodeRun(ctx context.Context, c node.Config) error {
	thrifty()
	var err error
	if c.BoxKey, err = boxKey(); err != nil {
		return err
	}
	s := server{log: c.Logger, alive: func() error { return answers(c.Dir) }}
	n, err := node.Open(ctx, c)
	switch {
	case err == nil:
		s.run = up(n, &c)
	case node.Full(&c, err):
		s.run = func(ctx context.Context) error { return nodeWait(ctx, c, err) }
	default:
		return err
	}
	return s.serve(ctx)
}

// up says where a node listens, and returns its work.
func up(n *node.Node, c *node.Config) func(context.Context) error {
	at := n.Addr()
	c.Logger.Info("node is up", "version", c.Version, "http", at.HTTP, "quic", at.QUIC, "gossip", at.Gossip)
	return n.Run
}

// nodeWait opens the box as soon as the disk has room for it, and serves.
func nodeWait(ctx context.Context, c node.Config, err error) error {
	for node.Full(&c, err) {
		if err := node.AwaitRoom(ctx, c); err != nil || ctx.Err() != nil {
			return err
		}
		var n *node.Node
		if n, err = node.Open(ctx, c); err == nil {
			return up(n, &c)(ctx)
		}
	}
	return err
}

// thrifty keeps the process small, unless whoever started it has said otherwise.
func thrifty() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(nodeMemory)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(nodeGarbage)
	}
}

// reachable is where others reach what is bound to every address of the machine:
// at the host of advertise. Empty where it is bound to one address, or where
// nobody knows better.
func reachable(bound, advertise string) string {
	host, port, err := net.SplitHostPort(bound)
	if err != nil || port == "0" {
		return ""
	}
	if ip, err := netip.ParseAddr(host); host != "" && (err != nil || !ip.IsUnspecified()) {
		return ""
	}
	public, _, err := net.SplitHostPort(advertise)
	if err != nil || public == "" {
		return ""
	}
	return net.JoinHostPort(public, port)
}

// aliveTimeout is how long a daemon may take to say that it lives.
const aliveTimeout = 5 * time.Second

// answers asks the daemon in a folder, which is this process, whether it lives.
func answers(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), aliveTimeout)
	defer cancel()
	r := reach{dir: dir}
	return r.call(ctx, api.Call{Path: "/healthz"})
}
