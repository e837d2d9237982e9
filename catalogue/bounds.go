package catalogue

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// districtFile says what a district may change of every service.
const districtFile = "district.yaml"

// asBase is a limit that the base's own value sets.
const asBase = "base"

// A bound is a field that a district may have otherwise, and how far. Of several the
// first that fits counts, those of the service before those of the pack.
type bound struct {
	Field string   `yaml:"field" cbor:"1,keyasint"`         // A path; * stands for any part of it.
	Min   any      `yaml:"min" cbor:"2,keyasint,omitempty"` // A number, or "base".
	Max   any      `yaml:"max" cbor:"3,keyasint,omitempty"` // The same.
	OneOf []string `yaml:"one_of" cbor:"4,keyasint,omitempty"`
	Fixed bool     `yaml:"fixed" cbor:"5,keyasint,omitempty"` // It may not be changed, whatever follows.
}

// fits reports whether the bound is about a field. One of a post's steps is about each of them.
func (b *bound) fits(field string) bool {
	want, have := strings.Split(b.Field, "."), strings.Split(field, ".")
	if len(want) == 3 && len(have) == 4 && have[0] == "steps" {
		have = slices.Delete(have, 2, 3)
	}
	return slices.EqualFunc(want, have, func(w, h string) bool { return w == "*" || w == h })
}

// check reports what is wrong with the bound itself.
func (b *bound) check() error {
	for _, limit := range []any{b.Min, b.Max} {
		if _, err := limitOf(limit, 0); err != nil {
			return err
		}
	}
	if b.Field == "" || b.Fixed && (b.Min != nil || b.Max != nil || b.OneOf != nil) {
		return fmt.Errorf("field %q: want a field, with fixed or with min, max or one_of", b.Field)
	}
	return nil
}

// limitOf reads a limit; nil is none.
func limitOf(limit any, base int64) (*int64, error) {
	if limit == nil {
		return nil, nil
	}
	text := fmt.Sprint(limit)
	if text == asBase {
		return &base, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q: want a whole number or %s", text, asBase)
	}
	return &n, nil
}

// admits says why a district may not put a value where the base has another; nil if it may.
func (b *bound) admits(s *spot, base, value string) error {
	if b.Fixed {
		return fmt.Errorf("the base fixes this field for every district; remove the change")
	}
	switch s.shape {
	case aNumber:
		return b.between(base, value)
	case aPost, aList:
		return b.among(value)
	case aWord, aSwitch:
	}
	return nil
}

func (b *bound) between(base, value string) error {
	was, _ := strconv.ParseInt(base, 10, 64) // A spot of numbers holds one.
	n, _ := strconv.ParseInt(value, 10, 64)
	lo, err := limitOf(b.Min, was)
	if err != nil {
		return err
	}
	hi, err := limitOf(b.Max, was)
	if err != nil {
		return err
	}
	switch {
	case lo != nil && n < *lo:
		return fmt.Errorf("%d is below the bound: want %d or more", n, *lo)
	case hi != nil && n > *hi:
		return fmt.Errorf("%d is above the bound: want %d or less", n, *hi)
	}
	return nil
}

func (b *bound) among(value string) error {
	var list []string
	if json.Unmarshal([]byte(value), &list) != nil {
		list = make([]string, 1)
		if err := json.Unmarshal([]byte(value), &list[0]); err != nil {
			return err
		}
	}
	for _, x := range list {
		if len(b.OneOf) > 0 && !slices.Contains(b.OneOf, x) {
			return fmt.Errorf("%q is outside the bound: want of %v", x, b.OneOf)
		}
	}
	return nil
}

// MaxBounds bounds the encoding of what a base lets districts change: a hub takes it in one entry.
const MaxBounds = 120 << 10

// Bounds are what a base lets districts change.
type Bounds struct {
	Everywhere []bound            `cbor:"1,keyasint,omitempty"`
	Of         map[string][]bound `cbor:"2,keyasint,omitempty"` // By service.
}

// EncodeBounds returns the deterministic encoding of bounds. It fails with [fault.Invalid]
// above MaxBounds.
func EncodeBounds(b *Bounds) ([]byte, error) {
	raw, err := encode("catalogue.EncodeBounds", b, MaxBounds)
	if err == nil {
		_, err = DecodeBounds(raw)
	}
	return raw, err
}

