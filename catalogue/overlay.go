package catalogue

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// The files of an overlay.
const (
	overlayFile = "overlay.yaml"
	changesDir  = "changes"
)

// MaxOverlay bounds an overlay with all that is kept of it: it is one event of the log.
const MaxOverlay = MaxVersion

// An Overlay is what one district has otherwise than the national base, as its folder
// says it.
type Overlay struct {
	head    overlayHead
	changes []change
	files   []dcat.File
	source  dcat.Source
}

type overlayHead struct {
	District string `yaml:"district"`
	Base     int    `yaml:"base"` // The edition of the base that it was written against.
	Note     string `yaml:"note"`
}

// A change is one field, with the place in its file.
type change struct {
	changeLine
	src   *source
	nth   int
	value []byte // As JSON.
	was   []byte // As JSON; nil where the overlay doesn't say.
}

type changeLine struct {
	Service  string `yaml:"service"`
	Field    string `yaml:"field"`
	Value    any    `yaml:"value"`
	Was      any    `yaml:"was"` // What the base had.
	Reason   string `yaml:"reason"`
	Proposal string `yaml:"proposal"` // Whence it came.
}

// Empty reports whether the overlay changes nothing: publishing it takes the one before
// out of force.
func (o *Overlay) Empty() bool { return len(o.changes) == 0 }

// bad is a finding at the change.
func (c *change) bad(format string, args ...any) Finding {
	n := c.nth
	for i, t := range c.src.tokens {
		if t.Value == "field" && i+1 < len(c.src.tokens) && c.src.tokens[i+1].Value == ":" {
			if n == 0 {
				return c.src.at(t, fmt.Sprintf(format, args...))
			}
			n--
		}
	}
	return Finding{File: c.src.name, Text: fmt.Sprintf(format, args...)}
}

// Files returns the files of an overlay's folder.
func Files(fsys fs.FS) ([]dcat.File, []Finding) {
	names, err := fs.Glob(fsys, path.Join(changesDir, "*.yaml"))
	if err != nil || len(names) > MaxFiles {
		return nil, []Finding{{File: changesDir, Text: fmt.Sprintf("want %d files at most", MaxFiles)}}
	}
	names = append(names, overlayFile)
	if exists(fsys, SealFile) {
		names = append(names, SealFile)
	}
	slices.Sort(names)
	list, size := make([]dcat.File, 0, len(names)), 0
	for _, name := range names {
		text, err := readFile(fsys, name)
		if err != nil {
			return nil, []Finding{{File: name, Text: err.Error()}}
		}
		if size += len(name) + len(text); size > MaxOverlay/2 {
			return nil, []Finding{{File: name, Text: fmt.Sprintf("the overlay is longer than %d bytes: what every district needs belongs into the base", MaxOverlay/2)}}
		}
		list = append(list, dcat.File{Name: name, Text: text})
	}
	return list, nil
}

// ReadOverlay reads an overlay from its files. With any finding it must not be used.
func ReadOverlay(files []dcat.File) (*Overlay, []Finding) {
	o := &Overlay{files: files}
	var found []Finding
	headless := true
	for _, f := range files {
		if f.Name == SealFile {
			continue
		}
		src, more := newSource(f.Name, f.Text)
		if len(more) > 0 {
			found = append(found, more...)
			continue
		}
		if f.Name == overlayFile {
			headless = false
			found = append(found, o.readHead(src)...)
			continue
		}
		found = append(found, o.readChanges(src)...)
	}
	if headless {
		found = append(found, Finding{File: overlayFile, Text: "want district, and base: the edition of the national pack that the overlay was written against"})
	}
	source, err := sourceOf(files)
	if err != nil {
		found = append(found, Finding{File: SealFile, Text: err.Error()})
	}
	source.Edition = o.head.Base
	o.source = source
	return o, append(found, o.twice()...)
}

func (o *Overlay) readHead(src *source) []Finding {
	if found := src.decode(&o.head); len(found) > 0 {
		return found
	}
	if o.head.District == "" || o.head.Base < 1 {
		return []Finding{src.find("base", 0, "want district, such as \"41\", and base: the edition of the national pack that the overlay was written against")}
	}
	return nil
}

func (o *Overlay) readChanges(src *source) []Finding {
	var lines []changeLine
	if found := src.decode(&lines); len(found) > 0 {
		return found
	}
	var found []Finding
	for i, line := range lines {
		c := change{changeLine: line, src: src, nth: i}
		if line.Service == "" || line.Field == "" || line.Value == nil {
			return append(found, Finding{File: src.name, Text: fmt.Sprintf("change %d: want service, field and value", i+1)})
		}
		var err, err2 error
		c.value, err = json.Marshal(nfcTree(line.Value))
		if line.Was != nil {
			c.was, err2 = json.Marshal(nfcTree(line.Was))
		}
		if err := errors.Join(err, err2); err != nil {
			found = append(found, c.bad("%v", err))
			continue
		}
		o.changes = append(o.changes, c)
	}
	return found
}

// twice reports fields that are changed twice.
func (o *Overlay) twice() (found []Finding) {
	first := map[string]*change{}
	for i := range o.changes {
		c := &o.changes[i]
		k := c.Service + " " + c.Field
		if was := first[k]; was != nil {
			found = append(found, c.bad("%s of %s is changed by %s already; leave one of the two", c.Field, c.Service, was.src.name))
			continue
		}
		first[k] = c
	}
	return found
}

