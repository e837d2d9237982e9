package desk

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/internal/flowtest"
	"kendro/protocol"
	"kendro/store"
	"kendro/web/api"
)

// A file is one case as it stood at a version: what its record and its note sheet said on the day.
type file struct {
	record string
	sheet  string // Of forwards, and of some other versions.
}

// A freezer is an office with a random procedure that remembers every file as it was.
type freezer struct {
	screens
	rng     *rand.Rand
	flow    *flowtest.Flow
	numbers []protocol.Number
	files   map[protocol.Number][]file            // The i-th is that of version i+1.
	paid    map[protocol.Number]*protocol.Voiding // What would reverse its newest payment.
	done    map[string]int
}

// told stands in every answer of these applications, and in no name of a service.
const told = "গোপন-কথা"

func newFreezer(t *testing.T, seed uint64) *freezer {
	t.Helper()
	f := &freezer{
		screens: screens{newOffice(t)}, rng: rand.New(rand.NewPCG(seed, 11)), files: map[protocol.Number][]file{},
		paid: map[protocol.Number]*protocol.Voiding{}, done: map[string]int{},
	}
	f.flow = flowtest.New(f.rng, "random")
	v := f.flow.Version
	v.Number, v.Documents = 1, []dcat.Document{{ID: "nid", Name: place.Name{BN: "পরিচয়পত্র", EN: "Identity card"}}}
	v.Form = []byte(`{"type":"object","additionalProperties":false,"properties":{"why":{"type":"string","maxLength":200,"x-kendro":{"order":1,"label":{"bn":"কেন","en":"Why"}}}}}`)
	f.inForce(*f.set.Directory)
	hash, err := identity.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	for i := range flowtest.Posts {
		seat, ok := f.set.Directory.SeatFor(flowtest.Post(i), centre.Area())
		if !ok {
			t.Fatalf("no seat for %s", flowtest.Post(i))
		}
		f.must("root", register.AddUser, register.User{Name: flowtest.Post(i), Role: access.Officer, Seat: seat, Hash: hash, From: 1})
	}
	f.head("adc", "adc-general")
	for i := range uint64(6) {
		f.filing(i)
	}
	return f
}

// inForce publishes the random service beside those of the pack.
func (f *freezer) inForce(dir place.Directory) {
	f.t.Helper()
	dir.Posts = slices.Clone(dir.Posts)
	for i := range flowtest.Posts {
		p := place.Post{Code: flowtest.Post(i), Name: place.Name{BN: flowtest.Post(i), EN: flowtest.Post(i)}, OfficeLevel: flowtest.Level, Acts: f.flow.Acts[i]}
		p.Superior, _ = f.flow.Superior(p.Code)
		dir.Posts = append(dir.Posts, p)
	}
	dir.Sort()
	v := f.flow.Version
	var err error
	if v.Hash, err = catalogue.HashVersion(v); err != nil {
		f.t.Fatal(err)
	}
	r := f.set.Release
	r.Number++
	r.Services = append(slices.Clone(r.Services), dcat.Entry{ID: v.ID, Version: v.Number, Hash: v.Hash})
	slices.SortFunc(r.Services, func(a, b dcat.Entry) int { return strings.Compare(a.ID, b.ID) })
	if r.Directory, err = catalogue.HashDirectory(&dir); err != nil {
		f.t.Fatal(err)
	}
	in := api.PublishRequest{Versions: make([]api.Bytes, 1)}
	if in.Versions[0], err = catalogue.EncodeVersion(v); err != nil {
		f.t.Fatal(err)
	}
	if in.Directory, err = catalogue.EncodeDirectory(&dir); err != nil {
		f.t.Fatal(err)
	}
	signed, err := catalogue.Sign(&r, ed25519.NewKeyFromSeed(seed("catalogue")))
	if err != nil {
		f.t.Fatal(err)
	}
	in.Signed = protocol.Marshal(&signed)
	list := parcels(in)
	for _, p := range list[:len(list)-1] {
		f.must("root", register.AddVersions, p)
	}
	f.must("root", register.Publish, list[len(list)-1])
	f.set = f.reg.Set()
}

