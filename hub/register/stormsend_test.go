package register

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"strings"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/protocol"
)

// payloads is what each kind of an uplink's events carries in a storm.
func payloads() map[protocol.Kind]func(s *storm) any {
	return map[protocol.Kind]func(s *storm) any{
		protocol.Submitted:     func(s *storm) any { return draw[protocol.Submission](&s.drawer) },
		protocol.Recovered:     func(s *storm) any { return writer{s}.recovery() },
		protocol.Supplied:      func(s *storm) any { return draw[protocol.Supplement](&s.drawer) },
		protocol.PaymentTaken:  func(s *storm) any { return writer{s}.payment() },
		protocol.Withdrawn:     func(s *storm) any { return draw[protocol.Withdrawal](&s.drawer) },
		protocol.HandedOver:    func(s *storm) any { return draw[protocol.HandOver](&s.drawer) },
		protocol.Appealed:      func(s *storm) any { return draw[protocol.Appeal](&s.drawer) },
		protocol.Corrected:     func(s *storm) any { return writer{s}.correction() },
		protocol.PaymentVoided: func(s *storm) any { return writer{s}.voiding() },
		protocol.ActedAtUnion:  func(s *storm) any { return writer{s}.unionAct() },
		protocol.LeaseAsked:    func(s *storm) any { return draw[protocol.LeaseRequest](&s.drawer) },
		protocol.AsideRead:     func(s *storm) any { return draw[protocol.AsideSeen](&s.drawer) },
		protocol.SealingHeard:  func(s *storm) any { return draw[protocol.SealingWord](&s.drawer) },
		protocol.CopyPrinted:   func(s *storm) any { return draw[protocol.CertificateCopy](&s.drawer) },
	}
}

// sends has a box bring what it has written, in one block.
func (s *storm) sends() {
	if len(s.boxes) == 0 {
		return
	}
	i := s.rng.IntN(len(s.boxes))
	b := s.boxes[i]
	first := s.next(b)
	if s.gathered == nil && s.rng.IntN(16) == 0 && first > 1 { // Once more, with another cut.
		first -= s.rng.IntN(min(first-1, 5))
	}
	if s.gathered == nil && s.rng.IntN(100) == 0 && first > 2 && first > len(b.events) { // Out of an older copy of its disk.
		first -= s.rng.IntN(min(first-1, 3))
		s.boxes[i] = b.rolledBack(first - 1)
		b = s.boxes[i]
	}
	if s.gathered == nil && s.rng.IntN(60) == 0 && first > len(b.events) {
		s.forgot(b)
		return
	}
	var kinds []string
	for range 1 + s.rng.IntN(3) {
		kinds = append(kinds, writer{s}.writes(b))
	}
	if f := s.brings(b, first, kinds); s.gathered == nil {
		for _, k := range kinds {
			s.note(k, f)
		}
	}
}

// next is the first of a box's events that the register lacks, and that no entry holds.
func (s *storm) next(b *box) int {
	at, _, err := s.first().Cursor(b.log)
	if err != nil {
		s.t.Fatal(err)
	}
	return max(int(at.Seq), s.pending[b.log]) + 1
}

// brings sends as many of a box's events as one block holds.
func (s *storm) brings(b *box, first int, kinds []string) *protocol.Failure {
	if first > len(b.events) {
		return nil
	}
	last := first - 1 + protocol.Fits(b.events[first-1:])
	_, bare := protocol.ErasedHash(b.events[first-1])
	for n := first; n <= last; n++ { // Of hashes alone, or of events.
		if _, gone := protocol.ErasedHash(b.events[n-1]); gone != bare {
			last = n - 1
		}
	}
	writer{s}.seals(b)
	in := b.ingest(first, last)
	leader{s}.judges(b, &in)
	if s.rng.IntN(40) == 0 {
		leader{s}.spoils(&in)
	}
	if s.gathered != nil {
		s.pending[b.log] = last
	}
	s.doing = fmt.Sprintf("%s of %v, %d to %d: %x", kinds, b.log, first, last, b.events[first-1:last])
	return s.send(&Entry{Epochs: leader{s}.introduces(b), Ingests: []Ingest{in}}).Ingests[0].Fault
}

