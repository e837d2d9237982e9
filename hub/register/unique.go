package register

import (
	"bytes"

	"kendro/domain/application"
	"kendro/protocol"
)

// A fact such as a birth happens once. A version says by which answers it is known;
// the leader puts them into the entry, and the register looks whether an earlier case
// is about the same. All of it is since format 4.

// maxNear bounds how far two dates of one fact may lie apart.
const maxNear = 31

// factState is the value of a fact's key, which holds the rest.
type factState struct {
	_    struct{} `cbor:",toarray"`
	Name string
}

// facts finds the case that is about the same.
type facts struct{ courses }

func (s facts) prefix(c *Case, f *application.Fact) []byte {
	return key(tagFact, nameKey(s.world.founding.Incarnation, "fact", c.Service, clip(f.Who, maxRecord)))
}

// day sorts also what was before 1970.
func day(d int64) []byte { return u64(uint64(d) ^ 1<<63) }

// tell keeps what a new case is about. An earlier one that is about the same becomes
// its likely original: an item, until which is settled no approval is possible.
func (s facts) tell(c *Case, f *application.Fact) {
	if s.format < 4 || f.Who == "" {
		return
	}
	prefix := s.prefix(c, f)
	near := min(max(f.Near, 0), maxNear)
	name := clip(f.Name, maxRecord)
	from, until := append(bytes.Clone(prefix), day(f.Day-near)...), append(bytes.Clone(prefix), day(f.Day+near+1)...)
	var same []protocol.Number
	s.keep(s.tx.Scan(prefix, from, func(k, raw []byte) (bool, error) {
		if bytes.Compare(k, until) >= 0 || len(k) != len(prefix)+16 {
			return false, nil
		}
		var other factState
		if err := decodeState(k, raw, &other); err != nil {
			return false, err
		}
		if !f.Twin || other.Name == name {
			same = append(same, numberOf(k[len(k)-8:]))
		}
		return len(same) < maxTwins, nil
	}))
	k := append(append(prefix, day(f.Day)...), u64(uint64(c.Number))...)
	if s.has(k) {
		return
	}
	s.put(k, &factState{Name: name})
	if c.Likely = s.standing(same, c.Number); c.Likely == 0 {
		return
	}
	s.open(c, Item{Kind: ItemLikely, Text: likelyText + c.Likely.String(), Event: Source{Log: c.Log, At: c.At}, Centre: c.Centre})
	s.put(caseKey(c.Number), c)
}

// standing is the first of the cases, but one, that still stands for its fact.
func (s facts) standing(list []protocol.Number, but protocol.Number) protocol.Number {
	for _, n := range list {
		c := &Case{}
		if n != but && s.get(caseKey(n), c) && c.State.Stage != application.Withdrawn && c.State.Stage != application.Rejected {
			return n
		}
	}
	return 0
}

const likelyText = "it may be about the same as "

// distinct notes that an officer found two cases to be about two things.
func (s facts) distinct(n protocol.Number) {
	c := &Case{}
	if s.get(caseKey(n), c) && c.Likely != 0 {
		c.Likely = 0
		s.put(caseKey(n), c)
	}
}
