package main

import (
	"time"

	"github.com/spf13/cobra"

	"kendro/web/api"
)

func hubStatusCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "status", Short: "Say how a server and its group are", Args: cobra.NoArgs,
		Example: "  kendro hub status --dir /var/lib/kendro/hub --output json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			status := new(api.HubStatus)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/status", Out: status}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), status, func() *table { return hubTable(status) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

func hubTable(s *api.HubStatus) *table {
	t := pairs(
		"district", s.District, "server", s.Server, "state", s.State, "leader", s.Leader,
		"register", count(s.Register.Index)+" "+s.Register.Hash, "snapshot", count(s.Snapshot),
		"installed", count(s.Installed), "as of", when(s.AsOf),
	)
	for _, m := range s.Members {
		t.add("member "+m.ID, memberLine(m))
	}
	if s.ClockOff != 0 {
		t.add("clock", (time.Duration(s.ClockOff)*time.Second).Abs().String()+" from the other servers', whose time counts: set this server's clock right")
	}
	if c := s.Recount; c != nil && c.Differ > 0 {
		t.add("counters differ", count(c.Differ)+" places of "+count(c.Cases)+" cases, counted again "+when(c.At)+": tell us")
	}
	if h := s.Halted; h != nil {
		t.add("trial halted", "release "+count(h.Release)+" at "+h.Centre+": "+h.Reason)
	}
	if b := s.Blocked; b != nil {
		t.add("base blocked", "edition "+count(b.Edition)+": "+b.Summary()+"; kendro catalogue status lists what the overlay has to change")
	}
	if k := s.Sealing; k != nil {
		t.add("sealing key", "generation "+count(k.Generation)+": "+sealingNext(k))
	}
	for _, c := range s.Connectors {
		if c.Trouble != "" {
			t.add("register "+c.Name, c.Trouble+" since "+when(*c.Since)+", "+c.Text+"; asked again "+when(*c.Again))
		}
	}
	for _, c := range s.Copied {
		t.add("copied "+c.Centre, "slot "+c.Slot+", since "+when(c.Since)+": find the copy and switch it off, then enrol the centre again")
	}
	return t
}

func memberLine(m api.Member) string {
	line := m.Address
	if !m.Voter {
		line += ", reads and forwards"
	}
	if m.Leader {
		line += ", leads"
	}
	return line
}

func hubMembersCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "members", Short: "List the servers of the group", Args: cobra.NoArgs,
		Example: "  kendro hub members --dir /var/lib/kendro/hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := new(api.MemberList)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/members", Out: list}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), list, func() *table {
				t := columns("SERVER", "ADDRESS", "VOTER", "LEADER", "HTTP")
				for _, m := range list.Members {
					t.add(m.ID, m.Address, yesNo(m.Voter), yesNo(m.Leader), m.HTTP)
				}
				return t
			})
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}
