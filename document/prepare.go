package document

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"

	"kendro/domain/fault"
)

// A Preset is how small a picture is made.
type Preset struct {
	Side    int // Pixels of the longer side, at most.
	Quality int // Of the JPEG, 1 to 100.
}

// The presets: for a disk with room, and for one that fills. A page of A4 at
// 1,600 pixels is read without effort; at 1,200 it is still read.
var (
	Normal = Preset{Side: 1600, Quality: 72}
	Small  = Preset{Side: 1200, Quality: 58}
)

// Prepare returns what is kept of a document. A picture is decoded within
// [MaxPixels], turned upright as its camera says, made as small as the preset
// says, and written again without anything but its pixels. A PDF comes back as
// it is. What can't be kept is [fault.Invalid], with what to do.
//
// It takes up to 150 MB for the largest picture, so callers let one at a time
// in.
func Prepare(content []byte, p Preset) ([]byte, Type, error) {
	const op = "document.Prepare"
	if len(content) > MaxOriginal {
		return nil, 0, fault.New(op, fault.Invalid, "document", "longer than 12 MiB: photograph the page with less resolution")
	}
	t, err := TypeOf(content)
	if err != nil {
		return nil, 0, err
	}
	switch t { //nolint:exhaustive // The others are pictures.
	case PDF:
		_, err := Check(content)
		return content, PDF, err
	case Sealed:
		return nil, 0, fault.New(op, fault.Invalid, "document", "want a PDF, a JPEG or a PNG: a box seals by itself what it has to")
	}
	if _, err := measure(content, t); err != nil {
		return nil, 0, err
	}
	picture, err := decode(content, t)
	if err != nil {
		return nil, 0, &fault.Error{Op: op, Kind: fault.Invalid, Item: "document", Err: fmt.Errorf("the picture can't be read, take it again: %w", err)}
	}
	if t == JPEG {
		picture = upright(shrink(picture, p.Side), orientation(content)) // Small first: turning goes pixel by pixel.
	}
	return smallest(picture, t, p)
}

// measure reads how large a picture is, before anybody decodes it.
func measure(content []byte, t Type) (image.Config, error) {
	const op = "document.Check"
	var c image.Config
	var err error
	if t == JPEG {
		c, err = jpeg.DecodeConfig(bytes.NewReader(content))
	} else {
		c, err = png.DecodeConfig(bytes.NewReader(content))
	}
	switch {
	case err != nil:
		return c, &fault.Error{Op: op, Kind: fault.Invalid, Item: "document", Err: fmt.Errorf("the picture can't be read, take it again: %w", err)}
	case c.Width < minSide || c.Height < minSide:
		return c, fault.New(op, fault.Invalid, "document", fmt.Sprintf("the picture is %d × %d pixels: want a page", c.Width, c.Height))
	case c.Width > MaxSide || c.Height > MaxSide || c.Width*c.Height*depth(c.ColorModel) > MaxPixels:
		return c, fault.New(op, fault.Invalid, "document", fmt.Sprintf("the picture is %d × %d pixels: photograph it with less resolution, 12 megapixels at most", c.Width, c.Height))
	}
	return c, nil
}

// depth weighs pictures of 16 bits a colour twice: they take twice the memory.
func depth(m color.Model) int {
	if m == color.RGBA64Model || m == color.NRGBA64Model || m == color.Gray16Model {
		return 2
	}
	return 1
}

func decode(content []byte, t Type) (image.Image, error) {
	if t == JPEG {
		return jpeg.Decode(bytes.NewReader(content))
	}
	return png.Decode(bytes.NewReader(content))
}

// smallest writes the picture by the preset, and smaller still until it fits.
func smallest(picture image.Image, t Type, p Preset) ([]byte, Type, error) {
	for range 6 {
		scaled := shrink(picture, p.Side)
		if t == PNG {
			out, err := asPNG(scaled)
			if err != nil || len(out) <= keptAsPNG {
				return out, PNG, err
			}
		}
		out, err := asJPEG(scaled, p.Quality)
		if err != nil || len(out) <= MaxStored {
			return out, JPEG, err
		}
		p.Side, p.Quality = p.Side*3/4, max(p.Quality-10, 40)
	}
	return nil, 0, fault.New("document.Prepare", fault.Invalid, "document", "the picture stays larger than 2 MiB: take it again in better light")
}

// shrink draws the picture anew on white, with its longer side at most side.
func shrink(picture image.Image, side int) image.Image {
	b := picture.Bounds()
	w, h := b.Dx(), b.Dy()
	if long := max(w, h); long > side {
		w, h = max(1, w*side/long), max(1, h*side/long)
	}
	if g, ok := picture.(*image.Gray); ok && w == b.Dx() && h == b.Dy() {
		return g
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	if w == b.Dx() && h == b.Dy() {
		draw.Draw(out, out.Bounds(), picture, b.Min, draw.Over)
		return out
	}
	draw.BiLinear.Scale(out, out.Bounds(), picture, b, draw.Over, nil)
	return out
}

func asPNG(picture image.Image) ([]byte, error) {
	var out bytes.Buffer
	err := png.Encode(&out, picture)
	return out.Bytes(), fault.Wrap("document.Prepare", fault.Internal, "png", err)
}

func asJPEG(picture image.Image, quality int) ([]byte, error) {
	var out bytes.Buffer
	err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: quality})
	return out.Bytes(), fault.Wrap("document.Prepare", fault.Internal, "jpeg", err)
}
