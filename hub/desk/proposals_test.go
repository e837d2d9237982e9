package desk

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"kendro/hub/register"
	"kendro/web/api"
)

// TestAnOfficeReadsWhatBecameOfItsProposal: who proposed a change, and his office, read on a page
// what came of it and what was said; another office doesn't.
func TestAnOfficeReadsWhatBecameOfItsProposal(t *testing.T) {
	o := newOffice(t)
	v := o.version()
	body := fmt.Sprintf(`{"service":%q,"field":"sla_days","was":"%d","value":"%d","reason":"দুই দিনেই হয়","release":1}`, v.ID, v.SLADays, v.SLADays+1)
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
