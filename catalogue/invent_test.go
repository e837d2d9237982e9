package catalogue_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
)

// invented is the pack with n invented services in place of its own.
func invented(t testing.TB, n int) fstest.MapFS {
	t.Helper()
	m := smallPack(t)
	for name := range m {
		if strings.HasPrefix(name, "services/") {
			delete(m, name)
		}
	}
	files, err := catalogue.Invent(n, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		m[name] = &fstest.MapFile{Data: b}
	}
	return m
}

func TestInventedServicesArePublishable(t *testing.T) {
	m := invented(t, catalogue.MaxInvented)
	set, err := catalogue.Build(m, nil, published())
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, v := range set.Services() {
		names[v.Name.BN] = true
		if size := len(m["services/"+v.ID+".yaml"].Data); size < 4096 || size > 12<<10 {
			t.Errorf("%s has %d bytes of YAML", v.ID, size)
		}
	}
	if len(names) != catalogue.MaxInvented {
		t.Errorf("%d names in Bangla for %d services", len(names), catalogue.MaxInvented)
	}
	again, err := catalogue.Invent(catalogue.MaxInvented, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range again {
		if !bytes.Equal(b, m[name].Data) {
			t.Fatalf("%s differs with the same seed", name)
		}
	}
	other, err := catalogue.Invent(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range other {
		if bytes.Equal(b, m[name].Data) {
			t.Errorf("%s is the same with another seed", name)
		}
	}
	if _, err := catalogue.Invent(catalogue.MaxInvented+1, 1); err == nil {
		t.Error("more services were invented than there are words for")
	}
	sampler, err := catalogue.NewSampler(set)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range slices.Collect(everyTenth(set)) {
		if _, err := sampler.Body(v.ID, 1, set.Directory.Centres[0].Code); err != nil {
			t.Errorf("%s: %v", v.ID, err)
		}
	}
}

func everyTenth(set *dcat.Set) func(func(*dcat.Version) bool) {
	return func(yield func(*dcat.Version) bool) {
		for i, v := range set.Services() {
			if i%10 == 0 && !yield(v) {
				return
			}
		}
	}
}

// What resembles each other comes to stand together, and nothing is lost.
func TestKindred(t *testing.T) {
	set, err := catalogue.Build(invented(t, 100), nil, published())
	if err != nil {
		t.Fatal(err)
	}
	list, err := catalogue.Kindred(set.Services())
	if err != nil {
		t.Fatal(err)
	}
	again, err := catalogue.Kindred(set.Services())
	if err != nil || !slices.Equal(list, again) {
		t.Errorf("another order the second time, %v", err)
	}
	beside := func(list []*dcat.Version) (n int) {
		for i := 1; i < len(list); i++ {
			if list[i].Category.Code == list[i-1].Category.Code {
				n++
			}
		}
		return n
	}
	if before, after := beside(set.Services()), beside(list); after < before*3/4 {
		t.Errorf("%d of a category stand beside another of it, before %d", after, before)
	}
	by := func(a, b *dcat.Version) int { return strings.Compare(a.ID, b.ID) }
	slices.SortFunc(list, by)
	if !slices.Equal(list, set.Services()) {
		t.Error("the list has other versions now")
	}
}
