package register

import (
	"strings"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/protocol"
)

// A PaperRecord is an old paper that applications ask for, such as a khatian: asked
// for once or more, and scanned or not yet. All of it is since format 4.
type PaperRecord struct {
	Area     place.Code `cbor:"1,keyasint"` // Its upazila.
	Text     string     `cbor:"2,keyasint"` // What tells it from the others there.
	Requests uint64     `cbor:"3,keyasint"`

	Document *protocol.Document `cbor:"4,keyasint,omitempty"` // The newest scan; nil: there is none.
	Number   protocol.Number    `cbor:"5,keyasint,omitempty"` // The case for which it was scanned …
	At       int64              `cbor:"6,keyasint,omitempty"` // … and when, Unix milliseconds …
	By       string             `cbor:"7,keyasint,omitempty"` // … and by whom.
}

// A RecordShare says how many records of an upazila were asked for, and how many of
// those are scanned (R-LR7).
type RecordShare struct {
	Area      place.Code `cbor:"1,keyasint"`
	Requested uint64     `cbor:"2,keyasint"`
	Scanned   uint64     `cbor:"3,keyasint"`
}

// maxRecord bounds what tells one record from another.
const maxRecord = 512

// records keeps which papers were asked for, and their scans.
type records struct{ courses }

func recordKey(incarnation uint64, r *application.Record) []byte {
	return key(tagRecord, nameKey(incarnation, "record", string(r.Area), r.Text))
}

func (s records) key(r *application.Record) []byte {
	return recordKey(s.world.founding.Incarnation, r)
}

// named is the record of a finding with its upazila, nil where there is none.
func (s records) named(c *Case, f *application.Found) *application.Record {
	if s.format < 4 || f.Record.Text == "" {
		return nil
	}
	r := f.Record
	r.Text = clip(r.Text, maxRecord)
	a, known := s.world.set.Directory.Area(r.Area)
	if !known || a.Parent != place.Code(s.world.founding.District) {
		r.Area = s.world.upazila(c)
	}
	return &r
}

// look adds to a finding whether the record is scanned already. The record is nil
// where the case asks for none, or for the one that it asked for before.
func (s records) look(c *Case, v *dcat.Version, f *application.Found) (*application.Record, *protocol.Document) {
	if s.format < 4 {
		return nil, nil
	}
	r := s.named(c, f)
	f.Rules, f.Done, f.Undone = f.Rules.Without(dcat.Scanned), 0, 0
	passed := c.State.Version > 0 && c.State.Rules.Has(dcat.Scanned)
	if passed {
		f.Rules = f.Rules.With(dcat.Scanned)
	}
	if r == nil || c.Record != nil && *c.Record == *r {
		return nil, nil
	}
	f.Undone = v.Scan()
	p := PaperRecord{}
	if !s.get(s.key(r), &p) || p.Document == nil {
		return r, nil
	}
	f.Done = v.Scan()
	if c.State.Version == 0 {
		f.Rules = f.Rules.With(dcat.Scanned)
	}
	return r, p.Document
}

// ask notes that a case asks for a record, and no more for the one before; the turn
// that brought it shows the scan.
func (s records) ask(c *Case, v *dcat.Version, r *application.Record, scan *protocol.Document) {
	if r == nil {
		return
	}
	if c.Record != nil {
		s.forget(c.Record)
	}
	c.Record = r
	p := PaperRecord{Area: r.Area, Text: r.Text}
	if !s.get(s.key(r), &p) {
		s.share(r.Area, 1, 0)
	}
	p.Requests++
	s.put(s.key(r), &p)
	if scan != nil {
		t := &c.History[len(c.History)-1]
		t.Check, t.Document = v.Procedure.Record.Check, scan
		papers{s.step}.name(c, []protocol.Document{*scan})
	}
	s.put(caseKey(c.Number), c)
}

// forget takes a request for the wrong record back.
func (s records) forget(r *application.Record) {
	p := PaperRecord{}
	if !s.get(s.key(r), &p) {
		return
	}
	p.Requests--
	if p.Requests > 0 || p.Document != nil {
		s.put(s.key(r), &p)
		return
	}
	s.del(s.key(r))
	s.share(r.Area, -1, 0)
}

// scanned keeps the document that shows a case's record.
func (s records) scanned(c *Case, v *dcat.Version, check, by string, d *protocol.Document) {
	if s.format < 4 || c.Record == nil || v.Scan() == 0 || v.Procedure.Record.Check != check || d == nil {
		return
	}
	p := PaperRecord{Area: c.Record.Area, Text: c.Record.Text, Requests: 1}
	s.get(s.key(c.Record), &p)
	if p.Document == nil {
		s.share(p.Area, 0, 1)
	}
	p.Document, p.Number, p.At, p.By = d, c.Number, s.meta.At, by
	s.put(s.key(c.Record), &p)
}

// share counts an upazila's records.
func (s records) share(area place.Code, requested, scanned int) {
	k := key(tagRecordShare, []byte(area))
	n := RecordShare{Area: area}
	s.get(k, &n)
	n.Requested += uint64(requested)
	n.Scanned += uint64(scanned)
	s.put(k, &n)
}

// RecordOf returns the paper that a case asks for, nil for none.
func (r Cases) RecordOf(c *Case) (*PaperRecord, error) {
	f := r.world.Load().founding
	if c.Record == nil || f == nil {
		return nil, nil
	}
	return find[PaperRecord](r.state, "RecordOf", recordKey(f.Incarnation, c.Record), c.Number.String())
}

// RecordShares returns how far each upazila's records are scanned, by its code.
func (r Cases) RecordShares() ([]*RecordShare, error) {
	return list[RecordShare](r.state, key(tagRecordShare))
}

// String is the record as an officer reads it.
func (p *PaperRecord) String() string {
	_, which, _ := strings.Cut(p.Text, "/")
	return string(p.Area) + " " + strings.ReplaceAll(which, "/", ", ")
}
