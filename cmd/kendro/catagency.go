package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

func agencyCmd() *cobra.Command {
	return group("agency", "Give agencies a namespace in the catalogue, and take what they submit",
		agencyKeyCmd(), agencyAddCmd(), agencyListCmd(), agencySubmitCmd(), agencyStatusCmd(), agencyAcceptCmd(), agencyRefuseCmd(), agencyRevokeCmd())
}

func agencyAddCmd() *cobra.Command {
	var r reach
	var id repeat
	var key, until string
	var editors []string
	a := new(dcat.Agency)
	cmd := &cobra.Command{
		Use: "add CODE", Short: "Give an agency its namespace and its editors", Args: cobra.ExactArgs(1),
		Long: `Signs with the catalogue's key that the services whose IDs begin with CODE and a dot
are this agency's, to be edited by these editors until a day. Said again, it is a later
statement in the place of the one before: other editors, another day, or an agency that
had been revoked.`,
		Example: `  kendro catalogue agency add bmet --name-bn "বিএমইটি" --name-en BMET --kind public --editor salma=KEY --until 2027-12-31 --dir hub`,
		RunE: func(cmd *cobra.Command, args []string) error {
			signer, err := signingKey(&r, key)
			if err != nil {
				return err
			}
			a.Code = args[0]
			if a.Editors, err = editorsOf(editors); err != nil {
				return err
			}
			last, err := time.ParseInLocation(time.DateOnly, until, api.Dhaka())
			if err != nil {
				return fault.New("catalogue.agency", fault.Invalid, "until", "want a last day such as 2027-12-31")
			}
			a.Until = last.AddDate(0, 0, 1).Unix()
			return id.explain(addAgency(cmd.Context(), &r, id.key(), a, signer))
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	keyFlag(cmd, &key)
	f := cmd.Flags()
	f.StringVar(&a.Name.BN, "name-bn", "", "the agency's name in Bangla")
	f.StringVar(&a.Name.EN, "name-en", "", "the agency's name in English")
	f.StringVar((*string)(&a.Kind), "kind", string(dcat.Public), "kind of its services: public or private")
	f.StringArrayVar(&editors, "editor", nil, "name of an editor and his key, as kendro catalogue agency key prints it: NAME=KEY")
	f.StringVar(&until, "until", "", "last day of it")
	require(cmd, "name-bn", "name-en", "editor", "until")
	return cmd
}

// editorsOf reads names and keys.
func editorsOf(list []string) ([]dcat.Editor, error) {
	out := make([]dcat.Editor, 0, len(list))
	for _, text := range list {
		name, key, _ := strings.Cut(text, "=")
		raw, err := base64.RawURLEncoding.DecodeString(key)
		if err != nil || name == "" || len(raw) != ed25519.PublicKeySize {
			return nil, fault.New("catalogue.agency", fault.Invalid, text, "want NAME=KEY, the key as kendro catalogue agency key prints it")
		}
		out = append(out, dcat.Editor{Name: name, Key: raw})
	}
	return out, nil
}

// addAgency signs an agency under its next serial and tells the hub.
func addAgency(ctx context.Context, r *reach, key string, a *dcat.Agency, signer ed25519.PrivateKey) error {
	list, err := agencies(ctx, r)
	if err != nil {
		return err
	}
	a.Serial = 1
	for _, old := range list.Agencies {
		if old.Code == a.Code {
			a.Serial = old.Serial + 1
		}
	}
	signed, err := catalogue.SignAgency(a, signer)
	if err != nil {
		return err
	}
	return r.call(ctx, api.Call{Method: http.MethodPost, Path: api.AgenciesPath, Key: key, In: api.AgencyRequest{Signed: protocol.Marshal(&signed)}})
}

func agencies(ctx context.Context, r *reach) (*api.AgencyList, error) {
	list := new(api.AgencyList)
	return list, r.call(ctx, api.Call{Path: api.AgenciesPath, Out: list})
}

func agencyListCmd() *cobra.Command {
	var r reach
	var out output
	cmd := &cobra.Command{
		Use: "list", Short: "List the agencies, and who submitted what", Args: cobra.NoArgs,
		Example: "  kendro catalogue agency list --dir hub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := agencies(cmd.Context(), &r)
			if err != nil {
				return err
			}
			return out.print(cmd.OutOrStdout(), list, func() *table { return agenciesTable(list) })
		},
	}
	r.flags(cmd)
	out.flag(cmd)
	return cmd
}

func agenciesTable(list *api.AgencyList) *table {
	t := columns("CODE", "NAME", "KIND", "EDITORS", "UNTIL", "IN FORCE", "REVOKED")
	for _, a := range list.Agencies {
		revoked := ""
		if a.Revoked != nil {
			revoked = when(*a.Revoked) + " " + a.Reason
		}
		t.add(a.Code, both(a.Name), a.Kind, strings.Join(a.Editors, ", "), day(a.Until), strings.Join(a.Services, ", "), revoked)
	}
	for _, a := range list.Agencies {
		for _, s := range a.Submissions {
			names := make([]string, 0, len(s.Services)+len(s.Withdraw))
			for _, e := range s.Services {
				names = append(names, e.ID+" "+strconv.Itoa(e.Version))
			}
			for _, w := range s.Withdraw {
				names = append(names, "without "+w)
			}
			line := fmt.Sprintf("%s %d by %s on %s: %s; %s", a.Code, s.Number, s.Editor, when(s.Came), strings.Join(names, ", "), s.State)
			if s.By != "" {
				line += " by " + s.By
			}
			if s.Release > 0 {
				line += " as release " + strconv.Itoa(s.Release)
			}
			if s.Reason != "" {
				line += ": " + s.Reason
			}
			t.add(line)
		}
	}
	return t
}

func agencyRefuseCmd() *cobra.Command {
	return agencyWordCmd("refuse", "Refuse what an agency submitted", "Refuses what an agency submitted last. Its editors read the reason.", nil)
}

func agencyRevokeCmd() *cobra.Command {
	withdraw := new(bool)
	cmd := agencyWordCmd("revoke", "Take an agency's namespace back", `Takes an agency's namespace back: its editors submit nothing any more, and what waits is
refused. Its services stay in force; with --withdraw a release without them follows.`, withdraw)
	cmd.Flags().BoolVar(withdraw, "withdraw", false, "publish a release without its services")
	return cmd
}

// agencyWordCmd says something of an agency, with a reason.
func agencyWordCmd(name, short, long string, withdraw *bool) *cobra.Command {
	var r reach
	var id repeat
	var key, reason string
	cmd := &cobra.Command{
		Use: name + " CODE", Short: short, Args: cobra.ExactArgs(1), Long: long,
		Example: "  kendro catalogue agency " + name + ` bmet --reason "the key was stolen" --dir hub`,
		RunE: func(cmd *cobra.Command, args []string) error {
			path := api.AgenciesPath + "/" + args[0] + "/" + name
			err := r.call(cmd.Context(), api.Call{Method: http.MethodPost, Path: path, Key: id.key(), In: api.AgencyWord{Reason: reason}})
			if err != nil || withdraw == nil || !*withdraw {
				return id.explain(err)
			}
			signer, err := signingKey(&r, key)
			if err != nil {
				return err
			}
			return id.explain(expel(cmd.Context(), &r, id.key()+"/withdraw", args[0], signer))
		},
	}
	r.flags(cmd)
	id.flag(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	if withdraw != nil {
		keyFlag(cmd, &key)
	}
	require(cmd, "reason")
	return cmd
}

// expel publishes a release without the services of an agency.
func expel(ctx context.Context, r *reach, key, code string, signer ed25519.PrivateKey) error {
	prev, err := forNext(ctx, r)
	if err != nil {
		return err
	}
	next, err := catalogue.Expel(code, prev, time.Now(), "without the services of "+code)
	if err != nil {
		return err
	}
	in, err := parcel(prev, next, signer)
	if err != nil {
		return err
	}
	return r.call(ctx, api.Call{Method: http.MethodPost, Path: "/v1/catalogue", Key: key, In: in})
}

// forNext is the catalogue in force, as the next release follows it: the number of a
// trial is not given out again.
func forNext(ctx context.Context, r *reach) (*dcat.Set, error) {
	prev, err := inForce(ctx, r)
	if err != nil {
		return nil, err
	}
	list := new(api.Releases)
	if err := r.call(ctx, api.Call{Path: api.ReleasesPath, Out: list}); err != nil {
		return nil, err
	}
	prev.Release.Number = list.Next - 1
	return prev, nil
}
