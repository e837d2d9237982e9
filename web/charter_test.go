package web

import (
	"html"
	"net/http"
	"strings"
	"testing"

	dcat "kendro/domain/catalogue"
)

// TestCharterOfEveryService: what a service costs, takes and wants stands on a
// sheet in Bangla, for everybody (R-TR5).
func TestCharterOfEveryService(t *testing.T) {
	c := newCentre(t)
	list := c.get("/charter", nobody()).Body.String()
	counter := &counter{pages: &pages{house: House{Set: func() *dcat.Set { return c.set }, Centre: ours}}}
	for _, v := range counter.offered(c.set) {
		w := c.get("/charter/"+v.ID, nobody())
		page := w.Body.String()
		want := []string{html.EscapeString(v.Name.BN), wordCharterTime.BN, wordCharterDoc.BN}
		for _, d := range v.Documents {
			want = append(want, html.EscapeString(d.Name.BN))
		}
		for _, s := range v.Steps {
			want = append(want, html.EscapeString(s.Name.BN))
		}
		for _, f := range v.Fees {
			want = append(want, BN.Taka(f.Poisha))
		}
		for _, text := range want {
			if w.Code != http.StatusOK || !strings.Contains(page, text) {
				t.Errorf("%s: got %d; want %q", v.ID, w.Code, text)
			}
		}
		if !strings.Contains(list, `href="/charter/`+v.ID+`"`) {
			t.Errorf("the list lacks %s", v.ID)
		}
	}
	if w := c.get("/charter/no-such", nobody()); w.Code != http.StatusNotFound {
		t.Errorf("got %d for no such service", w.Code)
	}
}
