package register

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
)

// begin writes a golden file that isn't there. One that is there is never
// written again: see DESIGN.md on what changes it.
var begin = flag.Bool("begin-golden", false, "write a golden file that is missing")

// goldenFiles hold the stories of each format of entries.
func goldenFiles() []string {
	return []string{"testdata/story.txt", "testdata/story2.txt", "testdata/story3.txt", "testdata/story4.txt", "testdata/story4trials.txt", "testdata/story4outside.txt", "testdata/story4desks.txt", "testdata/story4entries.txt", "testdata/story4agencies.txt", "testdata/story4matters.txt"}
}

// plain makes an ingest whose bytes are the same in every build: nothing is
// compressed, sealed or signed.
func (b *box) plain(first, last int) Ingest {
	in := b.ingest(first, last)
	h := &in.Block.Header
	in.Block.Body = bytes.Join(b.events[first-1:last], nil)
	h.Codec, h.Body, h.Signer = protocol.CodecPlain, sha256.Sum256(in.Block.Body), b.signer.ID()
	in.Block.Signature = make([]byte, identity.SignatureSize)
	return in
}

// story is a district's first days, with everything that can happen to it once,
// refusals included.
func story(w *town) {
	w.t.Helper()
	w.do(NewCommand("", "root", AddUser, &User{Name: "early"}))
	w.settle()
	b, far := w.enrol("41-09-17"), w.enrol("41-11-05")
	v := licence(w.t)
	for i := range 6 {
		b.submit(v, uint64(i%5)) // The last number comes twice.
	}
	b.submit(version(w.t, "trade-licence", 9, "chairman"), 77)
	b.addRaw([]byte{0x01}, nil)
	far.submit(v, 1)
	far.submit(v, 2)
	in := b.plain(1, 5)
	in.Verdicts[2].Refused = "ফরমে নাম নেই"
	w.apply(&Entry{Ingests: []Ingest{in, far.plain(1, 1), far.plain(2, 2)}})
	w.apply(&Entry{Ingests: []Ingest{b.plain(4, 8), b.plain(1, 2), {Block: far.plain(1, 2).Block, Quarantine: "known already"}}})
	n := b.numbers[0]
	w.apply(&Entry{Commands: []Command{
		withID("t1", act("anna", Take, n, 1, Act{})),
		withID("t2", act("bilal", Note, n, 1, Act{Text: "আমি আগে দেখেছি"})),
		withID("t1", act("anna", Take, n, 1, Act{})),
		withID("t3", act("anna", Forward, n, 2, Act{})),
		withID("t4", act("anna", Decide, n, 2, Act{Opinion: application.ForApproval, Text: "ঠিক আছে"})),
		withID("t5", act("anna", Forward, n, 3, Act{})),
		withID("t6", act("far", Take, n, 4, Act{})),
		withID("t7", act("anna", Note, 12345, 1, Act{Text: "x"})),
		{ID: "look", Actor: "audit", Method: Look, Number: n},
	}})
	w.apply(&Entry{Commands: []Command{
		withID("t1", act("chair", Take, n, 4, Act{})),
		withID("t2", act("chair", Decide, n, 5, Act{Opinion: application.ForRejection, Text: "না"})),
		withID("t3", act("chair", Reject, n, 6, Act{Reason: "R1", Text: "কাগজ নেই"})),
	}})
	far.submit(v, 3)
	w.apply(&Entry{Ingests: []Ingest{{Block: far.plain(3, 3).Block, Quarantine: "it does not open"}}})
	clone := *far
	clone.events, clone.hashes = clone.events[:1:1], clone.hashes[:1:1]
	clone.submit(v, 99)
	w.apply(&Entry{Ingests: []Ingest{clone.plain(2, 2)}})
	nonce := protocol.Hash(seedOf("s2"))
	s2 := server("s2")
	s2.Nonce = nonce
	w.must(NewCommand("", ActorControl, CreateToken, &Token{Nonce: nonce, Role: "server", Expires: w.at/1000 + 60}))
	w.must(NewCommand("", ActorHub, EnrolServer, &s2))
	s2.Address = "s2.example:1"
	w.must(NewCommand("", ActorHub, ServerAddress, &s2))
	w.must(NewCommand("", "root", RemoveServer, &Name{Name: "s1"}))
	w.must(NewCommand("", "root", DisableUser, &Name{Name: "rahima"}))
	w.must(NewCommand("", "root", RevokeNode, &Revocation{Centre: "41-09-17", Reason: "lost", GossipKey: seedOf("g")}))
	w.do(NewCommand("", "root", RevokeToken, &Name{Name: "none"}))
	w.must(NewCommand("", "root", AddVersions, &Parcel{Versions: w.parcel(2, directory(), v, version(w.t, "birth", 1, "chairman")).Versions}))
	w.publish(2, directory("41-09-17", "41-09-23", "41-11-05"), v, version(w.t, "birth", 1, "chairman"))
	i, d := w.first().Digest()
	w.apply(&Entry{Checkpoint: &Checkpoint{Index: i, Digest: d}})
}

