package main

import (
	"strings"
	"testing"
	"time"

	"kendro/web/api"
)

// TestLetterByPostAndItsReply is R-CH7, and R-CH6 at a box without a hub: a letter that
// came by post is entered with its scan and postmark, routed, answered by a reply that is
// posted, and tracked; one that wants no reply ends with its disposal.
func TestLetterByPostAndItsReply(t *testing.T) {
	x := newTale(t, nil)
	x.officer("front", "dc-front-desk@dc-41")
	x.officer("adc", "adc-general@dc-41")
	x.write("scan.pdf", scanInTale)
	x.down(x.hub)
	day := func(daysAgo int) string { return x.now().AddDate(0, 0, -daysAgo).Format(time.DateOnly) }
	byPost := map[string]any{"channel": "post", "documents": nil, "posted_on": day(5)}
	scan := "--document letter=" + x.at("scan.pdf")
	letter := x.send("official-letter", map[string]any{"reply_wanted": true, "reply_by": "post"}, byPost, scan)
	notice := x.send("official-letter", map[string]any{"reply_wanted": false, "reply_by": nil}, byPost, scan)
	for what, members := range map[string]map[string]any{
		"a postmark of tomorrow":    {"channel": "post", "posted_on": day(-1)},
		"a postmark at the counter": {"channel": "counter", "posted_on": day(1)},
	} {
		text := strings.Replace(x.read("body.json"), `"channel":"post"`, `"channel":"`+members["channel"].(string)+`"`, 1)
		x.write("wrong.json", strings.Replace(text, day(5), members["posted_on"].(string), 1))
		if out, err := x.run("apply --form wrong.json " + scan + " " + x.as("rahima", x.box)); err == nil {
			t.Errorf("%s was taken: %s", what, out)
		}
	}
	x.up(x.hub)
	x.stage(notice, "RECEIVED")

	var record api.Record
	x.get("front", x.hub, "/v1/applications/"+letter, &record)
	entered := x.now().Format(time.DateOnly)
	if record.PostedOn != day(5) || record.SubmittedAt.In(x.now().Location()).Format(time.DateOnly) != entered || len(record.Documents) != 1 || record.Due == nil {
		t.Fatalf("the record says posted on %q, entered %v, with %+v, due %v", record.PostedOn, record.SubmittedAt, record.Documents, record.Due)
	}
	x.decided("front", letter, "forward")
	x.desk("front", "take "+letter)
	x.desk("front", "decide "+letter+" --opinion approve --text 'reply drafted'")
	x.refused("a required check is not done: reply", "desk forward "+letter+" "+x.as("front", x.hub))
	x.desk("front", "check "+letter+" --check reply --file scan.pdf")
	x.desk("front", "forward "+letter)
	x.decided("adc", letter, "approve")
	x.stage(letter, "IN_PREPARATION")
	x.desk("adc", "issue "+letter+" --text 'memo 41.05.2026.118'")
	x.desk("adc", "post "+letter+" --reference RR987654321BD")
	x.until(`"stage":"POSTED"`, "track "+letter+" --url http://"+x.box.ports.HTTP+" --output json")

	x.decided("front", notice, "forward")
	x.decided("adc", notice, "approve")
	x.stage(notice, "APPROVED")
}

// TestLetterToTheOfficeItself is R-CH6 at the hub: a letter that came to the office is keyed
// by its clerk with scan and postmark, once however often he is not answered; it is routed,
// found, answered by a reply that is posted, and tracked to the end, while no box hears of it.
func TestLetterToTheOfficeItself(t *testing.T) {
	x := newTale(t, nil)
	x.officer("front", "dc-front-desk@dc-41")
	x.officer("adc", "adc-general@dc-41")
	x.kendro("user add --dir hub --name clerk --role clerk --post dc-front-desk@dc-41 --from 2020-01-01 --password-file password")
	x.login("clerk", x.hub)
	x.write("scan.pdf", scanInTale)
	posted := x.now().AddDate(0, 0, -5).Format(time.DateOnly)
	x.body("official-letter", map[string]any{"reply_wanted": true, "reply_by": "post"}, map[string]any{"channel": "post", "documents": nil, "posted_on": posted})
	apply := "apply --form body.json --output json --id letter-17 --document letter=" + x.at("scan.pdf") + " "
	letter, fees := x.receipt(x.kendro(apply + x.as("clerk", x.hub)))
	if again, _ := x.receipt(x.kendro(apply + x.as("clerk", x.hub))); again != letter || letter[2:6] != "0002" || fees["service_charge"] != 0 {
		t.Fatalf("numbers %s and %s, fees %v; want one number of the hub's own, and no centre's charge", letter, again, fees)
	}
	x.refused("not for the role", "apply --form body.json "+x.as("front", x.hub))

	var record api.Record
	x.get("clerk", x.hub, "/v1/applications/"+letter, &record)
	today := x.now().Format(time.DateOnly)
	if record.PostedOn != posted || record.SubmittedAt.In(x.now().Location()).Format(time.DateOnly) != today || len(record.Documents) != 1 || record.Documents[0].Missing ||
		record.Due == nil || record.Due.Format(time.DateOnly) <= today || record.Centre != "" || record.Variance != 0 {
		t.Fatalf("the record says posted on %q, entered %v at %q, with %+v, due %v", record.PostedOn, record.SubmittedAt, record.Centre, record.Documents, record.Due)
	}
	x.until(letter, "desk find "+letter+" --output json "+x.as("front", x.hub))
	x.decided("front", letter, "forward")
	x.desk("front", "take "+letter)
	x.desk("front", "request-info "+letter+" --item letter --reason 'the second page is missing'")
	x.refused("not for the role", "case supply "+letter+" --document letter="+x.at("scan.pdf")+" "+x.as("front", x.hub))
	x.kendro("case supply " + letter + " --document letter=" + x.at("scan.pdf") + " " + x.as("clerk", x.hub))
	x.stage(letter, "UNDER_REVIEW")
	x.desk("front", "decide "+letter+" --opinion approve --text 'reply drafted'")
	x.desk("front", "check "+letter+" --check reply --file scan.pdf")
	x.desk("front", "forward "+letter)
	x.decided("adc", letter, "approve")
	x.desk("adc", "issue "+letter+" --text 'memo 41.05.2026.118'")
	x.desk("adc", "post "+letter+" --reference RR987654321BD")
	x.stage(letter, "POSTED")
	if out := x.kendro("track " + letter + " --url http://" + x.box.ports.HTTP + " --output json"); !strings.Contains(out, `"source":"hub"`) {
		t.Errorf("the box answers about a case that is not its centre's by itself: %s", out)
	}
	x.refused("no such number on this box", "case withdraw "+letter+" --reason x "+x.as("rahima", x.box))
	x.get("clerk", x.hub, "/v1/applications/"+letter, &record)
	if record.Stage != "POSTED" || record.Article != "RR987654321BD" {
		t.Errorf("the clerk reads %s, %q", record.Stage, record.Article)
	}
}
