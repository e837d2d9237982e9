package catalogue_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"kendro/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// shared is where the whole country's lists lie when they are there.
const sharedLists = "../../shared/data/geocode"

func smallLists() fstest.MapFS {
	return fstest.MapFS{
		"divisions.csv": {Data: []byte("\"7\",\"Khulna\",\"খুলনা\",\"x\"\n")},
		"districts.csv": {Data: []byte("\"70\",\"7\",\"Jessore\",\"যশোর\",\"23\",\"89\",\"x\"\n\"71\",\"7\",\"NARAIL\",\"নড়াইল\",\"x\"\n")},
		"upazilas.csv":  {Data: []byte("\"700\",\"70\",\"Bagherpara\",\"বাঘারপাড়া\",\"x\"\n\"701\",\"71\",\"Lohagara\",\"লোহাগড়া\",\"x\"\n\"702\",\"71\",\"Kalia\",\"কালিয়া\",\"x\"\n")},
		"unions.csv": {Data: []byte("\"1\",\"700\",\"Bandabila\",\"বন্দবিলা\",\"x\"\n\"2\",\"701\",\"Itna\",\"ইতনা\",\"x\"\n" +
			"\"3\",\"701\",\"Itna\",\"ইতনা\",\"again\"\n\"4\",\"702\",\"  Mauli \",\"মাউলী\",\"x\",\"and, more\"\n")},
	}
}

func packAreas(t *testing.T) []place.Area {
	t.Helper()
	return slices.Clone(small(t).Directory.Areas)
}

func TestReadHierarchy(t *testing.T) {
	pack := packAreas(t)
	h, err := catalogue.ReadHierarchy(smallLists(), pack)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(h.Areas) - len(pack); got != 4 || h.Provisional["upazila"] != 2 || h.Provisional["union"] != 2 {
		t.Errorf("%d areas more, provisional %v; want 4, 2 upazilas and 2 unions", got, h.Provisional)
	}
	if len(h.Doubles) != 1 || !strings.HasPrefix(h.Doubles[0], "Itna in 65-") {
		t.Errorf("doubles %q; want Itna once", h.Doubles)
	}
	d := place.Directory{Areas: h.Areas}
	if err := d.Check(); err != nil {
		t.Error(err)
	}
	if len(h.Unlisted) == 0 || !strings.Contains(strings.Join(h.Unlisted, ","), "41-09-27 Basuari") {
		t.Errorf("not listed: %q; want the pack's other unions of Bagherpara", h.Unlisted)
	}
	var kalia, mauli place.Area
	for _, a := range h.Areas {
		switch a.Name.EN {
		case "Kalia":
			kalia = a
		case "Mauli":
			mauli = a
		case "Bandabila":
			if a.Code != "41-09-17" {
				t.Errorf("Bandabila became %s; want the code that it had", a.Code)
			}
		}
	}
	if kalia.Parent != "65" || mauli.Parent != kalia.Code || mauli.Name.BN != "মাউলী" {
		t.Errorf("got %+v and %+v; want Kalia in 65 and Mauli in Kalia", kalia, mauli)
	}

	again, err := catalogue.ReadHierarchy(smallLists(), h.Areas)
	if err != nil || len(again.Provisional) != 0 || len(again.Areas) != len(h.Areas) {
		t.Errorf("once more: %v, %d areas, provisional %v; want nothing new", err, len(again.Areas), again.Provisional)
	}
}

func TestHierarchyIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name, file, text string
		want             fault.Kind
		say              string
	}{
		{"no such file", "unions.csv", "", fault.NotFound, "unions.csv"},
		{"an unknown district", "districts.csv", "\"70\",\"7\",\"Atlantis\",\"আটলান্টিস\"\n", fault.Invalid, "no district called Atlantis"},
		{"a parent that is not there", "unions.csv", "\"1\",\"999\",\"Itna\",\"ইতনা\"\n", fault.Invalid, "number 999, which is not in upazilas.csv"},
		{"a row cut short", "upazilas.csv", "\"700\",\"70\"\n", fault.Invalid, "row 1 has 2 fields"},
		{"no name", "unions.csv", "\"1\",\"700\",\"Itna\",\" \"\n", fault.Invalid, "lacks its name"},
		{"a stray quote", "unions.csv", "\"1\",\"700\",\"It\"na\",\"ই\"\n", fault.Invalid, "want quoted fields"},
	} {
		lists := smallLists()
		lists[tt.file] = &fstest.MapFile{Data: []byte(tt.text)}
		if tt.text == "" {
			delete(lists, tt.file)
		}
		_, err := catalogue.ReadHierarchy(lists, packAreas(t))
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.say) {
			t.Errorf("%s: %v; want %v and %q", tt.name, err, tt.want, tt.say)
		}
	}
}

// TestTheWholeCountry reads all districts, upazilas and unions where the lists are
// at hand, and makes a pack of them in which every district could found its hub.
func TestTheWholeCountry(t *testing.T) {
	if _, err := os.Stat(filepath.Join(sharedLists, "unions.csv")); err != nil {
		t.Skip("the country's lists are not here")
	}
	h, err := catalogue.ReadHierarchy(os.DirFS(sharedLists), packAreas(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("read %v, provisional %v, left out %q, not listed %q", h.Read, h.Provisional, h.Doubles, h.Unlisted)
	if h.Read["district"] != 64 || h.Read["upazila"] != 494 || h.Read["union"] != 4540 {
		t.Errorf("read %v; want 64 districts, 494 upazilas, 4540 unions", h.Read)
	}
	levels := map[string]int{}
	for _, a := range h.Areas {
		levels[a.Level]++
	}
	if levels["district"] != 64 || levels["upazila"] != 494 || levels["union"] != 4540-len(h.Doubles)+len(h.Unlisted) {
		t.Errorf("made %v; want every row once", levels)
	}
	text, err := catalogue.WriteAreas([]string{"A test."}, h.Areas)
	if err != nil {
		t.Fatal(err)
	}
	pack := smallPack(t)
	pack["areas.csv"] = &fstest.MapFile{Data: text}
	for _, f := range []string{"centres.yaml", "offices.yaml"} {
		pack[f] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(string(pack[f].Data), "  within: \"41\"\n", ""))}
	}
	p, found := catalogue.LoadPack(pack)
	if len(found) > 0 {
		t.Fatal(found)
	}
	if len(p.Country.Districts) != 64 || len(p.Directory.Centres) < 4540+494 {
		t.Errorf("%d districts, %d centres", len(p.Country.Districts), len(p.Directory.Centres))
	}
	for _, a := range p.Directory.Areas {
		if a.Level != "union" {
			continue
		}
		for _, post := range []string{"chairman", "uno", "dc"} {
			if _, ok := p.Directory.SeatFor(post, a.Code); !ok {
				t.Fatalf("nobody sits as %s for %s %s", post, a.Code, a.Name.EN)
			}
		}
	}
}
