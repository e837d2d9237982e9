// Package nodetest is a district around a node under test: an authority, one
// server's keys, a catalogue built from the embedded country pack, and the logs
// that a hub would send.
//
// Enter at [New]. The package refuses to know package node, so that node's own
// tests may use it.
package nodetest

import (
	"crypto/ed25519"
	"crypto/rand"
	"sync"
	"testing"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/pack/bd"
	"kendro/protocol"
)

// Centre is where the node under test stands.
const Centre = "41-09-17"

// Start is the clock's first time.
var Start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// A District makes everything that a node receives from its hub.
type District struct {
	CA      *identity.CA
	Signer  *identity.Signer // Of server s1.
	Cert    []byte           // Signing certificate of server s1.
	Sealing *identity.SealingKey
	Set     *dcat.Set
	Release ed25519.PrivateKey

	Inbox     *Log
	Catalogue *Log
}

// firstRelease is release 1 of the pack, built once: nobody writes into a set.
var firstRelease = sync.OnceValues(func() (*dcat.Set, error) { return catalogue.Build(bd.Pack(), nil, Start) })

// New founds a district with release 1 of the pack.
func New(tb testing.TB) *District {
	tb.Helper()
	ca, err := identity.NewCA("bd", "41", Start)
	must(tb, err)
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(tb, err)
	set, err := firstRelease()
	must(tb, err)
	d := &District{
		CA: ca, Signer: identity.NewSigner(), Sealing: identity.NewSealingKey(), Set: set, Release: private,
		Inbox:     &Log{ID: protocol.LogID{Channel: protocol.Inbox, Name: Centre, Incarnation: 7}},
		Catalogue: &Log{ID: protocol.LogID{Channel: protocol.Catalogue, Name: "41", Incarnation: 7}},
	}
	d.Cert, err = ca.Issue(identity.Subject{Country: "bd", District: "41", Role: identity.RoleServer, Name: "s1", Slot: "0"},
		d.Signer.Public(), identity.ForSigning, Start)
	must(tb, err)
	return d
}

// Enrolment is the hub's answer to a node of [Centre] with these keys.
func (d *District) Enrolment(tb testing.TB, signing, tlsPublic []byte) protocol.Enrolment {
	tb.Helper()
	s := identity.Subject{Country: "bd", District: "41", Role: identity.RoleNode, Name: Centre, Slot: "0010"}
	sc, err := d.CA.Issue(s, signing, identity.ForSigning, Start)
	must(tb, err)
	tc, err := d.CA.Issue(s, tlsPublic, identity.ForTLS, Start)
	must(tb, err)
	return protocol.Enrolment{
		Country: "bd", District: "41", ID: Centre, Slot: "0010", Spare: "0011", CA: d.CA.DER(),
		TLSCert: tc, SigningCert: sc, Recipients: [][]byte{d.Sealing.Public()},
		Catalogue: d.Release.Public().(ed25519.PublicKey),
		Logs:      []protocol.LogID{d.Inbox.ID, d.Catalogue.ID},
	}
}

// Publish appends what a release carries beyond the one before: nil for all.
func (d *District) Publish(tb testing.TB, set, older *dcat.Set) {
	tb.Helper()
	for _, v := range set.Since(older) {
		raw, err := catalogue.EncodeVersion(v)
		must(tb, err)
		d.Catalogue.Append(tb, protocol.Event{Kind: protocol.ServiceAdded, At: Start.UnixMilli(), Payload: raw})
	}
	raw, err := catalogue.EncodeDirectory(set.Directory)
	must(tb, err)
	parts, err := catalogue.DirectoryParts(raw) // As a hub does with what is too long for one event.
	if err != nil {
		tb.Fatal(err)
	}
	for _, part := range parts {
		d.Catalogue.Append(tb, protocol.Event{Kind: protocol.DirectoryPart, At: Start.UnixMilli(), Payload: part})
	}
	signed, err := catalogue.Sign(&set.Release, d.Release)
	must(tb, err)
	d.Catalogue.Append(tb, protocol.Event{Kind: protocol.Released, At: Start.UnixMilli(), Payload: protocol.Marshal(&signed)})
}

// Person is the login that [District.AddUser] makes, with this password.
const (
	Person   = "rahima"
	Password = "correct horse"
)

// AddUser appends an entrepreneur of [Centre].
func (d *District) AddUser(tb testing.TB, change func(*protocol.User)) {
	tb.Helper()
	hash, err := identity.HashPassword(Password)
	must(tb, err)
	u := protocol.User{Name: Person, Centre: Centre, Role: "entrepreneur", Gender: "f", Hash: hash, From: Start.Add(-time.Hour).Unix()}
	if change != nil {
		change(&u)
	}
	d.Inbox.Append(tb, protocol.Event{Kind: protocol.UserChanged, At: Start.UnixMilli(), Payload: protocol.Marshal(&u)})
}

// Say appends an event to the inbox.
func (d *District) Say(tb testing.TB, kind protocol.Kind, payload any) {
	tb.Helper()
	d.Inbox.Append(tb, protocol.Event{Kind: kind, At: Start.UnixMilli(), Payload: protocol.Marshal(payload)})
}

// Body is a complete application for a service by somebody near [Centre].
func (d *District) Body(tb testing.TB, service string, seed uint64) []byte {
	tb.Helper()
	b, err := catalogue.Sample(d.Set, service, seed, place.Centre(Centre))
	must(tb, err)
	return b
}

// A Log is a hub's log with its hashes.
type Log struct {
	ID    protocol.LogID
	Items []protocol.Item
}

// Append adds one event.
func (l *Log) Append(tb testing.TB, e protocol.Event) {
	tb.Helper()
	raw, err := e.Encode()
	must(tb, err)
	seq := uint64(len(l.Items) + 1)
	l.Items = append(l.Items, protocol.Item{Seq: seq, Hash: protocol.ChainHash(l.ID, seq, l.Before(seq), raw), Raw: raw})
}

// Before returns the hash before an event.
func (l *Log) Before(seq uint64) protocol.Hash {
	if seq < 2 {
		return protocol.Hash{}
	}
	return l.Items[seq-2].Hash
}

// Head is how far the log is.
func (l *Log) Head() protocol.Head {
	n := len(l.Items)
	if n == 0 {
		return protocol.Head{Log: l.ID}
	}
	return protocol.Head{Log: l.ID, At: protocol.Position{Seq: uint64(n), Hash: l.Items[n-1].Hash}}
}

// Run returns the events after a sequence, for one block.
func (l *Log) Run(after uint64, limit int) protocol.Run {
	r := protocol.Run{Log: l.ID, First: after + 1, Prev: l.Before(after + 1)}
	for _, item := range l.Items[after:] {
		if len(r.Events) == limit || len(r.Events) == protocol.MaxBlockEvents {
			break
		}
		r.Events = append(r.Events, item.Raw)
	}
	r.Events = r.Events[:protocol.Fits(r.Events)]
	if n := len(r.Events); n > 0 {
		r.End = l.Items[int(after)+n-1].Hash
	}
	return r
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
