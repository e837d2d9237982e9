package api

import (
	"encoding/json"
	"strings"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// A Found is one application that a search found, or that is like another. Reading
// the whole record is a call of its own, and is recorded.
type Found struct {
	Number      protocol.Number     `json:"number"`
	Service     ServiceRef          `json:"service"`
	Stage       string              `json:"stage"`
	Applicant   place.Name          `json:"applicant"`
	Centre      string              `json:"centre"`
	SubmittedAt Time                `json:"submitted_at"`
	Fit         int                 `json:"fit" doc:"0 to 100: how well the name fits, 100 where a number was asked for"`
	Grade       string              `json:"grade,omitempty" enum:"possible,likely,doubtful" doc:"Of a similar case: doubtful is one identifier on two people"`
	Because     []string            `json:"because,omitempty" doc:"Of a similar case: what agrees and what does not"`
	Elsewhere   *protocol.Elsewhere `json:"elsewhere,omitempty" doc:"How another system knows it, from which it was taken over"`

	Said []Opinion `json:"said,omitempty" doc:"Of a similar case: what officers found out, the newest last; that one holds"`
}

// SearchInput is what GET /v1/search asks.
type SearchInput struct {
	Text  string   `query:"q" maxLength:"200" doc:"A receive number, another system's number, a mobile, an identifier, or words of a name in Bangla or Latin letters"`
	Field []string `query:"field" maxItems:"8" doc:"A field of the form and what it says, such as khatian_no:123; may be repeated"`
	Limit int      `query:"limit" minimum:"1" maximum:"100" default:"20"`
}

// Fields are the fields of the form that are asked for, and what they are to say.
func (in *SearchInput) Fields() (map[string]string, error) {
	fields := map[string]string{}
	for _, f := range in.Field {
		name, value, ok := strings.Cut(f, ":")
		if !ok || name == "" || value == "" {
			return nil, fault.New("api.search", fault.Invalid, "field", "want a field and what it says, such as khatian_no:123")
		}
		fields[name] = value
	}
	return fields, nil
}

// AlikeRequest is the body of POST /v1/applications/similar.
type AlikeRequest struct {
	Service   string          `json:"service" maxLength:"128" doc:"ID of the service"`
	Applicant json.RawMessage `json:"applicant" doc:"Who applies, as in POST /v1/applications"`
}

// AlikeList is its answer, the likeliest first.
type AlikeList struct {
	Found []Found `json:"found"`
}

// Verdict is what holds of a similar case, empty where nobody has said anything.
func (f *Found) Verdict() string {
	if len(f.Said) == 0 {
		return ""
	}
	return f.Said[len(f.Said)-1].Verdict
}

// An Opinion says whether the applicants of two cases are one person.
type Opinion struct {
	Verdict string `json:"verdict" enum:"same,different,open" doc:"open takes back what was said before"`
	Text    string `json:"text" doc:"What was seen"`
	By      string `json:"by"`
	Seat    string `json:"seat"`
	At      Time   `json:"at"`
}

// TieRequest is the body of POST /v1/cases/{number}/ties.
type TieRequest struct {
	Other   protocol.Number `json:"other" doc:"The other case"`
	Verdict string          `json:"verdict" enum:"same,different,open" doc:"Whether the two applicants are one person; open takes back what was said"`
	Text    string          `json:"text" minLength:"1" maxLength:"4000" doc:"What was seen"`
	Saw     int             `json:"saw,omitempty" minimum:"0" doc:"How many opinions on the two there were when the officer looked"`
}

// FoundList is the answer to GET /v1/search and GET /v1/cases/{number}/similar, the
// best first.
type FoundList struct {
	Found    []Found `json:"found"`
	More     bool    `json:"more" doc:"There are more, or too many to look at all: say more"`
	Indexed  int     `json:"indexed" doc:"Applications that this server's index holds"`
	Complete bool    `json:"complete" doc:"That is all of them; false for a while after a start"`
}
