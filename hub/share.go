package hub

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"filippo.io/age"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
	"kendro/store"
)

// A share is what an operator keeps away from all servers: with it and the boxes
// a district comes back. Whoever opens it can open the district's records and
// speak in its name.
type share struct {
	Country    string            `cbor:"1,keyasint"`
	District   string            `cbor:"2,keyasint"`
	At         int64             `cbor:"3,keyasint"` // Unix milliseconds; when it was written.
	Authority  []byte            `cbor:"4,keyasint"` // Certificate.
	Secrets    districtSecrets   `cbor:"5,keyasint"`
	Recipients [][]byte          `cbor:"6,keyasint"`
	Catalogue  []byte            `cbor:"7,keyasint"` // Public key that signs releases.
	Parcels    []register.Parcel `cbor:"8,keyasint"` // The releases up to then, with all that they name.
	NextSlot   int               `cbor:"9,keyasint"`
	Revoked    []identity.KeyID  `cbor:"10,keyasint,omitempty"`
	Refounded  int64             `cbor:"11,keyasint,omitempty"` // Unix milliseconds; when the register last began anew.

	Sealing []register.Generation `cbor:"75,keyasint,omitempty"` // The district's sealing keys, once there was a second, but for those that expired.

	Openings []register.Opening `cbor:"130,keyasint,omitempty"` // What opens what was sealed to those.

	Erasures []register.Erasure `cbor:"65,keyasint,omitempty"` // What was erased by order: no box brings it back.
}

// maxShare bounds a recovery share: a catalogue of hundreds of services, in all the
// versions that they ever had.
const maxShare = 256 << 20

// WriteShare writes the recovery share of a district into a new file that only
// its owner may read, encrypted with age (age-encryption.org) to to. Beside it lies
// its SHA-256 in the format of sha256sum, since nobody can try a share whose
// passphrase is elsewhere. The folder is
// that of a server that no process has open, or a copy of one; a later release,
// revocation or sealing key needs another share. A file that is there is
// [fault.Conflict] and stays as it is.
func (f Folder) WriteShare(name string, to age.Recipient, now time.Time) error {
	const op = "hub.WriteShare"
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return fault.New(op, fault.Conflict, name, "is there already: name another file")
	}
	keys, err := loadKeys(f.Dir)
	if err != nil {
		return err
	}
	s := &share{
		Country: keys.Country, District: keys.District, At: now.UnixMilli(), Authority: keys.Authority, Secrets: keys.Secrets,
		Recipients: keys.Recipients, Catalogue: keys.Catalogue,
	}
	if err := f.gather(s); err != nil {
		return err
	}
	plain := protocol.Marshal(s)
	if len(plain) > maxShare {
		return fault.New(op, fault.Internal, name, fmt.Sprintf("the share would be of %d MiB, and nobody could open it: want at most %d", len(plain)>>20, maxShare>>20))
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return &fault.Error{Op: op, Kind: fault.Invalid, Item: "recipient", Err: err}
	}
	sum := sha256.Sum256(sealed.Bytes())
	line := hex.EncodeToString(sum[:]) + "  " + filepath.Base(name) + "\n"
	if err := store.WriteFileAtomic(name+shareSum, []byte(line), 0o600); err != nil {
		return err
	}
	return store.WriteFileAtomic(name, sealed.Bytes(), 0o600)
}

// shareSum ends the name of the file with a share's checksum.
const shareSum = ".sha256"

// CheckShare reports whether the file name is the recovery share that was written
// there. [fault.NotFound]: it isn't there, or not its checksum. [fault.Damaged]: it
// is another.
func CheckShare(name string) error {
	const op = "hub.CheckShare"
	sealed, err := os.ReadFile(name)
	if err != nil {
		return fault.Wrap(op, fault.NotFound, name, err)
	}
	line, err := os.ReadFile(name + shareSum)
	if err != nil {
		return fault.Wrap(op, fault.NotFound, name+shareSum, err)
	}
	sum := sha256.Sum256(sealed)
	if string(line) != hex.EncodeToString(sum[:])+"  "+filepath.Base(name)+"\n" {
		return fault.New(op, fault.Damaged, name, "is not the share that was written, or its checksum is not: take the copy that you keep elsewhere, or write a new one (kendro hub export --share)")
	}
	return nil
}