// filing files one application under the random procedure.
func (f *freezer) filing(n uint64) {
	f.t.Helper()
	v := f.flow.Version
	found := register.Finding{Seq: f.seq + 1, Rules: dcat.Bits(f.rng.Uint32N(1 << len(v.Rules))), Mode: dcat.ByCentre}
	for _, fee := range v.Fees {
		if fee.At == dcat.BeforeReview {
			found.Review = fee.Poisha
		} else {
			found.Issue = fee.Poisha
		}
	}
	e := &protocol.Event{
		Kind: protocol.Submitted, At: dawn, Actor: "rahima", Nonce: binary.BigEndian.AppendUint64(nil, 900+n),
		Pin: &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
		Payload: protocol.Marshal(&protocol.Submission{
			Channel: "counter", Form: fmt.Appendf(nil, `{"why":"%s %d"}`, told, n), Applicant: fmt.Appendf(nil, `{"name_bn":"%s"}`, told),
			Documents: []protocol.Document{f.document("nid")},
		}),
	}
	f.ingest(e, register.Ingest{Verdicts: []register.Verdict{{Due: dawn/1000 + 5*86400}}, Findings: []register.Finding{found}})
	_, slot, _ := strings.Cut(f.log.Name, "-")
	number, err := protocol.MintNumber("41", slot, e.Nonce)
	if err != nil {
		f.t.Fatal(err)
	}
	f.numbers = append(f.numbers, number)
}

func (f *freezer) document(kind string) protocol.Document {
	return protocol.Document{Kind: kind, Hash: protocol.Hash(seed(kind, fmt.Sprint(f.rng.Uint32()))), Size: 1000, Type: 2}
}

// record is a file by the call, as of a version.
func (f *freezer) recordAt(n protocol.Number, version uint64) string {
	f.t.Helper()
	w := f.call("audit", "GET", fmt.Sprintf("/v1/applications/%s?as_of_version=%d", n, version), "")
	if w.Code != http.StatusOK {
		f.t.Fatalf("%s as of %d: got %d %s", n, version, w.Code, w.Body)
	}
	return w.Body.String()
}

// sheetAt is a file on paper, as of a version.
func (f *freezer) sheetAt(n protocol.Number, version uint64) string {
	f.t.Helper()
	w := f.page("audit", "GET", fmt.Sprintf("/desk/cases/%s/sheet?as_of_version=%d", n, version), nil)
	if w.Code != http.StatusOK {
		f.t.Fatalf("the sheet of %s as of %d: got %d %s", n, version, w.Code, w.Body)
	}
	return w.Body.String()
}

// freezes keeps the files of versions that are new. One entry can bring several, of which the
// last alone was ever the newest: the others are kept as they stand behind it.
func (f *freezer) freezes() {
	f.t.Helper()
	for _, n := range f.numbers {
		c, err := f.reg.Case(n)
		if err != nil {
			f.t.Fatal(err)
		}
		for i := len(f.files[n]); i < len(c.History); i++ {
			version := uint64(i + 1)
			kept := file{record: f.recordAt(n, version)}
			if c.History[i].Action == application.Forward || f.rng.IntN(4) == 0 {
				kept.sheet = f.sheetAt(n, version)
			}
			f.files[n] = append(f.files[n], kept)
			f.done[c.History[i].Action.String()]++
		}
	}
}

// stands fails unless every file is what it was.
func (f *freezer) stands(when string) {
	f.t.Helper()
	for n, list := range f.files {
		for i, was := range list {
			if now := f.recordAt(n, uint64(i+1)); now != was.record {
				f.t.Fatalf("%s the record of %s as of %d was\n%s\nand is\n%s", when, n, i+1, was.record, now)
			}
			if was.sheet == "" {
				continue
			}
			if now := f.sheetAt(n, uint64(i+1)); now != was.sheet {
				f.t.Fatalf("%s the sheet of %s as of %d was\n%s\nand is\n%s", when, n, i+1, was.sheet, now)
			}
		}
	}
}

// some fails unless a file of one case and another is what it was.
func (f *freezer) some(when string) {
	f.t.Helper()
	for range 2 {
		n := f.numbers[f.rng.IntN(len(f.numbers))]
		i := f.rng.IntN(len(f.files[n]))
		if now, was := f.recordAt(n, uint64(i+1)), f.files[n][i].record; now != was {
			f.t.Fatalf("%s the record of %s as of %d was\n%s\nand is\n%s", when, n, i+1, was, now)
		}
	}
}

// step has somebody do something.
func (f *freezer) step() {
	f.t.Helper()
	n := f.numbers[f.rng.IntN(len(f.numbers))]
	c, err := f.reg.Case(n)
	if err != nil {
		f.t.Fatal(err)
	}
	if f.rng.IntN(8) == 0 {
		f.late(f.rng.IntN(4))
	}
	switch what := f.rng.IntN(10); {
	case what == 0:
		f.hub()
	case what < 3, f.paid[n] != nil, c.State.Stage == application.FeeDue:
		f.centre(c)
	default:
		f.officer(c)
	}
	f.freezes()
}

