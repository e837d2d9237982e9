package main

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/node"
	"kendro/web/api"
)

func nodeCmd() *cobra.Command {
	return group("node", "Run and look after the box of a centre",
		nodeEnrolCmd(), nodeRunCmd(), nodeStatusCmd(), nodeRepairCmd(), nodeBallastCmd(), nodeRevokeCmd(), nodeGossipKeyCmd())
}

func nodeStatusCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "status", Short: "Say how far a node is in sync and what keeps it from working", Args: cobra.NoArgs,
		Example: "  kendro node status --dir /var/lib/kendro/node",
		RunE: func(cmd *cobra.Command, _ []string) error {
			status := new(api.SyncStatus)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/sync", Out: status}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), status, func() *table { return syncTable(status) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

func syncTable(s *api.SyncStatus) *table {
	t := &table{}
	hub := "none"
	if s.Hub != nil {
		hub = s.Hub.District + ", server " + s.Hub.Server
	}
	t.add("hub", hub)
	if s.LastContact != nil {
		t.add("last contact", when(*s.LastContact))
	}
	t.add("waiting", strconv.FormatUint(s.Backlog, 10))
	for _, log := range sorted(s.Heads) {
		acked := "acknowledged " + count(s.Acknowledged[log].Seq)
		t.add(log, count(s.Heads[log].Seq), acked)
	}
	for _, p := range s.Peers {
		more := ""
		if p.Linked {
			more = "has a link to the hub"
		}
		if p.Copies > 0 {
			more = "holds a sealed copy up to " + count(p.Copies) + "; " + more
		}
		t.add("neighbour "+p.Centre, "seen "+when(p.LastSeen), strings.TrimSuffix(more, "; "))
	}
	if s.Held.Logs > 0 {
		t.add("kept for neighbours", strconv.Itoa(s.Held.Logs)+" logs", strconv.FormatInt(s.Held.Bytes, 10)+" bytes, sealed")
	}
	for _, b := range s.Blockers {
		t.add("blocker "+b.Code, b.EN, b.BN)
	}
	return t
}

func nodeBallastCmd() *cobra.Command {
	var out output
	var dir string
	var release, fill bool
	cmd := &cobra.Command{
		Use: "ballast", Short: "Give a full disk 32 MiB back, or set them aside again", Args: cobra.NoArgs,
		Long: `A node sets 32 MiB aside when it enrols. On a full disk --release throws them away,
so that there is room to work in; --fill sets them aside again.`,
		Example: "  kendro node ballast --dir /var/lib/kendro/node --release",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := folder(dir); err != nil {
				return err
			}
			aboard, err := node.Ballast(dir, fill)
			if err != nil {
				return err
			}
			state := struct {
				Aboard bool `json:"aboard"`
			}{aboard}
			return out.print(cmd.OutOrStdout(), state, func() *table { return pairs("set aside", yesNo(aboard)) })
		},
	}
	out.flag(cmd)
	f := cmd.Flags()
	f.StringVar(&dir, "dir", "", "folder of the node")
	f.BoolVar(&release, "release", false, "throw it away")
	f.BoolVar(&fill, "fill", false, "set it aside again")
	require(cmd, "dir")
	cmd.MarkFlagsMutuallyExclusive("release", "fill")
	cmd.MarkFlagsOneRequired("release", "fill")
	return cmd
}

func nodeRevokeCmd() *cobra.Command {
	var r reach
	var id repeat
	var centre string
	cmd := &cobra.Command{
		Use: "revoke", Short: "Shut the box of a centre out of the district", Args: cobra.NoArgs,
		Long: `Shuts the box of a centre out, at the hub: it is turned away from then on, and its
open sessions end within seconds. What it had filed before counts, also when others
bring it later; what it dates after that is held for a person. A new box enrols
with a new token.`,
		Example: "  kendro node revoke --centre 41-47-13 --dir hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := place.ParseCentre(centre)
			if err != nil {
				return err
			}
			path := "/v1/nodes/" + url.PathEscape(string(c)) + "/revoke"
			return id.explain(r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: path, Key: id.key()}))
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	cmd.Flags().StringVar(&centre, "centre", "", "centre of the box, district-upazila-union")
	require(cmd, "centre")
	return cmd
}

func nodeGossipKeyCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	var upazila string
	cmd := &cobra.Command{
		Use: "gossip-key", Short: "Take an upazila's next step to a fresh gossip key, at the hub", Args: cobra.NoArgs,
		Long: `A hub gives each upazila a fresh gossip key every 30 days by itself: it announces the
next one, and a week later the boxes speak under it and still understand the one
before. This takes the next of the two steps now. A revocation changes the key at
once, and nobody understands the old one.`,
		Example: "  kendro node gossip-key --upazila 41-47 --dir hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := place.ParseCentre(upazila + "-01"); err != nil {
				return fault.New("kendro node gossip-key", fault.Invalid, upazila, "want district-upazila, such as 41-47")
			}
			step := new(api.KeyStep)
			path := "/v1/upazilas/" + url.PathEscape(upazila) + "/gossip-key"
			if err := id.explain(r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: path, Key: id.key(), Out: step})); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), step, func() *table { return pairs("gossip key", step.Step) })
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	cmd.Flags().StringVar(&upazila, "upazila", "", "the upazila, district-upazila")
	require(cmd, "upazila")
	return cmd
}
