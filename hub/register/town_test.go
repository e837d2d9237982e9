package register

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"kendro/catalogue"
	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
)

// dawn is when every test begins, in Unix milliseconds.
const dawn = 1_790_000_000_000

const hash1 = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"

// A town is a district in a test: its keys, its boxes, and as many registers as
// the test wants, which all get the same entries and have to agree.
type town struct {
	t         testing.TB
	packer    *protocol.Packer
	district  *identity.SealingKey // Nil in towns that must be the same in every run.
	later     []*identity.SealingKey
	catalogue ed25519.PrivateKey
	registers []*Register
	index     uint64
	at        int64
	ids       int
	entries   [][]byte // Everything applied, by index-1.
	recips    [][]byte
}

// seedOf derives a key's seed from words, so that golden tests stay golden.
func seedOf(words ...any) []byte {
	sum := sha256.Sum256([]byte(fmt.Sprint(words...)))
	return sum[:]
}

func signerOf(words ...any) *identity.Signer {
	s, err := identity.SignerFromSeed(seedOf(words...))
	if err != nil {
		panic(err)
	}
	return s
}

// newTown founds a district, publishes a first release and gives logins to its
// people. Further registers may join only before.
func newTown(t testing.TB, bases ...base) *town {
	t.Helper()
	w := &town{t: t, packer: protocol.NewPacker(), at: dawn, catalogue: ed25519.NewKeyFromSeed(seedOf("catalogue"))}
	t.Cleanup(w.packer.Close)
	for _, b := range bases {
		w.join(b)
	}
	w.recips = [][]byte{seedOf("district key")}
	return w
}

func (w *town) join(b base) *Register {
	w.t.Helper()
	r, err := open(b, Options{District: "41", Opener: w})
	if err != nil {
		w.t.Fatal(err)
	}
	w.registers = append(w.registers, r)
	return r
}

// withKey gives the district a real sealing key.
func (w *town) withKey() *town {
	w.district = identity.NewSealingKey()
	w.recips = [][]byte{w.district.Public()}
	return w
}

// Open makes a town an Opener.
func (w *town) Open(b *protocol.Block, epoch *protocol.Epoch) ([]protocol.Item, error) {
	if epoch == nil {
		return w.packer.Open(b, nil)
	}
	if w.district == nil {
		return nil, fault.New("town.Open", fault.NotFound, "", "no district key")
	}
	k, err := identity.OpenWrap(w.district, epoch.ID, epoch.Wraps)
	for i := 0; errors.Is(err, fault.NotFound) && i < len(w.later); i++ {
		k, err = identity.OpenWrap(w.later[i], epoch.ID, epoch.Wraps)
	}
	if err != nil {
		return nil, err
	}
	return w.packer.Open(b, k)
}

func (w *town) first() *Register { return w.registers[0] }

// apply gives an entry to every register and returns the outcome on which they
// agree.
func (w *town) apply(e *Entry) *Outcome {
	w.t.Helper()
	w.at += 1000
	if e.At == 0 {
		e.At = w.at
	}
	b, err := EncodeEntry(e)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.applyRaw(b)
}

func (w *town) applyRaw(b []byte) *Outcome {
	w.t.Helper()
	w.index++
	w.entries = append(w.entries, b)
	var first *Outcome
	for i, r := range w.registers {
		out := r.Apply(w.index, 1, b)
		if i == 0 {
			first = out
			if n, err := r.SilentDrops(); n != 0 || err != nil {
				w.t.Fatalf("entry %d: %d events were dropped silently (I9), %v", w.index, n, err)
			}
			continue
		}
		if got, want := protocol.Marshal(out), protocol.Marshal(first); string(got) != string(want) {
			w.t.Fatalf("entry %d: register %d answers %+v; register 0 %+v", w.index, i, out, first)
		}
	}
	return first
}

// agree fails unless all registers are the same, by digest and by content.
func (w *town) agree() {
	w.t.Helper()
	i0, d0 := w.first().Digest()
	for n, r := range w.registers[1:] {
		if i, d := r.Digest(); i != i0 || d != d0 {
			w.t.Fatalf("register %d is at %d %v; register 0 at %d %v", n+1, i, d, i0, d0)
		}
		if r.SetHash() != w.first().SetHash() {
			w.t.Fatalf("register %d holds other pairs than register 0", n+1)
		}
	}
}

// do carries out one command and returns its answer.
func (w *town) do(c Command) Result {
	w.t.Helper()
	if c.ID == "" {
		w.ids++
		c.ID = fmt.Sprintf("id-%d", w.ids)
	}
	return w.apply(&Entry{Commands: []Command{c}}).Results[0]
}

