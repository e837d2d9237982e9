package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kendro/identity"
	"kendro/protocol"
	"kendro/web/api"
)

// canaries are words of a grievance that stand nowhere else.
var canaries = []string{"কাকাতুয়া", "Quetzalcoatl", "Zanzibarbarian", "01799887766", "01755443322", "Marmaduchess"}

// A grievanceTale is one in which a grievance must not be read by whom it is about.
type grievanceTale struct{ *tale }

// noCanary fails where a folder or a page shows a word of the grievance.
func (x grievanceTale) noCanary(what string, raw []byte) {
	x.t.Helper()
	for _, word := range canaries {
		spelt, err := json.Marshal(word)
		if err != nil {
			x.t.Fatal(err)
		}
		if bytes.Contains(raw, []byte(word)) || bytes.Contains(raw, bytes.Trim(spelt, `"`)) {
			x.t.Errorf("%s shows %q", what, word)
		}
	}
}

// noCanaryIn reads every file of a folder.
func (x grievanceTale) noCanaryIn(dir string) (files int) {
	x.t.Helper()
	err := filepath.WalkDir(x.at(dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		files++
		x.noCanary(path, raw)
		return err
	})
	if err != nil {
		x.t.Fatal(err)
	}
	return files
}

// TestGrievanceAgainstThisVeryCentre is flow D: filed at an offline box against its own
// centre, which can't read a word of it afterwards; decided by the UNO, whom nobody else
// can look over the shoulder; appealed from the offline box; decided by the DC.
func TestGrievanceAgainstThisVeryCentre(t *testing.T) {
	x := grievanceTale{newTale(t, nil)}
	x.officer("uno", "uno@uno-41-09")
	x.officer("assistant", "uno-office-assistant@uno-41-09")
	x.officer("front", "dc-front-desk@dc-41")
	x.officer("adc", "adc-general@dc-41")
	x.officer("dc", "dc@dc-41")
	x.kendro("user add --dir hub --name auditor --role auditor --from 2020-01-01 --password-file password")
	x.login("auditor", x.hub)
	x.down(x.hub)

	x.write("evidence.pdf", strings.Replace(scanInTale, "%PDF-1.4", "%PDF-1.4\n% Quetzalcoatl", 1))
	x.write("statement.pdf", strings.Replace(scanInTale, "%PDF-1.4", "%PDF-1.4\n% Zanzibarbarian", 1))
	n := x.send("grievance", map[string]any{
		"against": "centre", "centre": nil, "officer": nil, "receive_no": nil, "happened_on": nil, "relief": nil, "hide_name": false,
		"subject": "কাকাতুয়া", "body": "Quetzalcoatl took double: Zanzibarbarian",
	}, map[string]any{"channel": "counter", "documents": nil, "applicant": map[string]any{
		"name_bn": "রহিমা", "name_en": "Marmaduchess", "mobile": "01799887766", "gender": "female", "village": "খাজুরা", "area": "41-09-17",
	}}, "--document evidence="+x.at("evidence.pdf"))
	if err := os.Remove(x.at("body.json")); err != nil {
		t.Fatal(err)
	}
	nameless := x.send("grievance", map[string]any{
		"against": "officer", "officer": "dc-front-desk@dc-41", "centre": nil, "receive_no": nil, "happened_on": nil, "relief": nil, "hide_name": nil,
	}, map[string]any{"documents": nil, "applicant": map[string]any{"anonymous": true, "area": "41-09-17"}}, "")
	shut := func(when string) {
		t.Helper()
		if files := x.noCanaryIn("node"); files < 5 {
			t.Fatalf("%s: only %d files were read", when, files)
		}
		for _, path := range []string{
			"/v1/applications/" + n, "/v1/applications", "/v1/track/" + n, "/v1/receipts/" + n + "/proof", "/v1/waiting", "/v1/sync",
			"/cases?number=" + n, "/cases/" + n, "/receipt/" + n, "/today", "/",
		} {
			status, raw := x.raw("rahima", x.box, path)
			if page := strings.HasPrefix(path, "/receipt/") || strings.HasPrefix(path, "/cases/"); page && (status != http.StatusOK || !bytes.Contains(raw, []byte(n))) {
				t.Errorf("%s: GET %s: %d, and not a page about it: %s", when, path, status, raw)
			}
			x.noCanary(when+": GET "+path, raw)
			if bytes.Contains(raw, []byte("uno-41-09")) {
				t.Errorf("%s: GET %s tells where it lies, and so whom it is about", when, path)
			}
		}
	}
	shut("offline")
	x.putsRight(n)
	shut("put right offline")
	var proof api.Proof
	x.get("rahima", x.box, "/v1/receipts/"+n+"/proof", &proof)
	e, err := protocol.DecodeEvent(proof.Event)
	var sub protocol.Submission
	if err == nil {
		err = e.Decode(&sub)
	}
	if err != nil || sub.Secret == nil || len(sub.Form)+len(sub.Applicant) > 0 || len(sub.Secret.Sealed)%1024 != len(mustConceal(t).Sealed)%1024 {
		t.Fatalf("the event that was signed holds %+v, %v", sub, err)
	}

	x.up(x.hub)
	x.until(`"custody":"ACCEPTED"`, "track "+n+" --url http://"+x.box.ports.HTTP+" --output json")
	var record api.Record
	x.get("uno", x.hub, "/v1/applications/"+n, &record)
	if !strings.Contains(string(record.Form), "Quetzalcoatl") || !strings.Contains(string(record.Applicant), "Marmaduchess") || record.Seat != "uno@uno-41-09" || record.Due == nil {
		t.Fatalf("the UNO reads %s of %s at %s, due %v", record.Form, record.Applicant, record.Seat, record.Due)
	}
	x.hasPutRight(n)
	evidence := x.opened("uno", n, "evidence", "Quetzalcoatl")
	x.noCanaryIn("hub")
	x.noCanaryIn("node")
	x.boxCantOpen(evidence, "evidence.pdf")
	for _, who := range []string{"assistant", "front", "dc", "auditor"} {
		if status, raw := x.raw(who, x.hub, "/v1/cases/"+n+"/documents/"+evidence); status != http.StatusForbidden {
			t.Errorf("%s opens what was filed with it: %d, %s", who, status, raw)
		}
		status, raw := x.raw(who, x.hub, "/v1/applications/"+n)
		if status != http.StatusForbidden {
			t.Errorf("%s reads it: %d, %s", who, status, raw)
		}
		x.noCanary(who, raw)
	}
	var tasks api.TaskList
	x.get("assistant", x.hub, "/v1/tasks?scope=office", &tasks)
	if len(tasks.Tasks) != 1 || tasks.Tasks[0].Number.String() != n || tasks.Tasks[0].Seat != "" || tasks.Tasks[0].Centre != "" {
		t.Errorf("a colleague sees more of it than number and stage: %+v", tasks.Tasks)
	}
	x.get("adc", x.hub, "/v1/applications/"+nameless, &record) // Its first desk is whom it is about.
	if record.Seat != "adc-general@dc-41" || !strings.Contains(string(record.Applicant), `"anonymous":true`) {
		t.Errorf("the nameless one lies at %s, of %s", record.Seat, record.Applicant)
	}
	if status, _ := x.raw("front", x.hub, "/v1/applications/"+nameless); status != http.StatusForbidden {
		t.Errorf("whom it is about reads it: %d", status)
	}
	x.turnedAgainst(nameless)
	x.stage(nameless, "RECEIVED") // By its number alone.
	x.desk("uno", "take "+n)
	x.asksMore(n, shut)
	x.desk("uno", "decide "+n+" --opinion reject --text 'Zanzibarbarian was in order'")
	x.putRightAfterADecision(n, shut)
	x.desk("uno", "reject "+n+" --reason-code other --text 'no ground for Zanzibarbarian'")
	x.until(`"stage":"REJECTED"`, "track "+n+" --url http://"+x.box.ports.HTTP+" --output json")

	x.down(x.hub)
	x.days(3)
	x.login("rahima", x.box)
	appeal := "case appeal " + n + " --text 'nobody asked Quetzalcoatl' --id again --output json " + x.as("rahima", x.box)
	var first, again api.FollowupAnswer
	for _, into := range []*api.FollowupAnswer{&first, &again} {
		if err := json.Unmarshal([]byte(x.kendro(appeal)), into); err != nil {
			t.Fatal(err)
		}
	}
	if first.Receipt.Hash != again.Receipt.Hash || first.Receipt.Hash == (protocol.Hash{}) {
		t.Errorf("the same request got two receipts: %v, %v", first.Receipt, again.Receipt)
	}
	shut("after the appeal")
	x.up(x.hub)
	x.until(`"stage":"RECEIVED"`, "track "+n+" --url http://"+x.box.ports.HTTP+" --output json")
	x.login("uno", x.hub)
	x.login("dc", x.hub)
	x.refused("", "desk take "+n+" "+x.as("uno", x.hub))
	x.desk("dc", "take "+n)
	x.get("dc", x.hub, "/v1/applications/"+n, &record)
	if last := record.History; !strings.Contains(string(record.Form), "Quetzalcoatl") || !strings.Contains(text(last, "appeal"), "nobody asked Quetzalcoatl") {
		t.Errorf("the DC reads %s and %+v", record.Form, last)
	}
	x.opened("dc", n, "evidence", "Quetzalcoatl")
	x.opened("dc", n, "statement", "Zanzibarbarian")
	x.desk("dc", "decide "+n+" --opinion approve --text 'the UNO did not look'")
	x.desk("dc", "approve "+n)
	x.until(`"stage":"APPROVED"`, "track "+n+" --url http://"+x.box.ports.HTTP+" --output json")
	x.refused("nothing is decided that may be appealed", "case appeal "+n+" --text more "+x.as("rahima", x.box))
	shut("at the end")
	x.noCanaryIn("hub")
	x.hidesHisName()
}

