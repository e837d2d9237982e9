package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/pack/bd"
	"kendro/protocol"
	"kendro/web/api"
)

// TestRollbackAtAHubOfBefore: a hub that knows nothing of named versions hands all of them out with
// the release in force, and none with a former one. That is as good.
func TestRollbackAtAHubOfBefore(t *testing.T) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	first, err := catalogue.Build(bd.Pack(), nil, time.Unix(1_790_000_000, 0))
	if err != nil {
		t.Fatal(err)
	}
	changed := *first.Services()[0]
	changed.Number, changed.SLADays = 2, changed.SLADays+1
	if changed.Hash, err = catalogue.HashVersion(&changed); err != nil {
		t.Fatal(err)
	}
	r := first.Release
	r.Number, r.Services = 2, slices.Clone(r.Services)
	r.Services[0] = dcat.Entry{ID: changed.ID, Version: 2, Hash: changed.Hash}
	second, err := dcat.NewSet(r, first.Directory, append(first.Versions(), &changed))
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := catalogue.EncodeRelease(&first.Release)
	if err != nil {
		t.Fatal(err)
	}
	a := api.New(api.Options{Title: "test", Version: "1"})
	api.ServeRelease(a, func() (*dcat.Set, error) { return second, nil })
	var sent catalogue.Signed
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.RawQuery = "" // It has never heard of it.
		switch r.URL.Path {
		case api.ReleasesPath:
			api.WriteJSON(w, http.StatusOK, api.Releases{Releases: []api.ReleaseLine{{Release: 2}, {Release: 1}}, Next: 3})
		case api.ReleasesPath + "/1":
			api.WriteJSON(w, http.StatusOK, api.FormerRelease{Release: encoded})
		case "/v1/catalogue":
			var in api.PublishRequest
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				t.Error(err)
			}
			if err := protocol.Unmarshal(in.Signed, api.SmallBody, "release", &sent); err != nil {
				t.Error(err)
			}
			api.WriteJSON(w, http.StatusOK, api.PublishAnswer{Release: 3})
		default:
			a.ServeHTTP(w, r)
		}
	}))
	defer s.Close()
	done, err := rollBack(t.Context(), &reach{url: s.URL}, "key", 1, key)
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Changes) != 1 || done.Changes[0].From != 2 || done.Changes[0].To != 1 {
		t.Errorf("got %v; want %s from 2 to 1", done.Changes, changed.ID)
	}
	got, err := sent.Open(key.Public().(ed25519.PublicKey))
	if err != nil || got.Number != 3 || !slices.Equal(got.Services, first.Release.Services) {
		t.Errorf("got release %+v, %v; want what release 1 named as 3", got, err)
	}
}
