package document

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"testing"
)

// packed is a PDF whose objects lie in a compressed stream, as newer programs write it.
func packed(t testing.TB, objects string) []byte {
	t.Helper()
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	if _, err := w.Write([]byte(objects)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, "%%PDF-1.5\n4 0 obj\n<</Type/ObjStm/N 3/First 18/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream\nendobj\n%%%%EOF", z.Len(), z.Bytes())
}

func TestPages(t *testing.T) {
	for name, tt := range map[string]struct {
		pdf  []byte
		want int
	}{
		"plain":               {[]byte("%PDF-1.4\n2 0 obj\n<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>\nendobj\n%%EOF"), 2},
		"count first":         {[]byte("<</Count 3/Kids[1 0 R]/Type/Pages>>"), 3},
		"branches":            {[]byte("<</Type/Pages/Count 12/Kids[5 0 R]>> <</Type/Pages/Count 7/Parent 2 0 R>>"), 12},
		"an outline":          {[]byte("<</Type/Outlines/Count 99>> <</Type/Pages/Resources<</Count 5>>/Count 1>>"), 1},
		"written once more":   {[]byte("<</Type/Pages/Count 2>> %%EOF <</Type/Pages/Count 4>> %%EOF"), 4},
		"packed":              {packed(t, "1 0 2 40 <</Type/Catalog/Pages 2 0 R>> <</Type /Pages /Count 31 /Kids [9 0 R]>>"), 31},
		"packed and none":     {packed(t, "1 0 <</Type/Catalog>>"), -1},
		"no stream":           {[]byte("<</Type/ObjStm>> stream\nnot deflated"), -1},
		"nothing":             {nil, -1},
		"no dictionary":       {[]byte("/Type/Pages/Count"), -1},
		"an impossible count": {[]byte("<</Type/Pages/Count 99999999999999>>"), -1},
	} {
		got, ok := Pages(tt.pdf)
		if ok != (tt.want >= 0) || ok && got != tt.want {
			t.Errorf("%s: got %d, %v; want %d", name, got, ok, tt.want)
		}
	}
}

func FuzzPages(f *testing.F) {
	f.Add([]byte("<</Type/Pages/Count 2>>"))
	f.Add(packed(f, "<</Type/Pages/Count 2>>"))
	f.Fuzz(func(t *testing.T, pdf []byte) {
		if n, ok := Pages(pdf); n < 0 || !ok && n != 0 {
			t.Errorf("got %d, %v", n, ok)
		}
	})
}
