package main

import (
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kendro/domain/fault"
	"kendro/hub"
	"kendro/identity"
	"kendro/web/api"
)

func hubKeyCmd() *cobra.Command {
	return group("key", "Turn the key that the district's boxes seal to", hubKeyTurnCmd(), hubKeyAnnounceCmd(), hubKeyStatusCmd())
}

func hubKeyTurnCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	cmd := &cobra.Command{
		Use: "turn", Short: "Draw the district's next sealing key", Args: cobra.NoArgs,
		Long: `Draws the district's next sealing key, which every server then fetches and keeps. Nothing
seals to it until it is announced: first write a recovery share that holds it, then
kendro hub key announce. Repeated before that, it says how far the key has come.`,
		Example: "  kendro hub key turn --dir /var/lib/kendro/hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			key := new(api.SealingKey)
			if err := id.explain(r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: "/v1/sealing-keys", Key: id.key(), Out: key})); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), key, func() *table {
				return pairs("generation", count(key.Generation), "key", key.Key, "next", sealingNext(key))
			})
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	return cmd
}

// sealingNext says what is to be done for a key that is not announced.
func sealingNext(k *api.SealingKey) string {
	if k.State == api.SealingSpreading {
		return "not on every server yet: " + strings.Join(k.Lacking, ", ")
	}
	return "on every server; write a recovery share (kendro hub export --share), then kendro hub key announce"
}

func hubKeyAnnounceCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	var a anew
	cmd := &cobra.Command{
		Use: "announce", Short: "Have the boxes seal to the key that was drawn", Args: cobra.NoArgs,
		Long: `Has the boxes seal to the key that kendro hub key turn has drawn, as soon as they hear of it.
Every server has to hold it, and so has a recovery share, which is opened here to see:
with an older one a district that loses every server could not read what was sealed
since. The share stays on this machine.`,
		Example: "  kendro hub key announce --dir /var/lib/kendro/hub --share recovery-2027.share --passphrase-file phrase",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := new(api.SealingKeys)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/sealing-keys", Out: list}); err != nil {
				return err
			}
			newest := &list.Generations[len(list.Generations)-1]
			if err := a.holds(newest.Key); err != nil {
				return err
			}
			key := new(api.SealingKey)
			call := api.Call{Method: http.MethodPost, Path: "/v1/sealing-keys/" + newest.Key + "/announce", Key: id.key(), Out: key}
			if err := id.explain(r.call(cmd.Context(), call)); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), key, func() *table {
				return pairs("generation", count(key.Generation), "key", key.Key, "state", key.State)
			})
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	a.shareFlags(cmd, "")
	require(cmd, "share")
	return cmd
}

// holds returns nil where the share opens and holds a sealing key.
func (a *anew) holds(key string) error {
	id, err := identity.ParseKeyID(key)
	if err != nil {
		return err
	}
	by, err := a.opener()
	if err != nil {
		return err
	}
	f, err := os.Open(a.share)
	if err != nil {
		return &fault.Error{Op: "kendro", Kind: fault.NotFound, Item: a.share, Err: err}
	}
	defer func() { _ = f.Close() }() // It was read.
	return hub.ShareHolds(f, by, id)
}

func hubKeyStatusCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "status", Short: "List the district's sealing keys, and the boxes that still seal to an earlier one", Args: cobra.NoArgs,
		Example: "  kendro hub key status --dir /var/lib/kendro/hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := new(api.SealingKeys)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/sealing-keys", Out: list}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), list, func() *table { return sealingTable(list) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

func sealingTable(list *api.SealingKeys) *table {
	t := columns("GENERATION", "KEY", "STATE", "SINCE", "NOTE")
	for i := range list.Generations {
		k := &list.Generations[i]
		since, note := "founding", ""
		if at := k.Announced; at != nil {
			since = when(*at)
		} else if at := k.Drawn; at != nil {
			since = when(*at)
		}
		switch {
		case k.State == api.SealingSpreading || k.State == api.SealingWaiting:
			note = sealingNext(k)
		case len(k.Behind) > 0:
			note = count(len(k.Behind)) + " boxes seal to an earlier one"
		}
		t.add(count(k.Generation), k.Key, k.State, since, note)
		for _, b := range k.Behind {
			t.add("", "", "box "+b.Centre, "", "slot "+b.Slot+", "+count(b.Has)+" events of it are here")
		}
	}
	return t
}
