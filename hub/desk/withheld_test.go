package desk

import (
	"crypto/ed25519"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// withdraw publishes a release without the service.
func (o screens) withdraw() {
	o.t.Helper()
	r := o.set.Release
	r.Number++
	r.Services = slices.DeleteFunc(slices.Clone(r.Services), func(e dcat.Entry) bool { return e.ID == service })
	signed, err := catalogue.Sign(&r, ed25519.NewKeyFromSeed(seed("catalogue")))
	if err != nil {
		o.t.Fatal(err)
	}
	o.must("root", register.Publish, register.Parcel{Signed: protocol.Marshal(&signed)})
}

// overseer gives the seat that watches the centre an officer.
func (o screens) overseer() string {
	o.t.Helper()
	seat, ok := o.set.Directory.Overseer(centre.Area())
	if !ok {
		o.t.Fatal("nobody watches the centre")
	}
	u, err := o.reg.User("anna")
	if err != nil {
		o.t.Fatal(err)
	}
	o.must("root", register.AddUser, register.User{Name: "nirbahi", Role: access.Officer, Seat: seat, Hash: u.Hash, From: 1})
	return "nirbahi"
}

// TestRows9And25OnTheConflictDesk: what is withheld stands on its owner's desk once, with a
// deadline and words for the citizen, and is settled there on the page.
func TestRows9And25OnTheConflictDesk(t *testing.T) {
	o := screens{newOffice(t)}
	uno := o.overseer()
	before := o.file(1)
	o.withdraw()
	gone, refused := o.file(2), o.file(3)
	o.must("root", register.RevokeNode, register.Revocation{Centre: centre, Reason: "stolen", GossipKey: seed("g")})
	after := news(protocol.Withdrawn, before, &protocol.Withdrawal{Reason: "আর লাগবে না"})
	after.At = o.now().UnixMilli() + 1000
	o.send(after)

	for user, want := range map[string][]string{"anna": {"service-withdrawn", "service-withdrawn"}, uno: {"after-revocation"}, "dc": nil} {
		list := o.unsettled(user, "mine")
		if got := kindsOf(list); !slices.Equal(got, want) {
			t.Errorf("%s has %v; want %v", user, got, want)
		}
		for _, it := range list {
			if it.Due == nil || it.Name.BN == "" || it.Do.BN == "" || it.Says.BN == "" || it.Charged != (it.Kind == "after-revocation") || len(it.Outcomes) != 2 {
				t.Errorf("%s: %+v", user, it)
			}
		}
	}
	settle := func(user string, n protocol.Number, outcome string) {
		t.Helper()
		list := o.unsettled(user, "mine")
		i := slices.IndexFunc(list, func(it api.Item) bool { return it.Number == n })
		if i < 0 {
			t.Fatalf("%s has no item of %v", user, n)
		}
		page := o.page(user, "GET", "/desk/items", nil).Body.String()
		if !strings.Contains(page, `value="`+outcome+`"`) {
			t.Errorf("the page of %s offers no %s", user, outcome)
		}
		form := url.Values{"key": {api.NewKey()}, "outcome": {outcome}, "text": {"রসিদ দেখা হয়েছে"}}
		if w := o.page(user, "POST", "/desk/items/"+list[i].ID, form); w.Code != http.StatusSeeOther {
			t.Fatalf("%s %s: got %d: %s", user, outcome, w.Code, w.Body)
		}
	}
	settle("anna", gone, "accepted")
	settle("anna", refused, "refused")
	settle(uno, before, "honoured")
	for n, want := range map[protocol.Number]application.Stage{gone: application.Received, refused: application.Rejected, before: application.Withdrawn} {
		if c, err := o.reg.Case(n); err != nil || c.State.Stage != want {
			t.Errorf("%v is %v, %v; want %v", n, c.State.Stage, err, want)
		}
	}
	if w := o.call("", "GET", "/v1/track/"+refused.String(), ""); !strings.Contains(w.Body.String(), "REJECTED") {
		t.Errorf("the citizen reads %s", w.Body)
	}
	if got := o.silentDrops(); got != "0" {
		t.Errorf("kendro_silent_drops %s; want 0", got)
	}
}
