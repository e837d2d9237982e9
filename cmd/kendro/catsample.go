package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

func catalogueSampleCmd() *cobra.Command {
	var r reach
	var pack, centre string
	var seed uint64
	cmd := &cobra.Command{
		Use: "sample SERVICE", Short: "Print a complete, valid body for kendro apply", Args: cobra.ExactArgs(1),
		Long: `Prints a complete, valid body of POST /v1/applications for the current version of a
service. The same seed gives the same bytes, another seed another person. --dir and
--url read a daemon's catalogue, --pack the one in this binary.`,
		Example: "  kendro catalogue sample land-record-copy --seed 7 --pack bd",
		RunE: func(cmd *cobra.Command, args []string) error {
			set, at, err := sampled(cmd.Context(), &r, pack, centre)
			if err != nil {
				return err
			}
			body, err := catalogue.Sample(set, args[0], seed, at)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", body)
			return printed(err)
		},
	}
	r.publicFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&pack, "pack", "", "country pack in this binary: bd")
	f.StringVar(&centre, "centre", "", "centre that takes it (default: the node's own, else the first)")
	f.Uint64Var(&seed, "seed", 1, "seed of the person")
	cmd.MarkFlagsMutuallyExclusive("pack", "dir")
	cmd.MarkFlagsMutuallyExclusive("pack", "url")
	return cmd
}

// sampled returns the catalogue and the centre to make a sample from.
func sampled(ctx context.Context, r *reach, pack, centre string) (*dcat.Set, place.Centre, error) {
	var set *dcat.Set
	var err error
	if pack != "" {
		set, err = embedded(pack)
	} else {
		set, err = inForce(ctx, r)
	}
	if err != nil {
		return nil, "", err
	}
	if centre != "" {
		at, err := place.ParseCentre(centre)
		return set, at, err
	}
	if own := ownCentre(ctx, r); pack == "" && own != "" {
		return set, own, nil
	}
	if len(set.Directory.Centres) == 0 {
		return nil, "", fault.New("kendro", fault.NotFound, "centre", "the catalogue knows no centre: publish a directory with centres")
	}
	return set, set.Directory.Centres[0].Code, nil
}

// ownCentre asks the daemon in a folder which centre it serves; a hub serves none.
func ownCentre(ctx context.Context, r *reach) place.Centre {
	var status api.SyncStatus
	if r.dir == "" || r.call(ctx, api.Call{Path: "/v1/sync", Out: &status}) != nil {
		return ""
	}
	for name := range status.Heads {
		log, err := protocol.ParseLogID(name)
		if err == nil && log.Channel == protocol.Inbox {
			return place.Centre(log.Name)
		}
	}
	return ""
}
