package register

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

func TestReleases(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		one, two := licence(t), version(t, "trade-licence", 2, "secretary", "member", "chairman")
		birth := version(t, "birth", 1, "secretary", "chairman")
		dir := directory("41-09-17", "41-09-23")
		refused := func(name string, p *Parcel, want fault.Kind) {
			t.Helper()
			before := len(w.logOf(w.first().Shelf()))
			wantFault(t, name, w.do(NewCommand("", "root", Publish, p)).Fault, want)
			if w.first().Release() != 1 || len(w.logOf(w.first().Shelf())) != before {
				t.Errorf("%s: a refused release left something behind", name)
			}
		}
		refused("the same number", w.parcel(1, dir, two), fault.Conflict)
		refused("a number left out", w.parcel(3, dir, two), fault.Conflict)
		short := w.parcel(2, dir, two, birth)
		short.Versions = short.Versions[1:]
		refused("a version missing", short, fault.NotFound)
		noDir := w.parcel(2, directory("41-09-17"), two)
		noDir.Directory = nil
		refused("a directory missing", noDir, fault.NotFound)
		refused("no signature", &Parcel{Versions: short.Versions}, fault.Invalid)
		bad := w.parcel(2, dir, two)
		bad.Versions[0] = bad.Versions[0][1:]
		refused("bytes that are no version", bad, fault.Invalid)
		forged := *w
		forged.catalogue = ed25519.NewKeyFromSeed(seedOf("forger"))
		refused("another's signature", forged.parcel(2, dir, two), fault.Denied)
		twice := version(t, "trade-licence", 1, "chairman")
		refused("one number for two versions", w.parcel(2, dir, twice), fault.Conflict)

		// What is large comes in parts. Versions that no release names mean nothing,
		// even if their numbers come again.
		w.must(NewCommand("", "root", AddVersions, &Parcel{Versions: w.parcel(2, dir, two, version(t, "birth", 1, "chairman")).Versions}))
		if w.first().Release() != 1 {
			t.Fatal("added versions are live")
		}
		p := w.parcel(2, dir, two, birth)
		p.Versions, p.Directory = p.Versions[1:], nil // Trade licence and directory are there already.
		if res := w.must(NewCommand("", "root", Publish, p)); res.Version != 2 {
			t.Fatalf("release = %d", res.Version)
		}
		wantFault(t, "a release in add-versions", w.do(NewCommand("", "root", AddVersions, w.parcel(3, dir, two))).Fault, fault.Invalid)

		for _, r := range []*Register{w.first(), w.reopen(w.registers[0].base)} {
			set := r.Set()
			cur, ok := set.Current("trade-licence")
			if !ok || cur.Number != 2 || len(set.Versions()) != 3 || set.Release.Number != 2 {
				t.Fatalf("set = %+v", set.Release)
			}
			if _, ok := set.Pinned("trade-licence", one.Hash); !ok {
				t.Error("the version that open cases pin is gone")
			}
			if b, ok := set.Current("birth"); !ok || b.Hash != birth.Hash {
				t.Error("an abandoned version took the place of the released one")
			}
		}
		events := w.logOf(w.first().Shelf())
		var kinds []protocol.Kind
		for _, e := range events {
			kinds = append(kinds, e.Kind)
		}
		last := events[len(events)-1]
		var signed catalogue.Signed
		if err := last.Decode(&signed); err != nil {
			t.Fatal(err)
		}
		r, err := signed.Open(w.catalogue.Public().(ed25519.PublicKey))
		if err != nil || r.Number != 2 || len(events) != 7 {
			t.Errorf("the catalogue log holds %v and ends in %+v, %v", kinds, r, err)
		}
	})
}