// must is do for what has to succeed.
func (w *town) must(c Command) Result {
	w.t.Helper()
	res := w.do(c)
	if res.Fault != nil {
		w.t.Fatalf("%s by %s: %v", c.Method, c.Actor, res.Fault.Err())
	}
	return res
}

func server(id string) Server {
	return Server{
		ID: id, Address: id + ".example:4433", Voter: true, Signing: signerOf(id, "s").Public(), TLS: signerOf(id, "t").Public(),
		Sealing: seedOf(id, "seal"), TLSCert: []byte("tls " + id), SigningCert: []byte("sign " + id),
	}
}

func (w *town) found() *town {
	w.t.Helper()
	w.must(NewCommand("", ActorHub, Genesis, &Founding{
		District: "41", Country: "bd", Incarnation: 0xc0ffee, Authority: []byte("authority"),
		CatalogueKey: w.catalogue.Public().(ed25519.PublicKey), Recipients: w.recips,
		Operator: User{Name: "root", Role: access.Operator, Hash: hash1, From: 1}, Server: server("s1"),
	}))
	return w
}

// directory is the places of the district; local lists unions that have an
// office.
func directory(local ...string) *place.Directory {
	name := func(s string) place.Name { return place.Name{BN: "বাংলা " + s, EN: s} }
	d := &place.Directory{Areas: []place.Area{
		{Code: "D40", Level: "division", Name: name("Khulna")},
		{Code: "41", Parent: "D40", Level: "district", Name: name("Jashore")},
		{Code: "41-09", Parent: "41", Level: "upazila", Name: name("Bagherpara")},
		{Code: "41-11", Parent: "41", Level: "upazila", Name: name("Chaugachha")},
	}}
	for _, u := range []string{"41-09-17", "41-09-23", "41-11-05"} {
		d.Areas = append(d.Areas, place.Area{Code: place.Code(u), Parent: place.Code(u[:5]), Level: "union", Name: name(u)})
		d.Centres = append(d.Centres, place.CentreInfo{Code: place.Centre(u), Type: place.Union, Name: name(u), Area: place.Code(u)})
	}
	for _, u := range local {
		d.Offices = append(d.Offices, place.Office{Code: "local-" + u, Area: place.Code(u), Level: "local", Name: name("UP " + u)})
	}
	for _, u := range []string{"41-09", "41-11"} {
		d.Offices = append(d.Offices, place.Office{Code: "upazila-" + u, Area: place.Code(u), Level: "upazila", Name: name("UNO " + u)})
	}
	d.Posts = []place.Post{
		{Code: "secretary", Name: name("Secretary"), OfficeLevel: "local", Acts: []string{place.ActPreliminary, place.ActForward}},
		{Code: "member", Name: name("Member"), OfficeLevel: "local", Acts: []string{place.ActPreliminary, place.ActForward}},
		{Code: "chairman", Name: name("Chairman"), OfficeLevel: "local", Acts: []string{place.ActPreliminary, place.ActForward, place.ActFinalise}},
		{Code: "uno", Name: name("UNO"), OfficeLevel: "upazila", Acts: []string{place.ActPreliminary, place.ActForward, place.ActFinalise, place.ActMonitor}},
	}
	d.Sort()
	return d
}

func version(t testing.TB, id string, number int, posts ...string) *dcat.Version {
	t.Helper()
	v := &dcat.Version{
		ID: id, Number: number, Name: place.Name{BN: id, EN: id}, Kind: dcat.Public, Channels: []dcat.Channel{dcat.Counter},
		CentreTypes: []place.CentreType{place.Union}, Offline: dcat.Intake, FeeAt: dcat.AtSubmit, Form: []byte(`{}`), SLADays: 7,
	}
	for i, p := range posts {
		end := i == len(posts)-1
		v.Steps = append(v.Steps, dcat.Step{
			Post: p, OfficeLevel: "local", Name: place.Name{BN: p, EN: p}, Mandatory: p != "member", Decision: true, MayFinalise: end,
		})
	}
	h, err := catalogue.HashVersion(v)
	if err != nil {
		t.Fatal(err)
	}
	v.Hash = h
	return v
}

