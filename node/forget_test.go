package node

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kendro/catalogue"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/internal/nodetest"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/bundle"
	"kendro/store"
	"kendro/store/cabinet"
	"kendro/store/journal"
	"kendro/web/api"
)

// forgotten are the words of an application, and its number.
type forgotten struct {
	number protocol.Number
	log    protocol.LogID
	seq    uint64
	words  []string
	paper  []byte

	grievance protocol.Number // Hers as well, the next of the log, with a document …
	sealed    protocol.Hash   // … which is kept under this hash, zero where the disk was too full.
}

// cases are her application and, if she made one, her grievance.
func (k *forgotten) cases() []protocol.Number {
	if k.grievance == 0 {
		return []protocol.Number{k.number}
	}
	return []protocol.Number{k.number, k.grievance}
}

// last is the place of the last of them.
func (k *forgotten) last() uint64 { return k.seq + uint64(len(k.cases())) - 1 }

// tells takes an application with a scan, of which nobody else shares a word.
func (m *member) tells() *forgotten {
	t := m.up.t
	t.Helper()
	const seed = 4711
	set := m.box.Goods().Set
	body, err := catalogue.Sample(set, service, seed, m.centre)
	if err != nil {
		t.Fatal(err)
	}
	k := &forgotten{paper: append([]byte("%PDF-1.4\n"), bytes.Repeat([]byte("canary scan "), 200)...)}
	k.paper = append(k.paper, "\n%%EOF\n"...)
	var request map[string]any
	if err := json.Unmarshal(body, &request); err != nil {
		t.Fatal(err)
	}
	v, _ := set.Current(service)
	m.scans(request, v.Documents[0].ID, k.paper)
	if body, err = json.Marshal(request); err != nil {
		t.Fatal(err)
	}
	a, wrong, err := m.box.File(t.Context(), box.Request{User: "rahima", Key: "canary-key-of-hers", Body: body})
	if err != nil || len(wrong) > 0 {
		t.Fatal(err, wrong)
	}
	k.number, k.log, k.seq = a.Number, a.Receipt.Log, a.Receipt.At.Seq
	var others []byte
	for i := range 40 {
		other, err := catalogue.Sample(set, service, uint64(i), m.centre)
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, other...)
	}
	for _, w := range leaves(request) {
		if len(w) >= 8 && !bytes.Contains(others, []byte(w)) {
			k.words = append(k.words, w)
		}
	}
	if len(k.words) < 3 {
		t.Fatalf("only %q tell of her", k.words)
	}
	k.words = append(k.words, "canary-key-of-hers", "canary of her withdrawal")
	return k
}

// scans puts a scan into a request, unless the disk of this machine is too full for it.
func (m *member) scans(request map[string]any, kind string, content []byte) {
	t := m.up.t
	t.Helper()
	h := sha256.Sum256(content)
	_, err := m.box.Upload(t.Context(), cabinet.Piece{Hash: h, Total: len(content), Bytes: content})
	switch {
	case errors.Is(err, fault.Unavailable):
		t.Log("the disk of this machine is too full for scans: she shows the original")
	case err != nil:
		t.Fatal(err)
	default:
		docs, _ := request["documents"].([]any)
		docs = slices.DeleteFunc(docs, func(d any) bool { one, _ := d.(map[string]any); return one["id"] == kind })
		request["documents"] = append(docs, map[string]any{"kind": kind, "sha256": hex.EncodeToString(h[:])})
	}
}

// complains files a grievance of hers with a document, both of which the box seals.
func (m *member) complains(k *forgotten) {
	t := m.up.t
	t.Helper()
	body, err := catalogue.Sample(m.box.Goods().Set, "grievance", 4711, m.centre)
	if err != nil {
		t.Fatal(err)
	}
	var request map[string]any
	if err := json.Unmarshal(body, &request); err != nil {
		t.Fatal(err)
	}
	m.scans(request, "evidence", []byte("%PDF-1.4\n"+strings.Repeat("canary proof ", 200)+"\n%%EOF\n"))
	if body, err = json.Marshal(request); err != nil {
		t.Fatal(err)
	}
	a, wrong, err := m.box.File(t.Context(), box.Request{User: "rahima", Key: "canary-key-of-complaint", Body: body})
	if err != nil || len(wrong) > 0 {
		t.Fatal(err, wrong)
	}
	c, err := m.box.Case(a.Number)
	if err != nil || c.Submission.Secret == nil || a.Receipt.At.Seq != k.seq+1 {
		t.Fatalf("what she complained of is not sealed, or not the next at %v: %v", a.Receipt.At, err)
	}
	if docs := c.Submission.Documents; len(docs) > 0 {
		k.sealed = docs[0].Hash
	}
	k.grievance = a.Number
	k.words = append(k.words, string(c.Submission.Secret.Sealed[40:72]), "canary-key-of-complaint", "canary proof canary")
}

