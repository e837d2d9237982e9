package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/fault"
)

func TestLimiter(t *testing.T) {
	l, now := UnknownNumbers(), time.Unix(1_000_000, 0)
	for i := range 20 {
		if err := l.Take("a", now); err != nil {
			t.Fatalf("attempt %d: %v; want 20 at once", i, err)
		}
	}
	err := l.Take("a", now)
	var r *Refusal
	if !errors.Is(err, fault.Limited) || !errors.As(err, &r) || r.RetryAfter != time.Minute {
		t.Fatalf("got %v; want limited for a minute", err)
	}
	if err := l.Take("b", now); err != nil {
		t.Errorf("another address: %v; want nothing", err)
	}
	if err := l.Take("a", now.Add(r.RetryAfter)); err != nil {
		t.Errorf("after the wait: %v; want nothing", err)
	}
	taken := 0
	for s := range 60 {
		for range 10 {
			if l.Take("c", now.Add(time.Duration(s)*time.Second)) == nil {
				taken++
			}
		}
	}
	if taken != 20 {
		t.Errorf("got %d in a first minute; want 20", taken)
	}
	for i := range 3 * maxAddresses {
		_ = l.Take("x"+string(rune(i))+"y", now)
	}
	if n := len(l.done); n > maxAddresses {
		t.Errorf("remembers %d addresses; want at most %d", n, maxAddresses)
	}
}

func TestAddressOf(t *testing.T) {
	for _, c := range []struct {
		remote, noted string
		proxied       bool
		want          string
	}{
		{"10.1.2.3:99", "", false, "10.1.2.3"},
		{"10.1.2.3:99", "8.8.8.8", false, "10.1.2.3"},
		{"10.1.2.3:99", "1.1.1.1, 8.8.8.8", true, "8.8.8.8"},
		{"[2001:db8:1:2:3::4]:99", "", false, "2001:db8:1:2::/64"},
		{"[::ffff:10.1.2.3]:99", "", false, "10.1.2.3"},
		{"@", "", false, "@"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		if c.noted != "" {
			r.Header.Set("X-Forwarded-For", c.noted)
		}
		if got := AddressOf(r, c.proxied); got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
}

func TestRepeats(t *testing.T) {
	r := NewRepeats[int]()
	r.Keep("u/k", []byte("body"), 1)
	r.Keep("u/k", []byte("body"), 2)
	if got, ok, err := r.Find("u/k", []byte("body")); got != 1 || !ok || err != nil {
		t.Errorf("got %d, %v, %v; want the first answer", got, ok, err)
	}
	if _, _, err := r.Find("u/k", []byte("other")); !errors.Is(err, fault.Conflict) {
		t.Errorf("got %v; want a conflict", err)
	}
	for i := range keptRepeats {
		r.Keep("k"+string(rune('a'+i%26))+time.Duration(i).String(), nil, i)
	}
	if _, ok, err := r.Find("u/k", []byte("other")); ok || err != nil || len(r.known) > keptRepeats {
		t.Errorf("got %v, %v with %d kept; want it forgotten", ok, err, len(r.known))
	}
}

func TestParseMatch(t *testing.T) {
	for in, want := range map[string]uint64{`"3"`: 3, `3`: 3, `W/"12"`: 12} {
		if got, err := ParseMatch(in); got != want || err != nil {
			t.Errorf("%s: got %d, %v", in, got, err)
		}
	}
	for _, in := range []string{"", `""`, "*", "-1", `"x"`} {
		if _, err := ParseMatch(in); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: got %v; want invalid", in, err)
		}
	}
}

func TestListenKeepsPlainAtHome(t *testing.T) {
	if _, err := Listen(t.Context(), "0.0.0.0:0", nil, false); !errors.Is(err, fault.Invalid) {
		t.Errorf("got %v; want plain HTTP refused on every address", err)
	}
	for _, c := range []struct {
		addr  string
		plain bool
	}{{"127.0.0.1:0", false}, {"localhost:0", false}, {"0.0.0.0:0", true}} {
		ln, err := Listen(t.Context(), c.addr, nil, c.plain)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestControlSocketAndClient(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("a-long-name/", 12))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	left, err := ListenControl(dir) // As a killed daemon leaves it.
	if err != nil {
		t.Fatal(err)
	}
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	ln, err := ListenControl(dir)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, ControlSocket))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("got %v, %v; want 0600", info, err)
	}
	a := server(t)
	a.Raw(Route{Method: "GET", Path: "/v1/members", ID: "members", Act: access.ReadStatus}, nil, MemberList{},
		func(w http.ResponseWriter, _ *http.Request, c Caller) {
			WriteJSON(w, 200, MemberList{Members: []Member{{ID: c.User}}})
		})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, ln, Control(a), slog.New(slog.DiscardHandler)) }()
	c := NewLocalClient(dir)
	defer c.Close()
	var list MemberList
	if err := c.Do(t.Context(), Call{Path: "/v1/members", Out: &list}); err != nil || list.Members[0].ID != LocalOperator().User {
		t.Errorf("got %+v, %v; want the operator's answer", list, err)
	}
	err = c.Do(t.Context(), Call{Path: "/v1/echo/x", In: map[string]int{"count": 1}})
	if !errors.Is(err, fault.Denied) {
		t.Errorf("got %v; want the operator denied a case", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Serve ended with %v", err)
	}
	if err := c.Do(t.Context(), Call{Path: "/v1/members"}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("got %v after the end; want unavailable", err)
	}
}

