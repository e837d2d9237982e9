package main

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/hub"
	"kendro/protocol"
	"kendro/web/api"
)

// A hubSettings is what a server of the hub is told.
type hubSettings struct {
	hub.Config
	join, token    string
	nonVoter       bool
	plain          bool
	portsFile      string
	certificateAge time.Duration // How old what is known of a certificate may be; 0 is a week.
	eraseCopies    time.Duration // Until when operators destroy copies of what was erased.
	paced          bool          // Whoever started it has not said how much garbage may grow.
}

func hubRunCmd() *cobra.Command {
	var file, preset string
	var to connectorFlags
	var logs logFormat
	s := hubSettings{Config: hub.Config{Clock: time.Now}}
	cmd := &cobra.Command{
		Use: "run", Short: "Run a server of the district office", Args: cobra.NoArgs,
		Long: `Runs a server of the district office. The first one's folder comes from kendro hub
init; a further one joins the group at its first start with --join and --token, which
are ignored from then on. docs/settings.md explains the settings.`,
		Example: "  kendro hub run --dir /var/lib/kendro/hub --http 127.0.0.1:8081 --listen 0.0.0.0:7441 --advertise 10.0.0.5:7441",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settings(cmd, file); err != nil {
				return err
			}
			if err := given(cmd, "dir", "http", "listen"); err != nil {
				return err
			}
			var err error
			if s.Preset, err = hub.ParsePreset(preset); err != nil {
				return err
			}
			if s.Connectors, err = to.read(); err != nil {
				return err
			}
			s.paced = os.Getenv("GOGC") == ""
			if s.paced {
				debug.SetGCPercent(hubGarbage)
			}
			s.Logger = logs.logger(cmd.ErrOrStderr())
			return hubRun(cmd.Context(), &s)
		},
	}
	logs.flag(cmd)
	configFlag(cmd, &file)
	f := cmd.Flags()
	f.StringVar(&s.Dir, "dir", "", "folder of the server; it writes nowhere else")
	addressFlag(f, &s.HTTP, "http", "", "address of the desks, public tracking and the API")
	f.BoolVar(&s.plain, "http-plain", false, "plain HTTP on any address, behind a proxy that speaks TLS")
	addressFlag(f, &s.Listen, "listen", "0.0.0.0:7441", "UDP address to nodes and to other servers")
	addressFlag(f, &s.Advertise, "advertise", "", "address by which others reach --listen (default: the same)")
	f.StringVar(&s.join, "join", "", "a server of the group, for the first start of a further one")
	f.StringVar(&s.token, "token", "", "what kendro token create --server printed")
	f.BoolVar(&s.nonVoter, "non-voter", false, "join as a server that reads and forwards and does not vote")
	f.StringVar(&preset, "preset", "lan", "lan: voters in one office; spread: voters over slow links")
	f.Uint64Var(&s.TrailingLogs, "trailing-logs", 10_240, "Raft entries kept for servers that lag behind; further ones get a snapshot")
	f.Uint64Var(&s.SnapshotEvery, "snapshot-every", 8_192, "Raft entries between two snapshots")
	f.DurationVar(&s.EraseWithin, "erase-within", 24*time.Hour, "how long after an erasure nothing of it lies on this server's disk any more")
	f.DurationVar(&s.eraseCopies, "erase-copies", 90*24*time.Hour, "how long after an erasure backups and other copies of before are to be destroyed")
	f.DurationVar(&s.certificateAge, "certificate-age", api.CertificateAge, "how old what is known of a certificate may be where it is verified")
	to.flags(f)
	f.StringVar(&s.portsFile, "ports-file", "", "file that gets the ports in use, as JSON")
	return cmd
}

// hubRun joins the group if need be and serves until ctx ends.
func hubRun(ctx context.Context, s *hubSettings) error {
	if err := s.joinOnce(ctx); err != nil {
		return err
	}
	var err error
	if s.BoxKey, err = boxKey(); err != nil {
		return err
	}
	if err := republishAuthority(s.Dir, s.Logger); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	office, err := openOffice(ctx, s)
	if err != nil {
		return err
	}
	at := office.ports
	s.Logger.Info("hub is up", "version", version, "http", at.HTTP, "quic", at.QUIC)
	resting, stop := context.WithCancel(ctx)
	var rested sync.WaitGroup
	rested.Go(func() { giveBack(resting) })
	if s.paced {
		rested.Go(func() { pace(resting, office.hub.Met) })
	}
	defer func() { stop(); rested.Wait() }()
	d := server{log: s.Logger, run: office.run, alive: func() error { return answers(s.Dir) }}
	return d.serve(ctx)
}

// joinOnce makes an empty folder a server of the group that the token is from.
func (s *hubSettings) joinOnce(ctx context.Context) error {
	const op = "kendro.join"
	if s.join == "" && s.token == "" || present(s.Dir, hubFile) {
		return nil
	}
	if s.join == "" || s.token == "" {
		return fault.New(op, fault.Invalid, "", "want --join and --token together")
	}
	t, err := protocol.ParseJoinToken(s.token)
	if err != nil {
		return err
	}
	t.Servers = append([]string{s.join}, t.Servers...)
	return hub.Join(ctx, s.Dir, t, hub.JoinOptions{Address: s.Advertise, HTTP: s.HTTP, Voter: !s.nonVoter})
}
