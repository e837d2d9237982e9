package register

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"

	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
)

// A sight is what there is in a district to speak of.
type sight struct {
	cases   []protocol.Number
	numbers []protocol.Number // And others.
	items   []*Item
	matters []*Matter
	users   []*User
	certs   []string
	words   map[string][]string // By the name of a field.
}

// A drawer draws, from its district's things.
type drawer struct {
	*town
	*climate
	rng   *rand.Rand
	boxes []*box
	sight
	focus []protocol.Number // Most of it is about these.
	aim   protocol.Number   // The event at hand is about this one.

	few   []protocol.Number // Of a full block: what it is about, …
	only  protocol.Kind     // … its one kind, 0 for any, …
	bulky bool              // … and whether it has many words.
}

// look has a storm see what its district holds now.
func (s *drawer) look() {
	s.t.Helper()
	k := sight{numbers: []protocol.Number{0, 7, 1 << 63, protocol.Number(s.rng.Uint64())}}
	err := s.first().ForEachCase(func(c *Case) error {
		if k.cases = append(k.cases, c.Number); c.Printed != 0 {
			k.numbers = append(k.numbers, c.Printed)
		}
		if c.Certificate != nil {
			k.certs = append(k.certs, c.Certificate.Number)
		}
		items, err := s.first().Items(c.Number)
		k.items = append(k.items, items...)
		return err
	})
	if err == nil {
		k.matters, err = s.first().Matters(s.at)
	}
	if err == nil {
		k.users, err = s.first().Users()
	}
	if err != nil {
		s.t.Fatalf("what there is can't be read: %v", err)
	}
	for _, b := range s.boxes { // Of events that came to nothing too.
		k.numbers = append(k.numbers, b.numbers...)
	}
	s.sight = k
	s.words = s.vocabulary()
}

// vocabulary is what a field of a name may say, fitting words first of all.
func (s *drawer) vocabulary() map[string][]string {
	names, items, matters := []string{"nobody", ""}, []string{}, []string{}
	for _, u := range s.users {
		names = append(names, u.Name)
	}
	for _, it := range s.items {
		items = append(items, it.ID)
	}
	for _, m := range s.matters {
		matters = append(matters, m.ID)
	}
	var outcomes, acts, services []string
	for _, kind := range []string{ItemGone, ItemRevoked, ItemConfirm, ItemRefused, ItemLate} {
		outcomes = append(outcomes, OutcomesOf(kind)...)
	}
	for _, kind := range []string{MatterHeld, MatterUnrouted, MatterNoCase, MatterScan} {
		outcomes = append(outcomes, MatterOutcomes(kind)...)
	}
	for _, m := range Methods() {
		acts = append(acts, string(m))
	}
	for _, v := range s.catalog {
		services = append(services, v.ID)
	}
	papers := []string{"nid", "deed", "record-scan", "form.business", "form.khatian_no", "form.mouza", "applicant.name", "form.", "x"}
	slots := []string{"0001", "0010", "9999"}
	for _, b := range s.boxes {
		slots = append(slots, b.slot)
	}
	roles := []string{string(access.Officer), string(access.Clerk), string(access.Operator), string(access.Entrepreneur), string(access.Supervisor)}
	return map[string][]string{
		"Name": append(names, "s1", "s2", "new"), "User": names, "Actor": names, "By": names, "Of": names, "Confirmed": names, "Holder": names,
		"Item": items, "Books": items, "ID": append(append(matters, items...), "s1", "s2", "s3"), "Server": {"s1", "s2", "s9"},
		"Outcome": outcomes, "Action": acts, "Opinion": {"approve", "reject", "other"}, "Service": append(services, "none", "bmet.demo"),
		"Means": {protocol.MeansCash, protocol.MeansChallan, protocol.MeansMobile}, "Kind": {"government", "service_charge", "nid", "record-scan", "officer"},
		"Certificate": s.certs, "Renews": s.certs, "Items": papers, "Originals": papers, "Cites": papers, "Fields": papers,
		"Check": {"record-scan", "registered", "none"}, "Post": {"secretary", "chairman", "uno", "l0", "u1", "dc", "none"}, "Slot": slots, "Spare": slots,
		"To": {"", "chairman", "secretary", "2026-11-30", "none"}, "From": {"2026-09-01"}, "Office": {"local-41-09-17", "local-41-09-23", "upazila-41-09", "district-41"},
		"Verdict": {SamePerson, OtherPerson, "open"}, "Tag": {"platform"}, "Code": {"bmet", "none"}, "Connector": {"national"}, "Channel": {"counter"},
		"Reference": {"CH-1", "CH-2"}, "System": {"e-filing"}, "Number": append([]string{"EF-77", "1", "2"}, s.certs...), "PostedOn": {"2026-09-01", "2027-01-01", "x"},
		"Role": roles, "Refused": {"", "no name"}, "Proof": {"nid", protocol.ByCode}, "Field": {"sla_days", "fees", "info_days"}, "Value": {"5", `"x"`}, "Was": {"7"},
		"Centre": {"41-09-17", "41-09-23", "41-11-05", "41-09-99"}, "Receipt": {s.number().String()}, "Officer": names, "Stage": {"REJECTED", "CLOSED"}, "Hash": {hash1},
		"Address": {"s1.example:1", "x"}, "HTTP": {"s1.example:2"}, "Gossip": {"10.0.0.1:7946"}, "Gender": {"f", "m"}, "Text": {"words on it", "", " "}, "Reason": {"R1", "reason", ""},
		"Basis": {"an Act", ""}, "District": {"41"}, "Accept": {"", "x"}, "Former": {"41-0010", "41-0012", "x"},
	}
}