func TestClientKeepsKinds(t *testing.T) {
	a := server(t)
	s := httptest.NewServer(a)
	defer s.Close()
	c, err := NewClient(s.URL+"/", "officer\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := map[string]int{"count": 4}
	var out ActionAnswer
	if err := c.Do(t.Context(), Call{Path: "/v1/echo/x", Key: "mine", Match: 3, In: in, Out: &out}); err != nil || out.Version != 4 || out.Holder != "officer/mine" {
		t.Errorf("got %+v, %v", out, err)
	}
	for path, kind := range map[string]fault.Kind{"conflict": fault.Conflict, "gone": fault.Unavailable, "broken": fault.Internal} {
		if err := c.Do(t.Context(), Call{Path: "/v1/echo/" + path, In: in}); !errors.Is(err, kind) {
			t.Errorf("%s: got %v; want %v", path, err, kind)
		}
	}
	if d := DifferenceOf(c.Do(t.Context(), Call{Path: "/v1/echo/conflict", In: in})); d == nil || d.Current != 3 {
		t.Errorf("got %+v; want what has changed", d)
	}
	for _, base := range []string{"", "127.0.0.1:80", "ftp://x"} {
		if _, err := NewClient(base, "", nil); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: got %v; want invalid", base, err)
		}
	}
}