// storyOfBranches is what can happen since format 2: an older copy of a disk, a
// copy that runs beside it, a wrong clock, a box that comes back under new keys.
func storyOfBranches(w *town) {
	w.t.Helper()
	v, b := licence(w.t), w.enrol("41-09-23")
	for i := range 4 {
		b.submit(v, uint64(200+i))
	}
	other := b.rolledBack(2)
	other.submit(v, 300)
	after := other.next(8, b.slot, 1)
	spare := b.next(9, "00"+b.slot[2:3]+string(b.slot[3]+1), 2)
	spare.submit(v, 301)
	spare.recover(other, 3)
	spare.add(&protocol.Event{Kind: protocol.Recovered, At: dawn, Payload: []byte{0x01}})
	for _, e := range []*Entry{
		{Ingests: []Ingest{b.plain(1, 3)}},
		{Ingests: []Ingest{after.plain(1, 2)}},
		{Ingests: []Ingest{b.plain(4, 4)}},
		{At: w.at + 3*minute, Ingests: []Ingest{spare.plain(1, 5)}},
		{Ingests: []Ingest{other.plain(3, 3)}},
	} {
		w.apply(e)
	}
	w.must(NewCommand("", "root", RevokeNode, &Revocation{Centre: "41-09-23", Reason: "copied", GossipKey: seedOf("g2")}))
	w.apply(&Entry{Ingests: []Ingest{after.plain(1, 2)}})
	w.enrol("41-09-23")
}

