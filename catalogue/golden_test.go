package catalogue_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
)

// The vectors under testdata are what independent verifiers are tested with.
// They are never edited: another encoding is another format.
func TestGoldenVectors(t *testing.T) {
	v := goldenVersion()
	versionBytes, err := catalogue.EncodeVersion(v)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "version.hex", versionBytes)
	if v.Hash, err = catalogue.HashVersion(v); err != nil {
		t.Fatal(err)
	}
	dir := &place.Directory{
		Areas:   []place.Area{{Code: "41", Level: "district", Name: place.Name{BN: "যশোর", EN: "Jashore"}}},
		Offices: []place.Office{{Code: "dc-41", Area: "41", Level: "district", Name: place.Name{BN: "ডিসি", EN: "DC"}}},
		Posts:   []place.Post{{Code: "dc", Name: place.Name{BN: "ডিসি", EN: "DC"}, OfficeLevel: "district", Acts: []string{place.ActFinalise}}},
	}
	dirBytes, err := catalogue.EncodeDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "directory.hex", dirBytes)
	more := *dir
	more.Reasons = []place.Reason{{Code: "incomplete", Name: place.Name{BN: "অসম্পূর্ণ", EN: "Incomplete"}}}
	moreBytes, err := catalogue.EncodeDirectory(&more)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "directory.reasons.hex", moreBytes)
	dirHash, err := catalogue.HashDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := &dcat.Release{
		Number: 7, Base: 3, Directory: dirHash, Services: []dcat.Entry{{ID: v.ID, Version: v.Number, Hash: v.Hash}},
		PublishedAt: 1795327200, Note: "golden",
	}
	signed, err := catalogue.Sign(r, key('k'))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "release.hex", signed.Body)
	golden(t, "release.key.hex", signed.Key)
	golden(t, "release.signature.hex", signed.Signature)
	origin := &dcat.Origin{
		District: "41", Base: dcat.Source{Edition: 3, Hash: dcat.Hash{1}, Signer: []byte{2}, Sealed: true}, Overlay: dcat.Source{Edition: 2, Hash: dcat.Hash{3}, Signer: []byte{4}},
		Fields: []dcat.Override{{Service: "x", Field: "sla_days", Base: "7", Value: "5", Was: "6", Reason: "golden"}},
		Files:  []dcat.File{{Name: "overlay.yaml", Text: []byte("base: 2\n")}},
	}
	originBytes, err := catalogue.EncodeOrigin(origin)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "origin.hex", originBytes)
	r.Origin = bytes.Repeat([]byte{5}, 32)
	over, err := catalogue.EncodeRelease(r)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "release.origin.hex", over)
	r.Origin, r.Bounds = nil, bytes.Repeat([]byte{6}, 32)
	if over, err = catalogue.EncodeRelease(r); err != nil {
		t.Fatal(err)
	}
	golden(t, "release.bounds.hex", over)
	origin.Parts = []dcat.Part{{Source: dcat.Source{Hash: dcat.Hash{7}, Signer: []byte{8}}, Services: []string{"x", "y"}}}
	if originBytes, err = catalogue.EncodeOrigin(origin); err != nil {
		t.Fatal(err)
	}
	golden(t, "origin.parts.hex", originBytes)
	bounds, err := catalogue.DecodeBounds(bytes.Join([][]byte{ // Everywhere sla_days from 1 to the base's; of x hidden is fixed, and steps.*.post is dc.
		{0xa2, 0x01, 0x81, 0xa3, 0x01, 0x68},
		[]byte("sla_days"),
		{0x02, 0x01, 0x03, 0x64},
		[]byte("base"),
		{0x02, 0xa1, 0x61, 'x', 0x82, 0xa2, 0x01, 0x66},
		[]byte("hidden"),
		{0x05, 0xf5},
		{0xa2, 0x01, 0x6c},
		[]byte("steps.*.post"),
		{0x04, 0x81, 0x62},
		[]byte("dc"),
	}, nil))
	if err != nil {
		t.Fatal(err)
	}
	boundsBytes, err := catalogue.EncodeBounds(bounds)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "bounds.hex", boundsBytes)
}

// TestGoldenAgencies: what an agency is given, what it submits, and what a service asks of
// whoever takes it in.
func TestGoldenAgencies(t *testing.T) {
	agency, err := catalogue.SignAgency(bmet(), key('k'))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "agency.hex", agency.Body)
	golden(t, "agency.signature.hex", agency.Signature)
	sub, err := catalogue.SignSubmission(&dcat.Submission{
		Agency: "bmet", Services: []dcat.Entry{{ID: "bmet.demo", Version: 1, Hash: dcat.Hash{7}}}, Withdraw: []string{"bmet.old"}, At: 1795327200, Note: "golden",
	}, key('e'))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "submission.hex", sub.Body)
	golden(t, "submission.signature.hex", sub.Signature)
	v := goldenVersion()
	v.Training = []string{"bmet-demo"}
	trained, err := catalogue.EncodeVersion(v)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "version.training.hex", trained)
	dir, err := catalogue.EncodeDirectory(&place.Directory{Trainings: []place.Training{{Tag: "bmet-demo", Name: place.Name{BN: "ক", EN: "X"}}}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "directory.trainings.hex", dir)
	hours, err := catalogue.EncodeDirectory(&place.Directory{Calendar: &place.Calendar{Hours: []place.Hours{
		{Days: []string{"Sunday"}, Opens: 9 * 60, Closes: 17 * 60},
		{Opens: 9 * 60, Closes: 15*60 + 30, Office: "record-41", From: "2027-02-09", To: "2027-03-10", Name: place.Name{BN: "ক", EN: "X"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "directory.hours.hex", hours)
}

func goldenVersion() *dcat.Version {
	return &dcat.Version{
		ID: "x", Number: 3, Name: place.Name{BN: "ক", EN: "X"}, Category: dcat.Category{Code: "c", Name: place.Name{BN: "খ", EN: "C"}},
		Kind: dcat.Public, Channels: []dcat.Channel{dcat.AtCentre}, CentreTypes: []place.CentreType{place.Union}, Offline: dcat.Intake,
		Form: []byte(`{"type":"object"}`), FeeAt: dcat.AtSubmit, SLADays: 7,
		Documents: []dcat.Document{{ID: "nid", Name: place.Name{BN: "গ", EN: "G"}, Required: true, OriginalAtCounter: true}},
		Fees:      []dcat.Fee{{Kind: dcat.Government, Poisha: 2500, When: &dcat.Condition{Field: "d", From: 46}}},
		Steps:     []dcat.Step{{Post: "p", OfficeLevel: "l", Name: place.Name{BN: "ঘ", EN: "S"}, Mandatory: true, MayFinalise: true}},
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatalf("%v; the bytes now are %x", err, got)
	}
	want, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got %x; want %x", name, got, want)
	}
}
