package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
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
	ServeRelease(a, func() *dcat.Set { return in })
	get := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, ReleasePath, nil))
		return w
	}
	if w := get(); w.Code != http.StatusNotFound {
		t.Errorf("before the first release: got %d; want 404", w.Code)
	}
	in = set
	var got Release
	if w := get(); w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &got) != nil {
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
