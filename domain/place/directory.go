package place

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kendro/domain/fault"
)

// A CentreType is the kind of house that a centre lives in (R-CE1).
type CentreType string

// The six kinds of centre.
const (
	Union          CentreType = "union"
	Upazila        CentreType = "upazila"
	Paurashava     CentreType = "paurashava"
	CityWard       CentreType = "city-ward"
	CitizenService CentreType = "citizen-service"
	EPost          CentreType = "e-post"
)

// CentreTypes returns the closed list of centre types, in a fixed order.
func CentreTypes() []CentreType {
	return []CentreType{Union, Upazila, Paurashava, CityWard, CitizenService, EPost}
}

// Valid reports whether t is one of the six.
func (t CentreType) Valid() bool { return slices.Contains(CentreTypes(), t) }

// An Area is one node of the country's tree.
type Area struct {
	Code   Code   `cbor:"1,keyasint" json:"code"`
	Parent Code   `cbor:"2,keyasint,omitempty" json:"parent,omitempty"` // Empty at the root's children.
	Level  string `cbor:"3,keyasint" json:"level"`                      // A level of the country pack, such as "upazila".
	Name   Name   `cbor:"4,keyasint" json:"name"`
}

// An Office serves an area. Level says which kind of office it is: a tier alone
// ("local", "upazila", "district") for the general office, tier/branch for a
// special one ("upazila/land", "district/record-room").
type Office struct {
	Code  string `cbor:"1,keyasint" json:"code"`
	Area  Code   `cbor:"2,keyasint" json:"area"`
	Level string `cbor:"3,keyasint" json:"level"`
	Name  Name   `cbor:"4,keyasint" json:"name"`
}

// The acts that a post may do on a case.
const (
	ActPreliminary = "preliminary" // State a preliminary decision.
	ActForward     = "forward"     // Pass a case on to the next post.
	ActReturn      = "return"      // Send it back to the previous one.
	ActRequestInfo = "request_info"
	ActFinalise    = "finalise" // Approve or reject.
	ActSign        = "sign"     // Issue a document under the office's name.
	ActRegister    = "register" // Enter applications that came by post or fax.
	ActMonitor     = "monitor"  // Watch the centres and offices below.
	ActAppoint     = "appoint"  // Approve an entrepreneur's appointment.
	ActErase       = "erase"    // Order that what is known of a citizen be erased, or confirm it.
	ActRefund      = "refund"   // Pay back what is owed back on the office's cases.
)

// Acts returns the closed list of acts, in a fixed order.
func Acts() []string {
	return []string{
		ActPreliminary, ActForward, ActReturn, ActRequestInfo, ActFinalise,
		ActSign, ActRegister, ActMonitor, ActAppoint, ActErase, ActRefund,
	}
}

// A Post is a designation that exists in every office of one level.
type Post struct {
	Code        string   `cbor:"1,keyasint" json:"code"`
	Name        Name     `cbor:"2,keyasint" json:"name"`
	OfficeLevel string   `cbor:"3,keyasint" json:"office_level"`
	Superior    string   `cbor:"4,keyasint,omitempty" json:"superior,omitempty"` // Code of the post that overdue tasks go up to.
	Acts        []string `cbor:"5,keyasint" json:"acts"`
}

// May reports whether the post may do the act.
func (p Post) May(act string) bool { return slices.Contains(p.Acts, act) }

// CentreInfo is what is known of one centre.
type CentreInfo struct {
	Code Centre     `cbor:"1,keyasint" json:"code"`
	Type CentreType `cbor:"2,keyasint" json:"type"`
	Name Name       `cbor:"3,keyasint" json:"name"`
	Area Code       `cbor:"4,keyasint" json:"area"`
}

// A Directory lists the areas, offices, posts and centres of a country, its
// office calendar, its reasons for a rejection and its trainings, as one release of the catalogue has them.
//
// Every list is sorted by code ([Directory.Sort]); the lookups rely on it. A
// directory that nobody changes may be read concurrently.
type Directory struct {
	Areas   []Area       `cbor:"1,keyasint" json:"areas"`
	Offices []Office     `cbor:"2,keyasint" json:"offices"`
	Posts   []Post       `cbor:"3,keyasint" json:"posts"`
	Centres []CentreInfo `cbor:"4,keyasint" json:"centres"`

	Calendar *Calendar `cbor:"5,keyasint,omitempty" json:"calendar,omitempty"`

	// Reasons for which an application may be rejected; any, where none is listed.
	Reasons []Reason `cbor:"6,keyasint,omitempty" json:"reasons,omitempty"`

	// Trainings that a service may ask of whoever takes it in.
	Trainings []Training `cbor:"60,keyasint,omitempty" json:"trainings,omitempty"`
}

