package catalogue

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"kendro/domain/fault"
	"kendro/domain/place"
)

// The files of a published hierarchy, in the order in which they are read.
var hierarchyFiles = []struct{ level, file string }{
	{"division", "divisions.csv"}, {"district", "districts.csv"}, {"upazila", "upazilas.csv"}, {"union", "unions.csv"},
}

// A Hierarchy is what [ReadHierarchy] makes of published lists.
type Hierarchy struct {
	Areas []place.Area // Sorted by code; those of the pack that the lists don't name are kept.
	// Provisional counts the areas, by level, whose codes are not official: they were
	// given here, and must be replaced before a centre in them is enrolled.
	Provisional map[string]int
	Read        map[string]int // Rows read, by level.
	Doubles     []string       // Rows that repeat a sibling's name, which were left out.
	// Unlisted are areas of the pack that no row names though their siblings are
	// listed: perhaps a row spells it otherwise, and now stands beside it.
	Unlisted []string
}

// A listed area is a row of a published list. Its number is the list's own and
// leaves this file nowhere.
type listed struct {
	id, parent string
	name       place.Name
}

// ReadHierarchy makes a country's areas from published lists: divisions.csv with
// id, en, bn, site and districts.csv, upazilas.csv and unions.csv with id, parent's
// id, en, bn and more, all without a header. Divisions and districts must stand in
// the pack already, under their official codes, and are found by name in either
// language; so are upazilas and unions, which keep the codes that they have. Others
// get a provisional code of two digits: alphabetical within the parent, with gaps,
// the same for the same lists and pack.
//
// Everything that is wrong comes in one [fault.Invalid]; a file that isn't there is
// [fault.NotFound].
func ReadHierarchy(lists fs.FS, pack []place.Area) (*Hierarchy, error) {
	const op = "catalogue.ReadHierarchy"
	h := &Hierarchy{Areas: slices.Clone(pack), Provisional: map[string]int{}, Read: map[string]int{}}
	above := map[string]place.Code{}
	var errs []error
	for i, f := range hierarchyFiles {
		rows, err := readList(lists, f.file, i == 0)
		if errors.Is(err, fault.NotFound) {
			return nil, err
		}
		errs = append(errs, err)
		h.Read[f.level] = len(rows)
		here := map[string]place.Code{}
		families := siblings(rows)
		for _, parent := range slices.Sorted(maps.Keys(families)) {
			children := families[parent]
			code, known := above[parent]
			if i > 0 && !known {
				errs = append(errs, fmt.Errorf("%s: %d rows such as %s hang on number %s, which is not in %s",
					f.file, len(children), children[0].name.EN, parent, hierarchyFiles[i-1].file))
				continue
			}
			errs = append(errs, h.place(f.level, code, children, here)...)
		}
		above = here
	}
	if err := fault.Wrap(op, fault.Invalid, "", errors.Join(errs...)); err != nil {
		return nil, err
	}
	slices.SortFunc(h.Areas, func(a, b place.Area) int { return cmp.Compare(a.Code, b.Code) })
	slices.Sort(h.Doubles)
	slices.Sort(h.Unlisted)
	return h, nil
}

// siblings sorts rows under their parents' numbers.
func siblings(rows []listed) map[string][]listed {
	by := map[string][]listed{}
	for _, r := range rows {
		by[r.parent] = append(by[r.parent], r)
	}
	return by
}

// readList reads one file.
func readList(lists fs.FS, file string, top bool) ([]listed, error) {
	text, err := readTable(lists, file)
	if err != nil {
		return nil, fault.Wrap("catalogue.ReadHierarchy", fault.NotFound, file, err)
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	records, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w; want quoted fields between commas", file, err)
	}
	var rows []listed
	var errs []error
	for n, rec := range records {
		if top && len(rec) > 0 {
			rec = slices.Insert(rec, 1, "")
		}
		if len(rec) < 4 || rec[0] == "" {
			errs = append(errs, fmt.Errorf("%s: row %d has %d fields; want id, parent's id, en, bn", file, n+1, len(rec)))
			continue
		}
		row := listed{id: rec[0], parent: rec[1], name: place.Name{EN: tidy(rec[2]), BN: tidy(rec[3])}}
		if !row.name.Complete() {
			errs = append(errs, fmt.Errorf("%s: row %d lacks its name in en or bn", file, n+1))
			continue
		}
		rows = append(rows, row)
	}
	return rows, errors.Join(errs...)
}

// tidy returns a name in NFC without needless spaces.
func tidy(s string) string { return norm.NFC.String(strings.Join(strings.Fields(s), " ")) }

