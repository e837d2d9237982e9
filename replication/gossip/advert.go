package gossip

import (
	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// An Advert says how far a centre holds its own log. Stamp orders adverts about
// different logs of one centre (a log begun anew); within one log the sequence
// does.
type Advert struct {
	_         struct{} `cbor:",toarray"`
	Centre    string
	Head      protocol.Head
	Stamp     int64
	Signature []byte
}

const (
	contextAdvert = "kendro-advert-1"
	maxAdvert     = 1 << 10
	maxState      = 256 << 10 // Adverts of one exchange.
)

func (a Advert) signed() []byte {
	a.Signature = nil
	return protocol.Marshal(&a)
}

// SignAdvert returns the encoded advert of a centre. stamp grows from one log of
// the centre to the next, such as the Unix time in milliseconds.
func SignAdvert(centre string, head protocol.Head, stamp int64, s *identity.Signer) []byte {
	a := Advert{Centre: centre, Head: head, Stamp: stamp}
	a.Signature = s.Sign(contextAdvert, a.signed())
	return protocol.Marshal(&a)
}

// ParseAdvert decodes an advert and checks its bounds, else [fault.Invalid]. It
// says nothing about who made it.
func ParseAdvert(b []byte) (Advert, error) {
	var a Advert
	if err := protocol.Unmarshal(b, maxAdvert, "advert", &a); err != nil {
		return a, err
	}
	if a.Centre == "" || len(a.Centre) > protocol.MaxName {
		return a, fault.New("gossip.ParseAdvert", fault.Invalid, "advert", "centre out of bounds")
	}
	return a, a.Head.Log.Check()
}

// Verify reports whether public, a centre's signing key, signed the advert.
func (a *Advert) Verify(public []byte) bool {
	return identity.Verify(public, contextAdvert, a.signed(), a.Signature)
}

// newer reports whether a tells more than b.
func (a *Advert) newer(b *Advert) bool {
	if a.Head.Log == b.Head.Log {
		return a.Head.At.Seq > b.Head.At.Seq
	}
	return a.Stamp > b.Stamp
}
