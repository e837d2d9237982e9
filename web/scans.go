package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kendro/document"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// A page's form has for each document of the service two inputs for a file: one
// for any, and one that opens a telephone's camera. What was uploaded comes back
// in a hidden input, so that it need not be chosen again.
const (
	inputFile   = "file."  // A PDF, JPEG or PNG.
	inputCamera = "photo." // The same, from the camera.
	inputScan   = "scan."  // Hash of what is kept.
	inputDrop   = "drop."  // Ticked: leave the scan out.
)

// maxScans bounds the files of one page together.
const maxScans = 6 * document.MaxOriginal

// An enclosure is a document of an application in words: its original was seen, or
// a scan goes with it.
type enclosure struct {
	Name    place.Name
	Scan    string // Hash of the scan; empty: the original was seen.
	Missing bool   // The scan has not arrived here.
}

// How says how the document is shown.
func (e enclosure) How() place.Name {
	switch {
	case e.Missing:
		return wordScanMissing
	case e.Scan != "":
		return wordScanned
	}
	return wordSeen
}

// Mark is the tick before it.
func (e enclosure) Mark() string {
	if e.Missing {
		return "○"
	}
	return "✓"
}

// enclosed lists the documents of a record in words.
func enclosed(set *dcat.Set, rec *api.Record) []enclosure {
	v := pinned(set, rec)
	list := make([]enclosure, 0, len(rec.Documents))
	for _, d := range rec.Documents {
		e := enclosure{Name: place.Name{BN: d.ID, EN: d.ID}, Scan: d.SHA256, Missing: d.Missing}
		if v != nil {
			e.Name = paperNamed(v, d.ID)
		}
		list = append(list, e)
	}
	return list
}

// paperNamed is what a document of a case is called: one that the service asks
// for, or what shows a check.
func paperNamed(v *dcat.Version, id string) place.Name {
	if d, ok := v.Document(id); ok {
		return d.Name
	}
	if i := v.Check(id); i >= 0 {
		return v.Checks[i].Name
	}
	return place.Name{BN: id, EN: id}
}

// scanOf is the scan that a form has for a document; what is no hash is none.
func scanOf(values url.Values, id string) string {
	var h protocol.Hash
	if err := h.UnmarshalText([]byte(values.Get(inputScan + id))); err != nil || values.Get(inputDrop+id) != "" {
		return ""
	}
	return h.String()
}

// filled reads a page's form and uploads the files in it, one after the other.
// Problems are those of single files; the scans of the others stand in values.
// After an error, values are what was read until then.
func (s *pages) filled(w http.ResponseWriter, r *http.Request) (url.Values, []api.FieldProblem, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "multipart/form-data" {
		values, err := post(w, r)
		return values, nil, err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxScans+maxPost)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, nil, fault.Wrap("web.filled", fault.Invalid, "form", err)
	}
	var problems []api.FieldProblem
	values := url.Values{}
	text := maxPost
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return values, problems, nil
		}
		if err != nil {
			return values, problems, fault.Wrap("web.filled", fault.Invalid, "form", err)
		}
		if id, ok := scanInput(part.FormName()); ok {
			problems, err = s.attach(r, values, problems, id, part)
		} else {
			text, err = typedPart(values, part, text)
		}
		if err != nil {
			return values, problems, err
		}
	}
}

// typedOnly reads what was typed into a page, and leaves its files. A page with files is to be
// shown again and not sent on, so its step is left out.
func typedOnly(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "multipart/form-data" {
		return post(w, r)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxScans+maxPost)
	parts, err := r.MultipartReader()
	values, text, files := url.Values{}, maxPost, false
	for err == nil {
		var part *multipart.Part
		if part, err = parts.NextPart(); err != nil {
			break
		}
		if _, scan := scanInput(part.FormName()); scan {
			files = files || part.FileName() != ""
			continue
		}
		text, err = typedPart(values, part, text)
	}
	if files {
		values.Del("step")
	}
	if !errors.Is(err, io.EOF) {
		return nil, fault.Wrap("web.typedOnly", fault.Invalid, "form", err)
	}
	return values, nil
}

// scanInput returns the document whose file an input of this name holds.
func scanInput(name string) (id string, ok bool) {
	if id, ok = strings.CutPrefix(name, inputFile); !ok {
		id, ok = strings.CutPrefix(name, inputCamera)
	}
	return id, ok && id != ""
}

// typedPart reads what was typed into one input, and returns how many bytes the
// others may take.
func typedPart(values url.Values, part *multipart.Part, left int) (int, error) {
	b, err := io.ReadAll(io.LimitReader(part, int64(left)+1))
	if err != nil {
		return 0, fault.Wrap("web.typedPart", fault.Invalid, "form", err)
	}
	if left -= len(b) + len(part.FormName()); left < 0 {
		return 0, fault.New("web.typedPart", fault.Invalid, "form", "longer than "+strconv.Itoa(maxPost)+" bytes")
	}
	values.Add(part.FormName(), string(b))
	return left, nil
}

