package api

import (
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"strconv"
	"strings"

	"kendro/document"
	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/protocol"
)

// An UploadPart is a run of bytes of a document that somebody sends.
type UploadPart struct {
	Hash  protocol.Hash // SHA-256 of the whole document as it is sent.
	Total int           // Its bytes; 0 where the request doesn't say.
	At    int           // Where the run begins.
	Bytes []byte        // None only asks how far the document has come.
}

// Uploaded is the answer to PUT /v1/documents/{sha256}: 201 once this request
// completed the document, 200 else. What is kept has a hash of its own where a
// picture was made smaller; either hash names it in an application.
type Uploaded struct {
	Original protocol.Hash  `json:"original" doc:"SHA-256 of the document as it is sent"`
	Received int            `json:"received" doc:"Bytes that are here from the beginning without a gap: go on from there"`
	Complete bool           `json:"complete" doc:"The document is on the disk"`
	SHA256   *protocol.Hash `json:"sha256,omitempty" doc:"SHA-256 of what is kept, once complete"`
	Size     uint32         `json:"size,omitempty" doc:"Bytes of what is kept"`
	Type     string         `json:"type,omitempty" doc:"application/pdf, image/jpeg or image/png, by the bytes"`

	New bool `json:"-"` // This request completed it.
}

// A DocumentNote of a case that names an upload; see [DocumentNote].
func uploadedNote(d *protocol.Document, missing bool) DocumentNote {
	return DocumentNote{ID: d.Kind, SHA256: d.Hash.String(), Size: d.Size, Type: document.Type(d.Type).Media(), Missing: missing}
}

// NotesOf lists a case's documents: those whose original was seen, then those
// that were scanned. missing tells which of these have not arrived; nil: none.
func NotesOf(originals []string, scanned []protocol.Document, missing func(protocol.Hash) bool) []DocumentNote {
	list := []DocumentNote{}
	for _, id := range originals {
		list = append(list, DocumentNote{ID: id, OriginalAtCounter: true})
	}
	for i := range scanned {
		list = append(list, uploadedNote(&scanned[i], missing != nil && missing(scanned[i].Hash)))
	}
	return list
}

// MediaOf is a document's media type.
func MediaOf(d *protocol.Document) string { return document.Type(d.Type).Media() }

// ServeUploads adds PUT /v1/documents/{sha256} for those who may do either act. take keeps
// a piece and answers how far the document is; it checks whether the caller may.
func ServeUploads(a *API, act, or access.Act, take func(context.Context, Caller, UploadPart) (*Uploaded, error)) {
	a.Raw(Route{
		Method: http.MethodPut, Path: "/v1/documents/{sha256}", ID: "upload", Act: act, Or: or, MaxBody: document.MaxOriginal + 1, Takes: "application/octet-stream",
		Summary: "Upload a PDF, JPEG or PNG, whole or by Content-Range (\"bytes 0-65535/300000\"; \"bytes */300000\" with no body asks how far it is); 201 once it is on the disk, 200 before that and for what was there",
	}, nil, Uploaded{}, func(w http.ResponseWriter, r *http.Request, who Caller) {
		out, err := upload(r, who, take)
		if err != nil {
			a.Fail(w, "upload", err)
			return
		}
		status := http.StatusOK
		if out.New {
			status = http.StatusCreated
		}
		WriteJSON(w, status, out)
	})
}

func upload(r *http.Request, who Caller, take func(context.Context, Caller, UploadPart) (*Uploaded, error)) (*Uploaded, error) {
	const op = "api.Upload"
	var p UploadPart
	if err := p.Hash.UnmarshalText([]byte(r.PathValue("sha256"))); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fault.Wrap(op, fault.Invalid, "body", err)
	}
	if p.At, p.Total, err = contentRange(r.Header.Get("Content-Range"), len(body)); err != nil {
		return nil, err
	}
	p.Bytes = body
	return take(r.Context(), who, p)
}

// contentRange reads a Content-Range for a body of some bytes; without one the
// body is the whole.
func contentRange(text string, body int) (at, total int, err error) {
	bad := fault.New("api.Upload", fault.Invalid, "Content-Range", "want such as \"bytes 0-65535/300000\", as long as the body, or \"bytes */300000\" without one")
	if text == "" {
		if body == 0 {
			return 0, 0, fault.New("api.Upload", fault.Invalid, "document", "it is empty: send the file as the body")
		}
		return 0, body, nil
	}
	run, size, ok := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	if total, err = strconv.Atoi(size); !ok || err != nil || total <= 0 || total > document.MaxOriginal {
		return 0, 0, bad
	}
	if run == "*" {
		if body != 0 {
			return 0, 0, bad
		}
		return 0, total, nil
	}
	from, to, ok := strings.Cut(run, "-")
	first, err1 := strconv.Atoi(from)
	last, err2 := strconv.Atoi(to)
	if !ok || err1 != nil || err2 != nil || first < 0 || last < first || last >= total || last-first+1 != body {
		return 0, 0, bad
	}
	return first, total, nil
}

// ServeDocument answers with a document's bytes. Nothing in it may run: a browser
// shows it as what it is, apart from every page of ours.
func ServeDocument(w http.ResponseWriter, d *protocol.Document, content []byte) {
	t := document.Type(d.Type)
	h := w.Header()
	h.Set("Content-Type", t.Media())
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("Content-Disposition", `inline; filename="`+d.Hash.String()[:16]+t.Suffix()+`"`)
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(content) // The client may be gone.
}

// uploadPiece is how much of a document a client sends at once, so that a broken
// link costs no more.
const uploadPiece = 256 << 10

// Upload brings a document to the daemon, going on where an earlier attempt
// ended. A failure on the way is [fault.Unavailable]: repeat it.
func (c *Client) Upload(ctx context.Context, content []byte) (*Uploaded, error) {
	path := "/v1/documents/" + protocol.Hash(sha256.Sum256(content)).String()
	total := strconv.Itoa(len(content))
	out := new(Uploaded)
	err := c.Do(ctx, Call{Method: http.MethodPut, Path: path, Range: "bytes */" + total, Out: out})
	for err == nil && !out.Complete {
		from := out.Received
		to := min(from+uploadPiece, len(content))
		span := "bytes " + strconv.Itoa(from) + "-" + strconv.Itoa(to-1) + "/" + total
		out = new(Uploaded)
		err = c.Do(ctx, Call{Method: http.MethodPut, Path: path, Range: span, In: content[from:to], Out: out})
		if err == nil && !out.Complete && out.Received <= from {
			return nil, fault.New("api.Upload", fault.Unavailable, path, "the daemon does not keep what it is sent: repeat it")
		}
	}
	return out, err
}
