package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kendro/hub"
	"kendro/node"
	"kendro/pack/bd"
	"kendro/web/api"
)

// A tale is a district of one server and one box in this process, whose calendar the
// test turns. What people do in it they type: commands over real HTTP.
type tale struct {
	t          *testing.T
	dir        string
	ahead      atomic.Int64 // Of the machine's clock.
	hub        *daemonInTale
	box        *daemonInTale
	connectors map[string]hub.Connector
	paid       map[string]int64 // On the newest application, by kind.
}

// A daemonInTale is one of the two, up or down, at addresses that it keeps.
type daemonInTale struct {
	name  string
	ports api.Ports
	start func(context.Context) (run func(context.Context) error, at api.Ports, err error)
	stop  context.CancelFunc // Nil while it is down.
	ended chan error
}

// password is everybody's.
const passwordInTale = "correct horse battery staple"

// newTale founds the district, enrols the centre's box, and waits until it knows the
// catalogue.
func newTale(t *testing.T, connectors map[string]hub.Connector) *tale {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a hub and a box")
	}
	x := &tale{t: t, dir: t.TempDir(), connectors: connectors}
	x.write("password", passwordInTale)
	operator, err := hub.Init(x.at("hub"), hub.InitOptions{District: "41", Pack: bd.Pack(), Clock: x.now})
	if err != nil {
		t.Fatal(err)
	}
	x.write("operator", operator)
	x.hub = &daemonInTale{name: "hub", ports: api.Ports{HTTP: "127.0.0.1:0", QUIC: "127.0.0.1:0"}}
	x.hub.start = func(ctx context.Context) (func(context.Context) error, api.Ports, error) {
		o, err := openOffice(ctx, &hubSettings{Config: hub.Config{
			Dir: x.at("hub"), HTTP: x.hub.ports.HTTP, Listen: x.hub.ports.QUIC, Clock: x.now, Logger: slog.New(slog.DiscardHandler),
			Connectors: x.connectors,
		}})
		if err != nil {
			return nil, api.Ports{}, err
		}
		return o.run, o.ports, nil
	}
	t.Cleanup(func() { x.down(x.hub) })
	x.up(x.hub)
	x.until("land-record-copy", "catalogue show --dir hub")
	x.box = x.enrolled("node", "41-09-17", "rahima")
	return x
}

// enrolled enrols a centre's box in a folder, waits until it knows the catalogue, and signs
// its entrepreneur in.
func (x *tale) enrolled(folder, centre, who string) *daemonInTale {
	x.t.Helper()
	d := &daemonInTale{name: folder, ports: api.Ports{HTTP: "127.0.0.1:0", QUIC: "127.0.0.1:0"}}
	d.start = func(ctx context.Context) (func(context.Context) error, api.Ports, error) {
		n, err := node.Open(ctx, node.Config{
			Dir: x.at(folder), HTTP: d.ports.HTTP, Listen: d.ports.QUIC, Clock: x.now, Logger: slog.New(slog.DiscardHandler), Version: version,
		})
		if err != nil {
			return nil, api.Ports{}, err
		}
		return n.Run, n.Addr(), nil
	}
	x.t.Cleanup(func() { x.down(d) })
	x.kendro("user add --dir hub --name " + who + " --centre " + centre + " --gender f --from 2020-01-01 --password-file password")
	x.kendro("node enrol --dir " + folder + " --token " + strings.TrimSpace(x.kendro("token create --dir hub --centre "+centre+" --ttl 1h")))
	x.up(d)
	x.until("land-record-copy", "catalogue show --dir "+folder)
	x.login(who, d)
	return d
}

func (x *tale) at(name string) string { return filepath.Join(x.dir, name) }

// now is the tale's time, on the office's wall: its day is the day that is written.
func (x *tale) now() time.Time {
	return time.Now().Add(time.Duration(x.ahead.Load())).In(api.Dhaka())
}

// days turns the calendar on. Sessions end with the day.
func (x *tale) days(n int) { x.ahead.Add(int64(n) * int64(24*time.Hour)) }

