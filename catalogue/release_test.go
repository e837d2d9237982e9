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
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
}

// raised is the pack with one fee changed.
func raised(t *testing.T) fstest.MapFS {
	t.Helper()
	m := smallPack(t)
	replace(t, m, "services/land-record-copy.yaml", "poisha: 10000, per: copies", "poisha: 12000, per: copies")
	return m
}

func TestSecondReleaseChangesOneFee(t *testing.T) {
	one := small(t)
	two, err := catalogue.Build(raised(t), one, published().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if one.Release.Number != 1 || two.Release.Number != 2 {
		t.Errorf("releases %d and %d; want 1 and 2", one.Release.Number, two.Release.Number)
	}
	for _, old := range one.Services() {
		now, ok := two.Current(old.ID)
		if !ok {
			t.Fatalf("%s is gone", old.ID)
		}
		if old.ID == "land-record-copy" {
			if now.Number != 2 || now.Hash == old.Hash {
				t.Errorf("%s: version %d with the same hash %v; want a version 2", old.ID, now.Number, now.Hash == old.Hash)
			}
			if pinned, ok := two.Pinned(old.ID, old.Hash); !ok || pinned.Number != 1 {
				t.Error("the version that older applications pin is gone")
			}
		} else if now.Number != 1 || now.Hash != old.Hash {
			t.Errorf("%s moved without a change", old.ID)
		}
	}
	if since := two.Since(one); len(since) != 1 || since[0].ID != "land-record-copy" {
		t.Errorf("%d versions to publish; want 1", len(since))
	}
	changes := catalogue.Diff(one, two)
	if len(changes) != 1 || changes[0].String() != "land-record-copy: version 1 to 2: fee 1 (government) 10000 poisha is now 12000" {
		t.Errorf("changes %v", changes)
	}
}

func TestBuildOfServicesAlone(t *testing.T) {
	one := small(t)
	m := fstest.MapFS{"services/land-record-copy.yaml": raised(t)["services/land-record-copy.yaml"]}
	if found := catalogue.Lint(m); len(found) > 0 {
		t.Errorf("findings %v; want none", found)
	}
	two, err := catalogue.Build(m, one, published())
	if err != nil {
		t.Fatal(err)
	}
	if len(two.Release.Services) != len(one.Release.Services) || two.Release.Directory != one.Release.Directory {
		t.Error("a folder of one service changed more than that service")
	}
	if changes := catalogue.Diff(one, two); len(changes) != 1 {
		t.Errorf("changes %v; want one", changes)
	}
	if _, err := catalogue.Build(m, nil, published()); !errors.Is(err, fault.Invalid) {
		t.Errorf("a first release of services alone: %v; want invalid", err)
	}
}

func TestBuildRefuses(t *testing.T) {
	one := small(t)
	if _, err := catalogue.Build(smallPack(t), one, published().Add(time.Hour)); !errors.Is(err, fault.Conflict) {
		t.Errorf("a release like the one in force: %v; want conflict", err)
	}
	m := smallPack(t)
	replace(t, m, "services/grievance.yaml", "post: adc-general", "post: nobody")
	if _, err := catalogue.Build(m, one, published()); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "services/grievance.yaml:") {
		t.Errorf("a pack with a finding: %v; want invalid and the place", err)
	}
}

func TestDiffOfServicesThatComeAndGo(t *testing.T) {
	one := small(t)
	m := smallPack(t)
	delete(m, "services/vgd-card.yaml")
	replace(t, m, "posts.yaml", `bn: "সচিব"`, `bn: "প্রশাসনিক কর্মকর্তা"`)
	replace(t, m, "services/grievance.yaml", "sla_days: 30", "sla_days: 15")
	replace(t, m, "services/online-gd.yaml", "id: online-gd", "id: diary-entry")
	two, err := catalogue.Build(m, one, published())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range catalogue.Diff(one, two) {
		got = append(got, c.String())
	}
	want := []string{
		"diary-entry: new", "grievance: version 1 to 2: 30 working days are now 15", "online-gd: withdrawn",
		"vgd-card: withdrawn", "directory: version 1 to 2: the posts changed (48, now 48)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("changes %q; want %q", got, want)
	}
	// A service that comes back continues its numbers.
	three, err := catalogue.Build(smallPack(t), two, published())
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := three.Current("vgd-card"); v.Number != 2 {
		t.Errorf("vgd-card came back as version %d; want 2", v.Number)
	}
}

