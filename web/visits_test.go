package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

// filedLand is a certified copy that the centre has filed.
func filedLand(t *testing.T, c *centre) protocol.Number {
	t.Helper()
	values := typedIn(t, c, "land-record-copy", 3)
	values.Set("step", "file")
	if w := c.post("/apply/land-record-copy", values.Encode()); w.Code != http.StatusSeeOther {
		t.Fatalf("file: got %d %s", w.Code, errorsIn(w.Body.String()))
	}
	return c.filed[len(c.filed)-1].Number
}

func due() *api.Date { return &api.Date{Time: time.Date(2026, 12, 22, 23, 59, 59, 0, api.Dhaka())} }

// TestCounterServesACase goes through all that an applicant may come back for: the
// page says in plain words what he has to do, takes it, and gives him a slip.
func TestCounterServesACase(t *testing.T) {
	c := newCentre(t)
	n := filedLand(t, c)
	path := "/cases/" + n.String()
	for _, tt := range []struct {
		name  string
		stage api.Tracking
		says  []string
		act   string
		form  url.Values
		asks  bool   // Is one sure?
		sends string // The call's body.
	}{
		{
			"pay",
			api.Tracking{Stage: "FEE_DUE", Demand: &api.DemandNote{Poisha: 14000, Due: due()}},
			[]string{"৳ ১৪০", "২২ ডিসেম্বর ২০২৬", "যেকোনো ডিজিটাল সেন্টারে"},
			"payments",
			url.Values{"means": {"mobile"}, "government": {"১৪০"}, "service_charge": {"২০"}, "reference": {"৭৭AB"}},
			true,
			`{"means":"mobile","fees":[{"kind":"government","poisha":14000},{"kind":"service_charge","poisha":2000}],"reference":"77AB"}`,
		},
		{
			"supply",
			api.Tracking{
				Stage: "INFO_REQUESTED", Asking: api.Asking{Asked: []string{"form.khatian_no", "nid"}, Why: "পড়া যায় না", AskedUntil: due()},
				AskedNames: []api.Named{{Code: "form.khatian_no", BN: "খতিয়ান নম্বর", EN: "Khatian number"}, {Code: "nid", BN: "জাতীয় পরিচয়পত্র", EN: "NID"}},
			},
			[]string{"খতিয়ান নম্বর, জাতীয় পরিচয়পত্র", "পড়া যায় না", "আনার শেষ দিন:", `name="form.khatian_no"`},
			"supplement",
			url.Values{"form.khatian_no": {"১০৪২/৩"}, "documents.nid": {"1"}},
			false,
			`{"form":{"khatian_no":"1042/3"},"documents":[{"kind":"nid","original_at_counter":true}]}`,
		},
		{
			"supply",
			api.Tracking{
				Stage: "UNDER_REVIEW", Asking: api.Asking{Asked: []string{"form.khatian_no"}, Why: protocol.WhyAnew, AskedUntil: due(), AskedOver: true}, AskedUnder: 1,
				AskedNames: []api.Named{{Code: "form.khatian_no", BN: "খতিয়ান নম্বর", EN: "Khatian number"}},
			},
			[]string{"খতিয়ান নম্বর", "নিয়ম বদলেছে", "সিদ্ধান্তের আগে আনলে", `name="form.khatian_no"`},
			"supplement",
			url.Values{"form.khatian_no": {"৭"}},
			false,
			`{"form":{"khatian_no":"7"}}`,
		},
		{
			"hand over",
			api.Tracking{Stage: "READY", Mode: "centre"},
			[]string{"কাগজ প্রস্তুত", "কেন্দ্র থেকে"},
			"hand-over",
			url.Values{"proof": {"এনআইডি"}, "text": {"ছেলে"}},
			true, `{"proof":"এনআইডি","text":"ছেলে"}`,
		},
		{
			"hand over by the code",
			api.Tracking{Stage: "READY", Mode: "centre"},
			[]string{"রসিদের গ্রহণ-কোড"},
			"hand-over",
			url.Values{"code": {"১২৩৪৫৬"}},
			true, `{"code":"১২৩৪৫৬"}`,
		},
		{
			"void",
			api.Tracking{Stage: "IN_PREPARATION"},
			[]string{"জমার রসিদের ক্রম"},
			"void",
			url.Values{"seq": {"১৭"}, "reason": {"দুবার গোনা হয়েছে"}},
			true, `{"seq":17,"reason":"দুবার গোনা হয়েছে"}`,
		},
		{
			"correct",
			api.Tracking{Stage: "UNDER_REVIEW", Rulings: api.Rulings{Putting: "waits"}},
			[]string{"ভুল উত্তর সংশোধন", "আপনার সংশোধন কর্মকর্তার কাছে আছে", `name="fix.form.copies"`},
			"correction",
			url.Values{
				"saw":             {`{"form":{"copies":1,"khatian_no":"7"},"applicant":{"mobile":"01712345678"}}`},
				"fix.form.copies": {"২"}, "fix.form.khatian_no": {"৭"}, "fix.applicant.mobile": {""}, "reason": {"ভুল শোনা"},
			},
			false,
			`{"form":{"copies":2},"applicant":{"mobile":null},"reason":"ভুল শোনা","form_saw":{"copies":1,"khatian_no":"7"},"applicant_saw":{"mobile":"01712345678"}}`,
		},
		{
			"appeal",
			api.Tracking{Stage: "REJECTED", AppealBy: due()},
			[]string{"সিদ্ধান্তে কী ভুল", `<textarea id="appeal-text" name="text"`},
			"appeal",
			url.Values{"text": {" কেউ শোনেনি "}},
			true, `{"text":"কেউ শোনেনি"}`,
		},
		{
			"withdraw",
			api.Tracking{Stage: "UNDER_REVIEW"},
			[]string{"আপনার কিছু করার নেই"},
			"withdrawal",
			url.Values{"reason": {"আর লাগবে না"}},
			true, `{"reason":"আর লাগবে না"}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.moved(n, tt.stage)
			page := c.get(path).Body.String()
			for _, want := range append(tt.says, `id="act-`+tt.act+`"`) {
				if !strings.Contains(page, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
			others := strings.Count(page, `id="act-`) - 1
			switch tt.name {
			case "supply": // He may also give up, or put something else right.
				others -= strings.Count(page, `id="act-withdrawal"`) + strings.Count(page, `id="act-correction"`)
			case "withdraw":
				others -= strings.Count(page, `id="act-correction"`)
			case "correct":
				others -= strings.Count(page, `id="act-withdrawal"`)
			case "pay": // A part may have been paid, and wrongly.
				others -= strings.Count(page, `id="act-void"`)
			}
			if others != 0 {
				t.Errorf("%d further acts are offered; want %s alone", others, tt.act)
			}
			tt.form.Set("key", api.NewKey())
			w := c.post(path+"/"+tt.act, tt.form.Encode())
			if asks := strings.Contains(w.Body.String(), `name="sure"`); asks != tt.asks {
				t.Errorf("got %d; it asks whether one is sure: %v", w.Code, asks)
			}
			if tt.asks {
				again := hiddenIn(w.Body.String())
				again.Set("sure", "1")
				w = c.post(path+"/"+tt.act, again.Encode())
			}
			if page := w.Body.String(); w.Code != http.StatusCreated || !strings.Contains(page, n.Bangla()) || !strings.Contains(page, "slip-number") {
				t.Fatalf("got %d; want the slip: %s", w.Code, errorsIn(page))
			}
			if got := c.taken[len(c.taken)-1]; got != tt.act+" "+tt.sends {
				t.Errorf("the box got %s; want %s", got, tt.sends)
			}
		})
	}
}

