package api

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"net/http"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// ReleasePath is where a daemon hands out its whole catalogue.
const ReleasePath = "/v1/releases/current"

// ReleaseInForce is the same without the versions that are no longer in force. A daemon
// of before does not know the difference and hands out all.
const ReleaseInForce = ReleasePath + "?" + formerQuery + "=" + formerNamed

// How former versions are asked for.
const (
	formerQuery = "former"
	formerNamed = "named"
)

// A Release is the answer to GET /v1/releases/current: the release in force with
// all that it names and every older version, in their canonical encodings, so
// that whoever reads it gets the same hashes. With ?former=named older versions are not
// there, and Former says what the next release has to know of them.
type Release struct {
	Release   Bytes        `json:"release"`
	Directory Bytes        `json:"directory"`
	Versions  []Bytes      `json:"versions"`
	Former    *dcat.Former `json:"former,omitempty" doc:"With ?former=named alone"`
	Bounds    *Bytes       `json:"bounds,omitempty" doc:"With ?former=named, at a hub: what the base lets a district change, as the release names it; empty where that is not known"`
}

// ServeRelease adds GET /v1/releases/current. In returns the catalogue in force,
// nil before the first release. An answer is written as it is made, since all versions that ever
// were are more than a daemon should hold twice.
func ServeRelease(a *API, in func() (*dcat.Set, error)) {
	const op = "api.ServeRelease"
	route := Route{
		Method: http.MethodGet, Path: ReleasePath, ID: "release", Public: true,
		Summary: "The whole catalogue in force, as it was published",
		Query:   map[string]string{formerQuery: "named: versions that are no longer in force by their numbers alone"},
	}
	a.Raw(route, nil, Release{}, func(w http.ResponseWriter, r *http.Request, _ Caller) {
		set, err := in()
		if set == nil && err == nil {
			err = fault.New(op, fault.NotFound, "catalogue", "no release has arrived yet")
		}
		if err != nil {
			a.Fail(w, route.ID, err)
			return
		}
		versions, former := set.Versions(), (*dcat.Former)(nil)
		switch how := r.URL.Query().Get(formerQuery); how {
		case "":
		case formerNamed:
			f := set.Former()
			versions, former = set.Services(), &f
		default:
			a.Fail(w, route.ID, fault.New(op, fault.Invalid, formerQuery, "want "+formerNamed+", or nothing for every version that ever was"))
			return
		}
		before, after, err := frameOf(set, former)
		if err != nil {
			a.Fail(w, route.ID, err)
			return
		}
		w.Header()["Content-Type"], w.Header()["Cache-Control"] = jsonType, noStore
		out := bufio.NewWriterSize(w, 64<<10)
		_, _ = out.Write(before) // The client may be gone: the last write says so, and nobody is left to be told.
		for i, v := range versions {
			text, err := jsonVersion(v)
			if err != nil { // The status is out, and nobody may take half of it for the whole.
				a.logFailure(route.ID, err)
				panic(http.ErrAbortHandler)
			}
			if i > 0 {
				_ = out.WriteByte(',')
			}
			if _, err := out.Write(text); err != nil {
				return
			}
		}
		_, _ = out.Write(after)
		_ = out.Flush()
	})
}

// frameOf is the answer's JSON without versions: what stands before and behind them.
func frameOf(set *dcat.Set, former *dcat.Former) (before, after []byte, err error) {
	r := Release{Versions: []Bytes{}, Former: former}
	if bounds := Bytes(set.Bounds); former != nil && bounds != nil {
		r.Bounds = &bounds
	}
	if r.Release, err = catalogue.EncodeRelease(&set.Release); err != nil {
		return nil, nil, err
	}
	if r.Directory, err = catalogue.EncodeDirectory(set.Directory); err != nil {
		return nil, nil, err
	}
	whole, err := json.Marshal(r)
	at := bytes.IndexByte(whole, '[') + 1 // Nothing before the versions has a bracket: base64url.
	return whole[:at], whole[at:], err
}

func jsonVersion(v *dcat.Version) ([]byte, error) {
	b, err := catalogue.EncodeVersion(v)
	if err != nil {
		return nil, err
	}
	return json.Marshal(Bytes(b))
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

// A FormerRelease is the answer to GET /v1/releases/{release}: its canonical encoding,
// and with ?versions=true those of the versions that it names and the release in force
// does not.
type FormerRelease struct {
	Release  Bytes   `json:"release"`
	Versions []Bytes `json:"versions,omitempty"`
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
	versions, err := DecodeVersions(r.Versions)
	if err != nil {
		return nil, err
	}
	set, err := dcat.NewSet(*release, dir, versions)
	if err != nil || r.Former == nil {
		return set, err
	}
	set = set.With(*r.Former)
	if r.Bounds == nil {
		return set, nil
	}
	set.Bounds = *r.Bounds
	if sum := sha256.Sum256(set.Bounds); len(set.Bounds) > 0 && !bytes.Equal(sum[:], release.Bounds) {
		return nil, fault.New(op, fault.Invalid, "bounds", "not those that the release names")
	}
	return set, nil
}

// DecodeVersions reads versions as they were hashed.
func DecodeVersions(list []Bytes) ([]*dcat.Version, error) {
	versions := make([]*dcat.Version, 0, len(list))
	for _, b := range list {
		v, err := catalogue.DecodeVersion(b)
		if err != nil {
			return nil, err
		}
		versions = append(versions, v)
	}
	return versions, nil
}
