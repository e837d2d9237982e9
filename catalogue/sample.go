package catalogue

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// Sample returns a complete, valid body of POST /v1/applications for the
// current version of a service, as a person from the area of this centre would
// file it. The same seed gives the same bytes, another seed another person. It
// looks at the release's date instead of a clock. It fails with
// [fault.NotFound] for an unknown service or centre.
func Sample(set *dcat.Set, serviceID string, seed uint64, centre place.Centre) ([]byte, error) {
	s, err := NewSampler(set)
	if err != nil {
		return nil, err
	}
	return s.Body(serviceID, seed, centre)
}

// A Sampler makes many samples from one release. It may be used concurrently
// and holds no state that a sample changes.
type Sampler struct {
	set    *dcat.Set
	words  words
	intake *Intake
}

// NewSampler returns a sampler for the set's services.
func NewSampler(set *dcat.Set) (*Sampler, error) {
	w, err := loadWords()
	if err != nil {
		return nil, err
	}
	in, err := NewIntake(set)
	if err != nil {
		return nil, err
	}
	return &Sampler{set: set, words: w, intake: in}, nil
}

// Body is [Sample] without setting up anew.
func (s *Sampler) Body(serviceID string, seed uint64, centre place.Centre) ([]byte, error) {
	const op = "catalogue.Sample"
	v, ok := s.set.Current(serviceID)
	if !ok {
		return nil, fault.New(op, fault.NotFound, serviceID, "no such service in the catalogue; catalogue show lists them")
	}
	info, ok := s.set.Directory.Centre(centre)
	if !ok {
		return nil, fault.New(op, fault.NotFound, string(centre), "no such centre in the country pack")
	}
	form, err := s.intake.Form(v)
	if err != nil {
		return nil, err
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(serviceID)) // A hash never fails to write.
	g := &generator{
		rng: rand.New(rand.NewPCG(seed, h.Sum64())), words: s.words, dir: s.set.Directory, //nolint:gosec // Plausible, not secret.
		area: info.Area, today: time.Unix(s.set.Release.PublishedAt, 0).UTC(),
	}
	g.person = g.words.person(g.rng, form.sample)
	body := map[string]any{
		"service": v.ID, "version": v.Number, "channel": channel(v),
		"applicant": g.object(s.intake.applicant.fields, "anonymous"),
		"form":      g.object(form.fields),
	}
	var papers []any
	for _, d := range v.Documents {
		if d.OriginalAtCounter && (d.Required || g.rng.IntN(2) == 0) {
			papers = append(papers, map[string]any{"id": d.ID, "original_at_counter": true})
		}
	}
	if papers != nil {
		body["documents"] = papers
	}
	return writeTree(nfcTree(body))
}

// channel prefers the one of a digital centre.
func channel(v *dcat.Version) string {
	if v.Allows(dcat.AtCentre) || len(v.Channels) == 0 {
		return string(dcat.AtCentre)
	}
	return string(v.Channels[0])
}

// A generator draws one application.
type generator struct {
	rng    *rand.Rand
	words  words
	dir    *place.Directory
	person person // The applicant; in rows, somebody else.
	area   place.Code
	today  time.Time
}

// optional is the percentage of optional fields that people fill in.
const optional = 85

func (g *generator) object(fields []Field, skip ...string) map[string]any {
	m := map[string]any{}
	for _, f := range fields {
		if len(skip) > 0 && f.Name == skip[0] || !f.Required && g.rng.IntN(100) >= optional {
			continue
		}
		m[f.Name] = g.answer(f)
	}
	return m
}

func (g *generator) answer(f Field) any {
	if f.Sample == "identifiers" {
		return g.identifiers()
	}
	switch f.Type {
	case "array":
		return g.rows(f)
	case "boolean":
		return g.rng.IntN(2) == 0
	case "integer":
		return g.integer(f)
	}
	if len(f.Options) > 0 {
		return g.option(f)
	}
	s := g.text(f)
	if f.MaxLength > 0 && len([]rune(s)) > f.MaxLength {
		s = strings.TrimSpace(string([]rune(s)[:f.MaxLength]))
	}
	return s
}

func (g *generator) option(f Field) string {
	for _, o := range f.Options {
		if f.Sample == "gender" && o.Value == g.person.gender {
			return o.Value
		}
	}
	return f.Options[g.rng.IntN(len(f.Options))].Value
}

func (g *generator) integer(f Field) int64 {
	lo := int64(1)
	if f.Minimum != nil {
		lo = *f.Minimum
	}
	hi := lo + 20
	if f.Maximum != nil {
		hi = *f.Maximum
	}
	switch f.Sample {
	case "few":
		hi = min(hi, lo+3)
	case "taka": // Round sums, more often small ones.
		hi = min(hi, max(lo, 1000)<<g.rng.IntN(8))
		return max(lo, (lo+g.rng.Int64N(hi-lo+1))/100*100)
	}
	return lo + g.rng.Int64N(hi-lo+1)
}