func TestSignedRelease(t *testing.T) {
	set := small(t)
	signed, err := catalogue.Sign(&set.Release, key('k'))
	if err != nil {
		t.Fatal(err)
	}
	public := key('k').Public().(ed25519.PublicKey)
	r, err := signed.Open(public)
	if err != nil {
		t.Fatal(err)
	}
	if r.Hash != set.Release.Hash || r.Hash.IsZero() {
		t.Errorf("hash %s; want %s", r.Hash, set.Release.Hash)
	}
	if _, err := signed.Open(key('x').Public().(ed25519.PublicKey)); !errors.Is(err, fault.Denied) {
		t.Errorf("another key: %v; want denied", err)
	}
	for i := range signed.Body {
		signed.Body[i] ^= 1
		if _, err := signed.Open(public); !errors.Is(err, fault.Damaged) {
			t.Fatalf("byte %d changed: %v; want damaged", i, err)
		}
		signed.Body[i] ^= 1
	}
}

// An offline centre's pin must mean the same bytes for ever: this hash changes
// only when the encoding or this very service changes.
func TestGoldenHash(t *testing.T) {
	set := small(t)
	const wantVersion = "cc93bfd91124d8428e354620ef213c2c9c782d89299b86e96d6a31ea785d4289"
	v, _ := set.Current("birth-registration")
	if v.Hash.String() != wantVersion {
		t.Errorf("birth-registration hashes to %s; want %s", v.Hash, wantVersion)
	}
}

func TestVersionsSurviveTheJourney(t *testing.T) {
	for _, v := range release(t).Services() {
		b, err := catalogue.EncodeVersion(v)
		if err != nil {
			t.Fatal(err)
		}
		back, err := catalogue.DecodeVersion(b)
		if err != nil {
			t.Fatal(err)
		}
		again, err := catalogue.EncodeVersion(back)
		if err != nil || string(again) != string(b) || back.Hash != v.Hash {
			t.Errorf("%s came back different: %v", v.ID, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	set, err := catalogue.Build(smallPack(f), nil, published())
	if err != nil {
		f.Fatal(err)
	}
	v, _ := set.Current("agent-cash-out")
	b, _ := catalogue.EncodeVersion(v)
	f.Add(b)
	b, _ = catalogue.EncodeRelease(&set.Release)
	f.Add(b)
	b, _ = catalogue.EncodeParcel(catalogue.Parcel{Kind: catalogue.DirectoryParcel, Parts: 1, Body: []byte{0xa0}})
	f.Add(b)
	b, _ = catalogue.EncodeDirectory(&place.Directory{Areas: []place.Area{{Code: "41", Level: "district", Name: place.Name{BN: "য", EN: "J"}}}})
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := catalogue.DecodeVersion(b); err == nil && v.Hash.IsZero() {
			t.Fatal("a version without a hash")
		}
		if d, _, err := catalogue.DecodeDirectory(b); err == nil && d.Check() != nil {
			t.Fatal("a directory that fails its check")
		}
		_, _ = catalogue.DecodeRelease(b)
		var parts catalogue.Joiner
		payload, _, err := parts.Whole(&protocol.Event{Kind: protocol.DirectoryPart, Payload: b})
		if err == nil && payload != nil {
			t.Fatal("one part made a whole that fits no hash")
		}
	})
}
