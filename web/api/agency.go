package api

import (
	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
)

// AgenciesPath is where the agencies of a catalogue are, each under its code.
const AgenciesPath = "/v1/agencies"

// An AgencyRequest is the body of POST /v1/agencies.
type AgencyRequest struct {
	Signed Bytes `json:"signed" doc:"The agency, its editors and its last day, signed by the catalogue's key (CBOR)"`
}

// An Agency is one that has a namespace in the catalogue.
type Agency struct {
	Code    string     `json:"code" doc:"Its services begin with it and a dot"`
	Name    place.Name `json:"name"`
	Kind    string     `json:"kind" enum:"public,private"`
	Editors []string   `json:"editors"`
	Serial  uint64     `json:"serial"`
	Until   *Date      `json:"until" doc:"Last day"`
	Revoked *Time      `json:"revoked,omitempty"`
	Reason  string     `json:"reason,omitempty"`

	Services    []string     `json:"services" doc:"In force"`
	Submissions []Submission `json:"submissions" doc:"The newest first, twenty at most"`
}

// A Submission is what an editor of an agency wanted in force, and what became of it.
type Submission struct {
	Number   uint32       `json:"number"`
	Editor   string       `json:"editor"`
	Came     Time         `json:"came"`
	State    string       `json:"state" enum:"waits,accepted,refused,replaced"`
	Services []dcat.Entry `json:"services"`
	Withdraw []string     `json:"withdraw,omitempty"`
	Note     string       `json:"note,omitempty"`
	By       string       `json:"by,omitempty" doc:"Who accepted or refused it"`
	Reason   string       `json:"reason,omitempty"`
	Release  int          `json:"release,omitempty"`
}

// AgencyList is the answer to GET /v1/agencies.
type AgencyList struct {
	Agencies []Agency `json:"agencies"`
}

// A SubmissionRequest is the body of POST /v1/agencies/{agency}/submissions. The
// signature is what allows it.
type SubmissionRequest struct {
	Versions []Bytes `json:"versions" maxItems:"64"`
	Signed   Bytes   `json:"signed" doc:"What is wanted in force, signed by an editor (CBOR)"`
}

// SubmissionAnswer names a submission.
type SubmissionAnswer struct {
	Number uint32    `json:"number"`
	ID     dcat.Hash `json:"id" doc:"Under which whoever has it reads what became of the submission: the SHA-256 of what was signed"`
}

// WaitingSubmission is the answer to GET /v1/agencies/{agency}/waiting: all that it takes
// to check a submission and to make a release of it.
type WaitingSubmission struct {
	Agency   Bytes   `json:"agency" doc:"As of POST /v1/agencies"`
	Signed   Bytes   `json:"signed"`
	Versions []Bytes `json:"versions"`
	Number   uint32  `json:"number"`

	Changes []ServiceChange `json:"changes,omitempty" doc:"What a release with it would change, by what the hub has in force; who accepts it reckons this again himself"`
}

// A ServiceChange is what a release would change of one service.
type ServiceChange struct {
	Service string                 `json:"service"`
	Name    place.Name             `json:"name"`
	From    int                    `json:"from,omitempty" doc:"Version in force; absent: the service is new"`
	To      int                    `json:"to,omitempty" doc:"Absent: it is withdrawn"`
	Parts   []catalogue.Alteration `json:"parts,omitempty" doc:"What is otherwise; of a new service what it has"`
}

// AgencyWord is the body of POST /v1/agencies/{agency}/refuse and /revoke.
type AgencyWord struct {
	Reason string `json:"reason" minLength:"1" maxLength:"512"`
}