func TestServeDrains(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	entered, release := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-release
		if r.Context().Err() != nil {
			w.WriteHeader(http.StatusTeapot)
		}
	})
	ctx, stop := context.WithCancel(t.Context())
	ended, answered := make(chan error, 1), make(chan int, 1)
	go func() { ended <- Serve(ctx, ln, h, slog.New(slog.DiscardHandler)) }()
	go func() {
		res, err := http.Get("http://" + ln.Addr().String())
		if err != nil {
			answered <- 0
			return
		}
		answered <- res.StatusCode
		_ = res.Body.Close()
	}()
	<-entered
	stop()
	close(release)
	if code := <-answered; code != 200 {
		t.Errorf("got %d; want the request under way finished", code)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWriteFileIsWhole(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ports.json")
	for _, p := range []Ports{{HTTP: "127.0.0.1:1", QUIC: "127.0.0.1:2"}, {HTTP: "127.0.0.1:3", QUIC: "127.0.0.1:4", Gossip: "127.0.0.1:5"}} {
		if err := WriteFile(name, p); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(name)
		var got Ports
		if err != nil || json.Unmarshal(b, &got) != nil || got != p {
			t.Errorf("got %s, %v; want %+v", b, err, p)
		}
	}
	if list, _ := os.ReadDir(filepath.Dir(name)); len(list) != 1 {
		t.Errorf("got %v; want nothing left beside it", list)
	}
	if err := WriteFile(filepath.Join(name, "x", "y"), 1); err == nil {
		t.Error("got nil; want an error for a folder that isn't there")
	}
}

func TestTimes(t *testing.T) {
	b, err := json.Marshal(struct {
		At  Time
		Day *Date
		No  *Date
		Raw Bytes
	}{Millis(1_790_000_000_123), DateOf(1_790_000_000), DateOf(0), Bytes{0xfb, 0xff}})
	want := `{"At":"2026-09-21T20:13:20.123+06:00","Day":"2026-09-21","No":null,"Raw":"-_8"}`
	if err != nil || string(b) != want {
		t.Errorf("got %s, %v; want %s", b, err, want)
	}
	var back struct {
		At  Time
		Day *Date
		Raw Bytes
	}
	if err := json.Unmarshal(b, &back); err != nil || back.At.UnixMilli() != 1_790_000_000_123 || back.Day.Format(time.DateOnly) != "2026-09-21" || len(back.Raw) != 2 {
		t.Errorf("got %+v, %v", back, err)
	}
}

// TestLimiterHoldsInEveryWindow tries one address at random moments and counts,
// for each attempt that passed, those that passed in the minute before it.
func TestLimiterHoldsInEveryWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, now := NewLimiter(5, time.Minute), time.Unix(1_000_000, 0)
		var passed []time.Time
		for _, gap := range rapid.SliceOfN(rapid.IntRange(0, 20_000), 10, 100).Draw(t, "gaps") {
			now = now.Add(time.Duration(gap) * time.Millisecond)
			before := 0
			for _, p := range passed {
				if now.Sub(p) < time.Minute {
					before++
				}
			}
			got := l.Take("a", now) == nil
			if want := before < 5; got != want {
				t.Fatalf("%d in the minute before: passed %t; want %t", before, got, want)
			}
			if got {
				passed = append(passed, now)
			}
		}
	})
}

// TestTooLongIsSaidBeforeItIsRead: an application longer than what is ever read
// is 413, whatever it holds; many callers at once find the same limit.
func TestTooLongIsSaidBeforeItIsRead(t *testing.T) {
	a := New(Options{Title: "Test", Version: "1", Auth: people{}, Logger: slog.New(slog.DiscardHandler)})
	read := func(w http.ResponseWriter, r *http.Request, _ Caller) {
		if _, err := ReadBody(r); err != nil {
			a.Fail(w, "read", err)
		}
	}
	a.Raw(Route{Method: "POST", Path: "/v1/applications", ID: "file", Public: true, MaxBody: ApplicationBody}, nil, nil, read)
	a.Raw(Route{Method: "POST", Path: "/v1/small", ID: "small", Public: true}, nil, nil, read)
	post := func(path string, size int) int {
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", path, strings.NewReader(strings.Repeat(" ", size)))
		r.Header.Set("Idempotency-Key", "k")
		a.ServeHTTP(w, r)
		return w.Code
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, c := range []struct {
				path       string
				size, want int
			}{
				{"/v1/applications", catalogue.MaxBody, 200},
				{"/v1/applications", catalogue.MaxBody + 1, 413},
				{"/v1/small", SmallBody, 200},
				{"/v1/small", SmallBody + 1, 413},
			} {
				if got := post(c.path, c.size); got != c.want {
					t.Errorf("%d bytes to %s: got %d; want %d", c.size, c.path, got, c.want)
				}
			}
		})
	}
	wg.Wait()
}
