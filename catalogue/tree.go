package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"

	"kendro/domain/fault"
)

// Canonical returns the JSON that is stored and signed: Bangla in NFC (the
// letters ড় ঢ় য় have two spellings), keys sorted, no space between, no
// escapes that aren't needed. Two bodies that a reader would call equal come
// out as equal bytes. It fails with [fault.Invalid] for anything that isn't one
// JSON value, is longer than MaxBody, is nested too deeply, isn't UTF-8, or has
// a key twice.
func Canonical(data []byte) ([]byte, error) {
	tree, err := parseTree(data)
	if err != nil {
		return nil, fault.Wrap("catalogue.Canonical", fault.Invalid, "", err)
	}
	return writeTree(tree)
}

// parseTree decodes bounded JSON strictly and normalises its strings. Numbers
// stay as written ([json.Number]).
func parseTree(data []byte) (any, error) {
	if len(data) > MaxBody {
		return nil, fmt.Errorf("%d bytes: the limit is %d", len(data), MaxBody)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("the text is not UTF-8")
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true)) // object looks after NFC.
	v, err := value(dec, 0)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON value")
	}
	return v, nil
}

func value(dec *jsontext.Decoder, depth int) (any, error) {
	t, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case '{', '[':
		if depth >= maxDepth {
			return nil, fmt.Errorf("nested more than %d deep", maxDepth)
		}
		if t.Kind() == '{' {
			return object(dec, depth+1)
		}
		return array(dec, depth+1)
	case '"':
		return norm.NFC.String(t.String()), nil
	case '0':
		x := json.Number(t.String())
		if len(x) > 32 {
			return nil, errors.New("a number has more than 32 characters")
		}
		return x, nil
	case 't', 'f':
		return t.Bool(), nil
	default:
		return nil, nil
	}
}

func object(dec *jsontext.Decoder, depth int) (any, error) {
	m := map[string]any{}
	for dec.PeekKind() != '}' {
		t, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		key := norm.NFC.String(t.String())
		if _, ok := m[key]; ok {
			return nil, fmt.Errorf("the key %q is there twice", clipText(key))
		}
		if m[key], err = value(dec, depth); err != nil {
			return nil, err
		}
	}
	_, err := dec.ReadToken() // The closing brace.
	return m, err
}

func array(dec *jsontext.Decoder, depth int) (any, error) {
	list := []any{}
	for dec.PeekKind() != ']' {
		v, err := value(dec, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := dec.ReadToken() // The closing bracket.
	return list, err
}

func writeTree(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fault.Wrap("catalogue.Canonical", fault.Internal, "", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
