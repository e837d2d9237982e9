package register

import (
	"bytes"
	"encoding/binary"
	"slices"

	"kendro/domain/place"
	"kendro/protocol"
)

// An eraser takes out of the register what tells of the applicants of some cases. A copy
// of an event may stand in any log, and a document may be another case's too: it reads every
// event, or what a leader has found by reading all of them.
type eraser struct {
	erasures
	cases  []*Case
	papers map[protocol.Hash][]protocol.Number // Documents that they name.
	shared map[protocol.Hash][]byte            // Of those, what others name too: the key of one.

	sought *Sought  // Where a leader found things; nil: everything is read.
	fresh  [][]byte // Keys of the events that came since.
	stale  bool     // Something came since of which it can't be said what it leads to.

	uplinks []found             // Their events in uplinks.
	inboxes []found             // What inboxes say of them.
	joined  map[int]*acceptance // Of inboxes: what else an acceptance says.
	told    []protocol.Head
	sealed  []protocol.Hash // Names of the texts in them that their boxes sealed whole.
}

// A found is an event that has to go.
type found struct {
	key    []byte
	at     Source
	number protocol.Number
}

// An acceptance is one that tells of other cases too: those are told again.
type acceptance struct{ protocol.Acceptance }

func newEraser(s erasures, list []*Case) *eraser {
	return &eraser{erasures: s, cases: list, papers: map[protocol.Hash][]protocol.Number{}, shared: map[protocol.Hash][]byte{}, joined: map[int]*acceptance{}}
}

// erase does all of it, in an order in which nothing that is still asked is gone. It
// changes nothing, and reports that, where the leader has to look once more.
func (e *eraser) erase() bool {
	if e.search(); e.stale {
		return false
	}
	e.tell()
	for i := range e.uplinks {
		e.blank(&e.uplinks[i])
	}
	for i := range e.inboxes {
		e.blank(&e.inboxes[i])
	}
	e.dropPapers()
	e.dropAnswers()
	e.dropFacts()
	for _, k := range e.cases {
		e.strip(k)
	}
	e.stripAside()
	e.stripEndings()
	return true
}

// blank leaves an event's hash in its place.
func (e *eraser) blank(f *found) { e.blankAt(f.key, f.at.At.Hash) }

func (s erasures) blankAt(k []byte, h protocol.Hash) {
	s.set(k, append(bytes.Clone(h[:]), protocol.ErasedRaw(h)...))
}

// search looks at the events, and at what else names the documents that the cases do.
func (e *eraser) search() {
	if e.sought != nil {
		e.fresh, e.stale = reading{e}.grown(), !e.sought.stands(reading{e})
	}
	reading{e}.events(e.look)
	for _, k := range e.cases {
		for i := range k.History {
			if d := k.History[i].Document; d != nil {
				e.names(d.Hash, k.Number)
			}
		}
	}
	if len(e.papers) > 0 {
		reading{e}.named()
	}
}

func (e *eraser) names(h protocol.Hash, n protocol.Number) {
	if !slices.Contains(e.papers[h], n) {
		e.papers[h] = append(e.papers[h], n)
	}
}

// placeIn reads log and sequence from an event's key.
func placeIn(k []byte) (log protocol.LogID, seq uint64) {
	name, _, _ := bytes.Cut(k[2:len(k)-16], []byte{0})
	log = protocol.LogID{Channel: protocol.Channel(k[1]), Name: string(name), Incarnation: binary.BigEndian.Uint64(k[len(k)-16:])}
	return log, binary.BigEndian.Uint64(k[len(k)-8:])
}

// look decides about one event. Most are not looked into: they hold neither number nor
// receipt of any of the cases.
func (e *eraser) look(k, stored []byte) {
	raw := stored[len(protocol.Hash{}):]
	if k[1] == byte(protocol.Catalogue) || !e.mentions(k, raw) {
		return
	}
	event, err := protocol.DecodeEvent(raw)
	if err != nil {
		return
	}
	log, seq := placeIn(k)
	f := found{key: bytes.Clone(k), at: Source{Log: log, At: protocol.Position{Seq: seq, Hash: protocol.Hash(stored[:len(protocol.Hash{})])}}}
	if log.Channel == protocol.Inbox {
		e.lookInbox(&event, f)
		return
	}
	c, filed := e.concerns(&event, f.at)
	if c == nil {
		return
	}
	f.number = c.Number
	e.uplinks = append(e.uplinks, f)
	for _, x := range confided(filed) {
		if x.Document == nil {
			e.sealed = append(e.sealed, x.Name())
		}
	}
	var named struct {
		Documents []protocol.Document `cbor:"6,keyasint,omitempty"`
	}
	var brought protocol.Supplement
	switch {
	case filed.Kind == protocol.Submitted && filed.Decode(&named) == nil:
	case filed.Kind == protocol.Supplied && filed.Decode(&brought) == nil:
		named.Documents = brought.Documents
	}
	for i := range named.Documents {
		e.names(named.Documents[i].Hash, c.Number)
	}
}

