package desk

import (
	"crypto/ed25519"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"kendro/catalogue"
	"kendro/hub/register"
	"kendro/pack/bd"
	"kendro/web/api"
)

// TestAnOfficeReadsWhatBecameOfItsProposal: who proposed a change, and his office, read on a page
// what came of it and what was said; another office doesn't.
func TestAnOfficeReadsWhatBecameOfItsProposal(t *testing.T) {
	o := newOffice(t)
	v := o.version()
	body := fmt.Sprintf(`{"service":%q,"field":"sla_days","was":"%d","value":"%d","reason":"দুই দিনেই হয়","release":1}`, v.ID, v.SLADays, v.SLADays-1)
	p := into[api.Proposal](t, o.call("anna", "POST", api.ProposalsPath, body), http.StatusCreated)
	page := func(user string, want ...string) {
		t.Helper()
		w := o.page(user, "GET", "/desk/proposals", nil)
		for _, text := range want {
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s: %d, and the page lacks %q", user, w.Code, text)
			}
		}
	}
	page("anna", "proposal-"+p.ID, "দুই দিনেই হয়", "পরের সংস্করণে যেতে পারে", "sla_days")
	page("chair", "proposal-"+p.ID)
	page("dc", "আপনার অফিসের কোনো প্রস্তাব নেই")
	o.must("root", register.SettleProposals, register.Choice{Service: v.ID, Field: "sla_days", Reason: "জনবল নেই"})
	page("anna", "proposal-"+p.ID, "গৃহীত হয়নি", "জনবল নেই")
}

// TestProposalWithinTheBounds: what the base does not let a district have is refused at once, with
// the field, the bound and what to do, by the base's own values below an overlay; the bounds are
// those of the release in force, and where it has none whoever publishes finds it.
func TestProposalWithinTheBounds(t *testing.T) {
	p := publisher{newOffice(t), ed25519.NewKeyFromSeed(seed("catalogue"))}
	v := p.version()
	propose := func(field string, value any, status int, want ...string) {
		t.Helper()
		body := fmt.Sprintf(`{"service":%q,"field":%q,"was":"1","value":"%v","reason":"জনবল নেই","release":1}`, v.ID, field, value)
		w := p.call("anna", "POST", api.ProposalsPath, body)
		for _, text := range append(want, field) {
			if w.Code != status || !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s %v: got %d %s; want %d with %q", field, value, w.Code, w.Body, status, text)
			}
		}
	}
	above := fmt.Sprintf("%d is above the bound: want %d or less", v.SLADays+1, v.SLADays)
	propose("sla_days", v.SLADays+1, http.StatusBadRequest, above, "proposes another bound for the base")
	propose("sla_days", v.SLADays-1, http.StatusCreated)
	propose("freshness_days", 3, http.StatusBadRequest, "does not let a district change", "sla_days", "proposes it for the base")

	prev, _ := p.reads(api.ReleaseInForce)
	first := prev.Release
	files, found := catalogue.Files(fstest.MapFS{
		"overlay.yaml":     {Data: []byte("district: \"41\"\nbase: 1\n")},
		"changes/sla.yaml": {Data: fmt.Appendf(nil, "- {service: %s, field: sla_days, value: %d}\n", v.ID, v.SLADays-1)},
	})
	o, more := catalogue.ReadOverlay(files)
	set, origin, wrong, err := catalogue.BuildOver(bd.Pack(), o, prev, []byte("the catalogue's key"), time.UnixMilli(dawn))
	if err != nil || len(found)+len(more)+len(wrong) > 0 {
		t.Fatal(err, found, more, wrong)
	}
	raw, err := catalogue.EncodeOrigin(origin)
	if err != nil {
		t.Fatal(err)
	}
	p.publishes(&set.Release, set.Since(prev), api.PublishRequest{Origin: raw})
	propose("sla_days", v.SLADays+1, http.StatusBadRequest, above)
	propose("sla_days", v.SLADays, http.StatusCreated) // The base's own value is within it.

	silent := set.Release
	silent.Number, silent.Bounds = silent.Number+1, nil
	p.publishes(&silent, nil, api.PublishRequest{})
	propose("sla_days", v.SLADays+1, http.StatusCreated)
	back, err := catalogue.Rollback(&silent, &first, time.UnixMilli(dawn))
	if err != nil {
		t.Fatal(err)
	}
	p.publishes(back, nil, api.PublishRequest{})
	propose("sla_days", v.SLADays+1, http.StatusBadRequest, above)
}