// fills has a box bring a full block, about a few cases, and of many words.
func (s *storm) fills() {
	if len(s.boxes) == 0 {
		return
	}
	log := pick(s.rng, s.boxes).log
	b := s.box(log)
	s.few = []protocol.Number{s.ofCentre(b.centre), s.ofCentre(b.centre)}
	if s.rng.IntN(2) == 0 {
		s.fattens(s.few[0])
	}
	if s.rng.IntN(3) > 0 {
		s.only = pick(s.rng, s.kinds)
	}
	s.bulky = s.rng.IntN(2) == 0
	for range 64 + s.rng.IntN(200) {
		writer{s}.writes(b)
	}
	s.few, s.only, s.bulky = nil, 0, false
	for range 5 {
		if b = s.box(log); b == nil || s.next(b) > len(b.events) {
			return
		}
		s.brings(b, s.next(b), []string{"full"})
	}
}

// box is the box that writes a log now, nil where none does any more.
func (s *storm) box(log protocol.LogID) *box {
	for _, b := range s.boxes {
		if b.log == log {
			return b
		}
	}
	return nil
}

// fattens has who holds a case write into it as much as one entry takes.
func (s *storm) fattens(n protocol.Number) {
	c, err := s.first().Case(n)
	if err != nil {
		return
	}
	if c.State.Holder == "" {
		s.acts(c, Take)
		if c, err = s.first().Case(n); err != nil {
			return
		}
	}
	e := &Entry{}
	for i := range 60 {
		s.ids++
		m := act(c.State.Holder, Note, n, c.State.Version+uint64(i), Act{Text: strings.Repeat("ক", 1300)})
		m.ID = fmt.Sprint("storm-", s.ids)
		e.Commands = append(e.Commands, m)
	}
	s.doing = "many notes on " + n.String()
	s.send(e)
}

// forgot has a box bring an event of which it has the hash alone.
func (s *storm) forgot(b *box) {
	h := s.hash()
	b.events, b.hashes, b.numbers = append(b.events, protocol.ErasedRaw(h)), append(b.hashes, h), append(b.numbers, 0)
	n := len(b.events)
	s.doing = fmt.Sprintf("the bare hash %s at %d of %v", h, n, b.log)
	if s.send(&Entry{Ingests: []Ingest{b.ingest(n, n)}}).Ingests[0].Fault != nil {
		b.events, b.hashes, b.numbers = b.events[:n-1], b.hashes[:n-1], b.numbers[:n-1]
	}
}

// judges puts what a leader finds onto a block.
func (s leader) judges(b *box, in *Ingest) {
	if s.rng.IntN(40) == 0 {
		in.Verdicts, in.Quarantine = nil, "it does not open"
		return
	}
	for i := range in.Verdicts {
		if s.rng.IntN(60) == 0 { // It reckons wrongly.
			in.Verdicts[i].Due = s.moment("Due")
			in.Findings = append(in.Findings, *draw[Finding](&s.drawer))
		}
		if s.rng.IntN(10) == 0 {
			in.Verdicts[i].Refused = "the form lacks a name"
		}
		seq := in.Block.Header.First + uint64(i)
		if unreadable(b.events[seq-1]) {
			in.Verdicts[i].Refused = "the application cannot be read"
		}
		if f := s.finding(b.events[seq-1]); f != nil {
			f.Seq = seq
			in.Findings = append(in.Findings, *f)
		}
	}
}

// unreadable is what a leader says of an application that is none.
func unreadable(raw []byte) bool {
	e, err := protocol.DecodeEvent(raw)
	if err == nil && e.Kind == protocol.Recovered {
		var r protocol.Recovery
		if e.Decode(&r) != nil {
			return false
		}
		e, err = r.Open()
	}
	return err == nil && e.Kind == protocol.Submitted && e.Decode(&protocol.Submission{}) != nil
}

