package web

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"

	"kendro/domain/application"
	"kendro/web/api"
)

// Words of a case's note sheet and of a file as it stood.
var (
	wordSheet     = name("নোটশিট", "Note sheet")
	wordSheetLink = name("নোটশিট প্রিন্ট করুন", "Print the note sheet")
	wordAsItStood = name("নথি তখন যেমন ছিল", "The file as it stood")
	wordStood     = name("নথিটি এই সিদ্ধান্তের সময় যেমন ছিল, তেমন দেখানো হচ্ছে।", "This is the file as it stood when that was decided.")
	wordNow       = name("এখনকার অবস্থা দেখুন", "Show it as it is now")
	wordPayments  = name("ফি ও জমা", "Fees and payments")
	wordNotes     = name("নোট ও সিদ্ধান্ত", "Notes and decisions")
	wordSheetHash = name("যাচাই সংকেত", "Check sum")
	wordVersion   = name("নথির সংস্করণ", "Version of the file")
	wordPrint     = name("প্রিন্ট করতে Ctrl ও P একসাথে চাপুন।", "Press Ctrl and P to print.")
)

// stood is the version of a case that a page is asked to show, "" for now.
func stood(r *http.Request) string {
	n, err := strconv.ParseUint(r.URL.Query().Get("as_of_version"), 10, 64)
	if err != nil || n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// decides reports whether somebody answered for a line of the history by what he
// saw then (R-OF3).
func decides(action string) bool {
	switch action {
	case application.Decide.String(), application.Forward.String(), application.Approve.String(), application.Reject.String(),
		application.Return.String(), application.HandBack.String(), application.Issue.String(), application.Check.String():
		return true
	}
	return false
}

// sheet shows a whole case for the main file: what was asked for, what was paid,
// every note and decision (R-OF6). The same version of a case is the same bytes,
// today and in ten years, under one edition of the pages and one language.
func (d *desk) sheet(w http.ResponseWriter, r *http.Request, c api.Caller) {
	rec, err := d.record(r)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	p := d.page(r, wordSheet)
	v := d.view(p, rec, c.Principal)
	d.show(w, r, http.StatusOK, sheetPage(p, v, sheetVersion(rec), sumOf(rec)))
}

// sheetVersion is the version of the case that a record shows.
func sheetVersion(rec *api.Record) uint64 {
	if n := len(rec.History); n > 0 {
		return rec.History[n-1].Version
	}
	return rec.Version
}

// sumOf is a hash over all that a note sheet says, so that a printed one can be
// compared with the register. What changes without the case, such as whether a
// scan has arrived, is not in it.
func sumOf(rec *api.Record) string {
	type paper struct{ ID, SHA256 string }
	papers := make([]paper, 0, len(rec.Documents))
	for _, d := range rec.Documents {
		papers = append(papers, paper{d.ID, d.SHA256})
	}
	b, err := json.Marshal([]any{
		rec.Number, rec.Service.ID, rec.Service.Version, rec.Centre, rec.Channel, rec.Form, rec.Applicant, papers, rec.Fees, rec.Receipt, rec.History,
	})
	if err != nil {
		return "" // A record came as JSON.
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// money are the lines of a history that are about money.
func money(history []api.HistoryEntry) []api.HistoryEntry {
	var list []api.HistoryEntry
	for _, e := range history {
		if e.Poisha != 0 {
			list = append(list, e)
		}
	}
	return list
}

// papers lists the documents of a case with the hashes of their scans.
func (v *caseView) papers() []line {
	list := make([]line, 0, len(v.Record.Documents))
	for i, d := range v.Record.Documents {
		l := line{Label: v.Enclosed[i].Name, Value: d.SHA256}
		if d.SHA256 == "" {
			l.Value = v.lang.Say(wordSeen)
		}
		list = append(list, l)
	}
	return list
}