// TestCounterAsksWhyHeCame: each act asks why the applicant came, the usual reason first, and what was
// chosen goes with it, also through the question whether the counter is sure (R-SV9).
func TestCounterAsksWhyHeCame(t *testing.T) {
	c := newCentre(t)
	n := filedLand(t, c)
	path := "/cases/" + n.String()
	c.moved(n, api.Tracking{Stage: "FEE_DUE", Demand: &api.DemandNote{Poisha: 14000, Due: due()}})
	page := c.get(path).Body.String()
	if !strings.Contains(page, `<option value="payment" selected>`) || !strings.Contains(page, `<option value="wrong-paper">`) {
		t.Error("the page does not ask why he came to pay")
	}
	pay := url.Values{"means": {"cash"}, "government": {"140"}, "visit": {"wrong-paper"}}
	if w := c.post(path+"/payments", pay.Encode()); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `name="visit" value="wrong-paper"`) {
		t.Fatalf("before it is sure: got %d %s", w.Code, w.Body)
	}
	pay.Set("sure", "1")
	if w := c.post(path+"/payments", pay.Encode()); w.Code != http.StatusCreated || !slices.Equal(c.why, []string{"wrong-paper"}) {
		t.Errorf("got %d, why %q", w.Code, c.why)
	}
}

// TestCounterCorrects: what is incomplete, refused or of another centre is told in
// words, and what was typed stays.
func TestCounterCorrects(t *testing.T) {
	c := newCentre(t)
	n := filedLand(t, c)
	path := "/cases/" + n.String()
	c.moved(n, api.Tracking{Stage: "FEE_DUE", Demand: &api.DemandNote{Poisha: 14000, Due: due()}})
	pay := url.Values{"means": {"challan"}, "government": {"140"}, "paid_on": {"২০/১১/২০২৬"}}
	if w := c.post(path+"/payments", pay.Encode()); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "নম্বরও লাগবে") || !strings.Contains(w.Body.String(), `value="২০/১১/২০২৬"`) {
		t.Errorf("a challan without its number: got %d", w.Code)
	}
	pay.Set("reference", "C-1")
	pay.Set("sure", "1")
	c.down = fault.New("centre.follow", fault.Unavailable, "disk", "no room")
	if w := c.post(path+"/payments", pay.Encode()); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `value="C-1"`) {
		t.Errorf("a full disk: got %d", w.Code)
	}
	c.down = nil
	if w := c.post(path+"/payments", pay.Encode()); w.Code != http.StatusCreated || !strings.Contains(c.taken[0], `"paid_on":"2026-11-20"`) {
		t.Errorf("a challan: got %d, %v", w.Code, c.taken)
	}
	if page := c.get("/cases").Body.String(); !strings.Contains(page, n.Bangla()) || !strings.Contains(page, "৳ ১৪০") {
		t.Error("the list lacks the case that waits for its payment")
	}
	if w := c.get("/cases?number=" + url.QueryEscape(n.Bangla())); w.Code != http.StatusSeeOther || w.Header().Get("Location") != path {
		t.Errorf("find: got %d to %s", w.Code, w.Header().Get("Location"))
	}
	if w := c.get("/cases?number=12"); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "নম্বরটি ঠিক নয়") {
		t.Errorf("a wrong number: got %d", w.Code)
	}
	other, err := protocol.MintNumber("41", "0020", make([]byte, protocol.NonceSize))
	if err != nil {
		t.Fatal(err)
	}
	page := c.get("/cases/" + other.String()).Body.String()
	if !strings.Contains(page, `id="act-payments"`) || strings.Contains(page, `id="act-withdrawal"`) || !strings.Contains(page, "অন্য কেন্দ্রের") {
		t.Error("of another centre’s case a payment alone is taken")
	}
	if w := c.get(path, nobody()); !strings.Contains(w.Body.String(), `type="password"`) {
		t.Error("nobody sees a case without signing in")
	}
	if w := c.get("/track?number="+n.String(), nobody()); !strings.Contains(w.Body.String(), "৳ ১৪০") {
		t.Error("tracking does not say what is owed")
	}
}

