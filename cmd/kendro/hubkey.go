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
	return group("key", "Turn the key that the district's boxes seal to", hubKeyTurnCmd(), hubKeyAnnounceCmd(), hubKeyStatusCmd(), hubKeyExpireCmd(), hubKeyKeepCmd())
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
	var generation int
	cmd := &cobra.Command{
		Use: "status", Short: "List the district's sealing keys, and the boxes that still seal to an earlier one", Args: cobra.NoArgs,
		Example: "  kendro hub key status --dir /var/lib/kendro/hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := new(api.SealingKeys)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/sealing-keys", Out: list}); err != nil {
				return err
			}
			if generation == 0 {
				return out.print(cmd.OutOrStdout(), list, func() *table { return sealingTable(list) })
			}
			key, err := generationOf(list, generation)
			if err != nil {
				return err
			}
			expiry := new(api.SealingExpiry)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/sealing-keys/" + key.Key + "/expiry", Out: expiry}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), expiry, func() *table { return expiryTable(expiry) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	cmd.Flags().IntVar(&generation, "generation", 0, "say what stands against the expiry of this generation")
	return cmd
}

// generationOf returns one of the keys by its number.
func generationOf(list *api.SealingKeys, number int) (*api.SealingKey, error) {
	for i := range list.Generations {
		if list.Generations[i].Generation == number {
			return &list.Generations[i], nil
		}
	}
	return nil, fault.New("kendro", fault.NotFound, "generation "+count(number), "no such sealing key: kendro hub key status lists them")
}

func expiryTable(x *api.SealingExpiry) *table {
	t := columns("GENERATION", "KEY", "STATE", "NOTE")
	t.add(count(x.Key.Generation), x.Key.Key, x.Key.State, expiryNote(&x.Key))
	for _, o := range x.Against {
		t.add("", "", o.Item, o.Why)
	}
	if len(x.Against) == 0 && x.Key.State == api.SealingUnderstood {
		t.add("", "", "", "it may expire: kendro hub key expire")
	}
	return t
}

// expiryNote says how far the end of a key is.
func expiryNote(k *api.SealingKey) string {
	who := strings.Join(k.Waits, ", ")
	switch {
	case k.State == api.SealingExpired && who != "":
		return "still on " + who
	case k.State == api.SealingExpired:
		return "on no server any more; write a new recovery share, and destroy the earlier ones"
	case k.State == api.SealingExpiring && who != "":
		return "waits for " + who + " to cut the log"
	case k.State == api.SealingExpiring:
		return "every server has cut its log; the leader sees whether anything is still sealed to it"
	}
	return ""
}

func hubKeyExpireCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	var a anew
	var generation int
	cmd := &cobra.Command{
		Use: "expire", Short: "Let an earlier sealing key expire", Args: cobra.NoArgs,
		Long: `Lets an earlier sealing key of the district expire: what lies sealed to it on sticks, at
neighbours and in backups can then be opened with nothing that a server holds. What
boxes sealed whole, such as grievances, is read on: what opens it is first sealed to
the key in use. It is refused as long as a box may still seal to the key, or something is not here;
kendro hub key status --generation lists all of that. From then on nothing
that is sealed to it is taken in: its box seals it anew. Once every server has cut its log, each throws the key away.

A recovery share that holds the key in use has to be at hand, and is opened to see.
Earlier shares hold the old key, too: when it has expired, write a new one and destroy them.`,
		Example: "  kendro hub key expire --dir /var/lib/kendro/hub --generation 1 --share recovery-2027.share --passphrase-file phrase",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := new(api.SealingKeys)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/sealing-keys", Out: list}); err != nil {
				return err
			}
			old, err := generationOf(list, generation)
			if err != nil {
				return err
			}
			for i := range list.Generations {
				if k := &list.Generations[i]; k.State == api.SealingInUse && old.State == api.SealingUnderstood {
					if err := a.holds(k.Key); err != nil {
						return err
					}
				}
			}
			key := new(api.SealingKey)
			if err := id.explain(r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: "/v1/sealing-keys/" + old.Key + "/expire", Key: id.key(), Out: key})); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), key, func() *table {
				return pairs("generation", count(key.Generation), "key", key.Key, "state", key.State, "next", expiryNote(key))
			})
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	out.flag(cmd)
	a.shareFlags(cmd, "")
	cmd.Flags().IntVar(&generation, "generation", 0, "number of the key, as kendro hub key status lists it")
	require(cmd, "share", "generation")
	return cmd
}

func hubKeyKeepCmd() *cobra.Command {
	var r reach
	var id repeat
	var out output
	var generation int
	cmd := &cobra.Command{
		Use: "keep", Short: "Call the expiry of a sealing key off", Args: cobra.NoArgs,
		Long: `Calls off what kendro hub key expire began, as long as the key is expiring: what is sealed
to it is taken in again. Once it has expired, servers have thrown it away.`,
		Example: "  kendro hub key keep --dir /var/lib/kendro/hub --generation 1",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := new(api.SealingKeys)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/sealing-keys", Out: list}); err != nil {
				return err
			}
			old, err := generationOf(list, generation)
			if err != nil {
				return err
			}
			key := new(api.SealingKey)
			if err := id.explain(r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: "/v1/sealing-keys/" + old.Key + "/keep", Key: id.key(), Out: key})); err != nil {
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
	cmd.Flags().IntVar(&generation, "generation", 0, "number of the key, as kendro hub key status lists it")
	require(cmd, "generation")
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
		case k.State == api.SealingExpiring || k.State == api.SealingExpired:
			note = expiryNote(k)
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