// leaves are the texts in a JSON value.
func leaves(v any) (list []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case map[string]any:
		for _, x := range v {
			list = append(list, leaves(x)...)
		}
	case []any:
		for _, x := range v {
			list = append(list, leaves(x)...)
		}
	}
	return list
}

// forgets withdraws a case of a box without a link, has it erased, and reads the disks of
// all boxes: what names the citizen is in no file of any, opened or not, and no block with
// her events is kept for the box any more.
func (up *upazila) forgets(m *member, k *forgotten) {
	t := up.t
	t.Helper()
	for _, s := range up.Servers {
		if k.sealed != (protocol.Hash{}) {
			up.Wait("a server to hold what she brought with her grievance", func() bool { return s.Hub.Holds(k.sealed) })
		}
	}
	why := map[protocol.Number]string{k.number: "canary of her withdrawal"} // None for the grievance.
	for _, n := range k.cases() {
		if _, err := m.box.Followups().Withdraw(t.Context(), box.Followup{User: "rahima", Key: "withdraws " + n.String(), Number: n}, protocol.Withdrawal{Reason: why[n]}); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range k.cases() {
		up.Wait("her withdrawal", func() bool {
			w, err := m.box.Track(n)
			return err == nil && w.Stage == application.Withdrawn.String()
		})
	}
	up.Erase(k.cases()...)
	up.forgot(k, up.boxes...)
	for _, n := range k.cases() {
		if w, err := m.box.Track(n); err != nil || w.Erased == nil {
			t.Errorf("tracking says %+v, %v", w, err)
		}
	}
	for _, s := range up.Servers {
		up.Wait("her documents to go from a server", func() bool { return !s.Hub.Holds(k.sealed) && !s.Hub.Holds(sha256.Sum256(k.paper)) })
		if _, err := s.Hub.Register().VerifyErasures(func(n protocol.Number, broken string) { t.Errorf("the register: %s: %s", n, broken) }); err != nil {
			t.Error(err)
		}
	}
	linked := up.boxes[0]
	up.Wait("the hub to hear it", func() bool {
		at, err := up.Leader().Hub.Register().ForgottenAt(linked.enrolment.Slot)
		return err == nil && at.At.Seq > 0
	})
	for _, b := range up.boxes {
		up.Wait("the authority's word at "+string(b.centre), func() bool { list, err := b.box.Warrants(); return err == nil && len(list) == len(k.cases()) })
	}
	m.skips(k)
	for _, b := range up.boxes {
		b.stop()
		b.reads(k)
	}
}

// forgot waits until boxes have said that both orders are carried out, as they are told last.
func (up *upazila) forgot(k *forgotten, boxes ...*member) {
	up.t.Helper()
	for _, b := range boxes {
		for _, n := range k.cases() {
			up.Wait("what is erased at "+string(b.centre), func() bool {
				o, err := up.Leader().Hub.Register().Erasure(n)
				f := b.box.Forgotten()
				return err == nil && slices.ContainsFunc(o.Told, func(h protocol.Head) bool { return h.Log == f.Log && h.At.Seq <= f.At.Seq })
			})
		}
	}
}

// TestRow36AnOrderOutlivesTheHub: a citizen is forgotten at the hub and at every box. Then all
// servers are lost, and the recovery share is older than the order: it comes back with a box.
func TestRow36AnOrderOutlivesTheHub(t *testing.T) {
	t.Parallel()
	up := found(t, 1, 2)
	m := up.boxes[1]
	m.cut()
	m.file(3)
	hers := m.tells()
	m.complains(hers)
	m.filed = append(m.filed, hers.number, hers.grievance)
	old := [][]byte{m.stick()}
	up.Wait("a neighbour's copy", func() bool {
		for _, at := range m.box.Keepers() {
			if at.Seq >= hers.last() {
				return true
			}
		}
		return false
	})
	m.gate.set(false)
	m.accepted()
	old = append(old, up.Stick(m.centre))
	share, by := up.Share()
	older := m.copied()
	up.forgets(m, hers)
	up.bringsBack(m, hers, old)
	up.BeginAnew(share, by)
	up.forgetsAnew(m, hers, older)
}

// stick writes what the box has for its hub, of its log from the beginning on.
func (m *member) stick() []byte {
	var b bytes.Buffer
	b.WriteString(bundle.Magic)
	mail := &mailbag{m.courier.host, m.courier.papers}
	if err := mail.export(m.up.t.Context(), api.BundleOrder{}, &b); err != nil {
		m.up.t.Fatal(err)
	}
	return b.Bytes()
}

// bringsBack has sticks of before an order brought to the box that wrote them, to a neighbour
// in whatever way he may take them, to a box of another upazila and to the hub, each of which
// was restarted or is new: nothing of hers is on any disk afterwards.
func (up *upazila) bringsBack(m *member, k *forgotten, sticks [][]byte) {
	t := up.t
	t.Helper()
	neighbour, far := up.boxes[0], up.enrols("41-09-17")
	up.Wait("intake far away", func() bool { return far.box.Blockers().Closed() == nil })
	m.start()
	neighbour.start()
	up.Wait("the neighbour to know what was erased", func() bool {
		return neighbour.exchange.held.Begin(k.log, protocol.Position{}).Seq >= k.last()
	})
	from := func(protocol.LogID) (replication.Peer, error) {
		return replication.Peer{Subject: m.subject(), Session: 1, Cert: m.keys.signer.Public()}, nil
	}
	brought := uint64(0)
	for i, raw := range sticks {
		for _, b := range []*member{m, neighbour, far} {
			mail := &mailbag{b.courier.host, b.courier.papers}
			r, err := mail.take(t.Context(), bytes.NewReader(raw))
			if err != nil || r.Events > 0 {
				t.Errorf("stick %d at %s: %+v, %v; want nothing new", i, b.centre, r, err)
			}
		}
		r, err := bundle.Import(t.Context(), &keeper{neighbour.exchange}, from, nil, bytes.NewReader(raw))
		if err != nil || r.Events > 0 {
			t.Errorf("stick %d, as a session of its author's: %+v, %v; want nothing new", i, r, err)
		}
		brought += r.Known
		if r, err = up.Bring(raw); err != nil || r.Events > 0 || r.Documents > 0 {
			t.Errorf("stick %d at the hub: %+v, %v; want nothing new", i, r, err)
		}
	}
	if brought < k.last() {
		t.Errorf("the sticks hold %d events of its log; want hers among them", brought)
	}
	if c, err := up.Leader().Hub.Register().Case(k.number); err != nil || c.Erased == 0 {
		t.Errorf("the case at the hub is %+v, %v", c, err)
	}
	for _, b := range []*member{m, neighbour, far} {
		b.stop()
		b.reads(k)
	}
}

// copied is a copy of the box's folder as it stands.
func (m *member) copied() string {
	t := m.up.t
	t.Helper()
	m.stop()
	if err := os.RemoveAll(filepath.Join(m.dir, "control.sock")); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(m.dir)); err != nil {
		t.Fatal(err)
	}
	m.start()
	return dir
}