// gather adds what stands in the register; before its first start, in the
// commands of the founding.
func (f Folder) gather(s *share) error {
	var list []register.Command
	waiting, err := readSummed(filepath.Join(f.Dir, genesisFile), maxGenesis, &list)
	if err != nil {
		return err
	}
	s.NextSlot = 10
	if waiting {
		return s.fromGenesis(list)
	}
	reg, err := f.open()
	if err != nil {
		return err
	}
	return errors.Join(s.fromRegister(reg), reg.Close())
}

func (s *share) fromGenesis(list []register.Command) error {
	for _, c := range list {
		var err error
		switch c.Method { //nolint:exhaustive // A founding has no others.
		case register.Genesis:
			var b register.Founding
			if err = protocol.Unmarshal(c.Body, register.MaxEntry, "founding", &b); err == nil && b.Anew != nil {
				s.NextSlot, s.Revoked, s.Refounded = b.Anew.FirstSlot, b.Anew.Revoked, b.Anew.Refounding.At
			}
		case register.KnowErasures:
			var known register.ErasuresKnown
			err = protocol.Unmarshal(c.Body, register.MaxEntry, "erasures", &known)
			s.Erasures = append(s.Erasures, known.List...)
		case register.KnowSealing:
			var known register.SealingKnown
			err = protocol.Unmarshal(c.Body, register.MaxEntry, "sealing keys", &known)
			s.Sealing = append(s.Sealing, known.List...)
		case register.KnowOpenings:
			var known register.OpeningsKnown
			err = protocol.Unmarshal(c.Body, register.MaxEntry, "openings", &known)
			s.Openings = append(s.Openings, known.List...)
		case register.AddVersions, register.Publish:
			var p register.Parcel
			err = protocol.Unmarshal(c.Body, register.MaxEntry, "parcel", &p)
			s.Parcels = append(s.Parcels, p)
		}
		if err != nil {
			return &fault.Error{Op: "hub.WriteShare", Kind: fault.Damaged, Item: genesisFile, Err: err}
		}
	}
	return nil
}

func (s *share) fromRegister(reg *register.Register) error {
	const op = "hub.WriteShare"
	f := reg.Founding()
	if f == nil {
		return fault.New(op, fault.Unavailable, s.District, "the register of this folder is empty yet: take one of a server that has caught up")
	}
	if f.Anew != nil {
		s.Refounded = f.Anew.Refounding.At
	}
	slot, _ := reg.NextSlots()
	n, err := strconv.Atoi(slot)
	if err != nil {
		n = 9998 // All are given out.
	}
	s.NextSlot, s.Revoked = n, reg.RevokedKeys()
	s.Recipients, _ = reg.Recipients()
	if err := s.sealing(reg); err != nil {
		return err
	}
	all, err := reg.Erasures()
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.ErasedAt != 0 {
			s.Erasures = append(s.Erasures, *e)
		}
	}
	p := &packing{}
	for from := uint64(0); ; {
		run, err := reg.LogEvents(reg.Shelf(), from, protocol.MaxBlockEvents)
		if err != nil {
			return err
		}
		if len(run.Events) == 0 {
			s.Parcels = p.list
			return nil
		}
		for _, raw := range run.Events {
			e, err := protocol.DecodeEvent(raw)
			if err != nil {
				return fault.Wrap(op, fault.Damaged, run.Log.String(), err)
			}
			if err := p.add(&e); err != nil {
				return err
			}
		}
		from += uint64(len(run.Events))
	}
}

// sealing adds the district's sealing keys, and leaves out those that have expired, be they
// still here.
func (s *share) sealing(reg *register.Register) error {
	if all := reg.Generations(); len(all) > 1 {
		for _, g := range all {
			if g.ExpiredAt == 0 {
				s.Sealing = append(s.Sealing, *g)
				continue
			}
			s.Secrets.SealingKeys = slices.DeleteFunc(slices.Clone(s.Secrets.SealingKeys), func(b []byte) bool {
				key, err := identity.SealingKeyFromBytes(b)
				return err == nil && key.ID() == g.Key()
			})
		}
	}
	openings, err := reg.AllOpenings()
	for _, o := range openings {
		s.Openings = append(s.Openings, *o)
	}
	return err
}

// reopened is the commands by which a register knows what opens what boxes sealed to keys
// that have expired.
func reopened(openings []register.Opening) (list []register.Command) {
	for some := range slices.Chunk(openings, register.MaxOpenings) {
		list = append(list, register.NewCommand(drawID(), register.ActorHub, register.KnowOpenings, register.OpeningsKnown{List: some}))
	}
	return list
}

// A packing puts the events of a catalogue log into parcels, each release in a
// parcel behind all that it names.
type packing struct {
	list []register.Parcel
	now  register.Parcel
	size int

	parts catalogue.Joiner
}

