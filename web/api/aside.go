package api

import "kendro/protocol"

// AsidesPath is where a box says what the district did not take of its union's acts.
const AsidesPath = "/v1/asides"

// An Aside is an act of an officer's at his union's box that the district did not take, has
// yet to take, or has overturned.
type Aside struct {
	ID      string          `json:"id" doc:"SHA-256 of the act's event, as its receipt has it"`
	Number  protocol.Number `json:"number"`
	Service *ServiceRef     `json:"service,omitempty" doc:"Absent where this box does not have the application"`
	Action  string          `json:"action"`
	Actor   string          `json:"actor"`
	Post    string          `json:"post,omitempty" doc:"In which it was done, post@office"`
	At      Time            `json:"at" doc:"When it was done, by the box's clock"`

	State string `json:"state" enum:"set-aside,waits,held,overturned,counts,refused,settled" doc:"What has become of it: it does not fit the case at the hub; the office above has yet to confirm it; it was done after the box was revoked; what it rested on was put right since; it was confirmed; it was refused; it does not count, and what it left is settled"`
	Next  string `json:"next" enum:"wait,hub-desk,recall,nothing" doc:"What the union's officers do: wait for the office above; go on with the case at the hub's desk; the same, and get back the certificate that was printed; nothing"`
	Text  string `json:"text,omitempty" doc:"Why"`
	Owner string `json:"owner,omitempty" doc:"Who decides about it, post@office; overturned: where the case lies since"`
	Since Time   `json:"since" doc:"When the district said so first"`

	Certificate string `json:"certificate,omitempty" doc:"Its number, where one was issued by it"`
	Outcome     string `json:"outcome,omitempty" doc:"What came of the item at the hub"`
	Words       string `json:"words,omitempty" doc:"Of whoever settled it"`
	Settled     *Time  `json:"settled,omitempty"`

	ReadBy string `json:"read_by,omitempty" doc:"The officer of the union who has read it as it is now"`
	ReadAt *Time  `json:"read_at,omitempty"`
}

// An AsideList is the answer to GET /v1/asides.
type AsideList struct {
	Asides []Aside `json:"asides" doc:"What nobody of the union has read first, then the newest"`
	Unread int     `json:"unread"`
	More   int     `json:"more" doc:"How many are not listed"`
	AsOf   Time    `json:"as_of" doc:"When this box last heard from the district"`
}