// mentions reports whether an event may be about one of the cases.
func (e *eraser) mentions(k, raw []byte) bool {
	for _, c := range e.cases {
		if bytes.Contains(raw, u64(uint64(c.Number))) || bytes.Equal(k, eventKey(c.Log, c.At.Seq)) || bytes.Contains(raw, c.At.Hash[:]) {
			return true
		}
		if r := c.Receipt; r != nil && (bytes.Equal(k, eventKey(r.Log, r.At.Seq)) || bytes.Contains(raw, r.At.Hash[:])) {
			return true
		}
	}
	return false
}

// concerns returns the case that an event of an uplink is of, and the event as it was
// first written; nil where it is of none of these.
func (e *eraser) concerns(event *protocol.Event, at Source) (*Case, *protocol.Event) {
	if event.Kind == protocol.Recovered {
		var r protocol.Recovery
		if event.Decode(&r) != nil {
			return nil, nil
		}
		inner, err := r.Open()
		if err != nil {
			return nil, nil
		}
		event, at = &inner, Source{Log: r.Receipt.Log, At: r.Receipt.At}
	}
	for _, c := range e.cases {
		if event.Kind != protocol.Submitted && event.Number == c.Number || event.Kind == protocol.Submitted && at.began(c) {
			return c, event
		}
	}
	return nil, nil
}

// began reports whether a case began with this event.
func (at Source) began(c *Case) bool {
	return c.Log == at.Log && c.At == at.At || c.Receipt != nil && c.Receipt.Log == at.Log && c.Receipt.At == at.At
}

// lookInbox decides about what a centre was told.
func (e *eraser) lookInbox(event *protocol.Event, f found) {
	switch event.Kind {
	case protocol.CaseMoved, protocol.SetAside:
		var st protocol.Standing // What is told of a case once more is told of its primary.
		if e.ours(event.Number) || event.Kind == protocol.CaseMoved && event.Decode(&st) == nil && e.ours(st.Primary) {
			f.number = event.Number
			e.inboxes = append(e.inboxes, f)
		}
	case protocol.Accepted:
		var a protocol.Acceptance
		if event.Decode(&a) != nil || !slices.ContainsFunc(a.Other, func(st protocol.Standing) bool { return e.ours(st.Number) }) {
			return
		}
		f.number = a.Other[slices.IndexFunc(a.Other, func(st protocol.Standing) bool { return e.ours(st.Number) })].Number
		a.Other = slices.DeleteFunc(a.Other, func(st protocol.Standing) bool { return e.ours(st.Number) })
		e.joined[len(e.inboxes)] = &acceptance{a}
		e.inboxes = append(e.inboxes, f)
	default: // Such as what has come of a correction.
		if e.ours(event.Number) && event.Kind != protocol.EventsErased {
			f.number = event.Number
			e.inboxes = append(e.inboxes, f)
		}
	}
}

// tell lets every centre whose box may hold something of it know what to forget: those
// that the cases came through, and their neighbours, who keep copies for each other. An
// acceptance that goes is said again without these cases.
func (e *eraser) tell() {
	for i := range e.inboxes {
		if a := e.joined[i]; a != nil {
			e.append(e.inboxes[i].at.Log, &protocol.Event{Kind: protocol.Accepted, Payload: protocol.Marshal(&a.Acceptance)})
		}
	}
	words := e.words()
	for _, c := range e.hearers() {
		head := protocol.Head{Log: e.world.inbox(c)}
		for i := range words {
			head.At = e.append(head.Log, &protocol.Event{Kind: protocol.EventsErased, Payload: protocol.Marshal(&words[i])})
		}
		e.told = append(e.told, head)
	}
}