func (p *packing) add(e *protocol.Event) error {
	payload, kind, err := p.parts.Whole(e)
	if payload == nil || err != nil {
		return err
	}
	if p.size > 0 && p.size+len(payload) > maxParcel || kind == protocol.DirectoryAdded && p.now.Directory != nil {
		p.list = append(p.list, p.now)
		p.now, p.size = register.Parcel{}, 0
	}
	p.size += len(payload)
	switch kind { //nolint:exhaustive // What a later version adds is not ours to pack.
	case protocol.ServiceAdded:
		p.now.Versions = append(p.now.Versions, payload)
	case protocol.DirectoryAdded:
		p.now.Directory = payload
	case protocol.OriginAdded:
		p.now.Origin = payload
	case protocol.Released:
		p.now.Signed = e.Payload
		p.list = append(p.list, p.now)
		p.now, p.size = register.Parcel{}, 0
	}
	return nil
}

// shelve is the commands that put parcels into a register.
func shelve(parcels []register.Parcel) []register.Command {
	list := make([]register.Command, 0, len(parcels))
	for _, p := range parcels {
		method := register.AddVersions
		if len(p.Signed) > 0 {
			method = register.Publish
		}
		list = append(list, register.NewCommand(drawID(), register.ActorControl, method, p))
	}
	return list
}

// remember is the commands by which a register knows what the one before it erased.
func remember(erased []register.Erasure) (list []register.Command) {
	for some := range slices.Chunk(erased, register.MaxErasuresKnown) {
		list = append(list, register.NewCommand(drawID(), register.ActorHub, register.KnowErasures, register.ErasuresKnown{List: some}))
	}
	return list
}

// ShareHolds returns nil where by opens a recovery share that holds a sealing key of the
// district's. [fault.Denied]: it doesn't open. [fault.NotFound]: it was written before that
// key was drawn.
func ShareHolds(sealed io.Reader, by age.Identity, id identity.KeyID) error {
	s, err := openShare(sealed, by)
	if err != nil {
		return err
	}
	held, err := s.held()
	if err != nil {
		return err
	}
	named := func(g register.Generation) bool { return g.Key() == id }
	if held[id] && slices.ContainsFunc(s.Sealing, named) { // A register that begins anew has to know of it, too.
		return nil
	}
	return fault.New("hub.ShareHolds", fault.NotFound, id.String(), "this recovery share was written before the key was drawn: write a new one (kendro hub export --share)")
}

// held are the sealing keys of the district in a share.
func (s *share) held() (map[identity.KeyID]bool, error) {
	held := map[identity.KeyID]bool{}
	for _, b := range s.Secrets.SealingKeys {
		key, err := identity.SealingKeyFromBytes(b)
		if err != nil {
			return nil, err
		}
		held[key.ID()] = true
	}
	return held, nil
}

// resealed is the command by which a register knows the sealing keys of the one before it,
// none where there was but one; the newest of those that the share holds becomes the
// district's own.
func (s *share) resealed() ([]register.Command, error) {
	held, err := s.held()
	if err != nil {
		return nil, err
	}
	s.Sealing = slices.DeleteFunc(s.Sealing, func(g register.Generation) bool { return !held[g.Key()] })
	if len(s.Sealing) == 0 {
		return nil, nil
	}
	s.Recipients[0] = s.Sealing[len(s.Sealing)-1].Public
	return []register.Command{register.NewCommand(drawID(), register.ActorHub, register.KnowSealing, register.SealingKnown{List: s.Sealing})}, nil
}

// openShare reads a recovery share.
func openShare(r io.Reader, by age.Identity) (*share, error) {
	const op = "hub.RecoverFromNodes"
	plain, err := age.Decrypt(r, by)
	if _, wrong := errors.AsType[*age.NoIdentityMatchError](err); wrong {
		return nil, fault.New(op, fault.Denied, "recovery share", "this passphrase or identity does not open it")
	}
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Invalid, Item: "recovery share", Err: err}
	}
	raw, err := io.ReadAll(io.LimitReader(plain, maxShare+1))
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Damaged, Item: "recovery share", Err: err}
	}
	s := &share{}
	return s, protocol.Unmarshal(raw, maxShare, "recovery share", s)
}

// RecoverOptions say how a district begins anew.
type RecoverOptions struct {
	Identity age.Identity // Opens the recovery share.
	Operator string       // Login of the first operator; empty is "operator".
	Clock    func() time.Time
}

