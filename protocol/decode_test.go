package protocol

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"kendro/domain/fault"
	"kendro/identity"
)

func TestEventRefusals(t *testing.T) {
	good := Event{Kind: Settings, At: 1, Payload: Marshal(&Contacts{Servers: []string{"127.0.0.1:1"}})}
	raw, err := good.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeEvent(raw); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"empty":            nil,
		"cut":              raw[:len(raw)-1],
		"trailing byte":    append(bytes.Clone(raw), 0),
		"no kind":          Marshal(map[int]any{2: 1, 10: 1}),
		"no payload":       Marshal(map[int]any{1: 20, 2: 1}),
		"no nonce":         Marshal(map[int]any{1: 1, 2: 1, 7: []any{"s", 1, make([]byte, 8)}, 10: 1}),
		"key twice":        {0xa2, 0x01, 0x01, 0x01, 0x02},
		"huge array claim": {0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"too long":         make([]byte, MaxEvent+1),
	} {
		if _, err := DecodeEvent(b); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v; want invalid", name, err)
		}
	}
	big := Event{Kind: Settings, Payload: Marshal(make([]byte, MaxEvent))}
	if _, err := big.Encode(); !errors.Is(err, fault.Invalid) {
		t.Errorf("event over the limit: got %v; want invalid", err)
	}
}

// A reader of today keeps what only a writer of tomorrow understands (row 39).
func TestUnknownFieldsAreCarriedAsSignedBytes(t *testing.T) {
	raw := Marshal(map[int]any{1: int(Settings), 2: 5, 10: map[int]any{1: []string{"h:1"}}, 99: "from the future"})
	e, err := DecodeEvent(raw)
	if err != nil {
		t.Fatal(err)
	}
	if e.At != 5 {
		t.Errorf("At = %d; want 5", e.At)
	}
	signer := identity.NewSigner()
	p := NewPacker()
	defer p.Close()
	end := ChainHash(uplink, 1, Hash{}, raw)
	b, err := p.Pack(Run{Log: uplink, First: 1, End: end, Events: [][]byte{raw}}, nil, signer)
	if err != nil {
		t.Fatal(err)
	}
	items, err := p.Open(&b, nil)
	if err != nil || !bytes.Equal(items[0].Raw, raw) {
		t.Errorf("Open = %x, %v; want the bytes as written", items, err)
	}
}

func TestLogIDReadsBack(t *testing.T) {
	for _, l := range []LogID{uplink, {Channel: Inbox, Name: "41-09-17", Incarnation: 1}, {Channel: Catalogue, Name: "41"}} {
		if got, err := ParseLogID(l.String()); err != nil || got != l {
			t.Errorf("ParseLogID(%s) = %v, %v", l, got, err)
		}
	}
	for _, s := range []string{"", "uplink", "uplink/a/1", "other/a/0000000000000001", "uplink//0000000000000001", "uplink/a/000000000000000g"} {
		if _, err := ParseLogID(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("ParseLogID(%q): got %v; want invalid", s, err)
		}
	}
}

func TestStatements(t *testing.T) {
	s, other := identity.NewSigner(), identity.NewSigner()
	at := Position{Seq: 7, Hash: Hash{7}}
	r := SignReceipt(uplink, at, s)
	if !r.Verify(s.Public()) || r.Verify(other.Public()) {
		t.Error("receipt verifies for the wrong key, or not for the right one")
	}
	r.At.Seq++
	if r.Verify(s.Public()) {
		t.Error("altered receipt verifies")
	}
	a := Ack{Log: uplink, At: at, Index: 9, Incarnation: 3}
	a.Sign(s)
	if err := a.Verify(s.Public()); err != nil {
		t.Error(err)
	}
	a.Index++
	if err := a.Verify(s.Public()); !errors.Is(err, fault.Denied) {
		t.Errorf("altered acknowledgement: got %v; want denied", err)
	}
	epoch, err := identity.NewEpoch(identity.NewSealingKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	e := NewEpoch(epoch, []byte("cert"), s)
	if err := e.Verify(s.Public()); err != nil {
		t.Error(err)
	}
	e.Wraps[0].Sealed = bytes.Clone(e.Wraps[0].Sealed)
	e.Wraps[0].Sealed[0] ^= 1
	if err := e.Verify(s.Public()); !errors.Is(err, fault.Denied) {
		t.Errorf("altered wrap: got %v; want denied", err)
	}
}

func TestMessagesHaveExactlyOnePart(t *testing.T) {
	for name, m := range map[string]*Message{
		"none": {},
		"two":  {Want: &Want{Log: uplink}, Busy: &Busy{}},
	} {
		if _, err := DecodeMessage(Marshal(m)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v; want invalid", name, err)
		}
	}
}

func TestReadMessage(t *testing.T) {
	b := EncodeMessage(&Message{Busy: &Busy{RetryMillis: 5}})
	r := bytes.NewReader(b)
	m, err := ReadMessage(r)
	if err != nil || m.Busy == nil || m.Busy.RetryMillis != 5 {
		t.Errorf("ReadMessage = %+v, %v", m, err)
	}
	if _, err := ReadMessage(r); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: got %v; want EOF", err)
	}
	if _, err := ReadMessage(bytes.NewReader(b[:len(b)-1])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: got %v; want unexpected EOF", err)
	}
	if _, err := ReadMessage(bytes.NewReader([]byte{0xff, 0xff, 0xff, 0xff})); !errors.Is(err, fault.Invalid) {
		t.Errorf("4 GiB: got %v; want invalid", err)
	}
}

