package register

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// TestProcedureHolds sends officers' commands in random order, many an entry, and
// reads every case's history afterwards: no forward, approval or rejection without
// a preliminary decision by the same officer since the assignment (R-OF4, I1), and
// the state is what the history adds up to. A refused command leaves nothing but
// its answer and a draft.
func TestProcedureHolds(t *testing.T) {
	var moved int
	rapid.Check(t, func(rt *rapid.T) {
		w := newTown(t, newMemory(), newMemory())
		w.settle()
		b := w.enrol("41-09-17")
		for i := range 3 {
			b.submit(licence(t), uint64(i))
		}
		b.mustBring(1, 3)
		officers := []string{"anna", "bilal", "chair", "far"}
		methods := []Method{Take, Note, Decide, Forward, Approve, Reject}
		for range rapid.IntRange(5, 40).Draw(rt, "entries") {
			e := &Entry{}
			for range rapid.IntRange(1, 3).Draw(rt, "commands") {
				n := rapid.SampledFrom(b.numbers).Draw(rt, "case")
				c, err := w.first().Case(n)
				if err != nil {
					rt.Fatal(err)
				}
				who := rapid.SampledFrom(append(officers, c.State.Holder, c.State.Holder)).Draw(rt, "who")
				if who == "" {
					who = map[string]string{"secretary": "anna", "chairman": "chair"}[c.State.Seat.Post]
				}
				m := rapid.SampledFrom(methods).Draw(rt, "act")
				a := Act{Text: "x"}
				if m == Decide {
					a.Opinion = application.ForApproval
				}
				if m == Reject {
					a.Reason = "R1"
				}
				cmd := act(who, m, n, c.State.Version-uint64(rapid.IntRange(0, 9).Draw(rt, "stale")/9), a)
				w.ids++
				cmd.ID = rapid.StringN(1, 8, -1).Draw(rt, "id")
				e.Commands = append(e.Commands, cmd)
			}
			before, _ := w.first().base.(*memory).now()
			out := w.apply(e)
			after, _ := w.first().base.(*memory).now()
			if !slices.ContainsFunc(out.Results, func(r Result) bool { return r.Fault == nil }) {
				for _, tag := range changed(before, after) {
					if tag != 'M' && tag != 'X' && tag != 'D' && tag != 'B' {
						rt.Fatalf("refused commands changed %q", changed(before, after))
					}
				}
			}
		}
		w.agree()
		for _, n := range b.numbers {
			c, err := w.first().Case(n)
			if err != nil {
				rt.Fatal(err)
			}
			moved += w.history(rt, c)
		}
	})
	if moved == 0 {
		t.Error("no case ever moved: the test looks at nothing")
	}
}

// history replays a case's turns by rules of its own, and returns how many of
// them needed a decision.
func (w *town) history(rt *rapid.T, c *Case) (moved int) {
	decided := map[string]bool{}
	stage, holder, seat := application.None, "", place.Seat{}
	for i, turn := range c.History {
		if turn.Version != uint64(i+1) {
			rt.Fatalf("turn %d has version %d", i, turn.Version)
		}
		switch turn.Action {
		case application.Accept:
			stage = application.Received
		case application.Take:
			stage, holder, decided = application.UnderReview, turn.Actor, map[string]bool{}
		case application.Decide:
			decided[turn.Actor] = true
		case application.Forward, application.Approve, application.Reject:
			if moved++; !decided[turn.Actor] || holder != turn.Actor {
				rt.Fatalf("%s %s without a decision of his own: %+v", turn.Actor, turn.Action, c.History)
			}
			holder, decided = "", map[string]bool{}
			stage = map[application.Action]application.Stage{
				application.Forward: application.Received, application.Approve: application.Approved, application.Reject: application.Rejected,
			}[turn.Action]
		default: // Moves nothing.
		}
		seat = turn.Seat
	}
	if stage != c.State.Stage || holder != c.State.Holder || seat != c.State.Seat || c.State.Version != uint64(len(c.History)) {
		rt.Fatalf("the state %+v is not what the history adds up to", c.State)
	}
	tasks, _, err := w.first().Tasks(TaskQuery{Office: seat.Office, Post: seat.Post})
	if err != nil {
		rt.Fatal(err)
	}
	listed := slices.ContainsFunc(tasks, func(k Task) bool {
		return k.Number == c.Number && k.Holder == c.State.Holder && k.Version == c.State.Version && k.Stage == c.State.Stage.String()
	})
	if listed != c.State.Stage.Open() {
		rt.Fatalf("case at %v: listed %v", c.State, listed)
	}
	return moved
}

// TestCaseFileHasABound: notes and repeated opinions stop before a case outgrows
// the store; its way to the end stays open.
func TestCaseFileHasABound(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		n := b.submit(licence(t), 1)
		b.mustBring(1, 1)
		long := strings.Repeat("ক", application.MaxText/3)
		w.must(act("anna", Take, n, 1, Act{}))
		version, refusals := uint64(2), 0
		for range 60 {
			m, a := Note, Act{Text: long}
			if version%2 == 0 {
				m, a.Opinion = Decide, application.Other
			}
			res := w.do(act("anna", m, n, version, a))
			if res.Fault != nil {
				wantFault(t, "a full file", res.Fault, fault.Invalid)
				refusals++
				continue
			}
			version = res.Version
		}
		if refusals == 0 {
			t.Fatal("the file takes everything")
		}
		version = w.must(act("anna", Forward, n, version, Act{Text: long})).Version
		version = w.must(act("chair", Take, n, version, Act{})).Version
		version = w.must(act("chair", Decide, n, version, Act{Opinion: application.ForApproval, Text: long})).Version
		w.must(act("chair", Approve, n, version, Act{Text: long}))
	})
}

// TestFullEntries: what a transaction can't take is sent again, and nothing of it
// is lost or done twice.
func TestFullEntries(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		big := make([]byte, 60<<10)
		for i := range 60 { // 3.6 MiB of events that compress to nothing much.
			e := &protocol.Event{
				Kind: protocol.Submitted, At: dawn, Nonce: u64(uint64(i)), Pin: &protocol.Pin{Service: "trade-licence", Version: 1, Hash: [8]byte(licence(t).Hash[:8])},
				Payload: protocol.Marshal(&protocol.Submission{Channel: "counter", Form: big}),
			}
			b.add(e)
		}
		e := &Entry{}
		for i := 1; i <= 60; i += 20 {
			e.Ingests = append(e.Ingests, b.ingest(i, i+19))
		}
		out := w.apply(e)
		taken := 0
		for i, res := range out.Ingests {
			taken += res.Accepted
			if i == 0 && res.Fault != nil {
				t.Fatalf("an empty transaction refuses a block: %v", res.Fault.Err())
			}
			if res.Fault != nil {
				wantFault(t, "full", res.Fault, fault.Unavailable)
			}
		}
		if taken == 60 {
			t.Fatal("the transaction has no bound")
		}
		for from := taken; from < 60; from += 20 {
			b.mustBring(from+1, from+20)
		}
		w.onceEach([]*box{b})
	})
}
