package gossip

import (
	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// An Advert says how far a centre holds its own log, where it takes sessions, and
// whether it has a link to its hub. Stamp orders adverts of one centre: about
// different logs (a log begun anew), and about one and the same head.
type Advert struct {
	_         struct{} `cbor:",toarray"`
	Centre    string
	Head      protocol.Head
	Stamp     int64
	Sync      string // host:port of its sessions; a host that means every address is to be read as the one that gossip sees.
	Linked    bool   // It speaks with a server just now.
	Signature []byte
}

// firstAdvert is an advert as the first version made it, without Sync and Linked.
type firstAdvert struct {
	_         struct{} `cbor:",toarray"`
	Centre    string
	Head      protocol.Head
	Stamp     int64
	Signature []byte
}

const (
	contextFirst  = "kendro-advert-1"
	contextAdvert = "kendro-advert-2"
	maxAdvert     = 1 << 10
	maxState      = 256 << 10 // Adverts of one exchange.

	firstShape = 0x84 // The CBOR head of an array of four.
)

func (a Advert) signed() []byte {
	a.Signature = nil
	return protocol.Marshal(&a)
}

// Sign returns the encoded advert, signed by its centre. Stamp grows from one
// advert of the centre to the next, such as the Unix time in milliseconds.
func (a Advert) Sign(s *identity.Signer) []byte {
	a.Signature = s.Sign(contextAdvert, a.signed())
	return protocol.Marshal(&a)
}

// ParseAdvert decodes an advert of either version and checks its bounds, else
// [fault.Invalid]. It says nothing about who made it.
func ParseAdvert(b []byte) (Advert, error) {
	var a Advert
	if len(b) > 0 && b[0] == firstShape {
		var f firstAdvert
		if err := protocol.Unmarshal(b, maxAdvert, "advert", &f); err != nil {
			return a, err
		}
		a = Advert{Centre: f.Centre, Head: f.Head, Stamp: f.Stamp, Signature: f.Signature}
	} else if err := protocol.Unmarshal(b, maxAdvert, "advert", &a); err != nil {
		return a, err
	}
	if a.Centre == "" || len(a.Centre) > protocol.MaxName || len(a.Sync) > protocol.MaxName {
		return a, fault.New("gossip.ParseAdvert", fault.Invalid, "advert", "centre or address out of bounds")
	}
	return a, a.Head.Log.Check()
}

// Verify reports whether public, a centre's signing key, signed the advert.
func (a *Advert) Verify(public []byte) bool {
	if identity.Verify(public, contextAdvert, a.signed(), a.Signature) {
		return true
	}
	if a.Sync != "" || a.Linked {
		return false
	}
	first := firstAdvert{Centre: a.Centre, Head: a.Head, Stamp: a.Stamp}
	return identity.Verify(public, contextFirst, protocol.Marshal(&first), a.Signature)
}

// newer reports whether a tells more than b.
func (a *Advert) newer(b *Advert) bool {
	if a.Head.Log == b.Head.Log && a.Head.At.Seq != b.Head.At.Seq {
		return a.Head.At.Seq > b.Head.At.Seq
	}
	return a.Stamp > b.Stamp
}
