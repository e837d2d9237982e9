package catalogue

import (
	"cmp"
	"math/big"
	"reflect"
	"slices"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A plain is a compiled schema of the plainest kind: a text, a whole number, yes
// or no, rows of such, or an object of them that admits nothing else. It finds
// out that an answer is right, at a fraction of the library's cost. That an
// answer is wrong, and why, is for the library to say.
type plain struct {
	kind      byte // Of node; trueNode: yes or no.
	low, high int64
	choice    []string // Nil: any text.
	pattern   jsonschema.Regexp
	format    *jsonschema.Format

	row      *plain   // Of an array.
	members  []member // Of an object, sorted by name.
	required uint64   // A bit for each member.
	when     *branch
}

type member struct {
	name  string
	plain *plain
}

// A branch asks for more members, depending on one of them.
type branch struct {
	name  string
	kind  byte // What the member must be for yes to hold.
	text  string
	yes   uint64
	other uint64
}

// What a compiled schema may say beside its type. Whatever else is set, also by
// a later version of the library, leaves the schema to the library.
var (
	sayAlways = []string{
		"DraftVersion", "Location", "Types", "Title", "Description", "Default", "Comment", "ReadOnly", "WriteOnly", "Examples", "Deprecated",
	}
	sayText   = append([]string{"Enum", "Format", "MinLength", "MaxLength", "Pattern"}, sayAlways...)
	sayWhole  = append([]string{"Minimum", "Maximum"}, sayAlways...)
	sayRows   = append([]string{"MinItems", "MaxItems", "Items2020"}, sayAlways...)
	sayObject = append([]string{"Properties", "Required", "AdditionalProperties", "If", "Then", "Else"}, sayAlways...)
)

// saysOnly reports whether nothing is set in the schema but these.
func saysOnly(s *jsonschema.Schema, names []string) bool {
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.IsExported() && !v.Field(i).IsZero() && !slices.Contains(names, f.Name) {
			return false
		}
	}
	return s.DraftVersion == 2020
}

// plainOf returns the plain form of a schema, nil if it isn't plain.
func plainOf(s *jsonschema.Schema) *plain {
	if s == nil || s.Types == nil || len(s.Types.ToStrings()) != 1 {
		return nil
	}
	switch s.Types.ToStrings()[0] {
	case "string":
		return plainText(s)
	case "integer":
		return plainWhole(s)
	case "boolean":
		if saysOnly(s, sayAlways) {
			return &plain{kind: trueNode}
		}
	case "array":
		return plainRows(s)
	case "object":
		return plainObject(s)
	}
	return nil
}

const unbounded = 1 << 62

func bounds(low, high *int) (l, h int64) {
	h = unbounded
	if low != nil {
		l = int64(*low)
	}
	if high != nil {
		h = int64(*high)
	}
	return l, h
}

func plainText(s *jsonschema.Schema) *plain {
	if !saysOnly(s, sayText) {
		return nil
	}
	r := &plain{kind: textNode, pattern: s.Pattern, format: s.Format}
	r.low, r.high = bounds(s.MinLength, s.MaxLength)
	if s.Enum == nil {
		return r
	}
	r.choice = []string{}
	for _, v := range s.Enum.Values {
		text, ok := v.(string)
		if !ok {
			return nil
		}
		r.choice = append(r.choice, text)
	}
	return r
}

func plainWhole(s *jsonschema.Schema) *plain {
	if !saysOnly(s, sayWhole) {
		return nil
	}
	r := &plain{kind: wholeNode, low: -unbounded, high: unbounded}
	for _, b := range []struct {
		from *big.Rat
		to   *int64
	}{{s.Minimum, &r.low}, {s.Maximum, &r.high}} {
		if b.from == nil {
			continue
		}
		if !b.from.IsInt() || !b.from.Num().IsInt64() {
			return nil
		}
		*b.to = b.from.Num().Int64()
	}
	return r
}

func plainRows(s *jsonschema.Schema) *plain {
	row := plainOf(s.Items2020)
	if !saysOnly(s, sayRows) || row == nil {
		return nil
	}
	r := &plain{kind: arrayNode, row: row}
	r.low, r.high = bounds(s.MinItems, s.MaxItems)
	return r
}