// putsRight corrects a grievance at the box that can't read it, with no hub: the same
// request is one correction, and each answer has to be one that the form knows.
func (x grievanceTale) putsRight(n string) {
	x.t.Helper()
	correct := "case correct " + n + " --reason 'Zanzibarbarian misheard' --output json " + x.as("rahima", x.box)
	var first, again api.FollowupAnswer
	for _, into := range []*api.FollowupAnswer{&first, &again} {
		if err := json.Unmarshal([]byte(x.kendro(correct+" --set relief=Quetzalcoatl --applicant mobile=01755443322 --id right")), into); err != nil {
			x.t.Fatal(err)
		}
	}
	if first.Receipt.Hash != again.Receipt.Hash || first.Receipt.Hash == (protocol.Hash{}) {
		x.t.Errorf("the same request got two receipts: %v, %v", first.Receipt, again.Receipt)
	}
	if _, page := x.raw("rahima", x.box, "/cases/"+n); !bytes.Contains(page, []byte(`name="fix.form.subject"`)) || !bytes.Contains(page, []byte(`name="fix.applicant.mobile"`)) {
		x.t.Errorf("the page has no form to put it right: %s", page)
	}
	x.refused("against", correct+" --set against=nobody")
	x.refused("body", correct+" --set body:=null")
	x.refused("where the application goes", correct+" --applicant area=41-09-17")
}

