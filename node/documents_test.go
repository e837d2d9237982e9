package node

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"kendro/protocol"
	"kendro/web/api"
)

// put sends a request about a document and returns status and answer.
func (b *bench) put(h protocol.Hash, span string, body []byte) (int, string) {
	b.tb.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPut, "http://"+b.Addr().HTTP+"/v1/documents/"+h.String(), bytes.NewReader(body))
	if err != nil {
		b.tb.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+b.token)
	if span != "" {
		r.Header.Set("Content-Range", span)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.tb.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		b.tb.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

func TestUploadOverHTTP(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.hub.Stop()
	content := append(append([]byte("%PDF-1.4\n"), bytes.Repeat([]byte("page "), 200_000)...), "\n%%EOF\n"...)
	h := protocol.Hash(sha256.Sum256(content))
	for _, c := range []struct {
		name, span string
		body       []byte
		want       int
	}{
		{"nothing", "", nil, 400},
		{"not its hash", "", []byte("%PDF-1.4 another %%EOF"), 400},
		{"a gap", "bytes 100-199/1000016", content[100:200], 409},
		{"shorter than its range", "bytes 0-99/1000016", content[:50], 400},
		{"beyond its end", "bytes 1000000-1000099/1000016", content[:100], 400},
		{"no range", "pieces 1-2", content[:2], 400},
		{"enormous", "bytes 0-99/99999999999", content[:100], 400},
		{"too long a body", "", make([]byte, 13<<20), 413},
		{"how far, nothing yet", "bytes */1000016", nil, 200},
		{"the beginning", "bytes 0-599999/1000016", content[:600_000], 200},
		{"the rest", "bytes 600000-1000015/1000016", content[600_000:], 201},
		{"once more", "bytes 0-99/1000016", content[:100], 200},
	} {
		if got, body := b.put(h, c.span, c.body); got != c.want {
			t.Errorf("%s: got %d; want %d\n%s", c.name, got, c.want, body)
		}
	}
	status, got := b.call(http.MethodGet, "/v1/documents/"+h.String(), "", nil, nil)
	if status != 200 || !bytes.Equal(got, content) {
		t.Errorf("got %d and %d bytes; want the document", status, len(got))
	}
	b.token = ""
	if status, _ := b.call(http.MethodGet, "/v1/documents/"+h.String(), "", nil, nil); status != 401 {
		t.Errorf("a document for anybody: got %d; want 401", status)
	}
}

func TestTheClientGoesOnWhereAnUploadEnded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	content := append(append([]byte("%PDF-1.4\n"), bytes.Repeat([]byte("page "), 140_000)...), "\n%%EOF\n"...)
	h := protocol.Hash(sha256.Sum256(content))
	if got, body := b.put(h, "bytes 0-99999/700016", content[:100_000]); got != 200 {
		t.Fatal(got, body)
	}
	b.stop()
	b.start()
	client, err := api.NewClient("http://"+b.Addr().HTTP, b.token, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	up, err := client.Upload(t.Context(), content)
	if err != nil || !up.Complete || *up.SHA256 != h || up.Type != "application/pdf" {
		t.Fatalf("got %+v, %v", up, err)
	}
	if again, err := client.Upload(t.Context(), content); err != nil || !again.Complete {
		t.Errorf("a second time: %+v, %v", again, err)
	}
}

// The counter's page takes a picture with the form: the box keeps it, names it in the
// application's event, and has it wait for the hub.
func TestAPageAttachesAScan(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.hub.Stop()
	v, _ := b.d.Set.Current(service)
	var sample struct{ Form, Applicant map[string]any }
	if err := json.Unmarshal(b.d.Body(t, service, 1), &sample); err != nil {
		t.Fatal(err)
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 300, 200))); err != nil {
		t.Fatal(err)
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	fields := map[string]string{"key": "page-1", "version": strconv.Itoa(v.Number), "channel": "centre", "step": "file"}
	for prefix, answers := range map[string]map[string]any{"form.": sample.Form, "applicant.": sample.Applicant} {
		for name, value := range answers {
			if _, list := value.([]any); !list { // Identifiers; they are optional.
				fields[prefix+name] = fmt.Sprint(value)
			}
		}
	}
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range v.Documents {
		part, err := w.CreateFormFile("file."+d.ID, "page.png")
		if err == nil {
			_, err = part.Write(picture.Bytes())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+b.Addr().HTTP+"/apply/"+service, &form)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.AddCookie(&http.Cookie{Name: api.SessionCookie, Value: b.token})
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	number, ok := strings.CutPrefix(resp.Header.Get("Location"), "/receipt/")
	if err != nil || !ok {
		t.Fatalf("got %d, %v\n%s", resp.StatusCode, err, page)
	}
	var rec api.Record
	b.call(http.MethodGet, "/v1/applications/"+number, "", nil, &rec)
	if len(v.Documents) == 0 || len(rec.Documents) != len(v.Documents) || rec.Documents[0].Type != "image/png" {
		t.Errorf("got %+v; want a scan of each of %d documents", rec.Documents, len(v.Documents))
	}
	if waiting, err := b.box.Pending(); err != nil || len(waiting) != 1 || waiting[0].Hash.String() != rec.Documents[0].SHA256 {
		t.Errorf("got %v, %v; want the picture to wait for the hub, once", waiting, err)
	}
}
