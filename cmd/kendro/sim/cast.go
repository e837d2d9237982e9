package sim

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/pack/bd"
	"kendro/protocol"
	"kendro/store"
	"kendro/web/api"
)

const (
	country  = "bd"
	district = "41"
	servers  = 3
)

// dawn is when every simulated district begins, by its offices' clocks.
var dawn = time.Date(2027, 1, 3, 8, 0, 0, 0, api.Dhaka())

// entryOf is an entry of a leader's whose clock says at, in the offices' zone as a hub's are.
func entryOf(at time.Time, commands ...register.Command) *register.Entry {
	_, offset := at.Zone()
	return &register.Entry{At: at.UnixMilli(), Offset: int32(offset), Commands: commands}
}

// passwordHash is what a login needs and nobody here checks.
const passwordHash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g" //nolint:gosec // Of no password.

// services are what the centres offer; two are enough to tell them apart.
var services = []string{"citizenship-certificate", "trade-licence"}

// A cast is a founded district before its first day: keys, catalogue, boxes that
// are enrolled, and what people will file. All seeds of a process share one, and
// nobody changes it.
type cast struct {
	ca      *identity.CA
	keys    []hub.ServerKeys
	release *identity.Signer
	set     *dcat.Set
	next    *dcat.Set // The release that is published on the way.
	forms   *forms
	packer  *protocol.Packer
	shelves []*protocol.Cuts // Of each server: all seeds begin with one catalogue.
	boxes   []boxKeys
	bodies  [][]byte // Applications, as they are posted, without a centre in them.

	mu    sync.Mutex    // Guards image, since a copy touches what is copied.
	image *store.Memory // The register on the morning of the first day.
	index uint64        // The newest entry in it.
}

// boxKeys is one enrolled box.
type boxKeys struct {
	enrolment protocol.Enrolment
	signer    *identity.Signer
	sealing   *identity.SealingKey
	user      string
}

// forms compiles each release once.
type forms struct {
	mu   sync.Mutex // Guards done.
	done map[dcat.Hash]*catalogue.Intake
}

func (f *forms) compile(set *dcat.Set) (*catalogue.Intake, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if in := f.done[set.Release.Hash]; in != nil {
		return in, nil
	}
	in, err := catalogue.NewIntake(set)
	if err == nil {
		f.done[set.Release.Hash] = in
	}
	return in, err
}

// seedOf derives a key's seed from words, so that every process has the same cast.
func seedOf(words ...any) []byte {
	sum := sha256.Sum256([]byte("kendro-sim " + fmt.Sprint(words...)))
	return sum[:]
}

func signerOf(words ...any) *identity.Signer {
	s, err := identity.SignerFromSeed(seedOf(words...))
	if err != nil {
		panic("sim: " + err.Error()) // The length is ours.
	}
	return s
}

func sealingOf(words ...any) *identity.SealingKey {
	k, err := identity.SealingKeyFromBytes(seedOf(words...))
	if err != nil {
		panic("sim: " + err.Error())
	}
	return k
}

// sameSize makes a certificate until its random serial number is of the longest
// kind, so that messages are as long in every process.
func sameSize(issue func() ([]byte, error)) error {
	longest := 0
	for range 24 {
		der, err := issue()
		if err != nil {
			return err
		}
		longest = max(longest, len(der))
	}
	for {
		if der, err := issue(); err != nil || len(der) == longest {
			return err
		}
	}
}

func newCA() (ca *identity.CA, err error) {
	return ca, sameSize(func() ([]byte, error) {
		if ca, err = identity.NewCA(country, district, dawn); err != nil {
			return nil, err
		}
		return ca.DER(), nil
	})
}

// newCast founds a district with so many boxes, a few services, and a release for the
// middle of the days.
func newCast(nodes int) (*cast, error) {
	c, full, centres, err := foundCast(nodes, services, nil)
	if err != nil {
		return nil, err
	}
	if c.next, err = release(full, services, centres, c.set); err != nil {
		return nil, err
	}
	return c, c.draw(centres)
}

