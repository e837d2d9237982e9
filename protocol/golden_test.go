package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"testing"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
)

var addVectors = flag.Bool("add-vectors", false, "append vectors that testdata/vectors.json lacks; old ones are never edited")

// A vector is one encoding as it was on the day it was frozen.
type vector struct {
	Name string `json:"name"`
	Hex  string `json:"hex"`
}

const vectorFile = "testdata/vectors.json"

// vectors are the values behind the file, made from fixed keys.
func vectors(t *testing.T) map[string][]byte {
	t.Helper()
	signer, err := identity.SignerFromSeed(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	events, hashes := history(t, 2)
	at := Position{Seq: 2, Hash: hashes[2]}
	receipt := SignReceipt(uplink, at, signer)
	ack := Ack{Log: uplink, At: at, Index: 41, Incarnation: 7}
	ack.Sign(signer)
	block := Block{Header: Header{
		Log: uplink, First: 1, Last: 2, End: hashes[2], Codec: CodecPlain, Signer: signer.ID(),
	}, Body: bytes.Join(events, nil)}
	block.Header.Body = sha256.Sum256(block.Body)
	block.Signature = signer.Sign(contextBlock, Marshal(&block.Header))
	settings := Event{Kind: Settings, At: 1, Payload: Marshal(&Contacts{Servers: []string{"127.0.0.1:7443"}, GossipKey: bytes.Repeat([]byte{2}, 32)})}
	raw, err := settings.Encode()
	if err != nil {
		t.Fatal(err)
	}
	token := JoinToken{Servers: []string{"127.0.0.1:7443"}, CAHash: Hash{3}, Role: identity.RoleNode, Centre: "41-09-17", Nonce: [16]byte{4}, Expires: 1_795_000_000}
	short := shortFrames(t, signer)
	base, _ := NewBase(LogID{Channel: Inbox, Name: "41-09-17", Incarnation: 7}, at, [][]byte{raw})
	base.Sign([]byte("certificate"), signer)
	shelf := LogID{Channel: Catalogue, Name: "41", Incarnation: 7}
	shelfBase, _ := NewBase(shelf, at, [][]byte{raw})
	shelfBase.Sign([]byte("certificate"), signer)
	places := NewPlaces(shelf, []uint64{1, 2, 5})
	recovery := Recovery{Receipt: receipt, Prev: hashes[1], Event: events[1]}
	refounding := Refounding{District: "41", Incarnation: 9, At: 5}
	refounding.Signature = signer.Sign(contextRefounding, refounding.signed())
	warrant := Warrant{District: "41", Centres: []string{"41-09-17"}, Erasure: Erasure{
		Cases:  []ErasedCase{{Number: 4100109292280148, Stage: "REJECTED", At: 5, By: place.Seat{Post: "dc", Office: "dc-41"}, Basis: "Data Protection Act, s. 13"}},
		Places: []ErasedPlaces{{Log: uplink, At: []Position{{Seq: 1, Hash: hashes[0]}}}}, Documents: []Hash{hashes[1]},
	}}
	warrant.Signature = signer.Sign(contextWarrant, warrant.signed())
	back := ReturnRequest{
		Slot: "0010", Spare: "0011", TLS: []byte{1}, Sealing: []byte{2}, SigningCert: []byte{3}, TLSCert: []byte{4}, Logs: []Head{{Log: uplink, At: at}},
		Former: []string{"41-0008"}, Users: []User{{Name: "rahima", Centre: "41-09-17", Role: "entrepreneur", Hash: "$argon2id$", From: 1}},
		GossipKey: bytes.Repeat([]byte{2}, 32), Gossip: "127.0.0.1:7946",
	}
	back.Sign(signer)
	turnedBack := ReturnRequest{Slot: "0010", Spare: "0011", TLS: []byte{1}, Sealing: []byte{2}, SigningCert: []byte{3}, TLSCert: []byte{4}, SealsTo: identity.KeyID{1}}
	turnedBack.Sign(signer)
	shelved := Shelved{Slot: "0010", Versions: [][]byte{{1}}, Directory: []byte{2}, Signed: []byte{3}}
	shelved.Sign(signer)
	shelvedOrigin := Shelved{Slot: "0010", Signed: []byte{3}, Origin: []byte{4}}
	shelvedOrigin.Sign(signer)
	voucher := Voucher([]byte("certificate"))
	attestation := Attestation{
		Number: "TL-41-09-17-000051", Service: "trade-licence", Holders: [][16]byte{HolderHash("TL-41-09-17-000051", "রহিমা খাতুন")},
		Issued: 1_795_000_000, Expires: 1_826_500_000, Provisional: true, At: 1_795_000_100,
	}
	attestation.Sign([]byte("certificate"), signer)
	fare := Fare{
		Release: 5, Run: 7, InForce: true, Filed: []FarePlace{{Service: "land-mutation", Count: 3}},
		Refused: []FarePlace{{Service: "land-mutation", Place: "/form/mouza", Count: 2}},
	}
	ask := CertificateAsk{Slot: "0010", Number: "TL-41-09-17-000051", Mobile: "5678"}
	ask.Sign(signer)
	return map[string][]byte{
		"event-visit":         Marshal(&Event{Kind: HandedOver, At: 5, Actor: "rahima", Number: 4100109292280148, Payload: Marshal(&HandOver{Proof: "nid"}), Visit: VisitHandOver}),
		"submission-renews":   Marshal(&Submission{Channel: "centre", Form: []byte(`{}`), Applicant: []byte(`{}`), Renews: &Renewed{Number: "TL-41-09-17-000051", Expires: 6}}),
		"issued-renewal":      Marshal(&UnionAct{Action: "issue", Token: 3, Certificate: &Certificate{Serial: 52, Number: "TL-41-09-17-000052", Issued: 5, Expires: 6, Renews: "TL-41-09-17-000051"}}),
		"standing-renewed":    Marshal(&Standing{Number: 4100109292280148, Stage: "CLOSED", Since: 5, Version: 9, Certificate: &CertificateWord{Number: "TL-41-09-17-000051", State: CertificateRenewed, Expires: 6, By: "TL-41-09-17-000052", Ended: 5, Copies: 2}}),
		"standing-revoked":    Marshal(&Standing{Number: 4100109292280148, Stage: "CLOSED", Since: 5, Version: 9, Certificate: &CertificateWord{Number: "TL-41-09-17-000051", State: CertificateRevoked, Expires: 6, Ended: 5, Reason: "other"}}),
		"certificate-copy":    Marshal(&CertificateCopy{Certificate: "TL-41-09-17-000051", Copy: 2, Reason: "burnt"}),
		"revoked-certificate": Marshal(&RevokedCertificate{Number: "TL-41-09-17-000051", Service: "trade-licence", Issued: 4, Expires: 6, At: 5}),
		"certificate-ask":     Marshal(&ask),
		"certificate-told":    Marshal(&CertificateTold{Form: []byte(`{}`), Applicant: []byte(`{}`), Code: "KENDRO:V1:"}),
		"attestation":         []byte(attestation.Text()),
		"message-voucher":     Marshal(&Message{Epoch: &voucher}),
		"supplement-sealed":   Marshal(&Supplement{Documents: []Document{{Kind: "statement", Hash: Hash{1}, Size: 9, Type: 4}}, Secret: &Confidential{Sealed: []byte{1}}}),
		"message-fare":        Marshal(&Message{Fare: &fare}),
		"message-forgotten":   Marshal(&Message{Forgotten: &Forgotten{Log: LogID{Channel: Inbox, Name: "41-09-17", Incarnation: 7}, At: at, Since: 5}}),
		"hello-forgets":       Marshal(&Message{Hello: &Hello{Version: 1, Forgets: true}}),
		"message-inquiry":     Marshal(&Message{Inquiry: &Inquiry{ID: 7, Number: 4100109292280148}}),
		"message-told": Marshal(&Message{Inquiry: &Inquiry{ID: 7, Number: 4100109292280148, Told: &Told{
			Standing: Standing{Number: 4100109292280148, Stage: "RECEIVED", Office: "dc-41", Since: 5, Version: 2}, Custody: "SEEN", AsOf: 6,
		}}}),
		"message-told-owed": Marshal(&Message{Inquiry: &Inquiry{ID: 7, Number: 4100109292280148, Told: &Told{
			Standing: Standing{Number: 4100109292280148, Stage: "FEE_LAPSED", Since: 5, Version: 9}, Custody: "SEEN", AsOf: 6,
			Demand: &Demand{Version: 7, For: ForIssue, Owed: 14000, PayBy: 1_795_000_000, Lapsed: true},
		}}}),
		"message-not-told": Marshal(&Message{Inquiry: &Inquiry{ID: 7, Number: 4100109292280148, Fault: &Failure{Kind: fault.NotFound, Op: "remote", Item: "x", Text: "no such number"}}}),
		"hello-answers":    Marshal(&Message{Hello: &Hello{Version: 1, Answers: true}}),
		"trial":            Marshal(&Trial{Signed: Marshal(1), Centres: []string{"41-09-17"}, For: 60_000}),
		"trial-over":       Marshal(&TrialOver{Release: 5, Reason: "operator"}),
		"lease":            Marshal(&Lease{Service: "trade-licence", Office: "local-41-09-17", Token: 3, Slot: "0010", From: 5, Until: 6, Numbers: []Serial{{First: 51, Last: 100}}, Prefix: "TL-41-09-17-"}),
		"erasure": Marshal(&Erasure{
			Cases:  []ErasedCase{{Number: 4100109292280148, Stage: "REJECTED", At: 5, By: place.Seat{Post: "dc", Office: "dc-41"}, Basis: "Data Protection Act, s. 13"}},
			Places: []ErasedPlaces{{Log: uplink, At: []Position{{Seq: 1, Hash: hashes[0]}, {Seq: 4, Hash: hashes[1]}}}}, Documents: []Hash{hashes[1]},
		}),
		"warrant":             Marshal(&warrant),
		"sealing-turn":        Marshal(&SealingTurn{Recipients: [][]byte{{1}, {2}}, At: 5}),
		"sealing-word":        Marshal(&SealingWord{Key: identity.KeyID{1}}),
		"return-turned":       Marshal(&turnedBack),
		"warrants":            Marshal(&Warrants{List: []Warrant{warrant}}),
		"erased-event":        ErasedRaw(hashes[1]),
		"lease-asked":         Marshal(&LeaseRequest{Service: "trade-licence", Token: 3, Left: 20}),
		"acted-at-union":      Marshal(&UnionAct{Action: "issue", Token: 3, Certificate: &Certificate{Serial: 51, Number: "TL-41-09-17-000051", Issued: 5, Expires: 6}}),
		"asked-at-union":      Marshal(&UnionAct{Action: "request-info", Text: "which shop?", Token: 3, Items: []string{"form.address", "photo"}}),
		"cited-at-union":      Marshal(&UnionAct{Action: "decide", Opinion: "approve", Text: "in order", Token: 3, Cites: []string{"form.capital_taka", "applicant.mobile"}}),
		"checked-at-union":    Marshal(&UnionAct{Action: "check", Check: "site-visit", Token: 3, Document: &Document{Kind: "site-visit", Hash: Hash{1}, Size: 1000, Type: 2}}),
		"standing-certified":  Marshal(&Standing{Number: 4100109292280148, Stage: "READY", Since: 5, Version: 9, Certificate: &CertificateWord{Number: "TL-41-09-17-000051", State: CertificateConfirmed, Expires: 6}}),
		"user-officer":        Marshal(&User{Name: "salma", Centre: "41-09-17", Role: "officer", Hash: "$argon2id$", From: 1, Post: "secretary", Office: "local-41-09-17"}),
		"user-trained":        Marshal(&User{Name: "rahima", Centre: "41-09-17", Role: "entrepreneur", Gender: "f", Hash: "$argon2id$", From: 1, Trained: []Trained{{Tag: "bmet-demo"}, {Tag: "platform", Until: 1_826_500_000}}}),
		"renew-request":       Marshal(&RenewRequest{Slot: "0010", Signing: signer.Public(), TLS: []byte{1}, TLSCert: []byte{2}, Proof: []byte{3}}),
		"refounding":          Marshal(&refounding),
		"assurance":           Marshal(&Assurance{Refounded: &refounding, Before: []Head{{Log: uplink, At: at}}}),
		"assurance-backed":    Marshal(&Assurance{Backed: &Watermark{Index: 41, At: 5, Until: 6}}),
		"return-request":      Marshal(&back),
		"returned":            Marshal(&Returned{Refounded: &refounding, Release: 3}),
		"shelved":             Marshal(&shelved),
		"shelved-origin":      Marshal(&shelvedOrigin),
		"renewal":             Marshal(&Renewal{TLSCert: []byte{1}, SigningCert: []byte{2}}),
		"recovery":            Marshal(&recovery),
		"given-up":            Marshal(&GivenUp{Log: uplink, At: at, Seq: 2, Why: GivenUpForked}),
		"contacts-keys":       Marshal(&Contacts{Servers: []string{"127.0.0.1:7443"}, GossipKey: bytes.Repeat([]byte{2}, 32), OtherKeys: [][]byte{bytes.Repeat([]byte{3}, 32)}}),
		"contacts-former":     Marshal(&Contacts{Servers: []string{"127.0.0.1:7443"}, Former: []string{"41-0010"}, Revoked: []identity.KeyID{signer.ID()}}),
		"event-submitted":     events[0],
		"event-settings":      raw,
		"chain-hash-1":        hashes[1][:],
		"chain-hash-2":        hashes[2][:],
		"log-uplink":          Marshal(&uplink),
		"head":                Marshal(&Head{Log: uplink, At: at}),
		"receipt":             Marshal(&receipt),
		"acknowledgement":     Marshal(&ack),
		"block-plain":         Marshal(&block),
		"acceptance":          Marshal(&Acceptance{Log: uplink, First: 1, Last: 2, Index: 41, At: 5}),
		"standing":            Marshal(&Standing{Number: 4100109292280148, Stage: "UNDER_REVIEW", Office: "dc-41", Since: 5, Version: 3}),
		"user":                Marshal(&User{Name: "rahima", Centre: "41-09-17", Role: "entrepreneur", Gender: "f", Hash: "$argon2id$", From: 1}),
		"hello":               Marshal(&Message{Hello: &Hello{Version: 1, Have: []Head{{Log: uplink, At: at}}, Want: []LogID{{Channel: Catalogue, Name: "41", Incarnation: 7}}}}),
		"hello-newest":        Marshal(&Message{Hello: &Hello{Version: 1, Newest: 1, Reads: 1<<CodecPlain | 1<<CodecZstd | 1<<CodecDictionary1}}),
		"join-token":          []byte(token.Encode()),
		"signer-public":       signer.Public(),
		"number-of-nonce":     []byte(mint(t, "12345678").String()),
		"refused":             Marshal(&Message{Refused: &Refused{Log: uplink, Seq: 3, Code: 4, Text: "fork"}}),
		"enrolment-empty":     Marshal(&Enrolment{District: "41", ID: "41-09-17", Slot: "0010", Spare: "0011"}),
		"rpc-call":            Marshal(&Call{Method: "ingest", Body: Marshal(1)}),
		"rpc-reply-failure":   Marshal(&Reply{Fault: &Failure{Kind: 5, Op: "hub.Do", Text: "no leader"}}),
		"message-want":        Marshal(&Message{Want: &Want{Log: uplink, From: at}}),
		"message-offer":       Marshal(&Message{Offer: &Offer{Documents: []Offered{{Hash: Hash{5}, Size: 150_000}}}}),
		"message-chunk":       Marshal(&Message{Chunk: &Chunk{Hash: Hash{5}, Size: 150_000, Index: 4, Epoch: [16]byte{6}, Counter: 9, Body: []byte("sealed")}}),
		"message-taken":       Marshal(&Message{Taken: &Taken{Hash: Hash{5}, State: TakenPart, Pieces: []byte{0x0d}}}),
		"hello-documents":     Marshal(&Message{Hello: &Hello{Version: 1, Documents: TakesDocuments}}),
		"submission-scanned":  Marshal(&Submission{Channel: "centre", Form: []byte(`{}`), Applicant: []byte(`{}`), Documents: []Document{{Kind: "nid", Hash: Hash{5}, Size: 150_000, Type: 2}}}),
		"supplement":          Marshal(&Supplement{Documents: []Document{{Kind: "nid", Hash: Hash{5}, Size: 150_000, Type: 2}}}),
		"documents-held":      Marshal(&HeldDocuments{Hashes: []Hash{{5}}}),
		"standing-asked":      Marshal(&Standing{Number: 4100109292280148, Stage: "INFO_REQUESTED", Office: "dc-41", Since: 5, Version: 3, Reason: "unreadable", Items: []string{"nid"}}),
		"message-busy":        Marshal(&Message{Busy: &Busy{RetryMillis: 250}}),
		"message-heads":       Marshal(&Message{Heads: []Head{{Log: uplink, At: at}}}),
		"message-passed":      Marshal(&Message{Passed: &Passed{Ack: ack, Cert: []byte("certificate")}}),
		"hello-shorthand":     Marshal(&Message{Hello: &Hello{Version: 1, Shorthand: ShorthandVersion}}),
		"short-block":         short[0],
		"short-ack":           short[1],
		"short-head":          short[2],
		"hello-bases":         Marshal(&Message{Hello: &Hello{Version: 1, Bases: BaseFormat}}),
		"message-base":        Marshal(&Message{Base: &base}),
		"hello-shelves":       Marshal(&Message{Hello: &Hello{Version: 1, Shelves: NeedsShelf}}),
		"message-shelf-base":  Marshal(&Message{Base: &shelfBase}),
		"shelf-places":        Marshal(&places),
		"ended":               Marshal(&Ended{Log: uplink, Stage: "APPROVED", By: 5, Runs: []uint64{0, 7, 2, 1}}),
		"hello-every":         Marshal(&Message{Hello: &Hello{Version: 1, Every: []Channel{Uplink}}}),
		"submission-complete": Marshal(&Submission{Channel: "centre", Form: []byte(`{}`), Applicant: []byte(`{}`), Originals: []string{"nid"}, Fees: []Fee{{Kind: "government", Poisha: 2000}}}),
	}
}

// shortFrames are a block, an acknowledgement and a head of one log with their
// lengths, as each is written when the same was said once before.
func shortFrames(t *testing.T, signer *identity.Signer) (frames [3][]byte) {
	t.Helper()
	blocks := chain(t, 2, nil, signer)
	acks := make([]Ack, 2)
	for i := range acks {
		h := &blocks[i].Header
		acks[i] = Ack{Log: h.Log, At: Position{Seq: h.Last, Hash: h.End}, Index: 41 + uint64(i), Incarnation: 7}
		acks[i].Sign(signer)
	}
	a, b := meeting(t, ShorthandVersion)
	for i := range blocks {
		frames[0] = pass(t, a, b, &Message{Block: &blocks[i]})
		frames[1] = pass(t, b, a, &Message{Ack: &acks[i]})
		frames[2] = pass(t, b, a, &Message{Heads: []Head{{Log: acks[i].Log, At: acks[i].At}}})
	}
	return frames
}

func TestGoldenVectors(t *testing.T) {
	var kept []vector
	b, err := os.ReadFile(vectorFile)
	if err != nil && !*addVectors {
		t.Fatal(err)
	}
	if err == nil {
		if err := json.Unmarshal(b, &kept); err != nil {
			t.Fatal(err)
		}
	}
	now := vectors(t)
	maps.Copy(now, caseVectors(t))
	for _, v := range kept {
		got, ok := now[v.Name]
		if !ok {
			t.Errorf("vector %s has lost its value: old vectors are never dropped", v.Name)
			continue
		}
		if hex.EncodeToString(got) != v.Hex {
			t.Errorf("%s encodes as\n%x; want\n%s", v.Name, got, v.Hex)
		}
		delete(now, v.Name)
	}
	if *addVectors {
		appendVectors(t, kept, now)
		return
	}
	for name := range now {
		t.Errorf("%s is not in %s: run with -add-vectors", name, vectorFile)
	}
}

func appendVectors(t *testing.T, kept []vector, fresh map[string][]byte) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(fresh)) {
		kept = append(kept, vector{Name: name, Hex: hex.EncodeToString(fresh[name])})
	}
	b, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorFile, append(b, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The sealed vector is opened, not made: compression and sealing are free to
// choose other bytes, but what was sealed once must open for ever.
func TestSealedVectorStillOpens(t *testing.T) {
	var v struct{ Key, Epoch, Block string }
	b, err := os.ReadFile("testdata/sealed.json")
	if *addVectors && os.IsNotExist(err) {
		writeSealed(t)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	key, err := identity.SealingKeyFromBytes(unhex(t, v.Key))
	if err != nil {
		t.Fatal(err)
	}
	var e Epoch
	var block Block
	for s, to := range map[string]any{v.Epoch: &e, v.Block: &block} {
		if err := Unmarshal(unhex(t, s), MaxMessage, "vector", to); err != nil {
			t.Fatal(err)
		}
	}
	opened, err := identity.OpenWrap(key, e.ID, e.Wraps)
	if err != nil {
		t.Fatal(err)
	}
	p := NewPacker()
	defer p.Close()
	items, err := p.Open(&block, opened)
	if err != nil {
		t.Fatal(err)
	}
	events, hashes := history(t, 2)
	if len(items) != 2 || !bytes.Equal(items[1].Raw, events[1]) || items[1].Hash != hashes[2] {
		t.Error("sealed vector opens to other events")
	}
}

func writeSealed(t *testing.T) {
	t.Helper()
	key := identity.NewSealingKey()
	epoch, err := identity.NewEpoch(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	signer := identity.NewSigner()
	events, hashes := history(t, 2)
	p := NewPacker()
	defer p.Close()
	block, err := p.Pack(run(events, hashes, 0, 2), epoch, signer)
	if err != nil {
		t.Fatal(err)
	}
	e := NewEpoch(epoch, nil, signer)
	b, err := json.MarshalIndent(map[string]string{
		"key": hex.EncodeToString(key.Bytes()), "epoch": hex.EncodeToString(Marshal(&e)), "block": hex.EncodeToString(Marshal(&block)),
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/sealed.json", append(b, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
