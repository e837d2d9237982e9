package api

import (
	"kendro/domain/place"
	"kendro/protocol"
)

// DoublesPath is where cases are listed that are likely one person's twice.
const DoublesPath = "/v1/doubles"

// A Double is two open cases of one service whose applicants likely are one person.
type Double struct {
	Service     ServiceRef `json:"service"`
	Later       DoubleCase `json:"later" doc:"The one that was filed later: its desk decides about it"`
	Earlier     DoubleCase `json:"earlier"`
	Grade       string     `json:"grade" enum:"likely,doubtful" doc:"Doubtful is one identifier on two people"`
	Score       int        `json:"score" doc:"How strongly they agree: only to compare by, the strongest are listed first"`
	Because     []string   `json:"because" doc:"What agrees and what does not"`
	Identifiers []string   `json:"identifiers,omitempty" doc:"Kinds of identifiers of which both have the same, such as nid"`
	Said        []Opinion  `json:"said,omitempty" doc:"What officers said of the two and took back, the newest last"`
}

// A DoubleCase is one of two. What its reader may not read has no applicant.
type DoubleCase struct {
	Number      protocol.Number `json:"number"`
	Stage       string          `json:"stage"`
	Applicant   *place.Name     `json:"applicant,omitempty" doc:"Absent where the reader may not read the case"`
	Centre      string          `json:"centre" doc:"Empty: it was entered at an office"`
	Seat        string          `json:"seat,omitempty" doc:"Where it lies, post@office"`
	SubmittedAt Time            `json:"submitted_at"`
}

// DoubleList is the answer to GET /v1/doubles. What an officer has said of two cases, while it
// holds, takes them off the list; so does the end of either.
type DoubleList struct {
	Doubles  []Double `json:"doubles"`
	Next     string   `json:"next,omitempty" doc:"Cursor of the following page, absent on the last"`
	Open     int      `json:"open" doc:"Open cases of the reader's office or area"`
	Compared int      `json:"compared" doc:"Those of them that were compared with others so far; ask again for the rest"`
	Indexed  int      `json:"indexed" doc:"Applications that this server's index holds"`
	Complete bool     `json:"complete" doc:"All open cases were compared, and the index holds all applications"`
}