// foundCast founds a district with so many boxes that offers some services, and gives
// its officers logins: those that staff names, nil for none.
func foundCast(nodes int, services []string, staff func(*dcat.Set) []register.User) (*cast, *dcat.Set, []place.CentreInfo, error) {
	c := &cast{release: signerOf("catalogue"), forms: &forms{done: map[dcat.Hash]*catalogue.Intake{}}, packer: protocol.NewPacker(), image: store.NewMemory()}
	var err error
	if c.ca, err = newCA(); err != nil {
		return nil, nil, nil, err
	}
	districtKey := sealingOf("district")
	for i := range servers {
		id := fmt.Sprint("s", i+1)
		k := hub.ServerKeys{
			Country: country, District: district, ID: id, CA: c.ca, Signing: signerOf(id, "signing"), TLS: signerOf(id, "tls"),
			Sealing: sealingOf(id), Districts: []*identity.SealingKey{districtKey},
		}
		if err := sameSize(func() ([]byte, error) { err := k.Certify(dawn); return k.SigningCert, err }); err != nil {
			return nil, nil, nil, err
		}
		c.keys, c.shelves = append(c.keys, k), append(c.shelves, hub.NewShelf(c.packer))
	}
	full, err := catalogue.Build(bd.Pack(), nil, dawn)
	if err != nil {
		return nil, nil, nil, err
	}
	centres, err := centresOf(full, nodes)
	if err != nil {
		return nil, nil, nil, err
	}
	if services == nil {
		services = offlineServices(full)
	}
	if c.set, err = release(full, services, centres, nil); err != nil {
		return nil, nil, nil, err
	}
	var officers []register.User
	if staff != nil {
		officers = staff(c.set)
	}
	return c, full, centres, c.found(centres, officers)
}

// offlineServices are those that a union's box takes in without a hub.
func offlineServices(full *dcat.Set) (list []string) {
	for _, v := range full.Services() {
		if v.OfferedAt(place.Union) && v.Offline == dcat.Intake && len(v.Steps) > 0 {
			list = append(list, v.ID)
		}
	}
	return list
}

// centresOf returns the first n union centres, those of one upazila together.
func centresOf(set *dcat.Set, n int) ([]place.CentreInfo, error) {
	var list []place.CentreInfo
	for _, info := range set.Directory.Centres {
		if info.Type == place.Union {
			list = append(list, info)
		}
	}
	slices.SortFunc(list, func(a, b place.CentreInfo) int { return cmp.Compare(a.Code, b.Code) })
	if n < 1 || n > len(list) {
		return nil, fault.New("sim", fault.Invalid, "nodes", fmt.Sprintf("want 1 to %d boxes: one for each union centre of the district", len(list)))
	}
	return list[:n], nil
}

// release makes a catalogue of some services, and the places that matter to
// the centres. After another release it is the same with one thing changed.
func release(full *dcat.Set, services []string, centres []place.CentreInfo, prev *dcat.Set) (*dcat.Set, error) {
	dir := *full.Directory
	dir.Centres = centres
	r := dcat.Release{Number: 1, PublishedAt: dawn.Unix()}
	var versions []*dcat.Version
	for _, id := range services {
		v, ok := full.Current(id)
		if !ok {
			return nil, fault.New("sim", fault.Internal, id, "the country pack has no such service")
		}
		if prev != nil {
			old := v
			changed := *v
			changed.Number, changed.SLADays = v.Number+1, v.SLADays+1
			hash, err := catalogue.HashVersion(&changed)
			if err != nil {
				return nil, err
			}
			changed.Hash = hash
			v, versions = &changed, append(versions, old)
			r.Number = prev.Release.Number + 1
		}
		versions = append(versions, v)
		r.Services = append(r.Services, dcat.Entry{ID: v.ID, Version: v.Number, Hash: v.Hash})
	}
	var err error
	if r.Directory, err = catalogue.HashDirectory(&dir); err != nil {
		return nil, err
	}
	raw, err := catalogue.EncodeRelease(&r)
	if err != nil {
		return nil, err
	}
	decoded, err := catalogue.DecodeRelease(raw)
	if err != nil {
		return nil, err
	}
	return dcat.NewSet(*decoded, &dir, versions)
}

// found carries out the founding, enrols the boxes and gives their people and the
// officers logins, as commands of a register.
func (c *cast) found(centres []place.CentreInfo, officers []register.User) error {
	alone, opener, err := hub.NewAlone(hub.AloneOptions{
		Keys: c.keys[0], Packer: c.packer, Clock: func() time.Time { return dawn }, Forms: c.forms.compile, Logger: slog.New(slog.DiscardHandler),
	})
	_ = alone
	if err != nil {
		return err
	}
	reg, err := register.Open("", register.Options{District: district, Opener: opener, DB: store.OpenMemory(c.image)})
	if err != nil {
		return err
	}
	f := &founding{cast: c, reg: reg}
	if err := f.genesis(); err != nil {
		return err
	}
	if err := f.publish(c.set, nil); err != nil {
		return err
	}
	for i := range centres {
		if err := f.enrol(centres[i].Code); err != nil {
			return err
		}
	}
	for i := range officers {
		if err := f.do(register.ActorControl, register.AddUser, officers[i]); err != nil {
			return err
		}
	}
	c.index = reg.Applied()
	return nil
}

// founding is a register in the making.
type founding struct {
	*cast
	reg   *register.Register
	index uint64
}