// place gives each of one parent's children its code, and notes it in here.
func (h *Hierarchy) place(level string, parent place.Code, children []listed, here map[string]place.Code) (errs []error) {
	known := h.under(level, parent)
	slices.SortFunc(children, func(a, b listed) int {
		return cmp.Or(cmp.Compare(a.name.EN, b.name.EN), cmp.Compare(a.name.BN, b.name.BN), cmp.Compare(a.id, b.id))
	})
	var fresh [][]listed // Rows of one name together.
	met := map[place.Code]bool{}
	for _, c := range children {
		a, ok := called(known, c.name)
		switch {
		case ok:
			if met[a.Code] {
				h.Doubles = append(h.Doubles, c.name.EN+" in "+string(parent))
			}
			met[a.Code], here[c.id] = true, a.Code
		case level == "division" || level == "district":
			errs = append(errs, fmt.Errorf("the pack has no %s called %s or %s: add it to areas.csv with its official code", level, c.name.EN, c.name.BN))
		case len(fresh) > 0 && fresh[len(fresh)-1][0].name == c.name:
			h.Doubles = append(h.Doubles, c.name.EN+" in "+string(parent))
			fresh[len(fresh)-1] = append(fresh[len(fresh)-1], c)
		default:
			fresh = append(fresh, []listed{c})
		}
	}
	for _, a := range known {
		if !met[a.Code] {
			h.Unlisted = append(h.Unlisted, string(a.Code)+" "+a.Name.EN)
		}
	}
	codes := spread(len(fresh), h.taken(parent))
	if codes == nil && len(fresh) > 0 {
		return append(errs, fmt.Errorf("%s has %d areas of level %s; two digits have no room for so many", parent, len(children), level))
	}
	for i, rows := range fresh {
		code := parent + place.Code(fmt.Sprintf("-%02d", codes[i]))
		for _, r := range rows {
			here[r.id] = code
		}
		h.Areas = append(h.Areas, place.Area{Code: code, Parent: parent, Level: level, Name: rows[0].name})
		h.Provisional[level]++
	}
	return errs
}

// under returns the areas of a level below a parent. The parent of a division is
// nothing.
func (h *Hierarchy) under(level string, parent place.Code) []place.Area {
	var list []place.Area
	for _, a := range h.Areas {
		if a.Level == level && a.Parent == parent {
			list = append(list, a)
		}
	}
	return list
}

// called finds an area by its name: in both languages if there is such a one, else
// in Bangla, else in English.
func called(list []place.Area, name place.Name) (place.Area, bool) {
	for _, same := range []func(place.Name) bool{
		func(n place.Name) bool { return n == name },
		func(n place.Name) bool { return n.BN == name.BN },
		func(n place.Name) bool { return strings.EqualFold(n.EN, name.EN) },
	} {
		if i := slices.IndexFunc(list, func(a place.Area) bool { return same(a.Name) }); i >= 0 {
			return list[i], true
		}
	}
	return place.Area{}, false
}

// taken says which last parts of codes below a parent are given, at any level.
func (h *Hierarchy) taken(parent place.Code) map[int]bool {
	taken := map[int]bool{}
	for _, a := range h.Areas {
		var n int
		if last, ok := strings.CutPrefix(string(a.Code), string(parent)+"-"); ok && len(last) == 2 {
			if _, err := fmt.Sscanf(last, "%d", &n); err == nil {
				taken[n] = true
			}
		}
	}
	return taken
}

// spread returns n numbers in rising order from 11 to 98, about evenly apart, none
// of them taken; nil when there is no room. 99 is left for a paurashava.
func spread(n int, taken map[int]bool) []int {
	const low, high = 11, 98
	var free []int
	for i := low; i <= high; i++ {
		if !taken[i] {
			free = append(free, i)
		}
	}
	if n > len(free) {
		return nil
	}
	codes := make([]int, n)
	for i := range codes {
		codes[i] = free[(2*i+1)*len(free)/(2*n)]
	}
	return codes
}

// WriteAreas returns areas in the form of a pack's areas.csv, after the lines of
// the comment.
func WriteAreas(comment []string, areas []place.Area) ([]byte, error) {
	var b bytes.Buffer
	for _, line := range comment {
		b.WriteString(strings.TrimRight("# "+line, " ") + "\n")
	}
	w := csv.NewWriter(&b)
	for _, a := range areas {
		if err := w.Write([]string{string(a.Code), string(a.Parent), a.Level, a.Name.BN, a.Name.EN}); err != nil {
			return nil, fault.Wrap("catalogue.WriteAreas", fault.Internal, string(a.Code), err)
		}
	}
	w.Flush()
	return b.Bytes(), nil
}
