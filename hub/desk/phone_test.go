package desk

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestPhoneDesk: a caller's number, however it is written down, becomes sentences
// to read out, and no more of the applicant than anybody may know (R-TR1).
func TestPhoneDesk(t *testing.T) {
	o := screens{newOffice(t)}
	n := o.landCopy(1, "counter")
	o.toFeeDue(n)
	ask := func(user, q string) (int, string) {
		w := o.page(user, "GET", "/desk/phone?q="+url.QueryEscape(q), nil)
		return w.Code, w.Body.String()
	}
	for _, q := range []string{n.String(), n.Spaced(), n.Bangla(), strings.ReplaceAll(n.Bangla(), " ", "")} {
		code, page := ask("anna", q) // Of another office: the number is enough.
		for _, want := range []string{"পড়ে শোনান", "ফি বাকি", "৳ ২০০", "যেকোনো ডিজিটাল সেন্টারে"} {
			if code != http.StatusOK || !strings.Contains(page, want) {
				t.Errorf("%s: got %d; want %q", q, code, want)
			}
		}
		for _, never := range []string{"আবু সরদার", "01832157069"} {
			if strings.Contains(page, never) {
				t.Errorf("%s: the page shows %s", q, never)
			}
		}
	}
	wrong := []byte(n.String())
	wrong[9] = '0' + (wrong[9]-'0'+1)%10
	if code, page := ask("rina", string(wrong)); code != http.StatusBadRequest || !strings.Contains(page, "নম্বরটি ঠিক নয়") {
		t.Errorf("one wrong digit: got %d", code)
	}
	if code, page := ask("rina", "01832157069"); code != http.StatusOK || strings.Contains(page, "নম্বরটি ঠিক নয়") {
		t.Errorf("a mobile: got %d", code)
	}
	if w := o.page("nobody", "GET", "/desk/phone?q="+n.String(), nil); !strings.Contains(w.Body.String(), `type="password"`) {
		t.Error("nobody uses the phone desk without signing in")
	}
	if code, page := ask("root", n.String()); code != http.StatusOK || !strings.Contains(page, "ফি বাকি") {
		t.Errorf("an operator knows what anybody may know: got %d", code)
	}
}