// attach uploads the file of one input, if one was chosen, as PUT
// /v1/documents/{sha256}, and notes it in values. A file that can't be taken is a
// problem of that document's.
func (s *pages) attach(r *http.Request, values url.Values, problems []api.FieldProblem, id string, part *multipart.Part) ([]api.FieldProblem, error) {
	content, err := io.ReadAll(io.LimitReader(part, document.MaxOriginal+1))
	if err != nil {
		return problems, fault.Wrap("web.attach", fault.Invalid, "form", err)
	}
	if len(content) == 0 {
		return problems, nil // No file was chosen.
	}
	values.Del(inputDrop + id)
	wrong := func(words place.Name) []api.FieldProblem {
		return append(problems, api.FieldProblem{Path: "/documents/" + id, Text: words})
	}
	if len(content) > document.MaxOriginal {
		return wrong(wordScanBad), nil
	}
	var up api.Uploaded
	span := "bytes 0-" + strconv.Itoa(len(content)-1) + "/" + strconv.Itoa(len(content))
	path := "/v1/documents/" + protocol.Hash(sha256.Sum256(content)).String()
	err = api.Inside(s.api, r).Do(context.WithoutCancel(r.Context()), api.Call{Method: http.MethodPut, Path: path, Range: span, In: content, Out: &up})
	switch kind := fault.KindOf(err); {
	case err == nil && up.SHA256 != nil:
		values.Set(inputScan+id, up.SHA256.String())
		return problems, nil
	case err == nil:
		return wrong(faultWords[fault.Internal]), nil
	case kind == fault.Invalid:
		return wrong(wordScanBad), nil
	case kind == fault.Unavailable:
		return wrong(wordScanNoRoom), nil
	}
	return wrong(wordsFor(err)), nil
}

// named puts the names of the documents to problems with them, and their inputs to
// those that the API tells by place in the body.
func named(v *dcat.Version, values url.Values, errs []api.FieldProblem) []api.FieldProblem {
	notes := notesOf(v, values)
	for i, e := range errs {
		id, ok := strings.CutPrefix(e.Path, "/documents/")
		if at := slices.IndexFunc(v.Documents, func(d dcat.Document) bool { return d.Name == e.Field }); e.Path == "/documents" && at >= 0 {
			id, ok = v.Documents[at].ID, true // One that is missing is told by its name.
		}
		if !ok {
			continue
		}
		if at, err := strconv.Atoi(id); err == nil && at >= 0 && at < len(notes) {
			id = notes[at].ID
		}
		errs[i].Path = "/documents/" + id
		if d, ok := v.Document(id); ok {
			errs[i].Field = d.Name
		}
	}
	return errs
}

// notesOf are the documents of a filled page, as the API's body names them. A scan
// goes before a tick: it shows more.
func notesOf(v *dcat.Version, values url.Values) []api.DocumentNote {
	list := make([]api.DocumentNote, 0, len(v.Documents))
	for _, d := range v.Documents {
		if scan := scanOf(values, d.ID); scan != "" {
			list = append(list, api.DocumentNote{ID: d.ID, SHA256: scan})
		} else if values.Get("documents."+d.ID) != "" {
			list = append(list, api.DocumentNote{ID: d.ID, OriginalAtCounter: true})
		}
	}
	return list
}

// scan shows a document that the box holds.
func (c *counter) scan(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	c.showScan(w, r, "/v1/documents/"+url.PathEscape(r.PathValue("sha256")))
}

// showScan fetches a document by a call of the API and shows it, apart from every page
// of ours; one that isn't here is told in words.
func (s *pages) showScan(w http.ResponseWriter, r *http.Request, path string) {
	var h protocol.Hash
	if err := h.UnmarshalText([]byte(r.PathValue("sha256"))); err != nil {
		s.failed(w, r, fault.Wrap("web.showScan", fault.NotFound, "document", err))
		return
	}
	var content []byte
	err := api.Inside(s.api, r).Do(r.Context(), api.Call{Path: path, Out: &content})
	if err == nil {
		var t document.Type
		if t, err = document.TypeOf(content); err == nil {
			api.ServeDocument(w, &protocol.Document{Hash: h, Type: uint8(t)}, content)
			return
		}
		err = fault.Wrap("web.showScan", fault.Damaged, "document", err)
	}
	if fault.KindOf(err) != fault.NotFound {
		s.failed(w, r, err)
		return
	}
	p := s.page(r, wordNotDoneNow)
	s.show(w, r, http.StatusNotFound, message(p, p.Say(wordScanNotHere)))
}