func pick[T any](rng *rand.Rand, list []T) (one T) {
	if len(list) == 0 {
		return one
	}
	return list[rng.IntN(len(list))]
}

// turns has a storm look at other cases: open ones mostly, so that they get somewhere.
func (s *drawer) turns() {
	s.focus = nil
	for range 200 {
		c, err := s.first().Case(pick(s.rng, s.cases))
		if err == nil && (c.State.Stage.Open() || s.rng.IntN(8) == 0) {
			s.focus = append(s.focus, c.Number)
		}
		if len(s.focus) == 8 {
			return
		}
	}
}

// someBox is a box that sends, or one that has not returned.
func (s *drawer) someBox() *box {
	if len(s.boxes) == 0 {
		return pick(s.rng, s.climate.boxes)
	}
	return pick(s.rng, s.boxes)
}

// number is that of a case mostly.
func (s *drawer) number() protocol.Number {
	switch n := s.rng.IntN(12); {
	case n == 0:
		return pick(s.rng, s.numbers)
	case n < 4:
		return pick(s.rng, s.cases)
	}
	return pick(s.rng, s.focus)
}

// word is what a field of a name says: fitting mostly.
func (s *drawer) word(field string) string {
	if s.bulky && (field == "Text" || field == "Reason") {
		return strings.Repeat("খ", 1+s.rng.IntN(1365))
	}
	switch n := s.rng.IntN(200); {
	case n < 4:
		return ""
	case n == 4:
		return "\xff\x00"
	case n == 5:
		return strings.Repeat("ক", s.rng.IntN(3000))
	}
	if list := s.words[field]; len(list) > 0 {
		return pick(s.rng, list)
	}
	return pick(s.rng, []string{"x", "কথা", "41", "0"})
}

// place is where some event of a box stands, or another's, or none.
func (s *drawer) place() (protocol.LogID, protocol.Position) {
	b := s.someBox()
	log, at := b.log, protocol.Position{}
	if n := len(b.events); n > 0 {
		i := s.rng.IntN(n)
		at = protocol.Position{Seq: uint64(i + 1), Hash: b.hashes[i]}
	}
	switch s.rng.IntN(16) {
	case 0:
		at.Seq += s.rng.Uint64N(5)
	case 1:
		at.Hash[0]++
	case 2:
		log = s.first().Inbox(b.centre)
	case 3:
		log = s.someBox().log
	case 4:
		log.Incarnation = s.first().Incarnation()
	case 6: // That no log can have.
		log.Name = pick(s.rng, []string{"", "41-0010\x00", "41-", strings.Repeat("x", 2000), s.word("Name")})
	case 5: // A clerk's.
		if it := pick(s.rng, s.items); it != nil {
			return it.Event.Log, it.Event.At
		}
	}
	return log, at
}

func (s *drawer) hash() (h protocol.Hash) {
	switch s.rng.IntN(4) {
	case 0:
		return scan.Hash
	case 1:
		return protocol.Hash{77}
	case 2:
		h[0] = byte(s.rng.IntN(4))
		return h
	}
	_, at := s.place()
	return at.Hash
}

