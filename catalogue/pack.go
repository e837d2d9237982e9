package catalogue

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"golang.org/x/text/unicode/norm"

	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
)

// The files of a pack.
const (
	packFile       = "pack.yaml"
	areasFile      = "areas.csv"
	officesFile    = "offices.yaml"
	postsFile      = "posts.yaml"
	centresFile    = "centres.yaml"
	categoriesFile = "categories.yaml"
	reasonsFile    = "reasons.yaml"
	trainingsFile  = "trainings.yaml"
	servicesDir    = "services"
)

// A Country is what is particular to one country: words, digits, money, days.
type Country struct {
	Code     string     `yaml:"code" json:"code"`
	Edition  int        `yaml:"edition" json:"edition"` // Of the pack; a district's overlay names it.
	Name     place.Name `yaml:"name" json:"name"`
	Locale   string     `yaml:"locale" json:"locale"`
	Digits   string     `yaml:"digits" json:"digits"` // The ten digits of the local script, from nought.
	Currency Currency   `yaml:"currency" json:"currency"`
	TimeZone string     `yaml:"time_zone" json:"time_zone"`
	Levels   []Level    `yaml:"levels" json:"levels"`
	Calendar struct {
		Weekend  []string        `yaml:"weekend" json:"weekend"` // English day names.
		Holidays []place.Holiday `yaml:"holidays" json:"holidays"`
		Hours    []hoursText     `yaml:"hours" json:"-"` // The directory's calendar has them.
	} `yaml:"calendar" json:"calendar"`
	Districts []string `yaml:"-" json:"districts"` // Codes of the areas at the level that owns a hub.
}

// A Currency has a main unit that divides into minor ones, in which all sums
// are counted.
type Currency struct {
	Code   string     `yaml:"code" json:"code"`
	Symbol string     `yaml:"symbol" json:"symbol"`
	Name   place.Name `yaml:"name" json:"name"`
	Minor  place.Name `yaml:"minor" json:"minor"`
	PerOne int        `yaml:"minor_per_unit" json:"minor_per_unit"`
}

// A Level is one floor of the area tree. Hub marks the one whose areas own a
// hub each.
type Level struct {
	Code string     `yaml:"code" json:"code"`
	Name place.Name `yaml:"name" json:"name"`
	Hub  bool       `yaml:"hub" json:"hub,omitempty"`
}

// A Pack is a country as data. Its services have no number yet.
type Pack struct {
	Country    Country
	Directory  *place.Directory
	Categories []dcat.Category
	Services   []*dcat.Version
	Bounds     Bounds // What a district may change of them.
}

// LoadPack reads a pack from a folder of the layout of pack/bd, embedded or on
// disk. With any finding the pack must not be used.
func LoadPack(fsys fs.FS) (*Pack, []Finding) {
	p := &Pack{Directory: &place.Directory{}}
	var found []Finding
	src, wrong := readSource(fsys, packFile)
	if found = append(found, wrong...); len(wrong) == 0 {
		found = append(found, src.decode(&p.Country)...)
	}
	found = append(found, p.loadAreas(fsys)...)
	found = append(found, p.loadOffices(fsys)...)
	found = append(found, p.loadCategories(fsys)...)
	found = append(found, p.loadReasons(fsys)...)
	found = append(found, p.loadTrainings(fsys)...)
	if len(found) > 0 {
		return p, found
	}
	found = append(found, p.Country.check(p.Directory)...)
	p.Directory.Calendar = &place.Calendar{Weekend: p.Country.Calendar.Weekend, Holidays: p.Country.Calendar.Holidays}
	found = append(found, p.loadHours(src)...)
	p.Directory.Sort()
	if err := p.Directory.Check(); err != nil {
		found = append(found, Finding{File: packFile, Text: "with the files beside it: " + err.Error()})
	}
	found = append(found, p.loadBounds(fsys)...)
	services, more := loadServices(fsys, p.Directory, p.Categories, &p.Bounds, "")
	p.Services = services
	return p, append(found, more...)
}

func readYAML(fsys fs.FS, name string, v any) []Finding {
	s, found := readSource(fsys, name)
	if len(found) > 0 {
		return found
	}
	return s.decode(v)
}

func (p *Pack) loadAreas(fsys fs.FS) []Finding {
	text, err := readTable(fsys, areasFile)
	if err != nil {
		return []Finding{{File: areasFile, Text: err.Error()}}
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comment, r.FieldsPerRecord = '#', 5
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return []Finding{{File: areasFile, Text: err.Error() + "; want code,parent,level,bn,en"}}
		}
		p.Directory.Areas = append(p.Directory.Areas, place.Area{
			Code: place.Code(rec[0]), Parent: place.Code(rec[1]), Level: rec[2],
			Name: place.Name{BN: norm.NFC.String(rec[3]), EN: rec[4]},
		})
	}
	p.Directory.Sort()
	return nil
}

