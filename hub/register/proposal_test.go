package register

import (
	"slices"
	"testing"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
)

// propose asks for another term of the trade licence.
func propose(w *town, user, was, value string) Result {
	w.t.Helper()
	return w.do(NewCommand("", user, ProposeChange, &ChangeAsked{
		Service: "trade-licence", Field: "sla_days", Was: was, Value: value, Reason: "the desk is quick", Release: w.first().Release(),
	}))
}

func proposed(w *town, user, was, value string) string {
	w.t.Helper()
	res := propose(w, user, was, value)
	if res.Fault != nil {
		w.t.Fatalf("%s proposes %s: %v", user, value, res.Fault.Err())
	}
	var p dcat.Proposal
	if err := res.Decode(&p); err != nil {
		w.t.Fatal(err)
	}
	return p.ID
}

// meeting is what the proposals on the term come to, nil where none waits.
func meeting(w *town) *dcat.Meeting {
	w.t.Helper()
	list, err := w.first().Meetings()
	if err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(m dcat.Meeting) bool { return m.Field == "sla_days" })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// fates are those of the settled proposals, the oldest first.
func fates(w *town) (list []dcat.Fate) {
	w.t.Helper()
	_, settled, err := w.first().Proposals(100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range settled {
		list = append(list, p.Fate)
	}
	return list
}

// termed is the trade licence with another term.
func termed(t *testing.T, number, days int) *dcat.Version {
	t.Helper()
	v := version(t, "trade-licence", number, "secretary", "chairman")
	v.SLADays = days
	var err error
	if v.Hash, err = catalogue.HashVersion(v); err != nil {
		t.Fatal(err)
	}
	return v
}

func settleOn(accept string) Command {
	return NewCommand("", "root", SettleProposals, &Choice{Service: "trade-licence", Field: "sla_days", Accept: accept, Reason: "as the DC decided"})
}

// TestProposals: two offices ask for two values, which is a conflict until the authority
// chooses; what it chose is in force once a release has it, and each maker reads what
// came of his.
func TestProposals(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		const has, other = "7", "71"
		for _, user := range []string{"rahima", "audit", "root"} {
			wantFault(t, user+" proposes", propose(w, user, has, other).Fault, fault.Denied)
		}
		wantFault(t, "what is in force", propose(w, "anna", has, has).Fault, fault.Conflict)
		wantFault(t, "no such service", w.do(NewCommand("", "anna", ProposeChange, &ChangeAsked{Service: "x", Field: "sla_days", Was: "1", Value: "2", Reason: "r"})).Fault, fault.NotFound)
		wantFault(t, "no such field", w.do(NewCommand("", "anna", ProposeChange, &ChangeAsked{Service: "trade-licence", Field: "steps.gone.name", Was: "1", Value: "2", Reason: "r"})).Fault, fault.Invalid)
		wantFault(t, "no reason", w.do(NewCommand("", "anna", ProposeChange, &ChangeAsked{Service: "trade-licence", Field: "sla_days", Was: has, Value: other})).Fault, fault.Invalid)

		proposed(w, "anna", has, "90")
		first := proposed(w, "anna", has, "91") // Her second takes the place of her first.
		if m := meeting(w); m == nil || m.Conflict != "" || m.Value != "91" || m.Has != has {
			t.Fatalf("one proposal alone: %+v", m)
		}
		second := proposed(w, "uno", has, "92")
		if m := meeting(w); m.Conflict != dcat.ConflictValues || len(m.Proposals) != 2 {
			t.Fatalf("two values: %+v", m)
		}
		wantFault(t, "an officer settles", w.do(NewCommand("", "anna", SettleProposals, &Choice{Service: "trade-licence", Field: "sla_days", Reason: "mine"})).Fault, fault.Denied)
		wantFault(t, "one that does not wait", w.do(settleOn("9-9")).Fault, fault.NotFound)
		w.must(settleOn(second))
		if m := meeting(w); m.Conflict != "" || m.Value != "92" || m.Proposals[0].Words != "as the DC decided" {
			t.Errorf("after the choice: %+v", m)
		}
		if got := fates(w); !slices.Equal(got, []dcat.Fate{dcat.Replaced, dcat.Declined}) {
			t.Errorf("settled %v", got)
		}

		w.publish(2, directory("41-09-17", "41-09-23"), termed(t, 2, 93)) // Not what was chosen: it goes on waiting.
		if m := meeting(w); m == nil || m.Has != "93" || m.Value != "92" {
			t.Errorf("after another value: %+v", m)
		}
		moved := proposed(w, "far", has, "94")
		if m := meeting(w); m.Conflict != dcat.ConflictValues {
			t.Errorf("a later proposal beside the choice: %+v", m)
		}
		w.must(settleOn("")) // Neither.
		wantFault(t, "once more", w.do(settleOn("")).Fault, fault.NotFound)
		last := proposed(w, "far", has, "95")
		if m := meeting(w); m.Conflict != dcat.ConflictMoved {
			t.Errorf("on a value of before: %+v", m)
		}
		w.must(settleOn(last))
		w.publish(3, directory("41-09-17", "41-09-23"), termed(t, 3, 95))
		if m := meeting(w); m != nil {
			t.Errorf("still waiting: %+v", m)
		}
		_, settled, err := w.reopen(w.registers[0].base).Proposals(100)
		if err != nil || len(settled) != 5 {
			t.Fatalf("%d settled, %v; want all five proposals", len(settled), err)
		}
		came := map[string]dcat.Fate{}
		for _, p := range settled {
			came[p.ID] = p.Fate
			if p.Fate == dcat.InForce && p.Since != 3 {
				t.Errorf("%+v; want in force since release 3", p)
			}
		}
		if came[first] != dcat.Declined || came[second] != dcat.Declined || came[moved] != dcat.Declined || came[last] != dcat.InForce {
			t.Errorf("came %v", came)
		}
	})
}