// hasPutRight reads at the UNO's what was put right before he had it; the box knows that it
// was taken, and no more.
func (x grievanceTale) hasPutRight(n string) {
	x.t.Helper()
	var r, atBox api.Record
	if !x.soon(func() error {
		x.get("uno", x.hub, "/v1/applications/"+n, &r)
		x.get("rahima", x.box, "/v1/applications/"+n, &atBox)
		if !strings.Contains(string(r.Applicant), "01755443322") || len(atBox.PutRight) != 1 || atBox.PutRight[0].State != "taken" {
			return os.ErrNotExist
		}
		return nil
	}) {
		x.t.Fatalf("the UNO reads %s, and the box says %+v", r.Applicant, atBox.PutRight)
	}
	last := r.History[len(r.History)-1]
	if !strings.Contains(string(r.Form), `"relief":"Quetzalcoatl"`) || last.Text != "Zanzibarbarian misheard" || len(last.Change) != 2 || string(last.Change[0].Was) != `"01799887766"` {
		x.t.Errorf("the UNO reads %s, put right by %+v", r.Form, last)
	}
	if p := atBox.PutRight[0]; !p.Sealed || len(p.Names)+len(p.Taken)+len(p.Reason)+len(p.Why) > 0 {
		x.t.Errorf("the box knows of the correction %+v", p)
	}
}

// turnedAgainst puts right whom a grievance is about, which is who has it: he has it no
// more, and the next above him does.
func (x grievanceTale) turnedAgainst(n string) {
	x.t.Helper()
	x.kendro("case correct " + n + " --set officer=adc-general@dc-41 --reason 'it was he' --output json " + x.as("rahima", x.box))
	var raw []byte
	if !x.soon(func() error {
		var status int
		if status, raw = x.raw("dc", x.hub, "/v1/applications/"+n); status != http.StatusOK {
			return os.ErrNotExist
		}
		return nil
	}) {
		x.t.Fatalf("the DC doesn't get what was turned against the ADC: %s", raw)
	}
	if status, raw := x.raw("adc", x.hub, "/v1/applications/"+n); status != http.StatusForbidden || !bytes.Contains(x.mustRaw("dc", n), []byte(`"dc@dc-41"`)) {
		x.t.Errorf("the ADC reads what is about him by now: %d, %s", status, raw)
	}
}

