package catalogue

import (
	"cmp"
	"slices"
)

// A Fate says what became of a proposal. Every proposal has one.
type Fate uint8

// The fates. The first two wait: which of merged and conflict a waiting proposal is, the
// others of its field decide.
const (
	Waiting  Fate = 1
	Accepted Fate = 2 // The authority chose it; it waits for a release.
	Declined Fate = 3
	Replaced Fate = 4 // Who made it made another on the same field.
	InForce  Fate = 5
)

func (f Fate) String() string {
	return [...]string{"", "waiting", "accepted", "declined", "replaced", "in-force"}[f]
}

// A Proposal is a change of one field that an office asks for. Values are as JSON.
type Proposal struct {
	ID      string `cbor:"1,keyasint" json:"id"`
	Service string `cbor:"2,keyasint" json:"service"`
	Field   string `cbor:"3,keyasint" json:"field"`
	Was     string `cbor:"4,keyasint" json:"was"` // What its maker saw.
	Value   string `cbor:"5,keyasint" json:"value"`
	Reason  string `cbor:"6,keyasint" json:"reason"`
	Release int    `cbor:"7,keyasint" json:"release"` // In which its maker saw it.
	By      string `cbor:"8,keyasint" json:"by"`
	Office  string `cbor:"9,keyasint" json:"office"`
	At      int64  `cbor:"10,keyasint" json:"at"` // Unix milliseconds.

	Fate      Fate   `cbor:"11,keyasint" json:"-"`
	Words     string `cbor:"12,keyasint,omitempty" json:"words,omitempty"` // Of who settled it.
	SettledBy string `cbor:"13,keyasint,omitempty" json:"settled_by,omitempty"`
	SettledAt int64  `cbor:"14,keyasint,omitempty" json:"settled_at,omitempty"` // Unix milliseconds.
	Since     int    `cbor:"15,keyasint,omitempty" json:"since,omitempty"`      // The release that put it in force.
}

// A Meeting is what the proposals on one field come to.
type Meeting struct {
	Service   string
	Field     string
	Has       string // What is in force; empty where the field is gone.
	Conflict  string // Why the authority has to choose; empty where they merge by themselves.
	Value     string // What they merge to, or what was chosen.
	Proposals []*Proposal
}

// The reasons for a conflict.
const (
	ConflictValues = "two values"
	ConflictMoved  = "the field has changed since"
	ConflictGone   = "the field is gone"
)

// Merge puts the proposals that wait together field by field: a three-way merge of each
// value with what its maker saw and what is in force. Fields are apart, so proposals on
// different fields merge by themselves; on one field they merge where all ask for one
// value and it is still what they saw. has says what is in force. The result is the same
// for any order of the list, and every waiting proposal is in exactly one meeting.
func Merge(list []*Proposal, has func(service, field string) (string, bool)) []Meeting {
	waiting := slices.DeleteFunc(slices.Clone(list), func(p *Proposal) bool { return p.Fate != Waiting && p.Fate != Accepted })
	slices.SortFunc(waiting, func(a, b *Proposal) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Field, b.Field), cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID))
	})
	var out []Meeting
	for _, p := range waiting {
		if n := len(out); n > 0 && out[n-1].Service == p.Service && out[n-1].Field == p.Field {
			out[n-1].Proposals = append(out[n-1].Proposals, p)
			continue
		}
		m := Meeting{Service: p.Service, Field: p.Field, Proposals: []*Proposal{p}}
		m.Has, _ = has(p.Service, p.Field)
		out = append(out, m)
	}
	for i := range out {
		out[i].settle()
	}
	return out
}

// settle says whether the proposals of a field merge.
func (m *Meeting) settle() {
	m.Value = m.Proposals[0].Value
	for _, p := range m.Proposals {
		switch { // What weighs more stands: a field that is gone, then two values.
		case m.Has == "":
			m.Conflict = ConflictGone
		case p.Value != m.Value:
			m.Conflict = ConflictValues
		case m.Conflict == "" && p.Fate != Accepted && p.Was != m.Has:
			m.Conflict = ConflictMoved
		}
	}
	if m.Conflict != "" {
		m.Value = ""
	}
}
