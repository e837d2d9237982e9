package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/pack/bd"
	"kendro/web/api"
)

func catalogueCmd() *cobra.Command {
	return group("catalogue", "Read, check and publish the services",
		catalogueLintCmd(), cataloguePublishCmd(), catalogueStatusCmd(), cataloguePromoteCmd(), catalogueHaltCmd(), catalogueRollbackCmd(), catalogueDiffCmd(), catalogueShowCmd(), catalogueSampleCmd(), catalogueDictionaryCmd(),
		catalogueOverlayCmd(), catalogueSealCmd(), catalogueProposeCmd(), catalogueProposalsCmd(), catalogueSettleCmd(),
		catalogueAreasCmd(), agencyCmd())
}

func catalogueLintCmd() *cobra.Command {
	var out output
	var overlay string
	cmd := &cobra.Command{
		Use: "lint FOLDER", Short: "Check a folder of services before it is published", Args: cobra.ExactArgs(1),
		Example: `  kendro catalogue lint jashore-services
  kendro catalogue lint bd-pack --overlay jashore-overlay`,
		RunE: func(cmd *cobra.Command, args []string) error {
			fsys, err := folder(args[0])
			if err != nil {
				return err
			}
			list, err := lint(fsys, overlay)
			if err != nil {
				return err
			}
			if err := out.print(cmd.OutOrStdout(), list, func() *table { return findingsTable(list) }); err != nil {
				return err
			}
			if len(list) > 0 {
				return fault.New("catalogue.lint", fault.Invalid, args[0], fmt.Sprintf("%d findings", len(list)))
			}
			return nil
		},
	}
	out.flag(cmd)
	cmd.Flags().StringVar(&overlay, "overlay", "", "folder of what a district has otherwise, to be checked over the pack")
	return cmd
}

// lint names what is wrong with a folder, and with an overlay on it.
func lint(fsys fs.FS, overlay string) ([]catalogue.Finding, error) {
	list := append([]catalogue.Finding{}, catalogue.Lint(fsys)...)
	if overlay == "" || len(list) > 0 {
		return list, nil
	}
	over, err := folder(overlay)
	if err != nil {
		return nil, err
	}
	files, found := catalogue.Files(over)
	if len(found) > 0 {
		return found, nil
	}
	o, found := catalogue.ReadOverlay(files)
	if len(found) > 0 {
		return found, nil
	}
	_, found, err = catalogue.LintOver(fsys, o)
	return append(list, found...), err
}

func findingsTable(list []catalogue.Finding) *table {
	t := &table{}
	for _, f := range list {
		t.add(f.String())
	}
	return t
}

func folder(name string) (fs.FS, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fault.Wrap("kendro", fault.NotFound, "", err)
	}
	if !info.IsDir() {
		return nil, fault.New("kendro", fault.Invalid, name, "want a folder")
	}
	return os.DirFS(name), nil
}

func catalogueShowCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "show [SERVICE]", Short: "Show the services in force, or one of them", Args: cobra.MaximumNArgs(1),
		Example: "  kendro catalogue show --dir node",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				versions := new(api.ServiceVersions)
				if err := r.call(cmd.Context(), api.Call{Path: "/v1/catalogue/" + args[0], Out: versions}); err != nil {
					return err
				}
				return out.print(cmd.OutOrStdout(), versions, func() *table { return versionsTable(versions) })
			}
			list := new(api.Catalogue)
			if err := r.call(cmd.Context(), api.Call{Path: "/v1/catalogue", Out: list}); err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), list, func() *table { return servicesTable(list) })
		},
	}
	r.publicFlags(cmd)
	out.flag(cmd)
	return cmd
}

func servicesTable(list *api.Catalogue) *table {
	t := columns("SERVICE", "VERSION", "NAME", "FEES", "OFFLINE")
	for _, s := range list.Services {
		var total int64
		for _, fee := range s.Fees {
			total += fee.Poisha
		}
		t.add(s.ID, count(s.Version), both(s.Name), taka(total), s.Offline)
	}
	t.add("", "", fmt.Sprintf("release %d %.16s", list.Release, list.Hash))
	return t
}

func versionsTable(list *api.ServiceVersions) *table {
	t := columns("VERSION", "CURRENT", "NAME", "FEES", "SLA DAYS", "INFO DAYS", "HASH")
	for _, v := range list.Versions {
		current := list.Current != nil && list.Current.Hash == v.Hash
		t.add(count(v.Number), yesNo(current), both(v.Name), taka(v.BaseFees()), count(v.SLADays), count(v.InfoDays), v.Hash.String())
	}
	for _, f := range list.District {
		t.add("", "", f.Field+" is the district's: "+f.Value+"; the national base has "+f.Base)
	}
	return t
}

// inForce asks a daemon for the catalogue in force, with what the next release has to know
// of former versions.
func inForce(ctx context.Context, r *reach) (*dcat.Set, error) {
	release := new(api.Release)
	if err := r.call(ctx, api.Call{Path: api.ReleaseInForce, Out: release}); err != nil {
		return nil, err
	}
	return release.Set()
}

// embedded is the catalogue of a country pack that this binary carries, as of one
// fixed day, so that a seed makes the same sample for ever.
func embedded(name string) (*dcat.Set, error) {
	if name != "bd" {
		return nil, fault.New("kendro", fault.NotFound, name, "this binary carries the pack bd alone")
	}
	return catalogue.Build(bd.Pack(), nil, time.Date(2026, time.July, 1, 0, 0, 0, 0, time.UTC))
}