// finding is what a leader may find of an event; it knows its version.
func (s leader) finding(raw []byte) *Finding {
	e, err := protocol.DecodeEvent(raw)
	if err != nil || s.rng.IntN(5) == 0 {
		return nil
	}
	f := &Finding{Mode: pick(s.rng, []dcat.Mode{dcat.ByCentre, dcat.ByPost}), Variance: pick(s.rng, []int64{0, 500, -500})}
	if e.Pin == nil {
		return f
	}
	v, ok := s.first().Set().Numbered(e.Pin.Service, int(e.Pin.Version))
	if !ok {
		return f
	}
	for _, fee := range v.Fees {
		if s.rng.IntN(3) > 0 && fee.At == dcat.AfterApproval {
			f.Issue += fee.Poisha
		}
	}
	if v.Procedure != nil && v.Procedure.FeeDays > 0 && s.rng.IntN(6) == 0 {
		f.Review = copyFee
	}
	f.Rules = dcat.Bits(s.rng.Uint32N(1 << len(v.Rules)))
	switch p := v.Procedure; {
	case p == nil:
	case p.Grievance != nil:
		f.Complaint = &application.Complaint{Kind: pick(s.rng, []string{"officer", "centre", "receipt"}), Hidden: s.rng.IntN(2) == 0, Day: 20_000}
		f.Complaint.Officer, f.Complaint.Receipt = pick(s.rng, s.words["Officer"]), s.number().String()
	case p.Once != nil:
		f.Fact = &application.Fact{Who: "123", Day: 20_000 + s.rng.Int64N(9), Near: 5, Name: pick(s.rng, []string{"mitu", "ritu"}), Twin: s.rng.IntN(4) == 0}
	case p.Record != nil:
		f.Record = &application.Record{Text: pick(s.rng, []string{"record-scan/a", "record-scan/khajura/1042"})}
	}
	if now, ok := s.first().Set().Current(e.Pin.Service); ok && now.Hash != v.Hash && s.rng.IntN(2) == 0 {
		f.AskedAnew = &AskedAnew{Under: now.Hash, Edition: uint32(now.Number), Items: []string{"nid"}}
	}
	return f
}

// A writer is what adds to the logs of boxes.
type writer struct{ *storm }

// writes adds an event to a box's log, and says of which kind.
func (s writer) writes(b *box) string {
	kind := protocol.Submitted
	if s.rng.IntN(4) > 0 {
		kind = pick(s.rng, s.kinds)
	}
	kind = cmp.Or(s.only, kind)
	s.aim = s.number()
	switch {
	case len(s.few) > 0 && s.rng.IntN(8) > 0:
		s.aim = pick(s.rng, s.few)
	case s.rng.IntN(3) > 0:
		s.aim = s.ofCentre(b.centre)
	}
	e := &protocol.Event{
		Kind: kind, At: s.at - s.rng.Int64N(20*86_400_000)*s.rng.Int64N(2), Actor: s.word("Actor"), Number: s.aim, Base: s.rng.Uint64N(9), Payload: protocol.Marshal(s.payloads[kind](s.storm)),
	}
	if s.rng.IntN(3) == 0 {
		e.Checkpoint = s.rng.Uint64N(s.index + 5)
	}
	if kind == protocol.ActedAtUnion && s.rng.IntN(6) > 0 {
		e.Actor, e.At = pick(s.rng, []string{"anna", "chair", "sec", "head"}), s.at
		if c, err := s.first().Case(e.Number); err == nil {
			e.Base = c.State.Version
		}
	}
	if kind == protocol.Submitted || s.rng.IntN(16) == 0 {
		v := pick(s.rng, s.catalog)
		e.Nonce = binary.BigEndian.AppendUint64(nil, s.rng.Uint64N(1000))
		e.Pin = &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])}
		switch s.rng.IntN(12) {
		case 0: // Of which a later release knows nothing.
			v = landCopy(s.t)
			e.Pin = &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])}
		case 1:
			e.Pin.Version += s.rng.Uint32N(3)
		}
	}
	name := fmt.Sprint("kind ", kind)
	if s.rng.IntN(30) == 0 {
		e.Kind = protocol.Kind(s.rng.IntN(70))
	}
	if s.rng.IntN(12) == 0 {
		if p := s.torn(e.Payload); valid(p) {
			e.Payload = p
		}
	}
	raw := protocol.Marshal(e)
	switch s.rng.IntN(40) {
	case 0:
		raw = s.torn(raw)
	case 1:
		raw = bytes.Clone(pick(s.rng, s.someBox().events))
	}
	if len(raw) > protocol.MaxEvent || !valid(raw) { // No block holds it.
		raw = []byte{1}
	}
	b.addRaw(raw, e.Nonce)
	return name
}