func (x *tale) write(name, text string) {
	x.t.Helper()
	if err := os.WriteFile(x.at(name), []byte(text+"\n"), 0o600); err != nil {
		x.t.Fatal(err)
	}
}

func (x *tale) read(name string) string {
	x.t.Helper()
	text, err := os.ReadFile(x.at(name))
	if err != nil {
		x.t.Fatal(err)
	}
	return string(text)
}

// up starts a daemon where it was, once the port is free again.
func (x *tale) up(d *daemonInTale) {
	x.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var run func(context.Context) error
	if !x.soon(func() (err error) { run, d.ports, err = startIn(ctx, d); return err }) {
		x.t.Fatalf("the %s doesn't start", d.name)
	}
	d.stop, d.ended = cancel, make(chan error, 1)
	go func() { d.ended <- run(ctx) }()
}

// startIn keeps the addresses where the start failed.
func startIn(ctx context.Context, d *daemonInTale) (func(context.Context) error, api.Ports, error) {
	run, ports, err := d.start(ctx)
	if err != nil {
		return nil, d.ports, err
	}
	return run, ports, nil
}

// down ends a daemon.
func (x *tale) down(d *daemonInTale) {
	if d.stop == nil {
		return
	}
	d.stop()
	if err := <-d.ended; err != nil && !strings.Contains(err.Error(), context.Canceled.Error()) {
		x.t.Errorf("the %s ended with %v", d.name, err)
	}
	d.stop = nil
}

// login signs somebody in, at the hub or at the box.
func (x *tale) login(who string, d *daemonInTale) {
	x.t.Helper()
	x.until("", "login --url http://"+d.ports.HTTP+" --user "+who+" --password-file password --session "+who+".session")
}

// officer adds a login with a seat and signs it in.
func (x *tale) officer(who, seat string) {
	x.t.Helper()
	x.kendro("user add --dir hub --name " + who + " --post " + seat + " --from 2020-01-01 --password-file password")
	x.login(who, x.hub)
}

// run carries out one command as it is typed. Files are named by where they lie in
// the tale's folder: what follows --dir, --session, --form, --file or --password-file.
func (x *tale) run(line string) (string, error) {
	var args []string
	file := false
	for _, a := range fields(line) {
		if file {
			a = x.at(a)
		}
		args = append(args, a)
		file = map[string]bool{"--dir": true, "--session": true, "--form": true, "--file": true, "--password-file": true}[a]
	}
	var out bytes.Buffer
	cmd := root()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	err := cmd.ExecuteContext(x.t.Context())
	return out.String(), err
}

// fields splits a line at spaces outside of single quotes.
func fields(line string) []string {
	var args []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			args = append(args, part)
			continue
		}
		args = append(args, strings.Fields(part)...)
	}
	return args
}

// kendro carries out a command that has to succeed.
func (x *tale) kendro(line string) string {
	x.t.Helper()
	out, err := x.run(line)
	if err != nil {
		x.t.Fatalf("kendro %s: %v", line, err)
	}
	return out
}

// refused carries out a command that has to fail, in these words.
func (x *tale) refused(words, line string) {
	x.t.Helper()
	if out, err := x.run(line); err == nil || !strings.Contains(err.Error(), words) {
		x.t.Fatalf("kendro %s: got %s, %v; want it refused: %s", line, out, err, words)
	}
}

// until repeats a command until its output matches.
func (x *tale) until(pattern, line string) string {
	x.t.Helper()
	want := regexp.MustCompile("(?m)" + pattern)
	var out string
	var err error
	if !x.soon(func() error {
		if out, err = x.run(line); err == nil && !want.MatchString(out) {
			return os.ErrNotExist
		}
		return err
	}) {
		x.t.Fatalf("kendro %s: in vain waited for %s; the last was %s, %v", line, pattern, out, err)
	}
	return out
}

