package desk

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"kendro/domain/access"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// doubles is the whole list as somebody reads it: a page after the other, until all is compared.
func (o screens) doubles(user, limit string) (all []api.Double, pages int) {
	o.t.Helper()
	for {
		q := url.Values{"limit": {limit}}
		var last api.DoubleList
		for all, pages = nil, 0; ; {
			last = into[api.DoubleList](o.t, o.call(user, "GET", api.DoublesPath+"?"+q.Encode(), ""), 200)
			all, pages = append(all, last.Doubles...), pages+1
			if last.Next == "" {
				break
			}
			q.Set("cursor", last.Next)
		}
		if last.Complete {
			return all, pages
		}
	}
}

// TestDoublesAreListedAbove: whoever has the area sees which open cases are likely one
// person's, why and how strongly, until an officer has said something or one of them ends
// (DOMAIN §7 rows 2 and 34).
func TestDoublesAreListedAbove(t *testing.T) {
	o := screens{newOffice(t)}
	first := o.file(1)
	o.file(2)
	twin := o.twin(3, first)
	card := func(m map[string]any) { m["identifiers"] = []any{map[string]any{"type": "nid", "value": "1234567890"}} }
	o.fileAs(4, card)
	third := o.fileAs(5, func(m map[string]any) {
		card(m)
		m["name_bn"], m["name_en"] = "ভিন্ন মানুষ", "Another Person"
	})

	all, pages := o.doubles("uno", "1")
	if pages != len(all) && pages != len(all)+1 {
		t.Errorf("%d pages of one for %d", pages, len(all))
	}
	find := func(list []api.Double, later, earlier protocol.Number) *api.Double {
		i := slices.IndexFunc(list, func(d api.Double) bool { return d.Later.Number == later && d.Earlier.Number == earlier })
		if i < 0 {
			return nil
		}
		return &list[i]
	}
	d := find(all, twin, first)
	if d == nil || d.Grade != "likely" || !slices.Contains(d.Because, "same_name") || d.Earlier.Applicant == nil || d.Later.Seat != o.seat(0).String() {
		t.Fatalf("got %+v; want %s as %s once more", all, twin, first)
	}
	if d := find(all, third, first); d != nil {
		t.Errorf("two people: %+v", d)
	}
	if i := slices.IndexFunc(all, func(d api.Double) bool { return d.Later.Number == third }); i < 0 || all[i].Grade != "doubtful" || !slices.Equal(all[i].Identifiers, []string{"nid"}) {
		t.Errorf("one card and two people: %+v", all)
	}
	if !slices.IsSortedFunc(all, func(a, b api.Double) int { return b.Score - a.Score }) {
		t.Errorf("not the strongest first: %+v", all)
	}
	for user, want := range map[string]int{"root": 403, "rahima": 403, "audit": 200, "anna": 200} {
		if w := o.call(user, "GET", api.DoublesPath, ""); w.Code != want {
			t.Errorf("%s: %d; want %d", user, w.Code, want)
		}
	}
	into[api.Problem](t, o.call("uno", "GET", api.DoublesPath+"?cursor=x!", ""), 400)

	page := func(user string) string {
		w := o.page(user, "GET", "/desk/doubles", nil)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", user, w.Code, w.Body)
		}
		return w.Body.String()
	}
	id := "double-" + twin.String() + "-" + first.String()
	for _, want := range []string{id, `href="/desk/cases/` + twin.String() + `/similar"`, `href="/desk/cases/` + first.String() + `"`, "একই নাম", "একই পরিচয় নম্বর: জাতীয় পরিচয়পত্র", "খুব সম্ভব একই ব্যক্তি"} {
		if !strings.Contains(page("uno"), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	// What an officer says takes the two off the list; taken back, they come again with it.
	say := func(verdict string, saw int) {
		t.Helper()
		cmd := register.NewCommand(api.NewKey(), "anna", register.Relate, register.Likening{Other: first, Verdict: verdict, Text: "দুই কার্ড দেখেছি", Saw: saw})
		cmd.Number = twin
		if res, err := o.Do(t.Context(), cmd); err != nil || res.Fault != nil {
			t.Fatal(err, res.Fault)
		}
	}
	say("different", 0)
	if all, _ = o.doubles("uno", "50"); find(all, twin, first) != nil {
		t.Errorf("an officer has said that they are two: %+v", all)
	}
	say("open", 1)
	all, _ = o.doubles("uno", "50")
	if d = find(all, twin, first); d == nil || len(d.Said) != 2 || !strings.Contains(page("uno"), "দুই কার্ড দেখেছি") {
		t.Errorf("taken back: %+v", d)
	}
	o.send(&protocol.Event{Kind: protocol.Withdrawn, At: dawn, Actor: "rahima", Number: first, Payload: protocol.Marshal(&protocol.Withdrawal{Reason: "ভুলে দুবার"})})
	if all, _ = o.doubles("uno", "50"); find(all, twin, first) != nil {
		t.Errorf("one of them has ended: %+v", all)
	}
}

// TestDoublesNameWhatMayBeRead: to who may not read the earlier of two, it is a number.
func TestDoublesNameWhatMayBeRead(t *testing.T) {
	o := screens{newOffice(t)}
	o.services = "winter-blanket" // From the union to an office of the upazila.
	first := o.file(1)
	twin := o.twin(2, first)
	o.acts(twin, "anna", "take", "")
	o.acts(twin, "anna", "decide", `{"opinion":"approve","text":"দেখা হয়েছে"}`)
	o.acts(twin, "anna", "forward", "")
	c, err := o.reg.Case(twin)
	if err != nil || c.State.Seat.Office == o.seat(0).Office {
		t.Fatalf("it lies at %v, %v", c.State.Seat, err)
	}
	u, err := o.reg.User("anna")
	if err != nil {
		t.Fatal(err)
	}
	o.must("root", register.AddUser, register.User{Name: "relief", Role: access.Officer, Seat: c.State.Seat, Hash: u.Hash, From: 1})
	for user, named := range map[string]bool{"relief": false, "uno": true, "audit": true} {
		all, _ := o.doubles(user, "50")
		if len(all) != 1 || all[0].Earlier.Number != first || (all[0].Earlier.Applicant != nil) != named || all[0].Later.Applicant == nil {
			t.Errorf("%s sees %+v; want the earlier one's name: %v", user, all, named)
		}
		text := o.page(user, "GET", "/desk/doubles", nil).Body.String()
		if !strings.Contains(text, first.Bangla()) || strings.Contains(text, `href="/desk/cases/`+first.String()+`"`) != named || strings.Contains(text, "আপনার এলাকার বাইরে") == named {
			t.Errorf("the page of %s leads to the earlier one; want %v", user, named)
		}
	}
	if all, _ := o.doubles("anna", "50"); len(all) != 0 {
		t.Errorf("the later one left this office: %+v", all)
	}
}
