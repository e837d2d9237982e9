package document

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"

	"kendro/domain/fault"
)

// page draws a page with some writing, as a telephone would see it: the left half
// dark, the right half light.
func page(w, h int) *image.RGBA {
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	rng := rand.New(rand.NewPCG(1, 2))
	for y := range h {
		for x := range w {
			shade := uint8(40 + rng.IntN(20))
			if x >= w/2 {
				shade = uint8(200 + rng.IntN(20))
			}
			p.SetRGBA(x, y, color.RGBA{shade, shade, shade, 255})
		}
	}
	return p
}

func jpegOf(tb testing.TB, p image.Image) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, p, &jpeg.Options{Quality: 95}); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func pngOf(tb testing.TB, p image.Image) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, p); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// withExif puts an EXIF note with an orientation and a canary into a JPEG.
func withExif(picture []byte, orientation uint16) []byte {
	tiff := []byte("MM\x00\x2a\x00\x00\x00\x08\x00\x01")
	tiff = binary.BigEndian.AppendUint16(tiff, 0x0112)
	tiff = append(tiff, 0, 3, 0, 0, 0, 1)
	tiff = binary.BigEndian.AppendUint16(tiff, orientation)
	tiff = append(tiff, 0, 0, 0, 0, 0, 0)
	tiff = append(tiff, "GPS 23.1697 N 89.2137 E"...)
	body := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(body)+2))...)
	return append(append(out, body...), picture[2:]...)
}

var pdf = []byte("%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")

// bombPNG is a few bytes that claim to be an enormous picture.
func bombPNG(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	head = append(binary.BigEndian.AppendUint32(head, h), 8, 6, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(head))
}

func TestTypeByMagic(t *testing.T) {
	for name, c := range map[string]struct {
		content []byte
		want    Type
	}{
		"pdf": {pdf, PDF}, "jpeg": {jpegOf(t, page(16, 16)), JPEG}, "png": {pngOf(t, page(16, 16)), PNG},
	} {
		if got, err := Check(c.content); err != nil || got != c.want {
			t.Errorf("%s: got %v, %v; want %v", name, got, err, c.want)
		}
	}
	for name, content := range map[string][]byte{
		"empty": nil, "html": []byte("<!doctype html><script>"), "gif": []byte("GIF89a"), "zip": []byte("PK\x03\x04"),
		"svg": []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), "cut pdf": []byte("%PDF-1.7\n1 0 obj"), "cut jpeg": {0xff, 0xd8, 0xff, 0xe0},
		"large": append(bytes.Clone(pdf), make([]byte, MaxStored)...),
	} {
		if _, err := Check(content); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v; want Invalid", name, err)
		}
	}
}

func TestBombsAreRefusedUndecoded(t *testing.T) {
	for _, size := range [][2]uint32{{50_000, 50_000}, {17_000, 10}, {5_000, 5_000}, {1, 1}, {1<<31 - 1, 1<<31 - 1}} {
		if _, _, err := Prepare(bombPNG(size[0], size[1]), Normal); !errors.Is(err, fault.Invalid) {
			t.Errorf("%d × %d: got %v; want Invalid", size[0], size[1], err)
		}
	}
	if _, _, err := Prepare(make([]byte, MaxOriginal+1), Normal); !errors.Is(err, fault.Invalid) {
		t.Errorf("13 MiB: got %v; want Invalid", err)
	}
}

func TestPicturesAreShrunkAndStripped(t *testing.T) {
	photo := withExif(jpegOf(t, page(1800, 900)), 1)
	for _, preset := range []Preset{Normal, Small} {
		out, kind, err := Prepare(photo, preset)
		if err != nil || kind != JPEG {
			t.Fatal(kind, err)
		}
		c, err := jpeg.DecodeConfig(bytes.NewReader(out))
		if err != nil || c.Width != preset.Side || c.Height != preset.Side/2 {
			t.Errorf("got %d × %d, %v; want the longer side %d", c.Width, c.Height, err, preset.Side)
		}
		if bytes.Contains(out, []byte("GPS")) || bytes.Contains(out, []byte("Exif")) {
			t.Error("metadata is still there")
		}
		if len(out) >= len(photo) {
			t.Errorf("got %d bytes of %d", len(out), len(photo))
		}
		again, _, err := Prepare(out, preset)
		if err != nil || len(again) > len(out)*11/10 {
			t.Errorf("a second time: %d bytes of %d, %v", len(again), len(out), err)
		}
	}
	drawing, kind, err := Prepare(pngOf(t, image.NewGray(image.Rect(0, 0, 300, 200))), Normal)
	if err != nil || kind != PNG || len(drawing) > 4<<10 {
		t.Errorf("a drawing: got %v, %d bytes, %v; want a small PNG", kind, len(drawing), err)
	}
	noisy, kind, err := Prepare(pngOf(t, page(700, 700)), Normal)
	if err != nil || kind != JPEG || len(noisy) > MaxStored {
		t.Errorf("a photograph as PNG: got %v, %d bytes, %v; want a JPEG", kind, len(noisy), err)
	}
	if out, kind, err := Prepare(pdf, Small); err != nil || kind != PDF || !bytes.Equal(out, pdf) {
		t.Errorf("a PDF changed: %v, %v", kind, err)
	}
}

func TestPicturesAreTurnedUpright(t *testing.T) {
	// Where the dark half of the page must lie after turning.
	for orientation, dark := range map[uint16]image.Point{1: {8, 16}, 2: {56, 16}, 3: {56, 16}, 4: {8, 16}, 5: {16, 8}, 6: {16, 8}, 7: {16, 56}, 8: {16, 56}} {
		out, _, err := Prepare(withExif(jpegOf(t, page(64, 32)), orientation), Normal)
		if err != nil {
			t.Fatal(err)
		}
		p, err := jpeg.Decode(bytes.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if wide := p.Bounds().Dx() == 64; wide != (orientation < 5) {
			t.Errorf("orientation %d: %v", orientation, p.Bounds())
		}
		if r, _, _, _ := p.At(dark.X, dark.Y).RGBA(); r>>8 > 100 {
			t.Errorf("orientation %d: %v is light (%d); want the dark half there", orientation, dark, r>>8)
		}
	}
}

func FuzzPrepare(f *testing.F) {
	f.Add(pdf)
	f.Add(withExif(jpegOf(f, page(16, 16)), 6))
	f.Add(pngOf(f, page(16, 16)))
	f.Add(bombPNG(50_000, 50_000))
	f.Fuzz(func(t *testing.T, content []byte) {
		if t, err := Check(content); err == nil && t != PDF {
			if c, err := measure(content, t); err != nil || c.Width*c.Height > 1<<16 {
				return // Decoded by the tests above; here it would only take time.
			}
		}
		out, kind, err := Prepare(content, Normal)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v; want Invalid", err)
			}
			return
		}
		if again, err := Check(out); err != nil || again != kind {
			t.Errorf("what is kept is refused: %v %v", again, err)
		}
	})
}
