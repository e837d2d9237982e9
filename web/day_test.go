package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestDayIsWrittenDayFirst(t *testing.T) {
	for typed, want := range map[string]string{
		"৫.৬.২০২৬": "2026-06-05", "05/06/2026": "2026-06-05", "5-6-2026": "2026-06-05", "৩১ . ১২ . ২০২৬": "2026-12-31", "29.2.2024": "2024-02-29",
		"2026-06-05": "2026-06-05", "২০২৬-০৬-০৫": "2026-06-05", "": "", "29.2.2026": "29.2.2026", "5.6.26": "5.6.26", "6/31/2026": "6/31/2026", "গতকাল": "গতকাল",
	} {
		if got := dayOf(typed); got != want {
			t.Errorf("%q is %q; want %q", typed, got, want)
		}
	}
	for _, x := range []struct {
		lang      Lang
		day, want string
	}{{BN, "2026-06-05", "৫.৬.২০২৬"}, {EN, "2026-06-05", "5.6.2026"}, {BN, "গতকাল", "গতকাল"}, {BN, "", ""}} {
		if got := x.lang.DayTyped(x.day); got != x.want {
			t.Errorf("%q is typed %q; want %q", x.day, got, x.want)
		}
	}
}

// TestDateOfBirthAsPeopleWriteIt: a date is typed with the day first, in Bangla digits, whatever the browser's language
// is; it is read back in words, and stays as it was typed where something else is wrong.
func TestDateOfBirthAsPeopleWriteIt(t *testing.T) {
	c := newCentre(t)
	form := typedIn(t, c, "birth-registration", 3)
	form.Set("form.birth_date", "৫.১১.২০২৬")
	form.Set("step", "review")
	page := c.post("/apply/birth-registration", form.Encode())
	if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "৫ নভেম্বর ২০২৬") {
		t.Errorf("read back: %d", page.Code)
	}
	form.Set("applicant.mobile", "")
	if page = c.post("/apply/birth-registration", form.Encode()); page.Code != http.StatusBadRequest || !strings.Contains(page.Body.String(), `value="৫.১১.২০২৬"`) {
		t.Errorf("beside a mistake: %d", page.Code)
	}
	form.Set("applicant.mobile", "01712345678")
	form.Set("form.birth_date", "31.11.2026")
	if page = c.post("/apply/birth-registration", form.Encode()); page.Code != http.StatusBadRequest || !strings.Contains(page.Body.String(), `href="#form-birth_date"`) || !strings.Contains(page.Body.String(), `value="31.11.2026"`) {
		t.Errorf("no day: %d", page.Code)
	}
	form.Set("form.birth_date", "৫.১১.২০২৬")
	form.Set("step", "file")
	if w := c.post("/apply/birth-registration", form.Encode()); w.Code != http.StatusSeeOther || !strings.Contains(string(c.filed[0].Form), `"birth_date":"2026-11-05"`) {
		t.Fatalf("filed: %d", w.Code)
	}
	if page := c.get("/apply/birth-registration").Body.String(); strings.Contains(page, `type="date"`) {
		t.Error("the browser's own input is asked, which has the month first")
	}
}