// Sort puts every list into the order that the lookups need. Offices go by
// level, then area, so that [Directory.OfficeFor] is a search.
func (d *Directory) Sort() {
	slices.SortFunc(d.Areas, func(a, b Area) int { return cmp.Compare(a.Code, b.Code) })
	slices.SortFunc(d.Offices, officeOrder)
	slices.SortFunc(d.Posts, func(a, b Post) int { return cmp.Compare(a.Code, b.Code) })
	slices.SortFunc(d.Centres, func(a, b CentreInfo) int { return cmp.Compare(a.Code, b.Code) })
	slices.SortFunc(d.Reasons, func(a, b Reason) int { return cmp.Compare(a.Code, b.Code) })
	slices.SortFunc(d.Trainings, func(a, b Training) int { return cmp.Compare(a.Tag, b.Tag) })
	if d.Calendar != nil {
		slices.SortFunc(d.Calendar.Holidays, func(a, b Holiday) int { return cmp.Compare(a.Date, b.Date) })
		slices.SortFunc(d.Calendar.Hours, hoursOrder)
	}
}

func officeOrder(a, b Office) int {
	return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.Area, b.Area))
}

// Area returns the area with this code.
func (d *Directory) Area(code Code) (Area, bool) {
	i, ok := slices.BinarySearchFunc(d.Areas, code, func(a Area, c Code) int { return cmp.Compare(a.Code, c) })
	if !ok {
		return Area{}, false
	}
	return d.Areas[i], true
}

// Office returns the office with this code.
func (d *Directory) Office(code string) (Office, bool) {
	i := slices.IndexFunc(d.Offices, func(o Office) bool { return o.Code == code })
	if i < 0 {
		return Office{}, false
	}
	return d.Offices[i], true
}

// Post returns the post with this code.
func (d *Directory) Post(code string) (Post, bool) {
	i, ok := slices.BinarySearchFunc(d.Posts, code, func(p Post, c string) int { return cmp.Compare(p.Code, c) })
	if !ok {
		return Post{}, false
	}
	return d.Posts[i], true
}

// Centre returns the centre with this code.
func (d *Directory) Centre(code Centre) (CentreInfo, bool) {
	i, ok := slices.BinarySearchFunc(d.Centres, code, func(x CentreInfo, c Centre) int { return cmp.Compare(x.Code, c) })
	if !ok {
		return CentreInfo{}, false
	}
	return d.Centres[i], true
}

// OfficeFor returns the office of this level that serves an applicant from
// area: the one at the area itself or at its nearest ancestor that has one.
func (d *Directory) OfficeFor(area Code, level string) (Office, bool) {
	for range maxDepth {
		i, ok := slices.BinarySearchFunc(d.Offices, Office{Level: level, Area: area}, officeOrder)
		if ok {
			return d.Offices[i], true
		}
		a, ok := d.Area(area)
		if !ok || a.Parent == "" {
			return Office{}, false
		}
		area = a.Parent
	}
	return Office{}, false
}

// SeatFor returns the seat of a post that serves an applicant from area.
func (d *Directory) SeatFor(post string, area Code) (Seat, bool) {
	p, ok := d.Post(post)
	if !ok {
		return Seat{}, false
	}
	o, ok := d.OfficeFor(area, p.OfficeLevel)
	return Seat{Post: p.Code, Office: o.Code}, ok
}

// Overseer returns the seat that watches the centres of an area: of the posts that
// monitor, the one whose office is nearest above. Without one it is false.
func (d *Directory) Overseer(area Code) (Seat, bool) {
	for range maxDepth {
		for _, p := range d.Posts {
			if seat, ok := d.SeatFor(p.Code, area); ok && p.May(ActMonitor) {
				if o, _ := d.Office(seat.Office); o.Area == area {
					return seat, true
				}
			}
		}
		a, ok := d.Area(area)
		if !ok {
			break
		}
		area = a.Parent
	}
	return Seat{}, false
}

// Accounts returns the seat that pays money back in an office; false where none of its posts
// does.
func (d *Directory) Accounts(office string) (Seat, bool) {
	o, ok := d.Office(office)
	i := slices.IndexFunc(d.Posts, func(p Post) bool { return p.OfficeLevel == o.Level && p.May(ActRefund) })
	if !ok || i < 0 {
		return Seat{}, false
	}
	return Seat{Post: d.Posts[i].Code, Office: office}, true
}