// hearers are the centres to tell, sorted.
func (e *eraser) hearers() []place.Centre {
	var centres []place.Centre
	add := func(c place.Centre) {
		if c != "" && !slices.Contains(centres, c) {
			centres = append(centres, c)
		}
	}
	for _, k := range e.cases {
		add(k.Centre)
	}
	for i := range e.uplinks {
		if n := e.world.ownerOf(e.uplinks[i].at.Log); n != nil {
			add(n.Centre)
		}
	}
	for i := range e.inboxes {
		add(place.Centre(e.inboxes[i].at.Log.Name))
	}
	for _, c := range slices.Clone(centres) {
		for _, n := range e.world.all() {
			if n.Centre.Upazila() == c.Upazila() {
				add(n.Centre)
			}
		}
	}
	slices.Sort(centres)
	return centres
}

// words is what all of them are told.
func (e *eraser) words() []protocol.Erasure {
	var w protocol.Erasure
	for _, k := range e.cases {
		w.Cases = append(w.Cases, e.word(k))
	}
	var places []Source
	for _, f := range slices.Concat(e.uplinks, e.inboxes) {
		places = append(places, f.at)
	}
	return inWords(w, places, e.goneDocuments())
}

// inWords tells of places and documents in as many parts as it takes.
func inWords(w protocol.Erasure, places []Source, documents []protocol.Hash) (list []protocol.Erasure) {
	say := func() {
		list = append(list, w)
		w.Places, w.Documents = nil, nil
	}
	n := 0
	for i := range places {
		at := &places[i]
		if n == protocol.MaxErasedPlaces {
			say()
			n = 0
		}
		last := len(w.Places) - 1
		if last < 0 || w.Places[last].Log != at.Log {
			w.Places = append(w.Places, protocol.ErasedPlaces{Log: at.Log})
			last++
		}
		w.Places[last].At = append(w.Places[last].At, at.At)
		n++
	}
	for some := range slices.Chunk(documents, protocol.MaxErasedPlaces) {
		if n+len(some) > protocol.MaxErasedPlaces {
			say()
			n = 0
		}
		w.Documents = some
		n += len(some)
	}
	say()
	return list
}

// goneDocuments are those that no other case names, sorted.
func (e *eraser) goneDocuments() []protocol.Hash {
	var list []protocol.Hash
	for h := range e.papers {
		if e.shared[h] == nil {
			list = append(list, h)
		}
	}
	slices.SortFunc(list, func(a, b protocol.Hash) int { return bytes.Compare(a[:], b[:]) })
	return list
}

// placesOf are where those events stood that tell of a case.
func placesOf(list []found, n protocol.Number) []Source {
	var places []Source
	for i := range list {
		if list[i].number == n {
			places = append(places, list[i].at)
		}
	}
	return places
}

// papersOf are the documents that went with a case.
func (e *eraser) papersOf(k *Case) []protocol.Hash {
	return slices.DeleteFunc(e.goneDocuments(), func(h protocol.Hash) bool { return !slices.Contains(e.papers[h], k.Number) })
}

// dropPapers has the servers throw away what no other case names, and leaves nothing that
// opens what boxes had sealed whole, wherever it lies.
func (e *eraser) dropPapers() {
	gone := e.goneDocuments()
	for _, h := range gone {
		p := &Paper{}
		if e.get(papers{e.step}.paperKey(h), p) {
			e.put(papers{e.step}.paperKey(h), &Paper{Hash: h, Size: p.Size, Type: p.Type, Erased: e.meta.At})
		}
	}
	for _, k := range e.kept(gone) {
		e.del(k)
	}
	for _, name := range slices.Concat(e.sealed, gone) {
		openings{e.step}.drop(name)
	}
}

// kept are the keys under which it stands that the servers hold documents.
func (e *eraser) kept(list []protocol.Hash) [][]byte {
	if len(list) == 0 {
		return nil
	}
	var since []byte
	if e.sought != nil {
		since = key(tagKept, u64(e.sought.Index+1))
	}
	return reading{e}.those(tagKept, since, func(_, raw []byte) bool {
		return slices.ContainsFunc(list, func(h protocol.Hash) bool { return bytes.Contains(raw, h[:]) })
	})
}
