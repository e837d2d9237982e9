package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/internal/nodetest"
	"kendro/protocol"
	"kendro/web/api"
)

// TestRefusals is the table of what the outside can't do.
func TestRefusals(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.hub.Stop()
	a := b.file(1)
	token := b.token
	body := b.d.Body(t, service, 2)
	unknown, err := protocol.MintNumber("41", "0010", []byte("nobodys!"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, method, path, key, token string
		body                           []byte
		want                           int
	}{
		{"no key", "POST", "/v1/applications", "", token, body, 400},
		{"not signed in", "POST", "/v1/applications", "k", "", body, 401},
		{"forged token", "POST", "/v1/applications", "k", token + "x", body, 401},
		{"no JSON", "POST", "/v1/applications", "k", token, []byte("{"), 400},
		{"unknown service", "POST", "/v1/applications", "k", token, []byte(`{"service":"none","form":{},"channel":"counter","applicant":{}}`), 404},
		{"incomplete form", "POST", "/v1/applications", "k", token, []byte(`{"service":"` + service + `","form":{},"channel":"counter","applicant":{}}`), 400},
		{"too long", "POST", "/v1/applications", "k", token, bytes.Repeat([]byte(" "), api.ApplicationBody+1), 413},
		{"key of another body", "POST", "/v1/applications", "key-1", token, body, 409},
		{"record, not signed in", "GET", "/v1/applications/" + a.Number.String(), "", "", nil, 401},
		{"proof, not signed in", "GET", "/v1/receipts/" + a.Number.String() + "/proof", "", "", nil, 401},
		{"sync, not signed in", "GET", "/v1/sync", "", "", nil, 401},
		{"metrics as an entrepreneur", "GET", "/metrics", "", token, nil, 403},
		{"mistyped number", "GET", "/v1/track/1234", "", "", nil, 400},
		{"unknown number", "GET", "/v1/track/" + unknown.String(), "", "", nil, 404},
		{"unknown call", "GET", "/v1/nothing", "", "", nil, 404},
		{"unknown service's versions", "GET", "/v1/catalogue/none", "", "", nil, 404},
		{"wrong password", "POST", "/v1/sessions", "k", "", []byte(`{"user":"rahima","password":"wrong wrong"}`), 401},
		{"unknown user", "POST", "/v1/sessions", "k", "", []byte(`{"user":"nobody","password":"wrong wrong"}`), 401},
	} {
		b.token = c.token
		status, answer := b.call(c.method, c.path, c.key, c.body, nil)
		var p api.Problem
		if err := json.Unmarshal(answer, &p); status != c.want || err != nil || p.Outcome != api.Rejected {
			t.Errorf("%s: answered %d %s; want %d, rejected", c.name, status, answer, c.want)
		}
	}
	if n := b.box.Head().At.Seq; n != 1 {
		t.Fatalf("%d events after refusals; want 1", n)
	}
}

// TestWordsOfOneCase reads a case in every way there is.
func TestWordsOfOneCase(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.hub.Stop()
	a := b.file(1)
	var again api.ApplicationAnswer
	_, first := b.call("POST", "/v1/applications", "key-1", b.d.Body(t, service, 1), &again)
	b.stop()
	b.start() // The token is good after a restart.
	if status, second := b.call("POST", "/v1/applications", "key-1", b.d.Body(t, service, 1), nil); status != 201 || !bytes.Equal(first, second) {
		t.Fatalf("the repeat answered %d %s; want %s", status, second, first)
	}
	if a.Custody != api.Local || a.ServiceVersion != 1 || len(a.Fees) == 0 || a.Receipt.Seq != 1 {
		t.Fatalf("answer %+v", a)
	}
	var r api.Record
	b.call("GET", "/v1/applications/"+a.Number.String(), "", nil, &r)
	if r.Number != a.Number || r.Receipt == nil || r.Receipt.Hash != a.Receipt.Hash || len(r.Form) == 0 || r.Centre != nodetest.Centre || r.Service.Name.BN == "" {
		t.Fatalf("record %+v", r)
	}
	var p api.Proof
	b.call("GET", "/v1/receipts/"+a.Number.String()+"/proof", "", nil, &p)
	receipt := protocol.Receipt{Log: p.Log, At: protocol.Position{Seq: p.Seq, Hash: protocol.ChainHash(p.Log, p.Seq, p.Prev, p.Event)}, Signature: p.Signature}
	if !receipt.Verify(p.Signer) || receipt.At.Hash != a.Receipt.Hash {
		t.Fatalf("the proof does not prove: %+v", p)
	}
	var list api.FiledList
	b.call("GET", "/v1/applications", "", nil, &list)
	if len(list.Applications) != 1 || list.Applications[0].Number != a.Number {
		t.Fatalf("today's list is %+v", list)
	}
	b.call("GET", "/v1/applications?day=2020-01-01", "", nil, &list)
	if len(list.Applications) != 0 {
		t.Fatalf("another day's list is %+v", list)
	}
	var c api.Catalogue
	b.call("GET", "/v1/catalogue", "", nil, &c)
	if c.Release != 1 || len(c.Services) == 0 || len(c.Services) > len(b.d.Set.Services()) {
		t.Fatalf("catalogue of %d services in release %d", len(c.Services), c.Release)
	}
	if status, _ := b.call("GET", "/openapi.json", "", nil, nil); status != 200 {
		t.Fatalf("openapi answered %d", status)
	}
	if status, page := b.call("GET", "/", "", nil, nil); status != 200 || !strings.Contains(string(page), "<html") {
		t.Fatalf("the counter's page answered %d", status)
	}
}

// TestLists pages through a day.
func TestLists(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.hub.Stop()
	for seed := range uint64(60) {
		b.file(seed)
	}
	seen := map[protocol.Number]bool{}
	cursor := ""
	for range 3 {
		var list api.FiledList
		b.call("GET", "/v1/applications?cursor="+cursor, "", nil, &list)
		for _, f := range list.Applications {
			seen[f.Number] = true
		}
		if cursor = list.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 60 {
		t.Fatalf("the pages hold %d; want 60", len(seen))
	}
}

// TestLogins ends logins in every way, and refuses too many guesses.
func TestLogins(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	works := func() int {
		status, _ := b.call("GET", "/v1/sync", "", nil, nil)
		return status
	}
	change := func(f func(*protocol.User)) {
		t.Helper()
		b.hub.Do(func(d *nodetest.District) { d.AddUser(t, f) })
		at := b.d.Inbox.Head().At
		b.await("the login to change", func() bool { return b.box.Held()[b.d.Inbox.ID].Seq >= at.Seq })
	}
	becomes := func(what string, status int) {
		t.Helper()
		b.await(what, func() bool { return works() == status }) // The index follows the journal.
	}
	becomes("a login to work", 200)
	change(func(u *protocol.User) { u.Disabled = true })
	becomes("a disabled login's token to be refused", 401)
	change(nil)
	becomes("an enabled login to work", 200)
	change(func(u *protocol.User) { u.Until = time.Now().Add(-time.Hour).Unix() })
	becomes("an ended login's token to be refused", 401)
	change(nil)
	becomes("a prolonged login to work", 200)
	change(func(u *protocol.User) { u.From = time.Now().Add(time.Hour).Unix() })
	becomes("a login before its time to be refused", 401)
	change(nil)
	becomes("a login that holds again to work", 200)
	b.ahead.Store(int64(13 * time.Hour))
	if works() != 401 {
		t.Fatal("a token works after its time")
	}
	b.token = ""
	limited := 0
	for i := range 14 {
		status, _ := b.call("POST", "/v1/sessions", strconv.Itoa(i), []byte(`{"user":"rahima","password":"guess `+strconv.Itoa(i)+` guess"}`), nil)
		if status == 429 {
			limited++
		}
	}
	if limited != 9 {
		t.Fatalf("%d of 14 guesses were limited; want 9", limited)
	}
}

// TestGuessedNumbers limits lookups of unknown numbers and not of known ones.
func TestGuessedNumbers(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a := b.file(1)
	got := map[int]int{}
	for i := range 25 {
		n, err := protocol.MintNumber("41", "0010", []byte{0, 0, 0, 0, 0, 0, 0, byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		status, _ := b.call("GET", "/v1/track/"+n.String(), "", nil, nil)
		got[status]++
		b.track(a.Number)
	}
	if got[404] != 20 || got[429] != 5 {
		t.Fatalf("answers %v; want 20 times 404, then 429", got)
	}
}

// TestOperator speaks through the control socket, also over one that a killed
// process left behind.
func TestOperator(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stop()
	name := filepath.Join(b.dir, api.ControlSocket)
	if _, err := os.Stat(name); err != nil {
		t.Fatalf("no socket was left behind: %v", err)
	}
	b.start()
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("control socket: %v %v", info, err)
	}
	c := api.NewLocalClient(b.dir)
	t.Cleanup(c.Close)
	var raw []byte
	if err := c.Do(t.Context(), api.Call{Method: "GET", Path: "/metrics", Out: &raw}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"kendro_log_events 0", "kendro_catalogue_release 1", "kendro_quic_sent_bytes", `kendro_wire_bytes_total{direction="in",purpose="catalogue"}`} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("metrics lack %q", want)
		}
	}
	var s api.SyncStatus
	if err := c.Do(t.Context(), api.Call{Method: "GET", Path: "/v1/sync", Out: &s}); err != nil {
		t.Fatal(err)
	}
	err = c.Do(t.Context(), api.Call{Method: "POST", Path: "/v1/applications", Key: "k", In: b.d.Body(t, service, 1)})
	if !errors.Is(err, fault.Denied) {
		t.Fatalf("an operator filed an application: %v", err)
	}
}

// TestTwoProcesses makes sure that one folder has one master.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := Open(context.Background(), b.config()); !errors.Is(err, fault.Unavailable) {
		t.Fatalf("a second one opened the folder: %v", err)
	}
	empty := b.config()
	empty.Dir = t.TempDir()
	if _, err := Open(context.Background(), empty); !errors.Is(err, fault.NotFound) {
		t.Fatalf("a folder that isn't enrolled: %v", err)
	}
}