// storyOfCourse is what can happen since format 3: what a case goes through beyond
// its desks, what falls due, and what a centre sends on a case.
func storyOfCourse(w *town) {
	w.t.Helper()
	v, dir := landCopy(w.t), fullDirectory()
	w.publish(3, dir, licence(w.t), v)
	for _, u := range []User{{Name: "sec", Seat: place.Seat{Post: "secretary", Office: "local-41-09-17"}}, {Name: "head", Seat: place.Seat{Post: "chairman", Office: "local-41-09-17"}}} {
		u.Role, u.Hash, u.From = access.Officer, hash1, 1
		w.must(NewCommand("", "root", AddUser, &u))
	}
	b := w.enrol("41-09-17")
	n, twin := b.submit(v, 400), b.submit(v, 401)
	pay := func(at int64) {
		b.add(&protocol.Event{Kind: protocol.PaymentTaken, At: at, Actor: "rahima", Number: n, Payload: protocol.Marshal(cash(copyFee))})
	}
	bring := func() {
		in := b.plain(len(b.events), len(b.events))
		w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}})
	}
	in := b.plain(1, 2)
	in.Findings = []Finding{{Seq: 1, Issue: copyFee, Mode: dcat.ByCentre}, {Seq: 2, Issue: copyFee, Mode: dcat.ByPost}}
	w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}})
	ask := func(n protocol.Number, who string, m Method, a Act) {
		c, err := w.first().Case(n)
		if err != nil {
			w.t.Fatal(err)
		}
		w.ids++
		w.apply(&Entry{Offset: dhakaOffset, Commands: []Command{withID(fmt.Sprint("c", w.ids), act(who, m, n, c.State.Version, a))}})
	}
	ask(n, "sec", Take, Act{})
	ask(n, "sec", RequestInfo, Act{Items: []string{"nid"}, Text: "পড়া যায় না"})
	since(w, 3)
	b.add(&protocol.Event{Kind: protocol.Supplied, At: w.at, Actor: "rahima", Number: n, Payload: protocol.Marshal(&protocol.Supplement{Originals: []string{"nid"}})})
	bring()
	ask(twin, "sec", Take, Act{})
	ask(twin, "sec", Link, Act{Primary: n, Text: "একই খতিয়ান"})
	ask(n, "sec", Check, Act{Check: "record-scan", Document: scan})
	ask(n, "sec", Decide, Act{Opinion: application.ForApproval, Text: "আছে"})
	ask(n, "sec", Forward, Act{})
	ask(n, "head", Take, Act{})
	ask(n, "head", Return, Act{Text: "অন্য পাতা"})
	ask(n, "sec", Take, Act{})
	ask(n, "sec", Decide, Act{Opinion: application.ForApproval, Text: "আছে"})
	ask(n, "sec", Forward, Act{})
	since(w, 20)
	w.apply(&Entry{Offset: dhakaOffset, Commands: []Command{{ID: "late", Actor: ActorHub, Method: Tick, Body: protocol.Marshal(&Due{Numbers: []protocol.Number{n, twin, 7}})}}})
	ask(n, "head", Take, Act{})
	ask(n, "head", Decide, Act{Opinion: application.ForApproval, Text: "ঠিক"})
	ask(n, "head", Approve, Act{})
	paid := w.at
	since(w, 31)
	w.apply(&Entry{Offset: dhakaOffset, Commands: []Command{{ID: "lapse", Actor: ActorHub, Method: Tick, Body: protocol.Marshal(&Due{Numbers: []protocol.Number{n}})}}})
	pay(paid)
	bring()
	pay(paid)
	bring()
	ask(n, "head", Issue, Act{})
	b.add(&protocol.Event{Kind: protocol.Withdrawn, At: w.at, Actor: "rahima", Number: n, Payload: protocol.Marshal(&protocol.Withdrawal{})})
	bring()
	ask(n, "head", HandOver, Act{})
	items, err := w.first().Items(n)
	if err != nil || len(items) != 2 {
		w.t.Fatalf("items = %+v, %v", items, err)
	}
	settle := NewCommand("settle", "head", Settle, &Settlement{Item: items[0].ID, Outcome: "refund", Text: "ফেরত"})
	settle.Number = n
	w.apply(&Entry{Offset: dhakaOffset, Commands: []Command{settle}})
}

// storyOfRecords is what can happen since format 4: a record that is asked for
// twice and scanned once, and what is said of two applicants.
func storyOfRecords(w *town) {
	w.t.Helper()
	v := recordCopy(w.t)
	w.publish(4, fullDirectory(), licence(w.t), v)
	b := w.enrol("41-09-23")
	for _, u := range []User{{Name: "sec-23", Seat: place.Seat{Post: "secretary", Office: "local-41-09-23"}}, {Name: "head-23", Seat: place.Seat{Post: "chairman", Office: "local-41-09-23"}}} {
		u.Role, u.Hash, u.From = access.Officer, hash1, 1
		w.must(NewCommand("", "root", AddUser, &u))
	}
	for i := range 3 {
		n := b.submit(v, uint64(500+i))
		in := b.plain(i+1, i+1)
		in.Findings = []Finding{{Seq: uint64(i + 1), Mode: dcat.ByPost, Record: &application.Record{Text: "record-scan/khajura/1042"}}}
		w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}})
		if i == 0 {
			w.worked(n, "sec-23", Take, Act{})
			w.worked(n, "sec-23", Check, Act{Check: "record-scan", Document: scan})
			continue
		}
		w.worked(n, "head-23", Take, Act{})
		if i == 1 {
			w.worked(n, "head-23", Return, Act{Text: "অস্পষ্ট"})
			continue
		}
		w.worked(n, "head-23", Decide, Act{Opinion: application.ForApproval, Text: "ঠিক"})
		w.worked(n, "head-23", Approve, Act{})
		w.worked(n, "head-23", Issue, Act{})
		w.worked(n, "head-23", Dispatch, Act{Text: "RR123456789BD"})
	}
	for i, verdict := range []string{SamePerson, OtherPerson, "open", "twins"} {
		relate(w, "head-23", b.numbers[0], Likening{Other: b.numbers[1], Verdict: verdict, Saw: i})
	}
}