// hub does what a leader does by itself.
func (f *freezer) hub() {
	due, err := f.reg.Waiting(f.at / 1000)
	if err != nil {
		f.t.Fatal(err)
	}
	if len(due) > 0 {
		f.must(register.ActorHub, register.Tick, &register.Due{Numbers: due})
	}
	list, err := f.reg.Unweighed(8)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, u := range list {
		cmd := register.NewCommand(api.NewKey(), register.ActorHub, register.Weigh, &register.Weighed{Of: u.Of, Found: &register.Finding{}})
		cmd.Number = u.Number
		if _, err := f.Do(f.t.Context(), cmd); err != nil {
			f.t.Fatal(err)
		}
	}
}

// centre sends something on a case: a payment, its reversal, what was asked for, what is put right.
func (f *freezer) centre(c *register.Case) {
	n := c.Number
	switch {
	case c.State.Stage == application.FeeDue && f.paid[n] == nil:
		fees := []protocol.Fee{{Kind: "government", Poisha: max(1, c.State.Owed)}}
		f.send(news(protocol.PaymentTaken, n, &protocol.Payment{Means: protocol.MeansCash, Fees: fees}))
		if _, again := f.paid[n]; again {
			return
		}
		f.paid[n] = &protocol.Voiding{Log: f.log, At: protocol.Position{Seq: f.seq, Hash: f.prev}, Fees: fees, Reason: told}
	case f.paid[n] != nil:
		f.send(news(protocol.PaymentVoided, n, f.paid[n]))
		f.paid[n] = nil
	case c.State.Stage == application.InfoRequested && f.rng.IntN(3) > 0:
		f.send(news(protocol.Supplied, n, &protocol.Supplement{Originals: []string{"nid"}, Documents: []protocol.Document{f.document("nid")}, Text: told}))
	case f.rng.IntN(25) == 0:
		f.send(news(protocol.Withdrawn, n, &protocol.Withdrawal{Reason: told}))
	default:
		_, sub, err := f.reg.AsOf(c, 0)
		if err != nil {
			f.t.Fatal(err)
		}
		wants := protocol.AnswersOf(fmt.Appendf(nil, `{"why":"%s %d"}`, told, f.rng.IntN(1000)), nil)
		f.send(news(protocol.Corrected, n, protocol.NewCorrection(protocol.AnswersOf(sub.Form, sub.Applicant), wants, told)))
	}
}

// officer does one act that is offered to whoever has the case.
func (f *freezer) officer(c *register.Case) {
	who := cmp.Or(c.State.Holder, c.State.Seat.Post, flowtest.Post(f.rng.IntN(flowtest.Posts)))
	seat, _ := f.set.Directory.SeatFor(who, centre.Area())
	offers := f.reg.Offers(c, access.Principal{User: who, Role: access.Officer, Seat: seat}, f.at/1000)
	offers = slices.DeleteFunc(offers, func(o application.Offer) bool {
		rare := map[application.Action]int{application.Link: 25, application.Note: 4, application.RequestInfo: 6, application.Return: 6, application.Reject: 4, application.Check: 3}[o.Action]
		return o.Bar != "" || rare > 0 && f.rng.IntN(rare) > 0
	})
	if len(offers) == 0 {
		return
	}
	act := offers[f.rng.IntN(len(offers))].Action
	a := register.Act{Text: told + " " + act.String()}
	switch act {
	case application.Decide:
		a.Opinion = application.ForApproval
	case application.Reject, application.Revoke:
		a.Reason = "R1"
	case application.RequestInfo:
		a.Items = []string{"nid"}
	case application.Check:
		d := f.document("check")
		a.Check, a.Document = fmt.Sprintf("check-%d", f.rng.IntN(3)), &d
	case application.Link:
		a.Primary = f.numbers[f.rng.IntN(len(f.numbers))]
	case application.Pay:
		a.Amount = max(1, c.State.Owed)
	case application.Prepare:
		a.Until = f.at/1000 + 9*86400
	default:
	}
	cmd := register.NewCommand(api.NewKey(), who, register.Method(act.String()), &a)
	cmd.Number, cmd.Expect = c.Number, c.State.Version
	if _, err := f.Do(f.t.Context(), cmd); err != nil {
		f.t.Fatal(err)
	}
}