// TestHubHoldsMore restores an older copy of the whole box, which goes on before it
// hears of the hub. The hub's hello shows what is missing: the box gives its log up,
// what it filed since stands again with its receipt, and what it lost comes back.
func TestHubHoldsMore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.file(1)
	b.await("the hub to accept", func() bool { return b.sync().Backlog == 0 })
	b.stop()
	old := filepath.Join(t.TempDir(), "old")
	if err := os.CopyFS(old, os.DirFS(filepath.Join(b.dir, recordsFolder))); err != nil {
		t.Fatal(err)
	}
	b.start()
	lost := b.file(2)
	b.await("the hub to accept", func() bool { return b.sync().Backlog == 0 })
	log := b.box.Log()
	b.stop()
	b.hub.Stop()
	if err := os.RemoveAll(filepath.Join(b.dir, recordsFolder)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(old, filepath.Join(b.dir, recordsFolder)); err != nil {
		t.Fatal(err)
	}
	b.start()
	since := b.file(3)
	if since.Receipt.Log != log || since.Receipt.Seq != 2 {
		t.Fatalf("the old log does not go on: %+v", since.Receipt)
	}
	b.hub.Start(b.addr)
	b.await("what was filed since to arrive", func() bool { return b.box.Log() != log && b.sync().Backlog == 0 })
	items := b.hub.Uplink(b.box.Log())
	e, err := protocol.DecodeEvent(items[0].Raw)
	var r protocol.Recovery
	if err != nil || len(items) != 1 || e.Kind != protocol.Recovered || e.Decode(&r) != nil || r.Receipt.At.Hash != since.Receipt.Hash {
		t.Fatalf("the new log holds %d events, the first %+v, %v", len(items), e, err)
	}
	if got := b.hub.Uplink(log); len(got) != 2 || got[1].Hash != lost.Receipt.Hash {
		t.Fatalf("the old log was written on: %d events", len(got))
	}
	b.await("what was lost to come back", func() bool {
		status, _ := b.call("GET", "/v1/track/"+lost.Number.String(), "", nil, nil)
		return status == 200 && b.track(lost.Number).Custody == api.Accepted
	})
	b.await("custody of what was filed since", func() bool { return b.track(since.Number).Custody == api.Accepted })
	var again api.ApplicationAnswer
	b.call("POST", "/v1/applications", "key-3", b.d.Body(t, service, 3), &again)
	if again.Number != since.Number || again.Receipt.Hash != since.Receipt.Hash {
		t.Fatalf("the same request got %+v; want %+v", again, since)
	}
}