// storyOfDesks is the same for an officer whose login ends while he holds a case, and
// for a fee that was paid on a case that is another one already.
func storyOfDesks(w *town) {
	w.t.Helper()
	v := landCopy(w.t)
	w.publish(w.first().Release()+1, fullDirectory(), licence(w.t), v)
	b := w.enrol("41-09-23")
	for _, name := range []string{"leaver", "stayer"} {
		w.must(NewCommand("", "root", AddUser, &User{
			Name: name, Role: access.Officer, Seat: place.Seat{Post: "secretary", Office: "local-41-09-23"}, Hash: hash1, From: 1,
		}))
	}
	var cases []protocol.Number
	for i := range 2 {
		n := b.submit(v, uint64(700+i))
		cases = append(cases, n)
		at := len(b.events)
		b.add(&protocol.Event{Kind: protocol.PaymentTaken, At: w.at, Actor: "rahima", Number: n, Payload: protocol.Marshal(cash(copyFee))})
		in := b.plain(at, at+1)
		in.Findings = []Finding{{Seq: uint64(at), Mode: dcat.ByCentre, Review: copyFee}}
		w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}})
	}
	first := cases[0]
	w.worked(first, "leaver", Take, Act{})
	w.officer(first, "stayer", Take, Act{})
	w.must(NewCommand("", "root", DisableUser, &Name{Name: "leaver"}))
	w.worked(first, "stayer", Take, Act{})
	w.worked(cases[1], "stayer", Link, Act{Primary: first, Text: "এক কার্ড"})
}

// storyOfEntries is the same for what a clerk enters at the hub.
func storyOfEntries(w *town) {
	w.t.Helper()
	v := landCopy(w.t)
	w.publish(w.first().Release()+1, fullDirectory(), licence(w.t), v)
	w.must(NewCommand("", "root", AddUser, &User{
		Name: "clerk-23", Role: access.Clerk, Seat: place.Seat{Post: "secretary", Office: "local-41-09-23"}, Hash: hash1, From: 1,
	}))
	bad, over := letter(v, "bad", 1, nil), letter(v, "over", 3, &protocol.Elsewhere{System: "e-filing", Number: "EF-77", On: "2025-01-05"})
	bad.Verdict.Refused = "ফরমে নাম নেই"
	first, f := entered(w, "e1", "clerk-23", letter(v, "one", 1, nil))
	if f != nil {
		w.t.Fatal(f.Err())
	}
	for id, b := range []*Entering{letter(v, "one", 2, nil), letter(v, "two", 1, nil), bad, over, over, letter(version(w.t, "x", 9, "secretary"), "none", 1, nil)} {
		entered(w, fmt.Sprint("e", id+1), "clerk-23", b)
	}
	w.worked(first.Number, "sec", Take, Act{})
	w.worked(first.Number, "sec", RequestInfo, Act{Items: []string{"nid"}, Text: "পড়া যায় না"})
	for id, ids := range [][]string{{"deed"}, {"nid"}} {
		entered(w, fmt.Sprint("s", id), "clerk-23", &Entering{Request: protocol.Hash{byte(id)}, Event: protocol.Event{
			Kind: protocol.Supplied, Number: first.Number, Payload: protocol.Marshal(&protocol.Supplement{Originals: ids}),
		}})
	}
	entered(w, "w", "clerk-23", &Entering{Request: protocol.Hash{7}, Event: protocol.Event{
		Kind: protocol.Withdrawn, Number: first.Number, Payload: protocol.Marshal(&protocol.Withdrawal{}),
	}})
	w.stage(first.Number, application.Withdrawn)
}

