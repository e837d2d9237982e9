package hubtest

import (
	"crypto/sha256"
	"slices"

	"kendro/document"
	"kendro/domain/place"
	"kendro/hub"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
)

// DrawKey has a server draw the district's next sealing key under an ID, as soon as every
// other one answers.
func (g *Group) DrawKey(s *Server, id string) (drawn *register.Generation) {
	g.tb.Helper()
	g.Wait("the key to be drawn", func() bool {
		var err error
		drawn, err = hub.KeyTurner(s.Hub)(g.tb.Context(), register.ActorControl, id)
		return err == nil
	})
	return drawn
}

// TurnKey has the district's sealing key turn, and every box hear of it with its next mail.
func (g *Group) TurnKey(id string) identity.KeyID {
	g.tb.Helper()
	drawn := g.DrawKey(g.Leader(), id)
	g.Wait("every server to hold the key", func() bool {
		reg := g.Leader().Hub.Register()
		all := reg.Generations()
		return len(reg.Lacking(all[len(all)-1])) == 0
	})
	g.Do(g.Leader(), register.AnnounceSealing, register.SealingNamed{Key: drawn.Key()})
	return drawn.Key()
}

// Turn has a box seal to whom its inbox named last, and say so in its log, as a real one
// does when it hears; false where the inbox names nobody.
func Turn(b *Box) bool {
	b.tb.Helper()
	for _, e := range slices.Backward(b.Inbox()) {
		if e.Kind != protocol.SealingTold {
			continue
		}
		var told protocol.SealingTurn
		err := e.Decode(&told)
		if err == nil {
			err = told.Check()
		}
		if err != nil {
			b.tb.Fatal(err)
		}
		SealTo(b, told.Recipients...)
		word := &protocol.SealingWord{Key: identity.IDOf(told.Recipients[0])}
		b.append(&protocol.Event{Kind: protocol.SealingHeard, At: b.now().UnixMilli(), Nonce: drawNonce(), Payload: protocol.Marshal(word)})
		return true
	}
	return false
}

// SealTo has a box seal its blocks to some keys, as an older copy of it would.
func SealTo(b *Box, recipients ...[]byte) {
	b.tb.Helper()
	epoch, err := identity.NewEpoch(recipients...)
	if err != nil {
		b.tb.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.epoch, b.intro = epoch, protocol.NewEpoch(epoch, nil, b.signer)
}

// Complain has a box file a grievance that says something, sealed to a key, with documents that are
// sealed already.
func Complain(b *Box, to []byte, says string, docs ...protocol.Document) protocol.Number {
	b.tb.Helper()
	body, err := b.sampler.Body("grievance", b.seed, place.Centre(b.Enrolment.ID))
	b.seed++
	if err != nil {
		b.tb.Fatal(err)
	}
	app, fields, err := b.intake.Check(body, "", b.now())
	if err != nil || len(fields) > 0 {
		b.tb.Fatalf("a sample of a grievance is none: %v %v", err, fields)
	}
	e := Submitted(app, b.now())
	var s protocol.Submission
	if err := e.Decode(&s); err != nil {
		b.tb.Fatal(err)
	}
	secret, err := protocol.Conceal(to, &protocol.Secret{Form: s.Form, Applicant: s.Applicant, Text: says})
	if err != nil {
		b.tb.Fatal(err)
	}
	s.Form, s.Applicant, s.Secret, s.Documents = nil, nil, secret, docs
	e.Payload = protocol.Marshal(&s)
	return b.append(e)
}

// Sealed makes a document as a box keeps it that has sealed it to a key; what it seals is as
// that of Scan.
func (s *Scans) Sealed(to []byte, seed, size int) (d protocol.Document, plain []byte) {
	s.box.tb.Helper()
	plain = s.Content(s.Scan(seed, size).Hash)
	c, err := protocol.ConcealDocument(to, plain)
	if err != nil {
		s.box.tb.Fatal(err)
	}
	content := document.Enclose(protocol.Marshal(c))
	h := protocol.Hash(sha256.Sum256(content))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.docs[h] = content
	s.order[len(s.order)-1] = h
	return protocol.Document{Kind: "evidence", Hash: h, Size: uint32(len(content)), Type: uint8(document.Sealed)}, plain
}