// soon reports whether something succeeded within a while.
func (x *tale) soon(try func() error) bool {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	over := time.After(60 * time.Second)
	for try() != nil {
		select {
		case <-tick.C:
		case <-over:
			return false
		}
	}
	return true
}

// file files an application at the box and returns its number.
func (x *tale) file(service string, form map[string]any) string {
	x.t.Helper()
	return x.send(service, form, nil, "")
}

// send is file with other members of the body in place of the sample's, and with what
// more the command says.
func (x *tale) send(service string, form, members map[string]any, more string) (number string) {
	x.t.Helper()
	x.body(service, form, members)
	number, x.paid = x.receipt(x.kendro("apply --form body.json --output json " + more + " " + x.as("rahima", x.box)))
	return number
}

// body writes the body of an application: a sample of the service with other answers and
// other members.
func (x *tale) body(service string, form, members map[string]any) {
	x.t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(x.kendro("catalogue sample "+service+" --seed 7 --dir node")), &body); err != nil {
		x.t.Fatal(err)
	}
	asked, ok := body["form"].(map[string]any)
	if !ok {
		x.t.Fatalf("the sample of %s has no form", service)
	}
	for name, answer := range form {
		if asked[name] = answer; answer == nil {
			delete(asked, name)
		}
	}
	maps.Copy(body, members)
	text, err := json.Marshal(body)
	if err != nil {
		x.t.Fatal(err)
	}
	x.write("body.json", string(text))
}

// receipt is the receive number in an answer, and what was paid, by kind.
func (x *tale) receipt(answer string) (number string, fees map[string]int64) {
	x.t.Helper()
	var a api.ApplicationAnswer
	if err := json.Unmarshal([]byte(answer), &a); err != nil || a.Number == 0 {
		x.t.Fatalf("no number in %s: %v", answer, err)
	}
	fees = map[string]int64{}
	for _, f := range a.Fees {
		fees[f.Kind] += f.Poisha
	}
	return a.Number.String(), fees
}

// as says who asks, and where.
func (x *tale) as(who string, d *daemonInTale) string {
	return "--url http://" + d.ports.HTTP + " --session " + who + ".session"
}

// desk is one act of an officer.
func (x *tale) desk(who, what string) string {
	x.t.Helper()
	return x.kendro("desk " + what + " --output json " + x.as(who, x.hub))
}

// decided has an officer take a case, agree to it and send it on, or approve it.
func (x *tale) decided(who, number, end string) {
	x.t.Helper()
	x.desk(who, "take "+number)
	x.desk(who, "decide "+number+" --opinion approve --text 'in order'")
	x.desk(who, end+" "+number)
}

// stage waits until the hub shows a case in a stage.
func (x *tale) stage(number, want string) {
	x.t.Helper()
	x.until(`"stage":"`+want+`"`, "track "+number+" --url http://"+x.hub.ports.HTTP+" --output json")
}

// raw reads a page or a call as it comes, whatever the status. A browser shows its session
// by a cookie, a program in a header.
func (x *tale) raw(who string, d *daemonInTale, path string) (int, []byte) {
	x.t.Helper()
	token, err := os.ReadFile(x.at(who + ".session"))
	if err != nil {
		x.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(x.t.Context(), http.MethodGet, "http://"+d.ports.HTTP+path, nil)
	if err != nil {
		x.t.Fatal(err)
	}
	if session := strings.TrimSpace(string(token)); strings.HasPrefix(path, "/v1/") {
		r.Header.Set("Authorization", "Bearer "+session)
	} else {
		r.AddCookie(&http.Cookie{Name: api.SessionCookie, Value: session})
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		x.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // It was only read.
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	return answer.StatusCode, body
}

// get reads a call's answer by HTTP alone.
func (x *tale) get(who string, d *daemonInTale, path string, into any) {
	x.t.Helper()
	status, raw := x.raw(who, d, path)
	if err := json.Unmarshal(raw, into); err != nil || status != http.StatusOK {
		x.t.Fatalf("GET %s: %d, %v", path, status, err)
	}
}
