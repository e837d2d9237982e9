package desk

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"strconv"
	"strings"
	"testing"

	"kendro/document"
	"kendro/protocol"
	"kendro/web/api"
)

// photographed uploads a picture and returns what is kept of it.
func (o screens) photographed(user string) protocol.Document {
	o.t.Helper()
	img := image.NewGray(image.Rect(0, 0, 64, 90))
	for x := range 64 {
		img.SetGray(x, x, color.Gray{Y: 200})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		o.t.Fatal(err)
	}
	up := into[api.Uploaded](o.t, o.call(user, "PUT", "/v1/documents/"+protocol.Hash(sha256.Sum256(b.Bytes())).String(), b.String()), 201)
	return protocol.Document{Kind: "nid", Hash: *up.SHA256, Size: up.Size, Type: uint8(document.PNG)}
}

// TestSheetHasTheScans: each scan of a case has a page of its own behind the note sheet: a picture
// is there, a PDF is named with its pages and hash, and one that has not arrived says so. Printed
// again it is the same bytes, also as of that version once the case has gone on (R-OF6).
func TestSheetHasTheScans(t *testing.T) {
	o := screens{newOffice(t)}
	picture := o.photographed("anna")
	paper := []byte("%PDF-1.4\n1 0 obj\n<</Type/Pages/Count 31/Kids[2 0 R]>>\nendobj\n%%EOF\n")
	h := protocol.Hash(sha256.Sum256(paper))
	o.scans = []protocol.Document{picture, {Kind: "deed", Hash: h, Size: uint32(len(paper)), Type: uint8(document.PDF)}}
	n := o.file(1)
	path := "/desk/cases/" + n.String() + "/sheet"

	before := o.page("anna", "GET", path, nil)
	if csp := before.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "img-src data:;") || !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("its policy is %q", csp)
	}
	body := before.Body.String()
	if got := strings.Count(body, `class="scan-page"`); got != 2 {
		t.Fatalf("%d pages for two scans", got)
	}
	if !strings.Contains(body, "এখানে নেই, তাই ছাপা হয়নি") || !strings.Contains(body, h.String()) {
		t.Error("nothing is said of the scan that has not arrived")
	}
	_, rest, _ := strings.Cut(body, `src="data:image/png;base64,`)
	raw, _, _ := strings.Cut(rest, `"`)
	if content, err := base64.StdEncoding.DecodeString(raw); err != nil || protocol.Hash(sha256.Sum256(content)) != picture.Hash {
		t.Errorf("the picture that is printed is not the one that is kept: %v", err)
	}

	if w := o.call("anna", "PUT", "/v1/documents/"+h.String(), string(paper)); w.Code != 201 {
		t.Fatalf("upload: got %d %s", w.Code, w.Body)
	}
	looks := o.reg.Stats().Looks
	arrived := o.page("anna", "GET", path, nil).Body.Bytes()
	if got := o.reg.Stats().Looks - looks; got != 3 {
		t.Errorf("%d looks were recorded; want that at the case and those at its scans", got)
	}
	if s := string(arrived); !strings.Contains(s, "PDF; আলাদা করে") || !strings.Contains(s, "৩১") || strings.Contains(s, "এখানে নেই, তাই") {
		t.Errorf("the PDF is not named with its 31 pages:\n%s", s)
	}
	c, err := o.reg.Case(n)
	if err != nil {
		t.Fatal(err)
	}
	o.pressed("anna", n, "take")
	o.pressed("anna", n, "note", "text", "দেখা হয়েছে")
	for range 2 {
		if again := o.page("anna", "GET", path+"?as_of_version="+strconv.FormatUint(c.State.Version, 10), nil).Body.Bytes(); !bytes.Equal(again, arrived) {
			t.Errorf("printed again it is\n%s\nand was\n%s", again, arrived)
		}
	}
}
