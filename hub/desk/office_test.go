package desk

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/pack/bd"
	"kendro/protocol"
	"kendro/replication/link"
	"kendro/web/api"
)

const (
	dawn     = 1_790_000_000_000 // Unix milliseconds.
	centre   = place.Centre("41-09-17")
	service  = "citizenship-certificate"
	password = "correct horse"
)

// What the applications to come bring.
type brought struct {
	scans    []protocol.Document // That they name.
	services string              // What they are for; empty: a citizenship certificate.
	despite  string              // Why they are filed though one like them was taken.
	answers  map[string]any      // Of their forms, in place of the sample's.
	variance int64               // By how much they cost more than by the fees in force.
}

// What the server is said to have seen of other registers.
type outside struct {
	registers []api.ConnectorStatus
	tries     map[protocol.Number]hub.Try
}

// An office is a hub of one server in a test: a real register that applies what
// is asked for at once, and the HTTP in front of it.
type office struct {
	brought
	outside

	t        testing.TB
	server   *Server
	sessions *identity.Sessions
	set      *dcat.Set
	intake   *catalogue.Intake
	packer   *protocol.Packer
	box      *identity.Signer
	log      protocol.LogID
	prev     protocol.Hash
	seq      uint64

	mu    sync.Mutex // Guards all below, and orders what is applied.
	reg   *register.Register
	index uint64
	at    int64

	entries [][]byte // That were applied.
	down    error    // What Do answers while no leader can be reached.

	replaying atomic.Bool // The server was just started.
}

func seed(words ...string) []byte {
	sum := sha256.Sum256([]byte(strings.Join(words, "/")))
	return sum[:]
}

