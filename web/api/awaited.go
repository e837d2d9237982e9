package api

import "kendro/protocol"

// AwaitedPath is what waits for other authorities' registers.
const AwaitedPath = "/v1/awaited"

// A ConnectorStatus is how the way to another authority's register is. Trouble and what
// follows it are what the server saw that was asked: only the one that leads calls the
// register.
type ConnectorStatus struct {
	Name     string            `json:"name" doc:"As services have it"`
	Set      bool              `json:"set" doc:"The server's settings say where it is; without that nobody is asked"`
	Host     string            `json:"host,omitempty" doc:"Where that is, for those who may see how servers are, as is text"`
	Waiting  int               `json:"waiting"`
	Oldest   *Time             `json:"oldest,omitempty" doc:"Since when the first of them waits"`
	Trouble  string            `json:"trouble,omitempty" enum:"files,unreachable,server,handshake,denied,fails,answer,own"`
	Text     string            `json:"text,omitempty" doc:"What exactly, in English"`
	Since    *Time             `json:"since,omitempty" doc:"Of the first failure in a row"`
	Again    *Time             `json:"again,omitempty" doc:"No call before"`
	Failures map[string]uint64 `json:"failures,omitempty" doc:"Calls without an answer, by what came of them, since the server was started"`
	Answered uint64            `json:"answered"`
}

// An AwaitedCase is a case that waits for another register.
type AwaitedCase struct {
	Number    protocol.Number `json:"number"`
	Service   ServiceRef      `json:"service"`
	Connector string          `json:"connector"`
	Since     Time            `json:"since"`
	Seat      string          `json:"seat"`
	Holder    string          `json:"holder,omitempty"`
	Tries     int             `json:"tries" doc:"How often it was asked about by the server that answers, since it leads"`
	Asked     *Time           `json:"asked,omitempty"`
	Said      string          `json:"said,omitempty" doc:"pending, or what trouble came instead of an answer"`
}

// An AwaitedList is the answer to GET /v1/awaited: the queues to other registers, and of
// the cases in them those that the reader may list, the oldest first.
type AwaitedList struct {
	Server    string            `json:"server" doc:"That answers …"`
	Leader    string            `json:"leader,omitempty" doc:"… and that calls the registers"`
	Registers []ConnectorStatus `json:"registers"`
	Cases     []AwaitedCase     `json:"cases"`
	More      bool              `json:"more,omitempty" doc:"There may be more cases than are listed"`
}
