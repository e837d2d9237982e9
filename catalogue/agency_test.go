package catalogue_test

import (
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// bmet is an agency with one editor.
func bmet() *dcat.Agency {
	public, _ := key('e').Public().(ed25519.PublicKey)
	return &dcat.Agency{
		Code: "bmet", Name: place.Name{BN: "বিএমইটি", EN: "BMET"}, Kind: dcat.Public, Serial: 1, Until: 1795327200,
		Editors: []dcat.Editor{{Name: "salma", Key: public}},
	}
}

// bureau is a folder of the agency's: the small pack's land copy under another ID.
func bureau(t *testing.T, id string) fstest.MapFS {
	t.Helper()
	m := smallPack(t)
	replace(t, m, "services/land-record-copy.yaml", "id: land-record-copy", "id: "+id)
	return fstest.MapFS{"services/one.yaml": m["services/land-record-copy.yaml"]}
}

func TestAgencyIsSigned(t *testing.T) {
	authority, _ := key('k').Public().(ed25519.PublicKey)
	signed, err := catalogue.SignAgency(bmet(), key('k'))
	if err != nil {
		t.Fatal(err)
	}
	a, err := catalogue.OpenAgency(signed, authority)
	if err != nil || a.Code != "bmet" || a.Editors[0].Name != "salma" {
		t.Fatalf("got %+v, %v", a, err)
	}
	if _, err := catalogue.OpenAgency(signed, a.Editors[0].Key); !errors.Is(err, fault.Denied) {
		t.Errorf("under another key: %v; want denied", err)
	}
	if _, err := signed.Open(authority); !errors.Is(err, fault.Damaged) {
		t.Errorf("taken for a release: %v; want damaged", err)
	}
	signed.Body = append(slices.Clone(signed.Body), 0)
	if _, err := catalogue.OpenAgency(signed, authority); !errors.Is(err, fault.Damaged) {
		t.Errorf("changed: %v; want damaged", err)
	}
	for what, change := range map[string]func(*dcat.Agency){
		"a code with a dot":       func(a *dcat.Agency) { a.Code = "bm.et" },
		"a code of one letter":    func(a *dcat.Agency) { a.Code = "b" },
		"no name in Bangla":       func(a *dcat.Agency) { a.Name.BN = "" },
		"letters":                 func(a *dcat.Agency) { a.Kind = dcat.Letter },
		"no editor":               func(a *dcat.Agency) { a.Editors = nil },
		"a short key":             func(a *dcat.Agency) { a.Editors = []dcat.Editor{{Name: "salma", Key: []byte{1}}} },
		"two editors of one name": func(a *dcat.Agency) { a.Editors = append(a.Editors, a.Editors[0]) },
		"no serial":               func(a *dcat.Agency) { a.Serial = 0 },
		"no last day":             func(a *dcat.Agency) { a.Until = 0 },
	} {
		a := bmet()
		change(a)
		if _, err := catalogue.SignAgency(a, key('k')); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v; want invalid", what, err)
		}
	}
}

