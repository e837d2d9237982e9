package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"

	"kendro/document"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
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
	wordEnclosure = name("সংযুক্তি", "Enclosure")
	wordScanHash  = name("স্ক্যানের SHA-256", "SHA-256 of the scan")
	wordPDFAside  = name("এটি PDF; আলাদা করে প্রিন্ট করে এর পরে রাখুন।", "This is a PDF: print it apart, and put it behind this page.")
	wordPDFPages  = name("পৃষ্ঠা", "Pages")
	wordPDFBytes  = name("বাইট", "Bytes")
	wordNotTold   = name("জানা যায়নি", "not told")
	wordScanGone  = name("এই কাগজের স্ক্যান এখানে নেই, তাই ছাপা হয়নি। পৌঁছানোর পর নোটশিট আবার প্রিন্ট করুন।", "The scan of this paper is not here and was not printed. Print the note sheet again once it has arrived.")
	wordScanShut  = name("এই কাগজ সিল করা; এখানে খোলা যায় না।", "This paper is sealed and can’t be opened here.")
	wordPrint     = name("প্রিন্ট করতে Ctrl ও P একসাথে চাপুন; ফোনে ব্রাউজারের মেনুতে প্রিন্ট আছে।", "Press Ctrl and P to print; on a phone it is in the browser’s menu.")
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

// sheets are cases on paper.
type sheets struct{ *desk }

// one shows a whole case for the main file: what was asked for, what was paid,
// every note and decision, and each scan on a page of its own (R-OF6). The same version of a
// case is the same bytes, today and in ten years, under one edition of the pages and one
// language, once its scans have arrived.
func (d sheets) one(w http.ResponseWriter, r *http.Request, c api.Caller) {
	rec, err := d.record(r)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	p := d.page(r, wordSheet)
	v := d.view(p, rec, c.Principal)
	pages, err := d.appendix(r, &v)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	d.showWith(w, r, http.StatusOK, "data:", sheetPage(p, v, sheetVersion(rec), sumOf(rec), pages))
}

// A scanPage is a page of the note sheet for one scan: the picture itself, or in words what to
// do about it.
type scanPage struct {
	Name    place.Name
	Hash    string
	Picture string // A data URL.
	Says    place.Name
	Facts   []line
}

// appendix is a page for each scan of a case, so that what is printed and kept lacks none
// without saying so. Each look is recorded, as that at the scan alone is.
func (d sheets) appendix(r *http.Request, v *caseView) ([]scanPage, error) {
	var list []scanPage
	for i, doc := range v.Record.Documents {
		if doc.SHA256 == "" {
			continue
		}
		var content []byte
		path := "/v1/cases/" + v.Record.Number.String() + "/documents/" + doc.SHA256
		err := api.Inside(d.api, r).Do(r.Context(), api.Call{Path: path, Out: &content})
		if kind := fault.KindOf(err); err != nil && kind != fault.NotFound && kind != fault.Damaged {
			return nil, err
		}
		p := scanPage{Name: v.Enclosed[i].Name, Hash: doc.SHA256}
		p.hold(content, v.lang)
		list = append(list, p)
	}
	return list, nil
}

// hold puts a scan on its page.
func (p *scanPage) hold(content []byte, l Lang) {
	switch t, err := document.TypeOf(content); {
	case err != nil:
		p.Says = wordScanGone
	case t == document.Sealed:
		p.Says = wordScanShut
	case t == document.PDF:
		p.Says = wordPDFAside
		pages := l.Say(wordNotTold)
		if n, ok := document.Pages(content); ok {
			pages = l.Count(int64(n))
		}
		p.Facts = []line{{Label: wordPDFPages, Value: pages}, {Label: wordPDFBytes, Value: l.Count(int64(len(content)))}}
	default:
		p.Picture = "data:" + t.Media() + ";base64," + base64.StdEncoding.EncodeToString(content)
	}
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
