package hub

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
	"kendro/store"
)

// InitOptions say how a district is founded.
type InitOptions struct {
	District string // Two digits, such as "41".
	Pack     fs.FS  // The country pack: areas, offices, services.
	Operator string // Login of the first operator; empty is "operator".
	Clock    func() time.Time
}

// maxGenesis bounds what the first server proposes at its first start: all that a recovery
// share may hold, and its commands' own.
const maxGenesis = maxShare + 16<<20

// Init founds a district in an empty folder: its authority and keys, release 1
// of the country pack, and a first operator, whose password it returns and keeps
// nowhere. The folder then holds the first server, ready for [Open].
//
// The folder's recovery.key is the private half of the recovery key: whoever
// takes it to a safe place can open the district's records without the hub, and
// it should not stay. The folder's catalogue.key signs releases.
//
// A folder that holds a server is [fault.Conflict]; a district or pack that makes
// no sense is [fault.Invalid]. After a failure nothing counts, and Init may be
// called again.
func Init(dir string, o InitOptions) (password string, err error) {
	const op = "hub.Init"
	if err := vacant(op, dir); err != nil {
		return "", err
	}
	pack, set, err := firstRelease(&o)
	if err != nil {
		return "", err
	}
	if err := makeDir(dir); err != nil {
		return "", err
	}
	f := &founder{o: o, country: pack.Country.Code, zone: pack.Country.TimeZone, now: o.Clock(), dir: dir}
	if err := f.drawKeys(); err != nil {
		return "", err
	}
	password = f.password()
	releases, err := f.sign(set)
	if err != nil {
		return "", err
	}
	if err := f.writeGenesis(nil, releases, password); err != nil {
		return "", err
	}
	return password, f.keys.save(dir) // Last: without it the folder holds no server.
}

func firstRelease(o *InitOptions) (*catalogue.Pack, *dcat.Set, error) {
	const op = "hub.Init"
	if o.Operator == "" {
		o.Operator = "operator"
	}
	if _, err := protocol.MintNumber(o.District, "0001", make([]byte, protocol.NonceSize)); err != nil {
		return nil, nil, fault.New(op, fault.Invalid, o.District, "want a district of two digits, such as 41")
	}
	pack, findings := catalogue.LoadPack(o.Pack)
	if len(findings) > 0 {
		x := findings[0]
		return nil, nil, fault.New(op, fault.Invalid, x.File, x.Text)
	}
	known := false
	for _, a := range pack.Directory.Areas {
		known = known || string(a.Code) == o.District
	}
	if !known {
		return nil, nil, fault.New(op, fault.Invalid, o.District, "the country pack has no such district")
	}
	set, err := pack.FirstRelease(o.Clock())
	return pack, set, err
}

// A founder makes what a district begins with.
type founder struct {
	o       InitOptions
	dir     string
	country string
	zone    string
	now     time.Time
	keys    keyring
	signing *identity.Signer // Of the server.
	tls     *identity.Signer
	sealing *identity.SealingKey
	release *identity.Signer // Signs the catalogue.
}

func (f *founder) drawKeys() error {
	ca, err := identity.NewCA(f.country, f.o.District, f.now)
	if err != nil {
		return err
	}
	district, recovery := identity.NewSealingKey(), identity.NewSealingKey()
	f.signing, f.tls, f.sealing, f.release = identity.NewSigner(), identity.NewSigner(), identity.NewSealingKey(), identity.NewSigner()
	f.keys = keyring{
		Country: f.country, District: f.o.District, ID: "s-" + f.signing.ID().String(), Founder: true, Voter: true,
		Authority: ca.DER(), SealingKey: f.sealing.Bytes(), Recipients: [][]byte{district.Public(), recovery.Public()},
		Catalogue: f.release.Public(),
		Secrets: districtSecrets{
			AuthoritySeed: ca.Seed(), SealingKeys: [][]byte{district.Bytes()}, CatalogueSeed: f.release.Seed(), TimeZone: f.zone,
		},
	}
	if err := f.keys.certify(ca, f.signing, f.tls, f.now); err != nil {
		return err
	}
	if err := store.WriteFileAtomic(filepath.Join(f.dir, recoveryFile), recovery.Bytes(), 0o600); err != nil {
		return err
	}
	return store.WriteFileAtomic(filepath.Join(f.dir, releaseFile), f.release.Seed(), 0o600)
}