func plainObject(s *jsonschema.Schema) *plain {
	if !saysOnly(s, sayObject) || s.AdditionalProperties != false || len(s.Properties) > 64 {
		return nil
	}
	r := &plain{kind: objectNode}
	for name, p := range s.Properties {
		m := member{name: name, plain: plainOf(p)}
		if m.plain == nil {
			return nil
		}
		r.members = append(r.members, m)
	}
	slices.SortFunc(r.members, func(a, b member) int { return cmp.Compare(a.name, b.name) })
	var ok bool
	if r.required, ok = r.bits(s.Required); !ok {
		return nil
	}
	if s.If == nil { // Then and Else mean nothing without it.
		return r
	}
	if r.when = r.branch(s); r.when == nil {
		return nil
	}
	return r
}

// bits returns the members with these names.
func (r *plain) bits(names []string) (set uint64, ok bool) {
	for _, name := range names {
		i, ok := slices.BinarySearchFunc(r.members, name, func(m member, name string) int { return cmp.Compare(m.name, name) })
		if !ok {
			return 0, false
		}
		set |= 1 << i
	}
	return set, true
}

// branch reads if, then and else of the one shape that forms have: where one
// member is there with this answer, these are required, else those.
func (r *plain) branch(s *jsonschema.Schema) *branch {
	if !saysOnly(s.If, []string{"DraftVersion", "Location", "Properties", "Required"}) || len(s.If.Properties) != 1 || len(s.If.Required) != 1 {
		return nil
	}
	b := &branch{name: s.If.Required[0]}
	if _, ok := r.bits(s.If.Required); !ok {
		return nil
	}
	p := s.If.Properties[b.name]
	if p == nil || p.Const == nil || !saysOnly(p, []string{"DraftVersion", "Location", "Const"}) {
		return nil
	}
	switch want := (*p.Const).(type) {
	case string:
		b.kind, b.text = textNode, want
	case bool:
		b.kind = falseNode
		if want {
			b.kind = trueNode
		}
	default:
		return nil
	}
	for _, x := range []struct {
		from *jsonschema.Schema
		to   *uint64
	}{{s.Then, &b.yes}, {s.Else, &b.other}} {
		if x.from == nil {
			continue
		}
		set, ok := r.bits(x.from.Required)
		if !ok || !saysOnly(x.from, []string{"DraftVersion", "Location", "Required"}) {
			return nil
		}
		*x.to = set
	}
	return b
}

// holds reports whether the answer is right. Where it says no, the library may
// still say yes.
func (r *plain) holds(n *node) bool {
	switch r.kind {
	case trueNode:
		return n.kind == trueNode || n.kind == falseNode
	case wholeNode:
		return n.kind == wholeNode && n.whole >= r.low && n.whole <= r.high
	case textNode:
		return n.kind == textNode && r.text(n.text)
	case arrayNode:
		if n.kind != arrayNode || int64(len(n.kids)) < r.low || int64(len(n.kids)) > r.high {
			return false
		}
		for i := range n.kids {
			if !r.row.holds(&n.kids[i]) {
				return false
			}
		}
		return true
	default:
		return n.kind == objectNode && r.object(n)
	}
}

func (r *plain) text(s string) bool {
	if n := int64(utf8.RuneCountInString(s)); n < r.low || n > r.high {
		return false
	}
	if r.choice != nil && !slices.Contains(r.choice, s) {
		return false
	}
	if r.format != nil && r.format.Validate(s) != nil {
		return false
	}
	return r.pattern == nil || r.pattern.MatchString(s)
}

// object walks members and answers side by side, both being sorted.
func (r *plain) object(n *node) bool {
	var there uint64
	i := 0
	for k := range n.kids {
		kid := &n.kids[k]
		for i < len(r.members) && r.members[i].name < kid.key {
			i++
		}
		if i == len(r.members) || r.members[i].name != kid.key || !r.members[i].plain.holds(kid) {
			return false
		}
		there |= 1 << i
	}
	want := r.required
	if w := r.when; w != nil {
		if kid := n.get(w.name); kid != nil && kid.kind == w.kind && kid.text == w.text {
			want |= w.yes
		} else {
			want |= w.other
		}
	}
	return want&^there == 0
}
