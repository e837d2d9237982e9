package api

import (
	"kendro/domain/place"
	"kendro/protocol"
)

// A Found is one application that a search found, or that is like another. Reading
// the whole record is a call of its own, and is recorded.
type Found struct {
	Number      protocol.Number `json:"number"`
	Service     ServiceRef      `json:"service"`
	Stage       string          `json:"stage"`
	Applicant   place.Name      `json:"applicant"`
	Centre      string          `json:"centre"`
	SubmittedAt Time            `json:"submitted_at"`
	Fit         int             `json:"fit" doc:"0 to 100: how well the name fits, 100 where a number was asked for"`
	Grade       string          `json:"grade,omitempty" enum:"possible,likely,doubtful" doc:"Of a similar case: doubtful is one identifier on two people"`
	Because     []string        `json:"because,omitempty" doc:"Of a similar case: what agrees and what does not"`
}

// FoundList is the answer to GET /v1/search and GET /v1/cases/{number}/similar, the
// best first.
type FoundList struct {
	Found    []Found `json:"found"`
	More     bool    `json:"more" doc:"There are more, or too many to look at all: say more"`
	Indexed  int     `json:"indexed" doc:"Applications that this server's index holds"`
	Complete bool    `json:"complete" doc:"That is all of them; false for a while after a start"`
}