func (x grievanceTale) mustRaw(who, n string) []byte {
	x.t.Helper()
	_, raw := x.raw(who, x.hub, "/v1/applications/"+n)
	return raw
}

// putRightAfterADecision corrects what the UNO has decided about: it is an item of his,
// which nobody else can look into, and accepted it undoes his decision.
func (x grievanceTale) putRightAfterADecision(n string, shut func(when string)) {
	x.t.Helper()
	x.kendro("case correct " + n + " --set 'body=Zanzibarbarian took triple' --reason Marmaduchess --output json " + x.as("rahima", x.box))
	x.until(`"correction":"waits"`, "track "+n+" --url http://"+x.box.ports.HTTP+" --output json")
	shut("an item waits")
	var r api.Record
	x.get("uno", x.hub, "/v1/applications/"+n, &r)
	var it api.Item
	for _, other := range r.Items {
		if other.Kind == "correction" {
			it = other
		}
	}
	if it.Owner != "uno@uno-41-09" || len(it.Changes) != 1 || string(it.Changes[0].Is) != `"Zanzibarbarian took triple"` || it.Reason != "Marmaduchess" {
		x.t.Fatalf("the UNO is to decide about %+v", it)
	}
	x.noCanaryIn("hub")
	for _, path := range []string{"/v1/items?scope=office", "/desk/items"} {
		if _, raw := x.raw("uno", x.hub, path); bytes.Contains(raw, []byte("Zanzibarbarian")) || bytes.Contains(raw, []byte("form.body")) {
			x.t.Errorf("GET %s says what is to be put right: %s", path, raw)
		}
	}
	x.refused("settle its item first", "desk reject "+n+" --reason-code other --text x "+x.as("uno", x.hub))
	x.desk("uno", "settle "+it.ID+" --outcome accepted --text 'he showed me'")
	if !x.soon(func() error {
		r = api.Record{}
		if x.get("uno", x.hub, "/v1/applications/"+n, &r); !strings.Contains(string(r.Form), "took triple") {
			return os.ErrNotExist
		}
		return nil
	}) || r.DecidedBy != "" {
		x.t.Errorf("accepted, it reads %s, decided by %q", r.Form, r.DecidedBy)
	}
	x.desk("uno", "decide "+n+" --opinion reject --text 'Zanzibarbarian was in order all the same'")
}

// hidesHisName files a grievance whose applicant wants his name to be known to the officer
// who decides alone: the desks before that one read the rest.
func (x grievanceTale) hidesHisName() {
	x.t.Helper()
	x.login("front", x.hub)
	x.login("adc", x.hub)
	n := x.send("grievance", map[string]any{
		"against": "service", "centre": nil, "officer": nil, "receive_no": nil, "happened_on": nil, "relief": nil, "hide_name": true, "body": "Quetzalcoatl again",
	}, map[string]any{"documents": nil, "applicant": map[string]any{"name_bn": "রহিমা", "name_en": "Marmaduchess", "mobile": "01799887766", "gender": "female", "village": "খাজুরা", "area": "41-09-17"}}, "")
	x.stage(n, "RECEIVED")
	reads := func(who string, named bool) {
		x.t.Helper()
		var r api.Record
		x.get(who, x.hub, "/v1/applications/"+n, &r)
		_, page := x.raw(who, x.hub, "/desk/cases/"+n)
		for what, text := range map[string]string{"record": string(r.Applicant), "page": string(page)} {
			if got := strings.Contains(text, "Marmaduchess") || strings.Contains(text, "01799887766"); got != named {
				x.t.Errorf("%s: the %s of %s shows the name: %v; want %v", who, what, n, got, named)
			}
		}
		if !strings.Contains(string(r.Form), "Quetzalcoatl again") || named == strings.Contains(string(r.Applicant), "Name withheld") {
			x.t.Errorf("%s reads %s of %s", who, r.Form, r.Applicant)
		}
	}
	reads("front", false)
	x.decided("front", n, "forward")
	reads("front", false)
	reads("adc", true)
	x.desk("adc", "take "+n)
	x.desk("adc", "approve "+n)
	reads("front", false)
}