// storyOfOutside is the same for facts that happen once, and for what another
// authority's register says.
func storyOfOutside(w *town) {
	w.t.Helper()
	v := birth(w.t)
	w.publish(w.first().Release()+1, fullDirectory(), licence(w.t), v)
	b := w.enrol("41-09-23")
	hear := func(n protocol.Number, h Heard) {
		c := NewCommand("", ActorHub, Hear, &h)
		c.Number = n
		entry(w, c)
	}
	for i := range 3 {
		n := b.submit(v, uint64(600+i))
		in := b.plain(i+1, i+1)
		in.Findings = []Finding{{Seq: uint64(i + 1), Mode: dcat.ByCentre, Fact: &application.Fact{Who: "123", Day: int64(20_000 + 3*i), Near: 5, Name: "mitu", Twin: i == 1}}}
		w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}})
		w.worked(n, "head-23", Take, Act{})
		w.worked(n, "head-23", Decide, Act{Opinion: application.ForApproval, Text: "ঠিক"})
		if i > 0 {
			items, err := w.first().Items(n)
			if err != nil || len(items) != 1 {
				w.t.Fatalf("items = %+v, %v", items, err)
			}
			settle := NewCommand("", "head-23", Settle, &Settlement{Item: items[0].ID, Outcome: "dismissed", Text: "যমজ"})
			settle.Number = n
			entry(w, settle)
		}
		w.worked(n, "head-23", Approve, Act{})
		switch i {
		case 0:
			hear(n, Heard{Connector: "national", Number: "1"})
			hear(n, Heard{Connector: "national", Number: "2"})
			w.worked(n, "head-23", Issue, Act{})
		case 1:
			hear(n, Heard{Connector: "national", Refused: "মাতা নেই"})
		}
	}
}

// storyOfAgencies is the same for trainings that a service asks for, and for an agency that
// submits in its namespace.
func storyOfAgencies(w *town) {
	w.t.Helper()
	dir := fullDirectory()
	dir.Trainings = []place.Training{{Tag: "platform", Name: place.Name{BN: "প্রশিক্ষণ", EN: "Platform"}}}
	v := taught(w.t, 20, "platform")
	w.publish(w.first().Release()+1, dir, v)
	b := w.enrol("41-09-23")
	file := func() {
		b.submit(v, uint64(900+len(b.events)))
		w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{b.plain(len(b.events), len(b.events))}})
	}
	file()
	file()
	done := Training{User: "rahima", Tag: "platform", On: w.at/1000 - 86400, Where: "যশোর", Certificate: "B-1042"}
	w.do(NewCommand("", "anna", Train, &done))
	w.must(NewCommand("", "uno", Train, &done))
	file()
	w.must(NewCommand("", "uno", Train, &Training{User: "rahima", Tag: "platform", Withdrawn: true}))

	bmet := newBureau(w, "bmet")
	demo := func(number int) *dcat.Version { return version(w.t, "bmet.demo", number, "secretary") }
	w.must(NewCommand("", "root", AddAgency, bmet.delegation(1, w.at/1000+86400)))
	bmet.submit(bmet.submission(bmet.editor, nil, v))
	bmet.submit(bmet.submission(bmet.editor, nil, demo(1)))
	w.do(NewCommand("", "root", Publish, w.parcel(w.first().Release()+1, dir, v, version(w.t, "bmet.demo", 1, "chairman"))))
	w.publish(w.first().Release()+1, dir, v, demo(1))
	bmet.submit(bmet.submission(bmet.editor, nil, demo(2)))
	w.must(NewCommand("", "root", RefuseVersion, &AgencyWord{Code: "bmet", Reason: "ফি ভুল"}))
	bmet.submit(bmet.submission(bmet.editor, []string{"bmet.demo"}))
	w.must(NewCommand("", "root", RevokeAgency, &AgencyWord{Code: "bmet", Reason: "চাবি চুরি"}))
}

// TestGoldenStory applies entries that an earlier build has written and wants the
// very state that it had: on the day this fails, old and new servers of one group
// would drift apart.
func TestGoldenStory(t *testing.T) {
	for _, name := range goldenFiles() {
		t.Run(name, func(t *testing.T) { replayGolden(t, name) })
	}
}