// TestPortsFile names the chosen ports once everything answers.
func TestPortsFile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stop()
	c := b.config()
	c.PortsFile = filepath.Join(t.TempDir(), "ports.json")
	n, err := Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	var ports api.Ports
	b.await("the ports file", func() bool {
		raw, err := os.ReadFile(c.PortsFile)
		return err == nil && json.Unmarshal(raw, &ports) == nil
	})
	resp, err := http.Get("http://" + ports.HTTP + "/healthz")
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("healthz: %v", err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if ports.QUIC == "" || ports.Gossip == "" || strings.HasSuffix(ports.Gossip, ":0") {
		t.Fatalf("ports %+v", ports)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// TestLostAnswer has the hub's answer to an enrolment lost: the same keys ask
// again.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	d := nodetest.New(t)
	dir := t.TempDir()
	b := &bench{tb: t, dir: dir, d: d, addr: "127.0.0.1:1"}
	o := b.enrolOptions()
	o.Logger = slog.New(slog.DiscardHandler)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Enrol(gone, dir, b.joinToken(), o); !errors.Is(err, fault.Unavailable) {
		t.Fatalf("enrolling without a server: %v", err)
	}
	before, err := openKeyring(dir)
	if err != nil {
		t.Fatal(err)
	}
	b.hub = nodetest.NewHub(t, d, protocol.Enrolment{}, nil, before.sealing.Public())
	b.addr = b.hub.Start("")
	if _, err := Enrol(context.Background(), dir, b.joinToken(), o); err != nil {
		t.Fatal(err)
	}
	after, err := openKeyring(dir)
	if err != nil || !bytes.Equal(before.signer.Public(), after.signer.Public()) {
		t.Fatalf("the keys changed: %v", err)
	}
	for _, name := range []string{keysFile, enrolmentFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
}