// json is what boxes take for answers.
func (s *drawer) json() []byte {
	return []byte(pick(s.rng, []string{
		`{"business":"মুদি","khatian_no":"12"}`, `{"business":"x"}`, `{"khatian_no":null}`, `{"name":"রহিম"}`, `{"name":"করিম","mobile":"01700000000"}`,
		`{"born":"2020-01-01","mother":"123"}`, `{}`, "", `[`, `{"business":`, `null`, `{"copies":2e999}`, "\xff",
	}))
}

// moment is a time that a field may say, in its unit.
func (s *drawer) moment(field string) int64 {
	unix := s.at/1000 + s.rng.Int64N(60*86400) - 40*86400
	switch s.rng.IntN(12) {
	case 0:
		return 0
	case 1:
		return -1 << s.rng.IntN(63)
	case 2:
		return 1<<62 - 1 + s.rng.Int64N(2)<<62
	}
	switch field {
	case "At", "PaidAt", "Since", "Before", "EnrolledAt":
		return unix * 1000
	case "Poisha", "Amount", "Review":
		return pick(s.rng, []int64{copyFee, licenceFee, 500, 1 + s.rng.Int64N(50_000)})
	case "Until", "Expires", "Due", "Deadline":
		return unix + 40*86400
	case "From", "On", "Issued":
		return unix
	}
	return s.rng.Int64N(9)
}

// fill draws a value: of the district's things where one is of their kind.
func (s *drawer) fill(v reflect.Value, field string) {
	switch x := v.Addr().Interface().(type) {
	case *protocol.Number:
		*x = s.number()
		return
	case *protocol.Hash:
		*x = s.hash()
		return
	case *dcat.Hash:
		if *x = pick(s.rng, s.catalog).Hash; s.rng.IntN(8) == 0 {
			*x = dcat.Hash(s.hash())
		}
		return
	case *identity.KeyID:
		*x = s.someBox().signer.ID()
		return
	case *protocol.Head:
		x.Log, x.At = s.place()
		return
	case *place.Code:
		*x = place.Code(pick(s.rng, []string{"41-09-17", "41-09", "41", "41-11-05", "", "42"}))
		return
	case *dcat.Mode:
		*x = pick(s.rng, []dcat.Mode{dcat.ByCentre, dcat.ByPost, ""})
		return
	}
	s.fillKind(v, field)
}

func (s *drawer) fillKind(v reflect.Value, field string) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(s.rng.IntN(3) == 0)
	case reflect.String:
		v.SetString(s.word(field))
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(s.moment(field))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		n := s.rng.Uint64N(6)
		if s.rng.IntN(16) == 0 {
			n = s.rng.Uint64()
		}
		v.SetUint(n)
	case reflect.Pointer:
		if s.rng.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			s.fill(v.Elem(), field)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(s.bytes(field))
			return
		}
		n := s.rng.IntN(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			s.fill(v.Index(i), field)
		}
	case reflect.Array:
		for i := range v.Len() {
			s.fill(v.Index(i), field)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				s.fill(v.Field(i), f.Name)
			}
		}
		s.together(v)
	default:
		panic(fmt.Sprintf("a storm draws no %v for %s", v.Type(), field))
	}
}

// together makes a log and a position of one struct the same event's.
func (s *drawer) together(v reflect.Value) {
	log, at := v.FieldByName("Log"), v.FieldByName("At")
	if log.IsValid() && at.IsValid() && at.Type() == reflect.TypeFor[protocol.Position]() && s.rng.IntN(8) > 0 {
		l, p := s.place()
		log.Set(reflect.ValueOf(l))
		at.Set(reflect.ValueOf(p))
	}
}

func (s *drawer) bytes(field string) []byte {
	switch field {
	case "Form", "Applicant", "FormSaw", "ApplicantSaw":
		return s.json()
	case "Signing", "TLS", "Sealing", "GossipKey", "Public":
		return seedOf("storm", s.rng.IntN(4))
	case "Event", "Payload": // Has to be CBOR by itself.
		return protocol.Marshal(s.json())
	}
	return seedOf(field)[:s.rng.IntN(32)]
}

// draw draws a value of a type.
func draw[T any](s *drawer) *T {
	v := new(T)
	s.fill(reflect.ValueOf(v).Elem(), "")
	return v
}