// ofCentre is a case that a centre took in.
func (s *drawer) ofCentre(centre place.Centre) (n protocol.Number) {
	for range 20 {
		n = s.number()
		if c, err := s.first().Case(n); err == nil && c.Centre == centre {
			return n
		}
	}
	return n
}

// torn is bytes that were cut, changed or replaced.
func (s *drawer) torn(raw []byte) []byte {
	raw = bytes.Clone(raw)
	switch n := s.rng.IntN(4); {
	case n == 0 && len(raw) > 1:
		return raw[:1+s.rng.IntN(len(raw)-1)]
	case n == 1 && len(raw) > 0:
		raw[s.rng.IntN(len(raw))] ^= byte(1 << s.rng.IntN(8))
		return raw
	case n == 2:
		return protocol.Marshal(pick(s.rng, []any{nil, 1, "x", []int{1, 2}, map[int]any{1: nil, 2: []byte{3}}}))
	}
	return []byte{0xa0}
}

// recovery is an event of a box's own log, of another's, or of none.
func (s writer) recovery() any {
	from := s.someBox()
	if len(from.events) == 0 || s.rng.IntN(6) == 0 {
		return draw[protocol.Recovery](&s.drawer)
	}
	n := 1 + s.rng.IntN(len(from.events))
	lost := from.rolledBack(n)
	if s.rng.IntN(2) == 0 { // What came of its box's log after the copy was taken.
		lost = from.rolledBack(n - 1)
		s.writes(lost)
	}
	r := &protocol.Recovery{Receipt: lost.receipt(n), Event: lost.events[n-1]}
	if n > 1 {
		r.Prev = lost.hashes[n-2]
	}
	if len(r.Event) > protocol.MaxEvent/2 || !valid(r.Event) {
		r.Event = protocol.Marshal(1)
	}
	return r
}

// valid reports whether bytes can stand where CBOR has to.
func valid(raw []byte) bool {
	var v any
	return protocol.Unmarshal(raw, protocol.MaxEvent, "event", &v) == nil
}

func (s writer) payment() *protocol.Payment {
	p := draw[protocol.Payment](&s.drawer)
	if s.rng.IntN(4) > 0 {
		p.Fees = cash(pick(s.rng, []int64{copyFee, licenceFee, 500})).Fees
	}
	return p
}

// correction puts right what is there, mostly.
func (s writer) correction() *protocol.Correction {
	k := draw[protocol.Correction](&s.drawer)
	c, err := s.first().Case(s.aim)
	if err != nil || s.rng.IntN(3) == 0 {
		return k
	}
	if _, sub, err := s.first().AsOf(c, 0); err == nil {
		answers := protocol.AnswersOf(sub.Form, sub.Applicant)
		wants := protocol.AnswersOf([]byte(`{"business":"other"}`), []byte(`{"name":"করিম"}`))
		k = protocol.NewCorrection(answers, wants, "misheard")
	}
	return k
}

// voiding names a payment mostly.
func (s writer) voiding() *protocol.Voiding {
	v := draw[protocol.Voiding](&s.drawer)
	v.Reason = "taken wrongly"
	b := s.someBox()
	for range 20 {
		if len(b.events) == 0 {
			break
		}
		i := s.rng.IntN(len(b.events))
		if e, err := protocol.DecodeEvent(b.events[i]); err == nil && e.Kind == protocol.PaymentTaken {
			v.Log, v.At = b.log, protocol.Position{Seq: uint64(i + 1), Hash: b.hashes[i]}
			break
		}
	}
	v.Fees = s.payment().Fees
	return v
}

// unionAct is what somebody does at the union's box, by its lease mostly.
func (s writer) unionAct() *protocol.UnionAct {
	a := draw[protocol.UnionAct](&s.drawer)
	if s.rng.IntN(6) == 0 {
		return a
	}
	a.Token = s.lease.Token
	a.Action = pick(s.rng, []string{"take", "note", "decide", "forward", "approve", "reject", "issue", "request-info", "check", "return"})
	if a.Action != "issue" || s.rng.IntN(6) == 0 {
		return a
	}
	serial := 1 + s.rng.Uint64N(6)
	a.Certificate = &protocol.Certificate{
		Serial: serial, Number: protocol.CertificateNumber(s.lease.Prefix, serial), Issued: s.at / 1000, Expires: s.at/1000 + 86400*s.rng.Int64N(400), Renews: s.word("Renews"),
	}
	return a
}
