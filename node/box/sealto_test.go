package box

import (
	"fmt"
	"testing"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// TestRow36NothingUnderTheKeyBeforeTheWord: behind the word that the box seals to a key, its log
// has nothing that was sealed to the one before, though it was sealed just before the word.
func TestRow36NothingUnderTheKeyBeforeTheWord(t *testing.T) {
	old, next := identity.NewSealingKey(), identity.NewSealingKey()
	secret := func(to *identity.SealingKey) *protocol.Confidential {
		c, err := protocol.Conceal(to.Public(), &protocol.Secret{Text: "x"})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	number := protocol.Number(0)
	filed := func(kind protocol.Kind, payload any) filing {
		number++
		f := filing{key: fmt.Sprint(kind), number: number, verdict: make(chan verdict, 2), event: protocol.Event{Kind: kind, Payload: protocol.Marshal(payload)}}
		f.sealedTo = sealedTo(&f.event)
		return f
	}
	word := filed(protocol.SealingHeard, &protocol.SealingWord{Key: next.ID()})
	for what, of := range map[string]func(*protocol.Confidential) filing{
		"an application": func(c *protocol.Confidential) filing {
			return filed(protocol.Submitted, &protocol.Submission{Channel: "counter", Secret: c})
		},
		"a supplement": func(c *protocol.Confidential) filing {
			return filed(protocol.Supplied, &protocol.Supplement{Secret: c})
		},
		"a correction": func(c *protocol.Confidential) filing {
			return filed(protocol.Corrected, &protocol.Correction{Secret: c})
		},
		"an appeal": func(c *protocol.Confidential) filing { return filed(protocol.Appealed, &protocol.Appeal{Secret: c}) },
	} {
		before, late, fresh, open := of(secret(old)), of(secret(old)), of(secret(next)), of(nil)
		late.key, fresh.key, open.key = "late", "fresh", "open"
		b := &batch{}
		for _, f := range []filing{before, word, late, fresh, open} {
			b.file(f)
		}
		for i := range b.files {
			b.judgeOne(&b.files[i], 0, false)
		}
		if len(b.placed) != 4 || b.placed[0].key != before.key || b.placed[2].key != "fresh" || b.placed[3].key != "open" {
			t.Errorf("%s: %d are placed; want all but the late one", what, len(b.placed))
		}
		select {
		case v := <-late.verdict:
			if fault.KindOf(v.err) != fault.Unavailable {
				t.Errorf("%s: the late one is answered %+v", what, v)
			}
		default:
			t.Errorf("%s: the late one is not answered", what)
		}
	}
}