func signer(t testing.TB, words ...string) *identity.Signer {
	t.Helper()
	s, err := identity.SignerFromSeed(seed(words...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newOffice founds a district with the country pack's catalogue, its people and
// one enrolled box.
func newOffice(t testing.TB) *office {
	t.Helper()
	o := &office{t: t, at: dawn, packer: protocol.NewPacker(), sessions: identity.NewSessions(seed("sessions")), box: signer(t, "box")}
	t.Cleanup(o.packer.Close)
	reg, err := register.Open(t.TempDir(), register.Options{District: "41", Opener: o, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	o.reg = reg
	t.Cleanup(func() {
		if err := reg.Close(); err != nil {
			t.Error(err)
		}
	})
	o.begin()
	o.server, err = New(Config{
		Documents: newPapers(t, o),
		Receipt: func(log protocol.LogID, at protocol.Position) protocol.Receipt {
			return protocol.SignReceipt(log, at, signer(t, "s"))
		},
		Hub: o, Clock: o.now, Logger: slog.New(slog.DiscardHandler), Version: "test",
		Traffic: func(link.Purpose) (out, in uint64) { return 7, 8 },
		Tried:   func(_ string, n protocol.Number) (hub.Try, bool) { t, ok := o.tries[n]; return t, ok },
		Status: func() api.HubStatus {
			return api.HubStatus{Connectors: o.registers, District: "41", Server: "s1", State: "leader", Leader: "s1", Members: []api.Member{{ID: "s1", Voter: true, Leader: true}}, AsOf: api.TimeOf(o.now()), Replaying: o.replaying.Load()}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Open opens the test's blocks, which nobody sealed.
func (o *office) Open(b *protocol.Block, _ *protocol.Epoch) ([]protocol.Item, error) {
	return o.packer.Open(b, nil)
}

func (o *office) now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.UnixMilli(o.at)
}

func (o *office) Register() *register.Register { return o.reg }

func (o *office) Sessions() *identity.Sessions { return o.sessions }

func (o *office) Fresh(context.Context) (time.Time, bool) { return time.UnixMilli(o.reg.At()), false }

func (o *office) Do(_ context.Context, c register.Command) (register.Result, error) {
	o.mu.Lock()
	down := o.down
	o.mu.Unlock()
	if down != nil {
		return register.Result{}, down
	}
	out := o.apply(&register.Entry{Commands: []register.Command{c}})
	return out.Results[0], nil
}

func (o *office) apply(e *register.Entry) *register.Outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.at += 1000
	o.index++
	e.At = o.at
	b, err := register.EncodeEntry(e)
	if err != nil {
		o.t.Error(err)
		return &register.Outcome{Results: []register.Result{{Fault: protocol.FailureOf(err)}}}
	}
	o.entries = append(o.entries, b)
	return o.reg.Apply(o.index, 1, b)
}

func (o *office) must(actor string, m register.Method, body any) register.Result {
	o.t.Helper()
	res, err := o.Do(o.t.Context(), register.NewCommand(api.NewKey(), actor, m, body))
	if err == nil {
		err = res.Fault.Err()
	}
	if err != nil {
		o.t.Fatalf("%s: %v", m, err)
	}
	return res
}

func (o *office) begin() {
	o.t.Helper()
	hash, err := identity.HashPassword(password)
	if err != nil {
		o.t.Fatal(err)
	}
	key := ed25519.NewKeyFromSeed(seed("catalogue"))
	o.must(register.ActorHub, register.Genesis, &register.Founding{
		District: "41", Country: "bd", Incarnation: 7, Authority: []byte("authority"), Recipients: [][]byte{seed("district")},
		CatalogueKey: key.Public().(ed25519.PublicKey),
		Operator:     register.User{Name: "root", Role: access.Operator, Hash: hash, From: 1},
		Server: register.Server{
			ID: "s1", Address: "127.0.0.1:4433", Voter: true, Signing: signer(o.t, "s").Public(), TLS: signer(o.t, "t").Public(),
			Sealing: seed("seal"), TLSCert: []byte("t"), SigningCert: []byte("s"),
		},
	})
	o.publish(key)
	for name, u := range o.people() {
		u.Name, u.Hash, u.From = name, hash, 1
		o.must("root", register.AddUser, u)
	}
	slot, spare := o.reg.NextSlots()
	nonce := protocol.Hash(seed("token"))
	o.must("root", register.CreateToken, &register.Token{Nonce: nonce, Role: string(identity.RoleNode), Centre: centre, Expires: o.at/1000 + 3600})
	o.must(register.ActorHub, register.EnrolNode, &register.NodeKeys{
		Nonce: nonce, Centre: centre, Slot: slot, Spare: spare, Signing: o.box.Public(), TLS: signer(o.t, "tls").Public(),
		Sealing: seed("box seal"), TLSCert: []byte("t"), SigningCert: []byte("s"), GossipKey: seed("gossip"),
	})
	o.log = protocol.LogID{Channel: protocol.Uplink, Name: "41-" + slot, Incarnation: 9}
}

// people are one of each role, and two who share a post.
func (o *office) people() map[string]register.User {
	o.t.Helper()
	secretary, chairman := o.seat(0), o.seat(len(o.version().Steps)-1)
	uno, ok := o.set.Directory.OfficeFor("41-09", "upazila")
	if !ok {
		o.t.Fatal("no office for the upazila")
	}
	post := ""
	for _, p := range o.set.Directory.Posts {
		if p.OfficeLevel == "upazila" {
			post = p.Code
		}
	}
	return map[string]register.User{
		"anna":      {Role: access.Officer, Seat: secretary},
		"bilal":     {Role: access.Officer, Seat: secretary},
		"chair":     {Role: access.Officer, Seat: chairman},
		"dora":      {Role: access.Officer, Seat: o.seat(1)},
		"clara":     {Role: access.Clerk, Seat: secretary},
		"elsewhere": {Role: access.Officer, Seat: place.Seat{Post: "secretary", Office: "local-41-09-27"}},
		"uno":       {Role: access.Supervisor, Seat: place.Seat{Post: post, Office: uno.Code}},
		"rina":      {Role: access.Officer, Seat: place.Seat{Post: "record-room-assistant", Office: o.recordRoom()}},
		"kamal":     {Role: access.Officer, Seat: place.Seat{Post: "deputy-record-keeper", Office: o.recordRoom()}},
		"rokeya":    {Role: access.Officer, Seat: place.Seat{Post: "record-keeper", Office: o.recordRoom()}},
		"dc":        {Role: access.Officer, Seat: place.Seat{Post: "dc", Office: "dc-41"}},
		"audit":     {Role: access.Auditor},
		"rahima":    {Role: access.Entrepreneur, Centre: centre, Gender: "f"},
	}
}

// recordRoom is the office of the district's record room.
func (o *office) recordRoom() string {
	o.t.Helper()
	s, ok := o.set.Directory.SeatFor("record-keeper", centre.Area())
	if !ok {
		o.t.Fatal("no record room for the centre")
	}
	return s.Office
}

func (o *office) version() *dcat.Version {
	o.t.Helper()
	v, ok := o.set.Current(service)
	if !ok {
		o.t.Fatalf("the pack lacks %s", service)
	}
	return v
}

// seat is the desk of a step of the service for the centre's area.
func (o *office) seat(step int) place.Seat {
	o.t.Helper()
	s, ok := o.set.Directory.SeatFor(o.version().Steps[step].Post, centre.Area())
	if !ok {
		o.t.Fatalf("no seat for step %d", step)
	}
	return s
}

func (o *office) publish(key ed25519.PrivateKey) {
	o.t.Helper()
	set, err := catalogue.Build(bd.Pack(), nil, time.UnixMilli(dawn))
	if err != nil {
		o.t.Fatal(err)
	}
	list := parcels(release(o.t, set, key))
	for _, p := range list[:len(list)-1] {
		o.must("root", register.AddVersions, p)
	}
	o.must("root", register.Publish, list[len(list)-1])
	o.set = o.reg.Set()
	if o.intake, err = catalogue.NewIntake(o.set); err != nil {
		o.t.Fatal(err)
	}
}

// release is a catalogue as `kendro catalogue publish` sends it.
func release(t testing.TB, set *dcat.Set, key ed25519.PrivateKey) api.PublishRequest {
	t.Helper()
	var out api.PublishRequest
	for _, v := range set.Services() {
		b, err := catalogue.EncodeVersion(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Versions = append(out.Versions, b)
	}
	var err error
	if out.Directory, err = catalogue.EncodeDirectory(set.Directory); err != nil {
		t.Fatal(err)
	}
	signed, err := catalogue.Sign(&set.Release, key)
	if err != nil {
		t.Fatal(err)
	}
	out.Signed, out.Bounds = protocol.Marshal(&signed), set.Bounds
	return out
}

// file brings one plausible application to the register, as the box would.
func (o *office) file(n uint64) protocol.Number { o.t.Helper(); return o.fileAs(n, nil) }

// fileAs does so for somebody whose particulars were changed.
func (o *office) fileAs(n uint64, change func(applicant map[string]any)) protocol.Number {
	o.t.Helper()
	id := cmp.Or(o.services, service)
	body, err := catalogue.Sample(o.set, id, n, centre)
	if err != nil {
		o.t.Fatal(err)
	}
	if o.answers != nil {
		body = changed(o.t, body, "form", func(form map[string]any) { maps.Copy(form, o.answers) })
	}
	if change != nil {
		body = changed(o.t, body, "applicant", change)
	}
	app, wrong, err := o.intake.Check(body, place.Union, time.UnixMilli(dawn))
	if err != nil || len(wrong) > 0 {
		o.t.Fatal(err, wrong)
	}
	sub := protocol.Submission{Channel: string(app.Channel), Form: app.Form, Applicant: app.Applicant, Documents: o.scans, Despite: o.despite}
	for _, d := range app.Documents {
		sub.Originals = append(sub.Originals, d.ID)
	}
	for _, c := range app.Charges {
		sub.Fees = append(sub.Fees, protocol.Fee{Kind: string(c.Kind), Poisha: c.Poisha})
	}
	e := &protocol.Event{
		Kind: protocol.Submitted, At: dawn + int64(n)*60_000, Actor: "rahima", Nonce: binary.BigEndian.AppendUint64(nil, n),
		Pin:     &protocol.Pin{Service: id, Version: uint32(app.Version.Number), Hash: [8]byte(app.Version.Hash[:8])},
		Payload: protocol.Marshal(&sub),
	}
	due := dawn/1000 + int64(10-n)*86400 // Later ones are due earlier.
	in := register.Ingest{Verdicts: []register.Verdict{{Due: due}}}
	if f := o.found(app); f != nil {
		in.Findings = []register.Finding{{Seq: o.seq + 1, Rules: f.Rules, Review: f.Review, Issue: f.Issue, Mode: f.Mode, Record: &f.Record, Fact: &f.Fact, Variance: o.variance}}
	}
	o.ingest(e, in)
	_, slot, _ := strings.Cut(o.log.Name, "-")
	number, err := protocol.MintNumber("41", slot, e.Nonce)
	if err != nil {
		o.t.Fatal(err)
	}
	return number
}

// send brings an event on a case, as its box would.
func (o *office) send(e *protocol.Event) {
	o.t.Helper()
	o.ingest(e, register.Ingest{Verdicts: []register.Verdict{{}}})
}

// ingest brings the next event of the box to the register.
func (o *office) ingest(e *protocol.Event, in register.Ingest) {
	o.t.Helper()
	raw, err := e.Encode()
	if err != nil {
		o.t.Fatal(err)
	}
	o.seq++
	head := protocol.ChainHash(o.log, o.seq, o.prev, raw)
	in.Block, err = o.packer.Pack(protocol.Run{Log: o.log, First: o.seq, Prev: o.prev, End: head, Events: [][]byte{raw}}, nil, o.box)
	if err != nil {
		o.t.Fatal(err)
	}
	o.prev = head
	out := o.apply(&register.Entry{Ingests: []register.Ingest{in}})
	if f := out.Ingests[0].Fault; f != nil {
		o.t.Fatal(f.Err())
	}
}

// found is what an application's answers come to, as a leader finds it.
func (o *office) found(app *catalogue.Application) *application.Found {
	o.t.Helper()
	f, err := o.intake.Found(app.Version, app.Form, time.UnixMilli(dawn))
	if err != nil {
		o.t.Fatal(err)
	}
	return f
}

// changed is a body with another applicant, or other answers.
func changed(t testing.TB, body []byte, part string, change func(map[string]any)) []byte {
	t.Helper()
	var whole map[string]any
	err := json.Unmarshal(body, &whole)
	if err == nil {
		m, _ := whole[part].(map[string]any)
		change(m)
		body, err = json.Marshal(whole)
	}
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (o *office) token(user string) string {
	token, _ := o.sessions.Issue(user, o.now())
	return token
}

// call makes one request; user "" is nobody. Headers come in pairs.
func (o *office) call(user, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if user != "" {
		r.Header.Set("Authorization", "Bearer "+o.token(user))
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if method == http.MethodPost {
		r.Header.Set("Idempotency-Key", api.NewKey())
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	o.server.ServeHTTP(w, r)
	return w
}

// fall makes the hub lose its leader, or find one again.
func (o *office) fall(down bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = nil
	if down {
		o.down = fault.New("hub.Do", fault.Unavailable, "", "no leader")
	}
}

// releaseOf is the release after the office's, in which one service has changed.
func releaseOf(t testing.TB, o *office, v *dcat.Version) api.PublishRequest {
	t.Helper()
	v.Number++
	var err error
	if v.Hash, err = catalogue.HashVersion(v); err != nil {
		t.Fatal(err)
	}
	r := o.set.Release
	r.Number++
	r.Services = append([]dcat.Entry{}, r.Services...)
	for i := range r.Services {
		if r.Services[i].ID == v.ID {
			r.Services[i] = dcat.Entry{ID: v.ID, Version: v.Number, Hash: v.Hash}
		}
	}
	raw, err := catalogue.EncodeVersion(v)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := catalogue.Sign(&r, ed25519.NewKeyFromSeed(seed("catalogue")))
	if err != nil {
		t.Fatal(err)
	}
	return api.PublishRequest{Versions: []api.Bytes{raw}, Signed: protocol.Marshal(&signed)}
}