// parcel makes a signed release of the versions, and of what it needs beside.
func (w *town) parcel(number int, dir *place.Directory, versions ...*dcat.Version) *Parcel {
	w.t.Helper()
	p := &Parcel{}
	var err error
	if p.Directory, err = catalogue.EncodeDirectory(dir); err != nil {
		w.t.Fatal(err)
	}
	dirHash := dcat.Hash(sha256.Sum256(p.Directory))
	r := &dcat.Release{Number: number, Directory: dirHash, PublishedAt: dawn / 1000}
	for _, v := range versions {
		raw, err := catalogue.EncodeVersion(v)
		if err != nil {
			w.t.Fatal(err)
		}
		p.Versions = append(p.Versions, raw)
		r.Services = append(r.Services, dcat.Entry{ID: v.ID, Version: v.Number, Hash: v.Hash})
	}
	slices.SortFunc(r.Services, func(a, b dcat.Entry) int { return slices.Compare([]byte(a.ID), []byte(b.ID)) })
	signed, err := catalogue.Sign(r, w.catalogue)
	if err != nil {
		w.t.Fatal(err)
	}
	p.Signed = protocol.Marshal(&signed)
	return p
}

func (w *town) publish(number int, dir *place.Directory, versions ...*dcat.Version) {
	w.t.Helper()
	w.must(NewCommand("", "root", Publish, w.parcel(number, dir, versions...)))
}

// licence is the service of most tests: secretary, then chairman.
func licence(t testing.TB) *dcat.Version {
	return version(t, "trade-licence", 1, "secretary", "chairman")
}

func (w *town) settle() *town {
	w.t.Helper()
	w.found()
	w.publish(1, directory("41-09-17", "41-09-23"), licence(w.t))
	for _, u := range []User{
		{Name: "anna", Role: access.Officer, Seat: place.Seat{Post: "secretary", Office: "local-41-09-17"}},
		{Name: "bilal", Role: access.Officer, Seat: place.Seat{Post: "secretary", Office: "local-41-09-17"}},
		{Name: "chair", Role: access.Officer, Seat: place.Seat{Post: "chairman", Office: "local-41-09-17"}},
		{Name: "far", Role: access.Officer, Seat: place.Seat{Post: "secretary", Office: "local-41-09-23"}},
		{Name: "uno", Role: access.Supervisor, Seat: place.Seat{Post: "uno", Office: "upazila-41-09"}},
		{Name: "audit", Role: access.Auditor},
		{Name: "rahima", Role: access.Entrepreneur, Centre: "41-09-17", Gender: "f"},
	} {
		u.Hash, u.From = hash1, 1
		w.must(NewCommand("", "root", AddUser, &u))
	}
	return w
}

// A box is a centre's node in a test: a signer and a log.
type box struct {
	town    *town
	centre  place.Centre
	slot    string
	signer  *identity.Signer
	log     protocol.LogID
	events  [][]byte
	hashes  []protocol.Hash
	numbers []protocol.Number
	epoch   *identity.Epoch
}

// enrol takes a new box into the district.
func (w *town) enrol(centre place.Centre) *box {
	w.t.Helper()
	slot, spare := w.first().NextSlots()
	b := &box{town: w, centre: centre, slot: slot, signer: signerOf("box", centre, slot)}
	b.log = protocol.LogID{Channel: protocol.Uplink, Name: "41-" + slot, Incarnation: 7}
	nonce := protocol.Hash(seedOf("token", slot))
	w.must(NewCommand("", "root", CreateToken, &Token{Nonce: nonce, Role: "node", Centre: centre, Expires: w.at/1000 + 3600}))
	w.must(NewCommand("", ActorHub, EnrolNode, w.keys(b, nonce, slot, spare)))
	return b
}

func (w *town) keys(b *box, nonce protocol.Hash, slot, spare string) *NodeKeys {
	return &NodeKeys{
		Nonce: nonce, Centre: b.centre, Slot: slot, Spare: spare, Signing: b.signer.Public(), TLS: signerOf("tls", slot).Public(),
		Sealing: seedOf("seal", slot), TLSCert: []byte("t" + slot), SigningCert: []byte("s" + slot),
		Gossip: "10.0.0." + slot + ":7946", GossipKey: seedOf("gossip", slot),
	}
}

// submit files one application at the box; nonce makes its number.
func (b *box) submit(v *dcat.Version, nonce uint64) protocol.Number {
	return b.add(&protocol.Event{
		Kind: protocol.Submitted, At: dawn, Actor: "rahima", Nonce: binary.BigEndian.AppendUint64(nil, nonce),
		Pin: &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
		Payload: protocol.Marshal(&protocol.Submission{
			Channel: "counter", Form: []byte(`{"business":"মুদি দোকান","copies":2}`), Applicant: []byte(`{"name":"রহিম","mobile":"01700000000"}`),
		}),
	})
}

func (b *box) add(e *protocol.Event) protocol.Number {
	raw, err := e.Encode()
	if err != nil {
		b.town.t.Fatal(err)
	}
	return b.addRaw(raw, e.Nonce)
}