func TestSubmissionStaysInItsNamespace(t *testing.T) {
	for what, c := range map[string]struct {
		sub  dcat.Submission
		by   byte
		want fault.Kind
	}{
		"its own":              {dcat.Submission{Agency: "bmet", Services: []dcat.Entry{{ID: "bmet.demo", Version: 1}}}, 'e', 0},
		"withdrawn":            {dcat.Submission{Agency: "bmet", Withdraw: []string{"bmet.demo"}}, 'e', 0},
		"by the authority":     {dcat.Submission{Agency: "bmet", Withdraw: []string{"bmet.demo"}}, 'k', fault.Denied},
		"the district's":       {dcat.Submission{Agency: "bmet", Services: []dcat.Entry{{ID: "bmet-demo", Version: 1}}}, 'e', fault.Denied},
		"another's":            {dcat.Submission{Agency: "bmet", Services: []dcat.Entry{{ID: "bmetx.demo", Version: 1}}}, 'e', fault.Denied},
		"another's, withdrawn": {dcat.Submission{Agency: "bmet", Withdraw: []string{"bmet.demo", "brta.demo"}}, 'e', fault.Denied},
		"for another":          {dcat.Submission{Agency: "brta", Withdraw: []string{"brta.demo"}}, 'e', fault.Invalid},
		"nothing":              {dcat.Submission{Agency: "bmet"}, 'e', fault.Invalid},
		"twice":                {dcat.Submission{Agency: "bmet", Services: []dcat.Entry{{ID: "bmet.demo"}}, Withdraw: []string{"bmet.demo"}}, 'e', fault.Invalid},
	} {
		signed, err := catalogue.SignSubmission(&c.sub, key(c.by))
		if err != nil {
			t.Fatal(err)
		}
		_, editor, err := catalogue.OpenSubmission(signed, bmet())
		if c.want == 0 && (err != nil || editor.Name != "salma") || c.want != 0 && !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v; want %v", what, editor, err, c.want)
		}
	}
}

// TestAgencysServicesOutliveAPack: what an agency has in force is neither held nor
// withdrawn by the district's next pack, and only the agency's own namespace is submitted.
func TestAgencysServicesOutliveAPack(t *testing.T) {
	one := small(t)
	if _, err := catalogue.Submit(bureau(t, "land-copy"), "bmet", one); !errors.Is(err, fault.Denied) {
		t.Errorf("out of its namespace: %v; want denied", err)
	}
	if _, err := catalogue.Submit(bureau(t, "brta.copy"), "bmet", one); !errors.Is(err, fault.Denied) {
		t.Errorf("in another's: %v; want denied", err)
	}
	versions, err := catalogue.Submit(bureau(t, "bmet.copy"), "bmet", one)
	if err != nil || len(versions) != 1 || versions[0].Number != 1 {
		t.Fatalf("submitted %v, %v", versions, err)
	}
	if found := catalogue.CheckVersion(versions[0], one); len(found) > 0 {
		t.Errorf("a sound version: %v", found)
	}
	bent := *versions[0]
	bent.Steps = slices.Clone(bent.Steps)
	bent.Steps[0].Post = "nobody"
	if found := catalogue.CheckVersion(&bent, one); len(found) == 0 || !strings.Contains(found[0].String(), `no post "nobody"`) {
		t.Errorf("a version for an unknown post: %v", found)
	}
	bent = *versions[0]
	bent.Category.Code = "secret"
	if found := catalogue.CheckVersion(&bent, one); len(found) == 0 {
		t.Error("a category of its own is found sound")
	}
	sub := &dcat.Submission{Agency: "bmet", Services: []dcat.Entry{{ID: "bmet.copy", Version: 1, Hash: versions[0].Hash}}}
	two, err := catalogue.Accept(sub, versions, one, published(), "submitted")
	if err != nil || two.Release.Number != 2 || len(two.Services()) != len(one.Services())+1 {
		t.Fatalf("accepted: %+v, %v", two, err)
	}
	if _, err := catalogue.Submit(bureau(t, "bmet.copy"), "bmet", two); !errors.Is(err, fault.Conflict) {
		t.Errorf("the same again: %v; want conflict", err)
	}
	if _, err := catalogue.Build(smallPack(t), two, published()); !errors.Is(err, fault.Conflict) {
		t.Errorf("the district's pack as it was: %v; want that nothing differs", err)
	}
	three, err := catalogue.Build(raised(t), two, published().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := three.Current("bmet.copy"); !ok {
		t.Error("the district's pack withdrew the agency's service")
	}
	four, err := catalogue.Expel("bmet", three, published(), "revoked")
	if err != nil || len(four.Services()) != len(one.Services()) {
		t.Fatalf("expelled: %+v, %v", four, err)
	}
	if _, err := catalogue.Expel("bmet", four, published(), "revoked"); !errors.Is(err, fault.Conflict) {
		t.Errorf("expelled twice: %v; want conflict", err)
	}
}