// forgetsAnew has boxes come back to a register that began anew and lost an order: first one
// that never heard of it, on an older copy of its disk, and the case is there again; then
// one that keeps the authority's word. It is erased again, everywhere.
func (up *upazila) forgetsAnew(m *member, k *forgotten, older string) {
	t := up.t
	t.Helper()
	m.dir = older
	m.start()
	erased := func(want bool) func() bool {
		return func() bool {
			reg := up.Leader().Hub.Register()
			one, err := reg.Case(k.number)
			two, other := reg.Case(k.grievance)
			return err == nil && other == nil && one.Erased > 0 == want && two.Erased > 0 == want
		}
	}
	up.Wait("her cases to come back", erased(false))
	knows := up.boxes[0]
	knows.start()
	up.Wait("the orders to come back", erased(true))
	up.forgot(k, m, knows)
	for _, b := range []*member{m, knows} {
		b.stop()
		b.reads(k)
	}
}

// reads opens all that a stopped box holds, and looks at every byte of its folder.
func (m *member) reads(k *forgotten) {
	t := m.up.t
	t.Helper()
	look := func(where string, b []byte) {
		for _, w := range append(k.words, "canary scan canary") {
			if bytes.Contains(b, []byte(w)) {
				t.Errorf("%s of %s holds %q", where, m.centre, w)
			}
		}
	}
	records := filepath.Join(m.dir, recordsFolder)
	vault, err := store.OpenVaultKey(filepath.Join(records, "vault"), nil)
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for _, name := range []string{"own", "in", "held"} {
		found, err := journal.Salvage(filepath.Join(records, "journal", name), journal.Options{Name: name, Cipher: vault}, func(seq uint64, raw []byte) error {
			opened++
			look("journal/"+name, raw)
			var r struct {
				Block *protocol.Block `cbor:"2,keyasint,omitempty"`
			}
			if name != "held" {
				return nil
			}
			err := protocol.Unmarshal(raw, protocol.MaxMessage+8<<10, "held record", &r)
			if err == nil && r.Block != nil && r.Block.Header.Log == k.log && r.Block.Header.First <= k.last() && k.seq <= r.Block.Header.Last {
				t.Errorf("%s still keeps a block with her application, record %d", m.centre, seq)
			}
			return err
		})
		if err != nil || len(found.Notes) > 0 {
			t.Errorf("journal/%s of %s: %v %q", name, m.centre, err, found.Notes)
		}
	}
	if opened < 5 {
		t.Errorf("only %d records of %s could be opened", opened, m.centre)
	}
	if err := filepath.WalkDir(m.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(name)
		look(name, b)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	papers, err := cabinet.Open(filepath.Join(records, "documents"), cabinet.Options{Vault: vault})
	if err != nil {
		t.Fatal(err)
	}
	if n, _, err := papers.Usage(); err != nil || n != 0 {
		t.Errorf("%d documents are left at %s, %v", n, m.centre, err)
	}
}

// skips has the box cut its log for a server of before, which gets what lies in front of
// what was erased, and for one of now, which gets its hash.
func (m *member) skips(k *forgotten) {
	t := m.up.t
	t.Helper()
	var at protocol.Position
	old := replication.Peer{Hello: &protocol.Hello{Reads: protocol.ReadableCodecs &^ (1 << protocol.CodecErased)}}
	for {
		_, blocks, err := m.courier.host.cut(old, k.log, at, protocol.MaxBlockEvents)
		if err != nil {
			t.Fatal(err)
		}
		if len(blocks) == 0 {
			break
		}
		h := blocks[0].Header
		at = protocol.Position{Seq: h.Last, Hash: h.End}
	}
	if at.Seq != k.seq-1 {
		t.Errorf("a server of before gets the log up to %d; want %d", at.Seq, k.seq-1)
	}
	now := replication.Peer{Hello: &protocol.Hello{Reads: protocol.ReadableCodecs}}
	_, blocks, err := m.courier.host.cut(now, k.log, at, protocol.MaxBlockEvents)
	if err != nil || len(blocks) != 1 || blocks[0].Header.Codec != protocol.CodecErased || blocks[0].Header.First != k.seq {
		t.Errorf("a server of now gets %d blocks, %v", len(blocks), err)
	}
}

// erases has the hub order an application of the bench to be erased: every call says so, its
// printed receipt can be proved as before, and nothing is taken for it.
func (b *bench) erases(a api.ApplicationAnswer) {
	t := b.tb
	t.Helper()
	b.hub.Do(func(d *nodetest.District) {
		d.Say(t, protocol.EventsErased, &protocol.Erasure{
			Cases:  []protocol.ErasedCase{{Number: a.Number, Stage: "REJECTED", At: 5_000, By: place.Seat{Post: "dc", Office: "dc-41"}, Basis: "the law"}},
			Places: []protocol.ErasedPlaces{{Log: a.Receipt.Log, At: []protocol.Position{{Seq: a.Receipt.Seq, Hash: a.Receipt.Hash}}}},
		})
	})
	b.await("the order to be carried out", func() bool { return b.box.Forgotten().At.Seq > 0 })
	path := "/v1/applications/" + a.Number.String()
	if tr := b.track(a.Number); tr.Custody != api.Erased || tr.Stage != "REJECTED" || tr.Erased == nil || tr.Erased.By.Code != "dc" || tr.Erased.Basis != "the law" || tr.Erased.By.Name().BN == "dc" {
		t.Errorf("tracking is %+v", tr)
	}
	var r api.Record
	if status, body := b.call("GET", path, "", nil, &r); status != 200 || r.Erased == nil || r.Receipt == nil || r.Receipt.Hash != a.Receipt.Hash || string(r.Applicant) != "{}" || !r.SubmittedAt.Equal(a.Receipt.IssuedAt.Time) {
		t.Errorf("the record answered %d %s", status, body)
	}
	var p api.Proof
	b.call("GET", "/v1/receipts/"+a.Number.String()+"/proof", "", nil, &p)
	receipt := protocol.Receipt{Log: p.Log, At: protocol.Position{Seq: p.Seq, Hash: protocol.LinkHash(p.Log, p.Seq, p.Prev, p.Event)}, Signature: p.Signature}
	if !receipt.Verify(p.Signer) || receipt.At.Hash != a.Receipt.Hash || !bytes.Equal(p.Signature, a.Receipt.Signature) {
		t.Errorf("the proof does not prove: %+v", p)
	}
	var list api.FiledList
	b.call("GET", "/v1/applications", "", nil, &list)
	for _, f := range list.Applications {
		if f.Number == a.Number {
			t.Error("it is listed")
		}
	}
	if status, body := b.call("POST", path+"/withdrawal", "late", []byte(`{"reason":"x"}`), nil); status != http.StatusConflict && status != http.StatusNotFound {
		t.Errorf("a withdrawal after it answered %d %s", status, body)
	}
	if status, page := b.call("GET", "/track?number="+a.Number.String(), "", nil, nil); status != 200 || !strings.Contains(string(page), "the law") {
		t.Errorf("the page of tracking answered %d", status)
	}
}
