// Package document says what a scanned paper may be, and makes it small.
//
// Enter at [Prepare], which takes the bytes as somebody sent them and returns
// those that are kept: a picture is turned upright, shrunk and written again, so
// that nothing of where and by whom it was taken remains; a PDF stays as it is.
// [TypeOf] tells the type by the first bytes, whatever the name says.
//
// The package refuses to keep or send anything, and to decode a picture before
// it knows how large it is.
package document

import (
	"bytes"

	"kendro/domain/fault"
)

// Bounds of a document.
const (
	MaxStored   = 2 << 20   // Bytes that are kept.
	MaxOriginal = 12 << 20  // Bytes that may be sent.
	MaxPixels   = 16 << 20  // Of a picture; what a telephone takes by default.
	MaxSide     = 16 << 10  // Pixels of one side.
	minSide     = 8         // Less is no page.
	sniffed     = 8         // Bytes that tell the type.
	tailOfPDF   = 2 << 10   // Where a whole PDF has its end mark.
	keptAsPNG   = 256 << 10 // A drawing up to this size stays a PNG.
)

// Type is what a document is. Numbers are fixed.
type Type uint8

// The types.
const (
	PDF  Type = 1
	JPEG Type = 2
	PNG  Type = 3

	// Sealed is any of the others, as its box sealed it: nothing of it can be told here.
	Sealed Type = 4
)

// Media is the media type, such as "application/pdf"; empty for no type.
func (t Type) Media() string {
	switch t {
	case PDF:
		return "application/pdf"
	case JPEG:
		return "image/jpeg"
	case PNG:
		return "image/png"
	case Sealed:
		return "application/octet-stream"
	}
	return ""
}

// Suffix is how a file's name ends, such as ".pdf".
func (t Type) Suffix() string {
	switch t {
	case PDF:
		return ".pdf"
	case JPEG:
		return ".jpg"
	case PNG:
		return ".png"
	case Sealed:
		return ".sealed"
	}
	return ""
}

// sealedMark is how a sealed document begins. No PDF and no picture does.
const sealedMark = "kendro-sealed-1\n"

// Enclose returns what is kept of a document that somebody has sealed.
func Enclose(sealed []byte) []byte { return append([]byte(sealedMark), sealed...) }

// Enclosed returns what was sealed; false for a document that is not.
func Enclosed(content []byte) ([]byte, bool) { return bytes.CutPrefix(content, []byte(sealedMark)) }

var magics = []struct {
	t     Type
	first []byte
}{
	{PDF, []byte("%PDF-")},
	{JPEG, []byte{0xff, 0xd8, 0xff}},
	{PNG, []byte("\x89PNG\r\n\x1a\n")},
	{Sealed, []byte(sealedMark)},
}

// TypeOf tells a document's type by its first bytes. Anything else is
// [fault.Invalid].
func TypeOf(content []byte) (Type, error) {
	for _, m := range magics {
		if bytes.HasPrefix(content, m.first) {
			return m.t, nil
		}
	}
	return 0, fault.New("document.TypeOf", fault.Invalid, "document", "want a PDF, a JPEG or a PNG: scan or photograph the page again")
}

// Check returns [fault.Invalid] for content that may not be kept as it is: too
// large, of no known type, or a picture of impossible size. It decodes no
// picture.
func Check(content []byte) (Type, error) {
	const op = "document.Check"
	if len(content) > MaxStored {
		return 0, fault.New(op, fault.Invalid, "document", "longer than 2 MiB: scan fewer pages, or with less resolution")
	}
	t, err := TypeOf(content)
	if err != nil {
		return 0, err
	}
	switch t { //nolint:exhaustive // The others are pictures.
	case PDF:
		return t, checkPDF(content)
	case Sealed:
		return t, nil
	}
	_, err = measure(content, t)
	return t, err
}

// checkPDF looks whether a PDF is whole. What is in it is nobody's to run here.
func checkPDF(content []byte) error {
	const op = "document.Check"
	tail := content[max(0, len(content)-tailOfPDF):]
	if !bytes.Contains(tail, []byte("%%EOF")) {
		return fault.New(op, fault.Invalid, "document", "the PDF has no end: it was cut off; save and send it again")
	}
	return nil
}
