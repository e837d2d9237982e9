package api

import "kendro/protocol"

// CallsPath is where calls at the phone desk are answered and read.
const CallsPath = "/v1/calls"

// What a caller was told, beside the name of a stage.
const (
	ToldUnknown = "unknown" // There is no application of that number.
	ToldSearch  = "search"  // He had no number, and was looked for by what he said.
)

// A CallRequest is the body of POST /v1/calls.
type CallRequest struct {
	Number string `json:"number,omitempty" maxLength:"128" doc:"Receive number, Bangla or Latin digits"`
	Found  *int   `json:"found,omitempty" minimum:"0" doc:"Without a number: how many cases were found by what the caller said. What he said is not sent"`
}

// A CallAnswer is what to tell: for a number, what anybody with it may know.
type CallAnswer struct {
	Tracking *Tracking `json:"tracking,omitempty"`
}

// A PhoneCall is who told a caller what. It names nobody but whoever answered.
type PhoneCall struct {
	At     Time            `json:"at"`
	User   string          `json:"user" doc:"Login of whoever answered"`
	Post   string          `json:"post,omitempty"`
	Office string          `json:"office,omitempty"`
	Number protocol.Number `json:"number,omitempty" doc:"That was asked about; absent where there was none, or no such application"`
	Told   string          `json:"told" doc:"The stage, unknown or search"`
	Found  *int            `json:"found,omitempty" doc:"By a search"`
}

// A CallList is the answer to GET /v1/calls, the newest first.
type CallList struct {
	Server string      `json:"server" doc:"Whose calls these are: each keeps its own"`
	Calls  []PhoneCall `json:"calls"`
	More   bool        `json:"more,omitempty" doc:"Further ones are not listed"`
}