func replayGolden(t *testing.T, goldenFile string) {
	t.Helper()
	if _, err := os.Stat(goldenFile); os.IsNotExist(err) && *begin {
		writeGolden(t, goldenFile)
	}
	f, err := os.Open(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // It was only read.
	w := newTown(t, newMemory())
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4*MaxEntry)
	for n := 1; lines.Scan(); n++ {
		kind, rest, _ := strings.Cut(lines.Text(), " ")
		switch kind {
		case "entry":
			raw, err := hex.DecodeString(rest)
			if err != nil {
				t.Fatal(err)
			}
			e, err := DecodeEntry(raw)
			if err != nil {
				t.Fatalf("line %d: %v", n, err)
			}
			if again, err := EncodeEntry(e); err != nil || !bytes.Equal(again, raw) {
				t.Errorf("line %d: encodes to other bytes, %v", n, err)
			}
			w.applyRaw(raw)
		case "state":
			index, digest := w.first().Digest()
			if got := fmt.Sprint(index, " ", digest, " ", w.first().SetHash()); got != rest {
				t.Errorf("line %d: state %s; want %s", n, got, rest)
			}
		}
	}
	if err := lines.Err(); err != nil || w.index < 30 {
		t.Fatalf("%d entries, %v", w.index, err)
	}
	st := w.first().Stats()
	if st.Cases == 0 || st.Held == 0 || st.Unreadable == 0 || st.Quarantined == 0 || st.Aliases == 0 || st.Forks == 0 || st.Acts == 0 || st.Looks == 0 ||
		st.Stages[application.Rejected] == 0 {
		t.Errorf("the story leaves something out: %+v", st)
	}
}

func writeGolden(t *testing.T, goldenFile string) {
	t.Helper()
	w := newTown(t, newMemory())
	story(w)
	storyOfBranches(w)
	storyOfCourse(w)
	storyOfRecords(w)
	storyOfTrials(w)
	storyOfOutside(w)
	storyOfDesks(w)
	storyOfEntries(w)
	storyOfAgencies(w)
	storyOfMatters(w)
	replay := newTown(t, newMemory())
	var out strings.Builder
	for i, raw := range w.entries {
		fmt.Fprintf(&out, "entry %x\n", raw)
		replay.applyRaw(raw)
		if i%5 == 4 || i == len(w.entries)-1 {
			index, digest := replay.first().Digest()
			fmt.Fprintln(&out, "state", index, digest, replay.first().SetHash())
		}
	}
	if err := os.WriteFile(goldenFile, []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestEntryLimits: the leader is told to split before anything is proposed.
func TestEntryLimits(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	b := w.enrol("41-09-17")
	b.submit(licence(t), 1)
	big := b.ingest(1, 1)
	big.Block.Body = make([]byte, 130<<10)
	many := b.ingest(1, 1)
	many.Block.Header.Last = 256
	for name, e := range map[string]*Entry{
		"commands":   {Commands: make([]Command, MaxEntryCommands+1)},
		"unknown":    {Commands: []Command{{Method: "x"}}},
		"epochs":     {Epochs: make([]protocol.Epoch, MaxEntryEpochs+1)},
		"sealed":     {Ingests: []Ingest{big, big}},
		"events":     {Ingests: []Ingest{many, many, many, many, many, many, many, many, many}},
		"no events":  {Ingests: []Ingest{{}}},
		"late clock": {At: maxTime + 1},
		"long":       {Commands: []Command{{Method: Take, Body: protocol.Marshal(make([]byte, MaxEntry))}}},
	} {
		if _, err := EncodeEntry(e); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v; want invalid", name, err)
		}
	}
}

// TestTimeNeverRunsBack: a new leader's clock may be behind.
func TestTimeNeverRunsBack(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	w.apply(&Entry{At: dawn + 5_000_000})
	w.apply(&Entry{At: dawn})
	if got := w.first().At(); got != dawn+5_000_000 {
		t.Errorf("time = %d", got)
	}
	if got := clip("কখ", 4); got != "ক" {
		t.Errorf("clip cuts a letter: %q", got)
	}
}