func (b *box) addRaw(raw, nonce []byte) protocol.Number {
	var prev protocol.Hash
	if n := len(b.hashes); n > 0 {
		prev = b.hashes[n-1]
	}
	b.events = append(b.events, raw)
	b.hashes = append(b.hashes, protocol.ChainHash(b.log, uint64(len(b.events)), prev, raw))
	n, _ := protocol.MintNumber("41", b.slot, nonce)
	b.numbers = append(b.numbers, n)
	return n
}

// block cuts events first to last, counted from 1.
func (b *box) block(first, last int) protocol.Block {
	b.town.t.Helper()
	run := protocol.Run{Log: b.log, First: uint64(first), End: b.hashes[last-1], Events: b.events[first-1 : last]}
	if first > 1 {
		run.Prev = b.hashes[first-2]
	}
	blk, err := b.town.packer.Pack(run, b.epoch, b.signer)
	if err != nil {
		b.town.t.Fatal(err)
	}
	return blk
}

// ingest is a block that the leader found good throughout.
func (b *box) ingest(first, last int) Ingest {
	in := Ingest{Block: b.block(first, last)}
	for range last - first + 1 {
		in.Verdicts = append(in.Verdicts, Verdict{Due: dawn/1000 + 7*86400})
	}
	return in
}

// bring sends events to the registers.
func (b *box) bring(first, last int) IngestResult {
	b.town.t.Helper()
	return b.town.apply(&Entry{Ingests: []Ingest{b.ingest(first, last)}}).Ingests[0]
}

// mustBring is bring for what has to be taken.
func (b *box) mustBring(first, last int) IngestResult {
	b.town.t.Helper()
	res := b.bring(first, last)
	if res.Fault != nil {
		b.town.t.Fatalf("events %d to %d: %v", first, last, res.Fault.Err())
	}
	return res
}

// inboxOf decodes everything that a centre was told.
func (w *town) inboxOf(c place.Centre) []protocol.Event {
	w.t.Helper()
	return w.logOf(w.first().Inbox(c))
}

func (w *town) logOf(id protocol.LogID) []protocol.Event {
	w.t.Helper()
	var out []protocol.Event
	var prev protocol.Hash
	for from := uint64(0); ; {
		run, err := w.first().LogEvents(id, from, 10)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(run.Events) == 0 {
			return out
		}
		if run.Prev != prev {
			w.t.Fatalf("%v after %d does not chain", id, from)
		}
		for _, raw := range run.Events {
			from++
			prev = protocol.LinkHash(id, from, prev, raw)
			if _, gone := protocol.ErasedHash(raw); gone {
				continue
			}
			e, err := protocol.DecodeEvent(raw)
			if err != nil {
				w.t.Fatal(err)
			}
			out = append(out, e)
		}
		if run.End != prev {
			w.t.Fatalf("%v at %d does not end as it says", id, from)
		}
	}
}

// act is an officer's command on a case.
func act(who string, m Method, n protocol.Number, expect uint64, a Act) Command {
	c := NewCommand("", who, m, &a)
	c.Number, c.Expect = n, expect
	return c
}

// wantFault fails unless a refusal is of the kind.
func wantFault(t testing.TB, what string, got *protocol.Failure, want fault.Kind) {
	t.Helper()
	if got == nil || got.Kind != want {
		t.Errorf("%s: got %+v; want %v", what, got, want)
	}
}

// introduction is the statement that introduces the box's epoch.
func (b *box) introduction() protocol.Epoch { return protocol.NewEpoch(b.epoch, nil, b.signer) }

// cachedOpener opens blocks as a hub does: an epoch's key is unwrapped once.
type cachedOpener struct {
	town *town
	id   identity.EpochID
	key  *identity.EpochKey
}

func (o *cachedOpener) Open(b *protocol.Block, epoch *protocol.Epoch) ([]protocol.Item, error) {
	if epoch == nil {
		return o.town.packer.Open(b, nil)
	}
	if o.key == nil || o.id != epoch.ID {
		k, err := identity.OpenWrap(o.town.district, epoch.ID, epoch.Wraps)
		if err != nil {
			return nil, err
		}
		o.id, o.key = epoch.ID, k
	}
	return o.town.packer.Open(b, o.key)
}

// seal begins an epoch in which the box's next blocks are sealed.
func (b *box) seal(recipients ...[]byte) {
	b.town.t.Helper()
	e, err := identity.NewEpoch(recipients...)
	if err != nil {
		b.town.t.Fatal(err)
	}
	b.epoch = e
}

// seedKey is a public sealing key of a stranger.
func seedKey(t testing.TB) []byte {
	t.Helper()
	return identity.NewSealingKey().Public()
}