// served puts another register in the place of the one that the office serves.
func (f *freezer) served(dir string) *register.Register {
	f.t.Helper()
	reg, err := register.Open(dir, register.Options{District: "41", Opener: f.office, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := reg.Close(); err != nil {
			f.t.Error(err)
		}
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reg = reg
	return reg
}

// restored serves a register that was made of the other's snapshot.
func (f *freezer) restored() {
	f.t.Helper()
	var out bytes.Buffer
	if err := f.reg.DB().Export(context.Background(), f.reg.Applied(), &out); err != nil {
		f.t.Fatal(err)
	}
	dir := filepath.Join(f.t.TempDir(), "restored")
	if _, _, err := store.Import(context.Background(), dir, store.Options{Preset: store.Office}, &out); err != nil {
		f.t.Fatal(err)
	}
	f.served(dir)
}

// replayed serves a register that hears every entry from the first on.
func (f *freezer) replayed() {
	f.t.Helper()
	entries := f.entries
	reg := f.served(f.t.TempDir())
	for i, raw := range entries {
		reg.Apply(uint64(i+1), 1, raw)
	}
}

// settles says something to every item of a case, so that it can be erased.
func (f *freezer) settles(n protocol.Number) {
	f.t.Helper()
	items, err := f.reg.Items(n)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, it := range items {
		if it.Outcome != "" || !strings.HasPrefix(it.Owner.Post, "post-") {
			continue
		}
		outcomes := register.OutcomesOf(it.Kind)
		cmd := register.NewCommand(api.NewKey(), it.Owner.Post, register.Settle, &register.Settlement{Item: it.ID, Outcome: outcomes[len(outcomes)-1], Text: told})
		cmd.Number = n
		if _, err := f.Do(f.t.Context(), cmd); err != nil {
			f.t.Fatal(err)
		}
	}
}

// erased erases what has come to its end, and returns it.
func (f *freezer) erased() (gone []protocol.Number) {
	f.t.Helper()
	for _, n := range f.numbers {
		f.settles(n)
		order := &register.ErasureOrder{Numbers: []protocol.Number{n}, Basis: "an Act", Reason: "asked"}
		res, err := f.Do(f.t.Context(), register.NewCommand(api.NewKey(), "dc", register.OrderErasure, order))
		if err != nil || res.Fault != nil {
			continue // It is not at its end.
		}
		cmd := register.NewCommand(api.NewKey(), "adc", register.ConfirmErasure, &register.ErasureWord{Number: n})
		found, err := f.reg.Seek(f.t.Context(), &cmd)
		if err != nil {
			f.t.Fatal(err)
		}
		cmd.Body = protocol.Marshal(&register.ErasureWord{Number: n, Sought: found})
		if res, err := f.Do(f.t.Context(), cmd); err != nil || res.Fault != nil {
			f.t.Fatal(err, res.Fault.Err())
		}
		gone = append(gone, n)
	}
	return gone
}

// skeleton is what is left of a record when what it tells of its applicant is gone.
func skeleton(t *testing.T, record string) string {
	t.Helper()
	var r api.Record
	if err := json.Unmarshal([]byte(record), &r); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(r.Number, r.Version, r.Stage, r.Service, r.Since, r.Seat)
	for _, h := range r.History {
		text += fmt.Sprintln(h.Version, h.At, h.Action, h.Actor, h.Post, h.Office, h.Opinion, h.Stage, h.Poisha, h.Day, h.Late)
	}
	return text
}

// TestEveryVersionIsFrozen is R-OF3 over random procedures: the record and the note sheet as of
// a version are the same bytes after whatever has happened since, by a register that was
// made of a snapshot, or heard the log again. Of what was erased by order the skeleton stands.
func TestEveryVersionIsFrozen(t *testing.T) {
	flows, steps := uint64(4), 140
	if testing.Short() {
		flows = 2
	}
	sum := map[string]int{}
	for s := range flows {
		f := newFreezer(t, s)
		f.freezes()
		for i := range steps {
			f.step()
			f.some(fmt.Sprintf("seed %d, after step %d,", s, i))
		}
		f.stands(fmt.Sprintf("seed %d, at the end,", s))
		f.restored()
		f.stands(fmt.Sprintf("seed %d, restored of a snapshot,", s))
		f.replayed()
		f.stands(fmt.Sprintf("seed %d, replayed,", s))
		gone := f.erased()
		for _, n := range gone {
			for i, was := range f.files[n] {
				now := f.recordAt(n, uint64(i+1))
				if skeleton(t, now) != skeleton(t, was.record) {
					t.Errorf("seed %d: erased, %s as of %d is\n%s\nwas\n%s", s, n, i+1, now, was.record)
				}
				sheet := ""
				if was.sheet != "" {
					sheet = f.sheetAt(n, uint64(i+1))
				}
				if strings.Contains(now+sheet, told) {
					t.Errorf("seed %d: erased, %s as of %d still tells of its applicant", s, n, i+1)
				}
			}
			delete(f.files, n)
		}
		f.stands(fmt.Sprintf("seed %d, beside what was erased,", s))
		f.done["erased"] += len(gone)
		for what, n := range f.done {
			sum[what] += n
		}
	}
	t.Log(sum)
	for _, what := range []string{"forward", "correct", "supply", "void", "duplicate", "check", "erased"} {
		if sum[what] == 0 && !testing.Short() {
			t.Errorf("there was no %s: the test looks at less than it says", what)
		}
	}
}