// Below reports whether the superiors of a post lead up to another one.
func (d *Directory) Below(post, above string) bool {
	for range maxDepth {
		p, ok := d.Post(post)
		if !ok || p.Superior == "" {
			return false
		}
		if p.Superior == above {
			return true
		}
		post = p.Superior
	}
	return false
}

// Within reports whether area is ancestor or lies somewhere below it.
func (d *Directory) Within(area, ancestor Code) bool {
	for range maxDepth {
		if area == ancestor {
			return area != ""
		}
		a, ok := d.Area(area)
		if !ok {
			return false
		}
		area = a.Parent
	}
	return false
}

// maxDepth bounds every walk up the tree: five levels, the root, and one to
// notice a circle.
const maxDepth = 7

// Check reports everything that is wrong with the directory in one
// [fault.Invalid], or nil: order, doubles, broken references, unknown types.
func (d *Directory) Check() error {
	var errs []error
	bad := func(format string, args ...any) {
		if len(errs) < 50 {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	d.checkAreas(bad)
	d.checkOffices(bad)
	d.checkPosts(bad)
	d.checkCentres(bad)
	d.Calendar.check(bad)
	d.WrongHours(func(_ int, text string) { bad("%s", text) })
	if d.Calendar != nil && !slices.IsSortedFunc(d.Calendar.Hours, hoursOrder) {
		bad("hours are out of order")
	}
	d.checkReasons(bad)
	d.checkTrainings(bad)
	return fault.Wrap("place.Check", fault.Invalid, "", errors.Join(errs...))
}

func (d *Directory) checkAreas(bad func(string, ...any)) {
	for i, a := range d.Areas {
		if i > 0 && d.Areas[i-1].Code >= a.Code {
			bad("area %s is double or out of order", a.Code)
		}
		if !a.Name.Complete() {
			bad("area %s lacks a name in bn or en", a.Code)
		}
		if a.Parent == "" {
			continue
		}
		if _, ok := d.Area(a.Parent); !ok || !d.rooted(a.Code) {
			bad("area %s hangs on %s, which leads to no root", a.Code, a.Parent)
		}
	}
}

func (d *Directory) rooted(code Code) bool {
	for range maxDepth {
		a, ok := d.Area(code)
		if !ok {
			return false
		}
		if a.Parent == "" {
			return true
		}
		code = a.Parent
	}
	return false
}

func (d *Directory) checkOffices(bad func(string, ...any)) {
	seen := map[string]bool{}
	for i, o := range d.Offices {
		if i > 0 && officeOrder(d.Offices[i-1], o) >= 0 {
			bad("office %s: area %s has two offices of level %s, or is out of order", o.Code, o.Area, o.Level)
		}
		if seen[o.Code] || o.Code == "" || strings.ContainsAny(o.Code, "@ ") {
			bad("office code %q is double, empty or holds @ or a space", o.Code)
		}
		seen[o.Code] = true
		if _, ok := d.Area(o.Area); !ok {
			bad("office %s serves the unknown area %s", o.Code, o.Area)
		}
		if !o.Name.Complete() {
			bad("office %s lacks a name in bn or en", o.Code)
		}
	}
}

func (d *Directory) checkPosts(bad func(string, ...any)) {
	levels := map[string]bool{}
	for _, o := range d.Offices {
		levels[o.Level] = true
	}
	for i, p := range d.Posts {
		if i > 0 && d.Posts[i-1].Code >= p.Code {
			bad("post %s is double or out of order", p.Code)
		}
		if !p.Name.Complete() {
			bad("post %s lacks a name in bn or en", p.Code)
		}
		if !levels[p.OfficeLevel] {
			bad("post %s sits at level %s, where there is no office", p.Code, p.OfficeLevel)
		}
		if _, ok := d.Post(p.Superior); p.Superior != "" && !ok {
			bad("post %s has the unknown superior %s", p.Code, p.Superior)
		}
		for _, act := range p.Acts {
			if !slices.Contains(Acts(), act) {
				bad("post %s has the unknown act %s", p.Code, act)
			}
		}
	}
}

func (d *Directory) checkCentres(bad func(string, ...any)) {
	for i, c := range d.Centres {
		if i > 0 && d.Centres[i-1].Code >= c.Code {
			bad("centre %s is double or out of order", c.Code)
		}
		if _, err := ParseCentre(string(c.Code)); err != nil {
			bad("centre %s: %w", c.Code, err)
		}
		if _, ok := d.Area(c.Area); !ok {
			bad("centre %s serves the unknown area %s", c.Code, c.Area)
		}
		if !c.Type.Valid() || !c.Name.Complete() {
			bad("centre %s has an unknown type or lacks a name", c.Code)
		}
	}
}
