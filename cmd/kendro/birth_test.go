package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kendro/hub"
	"kendro/web/api"
)

// A civilRegister is the national register, as docs/connectors.md has it: a real HTTP
// server that a test lets fail.
type civilRegister struct {
	*httptest.Server

	mu      sync.Mutex        // Guards all below.
	token   string            // Whom it answers; empty: everybody.
	down    bool              // It hangs up on everybody.
	deaf    bool              // It does what it is asked and hangs up: the answer is lost.
	refuses map[string]string // By request: why.
	numbers map[string]string // By request.
	posts   map[string]int    // How often each came, whatever became of it.
}

func newCivilRegister(t *testing.T) *civilRegister {
	r := &civilRegister{refuses: map[string]string{}, numbers: map[string]string{}, posts: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /requests/{id}", func(w http.ResponseWriter, q *http.Request) { r.answer(w, q.PathValue("id")) })
	mux.HandleFunc("POST /requests", func(w http.ResponseWriter, q *http.Request) {
		var in struct {
			ID   string         `json:"request_id"`
			Form map[string]any `json:"form"`
		}
		if err := json.NewDecoder(q.Body).Decode(&in); err != nil || in.ID != q.Header.Get("Idempotency-Key") || in.Form["mother_nid"] == "" {
			http.Error(w, "no such request", http.StatusBadRequest)
			return
		}
		r.take(in.ID)
		r.answer(w, in.ID)
	})
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		let := r.token == "" || q.Header.Get("Authorization") == "Bearer "+r.token
		r.mu.Unlock()
		if !let {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, q)
	}))
	t.Cleanup(r.Close)
	return r
}

// take registers what came for the first time.
func (r *civilRegister) take(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		return
	}
	r.posts[id]++
	if r.numbers[id] == "" && r.refuses[id] == "" {
		r.numbers[id] = fmt.Sprintf("2026419%010d", len(r.numbers)+1)
	}
}

func (r *civilRegister) answer(w http.ResponseWriter, id string) {
	r.mu.Lock()
	down, deaf, number, reason := r.down, r.deaf && r.posts[id] > 0, r.numbers[id], r.refuses[id]
	if deaf {
		r.deaf = false // Once.
	}
	if r.posts[id] == 0 {
		reason = ""
	}
	r.mu.Unlock()
	out := map[string]string{"request_id": id, "state": "registered", "number": number}
	switch {
	case down || deaf:
		panic(http.ErrAbortHandler)
	case reason != "":
		out = map[string]string{"request_id": id, "state": "refused", "reason": reason}
	case number == "":
		w.WriteHeader(http.StatusNotFound)
	}
	_ = json.NewEncoder(w).Encode(out) // Who asked may be gone.
}

