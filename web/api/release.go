package api

import (
	"context"
	"net/http"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// ReleasePath is where a daemon hands out its whole catalogue.
const ReleasePath = "/v1/releases/current"

// A Release is the answer to GET /v1/releases/current: the release in force with
// all that it names and every older version, in their canonical encodings, so
// that whoever reads it gets the same hashes.
type Release struct {
	Release   Bytes   `json:"release"`
	Directory Bytes   `json:"directory"`
	Versions  []Bytes `json:"versions"`
}

// ServeRelease adds GET /v1/releases/current. In returns the catalogue in force,
// nil before the first.
func ServeRelease(a *API, in func() *dcat.Set) {
	route := Route{
		Method: http.MethodGet, Path: ReleasePath, ID: "release", Public: true,
		Summary: "The whole catalogue in force, as it was published",
	}
	Register(a, route, func(context.Context, *struct{}) (*struct{ Body *Release }, error) {
		set := in()
		if set == nil {
			return nil, fault.New("api.ServeRelease", fault.NotFound, "catalogue", "no release has arrived yet")
		}
		body, err := releaseOf(set)
		return &struct{ Body *Release }{body}, err
	})
}

// ReleasesPath is where a hub lists the releases.
const ReleasesPath = "/v1/releases"

// Releases is the answer to GET /v1/releases.
type Releases struct {
	Releases []ReleaseLine `json:"releases"` // That were in force for all, the newest first; it is in force.
	Next     int           `json:"next" doc:"Number of the next release to be published"`
	Trial    *Trial        `json:"trial,omitempty"`

	Blocked *BlockedBase `json:"blocked,omitempty" doc:"A national base that the overlay in force keeps out"`
}

// A Trial is the newest release that was put on trial.
type Trial struct {
	Release int          `json:"release"`
	Hash    string       `json:"hash"`
	Centre  string       `json:"centre"`
	State   string       `json:"state" enum:"runs,passed,halted"`
	Began   Time         `json:"began"`
	Active  *Time        `json:"active,omitempty" doc:"When the centre first said that it is in force there"`
	Heard   *Time        `json:"heard,omitempty" doc:"When the centre last spoke of it"`
	Until   *Time        `json:"until,omitempty" doc:"When it will have gone well for long enough"`
	Ended   *Time        `json:"ended,omitempty"`
	By      string       `json:"by,omitempty" doc:"Who ended it; @hub where it went well or badly by itself"`
	Reason  string       `json:"reason,omitempty"`
	Errors  uint64       `json:"errors" doc:"Attempts that one place of a service may refuse"`
	Filed   []TrialPlace `json:"filed"`
	Refused []TrialPlace `json:"refused"`
}

// A TrialPlace counts what happened to a service at one place, a field or a rule.
type TrialPlace struct {
	Service string `json:"service"`
	Place   string `json:"place,omitempty"`
	Count   uint64 `json:"count"`
}

// TrialWord is the body of POST /v1/releases/{release}/halt and promote.
type TrialWord struct {
	Reason string `json:"reason,omitempty" maxLength:"512"`
}

// A ReleaseLine is one release in the list of them.
type ReleaseLine struct {
	Release     int    `json:"release"`
	Hash        string `json:"hash"`
	Services    int    `json:"services"`
	PublishedAt Time   `json:"published_at"`
	Note        string `json:"note"`
	Base        int    `json:"base,omitempty" doc:"Edition of the national base under the district's overlay"`
}

// A FormerRelease is the answer to GET /v1/releases/{release}: its canonical
// encoding.
type FormerRelease struct {
	Release Bytes `json:"release"`
}

func releaseOf(set *dcat.Set) (*Release, error) {
	out := new(Release)
	var err error
	if out.Release, err = catalogue.EncodeRelease(&set.Release); err != nil {
		return nil, err
	}
	if out.Directory, err = catalogue.EncodeDirectory(set.Directory); err != nil {
		return nil, err
	}
	for _, v := range set.Versions() {
		b, err := catalogue.EncodeVersion(v)
		if err != nil {
			return nil, err
		}
		out.Versions = append(out.Versions, b)
	}
	return out, nil
}

// Set puts the catalogue together again. It fails with [fault.Invalid] unless it
// is whole.
func (r *Release) Set() (*dcat.Set, error) {
	const op = "api.Release"
	release, err := catalogue.DecodeRelease(r.Release)
	if err != nil {
		return nil, err
	}
	var dir *place.Directory
	var hash dcat.Hash
	if dir, hash, err = catalogue.DecodeDirectory(r.Directory); err != nil {
		return nil, err
	}
	if hash != release.Directory {
		return nil, fault.New(op, fault.Invalid, hash.String(), "not the directory that the release names")
	}
	versions := make([]*dcat.Version, 0, len(r.Versions))
	for _, b := range r.Versions {
		v, err := catalogue.DecodeVersion(b)
		if err != nil {
			return nil, err
		}
		versions = append(versions, v)
	}
	return dcat.NewSet(*release, dir, versions)
}