// RecoverFromNodes begins a district anew in an empty folder, from its recovery
// share, after every server was lost: the same authority, sealing keys and
// catalogue, and a register of a new incarnation, to which the boxes return and
// send again what they hold. It returns the password of a new first operator. The
// folder then holds the first server, ready for [Open].
//
// [fault.Denied]: the share doesn't open. [fault.Conflict]: a server lives in dir.
func RecoverFromNodes(dir string, sealed io.Reader, o RecoverOptions) (password string, err error) {
	const op = "hub.RecoverFromNodes"
	if err := vacant(op, dir); err != nil {
		return "", err
	}
	s, err := openShare(sealed, o.Identity)
	if err != nil {
		return "", err
	}
	now := o.Clock()
	if now.UnixMilli() <= max(s.At, s.Refounded) {
		return "", fault.New(op, fault.Invalid, "clock", "is before the recovery share was written: set it, boxes believe the latest beginning alone")
	}
	ca, err := identity.OpenCA(s.Authority, s.Secrets.AuthoritySeed)
	if err != nil {
		return "", err
	}
	if len(s.Secrets.SealingKeys) == 0 || len(s.Recipients) == 0 {
		return "", fault.New(op, fault.Damaged, "recovery share", "holds no sealing key of the district")
	}
	known, err := s.resealed()
	if err != nil {
		return "", err
	}
	if err := makeDir(dir); err != nil {
		return "", err
	}
	f := &founder{o: InitOptions{District: s.District, Operator: o.Operator}, country: s.Country, zone: s.Secrets.TimeZone, now: now, dir: dir}
	if f.o.Operator == "" {
		f.o.Operator = "operator"
	}
	if err := f.resume(s, ca); err != nil {
		return "", err
	}
	password = f.password()
	anew := &register.Anew{
		Refounding: protocol.Refounding{District: s.District, Incarnation: binary.BigEndian.Uint64(random(8)) | 1, At: now.UnixMilli()},
		Revoked:    s.Revoked, FirstSlot: min(s.NextSlot+slotLeap, lastLeap) &^ 1,
	}
	anew.Refounding.Sign(ca)
	if err := f.writeGenesis(anew, slices.Concat(known, reopened(s.Openings), shelve(s.Parcels), remember(s.Erasures)), password); err != nil {
		return "", err
	}
	return password, f.keys.save(dir) // Last: without it the folder holds no server.
}

// What is given out behind the slots that the share knows of, so that no box gets
// one of a box that has not returned yet.
const (
	slotLeap = 1000
	lastLeap = 9990
)

// resume draws the keys of a server of a district that has its own.
func (f *founder) resume(s *share, ca *identity.CA) error {
	f.signing, f.tls, f.sealing = identity.NewSigner(), identity.NewSigner(), identity.NewSealingKey()
	f.keys = keyring{
		Country: f.country, District: f.o.District, ID: "s-" + f.signing.ID().String(), Founder: true, Voter: true,
		Authority: s.Authority, SealingKey: f.sealing.Bytes(), Recipients: s.Recipients, Catalogue: s.Catalogue, Secrets: s.Secrets,
	}
	if err := f.keys.certify(ca, f.signing, f.tls, f.now); err != nil {
		return err
	}
	if len(s.Secrets.CatalogueSeed) == 0 {
		return nil // The nation signs its releases.
	}
	return store.WriteFileAtomic(filepath.Join(f.dir, releaseFile), s.Secrets.CatalogueSeed, 0o600)
}

// founding is the first command of a district.
func (f *founder) founding(anew *register.Anew, password string) (register.Command, error) {
	hash, err := identity.HashPassword(password)
	b := register.Founding{
		District: f.o.District, Country: f.country, Incarnation: binary.BigEndian.Uint64(random(8)) | 1,
		Authority: f.keys.Authority, CatalogueKey: f.keys.Catalogue, Recipients: f.keys.Recipients,
		Operator: register.User{Name: f.o.Operator, Role: access.Operator, Hash: hash, From: f.now.Add(-time.Hour).Unix()},
		Server: register.Server{
			ID: f.keys.ID, Voter: true, Signing: f.signing.Public(), TLS: f.tls.Public(), Sealing: f.sealing.Public(),
			SigningCert: f.keys.SigningCert, TLSCert: f.keys.TLSCert,
		},
		Anew: anew,
	}
	if anew != nil {
		b.Incarnation = anew.Refounding.Incarnation
	}
	return register.NewCommand(drawID(), register.ActorHub, register.Genesis, b), err
}