// DecodeBounds reads encoded bounds. It fails with [fault.Invalid], also where one of them is none.
func DecodeBounds(raw []byte) (*Bounds, error) {
	const op = "catalogue.DecodeBounds"
	b := new(Bounds)
	if err := decode(op, raw, MaxBounds, b); err != nil {
		return nil, err
	}
	lists := append(slices.Collect(maps.Values(b.Of)), b.Everywhere)
	for _, one := range slices.Concat(lists...) {
		if err := one.check(); err != nil {
			return nil, fault.Wrap(op, fault.Invalid, clipText(one.Field), err)
		}
	}
	return b, nil
}

// Admit says why a district may not have a value at a field of a service where the base has
// another. [fault.Invalid] names the field, the bound and what to do.
func (b *Bounds) Admit(v *dcat.Version, field, base, value string) error {
	bad := func(format string, args ...any) error {
		return fault.New("catalogue.Bounds", fault.Invalid, clipText(field), fmt.Sprintf(format, args...))
	}
	s, ok := sheetOf(v).spot(field)
	if !ok {
		return bad("%s has no such field, or none that may be changed; want one of %s", v.ID, SpotNames)
	}
	switch one := b.find(v.ID, field); {
	case one == nil:
		return bad("the national base does not let a district change this of %s; it may change %s. Who needs more proposes it for the base", v.ID, b.names(v.ID))
	case one.Fixed:
		return bad("the national base fixes this for every district; who needs it otherwise proposes it for the base")
	default:
		if err := one.admits(s, base, value); err != nil {
			return bad("%v, as the national base says; who needs more proposes another bound for the base", err)
		}
	}
	return nil
}

// names lists what a district may change of a service.
func (b *Bounds) names(service string) string {
	var list []string
	for _, one := range slices.Concat(b.Of[service], b.Everywhere) {
		if !one.Fixed && !slices.Contains(list, one.Field) {
			list = append(list, one.Field)
		}
	}
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// over returns the bounds with those of some services in the place of what they were.
func (b *Bounds) over(services []*dcat.Version, part *Bounds) *Bounds {
	out := &Bounds{Everywhere: b.Everywhere, Of: maps.Clone(b.Of)}
	for _, v := range services {
		out.add(v, part.Of[v.ID])
	}
	return out
}

// silent reports whether the bounds say nothing: a pack that knows no districts.
func (b *Bounds) silent() bool { return len(b.Everywhere)+len(b.Of) == 0 }

// find returns the bound of a field; nil where a district may not change it.
func (b *Bounds) find(service, field string) *bound {
	for _, list := range [][]bound{b.Of[service], b.Everywhere} {
		for i := range list {
			if list[i].fits(field) {
				return &list[i]
			}
		}
	}
	return nil
}

// loadBounds reads the bounds of the whole pack. Without the file there are none.
func (p *Pack) loadBounds(fsys fs.FS) []Finding {
	if !exists(fsys, districtFile) {
		return nil
	}
	src, found := readSource(fsys, districtFile)
	if len(found) > 0 {
		return found
	}
	if found = src.decode(&p.Bounds.Everywhere); len(found) > 0 {
		return found
	}
	return checkBounds(src, p.Bounds.Everywhere, p.Directory)
}

func checkBounds(src *source, list []bound, dir *place.Directory) (found []Finding) {
	for _, b := range list {
		if err := b.check(); err != nil {
			found = append(found, src.find(b.Field, 0, "district: "+err.Error()))
		}
		if dir == nil || path.Base(strings.ReplaceAll(b.Field, ".", "/")) != "post" {
			continue
		}
		for _, post := range b.OneOf {
			if _, ok := dir.Post(post); !ok {
				found = append(found, src.find(post, 0, fmt.Sprintf("district: no post %q in %s", post, postsFile)))
			}
		}
	}
	return found
}

// bounds checks what a service lets districts change.
func (l *linter) bounds(list []bound) {
	l.found = append(l.found, checkBounds(l.src, list, l.dir)...)
	d := sheetOf(l.v)
	for _, b := range list {
		if _, ok := d.spot(b.Field); !ok && !strings.Contains(b.Field, "*") {
			l.bad(b.Field, 0, "district: the service has no field %q that a district may change; want one of %s", b.Field, SpotNames)
		}
	}
}

// add notes the bounds of a service in the place of those it had.
func (b *Bounds) add(v *dcat.Version, list []bound) {
	if b.Of == nil {
		b.Of = map[string][]bound{}
	}
	if b.Of[v.ID] = list; len(list) == 0 {
		delete(b.Of, v.ID)
	}
}