func (r *civilRegister) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// TestBirthAtAnOutageOfTheRegister is flow C: filed at a box without a hub, fees by age,
// one birth told twice and twins, and a national register that is out, loses an answer
// and refuses: every birth is in it once, and nothing is issued before.
func TestBirthAtAnOutageOfTheRegister(t *testing.T) {
	national := newCivilRegister(t)
	national.set(func() { national.down = true })
	token := filepath.Join(t.TempDir(), "token")
	x := newTale(t, map[string]hub.Connector{"civil-registration": {URL: national.URL, Token: token}})
	x.officer("secretary", "secretary@local-41-09-17")
	x.officer("chairman", "chairman@local-41-09-17")

	x.down(x.hub)
	born := func(daysAgo int, mother, name string, twin bool, government int64) string {
		t.Helper()
		n := x.file("birth-registration", map[string]any{
			"birth_date": x.now().AddDate(0, 0, -daysAgo).Format(time.DateOnly), "mother_nid": mother, "child_name_bn": name, "twin": twin,
		})
		if x.paid["government"] != government {
			t.Errorf("%d days after the birth %d poisha are paid; want %d", daysAgo, x.paid["government"], government)
		}
		return n
	}
	const mother, other = "1234567890", "9876543210"
	first := born(10, mother, "মিতু", false, 0)
	again := born(13, mother, "মিতু", true, 0) // Twins have two names.
	son, daughter := born(100, other, "রাজু", true, 2500), born(100, other, "রানি", true, 2500)
	born(3000, "1122334455", "করিম", false, 5000)
	x.up(x.hub)
	x.stage(daughter, "RECEIVED")

	// One birth told twice is one; twins are two.
	x.desk("secretary", "take "+again)
	var record api.Record
	x.get("secretary", x.hub, "/v1/applications/"+again, &record)
	if len(record.Items) != 1 || record.Items[0].Kind != "likely-duplicate" || !strings.Contains(record.Items[0].Text, first) {
		t.Fatalf("the second telling has the items %+v", record.Items)
	}
	x.desk("secretary", "duplicate "+again+" --primary "+first+" --reason 'the same card'")
	for _, n := range []string{first, son, daughter} {
		x.decided("secretary", n, "forward")
		x.decided("chairman", n, "approve")
		x.stage(n, "IN_PREPARATION")
	}

	// The register is out, and the hub is started anew meanwhile.
	x.refused("a required check is not done: registered", "desk issue "+first+" "+x.as("chairman", x.hub))
	x.down(x.hub)
	x.up(x.hub)
	x.get("chairman", x.hub, "/v1/applications/"+daughter, &record)
	if record.Outside == nil || record.Outside.Position != 3 || record.Outside.Since == nil {
		t.Fatalf("in the queue: %+v; want the third place", record.Outside)
	}
	// It is back, and wants a token: none is there, then another one, then the right one.
	x.until("register civil-registration.*files since", "hub status --dir hub")
	writeToken := func(text string) {
		if err := os.WriteFile(token, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	writeToken("another")
	national.set(func() { national.down, national.token = false, "right" })
	x.until("register civil-registration.*denied since", "hub status --dir hub")
	var awaited api.AwaitedList
	x.get("chairman", x.hub, api.AwaitedPath, &awaited)
	if len(awaited.Cases) != 3 || awaited.Cases[2].Number.String() != daughter || awaited.Cases[0].Tries == 0 ||
		len(awaited.Registers) != 1 || awaited.Registers[0].Waiting != 3 || awaited.Registers[0].Trouble != "denied" {
		t.Errorf("what waits, and why: %+v", awaited)
	}
	if len(national.posts) != 0 {
		t.Errorf("%v were sent; want nothing before the token is right", national.posts)
	}
	writeToken("right")
	national.set(func() {
		national.deaf = true
		national.refuses[daughter] = "the mother is not registered"
	})
	numberOf := func(n string) string {
		t.Helper()
		x.until(`"outside":\{"number":"`, "desk show "+n+" --output json "+x.as("chairman", x.hub))
		x.get("chairman", x.hub, "/v1/applications/"+n, &record)
		return record.Outside.Number
	}
	if a, b := numberOf(first), numberOf(son); a == b || a != national.numbers[first] || b != national.numbers[son] {
		t.Errorf("the numbers are %s and %s; the register has %v", a, b, national.numbers)
	}

	// What it refuses is an officer's item, and is asked again when he says so.
	x.until("refused-outside.*the mother is not registered", "desk items "+x.as("chairman", x.hub))
	x.get("chairman", x.hub, "/v1/applications/"+daughter, &record)
	national.set(func() { delete(national.refuses, daughter); national.numbers[daughter] = "20264190000000009" })
	x.kendro("desk settle " + record.Items[0].ID + " --outcome again --text 'the mother is registered now' " + x.as("chairman", x.hub))
	if got := numberOf(daughter); got != "20264190000000009" {
		t.Errorf("after it was asked again the number is %s", got)
	}
	if national.deaf {
		t.Error("no answer was lost: the test looks at less than it says")
	}
	for _, n := range []string{first, son, daughter} {
		if national.posts[n] != 1 {
			t.Errorf("%s was sent %d times to the register; want once", n, national.posts[n])
		}
		x.desk("chairman", "issue "+n)
	}
	x.until(`"stage":"READY"`, "track "+first+" --url http://"+x.box.ports.HTTP+" --output json")
	x.kendro("case hand-over " + first + " --proof nid " + x.as("rahima", x.box))
	x.stage(first, "DELIVERED")
}