// password draws twenty letters and digits: a hundred bits.
func (f *founder) password() string {
	b := make([]byte, 13)
	if _, err := rand.Read(b); err != nil {
		panic("hub: the system's random source failed: " + err.Error())
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))[:20]
}

// writeGenesis keeps the commands that the first server proposes when it first
// leads: the founding, and the catalogue.
func (f *founder) writeGenesis(anew *register.Anew, releases []register.Command, password string) error {
	first, err := f.founding(anew, password)
	if err != nil {
		return err
	}
	return writeSummed(filepath.Join(f.dir, genesisFile), append([]register.Command{first}, releases...))
}

// sign makes the commands that publish the first release.
func (f *founder) sign(set *dcat.Set) ([]register.Command, error) {
	signed, err := catalogue.Sign(&set.Release, f.release.Private())
	if err != nil {
		return nil, err
	}
	parcels, err := Parcels(set, nil, signed)
	return shelve(parcels), err
}

// vacant returns [fault.Conflict] where a server lives.
func vacant(op, dir string) error {
	there, err := occupied(dir)
	if there {
		return fault.New(op, fault.Conflict, dir, "a server lives here already: start it with kendro hub run")
	}
	return err
}

// maxParcel keeps a parcel within one entry.
const maxParcel = 192 << 10

// Parcels packs what older lacks of a release (nil lacks all) into bodies for the
// register's commands: every one but the last for AddVersions, the last, which
// holds the signed release, for Publish.
func Parcels(set, older *dcat.Set, signed catalogue.Signed) ([]register.Parcel, error) {
	var list []register.Parcel
	now, size := register.Parcel{}, 0
	room := func(n int) {
		if size > 0 && size+n > maxParcel {
			list = append(list, now)
			now, size = register.Parcel{}, 0
		}
		size += n
	}
	versions, err := catalogue.Kindred(set.Since(older))
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		raw, err := catalogue.EncodeVersion(v)
		if err != nil {
			return nil, err
		}
		room(len(raw))
		now.Versions = append(now.Versions, raw)
	}
	if older == nil || older.Release.Directory != set.Release.Directory {
		raw, err := catalogue.EncodeDirectory(set.Directory)
		if err != nil {
			return nil, err
		}
		room(len(raw))
		now.Directory = raw
	}
	if len(set.Bounds) > 0 {
		room(len(set.Bounds))
		now.Bounds = set.Bounds
	}
	raw := protocol.Marshal(signed)
	room(len(raw))
	now.Signed = raw
	return append(list, now), nil
}

// foundDistrict carries out, once this server leads, what Init left to be done.
// The commands keep their IDs, so that a repetition does nothing.
func (h *Hub) foundDistrict(ctx context.Context) {
	if !h.keys.Founder {
		return
	}
	name := filepath.Join(h.o.Dir, genesisFile)
	var list []register.Command
	ok, err := readSummed(name, maxGenesis, &list)
	if err != nil {
		h.fatal.set(err)
		return
	}
	if !ok {
		return
	}
	for _, cmd := range list {
		for ctx.Err() == nil {
			_, err := h.group.do(ctx, cmd)
			if err == nil {
				break
			}
			if !errors.Is(err, fault.Unavailable) {
				h.fatal.set(fault.Wrap("hub.genesis", fault.Internal, string(cmd.Method), err))
				return
			}
		}
	}
	if ctx.Err() != nil {
		return
	}
	if err := os.Remove(name); err != nil {
		h.o.Logger.Warn("the founding's commands could not be removed", "err", err)
	}
	h.o.Logger.Info("the district is founded", "district", h.keys.District, "release", h.Register().Release())
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return &fault.Error{Op: "hub.makeDir", Kind: fault.Stopped, Item: dir, Err: err}
	}
	return nil
}