// A rule makes one office or centre for every area of a level. {bn}, {en} and
// {area} stand for the area's names and code.
type rule struct {
	Code   string           `yaml:"code"`
	Level  string           `yaml:"level"` // Of an office.
	Type   place.CentreType `yaml:"type"`  // Of a centre.
	At     string           `yaml:"at"`    // The area level.
	Within string           `yaml:"within"`
	Name   place.Name       `yaml:"name"`
}

func (r rule) fill(pattern string, a place.Area) string {
	return norm.NFC.String(strings.NewReplacer("{bn}", a.Name.BN, "{en}", a.Name.EN, "{area}", string(a.Code)).Replace(pattern))
}

func (r rule) areas(d *place.Directory) []place.Area {
	var list []place.Area
	for _, a := range d.Areas {
		if a.Level == r.At && (r.Within == "" || d.Within(a.Code, place.Code(r.Within))) {
			list = append(list, a)
		}
	}
	return list
}

func (p *Pack) loadOffices(fsys fs.FS) []Finding {
	var offices, centres []rule
	var posts []post
	found := readYAML(fsys, officesFile, &offices)
	found = append(found, readYAML(fsys, centresFile, &centres)...)
	found = append(found, readYAML(fsys, postsFile, &posts)...)
	d := p.Directory
	for _, r := range offices {
		for _, a := range r.areas(d) {
			d.Offices = append(d.Offices, place.Office{
				Code: r.fill(r.Code, a), Area: a.Code, Level: r.Level,
				Name: place.Name{BN: r.fill(r.Name.BN, a), EN: r.fill(r.Name.EN, a)},
			})
		}
	}
	for _, r := range centres {
		for _, a := range r.areas(d) {
			d.Centres = append(d.Centres, place.CentreInfo{
				Code: place.Centre(r.fill(r.Code, a)), Type: r.Type, Area: a.Code,
				Name: place.Name{BN: r.fill(r.Name.BN, a), EN: r.fill(r.Name.EN, a)},
			})
		}
	}
	for _, x := range posts {
		d.Posts = append(d.Posts, place.Post{Code: x.Code, Name: nfcName(x.Name), OfficeLevel: x.OfficeLevel, Superior: x.Superior, Acts: x.Acts})
	}
	d.Sort()
	return found
}

type post struct {
	Code        string     `yaml:"code"`
	Name        place.Name `yaml:"name"`
	OfficeLevel string     `yaml:"office_level"`
	Superior    string     `yaml:"superior"`
	Acts        []string   `yaml:"acts"`
}

func (p *Pack) loadCategories(fsys fs.FS) []Finding {
	var list []struct {
		Code string     `yaml:"code"`
		Name place.Name `yaml:"name"`
	}
	found := readYAML(fsys, categoriesFile, &list)
	for _, c := range list {
		if c.Code == "" || !c.Name.Complete() {
			found = append(found, Finding{File: categoriesFile, Text: fmt.Sprintf("category %q lacks a code or a name in bn or en", c.Code)})
		}
		p.Categories = append(p.Categories, dcat.Category{Code: c.Code, Name: nfcName(c.Name)})
	}
	return found
}

// loadReasons reads the reasons for a rejection. Without the file every code is
// taken.
func (p *Pack) loadReasons(fsys fs.FS) []Finding {
	if _, err := fs.Stat(fsys, reasonsFile); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var list []struct {
		Code string     `yaml:"code"`
		Name place.Name `yaml:"name"`
	}
	found := readYAML(fsys, reasonsFile, &list)
	for _, r := range list {
		p.Directory.Reasons = append(p.Directory.Reasons, place.Reason{Code: r.Code, Name: nfcName(r.Name)})
	}
	return found
}

// check completes the country from the directory and reports what is wrong.
func (c *Country) check(d *place.Directory) []Finding {
	var found []Finding
	bad := func(text string, args ...any) {
		found = append(found, Finding{File: packFile, Text: fmt.Sprintf(text, args...)})
	}
	if c.Code == "" || !c.Name.Complete() || c.Locale == "" {
		bad("code, name (bn, en) and locale are required")
	}
	if len([]rune(c.Digits)) != 10 {
		bad("digits: want the ten digits of the script, such as ০১২৩৪৫৬৭৮৯")
	}
	if c.Currency.Code == "" || c.Currency.PerOne < 1 {
		bad("currency: want a code and minor_per_unit from 1")
	}
	if len(c.Levels) < 1 || len(c.Levels) > 6 {
		bad("levels: want 1 to 5 floors of areas (and one beside them at most), not %d", len(c.Levels))
	}
	known := map[string]bool{}
	for _, l := range c.Levels {
		known[l.Code] = l.Hub
	}
	for _, a := range d.Areas {
		hub, ok := known[a.Level]
		if !ok {
			bad("area %s is at the level %q, which levels does not have", a.Code, a.Level)
		}
		if hub {
			c.Districts = append(c.Districts, string(a.Code))
		}
	}
	return found
}

func nfcName(n place.Name) place.Name {
	return place.Name{BN: norm.NFC.String(n.BN), EN: norm.NFC.String(n.EN)}
}
