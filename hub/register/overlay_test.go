package register

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// overBase is a release that lies on an edition of a national base.
func overBase(w *town, number, edition int, district string, versions ...*dcat.Version) *Parcel {
	w.t.Helper()
	raw, err := catalogue.EncodeOrigin(&dcat.Origin{
		District: district, Base: dcat.Source{Edition: edition, Hash: dcat.Hash{byte(edition)}, Signer: []byte("national")},
		Overlay: dcat.Source{Edition: 1, Hash: dcat.Hash{9}, Signer: []byte("district")},
		Fields:  []dcat.Override{{Service: "trade-licence", Field: "sla_days", Base: "7", Value: "5"}},
		Files:   []dcat.File{{Name: "overlay.yaml", Text: []byte("base: 1\n")}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	p := w.parcel(number, directory("41-09-17", "41-09-23"), versions...)
	var signed catalogue.Signed
	if err := protocol.Unmarshal(p.Signed, protocol.MaxEvent, "release", &signed); err != nil {
		w.t.Fatal(err)
	}
	r, err := catalogue.DecodeRelease(signed.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	hash := sha256.Sum256(raw)
	r.Base, r.Origin = edition, hash[:]
	if signed, err = catalogue.Sign(r, w.catalogue); err != nil {
		w.t.Fatal(err)
	}
	p.Signed, p.Origin = protocol.Marshal(&signed), raw
	return p
}

// TestRow31OverlayKeepsANewBaseOut: a national base that the district's overlay does not
// fit blocks that district's publishing alone. The release in force stays, boxes hear
// nothing, cases come in and move, and whoever runs the catalogue is told what to change
// until a release on that base, or a later one, is published.
func TestRow31OverlayKeepsANewBaseOut(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		block := &BlockedBase{Edition: 2, Hash: dcat.Hash{2}, Findings: []string{"changes/fees.yaml:3:3: the base has no service", strings.Repeat("x", 2000)}}
		wantFault(t, "a base is blocked where no overlay is", w.do(NewCommand("", "root", BlockBase, block)).Fault, fault.Conflict)
		two := version(t, "trade-licence", 2, "secretary", "chairman")
		w.must(NewCommand("", "root", Publish, overBase(w, 2, 1, "41", two)))

		events := len(w.logOf(w.first().Shelf()))
		w.must(NewCommand("", "root", BlockBase, block))
		at := w.at
		wantFault(t, "an entrepreneur blocks a base", w.do(NewCommand("", "rahima", BlockBase, block)).Fault, fault.Denied)
		wantFault(t, "a base without findings", w.do(NewCommand("", "root", BlockBase, &BlockedBase{Edition: 2})).Fault, fault.Invalid)
		for _, r := range []*Register{w.first(), w.reopen(w.registers[0].base)} {
			got, err := r.Blocked()
			if err != nil || got == nil || got.Edition != 2 || got.By != "root" || got.At != at || len(got.Findings) != 2 || len(got.Findings[1]) > maxBlocker+len("…") {
				t.Fatalf("blocked %+v, %v", got, err)
			}
			if v, _ := r.Set().Current("trade-licence"); r.Release() != 2 || v.Number != 2 || len(w.logOf(r.Shelf())) != events {
				t.Errorf("release %d is in force, and boxes got %d events more", r.Release(), len(w.logOf(r.Shelf()))-events)
			}
		}
		n := b.submit(two, 1) // Nothing else of the hub waits.
		b.mustBring(1, 1)
		if c, err := w.first().Case(n); err != nil || c.State.Seat.Post != "secretary" {
			t.Errorf("a case meanwhile stands at %+v, %v", c, err)
		}

		three := version(t, "trade-licence", 3, "secretary", "chairman")
		w.must(NewCommand("", "root", Publish, overBase(w, 3, 1, "41", three))) // The overlay is put right on the base as it was.
		if got, _ := w.first().Blocked(); got == nil {
			t.Error("a release on the former base ended the notice")
		}
		w.must(NewCommand("", "root", Publish, overBase(w, 4, 2, "41", three)))
		if got, err := w.first().Blocked(); got != nil || err != nil {
			t.Errorf("still blocked: %+v, %v", got, err)
		}
	})
}

// TestOriginOfARelease: what a release was composed of is there as it was signed, or the
// release is refused.
func TestOriginOfARelease(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		two := version(t, "trade-licence", 2, "secretary", "chairman")
		refused := func(name string, p *Parcel, want fault.Kind) {
			t.Helper()
			wantFault(t, name, w.do(NewCommand("", "root", Publish, p)).Fault, want)
			if o, err := w.first().Origin(); o != nil || err != nil || w.first().Release() != 1 {
				t.Errorf("%s: left %+v, %v", name, o, err)
			}
		}
		absent := overBase(w, 2, 1, "41", two)
		absent.Origin = nil
		refused("the origin is missing", absent, fault.NotFound)
		other := overBase(w, 2, 1, "41", two)
		other.Origin = overBase(w, 2, 2, "41", two).Origin
		refused("another origin", other, fault.NotFound)
		refused("another district's overlay", overBase(w, 2, 1, "42", two), fault.Invalid)

		from := len(w.logOf(w.first().Shelf()))
		w.must(NewCommand("", "root", Publish, overBase(w, 2, 1, "41", two)))
		if kinds := w.kinds(from); !slices.Equal(kinds[len(kinds)-2:], []protocol.Kind{protocol.OriginAdded, protocol.Released}) {
			t.Errorf("the log got %v; want the origin before its release", kinds)
		}
		for _, r := range []*Register{w.first(), w.reopen(w.registers[0].base)} {
			o, err := r.Origin()
			if err != nil || o == nil || o.Base.Edition != 1 || len(o.Of("trade-licence")) != 1 || string(o.Files[0].Text) != "base: 1\n" {
				t.Errorf("origin %+v, %v", o, err)
			}
			if r.Set().Release.Base != 1 {
				t.Errorf("release %+v; want base 1", r.Set().Release)
			}
		}
		again := overBase(w, 3, 1, "41", version(t, "trade-licence", 3, "chairman"))
		again.Origin = nil // It is there already.
		w.must(NewCommand("", "root", Publish, again))
	})
}

// TestOriginIsLost: a register that begins anew takes a release of before though no box
// brought what it was composed of; the versions are what they were, and nothing is made up.
func TestOriginIsLost(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		p := overBase(w, 2, 1, "41", version(t, "trade-licence", 2, "secretary", "chairman"))
		p.Origin = nil
		w.must(NewCommand("", ActorHub, Publish, p))
		for _, r := range []*Register{w.first(), w.reopen(w.registers[0].base)} {
			o, err := r.Origin()
			if v, _ := r.Set().Current("trade-licence"); o != nil || err != nil || v.Number != 2 || r.Set().Release.Base != 1 {
				t.Errorf("origin %+v, %v, version %d over base %d", o, err, v.Number, r.Set().Release.Base)
			}
		}
	})
}

// TestFormerEntriesKnowNoBase: entries of format 3 are applied as they were.
func TestFormerEntriesKnowNoBase(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		c := NewCommand("", "root", Publish, overBase(w, 2, 1, "41", version(t, "trade-licence", 2, "chairman")))
		c.ID = "before"
		out := w.apply(&Entry{Format: 3, Commands: []Command{c}})
		wantFault(t, "a base in an entry of format 3", out.Results[0].Fault, fault.Conflict)
	})
}