// A composition is a base with an overlay on it.
type composition struct {
	services []*dcat.Version
	fields   []dcat.Override
}

// onto puts an overlay on a base. With any finding what it returns must not be used.
func (o *Overlay) onto(p *Pack) (*composition, []Finding) {
	out := &composition{fields: []dcat.Override{}}
	var found []Finding
	byService := map[string][]*change{}
	for i := range o.changes {
		c := &o.changes[i]
		if !slices.ContainsFunc(p.Services, func(v *dcat.Version) bool { return v.ID == c.Service }) {
			found = append(found, c.bad("the base has no service %q any more; remove the change", c.Service))
			continue
		}
		byService[c.Service] = append(byService[c.Service], c)
	}
	for _, v := range p.Services {
		changes := byService[v.ID]
		if len(changes) == 0 {
			out.services = append(out.services, v)
			continue
		}
		d, before := sheetOf(v), len(found)
		for _, c := range changes {
			field, more := c.apply(d, p)
			found = append(found, more...)
			out.fields = append(out.fields, field)
		}
		if len(found) == before {
			found = append(found, lintAgain(d, changes, p.Directory)...)
		}
		if !d.hidden {
			out.services = append(out.services, &d.Version)
		}
	}
	sortFields(out.fields)
	return out, found
}

func sortFields(list []dcat.Override) {
	slices.SortFunc(list, func(a, b dcat.Override) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Field, b.Field))
	})
}

// of returns the overlay as far as it is about some services.
func (o *Overlay) of(services []*dcat.Version) *Overlay {
	out := *o
	out.changes = slices.DeleteFunc(slices.Clone(o.changes), func(c change) bool {
		return !slices.ContainsFunc(services, func(v *dcat.Version) bool { return v.ID == c.Service })
	})
	return &out
}

// apply puts one change on the version.
func (c *change) apply(d *sheet, p *Pack) (dcat.Override, []Finding) {
	o := dcat.Override{Service: c.Service, Field: c.Field, Reason: c.Reason}
	bad := func(format string, args ...any) (dcat.Override, []Finding) {
		return o, []Finding{c.bad(format, args...)}
	}
	s, ok := d.spot(c.Field)
	if !ok {
		return bad("the base's %s has no field %q that a district may change; remove it, or write one of %s", c.Service, c.Field, SpotNames)
	}
	b := p.Bounds.find(c.Service, c.Field)
	if b == nil {
		return bad("the base does not let a district change %s of %s; remove the change, or ask for a bound in the base's district.yaml", c.Field, c.Service)
	}
	o.Base = s.value()
	if c.was != nil {
		if err := s.put(c.was); err != nil {
			return bad("was: %v", err)
		}
		if was := s.value(); was != o.Base {
			o.Was = was
		}
	}
	if err := s.put(c.value); err != nil {
		return bad("%v", err)
	}
	if s.half() {
		return bad("%s of %s: want the words in bn and in en", c.Field, c.Service)
	}
	o.Value = s.value()
	if err := b.admits(s, o.Base, o.Value); err != nil {
		return bad("%s of %s: %v", c.Field, c.Service, err)
	}
	if s.shape == aPost {
		for i, step := range d.Steps {
			if post, ok := p.Directory.Post(step.Post); ok {
				d.Steps[i].OfficeLevel = post.OfficeLevel
			}
		}
	}
	return o, nil
}

// lintAgain asks of a changed version what is asked of every one. The base has passed, so
// whatever is found comes from the changes.
func lintAgain(d *sheet, changes []*change, dir *place.Directory) []Finding {
	l := linter{src: changes[0].src, dir: dir, v: &d.Version}
	l.all()
	if slices.ContainsFunc(changes, func(c *change) bool { return c.Field == "grace_days" }) {
		lintGrace(&l, &d.GraceDays)
	}
	for i, f := range l.found {
		if f.Line == 0 || f.File != changes[0].src.name {
			l.found[i] = changes[0].bad("%s with these changes: %s", d.ID, f.Text)
		}
	}
	return l.found
}

// Moved says, for a person, which of the fields the base has changed since the overlay
// was written: the district keeps its value there.
func Moved(fields []dcat.Override) (lines []string) {
	for _, f := range fields {
		if f.Was != "" {
			lines = append(lines, fmt.Sprintf("%s %s: the base had %s and has %s now; the district keeps %s", f.Service, f.Field, f.Was, f.Base, f.Value))
		}
	}
	return lines
}

// EncodeOrigin returns the deterministic encoding of an origin. It fails with
// [fault.Invalid] above MaxOverlay.
func EncodeOrigin(o *dcat.Origin) ([]byte, error) {
	return encode("catalogue.EncodeOrigin", o, MaxOverlay)
}

// DecodeOrigin reads an encoded origin. It fails with [fault.Invalid].
func DecodeOrigin(b []byte) (*dcat.Origin, error) {
	o := new(dcat.Origin)
	if err := decode("catalogue.DecodeOrigin", b, MaxOverlay, o); err != nil {
		return nil, err
	}
	if o.Base.Edition < 1 || strings.TrimSpace(o.District) == "" {
		return nil, fault.New("catalogue.DecodeOrigin", fault.Invalid, o.District, "an origin has a district and a base with an edition from 1")
	}
	return o, nil
}