// TestReleaseNamesFormerVersions is a rollback: a release alone, of what the log holds
// already, directory included.
func TestReleaseNamesFormerVersions(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		one := w.first().Set()
		w.publish(2, directory("41-09-17"), version(t, "trade-licence", 2, "chairman"))
		former, err := w.first().Releases()
		if err != nil || len(former) != 2 {
			t.Fatalf("releases %v, %v; want 2", former, err)
		}
		back, err := catalogue.Rollback(former[1], former[0], time.Unix(dawn/1000, 0))
		if err != nil {
			t.Fatal(err)
		}
		signed, err := catalogue.Sign(back, w.catalogue)
		if err != nil {
			t.Fatal(err)
		}
		before := len(w.logOf(w.first().Shelf()))
		w.must(NewCommand("", "root", Publish, &Parcel{Signed: protocol.Marshal(&signed)}))
		if n := len(w.logOf(w.first().Shelf())) - before; n != 1 {
			t.Errorf("%d events; want 1", n)
		}
		for _, r := range []*Register{w.first(), w.reopen(w.registers[0].base)} {
			set := r.Set()
			cur, ok := set.Current("trade-licence")
			if !ok || cur.Hash != licence(t).Hash || set.Release.Number != 3 || set.Release.Directory != one.Release.Directory || len(set.Directory.Centres) != len(one.Directory.Centres) {
				t.Errorf("release %+v with version %+v; want what release 1 had", set.Release, cur)
			}
			if len(set.VersionsOf("trade-licence")) != 2 {
				t.Error("the version that was rolled back is unknown to the cases that pin it")
			}
		}
	})
}

// TestRow7PinnedVersionDecides is I8: a case goes the way of the version that it was
// made under, whatever is current.
func TestRow7PinnedVersionDecides(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		old := b.submit(licence(t), 1)
		two := version(t, "trade-licence", 2, "chairman")
		w.publish(2, directory("41-09-17", "41-09-23"), two)
		late := b.submit(licence(t), 2) // Filed offline under the old version.
		fresh := b.submit(two, 3)
		forged := *licence(t)
		forged.Hash = dcat.Hash{1}
		unknown := b.submit(&forged, 4)
		b.mustBring(1, 4)
		for n, seat := range map[protocol.Number]string{old: "secretary", late: "secretary", fresh: "chairman", unknown: ""} {
			c, err := w.first().Case(n)
			if err != nil || c.State.Seat.Post != seat || (seat == "") != (c.Held == whyVersion) {
				t.Errorf("case %v is at %v, held %q, %v; want %s", n, c.State.Seat, c.Held, err, seat)
			}
		}
	})
}

// TestDirectoryInParts takes a directory that one event has no room for, and refuses
// what no box could keep: whatever is asked, the entry can be applied.
func TestDirectoryInParts(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		wide := func(centres int) *place.Directory {
			d := directory("41-09-17", "41-09-23")
			for i := range centres {
				code := place.Centre(fmt.Sprintf("41-09-17-c%02d", i%100))
				d.Centres = append(d.Centres, place.CentreInfo{
					Code: code, Type: place.CitizenService, Area: "41-09-17",
					Name: place.Name{BN: strings.Repeat("কেন্দ্র", 20), EN: fmt.Sprint("Centre ", i)},
				})
			}
			d.Sort()
			return d
		}
		big := wide(100)
		for i := range big.Centres[2:] {
			big.Centres[2+i].Name.EN = strings.Repeat("x", 600)
		}
		raw, err := catalogue.EncodeDirectory(big)
		if err != nil || len(raw) <= protocol.MaxEvent {
			t.Fatalf("%d bytes, %v; want more than an event has room for", len(raw), err)
		}
		if res := w.must(NewCommand("", "root", Publish, w.parcel(2, big, licence(t)))); res.Version != 2 {
			t.Fatalf("release %d; want 2", res.Version)
		}
		next := w.parcel(3, big, licence(t), version(t, "birth", 1, "chairman"))
		next.Directory = nil // It is there already.
		if res := w.must(NewCommand("", "root", Publish, next)); res.Version != 3 {
			t.Fatalf("release %d; want 3", res.Version)
		}
		for _, r := range []*Register{w.first(), w.reopen(w.registers[0].base)} {
			if got := len(r.Set().Directory.Centres); got != len(big.Centres) {
				t.Errorf("%d centres; want %d", got, len(big.Centres))
			}
		}
		for i := range big.Centres[2:] {
			big.Centres[2+i].Name.EN = strings.Repeat("y", 2_500)
		}
		wantFault(t, "a directory that no box keeps", w.do(NewCommand("", "root", Publish, w.parcel(4, big, licence(t)))).Fault, fault.Invalid)
	})
}
