package document

import (
	"bytes"
	"encoding/binary"
	"image"
)

// A telephone writes pixels as its sensor lies and notes in EXIF how to turn
// them. The note goes with everything else that EXIF knows, so the pixels are
// turned first.

// orientation reads the EXIF orientation of a JPEG, 1 to 8; 1 is upright, and
// what is meant where nothing can be read.
func orientation(content []byte) int {
	for i := 2; i+4 <= len(content) && content[i] == 0xff; {
		marker, size := content[i+1], int(binary.BigEndian.Uint16(content[i+2:]))
		if marker == 0xda || size < 2 || i+2+size > len(content) {
			return 1
		}
		if body := content[i+4 : i+2+size]; marker == 0xe1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")) {
			return orientationIn(body[6:])
		}
		i += 2 + size
	}
	return 1
}

// orientationIn reads it from a TIFF header and the directory behind it.
func orientationIn(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	at := order.Uint32(tiff[4:])
	if uint64(at)+2 > uint64(len(tiff)) {
		return 1
	}
	const tagOrientation, size = 0x0112, 12
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < size {
			return 1
		}
		if v := int(order.Uint16(entries[8:])); order.Uint16(entries) == tagOrientation && v >= 1 && v <= 8 {
			return v
		}
		entries = entries[size:]
	}
	return 1
}

// upright turns a picture as EXIF's orientation says.
func upright(picture image.Image, orientation int) image.Image {
	if orientation <= 1 || orientation > 8 {
		return picture
	}
	b := picture.Bounds()
	w, h := b.Dx(), b.Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch orientation {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			out.Set(tx, ty, picture.At(b.Min.X+x, b.Min.Y+y))
		}
	}
	return out
}