// TestCounterKnowsWhatIsOwed: of another centre's case the page says what is to be paid and
// whose word that is; what speaks against taking money stands there and on the question
// whether one is sure, and keeps nobody from taking it.
func TestCounterKnowsWhatIsOwed(t *testing.T) {
	c := newCentre(t)
	n, err := protocol.MintNumber("41", "0020", make([]byte, protocol.NonceSize))
	if err != nil {
		t.Fatal(err)
	}
	asOf := api.TimeOf(noon())
	earlier, later := api.TimeOf(noon().Add(-time.Hour)), api.TimeOf(noon().Add(time.Hour))
	demand := &api.DemandNote{Poisha: 14000, Due: due(), For: protocol.ForIssue, ID: n.String() + "-7"}
	cash := func(at api.Time, voided bool) []api.PaymentNote {
		return []api.PaymentNote{{Seq: 17, At: at, Means: "cash", Fees: []protocol.Fee{{Kind: "government", Poisha: 14000}}, Voided: voided}}
	}
	const (
		unknown, nobody, nothing  = "জানা নেই", "জেলায় এখনো নেই", "কোনো টাকা বকেয়া নেই"
		lapsed, taken, twice, sum = "সময় পেরিয়ে গেছে", "আগে টাকা নেওয়া হয়েছে", "দুবার নেবেন না", "বকেয়া টাকার সমান নয়"
	)
	warnings := []string{unknown, nobody, nothing, lapsed, taken, twice, sum}
	for _, tt := range []struct {
		name   string
		bill   api.Bill
		pays   string
		says   []string // On the page, beside what it warns of.
		warns  []string
		asking []string // What is warned of once it was filled in.
	}{
		{"owed", api.Bill{Source: api.FromHub, Stage: "FEE_DUE", AsOf: &asOf, Demand: demand}, "১৪০", []string{"৳ ১৪০", "২২ ডিসেম্বর ২০২৬", "অনুমোদনের পরের ফি", "এইমাত্র", `value="১৪০"`}, nil, nil},
		{"another sum", api.Bill{Source: api.FromHub, Stage: "FEE_DUE", AsOf: &asOf, Demand: demand}, "১৫০", nil, nil, []string{sum}},
		{"told before", api.Bill{Source: api.FromMemory, Stage: "FEE_DUE", AsOf: &asOf, Demand: demand}, "১৪০", []string{"আগে যা জানিয়েছিল", `value="১৪০"`}, nil, nil},
		{"no link", api.Bill{Source: api.FromUnknown}, "১৪০", nil, []string{unknown}, []string{unknown}},
		{"no such number", api.Bill{Source: api.FromNobody}, "১৪০", nil, []string{nobody}, []string{nobody}},
		{"paid already", api.Bill{Source: api.FromHub, Stage: "IN_PREPARATION", AsOf: &asOf, Taken: cash(earlier, false)}, "১৪০", nil, []string{nothing, taken}, []string{nothing, taken}},
		{"lapsed", api.Bill{Source: api.FromHub, Stage: "FEE_LAPSED", AsOf: &asOf, Lapsed: demand}, "১৪০", []string{"৳ ১৪০"}, []string{lapsed}, []string{lapsed}},
		{"taken since", api.Bill{Source: api.FromMemory, Stage: "FEE_DUE", AsOf: &asOf, Demand: demand, Taken: cash(later, false)}, "১৪০", nil, []string{taken, twice}, []string{taken, twice}},
		{"voided since", api.Bill{Source: api.FromMemory, Stage: "FEE_DUE", AsOf: &asOf, Demand: demand, Taken: cash(later, true)}, "১৪০", nil, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.bills = map[protocol.Number]api.Bill{n: tt.bill}
			warned := func(page string, want []string) {
				t.Helper()
				for _, w := range warnings {
					if got := strings.Contains(page, w); got != slices.Contains(want, w) {
						t.Errorf("it warns of %q: %v", w, got)
					}
				}
			}
			page := c.get("/cases/" + n.String()).Body.String()
			warned(page, tt.warns)
			for _, want := range tt.says {
				if !strings.Contains(page, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
			form := url.Values{"key": {api.NewKey()}, "means": {"cash"}, "government": {tt.pays}}
			sure := c.post("/cases/"+n.String()+"/payments", form.Encode()).Body.String()
			warned(sure, tt.asking)
			again := hiddenIn(sure)
			again.Set("sure", "1")
			before, asked := len(c.taken), c.asked
			if w := c.post("/cases/"+n.String()+"/payments", again.Encode()); w.Code != http.StatusCreated || len(c.taken) != before+1 {
				t.Errorf("got %d; want it taken all the same", w.Code)
			}
			if c.asked != asked {
				t.Error("what takes the payment waits for the hub's word on the sum")
			}
		})
	}
}

// TestLapsedIsTakenAtItsOwnCentre: who has paid in time may show it where he applied, too.
func TestLapsedIsTakenAtItsOwnCentre(t *testing.T) {
	c := newCentre(t)
	n := filedLand(t, c)
	c.moved(n, api.Tracking{Stage: "FEE_LAPSED"})
	page := c.get("/cases/" + n.String()).Body.String()
	if !strings.Contains(page, `id="act-payments"`) || !strings.Contains(page, "আজ জমা নিলে আবেদন আর চালু হবে না") || strings.Contains(page, "কোনো টাকা বকেয়া নেই") {
		t.Error("a challan that was paid in time can't be brought there, or not with what counts")
	}
}
