//go:build fault

package faulttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/protocol"
	"kendro/web/api"
)

// An outcome is how a client's call ended. There is no fourth.
type outcome string

const (
	succeeded outcome = "ok"
	rejected  outcome = "rejected" // Certainly not done.
	unknown   outcome = "unknown"  // Perhaps done: repeat it with the same ID.
)

// A client makes calls as one person and counts how they ended.
type client struct {
	token string
	http  *http.Client

	mu    sync.Mutex // Guards what follows.
	ended map[outcome]int
	wrong []string // Calls that ended in none of the three ways.
}

// callIn is how long a call may take before silence counts as an answer.
const callIn = 15 * time.Second

func newClient(token string) *client {
	return &client{token: token, http: &http.Client{Timeout: callIn, Transport: &http.Transport{}}, ended: map[outcome]int{}}
}

// post makes one call; version 0 sends no If-Match.
func (c *client) post(ctx context.Context, url, key string, version uint64, body []byte) (outcome, []byte) {
	how, answer, wrong := c.try(ctx, url, key, version, body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if wrong != "" {
		c.wrong = append(c.wrong, wrong)
	}
	c.ended[how]++
	return how, answer
}

func (c *client) try(ctx context.Context, url, key string, version uint64, body []byte) (how outcome, answer []byte, wrong string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return unknown, nil, err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Idempotency-Key", key)
	if version > 0 {
		req.Header.Set("If-Match", api.ETag(version))
	}
	res, err := c.http.Do(req)
	if err != nil {
		return unknown, nil, "" // Silence.
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	if err != nil {
		return unknown, nil, ""
	}
	if res.StatusCode/100 == 2 {
		return succeeded, answer, ""
	}
	var p api.Problem
	if err := json.Unmarshal(answer, &p); err != nil || p.Outcome != api.Rejected && p.Outcome != api.Unknown {
		return unknown, answer, fmt.Sprintf("%s: %s %.200s", url, res.Status, answer)
	}
	return outcome(p.Outcome), answer, ""
}

// insist repeats a call with the same ID, at one address after another, until
// its outcome is known. It answers unknown when ctx has ended before.
func (c *client) insist(ctx context.Context, urls []string, key string, version uint64, body []byte) (outcome, []byte) {
	for i := 0; ctx.Err() == nil; i++ {
		if how, answer := c.post(ctx, urls[i%len(urls)], key, version, body); how != unknown {
			return how, answer
		}
		pause(ctx, 20*time.Millisecond)
	}
	return unknown, nil
}

// fair fails the test if a call ended in a way that no client can understand.
func (c *client) fair(t *testing.T) string {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, w := range c.wrong {
		if i < 10 {
			t.Errorf("ended neither ok, rejected nor unknown: %s", w)
		}
	}
	return fmt.Sprintf("%d ok, %d rejected, %d unknown", c.ended[succeeded], c.ended[rejected], c.ended[unknown])
}

// A pile is the receipts that citizens have in hand.
type pile struct {
	mu       sync.Mutex // Guards receipts.
	receipts map[protocol.Number]api.Receipt
	twice    []protocol.Number
}

func newPile() *pile { return &pile{receipts: map[protocol.Number]api.Receipt{}} }

func (p *pile) add(answer []byte) error {
	var a api.ApplicationAnswer
	if err := json.Unmarshal(answer, &a); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, had := p.receipts[a.Number]; had {
		p.twice = append(p.twice, a.Number)
	}
	p.receipts[a.Number] = a.Receipt
	return nil
}

func (p *pile) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.receipts)
}

// count compares the receipts with a register: how many are not in it as they
// were printed, and how many cases are there that nobody has a receipt for, or
// twice.
func (p *pile) count(t *testing.T, e district.Export) (lost, extra int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.twice {
		t.Errorf("%s was receipted to two people", n)
	}
	cases, places := map[protocol.Number]district.Case{}, map[string]bool{}
	for _, c := range e.Cases {
		place := fmt.Sprint(c.Log, " ", c.Seq)
		_, receipted := p.receipts[c.Number]
		if _, had := cases[c.Number]; had || places[place] || !receipted {
			t.Errorf("%s at %s is in the register twice, or without a receipt", c.Number, place)
			extra++
		}
		cases[c.Number], places[place] = c, true
	}
	for n, r := range p.receipts {
		c, ok := cases[n]
		if !ok || c.Log != r.Log.String() || c.Seq != r.Seq || c.Hash != r.Hash.String() {
			t.Errorf("%s was receipted at %s %d and is not there in the register", n, r.Log, r.Seq)
			lost++
		}
	}
	return lost, extra
}

// A clerk files one application after another at one counter and keeps at each
// until it has its receipt.
type clerk struct {
	*client
	centre, url string
	c           *country
	pile        *pile
	first       uint64 // Number of his first application.
}

// work files until enough is closed; at most one every gap, 0 for no limit.
func (k *clerk) work(ctx context.Context, enough <-chan struct{}, gap time.Duration) error {
	next := time.Now()
	for i := k.first; ; i++ {
		select {
		case <-enough:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		body, err := k.c.body(k.centre, i)
		if err != nil {
			return err
		}
		how, answer := k.insist(ctx, []string{k.url}, api.NewKey(), 0, body)
		if how != succeeded {
			return fmt.Errorf("application %d at %s was not taken: %s %.300s", i, k.centre, how, answer)
		}
		if err := k.pile.add(answer); err != nil {
			return err
		}
		if next = next.Add(gap); gap > 0 {
			pause(ctx, time.Until(next))
		}
	}
}

// settle waits until everything that was filed is accepted, kills all and reads
// the registers: they are one and the same.
func settle(ctx context.Context, t *testing.T, d *district.District) district.Export {
	t.Helper()
	for _, n := range d.Nodes {
		if err := district.Poll(ctx, func() bool {
			s, err := n.Sync(ctx)
			return err == nil && s.Backlog == 0
		}); err != nil {
			t.Fatalf("%s does not get rid of its backlog: %v", n.Name, err)
		}
	}
	return oneRegister(ctx, t, d)
}

func oneRegister(ctx context.Context, t *testing.T, d *district.District) district.Export {
	t.Helper()
	mark, err := d.Agree(ctx)
	must(t, err)
	d.Kill()
	var first district.Export
	for i, p := range d.Servers {
		e, err := d.Export(ctx, p)
		must(t, err)
		if i == 0 {
			first = e
		}
		if e.Digest != first.Digest || e.Index != mark.Index {
			t.Errorf("%s ends at %d with %s, the first at %d with %s", p.Name, e.Index, e.Digest, first.Index, first.Digest)
		}
	}
	return first
}