// opened is what the register has of a document of a grievance, by its hash, once it has
// arrived: whoever may read the case reads a word of it.
func (x grievanceTale) opened(who, number, kind, word string) (hash string) {
	x.t.Helper()
	var last string
	if !x.soon(func() error {
		var r api.Record
		x.get(who, x.hub, "/v1/applications/"+number, &r)
		for _, d := range r.Documents {
			if d.ID == kind && d.SHA256 != "" {
				hash = d.SHA256
			}
		}
		status, raw := x.raw(who, x.hub, "/v1/cases/"+number+"/documents/"+hash)
		if last = string(raw); status != http.StatusOK || !bytes.HasPrefix(raw, []byte("%PDF-")) || !strings.Contains(last, word) {
			return os.ErrNotExist
		}
		return nil
	}) {
		x.t.Fatalf("%s can't open the %s of %s: %s", who, kind, number, last)
	}
	return hash
}

// boxCantOpen asks the box for a document of a grievance by the name under which it is kept,
// and under which it was sent: sealed bytes, and nothing.
func (x grievanceTale) boxCantOpen(kept, file string) {
	x.t.Helper()
	content, err := os.ReadFile(x.at(file))
	if err != nil {
		x.t.Fatal(err)
	}
	sent := protocol.Hash(sha256.Sum256(content)).String()
	if status, raw := x.raw("rahima", x.box, "/v1/documents/"+kept); status != http.StatusOK || bytes.Contains(raw, []byte("%PDF")) || len(raw) < 16<<10 {
		x.t.Errorf("what the box keeps: %d, %.40q", status, raw)
	} else {
		x.noCanary("what the box keeps", raw)
	}
	if status, raw := x.raw("rahima", x.box, "/v1/documents/"+sent); status != http.StatusNotFound || kept == sent {
		x.t.Errorf("the box has the %s as it was sent: %d, %.40q", file, status, raw)
	}
}

// asksMore has the UNO ask for a document, which the centre brings offline with a word to
// it: the centre learns what is asked for and not why, and can read nothing of it again.
func (x grievanceTale) asksMore(n string, shut func(when string)) {
	x.t.Helper()
	ask := "desk request-info " + n + " --reason 'who is the Marmaduchess?' " + x.as("uno", x.hub) + " --item "
	x.refused("can put none right", ask+"form.body")
	x.kendro(ask + "statement")
	x.until(`"asked":\["statement"\]`, "track "+n+" --url http://"+x.box.ports.HTTP+" --output json")
	x.down(x.hub)
	shut("asked for more")
	supply := "case supply " + n + " --document statement=" + x.at("statement.pdf") + " --text 'nobody but Quetzalcoatl' --id more --output json " + x.as("rahima", x.box)
	x.write("answers.json", `{"body":"x"}`)
	x.refused("can put none right", "case supply "+n+" --form answers.json "+x.as("rahima", x.box))
	x.refused("only what was asked for", "case supply "+n+" --document evidence="+x.at("evidence.pdf")+" "+x.as("rahima", x.box))
	var first, again api.FollowupAnswer
	for _, into := range []*api.FollowupAnswer{&first, &again} {
		if err := json.Unmarshal([]byte(x.kendro(supply)), into); err != nil {
			x.t.Fatal(err)
		}
	}
	if first.Receipt.Hash != again.Receipt.Hash {
		x.t.Errorf("the same request got two receipts: %v, %v", first.Receipt, again.Receipt)
	}
	shut("supplied")
	x.up(x.hub)
	x.until(`"stage":"UNDER_REVIEW"`, "track "+n+" --url http://"+x.box.ports.HTTP+" --output json")
	x.boxCantOpen(x.opened("uno", n, "statement", "Zanzibarbarian"), "statement.pdf")
	var record api.Record
	x.get("uno", x.hub, "/v1/applications/"+n, &record)
	if words := text(record.History, "supply"); words != "nobody but Quetzalcoatl" {
		x.t.Errorf("the UNO reads %q with what came", words)
	}
}

// mustConceal is a short secret, as a box seals it.
func mustConceal(t *testing.T) *protocol.Confidential {
	t.Helper()
	c, err := protocol.Conceal(identity.NewSealingKey().Public(), &protocol.Secret{Text: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// text is what stands with the newest turn of an action.
func text(history []api.HistoryEntry, action string) (words string) {
	for _, h := range history {
		if h.Action == action {
			words = h.Text
		}
	}
	return words
}
