package desk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"path/filepath"
	"strings"
	"testing"

	"kendro/document"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/cabinet"
)

// papers is a server's cabinet, alone in its group.
type papers struct {
	o    *office
	tray *cabinet.Tray
}

func newPapers(t testing.TB, o *office) *papers {
	t.Helper()
	dir := t.TempDir()
	v, err := store.OpenVault(filepath.Join(dir, "vault"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := cabinet.Open(filepath.Join(dir, "documents"), cabinet.Options{Vault: v, Secret: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	return &papers{o, cabinet.NewTray(c, func() (document.Preset, error) { return document.Normal, nil })}
}

func (p *papers) Upload(ctx context.Context, piece cabinet.Piece) (cabinet.Upload, error) {
	up, err := p.tray.Take(ctx, piece)
	if err == nil && up.Document != nil {
		p.o.apply(&register.Entry{Commands: []register.Command{register.NewCommand("k"+piece.Hash.String(), register.ActorHub, register.DocumentKept,
			&register.PaperKept{Hash: up.Document.Hash, Size: up.Document.Size, Type: up.Document.Type})}})
	}
	return up, err
}

func (p *papers) Document(_ context.Context, h protocol.Hash) (protocol.Document, []byte, error) {
	return p.tray.Describe(h)
}

// A document is shown to who may read its case, and to nobody else; every look is
// recorded. Until it has arrived, the case says what is missing (row 22).
func TestDocumentsOfACase(t *testing.T) {
	o := newOffice(t)
	content := []byte("%PDF-1.4\nnational identity card\n%%EOF\n")
	h := protocol.Hash(sha256.Sum256(content))
	o.scans = []protocol.Document{{Kind: "nid", Hash: h, Size: uint32(len(content)), Type: 1}}
	n := o.file(1)
	other := protocol.Hash{9}
	path := "/v1/cases/" + n.String() + "/documents/"

	if w := o.call("anna", "GET", "/v1/applications/"+n.String(), ""); !strings.Contains(w.Body.String(), `"missing":true`) {
		t.Errorf("the record does not say what is missing: %s", w.Body)
	}
	if w := o.call("anna", "GET", path+h.String(), ""); w.Code != 404 {
		t.Errorf("before it arrived: got %d; want 404", w.Code)
	}
	if w := o.call("anna", "PUT", "/v1/documents/"+h.String(), string(content)); w.Code != 201 || !strings.Contains(w.Body.String(), `"complete":true`) {
		t.Fatalf("an officer's scan: got %d %s", w.Code, w.Body)
	}
	before := o.reg.Stats().Looks
	w := o.call("anna", "GET", path+h.String(), "")
	if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), content) || w.Header().Get("Content-Type") != "application/pdf" ||
		!strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("got %d %v, %d bytes", w.Code, w.Header(), w.Body.Len())
	}
	if o.reg.Stats().Looks != before+1 {
		t.Error("the look was not recorded")
	}
	for user, want := range map[string]int{"": 401, "root": 403, "uno": 200, "audit": 200} {
		if w := o.call(user, "GET", path+h.String(), ""); w.Code != want {
			t.Errorf("%q: got %d; want %d", user, w.Code, want)
		}
	}
	if w := o.call("anna", "GET", path+other.String(), ""); w.Code != 404 {
		t.Errorf("a document of no such case: got %d; want 404", w.Code)
	}
	if w := o.call("rahima", "PUT", "/v1/documents/"+h.String(), string(content)); w.Code != 403 {
		t.Errorf("an entrepreneur at the hub: got %d; want 403", w.Code)
	}
	if w := o.call("anna", "GET", "/v1/applications/"+n.String(), ""); strings.Contains(w.Body.String(), `"missing":true`) {
		t.Error("the record still says that it is missing")
	}
}

// The case page leads to each document that has arrived; opening it there is a look
// like any other. One that is missing says so and has no link.
func TestDocumentsOnTheCasePage(t *testing.T) {
	o := newOffice(t)
	content := []byte("%PDF-1.4\n<script>alert(1)</script>\n%%EOF\n")
	h := protocol.Hash(sha256.Sum256(content))
	o.scans = []protocol.Document{{Kind: "nid", Hash: h, Size: uint32(len(content)), Type: 1}}
	n := o.file(1)
	path := "/desk/cases/" + n.String()
	link := path + "/documents/" + h.String()

	page := o.page("anna", "GET", path, nil).Body.String()
	if !strings.Contains(page, "স্ক্যান এখনো পৌঁছায়নি") || strings.Contains(page, link) {
		t.Error("before it arrived: the page has to say so, without a link")
	}
	if w := o.page("anna", "GET", link, nil); w.Code != 404 || !strings.Contains(w.Body.String(), "এই স্ক্যানটি এখানে নেই") {
		t.Errorf("before it arrived: got %d; want 404 in words", w.Code)
	}
	if w := o.call("anna", "PUT", "/v1/documents/"+h.String(), string(content)); w.Code != 201 {
		t.Fatalf("upload: got %d", w.Code)
	}
	if page = o.page("anna", "GET", path, nil).Body.String(); !strings.Contains(page, `href="`+link+`"`) {
		t.Error("the page has no link to the document")
	}
	before := o.reg.Stats().Looks
	w := o.page("anna", "GET", link, nil)
	if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), content) || o.reg.Stats().Looks != before+1 {
		t.Errorf("got %d, %d looks more; want the document and one", w.Code, o.reg.Stats().Looks-before)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/pdf", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Content-Disposition": `inline; filename="` + h.String()[:16] + `.pdf"`, "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: got %q; want %q", name, got, want)
		}
	}
	for user, want := range map[string]int{"root": 403, "uno": 200, "audit": 200} {
		if w := o.page(user, "GET", link, nil); w.Code != want {
			t.Errorf("%s: got %d; want %d", user, w.Code, want)
		}
	}
	if w := o.page("nobody", "GET", link, nil); w.Code != 200 || !strings.Contains(w.Body.String(), `type="password"`) {
		t.Errorf("nobody: got %d; want the way in", w.Code)
	}
}
