package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/pack/bd"
)

func TestReleaseTravelsWhole(t *testing.T) {
	set, err := catalogue.Build(bd.Pack(), nil, time.Unix(1_790_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	in := (*dcat.Set)(nil)
	a := New(Options{Title: "test", Version: "1"})
	ServeRelease(a, func() (*dcat.Set, error) { return in, nil })
	get := func(query string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, ReleasePath+query, nil))
		return w
	}
	if w := get(""); w.Code != http.StatusNotFound {
		t.Errorf("before the first release: got %d; want 404", w.Code)
	}
	in = set
	var got Release
	if w := get(""); w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &got) != nil {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	again, err := got.Set()
	if err != nil {
		t.Fatal(err)
	}
	if again.Release.Hash != set.Release.Hash || len(again.Versions()) != len(set.Versions()) {
		t.Errorf("got release %v with %d versions; want %v with %d",
			again.Release.Hash, len(again.Versions()), set.Release.Hash, len(set.Versions()))
	}
	got.Versions = got.Versions[1:]
	if _, err := got.Set(); err == nil {
		t.Error("a release that lacks a version was put together")
	}
}

// TestFormerVersionsTravelByName: who publishes asks for what is in force and gets the numbers of
// what was; who asks for something else is told what there is.
func TestFormerVersionsTravelByName(t *testing.T) {
	first, err := catalogue.Build(bd.Pack(), nil, time.Unix(1_790_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	later := *first.Services()[0]
	later.Number = 7
	if later.Hash, err = catalogue.HashVersion(&later); err != nil {
		t.Fatal(err)
	}
	set, err := dcat.NewSet(first.Release, first.Directory, append(first.Versions(), &later))
	if err != nil {
		t.Fatal(err)
	}
	a := New(Options{Title: "test", Version: "1"})
	ServeRelease(a, func() (*dcat.Set, error) { return set, nil })
	get := func(path string) (*httptest.ResponseRecorder, *Release) {
		w, out := httptest.NewRecorder(), new(Release)
		a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			t.Fatal(err)
		}
		return w, out
	}
	_, named := get(ReleaseInForce)
	got, err := named.Set()
	if err != nil || named.Former == nil || len(named.Versions) != len(set.Services()) || got.Last(later.ID) != 7 {
		t.Errorf("got %d versions, %v, %v; want those in force, and that %s had number 7", len(named.Versions), named.Former, err, later.ID)
	}
	if _, all := get(ReleasePath); all.Former != nil || len(all.Versions) != len(set.Versions()) {
		t.Errorf("got %d versions and %v; want all %d and nothing more", len(all.Versions), all.Former, len(set.Versions()))
	}
	if w, _ := get(ReleasePath + "?former=none"); w.Code != http.StatusBadRequest {
		t.Errorf("former=none: got %d; want 400", w.Code)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	if !strings.Contains(w.Body.String(), `"name":"former"`) {
		t.Error("the description does not say how to ask")
	}
}