func (g *generator) rows(f Field) []any {
	n := max(1, f.MinItems) + g.rng.IntN(3)
	rows := make([]any, 0, n)
	self := g.person
	for range min(n, f.MaxItems) {
		g.person = g.words.person(g.rng, "")
		rows = append(rows, g.object(f.Items))
	}
	g.person = self
	return rows
}

func (g *generator) identifiers() []any {
	if g.rng.IntN(8) == 0 {
		return []any{map[string]any{"type": "brn", "value": g.person.brn}}
	}
	return []any{map[string]any{"type": "nid", "value": g.person.nid}}
}

// newProbe returns a generator that is only asked which kinds it knows.
func newProbe() *generator {
	w, err := loadWords()
	if err != nil {
		panic(err) // The words are embedded, so only a defect of ours gets here.
	}
	return &generator{rng: rand.New(rand.NewPCG(1, 1)), dir: &place.Directory{}, words: w} //nolint:gosec // Makes nothing that is kept.
}

// knows reports whether text or answer makes samples of this kind.
func (g *generator) knows(kind string) bool {
	switch kind {
	case "gender", "identifiers", "few", "taka":
		return true
	}
	_, ok := g.kind(kind)
	return ok
}

func (g *generator) text(f Field) string {
	if s, ok := g.kind(f.Sample); ok {
		return s
	}
	if f.Format == "date" {
		return g.day(30, 3000)
	}
	return g.words.pick(g.rng, "r").bn
}

// kind makes a text of the kind that a field's hint asks for.
func (g *generator) kind(kind string) (string, bool) {
	if s, ok := g.personal(kind); ok {
		return s, true
	}
	n := func(max int) string { return strconv.Itoa(1 + g.rng.IntN(max)) }
	switch kind {
	case "khatian":
		return n(2999), true
	case "dag":
		return n(9999), true
	case "jl":
		return n(250), true
	case "mouza", "village_bn":
		return g.words.pick(g.rng, "v").bn, true
	case "area":
		return string(g.area), true
	case "area_bn":
		a, _ := g.dir.Area(g.area)
		return a.Name.BN, true
	case "reason_bn":
		return g.words.pick(g.rng, "r").bn, true
	case "receive_no":
		return receiveNumber(g.rng), true
	case "centre":
		if len(g.dir.Centres) == 0 {
			return string(g.area), true
		}
		return string(g.dir.Centres[g.rng.IntN(len(g.dir.Centres))].Code), true
	case "seat":
		return g.seat(), true
	case "account":
		return digits(g.rng, 13), true
	case "date_newborn":
		return g.day(1, 400), true
	case "date_child":
		return g.day(400, 6000), true
	case "date_adult":
		return g.day(7000, 21000), true
	case "date_elder":
		return g.day(24000, 31000), true
	case "date_past":
		return g.day(1, 300), true
	case "date_future":
		return g.day(-180, -5), true
	default:
		return "", false
	}
}

// seat is a post in an office that has it.
func (g *generator) seat() string {
	if len(g.dir.Offices) == 0 || len(g.dir.Posts) == 0 {
		return ""
	}
	o := g.dir.Offices[g.rng.IntN(len(g.dir.Offices))]
	for _, p := range g.dir.Posts {
		if p.OfficeLevel == o.Level {
			return place.Seat{Post: p.Code, Office: o.Code}.String()
		}
	}
	return o.Code
}

func (g *generator) personal(kind string) (string, bool) {
	p := g.person
	switch kind {
	case "name_bn":
		return p.name.bn, true
	case "name_en":
		return p.name.en, true
	case "father_bn":
		return p.father.bn, true
	case "mother_bn":
		return p.mother.bn, true
	case "other_bn":
		return g.words.person(g.rng, "").name.bn, true
	case "other_en":
		return g.words.person(g.rng, "").name.en, true
	case "man_bn":
		return g.words.man(g.rng).bn, true
	case "woman_bn":
		return g.words.woman(g.rng).bn, true
	case "business_bn":
		return p.business.bn, true
	case "business_en":
		return p.business.en, true
	case "mobile":
		return p.mobile, true
	case "other_mobile":
		return mobile(g.rng), true
	case "nid":
		return p.nid, true
	case "other_nid":
		return nid(g.rng), true
	case "brn":
		return p.brn, true
	case "passport":
		return p.passport, true
	case "email":
		return strings.ToLower(strings.NewReplacer(" ", "", ".", "").Replace(p.name.en)) + fmt.Sprintf("%d@example.com", g.rng.IntN(100)), true
	default:
		return "", false
	}
}

// day returns a date from lo to hi days back.
func (g *generator) day(lo, hi int) string {
	return g.today.AddDate(0, 0, -lo-g.rng.IntN(hi-lo+1)).Format(time.DateOnly)
}

// receiveNumber makes a number with right check digits (ISO 7064 mod 97-10).
func receiveNumber(rng *rand.Rand) string {
	n := 41_0000_00000000 + int64(1+rng.IntN(9999))*1e8 + rng.Int64N(1e8)
	return fmt.Sprintf("%d%02d", n, 98-n*100%97)
}