func (f *founding) do(actor string, m register.Method, body any) error {
	f.index++
	e := entryOf(dawn, register.NewCommand(fmt.Sprint("founding ", f.index), actor, m, body))
	raw, err := register.EncodeEntry(e)
	if err != nil {
		return err
	}
	res := f.reg.Apply(f.index, 1, raw).Results[0]
	if res.Fault != nil {
		return fault.Wrap("sim", fault.Internal, string(m), res.Fault.Err())
	}
	return nil
}

func (f *founding) genesis() error {
	first := f.keys[0].Server()
	first.Address = "s1:1"
	err := f.do(register.ActorHub, register.Genesis, register.Founding{
		District: district, Country: country, Incarnation: 0xc0ffee, Authority: f.ca.DER(), CatalogueKey: f.release.Public(),
		Recipients: [][]byte{f.keys[0].Districts[0].Public(), sealingOf("recovery").Public()},
		Operator:   register.User{Name: "operator", Role: access.Operator, Hash: passwordHash, From: 1}, Server: first,
	})
	if err != nil {
		return err
	}
	for i := range f.keys[1:] {
		s := f.keys[i+1].Server()
		s.Address, s.Nonce = s.ID+":1", protocol.Hash(seedOf("token", s.ID))
		token := register.Token{Nonce: s.Nonce, Role: string(identity.RoleServer), Expires: dawn.Unix() + 3600}
		if err := f.do(register.ActorControl, register.CreateToken, token); err != nil {
			return err
		}
		if err := f.do(register.ActorHub, register.EnrolServer, s); err != nil {
			return err
		}
	}
	return nil
}

// parcels are the commands' bodies that publish a release.
func (c *cast) parcels(set, older *dcat.Set) ([]register.Parcel, error) {
	signed, err := catalogue.Sign(&set.Release, c.release.Private())
	if err != nil {
		return nil, err
	}
	return hub.Parcels(set, older, signed)
}

func (f *founding) publish(set, older *dcat.Set) error {
	list, err := f.parcels(set, older)
	if err != nil {
		return err
	}
	for _, p := range list {
		m := register.AddVersions
		if len(p.Signed) > 0 {
			m = register.Publish
		}
		if err := f.do(register.ActorControl, m, p); err != nil {
			return err
		}
	}
	return nil
}

// enrol takes a box in and gives its entrepreneur a login.
func (f *founding) enrol(centre place.Centre) error {
	k := boxKeys{signer: signerOf("box", centre), sealing: sealingOf("box", centre), user: "rahima." + string(centre)}
	slot, spare := f.reg.NextSlots()
	who := identity.Subject{Country: country, District: district, Role: identity.RoleNode, Name: string(centre), Slot: slot}
	var signing []byte
	err := sameSize(func() (_ []byte, err error) {
		signing, err = f.ca.Issue(who, k.signer.Public(), identity.ForSigning, dawn)
		return signing, err
	})
	if err != nil {
		return err
	}
	nonce := protocol.Hash(seedOf("token", centre))
	token := register.Token{Nonce: nonce, Role: string(identity.RoleNode), Centre: centre, Expires: dawn.Unix() + 3600}
	if err := f.do(register.ActorControl, register.CreateToken, token); err != nil {
		return err
	}
	keys := register.NodeKeys{
		Nonce: nonce, Centre: centre, Slot: slot, Spare: spare, Signing: k.signer.Public(), TLS: signerOf("tls", centre).Public(),
		Sealing: k.sealing.Public(), TLSCert: signing, SigningCert: signing, GossipKey: seedOf("gossip", centre.Upazila()),
	}
	if err := f.do(register.ActorHub, register.EnrolNode, keys); err != nil {
		return err
	}
	user := register.User{Name: k.user, Role: access.Entrepreneur, Centre: centre, Gender: "f", Hash: passwordHash, From: 1}
	if err := f.do(register.ActorControl, register.AddUser, user); err != nil {
		return err
	}
	founded := f.reg.Founding()
	k.enrolment = protocol.Enrolment{
		Country: country, District: district, ID: string(centre), Slot: slot, Spare: spare, CA: f.ca.DER(), TLSCert: signing, SigningCert: signing,
		Recipients: founded.Recipients, Catalogue: founded.CatalogueKey, Logs: []protocol.LogID{f.reg.Inbox(centre), f.reg.Shelf()},
		Servers: f.reg.Addresses(),
	}
	f.boxes = append(f.boxes, k)
	return nil
}

// samples is how many different applications there are.
const samples = 64

// draw makes the applications that people file.
func (c *cast) draw(centres []place.CentreInfo) error {
	sampler, err := catalogue.NewSampler(c.set)
	if err != nil {
		return err
	}
	for i := range uint64(samples) {
		body, err := sampler.Body(services[i%uint64(len(services))], i, centres[0].Code)
		if err != nil {
			return err
		}
		c.bodies = append(c.bodies, body)
	}
	return nil
}

// morning is the register as it stands when the first day begins.
func (c *cast) morning() *store.Memory {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.image.Clone()
}