func TestJoinToken(t *testing.T) {
	tok := JoinToken{Servers: []string{"127.0.0.1:7443"}, Role: identity.RoleNode, Centre: "41-09-17", Expires: 99}
	got, err := ParseJoinToken(" " + tok.Encode() + "\n")
	if err != nil || got.Centre != tok.Centre || got.Servers[0] != tok.Servers[0] {
		t.Errorf("ParseJoinToken = %+v, %v; want %+v", got, err, tok)
	}
	for _, s := range []string{"", "kendro-join-1.", "kendro-join-1.!!", tok.Encode()[:30]} {
		if _, err := ParseJoinToken(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("ParseJoinToken(%q): got %v; want invalid", s, err)
		}
	}
}

func TestEnrolRequestProvesItsKey(t *testing.T) {
	s := identity.NewSigner()
	r := EnrolRequest{Token: JoinToken{Servers: []string{"h:1"}}, Signing: s.Public(), TLS: []byte("t"), Sealing: []byte("s")}
	r.Sign(s)
	if err := r.Verify(); err != nil {
		t.Error(err)
	}
	r.TLS = []byte("u")
	if err := r.Verify(); !errors.Is(err, fault.Denied) {
		t.Errorf("altered: got %v; want denied", err)
	}
}

func TestFailureKeepsItsKind(t *testing.T) {
	for _, k := range []fault.Kind{fault.Invalid, fault.Denied, fault.Unavailable, fault.Internal} {
		var f Failure
		if err := Unmarshal(Marshal(FailureOf(fault.New("a.B", k, "7", "text"))), MaxRPC, "failure", &f); err != nil {
			t.Fatal(err)
		}
		if err := f.Err(); !errors.Is(err, k) {
			t.Errorf("kind %v came back as %v", k, err)
		}
	}
	if FailureOf(fault.New("a.B", fault.Internal, "", "secret cause")).Text != "" {
		t.Error("the cause of an internal failure crosses the wire")
	}
	var none *Failure
	if none.Err() != nil {
		t.Error("no failure is an error")
	}
}

func TestFailureInBanglaCrossesTheWire(t *testing.T) {
	long := strings.Repeat("আবেদন", MaxText) // Three bytes a letter: the limit falls inside one.
	var f Failure
	if err := Unmarshal(Marshal(FailureOf(fault.New("a.B", fault.Invalid, "", long))), MaxRPC, "failure", &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Text) == 0 || len(f.Text) > MaxText {
		t.Errorf("text of %d bytes; want some, at most %d", len(f.Text), MaxText)
	}
}

func FuzzDecodeEvent(f *testing.F) {
	events, _ := history(f, 1)
	f.Add(events[0])
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := DecodeEvent(b)
		if err != nil {
			return
		}
		var s Submission
		if e.Kind == Submitted && e.Decode(&s) == nil && len(s.Form) > MaxEvent {
			t.Error("a form longer than its event")
		}
	})
}

func FuzzDecodeMessage(f *testing.F) {
	events, hashes := history(f, 2)
	p := NewPacker()
	b, err := p.Pack(run(events, hashes, 0, 2), nil, identity.NewSigner())
	if err != nil {
		f.Fatal(err)
	}
	head := Head{Log: uplink, At: Position{Seq: 2, Hash: hashes[2]}}
	for _, m := range []*Message{
		{Hello: &Hello{Version: 1, Have: []Head{head}, Want: []LogID{uplink}}},
		{Heads: []Head{head}},
		{Want: &Want{Log: uplink}},
		{Block: &b},
		{Ack: &Ack{Log: uplink}},
		{Refused: &Refused{Log: uplink}},
		{Busy: &Busy{}},
		{Epoch: &Epoch{Wraps: []identity.Wrap{{}}}},
		{Offer: &Offer{Documents: []Offered{{Size: 1}}}},
		{Chunk: &Chunk{Size: MaxDocument, Index: uint32(Chunks(MaxDocument) - 1), Body: []byte{1}}},
		{Taken: &Taken{State: TakenPart, Pieces: []byte{1}}},
	} {
		f.Add(Marshal(m))
	}
	f.Add(Marshal(map[int]int{99: 1})) // Of a newer program.
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := DecodeMessage(body)
		if err != nil || m.Empty() {
			return // Of a kind that only a newer program knows: there is nothing to write again.
		}
		if _, err := DecodeMessage(Marshal(m)); err != nil {
			t.Errorf("what was read does not read again: %v", err)
		}
	})
}

func FuzzParseJoinToken(f *testing.F) {
	tok := JoinToken{Servers: []string{"127.0.0.1:7443"}, Role: identity.RoleNode}
	f.Add(tok.Encode())
	f.Fuzz(func(t *testing.T, s string) {
		tok, err := ParseJoinToken(s)
		if err != nil {
			return
		}
		if _, err := ParseJoinToken(tok.Encode()); err != nil {
			t.Errorf("what was read does not read again: %v", err)
		}
	})
}

func FuzzParseLogID(f *testing.F) {
	f.Add(uplink.String())
	f.Fuzz(func(t *testing.T, s string) {
		if l, err := ParseLogID(s); err == nil && l.String() != s {
			t.Errorf("%q reads as %q", s, l)
		}
	})
}

func FuzzEnrolment(f *testing.F) {
	f.Add(Marshal(&EnrolRequest{Token: JoinToken{Servers: []string{"h:1"}}}))
	f.Add(Marshal(&Enrolment{District: "41"}))
	f.Add(Marshal(&Call{Method: "ingest", Body: Marshal(1)}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r EnrolRequest
		if Unmarshal(b, MaxRPC, "request", &r) == nil && r.Verify() == nil && len(r.Signing) != 32 {
			t.Error("a request without a key proves it")
		}
		var e Enrolment
		_ = Unmarshal(b, MaxRPC, "enrolment", &e)
		var c Call
		_ = Unmarshal(b, MaxRPC, "call", &c)
	})
}
