package catalogue

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A kind of node, told by the first byte of its JSON.
const (
	objectNode = '{'
	arrayNode  = '['
	textNode   = '"'
	wholeNode  = '0'
	trueNode   = 't'
	falseNode  = 'f'
)

// A node is one value of a scanned body: what parseTree would make of it, for
// less work.
type node struct {
	kind  byte
	key   string // In its object.
	text  string // Of a text, and of a number as written.
	whole int64  // Of a number.
	kids  []node // Of an object, sorted by key, and of an array.
}

// scan reads a body of the plainest kind: no escapes, no null, no numbers but
// whole ones, no key twice, nothing nested too deeply, nothing that the encoder
// would escape. Of any other it says false, and parseTree has the last word. Of
// what it reads, parseTree reads the same.
func scan(body []byte) (root node, ok bool) {
	root, ok, _ = scanAsIs(body)
	return root, ok
}

// scanAsIs is scan, and says whether every text stands in the body as it was read,
// in NFC: then encoding/json reads the same as well.
func scanAsIs(body []byte) (root node, ok, asIs bool) {
	if len(body) > MaxBody || !utf8.Valid(body) {
		return node{}, false, false
	}
	s := scanner{src: string(body), stack: make([]node, 0, 32)}
	if strings.Contains(s.src, "\u2028") || strings.Contains(s.src, "\u2029") {
		return node{}, false, false
	}
	root, ok = s.value(0)
	s.space()
	return root, ok && s.at == len(s.src), !s.composed
}

type scanner struct {
	src      string
	at       int
	stack    []node // Kids of what is not closed yet.
	composed bool   // A text was not in NFC.
}

func (s *scanner) space() {
	for s.at < len(s.src) {
		switch s.src[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// next takes c, and the space before it, if it comes next.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.at < len(s.src) && s.src[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) value(depth int) (node, bool) {
	s.space()
	if s.at == len(s.src) {
		return node{}, false
	}
	switch c := s.src[s.at]; {
	case depth >= maxDepth && (c == '{' || c == '['):
		return node{}, false
	case c == '{':
		return s.object(depth + 1)
	case c == '[':
		return s.array(depth + 1)
	case c == '"':
		text, ok := s.text()
		return node{kind: textNode, text: text}, ok
	case c == 't':
		return node{kind: trueNode}, s.literal("true")
	case c == 'f':
		return node{kind: falseNode}, s.literal("false")
	default:
		return s.number()
	}
}

func (s *scanner) literal(word string) bool {
	if !strings.HasPrefix(s.src[s.at:], word) {
		return false
	}
	s.at += len(word)
	return true
}

// text reads a string without escapes, in NFC.
func (s *scanner) text() (string, bool) {
	if !s.next('"') {
		return "", false
	}
	ascii := true
	for i := s.at; i < len(s.src); i++ {
		switch c := s.src[i]; {
		case c == '"':
			text := s.src[s.at:i]
			s.at = i + 1
			if !ascii && !composed(text) {
				was := text
				text = norm.NFC.String(text)
				s.composed = s.composed || text != was
			}
			return text, true
		case c == '\\' || c < ' ':
			return "", false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", false
}

// number reads a whole number of at most 18 digits, as it would be printed.
func (s *scanner) number() (node, bool) {
	end := s.at
	for end < len(s.src) && (s.src[end] == '-' || s.src[end] >= '0' && s.src[end] <= '9') {
		end++
	}
	text := s.src[s.at:end]
	if len(text) > 18 {
		return node{}, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != text {
		return node{}, false
	}
	s.at = end
	return node{kind: wholeNode, text: text, whole: n}, true
}

func (s *scanner) object(depth int) (node, bool) {
	base := len(s.stack)
	s.at++
	for first := true; !s.next('}'); first = false {
		if !first && !s.next(',') {
			return node{}, false
		}
		key, ok := s.text()
		if !ok || !s.next(':') {
			return node{}, false
		}
		kid, ok := s.value(depth)
		if !ok {
			return node{}, false
		}
		kid.key = key
		s.stack = append(s.stack, kid)
	}
	n := s.closed(objectNode, base)
	slices.SortFunc(n.kids, func(a, b node) int { return strings.Compare(a.key, b.key) })
	for i := 1; i < len(n.kids); i++ {
		if n.kids[i].key == n.kids[i-1].key {
			return node{}, false
		}
	}
	return n, true
}

func (s *scanner) array(depth int) (node, bool) {
	base := len(s.stack)
	s.at++
	for first := true; !s.next(']'); first = false {
		if !first && !s.next(',') {
			return node{}, false
		}
		kid, ok := s.value(depth)
		if !ok {
			return node{}, false
		}
		s.stack = append(s.stack, kid)
	}
	return s.closed(arrayNode, base), true
}

// closed takes the kids of what ends here off the stack.
func (s *scanner) closed(kind byte, base int) node {
	n := node{kind: kind, kids: slices.Clone(s.stack[base:])}
	s.stack = s.stack[:base]
	return n
}

// get returns the member of an object with this key, nil if there is none.
func (n *node) get(key string) *node {
	for i := range n.kids {
		if n.kids[i].key == key {
			return &n.kids[i]
		}
	}
	return nil
}

// answer returns a plain member as text, as the lookup of answers does.
func (n *node) answer(key string) string {
	x := n.get(key)
	if x == nil {
		return ""
	}
	switch x.kind {
	case trueNode:
		return "true"
	case falseNode:
		return "false"
	default:
		return x.text
	}
}

// append writes the node as writeTree would.
func (n *node) append(b []byte) []byte {
	switch n.kind {
	case objectNode:
		b = append(b, '{')
		for i := range n.kids {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, '"')
			b = append(b, n.kids[i].key...)
			b = append(b, '"', ':')
			b = n.kids[i].append(b)
		}
		return append(b, '}')
	case arrayNode:
		b = append(b, '[')
		for i := range n.kids {
			if i > 0 {
				b = append(b, ',')
			}
			b = n.kids[i].append(b)
		}
		return append(b, ']')
	case textNode:
		b = append(b, '"')
		b = append(b, n.text...)
		return append(b, '"')
	case wholeNode:
		return append(b, n.text...)
	case trueNode:
		return append(b, "true"...)
	default:
		return append(b, "false"...)
	}
}

// composed reports whether a text of ASCII and Bangla is in NFC. Of any other it
// says false. norm looks twice at each sign that could belong to the one before,
// which costs more than all the rest of reading a body.
func composed(s string) bool {
	var before rune
	marks := 0
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf, r == '\u200c', r == '\u200d', r == '\u0964', r == '\u0965':
			marks = 0
		case r < '\u0981' || r > '\u09ef':
			return false
		case r == '\u09dc' || r == '\u09dd' || r == '\u09df': // In NFC these are two.
			return false
		case (r == '\u09be' || r == '\u09d7') && before == '\u09c7': // In NFC these are one.
			return false
		case r == '\u09bc' || r == '\u09cd': // Marks have an order, and norm breaks long runs of them.
			if marks++; marks > 2 || r == '\u09bc' && before == '\u09cd' {
				return false
			}
		default:
			marks = 0
		}
		before = r
	}
	return true
}
