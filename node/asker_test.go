package node

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/replication"
)

const elsewhere = protocol.Number(4100109292280148)

// asking is an asker in one session, with a hub that answers as the test says; linked is
// whether it is heard.
func asking(linked *bool, answers bool, hub func(*protocol.Inquiry) *protocol.Inquiry) *asker {
	a := newAsker(func() bool { return *linked })
	h := &host{asks: a}
	a.join(1, replication.Line{Ask: func(q *protocol.Inquiry) {
		if answer := hub(q); answer != nil {
			go h.Inquired(context.Background(), replication.Peer{}, answer)
		}
	}})
	a.met(replication.Peer{Session: 1, Hello: &protocol.Hello{Answers: answers}})
	return a
}

// TestAskedElsewhere: the hub's word of now; what it said before once it is silent or gone;
// and that it does not know, which takes back what it said (R-TR4).
func TestAskedElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		linked := true
		var says func(*protocol.Inquiry) *protocol.Inquiry
		a := asking(&linked, true, func(q *protocol.Inquiry) *protocol.Inquiry { return says(q) })
		stage := func(s string) func(*protocol.Inquiry) *protocol.Inquiry {
			return func(q *protocol.Inquiry) *protocol.Inquiry {
				return &protocol.Inquiry{ID: q.ID, Number: q.Number, Told: &protocol.Told{Standing: protocol.Standing{Number: q.Number, Stage: s}}}
			}
		}
		silent := func(*protocol.Inquiry) *protocol.Inquiry { return nil }
		for i, c := range []struct {
			linked bool
			says   func(*protocol.Inquiry) *protocol.Inquiry
			stage  string
			now    bool
			kind   fault.Kind
		}{
			{linked: false, says: silent, kind: fault.Unavailable},
			{linked: true, says: silent, kind: fault.Unavailable},
			{linked: true, says: stage("RECEIVED"), stage: "RECEIVED", now: true},
			{linked: true, says: silent, stage: "RECEIVED"},
			{linked: true, says: stage("APPROVED"), stage: "APPROVED", now: true},
			{linked: false, says: silent, stage: "APPROVED"},
			{linked: true, says: func(q *protocol.Inquiry) *protocol.Inquiry { // Of another number: nobody's.
				return &protocol.Inquiry{ID: q.ID, Number: q.Number + 97, Told: &protocol.Told{Standing: protocol.Standing{Stage: "CLOSED"}}}
			}, stage: "APPROVED"},
			{linked: true, says: func(q *protocol.Inquiry) *protocol.Inquiry {
				return &protocol.Inquiry{ID: q.ID, Number: q.Number, Fault: &protocol.Failure{Kind: fault.NotFound}}
			}, kind: fault.NotFound},
			{linked: false, says: silent, kind: fault.Unavailable},
		} {
			linked, says = c.linked, c.says
			told, now, err := a.ask(t.Context(), elsewhere)
			switch {
			case c.kind != 0:
				if !errors.Is(err, c.kind) {
					t.Fatalf("%d: got %+v, %v; want %v", i, told, err, c.kind)
				}
			case err != nil || told.Standing.Stage != c.stage || now != c.now:
				t.Fatalf("%d: got %+v, now %v, %v; want %s, %v", i, told, now, err, c.stage, c.now)
			}
		}
		if len(a.waiting) != 0 {
			t.Errorf("%d questions wait for nobody", len(a.waiting))
		}
	})
}

// TestHubOfBeforeIsNotAsked: a hub whose hello promises no answer is not waited for.
func TestHubOfBeforeIsNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		linked := true
		a := asking(&linked, false, func(*protocol.Inquiry) *protocol.Inquiry {
			t.Error("it was asked")
			return nil
		})
		if _, _, err := a.ask(t.Context(), elsewhere); !errors.Is(err, fault.Unavailable) {
			t.Errorf("got %v; want Unavailable", err)
		}
		a.leave(1)
		if len(a.lines)+len(a.answers) != 0 {
			t.Errorf("a session that is over is remembered: %+v", a.lines)
		}
	})
}

// TestManyAsk: of those who ask at one time, some are told to ask again rather than to wait.
func TestManyAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		linked := true
		a := asking(&linked, true, func(*protocol.Inquiry) *protocol.Inquiry { return nil })
		for range maxAsked {
			go func() { _, _, _ = a.ask(t.Context(), elsewhere) }()
		}
		synctest.Wait()
		if _, _, err := a.begin(elsewhere); !errors.Is(err, fault.Unavailable) || len(a.waiting) != maxAsked {
			t.Errorf("got %v with %d waiting; want one more refused", err, len(a.waiting))
		}
	})
}
